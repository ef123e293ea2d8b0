// eval: many problems in each attention mode, side by side. Jobs are threads with a backend of their own over the
// same mapped weights; each decodes a batch. Tokens are greedy, so results do not depend on jobs or order.
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/cli/eval_outputs.h"
#include "app/cli/eval_rows.h"
#include "app/cli/eval_shapes.h"
#include "app/cli/model_setup.h"
#include "app/cli/run_json.h"
#include "app/cli/stop_signal.h"
#include "app/cli/terminal.h"
#include "app/cli/verbs.h"
#include "engine/files/decimal.h"
#include "engine/files/output_file.h"
#include "engine/model/step_bytes.h"

namespace spanscope::cli {

namespace {

using Json = nlohmann::ordered_json;

Json rowJson(const Row& row, const Plan& plan) {
    const RowSums s = sumUp(row);
    Json object{{"version", kJsonVersion}, {"attention", row.attention.text()}};
    object.update(
        {{"exact", s.exactShare()},
         {"n", s.n},
         {"n_exact", s.exact},
         {"n_failed", s.failed},
         {"prompt_n", s.prompt},
         {"predicted_n", s.response},
         {"markup_n", s.markup},
         {"attended_tokens", s.attended},
         {"loaded_tokens", s.loaded},
         {"causal_tokens", s.causal},
         {"attended_fraction", s.share(s.attended)},
         {"loaded_fraction", s.share(s.loaded)},
         {"attended_per_step", s.response ? static_cast<double>(s.attended) / static_cast<double>(s.response) : 0},
         {"loaded_per_step", s.response ? static_cast<double>(s.loaded) / static_cast<double>(s.response) : 0},
         {"violations", s.violations},
         {"stop_reasons", s.stops},
         {"wall_s", row.wallS},
         {"prefill_s", static_cast<double>(s.prefillNs) / 1e9},
         {"tokens_per_second", row.wallS > 0 ? static_cast<double>(s.response) / row.wallS : 0},
         {"jobs", plan.nJobs},
         {"batch", plan.batch}});
    addDrafts(object, s.draft);
    row.scores.toJson(object);
    return object;
}

const Row* denseRow(const std::vector<Row>& rows) {
    for (const Row& row : rows)
        if (row.attention.isDense()) return &row;
    return nullptr;
}

void printDrafts(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        const RowSums s = sumUp(row);
        if (s.draft.passes == 0) continue;
        const Row* dense = denseRow(rows);
        const std::string same = dense ? ", the same tokens as dense in " + std::to_string(sameTokens(row, *dense)) +
                                             " of " + std::to_string(s.n)
                                       : "";
        printFormat("%s: drafted %lld, accepted %lld, rejected %lld (%s%% per token), %s tokens a pass%s\n",
                    row.attention.text().c_str(), static_cast<long long>(s.draft.drafted),
                    static_cast<long long>(s.draft.accepted), static_cast<long long>(s.draft.rejected),
                    decimal(100 * s.draft.acceptance(), 2).c_str(), decimal(s.draft.tokensPerPass(), 2).c_str(),
                    same.c_str());
    }
}

void printTable(const std::vector<Row>& rows) {
    printFormat("%-10s %6s %9s %10s %10s %9s %9s %10s %11s\n", "attention", "n", "exact", "prompt", "response",
                "attended", "loaded", "violations", "t/s overall");
    for (const Row& row : rows) {
        const RowSums s = sumUp(row);
        const std::string rate = row.wallS > 0 ? decimal(static_cast<double>(s.response) / row.wallS, 0) : "-";
        printFormat("%-10s %6lld %8s%% %10lld %10lld %8s%% %8s%% %10lld %11s\n", row.attention.text().c_str(),
                    static_cast<long long>(s.n), decimal(100 * s.exactShare(), 1).c_str(),
                    static_cast<long long>(s.prompt), static_cast<long long>(s.response),
                    decimal(100 * s.share(s.attended), 1).c_str(), decimal(100 * s.share(s.loaded), 1).c_str(),
                    static_cast<long long>(s.violations), rate.c_str());
    }
    printDrafts(rows);
    for (const Row& row : rows) print(row.scores.toText(row.attention.text()));
}

}  // namespace

int evalVerb(const EvalOptions& o, const Log& log) {
    auto opened = openModelFor(o.model, log);
    if (!opened) return log.fail(opened.error());
    if (o.shapes) return evalShapes(o, opened->model, log);
    const Model& model = *opened->model;
    const std::string task = taskFor(o.task, model);
    auto problems = o.file.empty() ? freshProblems(o, task) : readProblems(o.file, task, o.count);
    if (!problems) return log.fail(problems.error());
    auto plan = makePlan(o, model, *problems, log);
    if (!plan) return log.fail(plan.error());
    std::optional<OutputFile> failures;  // opened before the work, which may take hours
    if (!o.failuresFile.empty()) {
        auto file = OutputFile::create(o.failuresFile);
        if (!file) return log.fail(file.error());
        failures = std::move(*file);
    }
    std::optional<OutputFile> outputs;
    if (!o.outputsFile.empty()) {
        auto file = OutputFile::create(o.outputsFile);
        if (!file) return log.fail(file.error());
        outputs = std::move(*file);
    }
    auto backends = makeBackends(o, model, *plan, log);
    if (!backends) return log.fail(backends.error());
    std::mutex mutex;
    std::vector<Row> rows;  // under the mutex while jobs work
    const auto report = [&]() -> Status {
        if (o.json) {
            Json list = Json::array();
            for (const Row& row : rows) {
                list.push_back(rowJson(row, *plan));
                if (const Row* dense = denseRow(rows); row.attention.isLossless() && dense)
                    list.back()["n_same_as_dense"] = sameTokens(row, *dense);
            }
            Json object{
                {"rows", std::move(list)},
                {"task", task},
                {"source", o.file.empty() ? "fresh" : o.file},
                {"seed", o.seed},
                {"model", model.name()},
                {"model_hash", model.hash()},
                {"backend", backends->front()->info().name},
                {"device", backends->front()->info().device},
                {"kv_type", dtypeName(backends->front()->info().kvType)},
                {"kv_bytes_per_token", kvBytesPerToken(model.weights().shape, backends->front()->info().kvType)},
                {"weight_bytes_per_step", weightBytesPerStep(model.weights())}};
            addAdapter(object, model);
            printJson(object);
        } else {
            printTable(rows);
        }
        if (outputs) {
            writeOutputs(*outputs, *problems, rows, o.outputsFile.ends_with(".md"));
            if (auto ok = outputs->commit(); !ok) return ok;
        }
        if (!failures) return {};
        writeFailures(*failures, *problems, rows);
        return failures->commit();
    };
    StopsInOrder stops([&] {
        const std::lock_guard lock(mutex);
        (void)report();
    });
    const Status status = runRows(o, opened->model, *plan, *problems, *backends, mutex, rows, log);
    stops.workIsOver();
    const bool ran = reportFailed(rows, log);
    if (auto ok = report(); !ok) return log.fail(ok.error());
    if (!status) return log.fail(status.error());
    return ran ? kOk : kRunFailed;
}

}  // namespace spanscope::cli
