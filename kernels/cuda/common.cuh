// Device helpers: vector loads with the cache policy each stream of bytes wants, conversions, tensor core products,
// programmatic dependent launch.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/device.h"
#include "kernels/cuda/matrix/matrix.h"

namespace spanscope::cuda {

using Bf16 = __nv_bfloat16;
using Half = __half;

template <class T>
inline constexpr Element kElementOf = Element::F32;
template <>
inline constexpr Element kElementOf<Half> = Element::F16;
template <>
inline constexpr Element kElementOf<Bf16> = Element::BF16;

/// A number known when compiling, as an argument.
template <int i>
struct Index {
    static constexpr int value = i;
};

/// Programmatic dependent launch. A kernel may begin while the one before it still runs; gridDependencySync() waits
/// until that one and all before it have finished and their writes are visible, and launchDependents() allows the next
/// kernel to begin once every block has called it. Rules of a step's kernels:
///  - Every block calls gridDependencySync(), and writes nothing to device memory before it.
///  - launchDependents() comes after gridDependencySync(). So when a kernel begins, all kernels two or more launches
///    back have finished: before its gridDependencySync() it may read what they wrote, and weights.
///  - Exception: rmsNormKernel calls launchDependents() first. A product follows it, which reads nothing but weights
///    before its own gridDependencySync(), and calls launchDependents() after that.
__device__ __forceinline__ void gridDependencySync() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
__device__ __forceinline__ void launchDependents() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/// Prefetches block `block`'s part into L2. Called by one thread: the address of a bulk prefetch is a uniform register.
__device__ __forceinline__ void prefetchWeights(const WeightPrefetch& a, int64_t block) {
#if __CUDA_ARCH__ >= 900
    constexpr int32_t kPrefetchBytes = 16384;  // of one instruction
    const char* at = static_cast<const char*>(a.base) + block * a.stride;
#pragma unroll 1
    for (int32_t from = 0; from < a.perBlock; from += kPrefetchBytes) {
        const uint32_t nBytes = min(kPrefetchBytes, a.perBlock - from);
        asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(at + from), "r"(nBytes) : "memory");
    }
#endif
}

/// Weights: read once per step, never written: streamed past L1.
__device__ __forceinline__ uint4 loadWeights16(const void* p) {
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0,%1,%2,%3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(p));
    return v;
}
/// KV: also read once, but the kernel before may still write other pages, so not through the read-only path.
__device__ __forceinline__ uint4 loadKv16(const void* p) {
    uint4 v;
    asm volatile("ld.global.L1::no_allocate.L2::128B.v4.u32 {%0,%1,%2,%3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(p));
    return v;
}
__device__ __forceinline__ uint2 loadKv8(const void* p) {
    uint2 v;
    asm volatile("ld.global.L1::no_allocate.L2::128B.v2.u32 {%0,%1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(p));
    return v;
}

__device__ __forceinline__ float toFloat(float v) { return v; }
__device__ __forceinline__ float toFloat(Half v) { return __half2float(v); }
__device__ __forceinline__ float toFloat(Bf16 v) { return __bfloat162float(v); }
template <class T>
__device__ __forceinline__ T fromFloat(float v);
template <>
__device__ __forceinline__ float fromFloat<float>(float v) {
    return v;
}
template <>
__device__ __forceinline__ Half fromFloat<Half>(float v) {
    return __float2half_rn(v);
}
template <>
__device__ __forceinline__ Bf16 fromFloat<Bf16>(float v) {
    return __float2bfloat16_rn(v);
}

/// Two packed 16-bit values <-> floats.
template <class T>
__device__ __forceinline__ float2 unpack2(uint32_t u);
template <>
__device__ __forceinline__ float2 unpack2<Bf16>(uint32_t u) {
    return make_float2(__uint_as_float(u << 16), __uint_as_float(u & 0xffff0000u));
}
template <>
__device__ __forceinline__ float2 unpack2<Half>(uint32_t u) {
    return __half22float2(*reinterpret_cast<const __half2*>(&u));
}
template <class T>
__device__ __forceinline__ uint32_t pack2(float lo, float hi);
template <>
__device__ __forceinline__ uint32_t pack2<Bf16>(float lo, float hi) {
    const __nv_bfloat162 v = __floats2bfloat162_rn(lo, hi);
    return *reinterpret_cast<const uint32_t*>(&v);
}
template <>
__device__ __forceinline__ uint32_t pack2<Half>(float lo, float hi) {
    const __half2 v = __floats2half2_rn(lo, hi);
    return *reinterpret_cast<const uint32_t*>(&v);
}

/// c (16x8, f32) += a (16x16) * b (16x8), operands in T; fragment layout of mma.m16n8k16.
template <class T>
__device__ __forceinline__ void mma16816(float (&c)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0,
                                         uint32_t b1);
template <>
__device__ __forceinline__ void mma16816<Bf16>(float (&c)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3,
                                               uint32_t b0, uint32_t b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}
template <>
__device__ __forceinline__ void mma16816<Half>(float (&c)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3,
                                               uint32_t b0, uint32_t b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

__device__ __forceinline__ float warpSum(float v) {
#pragma unroll
    for (int o = 16; o > 0; o >>= 1) v += __shfl_xor_sync(0xffffffffu, v, o);
    return v;
}
__device__ __forceinline__ float warpMax(float v) {
#pragma unroll
    for (int o = 16; o > 0; o >>= 1) v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, o));
    return v;
}
/// Sum over the block; every thread gets it. scratch: one float per warp.
__device__ __forceinline__ float blockSum(float v, float* scratch) {
    v = warpSum(v);
    __syncthreads();
    if ((threadIdx.x & 31) == 0) scratch[threadIdx.x >> 5] = v;
    __syncthreads();
    float sum = 0.f;
    for (int w = 0; w < static_cast<int>(blockDim.x) / 32; ++w) sum += scratch[w];
    return sum;
}
/// exp2 with exp2(-inf) = 0; one instruction.
__device__ __forceinline__ float fastExp2(float v) {
    float r;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(v));
    return r;
}

/// tanh, wrong by a few 1e-7 at most.
__device__ __forceinline__ float fastTanh(float v) { return 1.f - __fdividef(2.f, 1.f + __expf(2.f * v)); }

/// SiLU, or GELU in its tanh form: v / 2 (1 + tanh(u)) = v / (1 + exp(-2u)).
__device__ __forceinline__ float activated(float v, bool gelu) {
    constexpr float kTwice = 1.5957691216057308f;  // 2 sqrt(2 / pi)
    const float u = gelu ? kTwice * v * (1.f + 0.044715f * v * v) : v;
    return v / (1.f + __expf(-u));
}

/// Values of the KV pool of one layer: [page][kv head][K, V][16 tokens][headDim].
__device__ __forceinline__ size_t kvTile(int32_t page, int32_t nKvHeads, int32_t kvHead, int32_t isV, int32_t headDim) {
    return (((static_cast<size_t>(page) * nKvHeads + kvHead) * 2 + isV) * kPageTokens) * headDim;
}
__device__ __forceinline__ void storeElement(void* base, Element e, size_t i, float v) {
    if (e == Element::F32) static_cast<float*>(base)[i] = v;
    else if (e == Element::F16) static_cast<Half*>(base)[i] = __float2half_rn(v);
    else static_cast<Bf16*>(base)[i] = __float2bfloat16_rn(v);
}
__device__ __forceinline__ float loadElement(const void* base, Element e, size_t i) {
    if (e == Element::F32) return static_cast<const float*>(base)[i];
    if (e == Element::F16) return __half2float(static_cast<const Half*>(base)[i]);
    return __bfloat162float(static_cast<const Bf16*>(base)[i]);
}

/// Four values from i on, which is a multiple of 4.
__device__ __forceinline__ float4 load4(const void* base, Element e, size_t i) {
    if (e == Element::F32) return *reinterpret_cast<const float4*>(static_cast<const float*>(base) + i);
    const uint2 u = *reinterpret_cast<const uint2*>(static_cast<const uint16_t*>(base) + i);
    const float2 a = e == Element::F16 ? unpack2<Half>(u.x) : unpack2<Bf16>(u.x);
    const float2 b = e == Element::F16 ? unpack2<Half>(u.y) : unpack2<Bf16>(u.y);
    return make_float4(a.x, a.y, b.x, b.y);
}
__device__ __forceinline__ void store4(void* base, Element e, size_t i, float4 v) {
    if (e == Element::F32) {
        *reinterpret_cast<float4*>(static_cast<float*>(base) + i) = v;
        return;
    }
    uint2 u;
    u.x = e == Element::F16 ? pack2<Half>(v.x, v.y) : pack2<Bf16>(v.x, v.y);
    u.y = e == Element::F16 ? pack2<Half>(v.z, v.w) : pack2<Bf16>(v.z, v.w);
    *reinterpret_cast<uint2*>(static_cast<uint16_t*>(base) + i) = u;
}

/// Value i of a matrix, row-major.
__device__ __forceinline__ float loadOfMatrix(const DeviceMatrix& m, Element plain, size_t i) {
    if (m.format == MatrixFormat::Plain) return loadElement(m.data, plain, i);
    const size_t block = i / kQuantBlock;
    const int at = static_cast<int>(i % kQuantBlock);
    const float scale = __half2float(__ushort_as_half(m.scales[block]));
    if (m.format == MatrixFormat::Q8_0) return scale * static_cast<float>(static_cast<const int8_t*>(m.data)[i]);
    const int both = static_cast<const uint8_t*>(m.data)[block * 16 + at % 16];
    return scale * static_cast<float>((at < 16 ? both & 15 : both >> 4) - 8);
}

/// Lets a kernel have up to nBytes of dynamic shared memory, and the largest carveout where a launch asks for none.
inline cudaError_t raiseSharedLimit(const void* kernel, int nBytes) {
    const cudaError_t status = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, nBytes);
    return status == cudaSuccess ? cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout,
                                                        cudaSharedmemCarveoutMaxShared)
                                 : status;
}

/// Launches kernel(params) on the context's stream, in clusters of `cluster` blocks along x; returns the launch's own
/// error. Before CUDA 12.8 the context's carveout is not asked for.
template <class Params>
cudaError_t launch(const LaunchContext& ctx, void (*kernel)(Params), dim3 grid, dim3 block, size_t sharedBytes,
                   const Params& params, unsigned cluster = 1) {
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = sharedBytes;
    config.stream = ctx.stream;
    cudaLaunchAttribute attributes[3] = {};
    config.attrs = attributes;
#if CUDART_VERSION >= 12080
    if (ctx.carveoutPercent >= 0) {
        attributes[config.numAttrs].id = cudaLaunchAttributePreferredSharedMemoryCarveout;
        attributes[config.numAttrs++].val.sharedMemCarveout = static_cast<unsigned>(ctx.carveoutPercent);
    }
#endif
    if (ctx.dependentLaunch) {
        attributes[config.numAttrs].id = cudaLaunchAttributeProgrammaticStreamSerialization;
        attributes[config.numAttrs++].val.programmaticStreamSerializationAllowed = 1;
    }
    if (cluster > 1) {
        attributes[config.numAttrs].id = cudaLaunchAttributeClusterDimension;
        attributes[config.numAttrs].val.clusterDim.x = cluster;
        attributes[config.numAttrs].val.clusterDim.y = 1;
        attributes[config.numAttrs++].val.clusterDim.z = 1;
    }
    return cudaLaunchKernelEx(&config, kernel, params);
}

}  // namespace spanscope::cuda
