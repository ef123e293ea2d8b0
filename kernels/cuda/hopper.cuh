// What compute capability 9.0 adds: bulk asynchronous copies from device memory to shared memory, whose bytes an
// mbarrier counts, so that bytes in flight cost no registers and nobody waits for them; clusters of blocks, and reads
// of another block's shared memory (distributed shared memory).
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

/// Whether this pass of the compiler is for compute capability 9.0 or later, or for the host. A kernel that uses what
/// stands below has a body in such passes only: launchers take it nowhere else (LaunchContext::bulkCopies).
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
#define SPANSCOPE_SM90 1
#else
#define SPANSCOPE_SM90 0
#endif

namespace spanscope::cuda {

__device__ __forceinline__ uint32_t sharedAddress(const void* p) {
    return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}

/// L2 cache policy of bytes that are read once: they are evicted before what is read again.
__device__ __forceinline__ uint64_t evictFirstPolicy() {
    uint64_t policy;
    asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
    return policy;
}
__device__ __forceinline__ void initBarrier(uint64_t* barrier, uint32_t nArrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(nArrivals) : "memory");
}
/// Makes initialised barriers visible to the asynchronous proxy; before the first copy.
__device__ __forceinline__ void fenceBarrierInit() {
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
/// The barrier's only arrival: its phase completes when copies of nBytes in all have arrived.
__device__ __forceinline__ void arriveExpectBytes(uint64_t* barrier, uint32_t nBytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(nBytes)
                 : "memory");
}
/// Starts a copy of nBytes (multiple of 16, both sides aligned to 16) that the barrier counts.
__device__ __forceinline__ void bulkCopy(void* to, const void* from, uint32_t nBytes, uint64_t* barrier,
                                         uint64_t policy) {
    const uint32_t bar = sharedAddress(barrier);
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], %4;" ::
            "r"(sharedAddress(to)),
        "l"(from), "r"(nBytes), "r"(bar), "l"(policy)
        : "memory");
}
/// The same for bytes that other blocks read too.
__device__ __forceinline__ void bulkCopy(void* to, const void* from, uint32_t nBytes, uint64_t* barrier) {
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                     sharedAddress(to)),
                 "l"(from), "r"(nBytes), "r"(sharedAddress(barrier))
                 : "memory");
}
__device__ __forceinline__ void waitBarrier(uint64_t* barrier, uint32_t parity) {
    asm volatile(
        "{\n"
        ".reg .pred done;\n"
        "again:\n"
        "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
        "@done bra finished;\n"
        "bra again;\n"
        "finished:\n"
        "}" ::"r"(sharedAddress(barrier)),
        "r"(parity)
        : "memory");
}

// Clusters.
__device__ __forceinline__ uint32_t clusterRank() {
    uint32_t r;
    asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(r));
    return r;
}
__device__ __forceinline__ uint32_t clusterSize() {
    uint32_t n;
    asm volatile("mov.u32 %0, %%cluster_nctarank;" : "=r"(n));
    return n;
}
__device__ __forceinline__ void clusterArrive() {
    asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
}
__device__ __forceinline__ void clusterWait() { asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory"); }
/// The value that block `rank` of the cluster has where `mine` is in this block's shared memory.
__device__ __forceinline__ float loadFromRank(const float* mine, uint32_t rank) {
    float v;
    uint32_t at;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(at) : "r"(sharedAddress(mine)), "r"(rank));
    asm volatile("ld.shared::cluster.f32 %0, [%1];" : "=f"(v) : "r"(at));
    return v;
}
__device__ __forceinline__ float2 loadFromRank(const float2* mine, uint32_t rank) {
    float2 v;
    uint32_t at;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(at) : "r"(sharedAddress(mine)), "r"(rank));
    asm volatile("ld.shared::cluster.v2.f32 {%0,%1}, [%2];" : "=f"(v.x), "=f"(v.y) : "r"(at));
    return v;
}

__device__ __forceinline__ float4 loadFromRank(const float4* mine, uint32_t rank) {
    float4 v;
    uint32_t at;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(at) : "r"(sharedAddress(mine)), "r"(rank));
    asm volatile("ld.shared::cluster.v4.f32 {%0,%1,%2,%3}, [%4];"
                 : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
                 : "r"(at));
    return v;
}

}  // namespace spanscope::cuda
