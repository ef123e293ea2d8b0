// Time on the device: of the last call, and by stage while profiling. Owns events on one stream. The backend's thread.
#pragma once

#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/device.h"

namespace spanscope::cuda {

class DeviceTimer {
  public:
    enum class Stage { Other, Attention, Matmul };

    DeviceTimer() = default;
    ~DeviceTimer();
    DeviceTimer(const DeviceTimer&) = delete;
    DeviceTimer& operator=(const DeviceTimer&) = delete;

    /// Once, before anything else.
    Status open();

    /// What is enqueued between begin() and end() is timed.
    Status begin(cudaStream_t stream);
    Status end(cudaStream_t stream);
    /// Milliseconds from begin() to end(); waits for the device to get there.
    Status elapsedMs(float& ms);
    /// After a call that the stream has finished: keeps its time for lastNs(), and the times of its stages.
    Status finish();
    int64_t lastNs() const { return m_lastNs; }

    void setProfiling(bool on) { m_profiling = on; }
    bool profiling() const { return m_profiling; }
    /// While profiling: what has been enqueued since the last mark counts as `stage`.
    Status mark(Stage stage, cudaStream_t stream);
    const StageTimes& stageTimes() const { return m_times; }
    void resetStageTimes() { m_times = {}; }

  private:
    cudaEvent_t m_begin = nullptr, m_end = nullptr;
    int64_t m_lastNs = 0;
    bool m_profiling = false;
    StageTimes m_times;
    std::vector<cudaEvent_t> m_marks;  ///< grown on demand
    std::vector<Stage> m_markStages;   ///< since begin()
};

}  // namespace spanscope::cuda
