// Activations of one chunk of a prompt, feature-major (gemm.h): (panels, features, 64) each.
#pragma once

#include <memory>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cpu/aligned.h"

namespace spanscope::cpu {

struct PrefillBuffers {
    int64_t maxTokens = 0;          ///< whole panels
    LineVector<float> x;            ///< (hidden): the residual stream
    LineVector<float> normed;       ///< (hidden): x normalised; later a product that is still to be normalised
    LineVector<float> qkv;          ///< (heads * headDim): queries, keys, values
    LineVector<float> mixed, gate;  ///< (nHeads * headDim): what attention gives; (ffn)
    LineVector<float> lowRank;      ///< (rank) of the matrices that share an input, each a range of whole panels: A x
    /// Of each rope (panels, its pairs, 64); rope r begins at maxTokens * pairsBefore(r).
    LineVector<float> cosines, sines;
    std::vector<LineVector<float>> scratch;  ///< per thread: widened rows, then the up rows of a block, or attention

    /// Throws std::bad_alloc.
    static std::unique_ptr<PrefillBuffers> make(const ModelShape& shape, int64_t maxTokens, int64_t maxRank,
                                                int32_t nThreads);
    size_t nBytes() const;
};

}  // namespace spanscope::cpu
