#include "kernels/cuda/device.h"

namespace spanscope::cuda {

Error cudaError(const char* call, cudaError_t status) {
    Error e;
    e.code = status == cudaErrorMemoryAllocation ? ErrorCode::OutOfMemory : ErrorCode::Device;
    e.message = std::string("CUDA: ") + call + " failed: " + cudaGetErrorString(status);
    return e;
}

Error outOfMemory(const std::string& what, size_t wantedBytes, size_t freeBytes) {
    Error e;
    e.code = ErrorCode::OutOfMemory;
    e.message = what + " does not fit in the GPU's memory";
    e.found = std::to_string(freeBytes) + " bytes free";
    e.expected = std::to_string(wantedBytes) + " bytes";
    return e;
}

Status DeviceBuffer::allocate(const char* what, size_t nBytes) {
    release();
    if (nBytes == 0) return {};
    const cudaError_t status = cudaMalloc(&m_data, nBytes);
    if (status == cudaSuccess) {
        m_bytes = nBytes;
        return {};
    }
    m_data = nullptr;
    if (status != cudaErrorMemoryAllocation) return cudaError("cudaMalloc", status);
    (void)cudaGetLastError();  // not sticky: the next call must not see it
    size_t freeBytes = 0, totalBytes = 0;
    (void)cudaMemGetInfo(&freeBytes, &totalBytes);
    return outOfMemory(what, nBytes, freeBytes);
}

void DeviceBuffer::release() {
    if (m_data) (void)cudaFree(m_data);
    m_data = nullptr;
    m_bytes = 0;
}

Status MappedBuffer::allocate(const char* what, size_t nBytes) {
    release();
    const cudaError_t status = cudaHostAlloc(&m_host, nBytes, cudaHostAllocMapped);
    if (status != cudaSuccess) {
        m_host = nullptr;
        Error e = cudaError("cudaHostAlloc", status);
        e.field = what;
        (void)cudaGetLastError();
        return e;
    }
    m_bytes = nBytes;
    SPANSCOPE_CUDA_TRY(cudaHostGetDevicePointer(&m_device, m_host, 0));
    return {};
}

void MappedBuffer::release() {
    if (m_host) (void)cudaFreeHost(m_host);
    m_host = m_device = nullptr;
    m_bytes = 0;
}

LaunchContext withCarveout(LaunchContext ctx, int percent) {
    ctx.carveoutPercent = percent;
    ctx.sharedPerSm = ctx.sharedPerBlock / 100 * percent;  // a little less than the driver then sets up
    return ctx;
}

LaunchContext withoutDependentLaunch(LaunchContext ctx) {
    ctx.dependentLaunch = false;
    return ctx;
}

GraphExec::~GraphExec() {
    if (m_exec) (void)cudaGraphExecDestroy(m_exec);
}

Status GraphExec::capture(cudaStream_t stream, const std::function<Status()>& enqueue) {
    SPANSCOPE_CUDA_TRY(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    const Status enqueued = enqueue();
    cudaGraph_t graph = nullptr;
    const cudaError_t ended = cudaStreamEndCapture(stream, &graph);
    if (!enqueued.ok()) {
        if (graph) (void)cudaGraphDestroy(graph);
        return enqueued;
    }
    if (ended != cudaSuccess) return cudaError("cudaStreamEndCapture", ended);
    GraphExec made;
    const cudaError_t instantiated = cudaGraphInstantiate(&made.m_exec, graph, 0);
    (void)cudaGraphDestroy(graph);
    if (instantiated != cudaSuccess) return cudaError("cudaGraphInstantiate", instantiated);
    *this = std::move(made);
    return {};
}

Status GraphExec::launch(cudaStream_t stream) const {
    SPANSCOPE_CUDA_TRY(cudaGraphLaunch(m_exec, stream));
    return {};
}

}  // namespace spanscope::cuda
