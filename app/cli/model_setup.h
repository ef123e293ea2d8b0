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
/// Where it runs: what the options say, and for Auto what is preferred on this machine.
Device deviceOf(const ModelOptions& options);

/// Of the KV cache: what the options say, else the default of their device.
DType kvTypeOf(const ModelOptions& options, const ModelWeights& weights);

/// "what 40 %" on the terminal.
ProgressFn progressOn(const Log& log, const std::string& what);

/// Shows progress.
Result<OpenedModel> openModelFor(const ModelOptions& options, const Log& log);

/// What a verb wants to hold at the same time, and which of its options make it less.
struct KvDemand {
    int32_t contextTokens = 0;  ///< of each sequence
    int32_t nSequences = 1;
    const char* contextOption = "";    ///< empty: nothing can make it less
    const char* sequencesOption = "";  ///< likewise
    int32_t nPrompt = 0;               ///< tokens that the context needs in any case
    int64_t kvTokens() const { return int64_t{contextTokens} * nSequences; }
};

/// OutOfMemory with both numbers, and with what would fit, where weights, KV cache and workspace do not, unless forced.
Status checkMemory(const ModelOptions& options, const Model& model, const KvDemand& demand, const Log& log);

struct BackendRequest {
    int64_t kvTokens = 0;
    int32_t maxBatch = 1;
    int32_t nThreads = 0;
};
Result<std::unique_ptr<Backend>> makeBackendFor(const ModelWeights& weights, const ModelOptions& options,
                                                const BackendRequest& request, const Log& log);

/// "expression" and so on: what was asked for, else the first task of the model's card, else "chat" for a
/// model with a chat template, else "text".
std::string taskFor(const std::string& asked, const Model& model);

/// What was asked for, else declared, or dense for a model that does not speak the protocol.
std::vector<MaskPolicySpec> attentionFor(const std::vector<MaskPolicySpec>& asked, const Model& model);

/// The most items that a backend decodes together for nSequences runs of any of these.
int32_t itemsTogether(const std::vector<MaskPolicySpec>& attentions, int32_t nSequences = 1);

/// InvalidArgument: --thinking was given, and the model's chat template makes no difference of it.
Status checkThinking(const std::optional<bool>& asked, const Model& model);

/// "12.3 MiB".
std::string mebibytes(uint64_t bytes);

}  // namespace spanscope::cli
