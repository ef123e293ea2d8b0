// y = x W^T (+ y) through cuBLASLt, with the algorithm for each shape found once and, for decode buckets, measured.
// Belongs to one backend; one thread at a time.
#pragma once

#include <cublasLt.h>

#include <map>
#include <span>
#include <tuple>

#include "kernels/cuda/device.h"
#include "kernels/cuda/step/step_types.h"

namespace spanscope::cuda {

struct GemmShape {
    int32_t m = 0;  ///< rows of x and y
    int32_t n = 0;  ///< rows of W
    int32_t k = 0;
    Element inType = Element::F32;   ///< W and x
    Element outType = Element::F32;  ///< y
    bool accumulate = false;         ///< y += instead of y =
    bool operator<(const GemmShape& o) const {
        return std::tie(m, n, k, inType, outType, accumulate) <
               std::tie(o.m, o.n, o.k, o.inType, o.outType, o.accumulate);
    }
};

class Gemm {
  public:
    Gemm() = default;
    ~Gemm();
    Gemm(const Gemm&) = delete;
    Gemm& operator=(const Gemm&) = delete;

    /// Device: cuBLAS could not start; OutOfMemory: no room for its workspace.
    Status open();
    /// W (n, k), x (m, k), y (m, n), all row-major and dense. Unsupported: cuBLASLt has no algorithm.
    Status run(const LaunchContext& ctx, const GemmShape& shape, const void* w, const void* x, void* y);
    /// Times the candidates over `ws` (the same shape's matrix of every layer, so that none stays in the cache) and
    /// keeps the fastest. Overwrites y. Not while capturing.
    Status tune(const LaunchContext& ctx, const GemmShape& shape, std::span<const void* const> ws, const void* x,
                void* y);
    size_t bytesHeld() const { return m_workspace.nBytes(); }

  private:
    struct Plan {
        cublasLtMatmulDesc_t operation = nullptr;
        cublasLtMatrixLayout_t w = nullptr, x = nullptr, y = nullptr;
        cublasLtMatmulAlgo_t algorithm = {};
        bool tuned = false;
    };
    Result<Plan*> planFor(const GemmShape& shape);
    Status candidates(const Plan& plan, int nWanted, cublasLtMatmulHeuristicResult_t* results, int& nFound) const;
    cublasStatus_t multiply(const LaunchContext& ctx, const Plan& plan, const cublasLtMatmulAlgo_t& algorithm,
                            const GemmShape& shape, const void* w, const void* x, void* y) const;

    cublasLtHandle_t m_handle = nullptr;
    DeviceBuffer m_workspace;
    std::map<GemmShape, Plan> m_plans;
};

}  // namespace spanscope::cuda
