// Attention of a prefill chunk: many queries of one sequence, each run of queries with its own visible list.
#pragma once

#include "kernels/cuda/device.h"
#include "kernels/cuda/step/step_types.h"

namespace spanscope::cuda {

inline constexpr int kPrefillTile = 64;  ///< queries per block, and keys per step

/// A run of queries, in absolute positions, and its slice of the interval array.
struct DeviceRun {
    int32_t begin = 0, end = 0;
    int32_t firstInterval = 0, nIntervals = 0;
};

struct PrefillAttentionParams {
    const void* q = nullptr;  ///< (n, nHeads, headDim) in qType, rotated
    void* out = nullptr;      ///< (n, nHeads, headDim) in qType
    Element qType = Element::F32;
    const void* kv = nullptr;        ///< the layer's pool
    Element kvType = Element::F32;   ///< tensor cores where kvType == qType is 16-bit and headDim is 32, 64, 96, 128 or
                                     ///< 256
    const int32_t* table = nullptr;  ///< logical page -> page
    int32_t n = 0;                   ///< queries
    int32_t position0 = 0;           ///< position of query 0
    int32_t nHeads = 0, nKvHeads = 0, headDim = 0;
    float scale = 0.f;    ///< of query . key
    float softcap = 0.f;  ///< c tanh(score / c) before softmax; 0: none
    int32_t window = 0;   ///< a query reads the newest so many tokens of its list, itself among them; 0: all
    const DeviceRun* runs = nullptr;  ///< (nRuns) in order, covering [position0, position0 + n)
    int32_t nRuns = 0;
    const Interval* intervals = nullptr;
    // Written by launchPrefillPlan() once per chunk and window, read in every layer that has it.
    uint32_t* tiles = nullptr;  ///< (query tiles, maxKeyTiles): key tile << 1 | every pair visible
    int32_t* nTiles = nullptr;  ///< (query tiles)
    int32_t maxKeyTiles = 0;
    float scaleLog2 = 0.f;  ///< scores times this are in base 2; set by the launcher
    float capScale = 0.f;   ///< with a soft cap, scores become tanh(score * capScale) first; set by the launcher
};

/// Which key tiles each tile of queries has to look at.
cudaError_t launchPrefillPlan(const LaunchContext& ctx, const PrefillAttentionParams& params);
cudaError_t launchPrefillAttention(const LaunchContext& ctx, const PrefillAttentionParams& params);
/// The kernel that it takes where there are no tensor cores for it; scaleLog2 and capScale are set.
cudaError_t launchPrefillPlain(const LaunchContext& ctx, const PrefillAttentionParams& params);
/// Once per process and device, before the first launch: raises the kernels' limits of shared memory.
cudaError_t preparePrefillAttention(const LaunchContext& ctx);

}  // namespace spanscope::cuda
