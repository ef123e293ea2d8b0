// How a backend comes into being. The CUDA one is a plugin opened at run time, so that a machine without
// a driver, a GPU or the toolkit's libraries runs everything else.
#pragma once

#include "kernels/backend.h"
#include "kernels/device.h"

namespace spanscope {

/// What Auto tries first: Cuda where there is a usable device, else Cpu. Opens the plugin, takes no memory of a device.
Device preferredDevice();

/// What BackendOptions::kvType means when it is not given. F16 where CUDA multiplies F16 matrices (F16 and quantised
/// models), else BF16, on CUDA as on the CPU, so that a model has the same cache wherever it runs: attention at
/// depth is bound by the bytes of the cache on both, and CUDA's kernels for tensor cores take no other. Two cores,
/// llama-160m at depth 8,192, attention of a step (`bench --random-weights llama-160m -d 8192 --kv-type TYPE`, two
/// turns): 17.5 and 19.9 ms F32, 12.6 and 13.5 BF16, 11.3 and 14.3 F16. Reference: F32.
DType defaultKvType(Device device, const ModelWeights& weights);

/// The one way to a backend for programs. Errors are those of the functions below; Auto passes Cancelled on, and takes
/// the CPU after any other error of CUDA's. progress: copying weights to a device; may be empty.
Result<std::unique_ptr<Backend>> makeBackend(Device device, const ModelWeights& weights, const BackendOptions& options,
                                             const ProgressFn& progress = {});

/// Plain loops, the yardstick of every test. accumulateDouble: float64 throughout, else float32.
Result<std::unique_ptr<Backend>> makeReferenceBackend(const ModelWeights& weights, const BackendOptions& options,
                                                      bool accumulateDouble);

/// SIMD and threads.
Result<std::unique_ptr<Backend>> makeCpuBackend(const ModelWeights& weights, const BackendOptions& options);

/// What the CPU backend holds beside weights and KV cache, about: activations of one chunk of a prompt, scratch of each
/// thread, logits, norms, partial results over contextTokens tokens of all sequences together.
uint64_t cpuWorkspaceBytes(const ModelShape& shape, int64_t contextTokens, int32_t nThreads);

/// Of matrices of so many bytes, how many the CPU backend holds once more, in large pages (cpu/weight_copies.h): all,
/// or none where the system has no such pages or little free memory.
uint64_t cpuCopiedBytes(uint64_t matrixBytes);

/// Opens the plugin beside the program (or at $SPANSCOPE_CUDA_PLUGIN). NotFound: no plugin built; Device: no
/// driver or GPU; OutOfMemory with bytes wanted and free. progress may be empty.
Result<std::unique_ptr<Backend>> openCudaBackend(const ModelWeights& weights, const BackendOptions& options,
                                                 const ProgressFn& progress);

/// One line for `info` and About: what the plugin says of the devices, or why there is none.
std::string describeCuda();

}  // namespace spanscope
