#include "kernels/cuda/device_timer.h"

namespace spanscope::cuda {

DeviceTimer::~DeviceTimer() {
    for (cudaEvent_t e : m_marks) (void)cudaEventDestroy(e);
    if (m_begin) (void)cudaEventDestroy(m_begin);
    if (m_end) (void)cudaEventDestroy(m_end);
}

Status DeviceTimer::open() {
    SPANSCOPE_CUDA_TRY(cudaEventCreate(&m_begin));
    SPANSCOPE_CUDA_TRY(cudaEventCreate(&m_end));
    return {};
}

Status DeviceTimer::begin(cudaStream_t stream) {
    m_markStages.clear();
    SPANSCOPE_CUDA_TRY(cudaEventRecord(m_begin, stream));
    return {};
}

Status DeviceTimer::end(cudaStream_t stream) {
    SPANSCOPE_CUDA_TRY(cudaEventRecord(m_end, stream));
    return {};
}

Status DeviceTimer::elapsedMs(float& ms) {
    SPANSCOPE_CUDA_TRY(cudaEventSynchronize(m_end));
    SPANSCOPE_CUDA_TRY(cudaEventElapsedTime(&ms, m_begin, m_end));
    return {};
}

Status DeviceTimer::mark(Stage stage, cudaStream_t stream) {
    if (!m_profiling) return {};
    if (m_markStages.size() == m_marks.size()) {
        cudaEvent_t e = nullptr;
        SPANSCOPE_CUDA_TRY(cudaEventCreate(&e));
        m_marks.push_back(e);
    }
    SPANSCOPE_CUDA_TRY(cudaEventRecord(m_marks[m_markStages.size()], stream));
    m_markStages.push_back(stage);
    return {};
}

Status DeviceTimer::finish() {
    const auto toNs = [](float ms) { return static_cast<int64_t>(static_cast<double>(ms) * 1e6); };
    float ms = 0.f;
    SPANSCOPE_CUDA_TRY(cudaEventElapsedTime(&ms, m_begin, m_end));
    m_lastNs = toNs(ms);
    if (!m_profiling || m_markStages.empty()) return {};
    SPANSCOPE_CUDA_TRY(cudaEventSynchronize(m_marks[m_markStages.size() - 1]));
    for (size_t i = 0; i < m_markStages.size(); ++i) {
        SPANSCOPE_CUDA_TRY(cudaEventElapsedTime(&ms, i == 0 ? m_begin : m_marks[i - 1], m_marks[i]));
        if (m_markStages[i] == Stage::Attention) m_times.attentionNs += toNs(ms);
        else if (m_markStages[i] == Stage::Matmul) m_times.matmulNs += toNs(ms);
        else m_times.otherNs += toNs(ms);
    }
    m_markStages.clear();
    return {};
}

}  // namespace spanscope::cuda
