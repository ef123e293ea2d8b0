// How a backend comes into being. The CUDA one is a plugin opened at run time, so that a machine without
// a driver, a GPU or the toolkit's libraries runs everything else.
#pragma once

#include "kernels/backend.h"

namespace spanscope {

/// Plain loops, the yardstick of every test. accumulateDouble: float64 throughout, else float32.
Result<std::unique_ptr<Backend>> makeReferenceBackend(const ModelWeights& weights, const BackendOptions& options,
                                                      bool accumulateDouble);

/// SIMD and threads.
Result<std::unique_ptr<Backend>> makeCpuBackend(const ModelWeights& weights, const BackendOptions& options);

/// Opens the plugin beside the program (or at $SPANSCOPE_CUDA_PLUGIN). NotFound: no plugin built; Device: no
/// driver or GPU; OutOfMemory with bytes wanted and free. progress may be empty.
Result<std::unique_ptr<Backend>> openCudaBackend(const ModelWeights& weights, const BackendOptions& options,
                                                 const ProgressFn& progress);

/// One line for `info` and About: what the plugin says of the devices, or why there is none.
std::string describeCuda();

}  // namespace spanscope
