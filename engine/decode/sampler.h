// Picks the next token from logits. Own generator, seeded, so that a run can be repeated on any machine.
// Stages and their order as in llama.cpp: penalties, top-k, top-p, min-p, temperature, draw. A stage at its
// neutral value is left out. Owned by one run; one thread.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "engine/types/sampler_settings.h"
#include "kernels/result.h"

namespace spanscope {

struct SampledToken {
    int32_t id = 0;
    float logprob = 0;  ///< natural log, temperature 1, of the untouched logits: what the model thought of it
};

class Sampler {
  public:
    /// forbidden: ids that are never drawn, sorted.
    explicit Sampler(const SamplerSettings& settings, std::vector<int32_t> forbidden = {});

    /// False: greedy without penalty, so an arg max is all it needs, as long as that is not forbidden.
    bool needsLogits() const;
    bool isForbidden(int32_t id) const;

    /// Tells the penalty window about a token of prompt or response. Only the last repeatLastN count.
    void accept(int32_t token);

    /// logits: (vocab), not empty. Ties go to the lower id. Non-finite logits are never drawn (unless all are).
    SampledToken sample(std::span<const float> logits);
    /// The same, with the largest logit that a backend has found already; logits may be empty
    /// unless needsLogits() or what was found isForbidden().
    SampledToken sample(std::span<const float> logits, SampledToken greedy);

    /// Goes on from where `other`, of the same settings, is: the same random numbers come next.
    void follow(const Sampler& other);

    /// As if `n` tokens had been sampled.
    void skip(uint64_t n);

    const SamplerSettings& settings() const { return m_settings; }

  private:
    struct Candidate {
        int32_t id;
        float logit;
    };
    void penalise();
    void keepTopK();
    void keepTopP();
    void keepMinP();
    int32_t draw();

    SamplerSettings m_settings;
    std::vector<int32_t> m_forbidden;
    std::mt19937_64 m_random;
    std::vector<int32_t> m_recent;  // ring of the last repeatLastN tokens
    size_t m_recentNext = 0;
    std::vector<Candidate> m_candidates;  // scratch
    std::vector<double> m_weights;        // scratch
};

/// log softmax of one entry, accumulated in double.
float logProbability(std::span<const float> logits, int32_t id);

}  // namespace spanscope
