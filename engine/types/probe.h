// What inspect mode finds out about a step: attention weights and next-token distributions, dense against what
// the model named. Plain values for the window and the CLI. Never part of a measured run.
//
// The dense reference is a dense pass over the same tokens (teacher-forced), so steps stay comparable after the two
// modes would have parted. Distributions are at temperature 1, before any sampler; logarithms are natural.
// Attention mass says where weights went, not why the answer came out: lead with the divergence.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/types/interval.h"

namespace spanscope {

struct TokenChoice {
    int32_t id = 0;
    std::string text;
    float logprob = 0;
};

/// Attention mass of one context position, mean over all layers and heads.
struct PositionMass {
    int32_t position = 0;
    float mass = 0;
};

/// How far two next-token distributions are apart.
struct Divergence {
    double klNats = 0;            ///< KL(reference || other)
    bool sameTop = true;          ///< both would choose the same token
    int32_t rankOfReference = 0;  ///< where `other` ranks the reference's choice; 0 = also first
};

struct StepProbe {
    int64_t runId = 0;
    int32_t step = 0;
    int32_t position = 0;
    int32_t nLayers = 0, nHeads = 0;
    SharedIntervals visible;  ///< the list that was probed against dense

    std::vector<float> massKept;        ///< (nLayers, nHeads) share of dense mass inside the list
    std::vector<float> massKeptNoSink;  ///< the same without the first token on both sides; 1 where nothing is left
    int32_t layer = -1, head = -1;      ///< whose probabilities follow; -1 = mean over all
    bool most = false;                  ///< the largest of all heads at each position instead of the mean
    std::vector<float> dense;           ///< (position + 1) sums to 1, but for `most`
    std::vector<float> restricted;      ///< (position + 1) under the list; 0 outside it

    std::vector<PositionMass> missed;  ///< outside the list, most dense mass first
    std::vector<PositionMass> wasted;  ///< inside the list (own segment and sink too), least dense mass first
    Divergence divergence;             ///< dense against the list
    std::vector<TokenChoice> topDense, topRestricted;
};

struct ProbeSettings {
    int32_t layer = -1, head = -1;  ///< -1 = all of them
    int32_t nPositions = 32;        ///< in missed and wasted
    int32_t nTop = 8;
    bool most = false;  ///< of several heads the largest at each position, not the mean
};

/// A step again under a list that a person edited.
struct StepEdit {
    int64_t runId = 0;
    int32_t step = 0;
    IntervalList before, after;
    int32_t attendedBefore = 0, attendedAfter = 0, loadedBefore = 0, loadedAfter = 0;
    std::vector<TokenChoice> topDense, topBefore, topAfter;
    Divergence denseToBefore, denseToAfter, beforeToAfter;
};

/// KL(dense || list) of every step of a run, teacher-forced; where each head read a list of its own, under those.
struct DivergenceCurve {
    int64_t runId = 0;
    std::vector<float> klNats;                     ///< (nSteps)
    std::vector<uint8_t> sameTop;                  ///< (nSteps) 0 where the two would choose differently
    std::vector<int32_t> topDense, topRestricted;  ///< (nSteps) token ids
    int32_t firstDifferent = -1;                   ///< step; -1: nowhere
    /// (nSteps) share of the dense attention mass that is on what the step reads, mean over layers and heads; empty: it
    /// was not asked for.
    std::vector<float> massKept;
};

}  // namespace spanscope
