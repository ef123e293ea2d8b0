// Models that exist as shapes only: weights drawn from a seed, for measuring speed without a download. Their
// text is noise; their cost is that of the real thing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/result.h"

namespace spanscope {

class RandomWeights {
  public:
    /// Names of shapes, smallest first.
    static std::vector<std::string> shapes();
    /// shape: one of shapes(). type: every matrix's format. InvalidArgument for another name and for rows that are not
    /// whole blocks; OutOfMemory with the bytes wanted, also where they are more than maxBytes: the system hands out
    /// memory that it has not got and ends the process later. Cancelled if progress, asked before every matrix, says
    /// so.
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

}  // namespace spanscope
