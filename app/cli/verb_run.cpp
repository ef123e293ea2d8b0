// run: a prompt through one or more attention modes. Several are run in alternating slices, each timed alone.
#include <array>
#include <functional>
#include <iostream>
#include <random>

#include "app/cli/model_setup.h"
#include "app/cli/plain_output.h"
#include "app/cli/run_json.h"
#include "app/cli/stop_signal.h"
#include "app/cli/terminal.h"
#include "app/cli/verbs.h"
#include "engine/decode/machine.h"
#include "engine/decode/prompt.h"
#include "engine/decode/session.h"
#include "engine/files/decimal.h"
#include "engine/files/input_file.h"
#include "engine/reading/answer_check.h"
#include "engine/tasks/vocabulary/vocabulary_file.h"
#include "engine/trace/trace.h"
#include "engine/types/sampler_settings.h"
#include "engine/types/speed_up.h"

namespace spanscope::cli {

namespace {

constexpr int32_t kSliceSteps = 16;

constexpr size_t kMostPromptBytes = size_t{64} << 20;

/// path "-": standard input. Without what an editor adds: a byte order mark, the newline at the end.
Result<std::string> readPromptFile(const std::string& path) {
    std::ifstream file;
    if (path != "-") {
        auto opened = openInput(path);
        if (!opened) return opened.error();
        file = std::move(*opened);
    }
    std::istream& in = path == "-" ? std::cin : file;
    std::string text;
    for (std::array<char, 1 << 16> piece{}; in && text.size() <= kMostPromptBytes;) {
        in.read(piece.data(), piece.size());
        text.append(piece.data(), static_cast<size_t>(in.gcount()));
    }
    if (in.bad()) return Error{ErrorCode::Io, "reading the prompt failed", path};
    if (text.size() > kMostPromptBytes)
        return Error{ErrorCode::InvalidArgument, "the prompt is too long", path, {}, "more than 64 MiB"};
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    if (text.empty()) return Error{ErrorCode::InvalidArgument, "the prompt file is empty", path};
    return text;
}

Result<RunSettings> settingsOf(const RunOptions& o, const Model& model) {
    RunSettings s;
    s.task = taskFor(o.task, model);
    if (!o.vocabulary.empty()) {
        auto text = vocabularyText(o.vocabulary);
        if (!text) return text.error();
        if (auto parsed = parseVocabulary(*text, o.vocabulary); !parsed) return parsed.error();
        s.vocabulary = std::move(*text);
        if (o.task.empty()) s.task = model.chatTemplates().standard() != nullptr ? "chat" : "text";
    }
    s.systemText = o.system;
    s.thinking = o.thinking;
    s.promptText = o.prompt;
    s.promptIds = o.promptIds;
    s.maxTokens = o.maxTokens;
    s.contextTokens = o.model.contextTokens;
    s.sampler = o.sampler;
    s.sampler.seed = o.seed < 0 ? std::random_device{}() : static_cast<uint64_t>(o.seed);
    if (!o.system.empty() && s.task != "chat")
        return Error{ErrorCode::InvalidArgument, "--system is for --task chat", {}, {}, s.task};
    if (o.thinking && s.task != "chat")
        return Error{ErrorCode::InvalidArgument, "--thinking is for --task chat", {}, {}, s.task};
    if (auto ok = checkThinking(o.thinking, model); !ok) return ok.error();
    if (!o.promptFile.empty()) {
        auto text = readPromptFile(o.promptFile);
        if (!text) return text.error();
        s.promptText = std::move(*text);
    } else if (!o.promptGiven && o.promptIds.empty()) {
        return Error{ErrorCode::InvalidArgument, "there is no prompt; give -p, -f or --prompt-tokens"};
    }
    return s;
}

int printForecast(const RunOptions& o, const Model& model, const KvDemand& demand) {
    const MemoryForecast f =
        model.forecast(demand.contextTokens, kvTypeOf(o.model, model.weights()), demand.nSequences);
    if (o.json) {
        printJson({{"forecast",
                    {{"weight_bytes", f.weightBytes},
                     {"kv_bytes", f.kvBytes},
                     {"workspace_bytes", f.workspaceBytes},
                     {"free_bytes", f.freeBytes},
                     {"kv_tokens", demand.kvTokens()},
                     {"largest_context", f.largestContext},
                     {"fits", f.fits()}}}});
    } else {
        printFormat("weights    %s\nKV cache   %s for %lld tokens\nworkspace  %s\nfree       %s\n%s\n",
                    mebibytes(f.weightBytes).c_str(), mebibytes(f.kvBytes).c_str(),
                    static_cast<long long>(demand.kvTokens()), mebibytes(f.workspaceBytes).c_str(),
                    mebibytes(f.freeBytes).c_str(), f.fits() ? "fits" : "does not fit");
    }
    return f.fits() ? kOk : kOutOfMemory;
}

/// What is open while the runs go on.
struct Running {
    std::vector<std::unique_ptr<Session>> sessions;
    std::unique_ptr<TraceWriter> trace;
    Error failure;
    bool failed = false;

    void fail(const Error& error) {
        if (!failed) failure = error;
        failed = true;
    }
};

Error stdoutFailed() { return {ErrorCode::Io, "cannot be written", "stdout"}; }

/// write: given a run after each step, shows what is new of it; may be empty. A reader that leaves (`| head`) ends the
/// run, unless it is recorded.
void execute(Running& r, const std::function<bool(const RunData&)>& write, const Log& log) {
    for (auto& session : r.sessions) {
        const std::string name = session->data().header.settings.attention.text();
        auto ok = session->prefill(&stopFlag(), [&](int32_t done, int32_t total) {
            if (total > 4096) log.progress(name + ": prompt " + std::to_string(done) + " of " + std::to_string(total));
        });
        log.endProgress();
        if (!ok) return r.fail(ok.error());
        if (r.trace) {
            if (auto written = r.trace->append(session->data()); !written) return r.fail(written.error());
        }
    }
    std::vector<Session*> sessions;
    for (auto& session : r.sessions) sessions.push_back(session.get());
    std::atomic<bool> enough{stopRequested()};
    auto ok = runInterleaved(sessions, kSliceSteps, &enough, [&](Session& session) {
        if (write && !r.failed && !write(session.data())) {
            r.fail(stdoutFailed());
            if (!r.trace) enough.store(true);
        }
        if (r.trace) {
            if (auto written = r.trace->append(session.data()); !written) r.fail(written.error());
        }
        if (stopRequested()) enough.store(true);
    });
    if (!ok) r.fail(ok.error());
}

/// The trace's last lines; a run that was stopped or failed is recorded as that.
void closeTrace(Running& r, int64_t loadNs) {
    if (!r.trace) return;
    for (auto& session : r.sessions) {
        RunData last = session->data();
        last.stats.loadNs = loadNs;
        if (auto ok = r.trace->end(last); !ok) r.fail(ok.error());
    }
    if (auto ok = r.trace->close(); !ok) r.fail(ok.error());
}

const RunData* runWith(const Running& r, const MaskPolicySpec& attention) {
    for (const auto& session : r.sessions) {
        if (session->data().header.settings.attention == attention) return &session->data();
    }
    return nullptr;
}

/// Of declared and lossless runs against the dense one.
std::vector<std::pair<std::string, SpeedUp>> speedUps(const Running& r) {
    std::vector<std::pair<std::string, SpeedUp>> list;
    const RunData* dense = runWith(r, MaskPolicySpec::dense());
    for (const auto& session : r.sessions) {
        const MaskPolicySpec& attention = session->data().header.settings.attention;
        if (!dense || !(attention.isDeclared() || attention.isLossless())) continue;
        if (const SpeedUp up = speedUp(session->data(), *dense); up.factor > 0) list.emplace_back(attention.text(), up);
    }
    return list;
}

/// What the process took, beside what must be there: weights, and keys and values at the end of all runs.
nlohmann::ordered_json memoryJson(const Running& r, const Model& model) {
    const ProcessMemory m = processMemory();
    int64_t kvBytes = 0;
    for (const auto& session : r.sessions) kvBytes += session->data().stats.kvStoredBytes;
    return {{"peak_rss_bytes", m.peakBytes},
            {"anon_bytes", m.anonBytes},
            {"file_bytes", m.fileBytes},
            {"weight_bytes", model.weightBytes()},
            {"kv_bytes", kvBytes}};
}

nlohmann::ordered_json resultJson(const Running& r, const Model& model, int64_t loadNs) {
    nlohmann::ordered_json runs = nlohmann::ordered_json::array();
    for (const auto& session : r.sessions) runs.push_back(runJson(session->data(), model, loadNs));
    nlohmann::ordered_json object{
        {"version", kJsonVersion}, {"runs", std::move(runs)}, {"model", model.name()}, {"model_hash", model.hash()}};
    addAdapter(object, model);
    for (const auto& [name, up] : speedUps(r)) {
        const std::string key = name == MaskPolicySpec::declared().name ? "speed_up" : "speed_up_" + name;
        object[key] = up.factor;
        object[key + "_steps"] = up.nSteps;
    }
    if (r.failed) object["error"] = r.failure.toString();
    return object;
}

}  // namespace

int runVerb(const RunOptions& o, const Log& log) {
    auto opened = openModelFor(o.model, log);
    if (!opened) return log.fail(opened.error());
    const Model& model = *opened->model;
    auto settings = settingsOf(o, model);
    if (!settings) return log.fail(settings.error());
    auto prompt = preparePrompt(model, *settings);
    if (!prompt) return log.fail(prompt.error());
    if (!prompt->warning.empty()) log.info("warning: " + prompt->warning);

    const std::vector<MaskPolicySpec> attentions = o.attention.empty() && !o.vocabulary.empty()
                                                       ? std::vector{MaskPolicySpec::declared()}
                                                       : attentionFor(o.attention, model);
    const auto nPrompt = static_cast<int32_t>(prompt->ids.size());
    const int32_t needed = neededTokens(model, *settings, nPrompt);
    if (auto ok = checkPromptFits(nPrompt, needed); !ok) return log.fail(ok.error());
    const KvDemand demand{(needed + kPageTokens - 1) / kPageTokens * kPageTokens,
                          static_cast<int32_t>(attentions.size()), "-c", "--attention", nPrompt};
    if (auto ok = o.dryRun ? Status() : checkMemory(o.model, model, demand, log); !ok) return log.fail(ok.error());
    if (const int32_t trained = model.weights().shape.maxSeqLen; needed > trained)
        log.info("warning: the run may take " + std::to_string(needed) + " tokens; the model was trained for " +
                 std::to_string(trained));
    if (o.dryRun) return printForecast(o, model, demand);
    auto backend =
        makeBackendFor(model.weights(), o.model, {demand.kvTokens(), itemsTogether(attentions), o.model.nThreads}, log);
    if (!backend) return log.fail(backend.error());
    log.detail("sampler: " + describeSampler(settings->sampler));
    if (o.seed < 0) log.info("seed " + std::to_string(settings->sampler.seed));

    Running running;
    for (const MaskPolicySpec& attention : attentions) {
        settings->attention = attention;
        auto session =
            Session::create(opened->model, **backend, *settings, static_cast<int64_t>(running.sessions.size()) + 1);
        if (!session) return log.fail(session.error());
        running.sessions.push_back(std::move(*session));
    }
    StopsInOrder stops;
    if (!o.traceFile.empty()) {
        auto trace = TraceWriter::create(o.traceFile);
        if (!trace) return log.fail(trace.error());
        running.trace = std::move(*trace);
        for (const auto& session : running.sessions)  // a recording that breaks off in the prompt says what was asked
            if (auto begun = running.trace->begin(session->data().header); !begun) return log.fail(begun.error());
    }
    StreamedText stream;
    PlainStream lines;
    const bool streams = !o.json && running.sessions.size() == 1;
    const bool plain = !o.raw && hasPlainReading(running.sessions.front()->data());
    std::function<bool(const RunData&)> write;
    if (streams && plain) write = [&](const RunData& run) { return lines.write(run); };
    if (streams && !plain)
        write = [&](const RunData& run) {
            const TokenInfo& token = run.steps.back().token;
            return stream.write(token.text, token.special ? Style::Span : Style::None);
        };
    execute(running, write, log);
    stops.workIsOver();
    closeTrace(running, opened->loadNs);

    if (o.json) {
        auto result = resultJson(running, model, opened->loadNs);
        result["memory"] = memoryJson(running, model);
        printJson(result);
    } else if (streams) {
        if (plain) lines.finish(running.sessions.front()->data());
        else stream.finish();
    } else if (plain) {
        for (const auto& session : running.sessions) {
            printData(session->data().header.settings.attention.text() + ":\n");
            PlainStream().finish(session->data());
        }
    } else {
        for (const auto& session : running.sessions) {
            const RunData& run = session->data();
            printData(run.header.settings.attention.text() + ":\n" +
                      model.tokenizer().decode(responseIds(run, model.tokenizer())) + "\n");
        }
    }
    for (const auto& session : running.sessions) {
        log.info(runSummary(session->data()));
        const AnswerCheck check = checkAnswer(session->data());
        if (!check.note.empty())
            log.info("warning: " + session->data().header.settings.attention.text() + ": the answer " +
                     (session->data().answer.empty() ? "(none)" : session->data().answer) + " is " + check.note);
    }
    const auto ups = speedUps(running);
    for (const auto& [name, up] : ups)
        log.info((ups.size() > 1 ? name + " speed-up: " : "speed-up: ") + decimal(up.factor, 2) + "x" +
                 (up.sameLength() ? "" : " " + up.note()));
    if (!running.failed) return kOk;
    log.error(running.failure.toString());
    if (running.failure.code == ErrorCode::Cancelled || running.failure.code == ErrorCode::OutOfMemory)
        return exitCodeOf(running.failure);
    return running.failure.code == ErrorCode::Io ? kLoadFailure : kRunFailed;
}

}  // namespace spanscope::cli
