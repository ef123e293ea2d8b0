// Vectors that begin on a cache line: a 64-byte load that straddles two lines costs two.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace spanscope::cpu {

template <class T>
struct LineAllocator {
    using value_type = T;
    static constexpr std::align_val_t kLine{64};
    LineAllocator() = default;
    template <class U>
    LineAllocator(const LineAllocator<U>&) {}
    T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kLine)); }
    void deallocate(T* p, size_t) { ::operator delete(p, kLine); }
    template <class U>
    bool operator==(const LineAllocator<U>&) const {
        return true;
    }
};

template <class T>
using LineVector = std::vector<T, LineAllocator<T>>;

/// Memory in large pages where the system has them, for many small arrays that are read in their order: in pages of 4
/// KB each begins with a walk through the page table.
struct LargePages {
    static constexpr std::align_val_t kPage{2u << 20};
    struct Free {
        void operator()(uint8_t* p) const { ::operator delete(p, kPage); }
    };
    using Owner = std::unique_ptr<uint8_t[], Free>;
    /// Whatever is there. Throws std::bad_alloc.
    static Owner make(size_t n) {
        Owner memory(static_cast<uint8_t*>(::operator new(n, kPage)));
        madvise(memory.get(), n, MADV_HUGEPAGE);
        return memory;
    }
    static Owner zeros(size_t n) {
        Owner memory = make(n);
        std::uninitialized_value_construct_n(memory.get(), n);
        return memory;
    }
};

}  // namespace spanscope::cpu
