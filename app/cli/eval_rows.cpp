#include "app/cli/eval_rows.h"
#include "app/cli/eta.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "app/cli/model_setup.h"
#include "app/cli/run_json.h"
#include "app/cli/stop_signal.h"
#include "engine/decode/batch.h"
#include "kernels/process_limits.h"

namespace spanscope::cli {

namespace {

using Json = nlohmann::ordered_json;

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
                fail({ErrorCode::OutOfMemory,
                      std::string("a thread cannot be started: ") + e.what(),
                      {},
                      "--jobs",
                      std::to_string(backends.size()),
                      "fewer"});
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
            const Status ok = runBatched(
                m_model, backend, m_plan.batch, [this] { return nextRequest(); },
                [this](int64_t id, Result<RunData> result) { take(id, std::move(result)); }, &stopFlag());
            if (!ok) fail(ok.error());
        } catch (const std::bad_alloc&) { fail(noMemory()); }
    }

    void fail(const Error& error) {
        const std::lock_guard lock(m_mutex);
        if (m_status.ok()) m_status = error;
    }

    std::optional<std::pair<int64_t, RunSettings>> nextRequest() {
        const std::lock_guard lock(m_mutex);
        if (m_next >= m_problems.size() || !m_status.ok()) return std::nullopt;
        RunSettings s = m_plan.settings[m_next];
        s.attention = m_row.attention;
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
            for (const StepRecord& step : result->steps) {
                out.text += step.token.text;
                out.ids.push_back(step.token.id);
            }
            m_row.scores.add(m_problems[static_cast<size_t>(id)], *result, out.text);
        }
        ++m_nDone;
        m_nExact += out.exact ? 1 : 0;
        m_log.progress(m_row.attention.text() + ": " + std::to_string(m_nDone) + " of " +
                       std::to_string(m_problems.size()) + ", " + std::to_string(m_nExact) + " exact" +
                       m_eta.left(m_nDone, static_cast<int64_t>(m_problems.size())));
    }

    std::shared_ptr<const Model> m_model;
    const Plan& m_plan;
    const std::vector<Problem>& m_problems;
    Row& m_row;
    const Log& m_log;
    std::mutex& m_mutex;  ///< of the row and of all below
    size_t m_next = 0;
    int64_t m_nDone = 0, m_nExact = 0;
    Eta m_eta;
    Status m_status;
};

}  // namespace

void RowSums::add(const Outcome& o) {
    if (!o.done) return;
    ++n;
    exact += o.exact ? 1 : 0;
    failed += o.error.empty() ? 0 : 1;
    prompt += o.stats.promptTokens;
    response += o.stats.responseTokens;
    markup += o.stats.markupTokens;
    attended += o.stats.attendedByHead();
    loaded += o.stats.loadedTokens;
    causal += o.stats.causalTokens;
    violations += static_cast<int64_t>(o.nViolations);
    prefillNs += o.stats.prefillNs;
    const DraftStats& d = o.stats.draft;
    draft.drafted += d.drafted;
    draft.accepted += d.accepted;
    draft.rejected += d.rejected;
    draft.passes += d.passes;
    draft.draftNs += d.draftNs;
    draft.passNs += d.passNs;
    draft.loadedTokens += d.loadedTokens;
    ++stops[o.error.empty() ? stopReasonName(o.stats.stop) : "not_run"];
}

RowSums sumUp(const Row& row) {
    RowSums s;
    for (const Outcome& o : row.outcomes) s.add(o);
    return s;
}

int64_t sameTokens(const Row& a, const Row& b) {
    int64_t n = 0;
    for (size_t i = 0; i < std::min(a.outcomes.size(), b.outcomes.size()); ++i) {
        const Outcome &x = a.outcomes[i], &y = b.outcomes[i];
        n +=
            x.done && y.done && x.error.empty() && y.error.empty() && x.ids == y.ids && x.stats.stopId == y.stats.stopId
                ? 1
                : 0;
    }
    return n;
}

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
    plan.nJobs = o.nJobs > 0 ? o.nJobs : deviceOf(o.model) == Device::Cuda ? 1 : threads;
    plan.nJobs = std::min<int32_t>(plan.nJobs, static_cast<int32_t>(problems.size()));
    plan.threadsPerJob = std::max(1, threads / plan.nJobs);

    // As many sequences together as half of the free memory holds.
    plan.batch = o.batch;
    const MemoryForecast forecast = model.forecast(plan.largestNeed, kvTypeOf(o.model, model.weights()));
    if (deviceOf(o.model) != Device::Cuda && forecast.kvBytes > 0) {
        const uint64_t spare =
            forecast.freeBytes > forecast.weightBytes ? (forecast.freeBytes - forecast.weightBytes) / 2 : 0;
        const uint64_t fits = spare / forecast.kvBytes / static_cast<uint64_t>(plan.nJobs);
        plan.batch = static_cast<int32_t>(std::clamp<uint64_t>(fits, 1, static_cast<uint64_t>(o.batch)));
    }
    log.detail(std::to_string(plan.nJobs) + " jobs of " + std::to_string(plan.threadsPerJob) + " threads, batches of " +
               std::to_string(plan.batch) + ", up to " + std::to_string(plan.largestNeed) + " tokens each");
    return plan;
}

Result<std::vector<std::unique_ptr<Backend>>> makeBackends(const EvalOptions& o, const Model& model, const Plan& plan,
                                                           const Log& log) {
    const KvDemand demand{plan.largestNeed, plan.batch * plan.nJobs, "-c", "--batch, --jobs"};
    if (auto ok = checkMemory(o.model, model, demand, log); !ok) return ok.error();
    std::vector<std::unique_ptr<Backend>> backends;
    for (int32_t i = 0; i < plan.nJobs; ++i) {
        auto backend = makeBackendFor(
            model.weights(), o.model,
            {demand.kvTokens() / plan.nJobs, itemsTogether(o.attention, plan.batch), plan.threadsPerJob}, log);
        if (!backend) return backend.error();
        backends.push_back(std::move(*backend));
    }
    return backends;
}

Status runRows(const EvalOptions& o, const std::shared_ptr<const Model>& model, const Plan& plan,
               const std::vector<Problem>& problems, const std::vector<std::unique_ptr<Backend>>& backends,
               std::mutex& mutex, std::vector<Row>& rows, const Log& log) {
    rows.reserve(o.attention.size());
    for (const MaskPolicySpec& attention : o.attention) {
        {
            const std::lock_guard lock(mutex);
            rows.push_back({attention, {}, {}, 0});
            rows.back().outcomes.resize(problems.size());
        }
        if (Status status = RowRunner(model, plan, problems, rows.back(), mutex, log).run(backends); !status)
            return status;
    }
    return {};
}

bool reportFailed(const std::vector<Row>& rows, const Log& log) {
    bool ran = false;
    for (const Row& row : rows) {
        int64_t nFailed = 0;
        std::string first;
        for (const Outcome& out : row.outcomes) {
            ran = ran || (out.done && out.error.empty());
            if (!out.error.empty() && nFailed++ == 0) first = out.error;
        }
        if (nFailed > 0)
            log.error(row.attention.text() + ": " + std::to_string(nFailed) + " of " +
                      std::to_string(row.outcomes.size()) + " problems were not run; the first: " + first);
    }
    return ran;
}

void writeFailures(OutputFile& file, const std::vector<Problem>& problems, const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        for (size_t i = 0; i < row.outcomes.size(); ++i) {
            const Outcome& o = row.outcomes[i];
            if (!o.done || o.exact) continue;
            Json object{{"index", i},
                        {"attention", row.attention.text()},
                        {"task", problems[i].task},
                        {"prompt", problems[i].typed},
                        {"answer", problems[i].answer},
                        {"found", o.answer},
                        {"text", o.text},
                        {"expected_text", problems[i].response},
                        {"error", o.error},
                        {"violations", o.nViolations},
                        {"stop_reason", stopReasonName(o.stats.stop)}};
            if (Json points = linesJson(problems[i], o.text); !points.is_null()) object["lines"] = std::move(points);
            file.write(object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
        }
    }
}

}  // namespace spanscope::cli
