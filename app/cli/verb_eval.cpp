// eval: many problems in each attention mode, side by side. Jobs are threads with a backend of their own over the
// same mapped weights; each decodes a batch. Tokens are greedy, so results do not depend on jobs or order.
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "app/cli/eval_scores.h"
#include "app/cli/model_setup.h"
#include "app/cli/problems.h"
#include "app/cli/run_json.h"
#include "app/cli/stop_signal.h"
#include "app/cli/terminal.h"
#include "app/cli/verbs.h"
#include "engine/decode/batch.h"
#include "engine/decode/prompt.h"
#include "engine/types/output_file.h"
#include "engine/types/decimal.h"
#include "kernels/process_limits.h"

namespace spanscope::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Outcome {
    std::string answer, text, error;
    RunStats stats;
    size_t nViolations = 0;
    bool done = false;
    bool exact = false;
};

/// All problems under one attention mode.
struct Row {
    AttentionChoice choice;
    std::vector<Outcome> outcomes;
    EvalScores scores;
    double wallS = 0;
};

struct Plan {
    std::vector<RunSettings> settings;  ///< one for each problem; attention is filled in for each row
    int32_t largestNeed = 0;            ///< tokens of KV cache of the largest problem, whole pages
    int32_t nJobs = 1;
    int32_t batch = 1;
    int32_t threadsPerJob = 0;
};

Result<Plan> makePlan(const EvalOptions& o, const Model& model, const std::vector<Problem>& problems, const Log& log) {
    Plan plan;
    for (size_t i = 0; i < problems.size(); ++i) {
        RunSettings s;
        s.task = problems[i].task;
        s.promptText = problems[i].typed;
        s.contextTokens = o.model.contextTokens;
        auto prompt = preparePrompt(model, s);
        if (!prompt) {
            Error e = prompt.error();
            e.field = "problem " + std::to_string(i + 1) + (e.field.empty() ? "" : ", " + e.field);
            return e;
        }
        const auto nPrompt = static_cast<int32_t>(prompt->ids.size());
        s.maxTokens = responseLimit(o, problems[i], model.tokenizer(), nPrompt);
        const int32_t need = neededTokens(model, s, nPrompt);
        plan.largestNeed = std::max(plan.largestNeed, (need + kPageTokens - 1) / kPageTokens * kPageTokens);
        plan.settings.push_back(std::move(s));
    }
    const int32_t threads = o.model.nThreads > 0 ? o.model.nThreads : usableThreads();
    plan.nJobs = o.nJobs > 0 ? o.nJobs : o.model.backend == "cuda" ? 1 : threads;
    plan.nJobs = std::min<int32_t>(plan.nJobs, static_cast<int32_t>(problems.size()));
    plan.threadsPerJob = std::max(1, threads / plan.nJobs);

    // As many sequences together as half of the free memory holds.
    plan.batch = o.batch;
    auto forecast = forecastMemory(model.path(), plan.largestNeed, kvTypeOf(o.model));
    if (!forecast) return forecast.error();
    if (o.model.backend != "cuda" && forecast->kvBytes > 0) {
        const uint64_t spare = forecast->freeBytes > forecast->weightBytes ? (forecast->freeBytes - forecast->weightBytes) / 2 : 0;
        const uint64_t fits = spare / forecast->kvBytes / static_cast<uint64_t>(plan.nJobs);
        plan.batch = static_cast<int32_t>(std::clamp<uint64_t>(fits, 1, static_cast<uint64_t>(o.batch)));
    }
    log.detail(std::to_string(plan.nJobs) + " jobs of " + std::to_string(plan.threadsPerJob) + " threads, batches of " +
               std::to_string(plan.batch) + ", up to " + std::to_string(plan.largestNeed) + " tokens each");
    return plan;
}

class RowRunner {
  public:
    RowRunner(std::shared_ptr<const Model> model, const Plan& plan, const std::vector<Problem>& problems, Row& row,
              std::mutex& mutex, const Log& log)
        : m_model(std::move(model)), m_plan(plan), m_problems(problems), m_row(row), m_log(log), m_mutex(mutex) {}

    Status run(const std::vector<std::unique_ptr<Backend>>& backends) {
        const auto startedAt = std::chrono::steady_clock::now();
        {
            std::vector<std::jthread> threads;  // joined here, whatever happens
            try {
                for (const auto& backend : backends) threads.emplace_back([this, &backend] { job(*backend); });
            } catch (const std::system_error& e) {
                fail({ErrorCode::OutOfMemory, std::string("a thread cannot be started: ") + e.what(), {}, "--jobs", std::to_string(backends.size()), "fewer"});
            }
        }
        const std::lock_guard lock(m_mutex);
        m_row.wallS = std::chrono::duration<double>(std::chrono::steady_clock::now() - startedAt).count();
        m_log.endProgress();
        return m_status;
    }

  private:
    void job(Backend& backend) {
        try {
            const Status ok = runBatched(m_model, backend, m_plan.batch, [this] { return nextRequest(); },
                                         [this](int64_t id, Result<RunData> result) { take(id, std::move(result)); }, &stopFlag());
            if (!ok) fail(ok.error());
        } catch (const std::bad_alloc&) {
            fail(noMemory());
        }
    }

    void fail(const Error& error) {
        const std::lock_guard lock(m_mutex);
        if (m_status.ok()) m_status = error;
    }

    std::optional<std::pair<int64_t, RunSettings>> nextRequest() {
        const std::lock_guard lock(m_mutex);
        if (m_next >= m_problems.size() || !m_status.ok()) return std::nullopt;
        RunSettings s = m_plan.settings[m_next];
        s.attention = m_row.choice.mode;
        s.keepTokens = m_row.choice.keepTokens;
        return std::pair{static_cast<int64_t>(m_next++), std::move(s)};
    }

    void take(int64_t id, Result<RunData> result) {
        const std::lock_guard lock(m_mutex);
        Outcome& out = m_row.outcomes[static_cast<size_t>(id)];
        out.done = true;
        if (!result) {
            out.error = result.error().toString();
        } else {
            out.answer = result->answer;
            out.stats = result->stats;
            out.nViolations = result->violations.size();
            out.exact = sameAnswer(out.answer, m_problems[static_cast<size_t>(id)].answer);
            for (const StepRecord& step : result->steps) out.text += step.token.text;
            m_row.scores.add(m_problems[static_cast<size_t>(id)], *result, out.text);
        }
        ++m_nDone;
        m_nExact += out.exact ? 1 : 0;
        m_log.progress(std::string(attentionModeName(m_row.choice.mode)) + ": " + std::to_string(m_nDone) + " of " +
                       std::to_string(m_problems.size()) + ", " + std::to_string(m_nExact) + " exact");
    }

    std::shared_ptr<const Model> m_model;
    const Plan& m_plan;
    const std::vector<Problem>& m_problems;
    Row& m_row;
    const Log& m_log;
    std::mutex& m_mutex;  ///< of the row and of all below
    size_t m_next = 0;
    int64_t m_nDone = 0, m_nExact = 0;
    Status m_status;
};

struct RowSums {
    int64_t n = 0, exact = 0, failed = 0;
    int64_t prompt = 0, response = 0, markup = 0, attended = 0, read = 0, causal = 0, violations = 0;
    int64_t prefillNs = 0;
    std::map<std::string, int64_t> stops;
    double share(int64_t part) const { return causal ? static_cast<double>(part) / static_cast<double>(causal) : 0; }
    double exactShare() const { return n ? static_cast<double>(exact) / static_cast<double>(n) : 0; }
};

RowSums sumUp(const Row& row) {
    RowSums s;
    for (const Outcome& o : row.outcomes) {
        if (!o.done) continue;
        ++s.n;
        s.exact += o.exact ? 1 : 0;
        s.failed += o.error.empty() ? 0 : 1;
        s.prompt += o.stats.promptTokens;
        s.response += o.stats.responseTokens;
        s.markup += o.stats.markupTokens;
        s.attended += o.stats.attendedTokens;
        s.read += o.stats.readTokens;
        s.causal += o.stats.causalTokens;
        s.violations += static_cast<int64_t>(o.nViolations);
        s.prefillNs += o.stats.prefillNs;
        ++s.stops[o.error.empty() ? stopReasonName(o.stats.stop) : "not_run"];
    }
    return s;
}

Json rowJson(const Row& row, const Plan& plan) {
    const RowSums s = sumUp(row);
    Json object{{"attention", attentionModeName(row.choice.mode)}};
    if (row.choice.mode == AttentionMode::Keep) object["keep_tokens"] = row.choice.keepTokens;
    object.update({{"exact", s.exactShare()},
                   {"n", s.n},
                   {"n_exact", s.exact},
                   {"n_failed", s.failed},
                   {"prompt_n", s.prompt},
                   {"predicted_n", s.response},
                   {"markup_n", s.markup},
                   {"attended_tokens", s.attended},
                   {"read_tokens", s.read},
                   {"causal_tokens", s.causal},
                   {"attended_fraction", s.share(s.attended)},
                   {"read_fraction", s.share(s.read)},
                   {"attended_per_step", s.response ? static_cast<double>(s.attended) / static_cast<double>(s.response) : 0},
                   {"read_per_step", s.response ? static_cast<double>(s.read) / static_cast<double>(s.response) : 0},
                   {"violations", s.violations},
                   {"stop_reasons", s.stops},
                   {"wall_s", row.wallS},
                   {"prefill_s", static_cast<double>(s.prefillNs) / 1e9},
                   {"tokens_per_second", row.wallS > 0 ? static_cast<double>(s.response) / row.wallS : 0},
                   {"jobs", plan.nJobs},
                   {"batch", plan.batch}});
    row.scores.toJson(object);
    return object;
}

void printTable(const std::vector<Row>& rows) {
    printFormat("%-10s %6s %9s %10s %10s %9s %9s %10s %11s\n", "attention", "n", "exact", "prompt", "response", "attended",
                "read", "violations", "t/s overall");
    for (const Row& row : rows) {
        const RowSums s = sumUp(row);
        const std::string rate = row.wallS > 0 ? decimal(static_cast<double>(s.response) / row.wallS, 0) : "-";
        printFormat("%-10s %6lld %8s%% %10lld %10lld %8s%% %8s%% %10lld %11s\n", attentionModeName(row.choice.mode),
                    static_cast<long long>(s.n), decimal(100 * s.exactShare(), 1).c_str(), static_cast<long long>(s.prompt),
                    static_cast<long long>(s.response), decimal(100 * s.share(s.attended), 1).c_str(),
                    decimal(100 * s.share(s.read), 1).c_str(), static_cast<long long>(s.violations), rate.c_str());
    }
    for (const Row& row : rows) print(row.scores.toText(attentionModeName(row.choice.mode)));
}

void writeFailures(OutputFile& file, const std::vector<Problem>& problems, const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        for (size_t i = 0; i < row.outcomes.size(); ++i) {
            const Outcome& o = row.outcomes[i];
            if (!o.done || o.exact) continue;
            Json object{{"index", i}, {"attention", attentionModeName(row.choice.mode)}, {"task", problems[i].task},
                              {"prompt", problems[i].typed}, {"answer", problems[i].answer}, {"found", o.answer},
                              {"text", o.text}, {"expected_text", problems[i].response}, {"error", o.error},
                              {"violations", o.nViolations}, {"stop_reason", stopReasonName(o.stats.stop)}};
            if (Json points = linesJson(problems[i], o.text); !points.is_null()) object["lines"] = std::move(points);
            file.write(object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
        }
    }
}

}  // namespace

int evalVerb(const EvalOptions& o, const Log& log) {
    auto opened = openModelFor(o.model, log);
    if (!opened) return log.fail(opened.error());
    const Model& model = *opened->model;
    const std::string task = taskFor(o.task, model);
    auto problems = o.file.empty() ? freshProblems(o, task) : readProblems(o.file, task, o.count);
    if (!problems) return log.fail(problems.error());
    auto plan = makePlan(o, model, *problems, log);
    if (!plan) return log.fail(plan.error());
    const KvDemand demand{plan->largestNeed, plan->batch * plan->nJobs, "-c", "--batch, --jobs"};
    if (auto ok = checkMemory(o.model, demand, log); !ok) return log.fail(ok.error());

    std::optional<OutputFile> failures;  // opened before the work, which may take hours
    if (!o.failuresFile.empty()) {
        auto file = OutputFile::create(o.failuresFile);
        if (!file) return log.fail(file.error());
        failures = std::move(*file);
    }
    std::vector<std::unique_ptr<Backend>> backends;
    for (int32_t i = 0; i < plan->nJobs; ++i) {
        auto backend = makeBackendFor(model.weights(), o.model, {demand.kvTokens() / plan->nJobs, plan->batch, plan->threadsPerJob}, log);
        if (!backend) return log.fail(backend.error());
        backends.push_back(std::move(*backend));
    }
    std::mutex mutex;
    std::vector<Row> rows;  // under the mutex while jobs work
    const auto report = [&]() -> Status {
        if (o.json) {
            Json list = Json::array();
            for (const Row& row : rows) list.push_back(rowJson(row, *plan));
            printJson({{"rows", std::move(list)}, {"task", task}, {"source", o.file.empty() ? "fresh" : o.file},
                       {"seed", o.seed}, {"model", model.name()}, {"model_hash", model.hash()},
                       {"backend", backends.front()->info().name}, {"device", backends.front()->info().device}});
        } else {
            printTable(rows);
        }
        if (!failures) return {};
        writeFailures(*failures, *problems, rows);
        return failures->commit();
    };
    Status status;
    StopsInOrder stops([&] {
        const std::lock_guard lock(mutex);
        (void)report();
    });
    rows.reserve(o.attention.size());
    for (const AttentionChoice& choice : o.attention) {
        {
            const std::lock_guard lock(mutex);
            rows.push_back({choice, {}, {}, 0});
            rows.back().outcomes.resize(problems->size());
        }
        status = RowRunner(opened->model, *plan, *problems, rows.back(), mutex, log).run(backends);
        if (!status) break;
    }
    stops.workIsOver();
    bool ran = false;
    for (const Row& row : rows) {
        int64_t nFailed = 0;
        std::string first;
        for (const Outcome& out : row.outcomes) {
            ran = ran || (out.done && out.error.empty());
            if (!out.error.empty() && nFailed++ == 0) first = out.error;
        }
        if (nFailed > 0)
            log.error(std::string(attentionModeName(row.choice.mode)) + ": " + std::to_string(nFailed) + " of " +
                      std::to_string(row.outcomes.size()) + " problems were not run; the first: " + first);
    }
    if (auto ok = report(); !ok) return log.fail(ok.error());
    if (!status) return log.fail(status.error());
    return ran ? kOk : kRunFailed;
}

}  // namespace spanscope::cli
