// Owners of CUDA memory, and CUDA errors as Error values. One thread per owner at a time.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "kernels/result.h"

namespace spanscope::cuda {

/// "call: text of the error". cudaErrorMemoryAllocation becomes OutOfMemory, all else Device.
Error cudaError(const char* call, cudaError_t status);
/// OutOfMemory with bytes wanted and free.
Error outOfMemory(const std::string& what, size_t wantedBytes, size_t freeBytes);

#define SPANSCOPE_CUDA_TRY(call)                                                                 \
    do {                                                                                         \
        const cudaError_t cudaStatus_ = (call);                                                  \
        if (cudaStatus_ != cudaSuccess) return ::spanscope::cuda::cudaError(#call, cudaStatus_); \
    } while (0)
#define SPANSCOPE_TRY(call)                              \
    do {                                                 \
        ::spanscope::Status tryStatus_ = (call);         \
        if (!tryStatus_.ok()) return tryStatus_.error(); \
    } while (0)

/// Device memory, freed with its owner. Not copyable.
class DeviceBuffer {
  public:
    DeviceBuffer() = default;
    ~DeviceBuffer() { release(); }
    DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }
    DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
        swap(other);
        return *this;
    }
    DeviceBuffer(const DeviceBuffer&) = delete;
    DeviceBuffer& operator=(const DeviceBuffer&) = delete;

    /// Replaces what was held. OutOfMemory names `what`, bytes wanted and bytes free.
    Status allocate(const char* what, size_t nBytes);
    void release();
    template <class T = void>
    T* as() const {
        return static_cast<T*>(m_data);
    }
    size_t nBytes() const { return m_bytes; }

  private:
    void swap(DeviceBuffer& other) {
        std::swap(m_data, other.m_data);
        std::swap(m_bytes, other.m_bytes);
    }
    void* m_data = nullptr;
    size_t m_bytes = 0;
};

/// Page-locked host memory that kernels read and write in place: what a step needs in and out without a copy node.
class MappedBuffer {
  public:
    MappedBuffer() = default;
    ~MappedBuffer() { release(); }
    MappedBuffer(const MappedBuffer&) = delete;
    MappedBuffer& operator=(const MappedBuffer&) = delete;

    Status allocate(const char* what, size_t nBytes);
    void release();
    template <class T>
    T* host() const {
        return static_cast<T*>(m_host);
    }
    template <class T>
    T* device() const {
        return static_cast<T*>(m_device);
    }
    size_t nBytes() const { return m_bytes; }

  private:
    void* m_host = nullptr;
    void* m_device = nullptr;
    size_t m_bytes = 0;
};

/// Choices of LaunchContext::sharedPercent. The rest of a multiprocessor's memory is its L1 cache, through which plain
/// loads come: with too little of it they are few in flight. All of it suits steps whose kernels leave loads to the
/// copy engine.
inline constexpr int kSharedAll = 100, kSharedMost = 58;

/// What every launch needs to know. overlap: programmatic dependent launch (compute capability 9.0 and up), which
/// lets a kernel fetch weights or old KV pages while its predecessor drains.
struct LaunchContext {
    cudaStream_t stream = nullptr;
    int nSm = 0;
    bool overlap = false;
    bool copyEngine = false;  ///< bulk copies, barriers that count bytes, clusters (compute capability 9.0 and up)
    int sharedPerBlock = 0;   ///< bytes of shared memory a block may ask for
    int sharedPercent =
        -1;  ///< share of a multiprocessor's memory that all kernels ask for as shared; -1: driver's choice
    int sharedPerSm = 0;  ///< bytes of shared memory that a multiprocessor has then
};

/// `ctx` with another share. Kernels with different shares cannot be on a multiprocessor together, and setting it up
/// anew between them costs microseconds: kernels that follow each other by the hundred, in a step, agree on one.
LaunchContext withShared(LaunchContext ctx, int percent);

/// The device's properties, a stream of its own, and the kernels' limits raised. Unsupported below 8.0.
Status openContext(int device, LaunchContext& ctx, std::string& deviceName);

/// An instantiated graph, destroyed with its owner. Not copyable.
class GraphExec {
  public:
    GraphExec() = default;
    ~GraphExec();
    GraphExec(GraphExec&& other) noexcept { swap(other); }
    GraphExec& operator=(GraphExec&& other) noexcept {
        swap(other);
        return *this;
    }
    GraphExec(const GraphExec&) = delete;
    GraphExec& operator=(const GraphExec&) = delete;

    /// What `enqueue` puts on the stream becomes the graph, in place of what was held.
    Status capture(cudaStream_t stream, const std::function<Status()>& enqueue);
    Status launch(cudaStream_t stream) const;

  private:
    void swap(GraphExec& other) { std::swap(m_exec, other.m_exec); }
    cudaGraphExec_t m_exec = nullptr;
};

/// A matrix that the next kernel reads: a kernel may ask for parts of it on its way out, so that memory is not idle
/// while it drains and its successor starts. A hint: it changes no result. Set base, nBytes and budget; launchers
/// set the rest with shareOut().
struct WeightsAhead {
    const void* base = nullptr;
    int64_t nBytes = 0;
    int64_t budget = 0;    ///< bytes asked for by the whole grid; 0 = nothing
    int64_t stride = 0;    ///< between the shares of two blocks
    int32_t perBlock = 0;  ///< bytes, multiple of 128

    void shareOut(int64_t nBlocks) {
        stride = base ? nBytes / nBlocks / 128 * 128 : 0;
        const int64_t share = budget / nBlocks / 128 * 128;
        perBlock = static_cast<int32_t>(share < stride ? share : stride);
    }
};

}  // namespace spanscope::cuda
