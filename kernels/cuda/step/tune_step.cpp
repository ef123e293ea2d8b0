// What is decided by measuring on this device, once per bucket: before its first step cuBLASLt's algorithms, after it
// which kernels form its products and how much of the next matrix they ask for. The model and its own step are what is
// measured with: what pays depends on size and depth (a few layers visited in turn mislead). Some forty steps.

#include <algorithm>
#include <limits>
#include <utility>

#include "kernels/cuda/cuda_backend.h"

namespace spanscope::cuda {
namespace {
constexpr size_t kStaysInL2 = size_t{40} << 20;  // smaller models are read from L2 as it is
constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int32_t kSkinnyFirst = 8;  // rows up to which skinny_gemm.h is the first guess
}  // namespace

CudaBackend::StepChoice CudaBackend::choiceOf(int32_t bucket) const {
    StepChoice choice;
    const auto fits = [&](int which) { return skinnyFits(bucket, static_cast<Matrix>(which)); };
    if (const auto found = m_choices.find(bucket); found != m_choices.end()) choice = found->second;
    else if (bucket <= kSkinnyFirst)
        for (int which = 0; which < kNMatrices; ++which) choice.skinny[static_cast<size_t>(which)] = fits(which);
    if (m_aheadForced >= 0) choice.aheadBytes = m_aheadForced;
    if (m_skinnyForced >= 0)
        for (int which = 0; which < kNMatrices; ++which)
            choice.skinny[static_cast<size_t>(which)] = m_skinnyForced > 0 && fits(which);
    return choice;
}

Status CudaBackend::tuneGemms(int32_t bucket) {
    if (bucket <= kGemvMaxRows && nOwnProducts(bucket) == kNMatrices) return {};
    const Element type = m_weights.type();
    const auto tune = [&](const DeviceMatrix DeviceLayer::*matrix, const DeviceBuffer& x, const DeviceBuffer& y,
                          bool accumulate) -> Status {
        std::vector<const void*> ws;
        for (const DeviceLayer& layer : m_weights.layers()) {
            const void* data = nullptr;
            SPANSCOPE_TRY(plainData(layer.*matrix, m_ctx, data));
            ws.push_back(data);
        }
        const DeviceMatrix& first = m_weights.layers().front().*matrix;
        return m_gemm.tune(m_ctx, {bucket, first.rows, first.cols, type, Element::F32, accumulate}, ws, x.as<>(),
                           y.as<>());
    };
    SPANSCOPE_TRY(tune(&DeviceLayer::qkv, m_normed, m_qkv, false));
    SPANSCOPE_TRY(tune(&DeviceLayer::o, m_attended, m_x, true));
    SPANSCOPE_TRY(tune(&DeviceLayer::gateUp, m_normed, m_gateUp, false));
    SPANSCOPE_TRY(tune(&DeviceLayer::down, m_hidden, m_x, true));
    const void* head = nullptr;
    SPANSCOPE_TRY(plainData(m_weights.head(), m_ctx, head));
    return m_gemm.tune(m_ctx, {bucket, m_weights.head().rows, m_weights.head().cols, type, Element::F32, false},
                       {&head, 1}, m_normed.as<>(), m_logits.as<>());
}

Status CudaBackend::captureStep(int32_t bucket, cudaGraphExec_t& exec) {
    const auto capture = [&](const LaunchContext& ctx) {
        return captureGraph(
            ctx.stream, [&] { return enqueueStep(bucket, ctx, {}); }, exec);
    };
    Status captured = capture(m_ctx);
    if (!captured.ok() && m_ctx.overlap) {  // a driver that cannot capture dependent launches: plain edges
        (void)cudaGetLastError();
        LaunchContext plain = m_ctx;
        plain.overlap = false;
        captured = capture(plain);
    }
    return captured;
}

Status CudaBackend::raceGraphs(cudaGraphExec_t a, cudaGraphExec_t b, float& aMs, float& bMs) {
    constexpr float kLongMs = 8.f;
    const auto time = [&](cudaGraphExec_t graph, float& bestMs) -> Status {
        SPANSCOPE_CUDA_TRY(cudaEventRecord(m_begin, m_ctx.stream));
        SPANSCOPE_CUDA_TRY(cudaGraphLaunch(graph, m_ctx.stream));
        SPANSCOPE_CUDA_TRY(cudaEventRecord(m_end, m_ctx.stream));
        SPANSCOPE_CUDA_TRY(cudaEventSynchronize(m_end));
        float ms = 0.f;
        SPANSCOPE_CUDA_TRY(cudaEventElapsedTime(&ms, m_begin, m_end));
        bestMs = std::min(bestMs, ms);
        return {};
    };
    aMs = bMs = std::numeric_limits<float>::max();
    for (int round = 0; round < 3 && !(round == 2 && aMs > kLongMs); ++round) {
        SPANSCOPE_TRY(time(a, aMs));
        SPANSCOPE_TRY(time(b, bMs));
    }
    return {};
}

Status CudaBackend::captureBucket(int32_t bucket) {
    cudaGraphExec_t best = nullptr;
    SPANSCOPE_TRY(captureStep(bucket, best));
    const auto finish = [&](Status status) {
        if (status.ok()) m_graphs[bucket] = best;
        else (void)cudaGraphExecDestroy(best);
        return status;
    };
    if (m_choices.count(bucket)) return finish({});
    m_choices[bucket] = choiceOf(bucket);
    const auto race = [&](const StepChoice& choice) -> Status {  // it stays where it pays
        const StepChoice before = std::exchange(m_choices[bucket], choice);
        cudaGraphExec_t other = nullptr;
        Status status = captureStep(bucket, other);
        float bestMs = 0.f, otherMs = 0.f;
        if (status.ok()) status = raceGraphs(best, other, bestMs, otherMs);
        if (status.ok() && otherMs < bestMs * 0.998f) std::swap(best, other);
        else m_choices[bucket] = before;
        if (other) (void)cudaGraphExecDestroy(other);
        return status;
    };
    for (int which = 0; bucket > kGemvMaxRows && m_skinnyForced < 0 && which < kNMatrices; ++which) {
        if (!skinnyFits(bucket, static_cast<Matrix>(which))) continue;
        StepChoice choice = m_choices[bucket];
        choice.skinny[static_cast<size_t>(which)] = !choice.skinny[static_cast<size_t>(which)];
        if (Status raced = race(choice); !raced.ok()) return finish(raced);
    }
    for (int64_t bytes : {4 * kMiB, 8 * kMiB, 16 * kMiB}) {
        if (!m_ctx.overlap || m_weights.nBytes() < kStaysInL2 || m_aheadForced >= 0) break;
        StepChoice choice = m_choices[bucket];
        choice.aheadBytes = bytes;
        if (Status raced = race(choice); !raced.ok()) return finish(raced);
    }
    return finish({});
}

}  // namespace spanscope::cuda
