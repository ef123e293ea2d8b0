#include "kernels/cuda/matrix/gemm.h"

#include <cstdint>
#include <string>

namespace spanscope::cuda {
namespace {

constexpr size_t kWorkspaceBytes = size_t{64} << 20;
constexpr int kMaxCandidates = 16;

cudaDataType_t cudaType(Element e) {
    switch (e) {
        case Element::F16: return CUDA_R_16F;
        case Element::BF16: return CUDA_R_16BF;
        case Element::F32: break;
    }
    return CUDA_R_32F;
}

Error cublasError(const char* call, cublasStatus_t status) {
    Error e;
    e.code = status == CUBLAS_STATUS_NOT_SUPPORTED  ? ErrorCode::Unsupported
             : status == CUBLAS_STATUS_ALLOC_FAILED ? ErrorCode::OutOfMemory
                                                    : ErrorCode::Device;
    e.message = std::string("cuBLAS: ") + call + " failed: " + cublasLtGetStatusString(status);
    return e;
}

#define SPANSCOPE_CUBLAS_TRY(call)                                                            \
    do {                                                                                      \
        const cublasStatus_t cublasStatus_ = (call);                                          \
        if (cublasStatus_ != CUBLAS_STATUS_SUCCESS) return cublasError(#call, cublasStatus_); \
    } while (0)

}  // namespace

Gemm::~Gemm() {
    for (auto& [shape, plan] : m_plans) {
        if (plan.w) (void)cublasLtMatrixLayoutDestroy(plan.w);
        if (plan.x) (void)cublasLtMatrixLayoutDestroy(plan.x);
        if (plan.y) (void)cublasLtMatrixLayoutDestroy(plan.y);
        if (plan.operation) (void)cublasLtMatmulDescDestroy(plan.operation);
    }
    if (m_handle) (void)cublasLtDestroy(m_handle);
}

Status Gemm::open() {
    SPANSCOPE_CUBLAS_TRY(cublasLtCreate(&m_handle));
    return m_workspace.allocate("workspace of the matrix products", kWorkspaceBytes);
}

Status Gemm::candidates(const Plan& plan, int nWanted, cublasLtMatmulHeuristicResult_t* results, int& nFound) const {
    cublasLtMatmulPreference_t preference = nullptr;
    SPANSCOPE_CUBLAS_TRY(cublasLtMatmulPreferenceCreate(&preference));
    const size_t bytes = kWorkspaceBytes;
    cublasStatus_t status = cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                                 &bytes, sizeof(bytes));
    if (status == CUBLAS_STATUS_SUCCESS)
        status = cublasLtMatmulAlgoGetHeuristic(m_handle, plan.operation, plan.w, plan.x, plan.y, plan.y, preference,
                                                nWanted, results, &nFound);
    (void)cublasLtMatmulPreferenceDestroy(preference);
    if (status != CUBLAS_STATUS_SUCCESS) return cublasError("cublasLtMatmulAlgoGetHeuristic", status);
    if (nFound == 0) return cublasError("cublasLtMatmulAlgoGetHeuristic", CUBLAS_STATUS_NOT_SUPPORTED);
    return {};
}

Result<Gemm::Plan*> Gemm::planFor(const GemmShape& shape) {
    Plan& plan = m_plans[shape];
    if (plan.tuned || plan.y) return &plan;
    // Row-major (rows, cols) is column-major (cols, rows): y^T (n x m) = W^T' (k x n)' x^T (k x m).
    const cublasOperation_t transpose = CUBLAS_OP_T;
    SPANSCOPE_CUBLAS_TRY(cublasLtMatmulDescCreate(&plan.operation, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    SPANSCOPE_CUBLAS_TRY(
        cublasLtMatmulDescSetAttribute(plan.operation, CUBLASLT_MATMUL_DESC_TRANSA, &transpose, sizeof(transpose)));
    const auto u = [](int32_t v) { return static_cast<uint64_t>(v); };
    SPANSCOPE_CUBLAS_TRY(cublasLtMatrixLayoutCreate(&plan.w, cudaType(shape.inType), u(shape.k), u(shape.n), shape.k));
    SPANSCOPE_CUBLAS_TRY(cublasLtMatrixLayoutCreate(&plan.x, cudaType(shape.inType), u(shape.k), u(shape.m), shape.k));
    SPANSCOPE_CUBLAS_TRY(cublasLtMatrixLayoutCreate(&plan.y, cudaType(shape.outType), u(shape.n), u(shape.m), shape.n));
    cublasLtMatmulHeuristicResult_t best = {};
    int nFound = 0;
    SPANSCOPE_TRY(candidates(plan, 1, &best, nFound));
    plan.algorithm = best.algo;
    return &plan;
}

cublasStatus_t Gemm::multiply(const LaunchContext& ctx, const Plan& plan, const cublasLtMatmulAlgo_t& algorithm,
                              const GemmShape& shape, const void* w, const void* x, void* y) const {
    const float alpha = 1.f, beta = shape.accumulate ? 1.f : 0.f;
    return cublasLtMatmul(m_handle, plan.operation, &alpha, w, plan.w, x, plan.x, &beta, y, plan.y, y, plan.y,
                          &algorithm, m_workspace.as<>(), kWorkspaceBytes, ctx.stream);
}

Status Gemm::run(const LaunchContext& ctx, const GemmShape& shape, const void* w, const void* x, void* y) {
    Result<Plan*> plan = planFor(shape);
    if (!plan) return plan.error();
    SPANSCOPE_CUBLAS_TRY(multiply(ctx, **plan, (*plan)->algorithm, shape, w, x, y));
    return {};
}

Status Gemm::tune(const LaunchContext& ctx, const GemmShape& shape, std::span<const void* const> ws, const void* x,
                  void* y) {
    Result<Plan*> found = planFor(shape);
    if (!found) return found.error();
    Plan& plan = **found;
    if (plan.tuned) return {};
    cublasLtMatmulHeuristicResult_t results[kMaxCandidates] = {};
    int nFound = 0;
    SPANSCOPE_TRY(candidates(plan, kMaxCandidates, results, nFound));
    cudaEvent_t begin = nullptr, end = nullptr;
    SPANSCOPE_CUDA_TRY(cudaEventCreate(&begin));
    SPANSCOPE_CUDA_TRY(cudaEventCreate(&end));
    float bestMs = 0.f;
    for (int i = 0; i < nFound; ++i) {
        if (results[i].state != CUBLAS_STATUS_SUCCESS) continue;
        if (multiply(ctx, plan, results[i].algo, shape, ws[0], x, y) != CUBLAS_STATUS_SUCCESS) continue;  // warm-up
        (void)cudaEventRecord(begin, ctx.stream);
        for (const void* w : ws) (void)multiply(ctx, plan, results[i].algo, shape, w, x, y);
        (void)cudaEventRecord(end, ctx.stream);
        float ms = 0.f;
        if (cudaEventSynchronize(end) != cudaSuccess || cudaEventElapsedTime(&ms, begin, end) != cudaSuccess) continue;
        if (bestMs == 0.f || ms < bestMs) {
            bestMs = ms;
            plan.algorithm = results[i].algo;
        }
    }
    (void)cudaEventDestroy(begin);
    (void)cudaEventDestroy(end);
    SPANSCOPE_CUDA_TRY(cudaGetLastError());
    plan.tuned = true;
    return {};
}

}  // namespace spanscope::cuda
