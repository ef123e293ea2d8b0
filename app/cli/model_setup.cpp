#include "app/cli/model_setup.h"

#include <algorithm>
#include <chrono>

#include "app/cli/locate.h"
#include "engine/files/decimal.h"
#include "engine/tasks/chat/chat_prompt.h"
#include "kernels/backends.h"
#include "kernels/cuda/matrix_type.h"

namespace spanscope::cli {

namespace {

int64_t nsSince(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count();
}

std::string contextOf(const KvDemand& d) {
    const std::string context = "a context of " + std::to_string(d.contextTokens) + " tokens";
    return d.nSequences == 1 ? context : context + " in each of " + std::to_string(d.nSequences) + " sequences";
}

/// What to do about it. Never advises more than the model was trained for: that might fit, and would be of no use.
std::string whatWouldFit(const MemoryForecast& f, const KvDemand& d) {
    if (f.weightBytes > f.freeBytes) return "not even the weights would";
    const std::string fewer =
        d.nSequences > 1 && *d.sequencesOption ? std::string("fewer sequences (") + d.sequencesOption + ") may" : "";
    if (!*d.contextOption || f.largestContext == 0) return fewer;
    const std::string tokens = std::to_string(f.largestContext) + " tokens";
    if (f.largestContext < d.nPrompt)
        return tokens + " would, fewer than the prompt's " + std::to_string(d.nPrompt) + (fewer.empty() ? "" : "; ") +
               fewer;
    return tokens + " would" + (f.largestContext == f.modelContext ? ", all that the model was trained for" : "") +
           " (" + d.contextOption + ")" + (fewer.empty() ? "" : ", or ") + fewer;
}

}  // namespace

ProgressFn progressOn(const Log& log, const std::string& what) {
    return [&log, what](double fraction) {
        log.progress(what + " " + decimal(100 * fraction, 0) + " %");
        return true;  // a signal ends the program by itself while nothing is done yet
    };
}

std::string modelPath(const ModelOptions& options) {
    return options.path.empty() ? bundledModel(options.bundled) : options.path;
}

Device deviceOf(const ModelOptions& options) {
    return options.device == Device::Auto ? preferredDevice() : options.device;
}

DType kvTypeOf(const ModelOptions& options, const ModelWeights& weights) {
    return options.kvType.value_or(defaultKvType(deviceOf(options), weights));
}

std::string mebibytes(uint64_t bytes) {
    const double mib = static_cast<double>(bytes) / double(1 << 20);
    return mib < 1024 ? decimal(mib, 1) + " MiB" : decimal(mib / 1024, 2) + " GiB";
}

std::string taskFor(const std::string& asked, const Model& model) {
    if (!asked.empty()) return asked;
    if (!model.card().tasks.empty()) return model.card().tasks.front().name;
    return model.chatTemplates().standard() != nullptr ? "chat" : "text";
}

std::vector<MaskPolicySpec> attentionFor(const std::vector<MaskPolicySpec>& asked, const Model& model) {
    if (!asked.empty()) return asked;
    return {model.card().protocolVersion > 0 ? MaskPolicySpec::declared() : MaskPolicySpec::dense()};
}

int32_t itemsTogether(const std::vector<MaskPolicySpec>& attentions, int32_t nSequences) {
    constexpr int32_t kMostRows = 64;  // that passes of several sequences share; more no backend gains from
    int32_t most = nSequences;
    for (const MaskPolicySpec& attention : attentions) {
        const int32_t one = attention.itemsTogether();
        most = std::max({most, one, std::min(nSequences, kMostRows / one) * one});
    }
    return most;
}

Status checkThinking(const std::optional<bool>& asked, const Model& model) {
    if (!asked) return {};
    const auto format = ChatFormat::of(model);
    if (!format) return format.error();
    if ((*format)->thinkingByDefault()) return {};
    return invalidArgument("--thinking: this model's chat template has no such switch");
}

Result<OpenedModel> openModelFor(const ModelOptions& options, const Log& log) {
    const auto startedAt = std::chrono::steady_clock::now();
    auto model = openModel(modelPath(options), progressOn(log, "opening the model"), options.adapter);
    log.endProgress();
    if (!model) return model.error();
    for (const std::string& note : (*model)->notes()) log.info("spanscope-cli: " + (*model)->path() + ": " + note);
    return OpenedModel{std::move(*model), nsSince(startedAt)};
}

Status checkMemory(const ModelOptions& options, const Model& model, const KvDemand& demand, const Log& log) {
    const std::string& path = model.path();
    const MemoryForecast forecast =
        model.forecast(demand.contextTokens, kvTypeOf(options, model.weights()), demand.nSequences);
    log.detail("memory: weights " + mebibytes(forecast.weightBytes) + ", KV cache " + mebibytes(forecast.kvBytes) +
               " for " + std::to_string(demand.kvTokens()) + " tokens, workspace " +
               mebibytes(forecast.workspaceBytes) + ", free " + mebibytes(forecast.freeBytes));
    if (deviceOf(options) == Device::Cuda || forecast.fits()) return {};  // the CUDA backend asks the device itself
    const std::string advice = whatWouldFit(forecast, demand);
    const std::string message = contextOf(demand) + " does not fit into memory" + (advice.empty() ? "" : "; ") + advice;
    if (options.force) {
        log.info("spanscope-cli: " + path + ": " + message + "; starting anyway");
        return {};
    }
    return Error{ErrorCode::OutOfMemory,
                 message + "; --force starts anyway",
                 path,
                 {},
                 mebibytes(forecast.freeBytes) + " free",
                 mebibytes(forecast.neededBytes())};
}

Result<std::unique_ptr<Backend>> makeBackendFor(const ModelWeights& weights, const ModelOptions& options,
                                                const BackendRequest& request, const Log& log) {
    BackendOptions o;
    o.nThreads = request.nThreads;
    o.maxBatch = request.maxBatch;
    o.kvTokens = request.kvTokens;
    o.kvType = options.kvType;
    auto backend = makeBackend(deviceOf(options), weights, o, progressOn(log, "copying weights to the device"));
    log.endProgress();
    if (backend) {
        const BackendInfo info = (*backend)->info();
        log.detail(std::string("backend: ") + info.name + ", " + info.device + ", KV cache " + dtypeName(info.kvType));
        if (info.name == "cuda") {
            const CudaWidening widened = cudaWidening(weights);
            std::string formats;
            for (DType type : widened.formats) formats.append(formats.empty() ? "" : ", ").append(dtypeName(type));
            if (!formats.empty())
                log.detail("weights: " + formats + " widened to F16, " + mebibytes(widened.bytes) + " on the device");
        }
    }
    return backend;
}

}  // namespace spanscope::cli
