// The matrices of a step once more, in large pages and in the order in which a step reads them. Weights lie in a mapped
// file, whose pages have 4 KB: on a virtual machine, where each walk through a page table is two, such memory is read
// at a third of the speed.
#pragma once

#include <cstddef>

#include "kernels/backend.h"
#include "kernels/cpu/aligned.h"
#include "kernels/cpu/thread_pool.h"

namespace spanscope::cpu {

class WeightCopies {
  public:
    /// Where the system has large pages and a quarter of the free memory holds the matrices, they are copied and the
    /// views of `weights` point to the copies; otherwise nothing happens. An embedding that is no head stays: of it
    /// only rows are read.
    void take(ModelWeights& weights, ThreadPool& pool);
    size_t nBytes() const { return m_nBytes; }

  private:
    LargePages::Owner m_memory;
    size_t m_nBytes = 0;
};

}  // namespace spanscope::cpu
