// Copies from device memory into shared memory that nobody waits for, by the copy engine of compute capability 9.0:
// whole tiles, counted in by an mbarrier, so that bytes in flight cost no registers. And what blocks of a cluster
// share.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace spanscope::cuda {

__device__ __forceinline__ uint32_t sharedAddress(const void* p) {
    return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}

/// Lines so loaded are the first to leave L2: bytes read once must not push out what is read again.
__device__ __forceinline__ uint64_t evictFirst() {
    uint64_t policy = 0;
#if __CUDA_ARCH__ >= 800
    asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
#endif
    return policy;
}
__device__ __forceinline__ void initBarrier(uint64_t* barrier, uint32_t nArrivals) {
#if __CUDA_ARCH__ >= 900
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(nArrivals) : "memory");
#endif
}
/// Makes initialised barriers visible to the copy engine; before the first copy.
__device__ __forceinline__ void publishBarriers() {
#if __CUDA_ARCH__ >= 900
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}
/// The barrier's only arrival: its phase ends when copies of nBytes in all have come.
__device__ __forceinline__ void expectBytes(uint64_t* barrier, uint32_t nBytes) {
#if __CUDA_ARCH__ >= 900
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(nBytes)
                 : "memory");
#endif
}
/// Starts a copy of nBytes (multiple of 16, both sides aligned to 16), which the barrier expects.
__device__ __forceinline__ void copyBulk(void* to, const void* from, uint32_t nBytes, uint64_t* barrier,
                                         uint64_t policy) {
#if __CUDA_ARCH__ >= 900
    const uint32_t bar = sharedAddress(barrier);
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], %4;" ::
            "r"(sharedAddress(to)),
        "l"(from), "r"(nBytes), "r"(bar), "l"(policy)
        : "memory");
#endif
}
/// The same for bytes that other blocks read too.
__device__ __forceinline__ void copyBulk(void* to, const void* from, uint32_t nBytes, uint64_t* barrier) {
#if __CUDA_ARCH__ >= 900
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                     sharedAddress(to)),
                 "l"(from), "r"(nBytes), "r"(sharedAddress(barrier))
                 : "memory");
#endif
}
__device__ __forceinline__ void waitBarrier(uint64_t* barrier, uint32_t parity) {
#if __CUDA_ARCH__ >= 900
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
#endif
}

// Blocks of a cluster: a barrier over all of them, and reads of another block's shared memory.
__device__ __forceinline__ uint32_t clusterRank() {
    uint32_t r = 0;
#if __CUDA_ARCH__ >= 900
    asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(r));
#endif
    return r;
}
__device__ __forceinline__ uint32_t clusterSize() {
    uint32_t n = 1;
#if __CUDA_ARCH__ >= 900
    asm volatile("mov.u32 %0, %%cluster_nctarank;" : "=r"(n));
#endif
    return n;
}
__device__ __forceinline__ void clusterArrive() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
#endif
}
__device__ __forceinline__ void clusterWait() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
#endif
}
__device__ __forceinline__ float loadOfBlock(const float* mine, uint32_t rank) {
    float v = 0.f;
#if __CUDA_ARCH__ >= 900
    uint32_t at;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(at) : "r"(sharedAddress(mine)), "r"(rank));
    asm volatile("ld.shared::cluster.f32 %0, [%1];" : "=f"(v) : "r"(at));
#endif
    return v;
}
__device__ __forceinline__ float2 loadOfBlock(const float2* mine, uint32_t rank) {
    float2 v = make_float2(0.f, 0.f);
#if __CUDA_ARCH__ >= 900
    uint32_t at;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(at) : "r"(sharedAddress(mine)), "r"(rank));
    asm volatile("ld.shared::cluster.v2.f32 {%0,%1}, [%2];" : "=f"(v.x), "=f"(v.y) : "r"(at));
#endif
    return v;
}

__device__ __forceinline__ float4 loadOfBlock(const float4* mine, uint32_t rank) {
    float4 v = make_float4(0.f, 0.f, 0.f, 0.f);
#if __CUDA_ARCH__ >= 900
    uint32_t at;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(at) : "r"(sharedAddress(mine)), "r"(rank));
    asm volatile("ld.shared::cluster.v4.f32 {%0,%1,%2,%3}, [%4];"
                 : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
                 : "r"(at));
#endif
    return v;
}

}  // namespace spanscope::cuda
