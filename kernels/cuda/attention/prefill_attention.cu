// FlashAttention-2 shaped (arXiv 2307.08691): 64 queries of one head per block, 16 per warp; keys and values come in
// tiles of 64 (four pages) through double-buffered shared memory; scores and sums stay in registers. Only key tiles
// that some query of the block may read are visited (planned once per chunk, prefill_plan.cu), and only tiles that are
// not wholly visible are masked, by a 64-bit mask per query built from its run's intervals. 4 n keys headDim operations
// per head: bound by the tensor cores' mma.sync rate. F32 caches and odd head sizes take prefill_plain.cu: one warp per
// query and head, exact and slow.
#include "kernels/cuda/attention/prefill_attention.h"

#include "kernels/cuda/attention/prefill_runs.cuh"

namespace spanscope::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kTile = kPrefillTile;
constexpr float kLog2e = 1.4426950408889634f;

/// Bits of keys [k0, k0 + 64) in `query`'s window.
__device__ __forceinline__ uint64_t windowBits(const PrefillAttentionParams& p, int32_t query, int32_t k0) {
    const int32_t a = oldestOf(p, query) - k0;
    return a <= 0 ? ~0ull : a < kTile ? ~0ull << a : 0;
}
/// Bits of keys [k0, k0 + 64) that `query` may read by its list.
__device__ uint64_t visibleBits(const PrefillAttentionParams& p, const DeviceRun& run, int32_t query, int32_t k0) {
    const Interval* list = p.intervals + run.firstInterval;
    int32_t lo = 0, hi = run.nIntervals;  // first interval that ends after k0
    while (lo < hi) {
        const int32_t mid = (lo + hi) / 2;
        if (list[mid].end > k0) hi = mid;
        else lo = mid + 1;
    }
    uint64_t bits = 0;
    for (int32_t i = lo; i < run.nIntervals; ++i) {
        const Interval v = clipToQuery(list[i], query);
        if (v.begin >= k0 + kTile) break;
        const int32_t a = max(v.begin - k0, 0), b = min(v.end - k0, kTile);
        if (a < b) bits |= (b - a == 64 ? ~0ull : ((1ull << (b - a)) - 1ull) << a);
    }
    return bits;
}

__device__ __forceinline__ void copy16(void* shared, const void* global, bool valid) {
    const uint32_t s = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
    const int bytes = valid ? 16 : 0;  // the rest is zero-filled
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(s), "l"(global), "r"(bytes));
}
__device__ __forceinline__ void loadMatrix4(uint32_t (&r)[4], const void* shared) {
    const uint32_t s = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(s));
}
__device__ __forceinline__ void loadMatrix4Transposed(uint32_t (&r)[4], const void* shared) {
    const uint32_t s = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(s));
}

/// kExtras: there may be a window or a soft cap. Others pay nothing for them.
template <class T, int HD, bool kExtras>
__global__ void __launch_bounds__(kThreads) prefillAttentionKernel(const PrefillAttentionParams p) {
    constexpr int kRow = HD + 8;  // values; the pad keeps ldmatrix free of bank conflicts
    extern __shared__ uint4 sRaw[];
    T* sK = reinterpret_cast<T*>(sRaw);  // [2][kTile][kRow]
    T* sV = sK + 2 * kTile * kRow;
    const int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5, r = lane >> 2, t = lane & 3;
    // Long tiles first: with causal lists the last queries have most to do.
    const int32_t tile = gridDim.x - 1 - blockIdx.x, head = blockIdx.y, kvHead = head / (p.nHeads / p.nKvHeads);
    const int32_t nKeys = p.position0 + p.n;
    const int32_t i0 = tile * kTile + warp * 16 + r, i1 = i0 + 8;  // this lane's two queries, within the chunk

    uint32_t q[HD / 16][4];
    {
        const T* base = static_cast<const T*>(p.q) + static_cast<size_t>(head) * HD;
        const size_t stride = static_cast<size_t>(p.nHeads) * HD;
        const auto at = [&](int32_t i, int32_t d) {
            return i < p.n ? *reinterpret_cast<const uint32_t*>(base + i * stride + d) : 0u;
        };
#pragma unroll
        for (int s = 0; s < HD / 16; ++s) {
            q[s][0] = at(i0, s * 16 + 2 * t), q[s][1] = at(i1, s * 16 + 2 * t);
            q[s][2] = at(i0, s * 16 + 2 * t + 8), q[s][3] = at(i1, s * 16 + 2 * t + 8);
        }
    }
    DeviceRun run0{}, run1{};
    if (i0 < p.n) run0 = p.runs[runAt(p.runs, p.nRuns, p.position0 + i0)];
    if (i1 < p.n) run1 = p.runs[runAt(p.runs, p.nRuns, p.position0 + i1)];

    const uint32_t* tiles = p.tiles + static_cast<size_t>(tile) * p.maxKeyTiles;
    const int32_t nTiles = p.nTiles[tile];
    const auto fetch = [&](int32_t index, int buffer) {
        const int32_t k0 = static_cast<int32_t>(tiles[index] >> 1) * kTile;
        constexpr int kPerRow = HD / 8;
        for (int c = tid; c < kTile * kPerRow; c += kThreads) {
            const int row = c / kPerRow, d = c % kPerRow * 8;
            const int32_t key = k0 + row;
            const bool valid = key < nKeys;
            const int32_t page = p.table[(valid ? key : 0) / kPageTokens];
            const T* from = static_cast<const T*>(p.kv) + kvTile(page, p.nKvHeads, kvHead, 0, HD) +
                            (valid ? key % kPageTokens : 0) * HD + d;
            copy16(sK + (buffer * kTile + row) * kRow + d, from, valid);
            copy16(sV + (buffer * kTile + row) * kRow + d, from + kPageTokens * HD, valid);
        }
        asm volatile("cp.async.commit_group;");
    };

    float o[HD / 8][4] = {};
    float m0 = -INFINITY, m1 = -INFINITY, l0 = 0.f, l1 = 0.f;
    const float scaleLog2 = kExtras ? p.scaleLog2 : p.scale * kLog2e;
    if (nTiles > 0) fetch(0, 0);
    for (int32_t it = 0; it < nTiles; ++it) {
        const int buffer = it & 1;
        if (it + 1 < nTiles) {
            fetch(it + 1, buffer ^ 1);
            asm volatile("cp.async.wait_group 1;");
        } else {
            asm volatile("cp.async.wait_group 0;");
        }
        __syncthreads();
        const T* k = sK + buffer * kTile * kRow;
        const T* v = sV + buffer * kTile * kRow;
        float s[kTile / 8][4] = {};
#pragma unroll
        for (int ks = 0; ks < HD / 16; ++ks)
#pragma unroll
            for (int n = 0; n < kTile / 16; ++n) {
                uint32_t b[4];
                loadMatrix4(b, k + (n * 16 + (lane >> 4) * 8 + (lane & 7)) * kRow + ks * 16 + (lane >> 3 & 1) * 8);
                mma16816<T>(s[2 * n], q[ks][0], q[ks][1], q[ks][2], q[ks][3], b[0], b[1]);
                mma16816<T>(s[2 * n + 1], q[ks][0], q[ks][1], q[ks][2], q[ks][3], b[2], b[3]);
            }
        if (kExtras && p.capScale > 0.f) {
#pragma unroll
            for (int n = 0; n < kTile / 8; ++n)
#pragma unroll
                for (int i = 0; i < 4; ++i) s[n][i] = fastTanh(s[n][i] * p.capScale);
        }
        const uint32_t entry = tiles[it];
        if (entry & 1u) {
#pragma unroll
            for (int n = 0; n < kTile / 8; ++n)
#pragma unroll
                for (int i = 0; i < 4; ++i) s[n][i] *= scaleLog2;
        } else {
            const int32_t k0 = static_cast<int32_t>(entry >> 1) * kTile;
            uint64_t bits0 = i0 < p.n ? visibleBits(p, run0, p.position0 + i0, k0) : 0;
            uint64_t bits1 = i1 < p.n ? visibleBits(p, run1, p.position0 + i1, k0) : 0;
            if (kExtras && p.window > 0) {
                bits0 &= windowBits(p, p.position0 + i0, k0);
                bits1 &= windowBits(p, p.position0 + i1, k0);
            }
#pragma unroll
            for (int n = 0; n < kTile / 8; ++n)
#pragma unroll
                for (int i = 0; i < 2; ++i) {
                    const int bit = n * 8 + 2 * t + i;
                    s[n][i] = bits0 >> bit & 1ull ? s[n][i] * scaleLog2 : -INFINITY;
                    s[n][2 + i] = bits1 >> bit & 1ull ? s[n][2 + i] * scaleLog2 : -INFINITY;
                }
        }
        float top0 = m0, top1 = m1;
#pragma unroll
        for (int n = 0; n < kTile / 8; ++n) {
            top0 = fmaxf(top0, fmaxf(s[n][0], s[n][1]));
            top1 = fmaxf(top1, fmaxf(s[n][2], s[n][3]));
        }
#pragma unroll
        for (int x = 1; x <= 2; x <<= 1) {
            top0 = fmaxf(top0, __shfl_xor_sync(0xffffffffu, top0, x));
            top1 = fmaxf(top1, __shfl_xor_sync(0xffffffffu, top1, x));
        }
        const float base0 = top0 == -INFINITY ? 0.f : top0, base1 = top1 == -INFINITY ? 0.f : top1;
        const float alpha0 = fastExp2(m0 - base0), alpha1 = fastExp2(m1 - base1);
        m0 = top0, m1 = top1;
        l0 *= alpha0, l1 *= alpha1;
#pragma unroll
        for (int d = 0; d < HD / 8; ++d) o[d][0] *= alpha0, o[d][1] *= alpha0, o[d][2] *= alpha1, o[d][3] *= alpha1;
#pragma unroll
        for (int kk = 0; kk < kTile / 16; ++kk) {
            float e[2][4];
#pragma unroll
            for (int j = 0; j < 2; ++j) {
                e[j][0] = fastExp2(s[2 * kk + j][0] - base0), e[j][1] = fastExp2(s[2 * kk + j][1] - base0);
                e[j][2] = fastExp2(s[2 * kk + j][2] - base1), e[j][3] = fastExp2(s[2 * kk + j][3] - base1);
                l0 += e[j][0] + e[j][1];
                l1 += e[j][2] + e[j][3];
            }
            const uint32_t a0 = pack2<T>(e[0][0], e[0][1]), a1 = pack2<T>(e[0][2], e[0][3]);
            const uint32_t a2 = pack2<T>(e[1][0], e[1][1]), a3 = pack2<T>(e[1][2], e[1][3]);
#pragma unroll
            for (int d = 0; d < HD / 16; ++d) {
                uint32_t b[4];
                loadMatrix4Transposed(
                    b, v + (kk * 16 + (lane >> 3 & 1) * 8 + (lane & 7)) * kRow + d * 16 + (lane >> 4) * 8);
                mma16816<T>(o[2 * d], a0, a1, a2, a3, b[0], b[1]);
                mma16816<T>(o[2 * d + 1], a0, a1, a2, a3, b[2], b[3]);
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int x = 1; x <= 2; x <<= 1) {
        l0 += __shfl_xor_sync(0xffffffffu, l0, x);
        l1 += __shfl_xor_sync(0xffffffffu, l1, x);
    }
    const float n0 = l0 > 0.f ? 1.f / l0 : 0.f, n1 = l1 > 0.f ? 1.f / l1 : 0.f;
    T* out = static_cast<T*>(p.out) + static_cast<size_t>(head) * HD;
    const size_t stride = static_cast<size_t>(p.nHeads) * HD;
#pragma unroll
    for (int d = 0; d < HD / 8; ++d) {
        if (i0 < p.n)
            *reinterpret_cast<uint32_t*>(out + i0 * stride + d * 8 + 2 * t) = pack2<T>(o[d][0] * n0, o[d][1] * n0);
        if (i1 < p.n)
            *reinterpret_cast<uint32_t*>(out + i1 * stride + d * 8 + 2 * t) = pack2<T>(o[d][2] * n1, o[d][3] * n1);
    }
}

template <class T, int HD>
constexpr size_t kSharedBytes = size_t{4} * kTile*(HD + 8) * sizeof(T);

/// Some devices have no room for the widest heads.
template <class T, int HD>
bool fits(const LaunchContext& ctx) {
    return kSharedBytes<T, HD> <= static_cast<size_t>(ctx.sharedPerBlock);
}

/// fn(Index<headDim>) where there is a tiled kernel; else `none`.
template <class Result, class Fn>
Result withTiled(int32_t headDim, Result none, const Fn& fn) {
    switch (headDim) {
        case 32: return fn(Index<32>());
        case 64: return fn(Index<64>());
        case 96: return fn(Index<96>());
        case 128: return fn(Index<128>());
        case 256: return fn(Index<256>());
        default: return none;
    }
}

/// Whether the device takes the tiled kernel; if so it is launched, and `status` is the launch's.
template <class T>
bool launchTiled(const LaunchContext& ctx, const PrefillAttentionParams& params, cudaError_t& status) {
    return withTiled(params.headDim, false, [&](auto headDim) {
        constexpr int HD = decltype(headDim)::value;
        if (!fits<T, HD>(ctx)) return false;
        const bool extras = params.window > 0 || params.softcap > 0.f;
        const dim3 grid((params.n + kTile - 1) / kTile, params.nHeads);
        status = launch(ctx, extras ? prefillAttentionKernel<T, HD, true> : prefillAttentionKernel<T, HD, false>, grid,
                        dim3(kThreads), kSharedBytes<T, HD>, params);
        return true;
    });
}

template <class T>
cudaError_t raiseLimits(const LaunchContext& ctx) {
    for (const int32_t headDim : {32, 64, 96, 128, 256}) {
        const cudaError_t status = withTiled(headDim, cudaSuccess, [&](auto dims) {
            constexpr int HD = decltype(dims)::value;
            const auto raise = [&](void (*kernel)(PrefillAttentionParams)) {
                return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                            cudaFuncAttributeMaxDynamicSharedMemorySize,
                                            static_cast<int>(kSharedBytes<T, HD>));
            };
            if (!fits<T, HD>(ctx)) return cudaSuccess;
            const cudaError_t raised = raise(prefillAttentionKernel<T, HD, false>);
            return raised == cudaSuccess ? raise(prefillAttentionKernel<T, HD, true>) : raised;
        });
        if (status != cudaSuccess) return status;
    }
    return cudaSuccess;
}

}  // namespace

cudaError_t preparePrefillAttention(const LaunchContext& ctx) {
    const cudaError_t status = raiseLimits<Half>(ctx);
    return status == cudaSuccess ? raiseLimits<Bf16>(ctx) : status;
}

cudaError_t launchPrefillAttention(const LaunchContext& ctx, const PrefillAttentionParams& given) {
    const LaunchContext alone = withoutDependentLaunch(ctx);
    PrefillAttentionParams params = given;
    params.scaleLog2 = (params.softcap > 0.f ? params.softcap : params.scale) * kLog2e;
    params.capScale = params.softcap > 0.f ? params.scale / params.softcap : 0.f;
    if (params.kvType == params.qType && params.kvType != Element::F32) {
        cudaError_t status = cudaSuccess;
        if (params.kvType == Element::F16 ? launchTiled<Half>(alone, params, status)
                                          : launchTiled<Bf16>(alone, params, status))
            return status;
    }
    return launchPrefillPlain(alone, params);
}

}  // namespace spanscope::cuda
