// Models that exist as shapes only: weights drawn from a seed, for measuring speed without a download. Their
// text is noise; their cost is that of the real thing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kernels/backend.h"
#include "kernels/result.h"

namespace spanscope {

class RandomWeights {
  public:
    /// shape: llama-160m, llama-1b, llama-7b. type: every matrix's format. InvalidArgument for another name,
    /// OutOfMemory with the bytes wanted, also where they are more than maxBytes: the system hands out memory that it
    /// has not got and ends the process later. Cancelled if progress, asked before every matrix, says so.
    static Result<std::unique_ptr<RandomWeights>> create(const std::string& shape, DType type, uint64_t seed = 1,
                                                         uint64_t maxBytes = UINT64_MAX,
                                                         const ProgressFn& progress = {});
    ~RandomWeights();
    RandomWeights(const RandomWeights&) = delete;
    RandomWeights& operator=(const RandomWeights&) = delete;

    size_t nBytes() const { return m_nBytes; }
    const ModelWeights& weights() const { return m_weights; }

  private:
    RandomWeights() = default;
    ModelWeights m_weights;
    void* m_memory = nullptr;
    size_t m_nBytes = 0;
};

/// Bytes of weights one decode step reads: every matrix and the head, one row of the embedding.
uint64_t weightBytesPerStep(const ModelWeights& weights);

/// "f32", "bf16", "q8_0", ..; false if there is no such format.
bool dtypeFromName(const std::string& name, DType& type);

}  // namespace spanscope
