// info: what a model (or a recorded run) is, from headers alone where that is enough.
#include <algorithm>
#include <filesystem>

#include "app/cli/model_setup.h"
#include "app/cli/run_json.h"
#include "app/cli/terminal.h"
#include "app/cli/verbs.h"
#include "engine/decode/machine.h"
#include "engine/files/decimal.h"
#include "engine/files/safe_text.h"
#include "engine/reading/answer_check.h"
#include "engine/reading/run_checks.h"
#include "engine/tasks/chat/chat_prompt.h"
#include "engine/tasks/vocabulary/vocabulary_file.h"
#include "engine/trace/trace.h"
#include "kernels/backends.h"

namespace spanscope::cli {

namespace {

using Json = nlohmann::ordered_json;

/// For what stands in a line of its own, or in a part of one.
std::string line(const std::string& text) { return terminalSafe(text, true); }

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
        runs.push_back({{"run", h.runId},
                        {"task", h.settings.task},
                        {"attention", h.settings.attention.text()},
                        {"model", h.modelName},
                        {"model_hash", h.modelHash},
                        {"adapter", h.adapter.text()},
                        {"branch", h.branch.description()},
                        {"machine", h.machine},
                        {"device", h.device},
                        {"program", h.programVersion},
                        {"prompt_n", h.prompt.size()},
                        {"steps", run->steps.size()},
                        {"segments", run->segments.size()},
                        {"vocabulary", h.vocabulary},
                        {"violations", run->violations.size()},
                        {"answer", run->answer},
                        {"stop_reason", stopReasonName(run->stats.stop)}});
    }
    if (o.json) {
        printJson({{"trace", o.trace}, {"damage", file->damage}, {"runs", std::move(runs)}});
        return kOk;
    }
    if (!file->damage.empty()) printFormat("damaged: %s\n", line(file->damage).c_str());
    for (const auto& run : file->runs) {
        const std::string answer = shownAnswer(*run), note = checkAnswer(*run).note;
        const std::string counts = RunChecks::of(*run).counts().text();
        printFormat("%s, %s\n%s\nanswer: %s%s\n", line(run->header.modelName).c_str(),
                    line(run->header.machine).c_str(), runSummary(*run).c_str(),
                    answer.empty() ? "none" : answer.c_str(), note.empty() ? "" : (" (" + note + ")").c_str());
        if (!counts.empty()) printFormat("checked: %s\n", counts.c_str());
    }
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

/// The window that some or all layers have; size 0 and no layers: none.
struct Windows {
    int32_t size = 0, nLayers = 0;
};

Windows windowsOf(const ModelShape& shape) {
    if (shape.slidingWindow > 0) return {shape.slidingWindow, shape.nLayers};
    Windows windows;
    for (const LayerKind& kind : shape.layerKinds) {
        windows.size = std::max(windows.size, kind.window);
        windows.nLayers += kind.window > 0;
    }
    return windows;
}

/// Names of the templates, and who renders the one that is used: a family of templates, or Jinja2. null: none.
Json chatJson(const Model& model) {
    const ChatTemplates& templates = model.chatTemplates();
    if (templates.all.empty()) return nullptr;
    Json names = Json::array();
    for (const ChatTemplate& one : templates.all) names.push_back(one.name);
    const auto format = ChatFormat::of(model);
    const auto thinking = format ? (*format)->thinkingByDefault() : std::nullopt;
    return {{"templates", std::move(names)},
            {"format", format ? Json((*format)->rendererName()) : Json(nullptr)},
            {"thinking", thinking ? Json(*thinking) : Json(nullptr)}};
}

Json modelJson(const Model& model, const MemoryForecast& f) {
    const ModelShape& s = model.weights().shape;
    const Windows windows = windowsOf(s);
    const SpanscopeCard& card = model.card();
    Json tasks = Json::array();
    for (const TaskCard& t : card.tasks) tasks.push_back(taskJson(t));
    Json object{{"path", model.path()},
                {"name", model.name()},
                {"hash", model.hash()},
                {"format", model.formatName()},
                {"notes", model.notes()},
                {"shape",
                 {{"n_layers", s.nLayers},
                  {"hidden", s.hidden},
                  {"ffn", s.ffn},
                  {"n_heads", s.nHeads},
                  {"n_kv_heads", s.nKvHeads},
                  {"head_dim", s.headDim},
                  {"vocab", s.vocab},
                  {"max_context", s.maxSeqLen},
                  {"sliding_window", windows.size},
                  {"windowed_layers", windows.nLayers},
                  {"tied_head", !model.weights().head}}},
                {"protocol_version", card.protocolVersion},
                {"chat", chatJson(model)},
                {"description", card.description},
                {"license", card.license},
                {"trained_on", card.trainedOn},
                {"tasks", std::move(tasks)},
                {"forecast",
                 {{"weight_bytes", f.weightBytes},
                  {"kv_bytes", f.kvBytes},
                  {"workspace_bytes", f.workspaceBytes},
                  {"free_bytes", f.freeBytes},
                  {"context_tokens", f.contextTokens},
                  {"largest_context", f.largestContext},
                  {"fits", f.fits()}}},
                {"machine", describeMachine()},
                {"cuda", describeCuda()}};
    addAdapter(object, model);
    return object;
}

void printAdapter(const AdapterInfo& a) {
    printFormat("  adapter   %s, rank %d, hash %s, over the model of hash %s\n            %s\n", line(a.name).c_str(),
                a.rank, a.hash.c_str(), a.baseHash.c_str(), line(a.path).c_str());
    if (a.copiedBytes > 0) printFormat("            merged into copies of %s\n", mebibytes(a.copiedBytes).c_str());
    if (a.besideBytes > 0)
        printFormat("            %s beside the weights, which stay as they are\n", mebibytes(a.besideBytes).c_str());
}

void printModel(const Model& model, const MemoryForecast& f) {
    const ModelShape& s = model.weights().shape;
    const SpanscopeCard& card = model.card();
    printFormat("%s\n  folder    %s\n  format    %s, %s\n  hash      %s\n", line(model.name()).c_str(),
                line(model.path()).c_str(), model.formatName().c_str(), mebibytes(model.weightBytes()).c_str(),
                model.hash().c_str());
    printFormat("  shape     %d layers, %d wide, MLP %d, %d heads (%d for keys and values) of %d, vocabulary %d%s\n",
                s.nLayers, s.hidden, s.ffn, s.nHeads, s.nKvHeads, s.headDim, s.vocab,
                model.weights().head ? "" : ", tied head");
    std::string window;
    if (const Windows w = windowsOf(s); w.size > 0)
        window = ", sliding window " + std::to_string(w.size) +
                 (w.nLayers < s.nLayers ? " in " + std::to_string(w.nLayers) + " layers" : "");
    printFormat("  context   %d tokens%s\n", s.maxSeqLen, window.c_str());
    if (const AdapterInfo* adapter = model.adapter()) printAdapter(*adapter);
    if (card.protocolVersion == 0) {
        printFormat("  protocol  none: runs as plain text\n");
    } else {
        printFormat("  protocol  version %d\n", card.protocolVersion);
        for (const TaskCard& t : card.tasks) {
            std::string limits;
            auto limit = [&](int32_t value, const char* what) {
                if (value > 0) limits += ", " + std::string(what) + " " + std::to_string(value);
            };
            limit(t.maxOperators, "operators up to");
            limit(t.maxLines, "lines up to");
            limit(t.maxSentences, "sentences up to");
            limit(t.maxValue, "values up to");
            limit(t.maxFactor, "factors up to");
            printFormat("  task      %s: prefill %s%s%s\n", line(t.name).c_str(),
                        t.policy.prefill == PrefillPolicy::Segmented ? "segmented" : "causal",
                        t.policy.heads ? ", heads" : "", limits.c_str());
        }
    }
    if (const auto format = ChatFormat::of(model))
        printFormat("  chat      %s template\n", line((*format)->rendererName()).c_str());
    if (!card.description.empty()) printFormat("  about     %s\n", card.description.c_str());
    if (!card.trainedOn.empty()) printFormat("  trained   %s\n", card.trainedOn.c_str());
    if (!card.license.empty()) printFormat("  license   %s\n", card.license.c_str());
    printFormat("  memory    weights %s + KV %s (context %d) + workspace %s; free %s: %s, largest context %d\n",
                mebibytes(f.weightBytes).c_str(), mebibytes(f.kvBytes).c_str(), f.contextTokens,
                mebibytes(f.workspaceBytes).c_str(), mebibytes(f.freeBytes).c_str(), f.fits() ? "fits" : "does not fit",
                f.largestContext);
    printFormat("machine     %s\ncuda        %s\n", describeMachine().c_str(), describeCuda().c_str());
    if (!card.cardText.empty()) printFormat("\n%s\n", card.cardText.c_str());
}

}  // namespace

int infoVerb(const InfoOptions& options, const Log& log) {
    InfoOptions o = options;
    if (!o.vocabulary.empty()) {
        const auto text = vocabularyText(o.vocabulary);
        if (!text) return log.fail(text.error());
        if (const auto parsed = parseVocabulary(*text, o.vocabulary); !parsed) return log.fail(parsed.error());
        print(*text);
        return kOk;
    }
    if (isTrace(o.trace)) return traceInfo(o, log);
    if (!o.trace.empty()) o.model.path = o.trace;
    auto opened = openModelFor(o.model, log);
    if (!opened) return log.fail(opened.error());
    const MemoryForecast forecast =
        opened->model->forecast(o.model.contextTokens, kvTypeOf(o.model, opened->model->weights()));
    if (o.json) {
        printJson(modelJson(*opened->model, forecast));
    } else {
        printModel(*opened->model, forecast);
    }
    return kOk;
}

}  // namespace spanscope::cli
