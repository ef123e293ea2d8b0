// The epilogue of every product kernel of a decode step, for a pair of rows of W: which rows a pair is, and what
// becomes of their sums. Pairs, since a pair is what rotates together (RoPE) or is multiplied (gate, up).
#pragma once

#include "kernels/cuda/common.cuh"
#include "kernels/cuda/matrix/product.h"

namespace spanscope::cuda {

/// The rows of W of a pair; r1 == r0 where an odd row is left.
__device__ __forceinline__ void pairRows(const ProductParams& p, int32_t pair, int32_t& r0, int32_t& r1) {
    if (p.epilogue == Epilogue::SiluMul || p.epilogue == Epilogue::GeluMul) {
        r0 = pair;
        r1 = pair + p.nPairs;
    } else if (p.epilogue == Epilogue::Qkv && !p.interleaved) {
        const int32_t half = p.headDim / 2;
        r0 = pair / half * p.headDim + pair % half;
        r1 = r0 + half;
    } else {
        r0 = 2 * pair;
        r1 = r0 + 1 < p.nRows ? r0 + 1 : r0;
    }
}

/// The epilogue of a pair's two sums with row m of x. Called by one lane.
__device__ __forceinline__ void pairEpilogue(const ProductParams& p, int32_t pair, int32_t m, float s0, float s1) {
    int32_t r0, r1;
    pairRows(p, pair, r0, r1);
    if (p.bias) {
        s0 += p.bias[r0];
        s1 += p.bias[r1];
    }
    float* y = static_cast<float*>(p.y) + static_cast<size_t>(m) * p.yStride;  // float32 in all but SiluMul and GeluMul
    switch (p.epilogue) {
        case Epilogue::Store:
            y[r0] = s0;
            if (r1 != r0) y[r1] = s1;
            break;
        case Epilogue::Residual:
            y[r0] = __ldcg(y + r0) + s0;
            if (r1 != r0) y[r1] = __ldcg(y + r1) + s1;
            break;
        case Epilogue::SiluMul:
        case Epilogue::GeluMul:
            storeElement(p.y, p.yType, static_cast<size_t>(m) * p.yStride + r0,
                         activated(s0, p.epilogue == Epilogue::GeluMul) * s1);
            break;
        case Epilogue::Qkv: {
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
