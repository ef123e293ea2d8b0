// What is decided by measuring on this device, once per bucket before its first step: cuBLASLt's algorithms, and how much
// of the next matrix a kernel asks for on its way out. The model itself is what is measured with: what pays depends on its
// size (a few layers visited in turn mislead). A few tens of milliseconds for a model of 13 GB.

#include <algorithm>
#include <limits>

#include "kernels/cuda/cuda_backend.h"

namespace spanscope::cuda {

Status CudaBackend::tuneAhead(int32_t bucket) {
    constexpr size_t kStaysInL2 = size_t{40} << 20;  // smaller models are read from L2 as it is
    constexpr int64_t kMiB = int64_t{1} << 20;
    constexpr int kRounds = 3;
    if (!m_ctx.overlap || m_weights.nBytes() < kStaysInL2 || m_aheadTuned.count(bucket)) return {};
    SPANSCOPE_CUDA_TRY(cudaMemsetAsync(m_x.as<>(), 0, m_x.nBytes(), m_ctx.stream));
    const std::vector<DeviceLayer>& layers = m_weights.layers();
    constexpr int64_t kChoices[] = {0, 4 * kMiB, 8 * kMiB, 16 * kMiB};
    constexpr size_t nChoices = sizeof(kChoices) / sizeof(kChoices[0]);
    cudaGraphExec_t graphs[nChoices] = {};
    const auto enqueue = [&]() -> Status {
        for (size_t l = 0; l < layers.size(); ++l)
            SPANSCOPE_TRY(usesGemv(bucket) ? enqueueGemvLayer(layers[l], l, bucket, m_ctx, {})
                                           : enqueueGemmLayer(layers[l], l, bucket, m_ctx, {}));
        return {};
    };
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
    float bestMs[nChoices];
    for (float& ms : bestMs) ms = std::numeric_limits<float>::max();
    m_tuning = true;
    Status status = enqueue();  // once directly: what is loaded lazily cannot be loaded while capturing
    const bool ran = status.ok();
    for (size_t c = 0; c < nChoices && status.ok(); ++c) {
        m_aheadBytes = kChoices[c];
        status = captureGraph(m_ctx.stream, enqueue, graphs[c]);
    }
    m_tuning = false;
    const bool captured = status.ok();
    if (ran && !captured) (void)cudaGetLastError();  // a driver that cannot capture dependent launches: nothing asked for
    for (int round = 0; round < kRounds && status.ok(); ++round)
        for (size_t c = 0; c < nChoices && status.ok(); ++c) status = time(graphs[c], bestMs[c]);
    for (cudaGraphExec_t graph : graphs)
        if (graph) (void)cudaGraphExecDestroy(graph);
    if (ran && !captured) {
        m_aheadTuned[bucket] = 0;
        return {};
    }
    if (!status.ok()) return status;
    size_t best = 0;
    for (size_t c = 1; c < nChoices; ++c)
        if (bestMs[c] < bestMs[best] * (best == 0 ? 0.997f : 1.f)) best = c;  // nothing unless it pays
    m_aheadTuned[bucket] = kChoices[best];
    return {};
}

Status CudaBackend::tuneBucket(int32_t bucket) {
    if (usesGemv(bucket)) return tuneAhead(bucket);
    const Element type = m_weights.type();
    const auto tune = [&](const DeviceMatrix DeviceLayer::*matrix, const DeviceBuffer& x, const DeviceBuffer& y, bool accumulate) -> Status {
        std::vector<const void*> ws;
        for (const DeviceLayer& layer : m_weights.layers()) {
            const void* data = nullptr;
            SPANSCOPE_TRY(plainData(layer.*matrix, m_ctx, data));
            ws.push_back(data);
        }
        const DeviceMatrix& first = m_weights.layers().front().*matrix;
        return m_gemm.tune(m_ctx, {bucket, first.rows, first.cols, type, Element::F32, accumulate}, ws, x.as<>(), y.as<>());
    };
    SPANSCOPE_TRY(tune(&DeviceLayer::qkv, m_normed, m_qkv, false));
    SPANSCOPE_TRY(tune(&DeviceLayer::o, m_attended, m_x, true));
    SPANSCOPE_TRY(tune(&DeviceLayer::gateUp, m_normed, m_gateUp, false));
    SPANSCOPE_TRY(tune(&DeviceLayer::down, m_hidden, m_x, true));
    const void* head = nullptr;
    SPANSCOPE_TRY(plainData(m_weights.head(), m_ctx, head));
    SPANSCOPE_TRY(m_gemm.tune(m_ctx, {bucket, m_weights.head().rows, m_weights.head().cols, type, Element::F32, false}, {&head, 1},
                              m_normed.as<>(), m_logits.as<>()));
    return tuneAhead(bucket);
}

}  // namespace spanscope::cuda
