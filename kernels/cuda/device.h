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

/// Shared memory carveouts, in percent of a multiprocessor's L1 and shared memory. What is left is L1 cache, through
/// which plain loads come: with little of it few of them are in flight. All of it suits steps whose kernels load by
/// asynchronous copies.
inline constexpr int kCarveoutAll = 100, kCarveoutMost = 58;

/// What every launch needs to know.
struct LaunchContext {
    cudaStream_t stream = nullptr;
    int nSm = 0;
    bool dependentLaunch = false;  ///< programmatic dependent launch (compute capability 9.0 and up; common.cuh)
    bool bulkCopies = false;       ///< bulk asynchronous copies, clusters (compute capability 9.0 and up; hopper.cuh)
    int sharedPerBlock = 0;        ///< bytes of shared memory a block may ask for
    int carveoutPercent = -1;      ///< that all kernels ask for; -1: the driver's choice
    int sharedPerSm = 0;           ///< bytes of shared memory that a multiprocessor has then
};

/// `ctx` with another carveout. Kernels with different carveouts cannot be resident on a multiprocessor together, and
/// changing it costs microseconds: a step's kernels, which follow each other by the hundred, agree on one.
LaunchContext withCarveout(LaunchContext ctx, int percent);
/// `ctx` for kernels that take no part in the rules of programmatic dependent launch.
LaunchContext withoutDependentLaunch(LaunchContext ctx);

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

/// A matrix that the next kernel reads: a kernel may prefetch parts of it into L2 when its own loads are done, so that
/// memory is not idle while it drains and the next one starts. A hint: it changes no result. Set base, nBytes and
/// budget; launchers set the rest with splitOver().
struct WeightPrefetch {
    const void* base = nullptr;
    int64_t nBytes = 0;
    int64_t budget = 0;    ///< bytes that the whole grid prefetches; 0 = none
    int64_t stride = 0;    ///< between the parts of two blocks
    int32_t perBlock = 0;  ///< bytes, multiple of 128

    /// Half of the matrix, for two kernels that share it.
    WeightPrefetch half(int32_t which) const {
        WeightPrefetch r = *this;
        r.nBytes = nBytes / 2 / 128 * 128;
        if (r.base) r.base = static_cast<const char*>(base) + which * r.nBytes;
        return r;
    }

    void splitOver(int64_t nBlocks) {
        stride = base ? nBytes / nBlocks / 128 * 128 : 0;
        const int64_t part = budget / nBlocks / 128 * 128;
        perBlock = static_cast<int32_t>(part < stride ? part : stride);
    }
};

}  // namespace spanscope::cuda
