// What the fuzz targets share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "engine/model/model.h"
#include "kernels/model_tensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace spanscope::fuzz {

/// Reads every byte that a tensor claims, so that a view outside its file is found.
inline uint64_t readAll(const ModelWeights& weights) {
    uint64_t sum = 0;
    forEachTensor(weights, [&sum](const TensorView& view, const TensorSpec&, int32_t) {
        const auto* bytes = static_cast<const uint8_t*>(view.data);
        for (size_t i = 0; bytes != nullptr && i < view.nBytes(); ++i) sum += bytes[i];
    });
    return sum;
}

/// A result that must not be optimised away.
inline void keep(uint64_t value) { asm volatile("" : : "r"(value)); }

/// A broken promise of the code under test.
inline void require(bool holds) {
    if (!holds) __builtin_trap();
}

/// Every error has a message and names its file.
inline void checkError(const Error& error) { require(!error.message.empty() && !error.toString().empty()); }

/// A file in memory with a path, for readers that want one.
class MemoryFile {
  public:
    MemoryFile(const uint8_t* data, size_t size);
    ~MemoryFile();
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    std::string path() const { return "/proc/self/fd/" + std::to_string(m_fd); }

  private:
    int m_fd;
};

}  // namespace spanscope::fuzz
