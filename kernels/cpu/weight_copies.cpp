#include "kernels/cpu/weight_copies.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <new>
#include <string>
#include <vector>

#include "kernels/backends.h"
#include "kernels/model_tensors.h"
#include "kernels/process_limits.h"

namespace spanscope::cpu {

namespace {

constexpr size_t kLeast = 16u << 20;  // below that the caches hold much of it
constexpr uint64_t kShareOfFree = 4;
constexpr size_t kPiece = 1u << 20;

bool hasLargePages() {
    std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
    std::string line;
    return std::getline(file, line) && line.find("[never]") == std::string::npos;
}

struct Copy {
    TensorView* view;
    size_t nBytes, at;
};

}  // namespace

void WeightCopies::take(ModelWeights& weights, ThreadPool& pool) {
    std::vector<Copy> copies;
    size_t total = 0;
    forEachTensor(weights, [&](TensorView& t, const TensorSpec&, int32_t) {
        if (!t || t.rows < 2 || (&t == &weights.embedding && weights.head)) return;
        copies.push_back({&t, t.nBytes(), total});
        total += (t.nBytes() + 63) / 64 * 64;
    });
    if (cpuCopiedBytes(total) == 0) return;
    try {
        m_memory = LargePages::make(total);
    } catch (const std::bad_alloc&) {
        return;  // the weights where they are do as well
    }
    m_nBytes = total;
    for (const Copy& copy : copies) {
        const auto* from = static_cast<const uint8_t*>(copy.view->data);
        uint8_t* to = m_memory.get() + copy.at;
        pool.parallelFor(static_cast<int64_t>((copy.nBytes + kPiece - 1) / kPiece), [&](int64_t piece, int32_t) {
            const size_t first = static_cast<size_t>(piece) * kPiece;
            std::memcpy(to + first, from + first, std::min(kPiece, copy.nBytes - first));
        });
        copy.view->data = to;
    }
}

}  // namespace spanscope::cpu

namespace spanscope {

uint64_t cpuCopiedBytes(uint64_t matrixBytes) {
    const bool worthIt = matrixBytes >= cpu::kLeast && matrixBytes <= freeMemoryBytes() / cpu::kShareOfFree;
    return worthIt && cpu::hasLargePages() ? matrixBytes : 0;
}

}  // namespace spanscope
