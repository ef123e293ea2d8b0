// What every kernel for matrix products of a decode step does with a pair of rows: which they are, and what becomes of
// their sums. Pairs, not rows: the pair is what rotates together (RoPE) or multiplies together (gate, up).
#pragma once

#include "kernels/cuda/common.cuh"
#include "kernels/cuda/matrix/product.h"

namespace spanscope::cuda {

/// The rows of W that a pair is; r1 == r0 where an odd one is left.
__device__ __forceinline__ void pairRows(const ProductParams& p, int32_t pair, int32_t& r0, int32_t& r1) {
    if (p.role == ProductRole::SiluMul) {
        r0 = pair;
        r1 = pair + p.nPairs;
    } else if (p.role == ProductRole::Qkv && !p.interleaved) {
        const int32_t half = p.headDim / 2;
        r0 = pair / half * p.headDim + pair % half;
        r1 = r0 + half;
    } else {
        r0 = 2 * pair;
        r1 = r0 + 1 < p.nRows ? r0 + 1 : r0;
    }
}

/// What becomes of the two sums of row m of x. Called by one lane.
__device__ __forceinline__ void finishPair(const ProductParams& p, int32_t pair, int32_t m, float s0, float s1) {
    int32_t r0, r1;
    pairRows(p, pair, r0, r1);
    if (p.bias) {
        s0 += p.bias[r0];
        s1 += p.bias[r1];
    }
    float* y = static_cast<float*>(p.y) + static_cast<size_t>(m) * p.yStride;  // but for SiluMul
    switch (p.role) {
        case ProductRole::Plain:
            y[r0] = s0;
            if (r1 != r0) y[r1] = s1;
            break;
        case ProductRole::Residual:
            y[r0] = __ldcg(y + r0) + s0;
            if (r1 != r0) y[r1] = __ldcg(y + r1) + s1;
            break;
        case ProductRole::SiluMul:
            storeElement(p.y, p.yType, static_cast<size_t>(m) * p.yStride + r0, s0 / (1.f + __expf(-s0)) * s1);
            break;
        case ProductRole::Qkv: {
            const BatchRow row = p.rows[m];
            if (row.position < 0) return;
            const int32_t half = p.headDim / 2;
            const int32_t head = pair / half, i = pair % half;
            const bool isV = head >= p.nHeads + p.nKvHeads;
            if (!isV) {
                const float2 cs = p.rotation[m * half + i];
                const float a = s0 * cs.x - s1 * cs.y, b = s1 * cs.x + s0 * cs.y;
                s0 = a;
                s1 = b;
            }
            if (head < p.nHeads) {
                y[r0] = s0;
                y[r1] = s1;
                return;
            }
            const int32_t kvHead = head - p.nHeads - (isV ? p.nKvHeads : 0);
            const size_t at = kvTile(row.currentPage, p.nKvHeads, kvHead, isV, p.headDim) +
                              static_cast<size_t>(row.position % kPageTokens) * p.headDim;
            storeElement(p.kv, p.kvType, at + (r0 - head * p.headDim), s0);
            storeElement(p.kv, p.kvType, at + (r1 - head * p.headDim), s1);
            break;
        }
    }
}

}  // namespace spanscope::cuda
