// info: what a model (or a recorded run) is, from headers alone where that is enough.
#include <cstdio>
#include <filesystem>

#include "app/cli/model_setup.h"
#include "app/cli/run_json.h"
#include "app/cli/verbs.h"
#include "engine/decode/machine.h"
#include "engine/trace/trace.h"
#include "engine/types/decimal.h"
#include "kernels/backends.h"

namespace spanscope::cli {

namespace {

using Json = nlohmann::ordered_json;

bool isTrace(const std::string& path) {
    const std::string extension = std::filesystem::path(path).extension().string();
    return extension == ".spantrace" || extension == ".part";
}

int traceInfo(const InfoOptions& o, const Log& log) {
    auto file = readTrace(o.trace);
    if (!file) return log.fail(file.error());
    Json runs = Json::array();
    for (const auto& run : file->runs) {
        const RunHeader& h = run->header;
        runs.push_back({{"run", h.runId}, {"task", h.settings.task}, {"attention", attentionModeName(h.settings.attention)},
                        {"model", h.modelName}, {"model_hash", h.modelHash}, {"machine", h.machine}, {"device", h.device},
                        {"program", h.programVersion}, {"prompt_n", h.prompt.size()}, {"steps", run->steps.size()},
                        {"segments", run->segments.size()}, {"violations", run->violations.size()},
                        {"answer", run->answer}, {"stop_reason", stopReasonName(run->stats.stop)}});
    }
    if (o.json) {
        printJson({{"trace", o.trace}, {"damage", file->damage}, {"runs", std::move(runs)}});
        return kOk;
    }
    if (!file->damage.empty()) std::printf("damaged: %s\n", printable(file->damage).c_str());
    for (const auto& run : file->runs)
        std::printf("%s, %s\n%s\nanswer: %s\n", printable(run->header.modelName).c_str(), printable(run->header.machine).c_str(),
                    runSummary(*run).c_str(), printable(run->answer).c_str());
    return kOk;
}

Json taskJson(const TaskCard& t) {
    return {{"name", t.name},
            {"prefill", t.policy.prefill == PrefillPolicy::Segmented ? "segmented" : "causal"},
            {"heads", t.policy.heads},
            {"max_operators", t.maxOperators},
            {"max_lines", t.maxLines},
            {"max_value", t.maxValue},
            {"max_factor", t.maxFactor},
            {"max_sentences", t.maxSentences}};
}

Json modelJson(const Model& model, const MemoryForecast& f) {
    const ModelShape& s = model.weights().shape;
    const SpanscopeCard& card = model.card();
    Json tasks = Json::array();
    for (const TaskCard& t : card.tasks) tasks.push_back(taskJson(t));
    return {{"path", model.path()},
            {"name", model.name()},
            {"hash", model.hash()},
            {"format", model.formatName()},
            {"shape",
             {{"n_layers", s.nLayers}, {"hidden", s.hidden}, {"ffn", s.ffn}, {"n_heads", s.nHeads},
              {"n_kv_heads", s.nKvHeads}, {"head_dim", s.headDim}, {"vocab", s.vocab}, {"max_context", s.maxSeqLen},
              {"sliding_window", s.slidingWindow}, {"tied_head", !model.weights().head}}},
            {"protocol_version", card.protocolVersion},
            {"description", card.description},
            {"license", card.license},
            {"trained_on", card.trainedOn},
            {"tasks", std::move(tasks)},
            {"forecast",
             {{"weight_bytes", f.weightBytes}, {"kv_bytes", f.kvBytes}, {"workspace_bytes", f.workspaceBytes},
              {"free_bytes", f.freeBytes}, {"context_tokens", f.contextTokens}, {"largest_context", f.largestContext},
              {"fits", f.fits()}}},
            {"machine", describeMachine()},
            {"cuda", describeCuda()}};
}

void printModel(const Model& model, const MemoryForecast& f) {
    const ModelShape& s = model.weights().shape;
    const SpanscopeCard& card = model.card();
    std::printf("%s\n  folder    %s\n  format    %s, %s\n  hash      %s\n", printable(model.name()).c_str(), model.path().c_str(),
                model.formatName().c_str(), mebibytes(model.weightBytes()).c_str(), model.hash().c_str());
    std::printf("  shape     %d layers, %d wide, MLP %d, %d heads (%d for keys and values) of %d, vocabulary %d%s\n",
                s.nLayers, s.hidden, s.ffn, s.nHeads, s.nKvHeads, s.headDim, s.vocab,
                model.weights().head ? "" : ", tied head");
    std::printf("  context   %d tokens%s\n", s.maxSeqLen,
                s.slidingWindow > 0 ? (", sliding window " + std::to_string(s.slidingWindow)).c_str() : "");
    if (card.protocolVersion == 0) {
        std::printf("  protocol  none: runs as plain text\n");
    } else {
        std::printf("  protocol  version %d\n", card.protocolVersion);
        for (const TaskCard& t : card.tasks) {
            std::string limits;
            auto limit = [&](int32_t value, const char* what) {
                if (value > 0) limits += ", " + std::string(what) + " " + std::to_string(value);
            };
            limit(t.maxOperators, "operators to");
            limit(t.maxLines, "lines to");
            limit(t.maxSentences, "sentences to");
            limit(t.maxValue, "values to");
            limit(t.maxFactor, "factors to");
            std::printf("  task      %s: prefill %s%s%s\n", printable(t.name).c_str(),
                        t.policy.prefill == PrefillPolicy::Segmented ? "segmented" : "causal",
                        t.policy.heads ? ", heads" : "", limits.c_str());
        }
    }
    if (!card.description.empty()) std::printf("  about     %s\n", printable(card.description).c_str());
    if (!card.trainedOn.empty()) std::printf("  trained   %s\n", printable(card.trainedOn).c_str());
    if (!card.license.empty()) std::printf("  license   %s\n", printable(card.license).c_str());
    std::printf("  memory    weights %s + KV %s (context %d) + workspace %s; free %s: %s, largest context %d\n",
                mebibytes(f.weightBytes).c_str(), mebibytes(f.kvBytes).c_str(), f.contextTokens,
                mebibytes(f.workspaceBytes).c_str(), mebibytes(f.freeBytes).c_str(), f.fits() ? "fits" : "does not fit",
                f.largestContext);
    std::printf("machine     %s\ncuda        %s\n", describeMachine().c_str(), describeCuda().c_str());
    if (!card.cardText.empty()) std::printf("\n%s\n", printable(card.cardText).c_str());
}

}  // namespace

int infoVerb(const InfoOptions& options, const Log& log) {
    InfoOptions o = options;
    if (isTrace(o.trace)) return traceInfo(o, log);
    if (!o.trace.empty()) o.model.path = o.trace;
    auto forecast = forecastMemory(modelPath(o.model), o.model.contextTokens, kvTypeOf(o.model));
    if (!forecast) return log.fail(forecast.error());
    auto opened = openModelFor(o.model, log);
    if (!opened) return log.fail(opened.error());
    if (o.json) {
        printJson(modelJson(*opened->model, *forecast));
    } else {
        printModel(*opened->model, *forecast);
    }
    return kOk;
}

}  // namespace spanscope::cli
