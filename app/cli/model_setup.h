// Opening a model and a backend for it as the command line asks, with the memory forecast in between.
#pragma once

#include <memory>

#include "app/cli/log.h"
#include "app/cli/options.h"
#include "engine/model/model.h"

namespace spanscope::cli {

struct OpenedModel {
    std::shared_ptr<const Model> model;
    int64_t loadNs = 0;
};

/// The path that the options mean: their own, else the bundled model's.
std::string modelPath(const ModelOptions& options);
DType kvTypeOf(const ModelOptions& options);

/// Shows progress; Ctrl+C cancels.
Result<OpenedModel> openModelFor(const ModelOptions& options, const Log& log);

/// OutOfMemory with both numbers where weights, KV cache for kvTokens and workspace do not fit, unless forced.
Status checkMemory(const ModelOptions& options, int32_t kvTokens, const Log& log);

struct BackendRequest {
    int64_t kvTokens = 0;
    int32_t maxBatch = 1;
    int32_t nThreads = 0;
};
Result<std::unique_ptr<Backend>> makeBackendFor(const ModelWeights& weights, const ModelOptions& options,
                                                const BackendRequest& request, const Log& log);

/// "expression" and so on: what was asked for, else the first task of the model's card, else "text".
std::string taskFor(const std::string& asked, const Model& model);

/// "12.3 MiB".
std::string mebibytes(uint64_t bytes);

}  // namespace spanscope::cli
