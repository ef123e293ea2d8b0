#include "app/cli/eval_shapes.h"

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "app/cli/eval_rows.h"
#include "app/cli/run_json.h"
#include "app/cli/stop_signal.h"
#include "app/cli/terminal.h"
#include "engine/files/decimal.h"
#include "engine/training/cells.h"

namespace spanscope::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kDefaultCount = 20;

/// Problems of all cells in one list, the longest first: batches stay full to the end.
struct CellProblems {
    std::vector<ProblemCell> cells;
    std::vector<Problem> problems;
    std::vector<size_t> cellOf;  ///< of each problem
};

Result<CellProblems> makeProblems(const EvalOptions& o, const Model& model) {
    CellProblems all;
    for (const TaskCard& card : model.card().tasks) {
        if (!o.task.empty() && o.task != card.name) continue;
        const std::optional<Range>& wanted = card.name == "sheet" ? o.lines : o.operators;
        for (ProblemCell& cell : arithmeticCells(card.name, card.maxOperators, card.maxLines))
            if (!wanted || (cell.size.min >= wanted->min && cell.size.max <= wanted->max))
                all.cells.push_back(std::move(cell));
    }
    if (all.cells.empty())
        return Error{ErrorCode::InvalidArgument,
                     "there are no such cells for this model",
                     {},
                     "--shapes",
                     o.task,
                     "tasks expression and sheet, sizes within its limits"};
    std::vector<Problem> problems;
    std::vector<size_t> cellOf;
    const int64_t count = o.count > 0 ? o.count : kDefaultCount;
    const int64_t longCount = o.longCount > 0 ? o.longCount : std::max<int64_t>(1, count / 5);
    for (size_t i = 0; i < all.cells.size(); ++i) {
        const ProblemCell& cell = all.cells[i];
        const auto source = makeCellSource(cell, o.seed + i);
        for (int64_t k = 0; k < (cell.isLong ? longCount : count); ++k) {
            auto example = source->next();
            if (!example) return example.error();
            problems.push_back({cell.task, (*example)->typed, (*example)->answer, (*example)->response});
            cellOf.push_back(i);
        }
    }
    std::vector<size_t> order(problems.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return problems[a].response.size() > problems[b].response.size(); });
    for (const size_t i : order) {
        all.problems.push_back(std::move(problems[i]));
        all.cellOf.push_back(cellOf[i]);
    }
    return all;
}

std::vector<RowSums> sumsByCell(const CellProblems& all, const Row& row) {
    std::vector<RowSums> sums(all.cells.size());
    for (size_t i = 0; i < row.outcomes.size(); ++i) sums[all.cellOf[i]].add(row.outcomes[i]);
    return sums;
}

Json modeJson(const RowSums& s) {
    return {{"n", s.n},
            {"n_exact", s.exact},
            {"exact", s.exactShare()},
            {"n_failed", s.failed},
            {"violations", s.violations},
            {"predicted_n", s.response},
            {"attended_fraction", s.share(s.attended)},
            {"loaded_fraction", s.share(s.loaded)}};
}

std::string percent(double share) { return decimal(100 * share, 1) + "%"; }

/// Every cell a row; for each mode the number, the right ones, violations and what was attended.
std::string markdown(const CellProblems& all, const std::vector<Row>& rows,
                     const std::vector<std::vector<RowSums>>& sums) {
    std::string head = "| task | shape | size | digits | problems |", rule = "|---|---|---|---|---|";
    for (const Row& row : rows) {
        const std::string mode = row.attention.text();
        head += " " + mode + " | violations |" + (row.attention.isDense() ? "" : " attended |");
        rule += row.attention.isDense() ? "---|---|" : "---|---|---|";
    }
    std::string out = head + "\n" + rule + "\n";
    for (size_t c = 0; c < all.cells.size(); ++c) {
        const ProblemCell& cell = all.cells[c];
        out += "| " + cell.task + " | " + cell.shape.name + " | " + cell.sizeText() + " | " + cell.digitsText() +
               " | " + std::to_string(sums[0][c].n) + " |";
        for (size_t r = 0; r < rows.size(); ++r) {
            const RowSums& s = sums[r][c];
            out += " " + (s.n > 0 ? percent(s.exactShare()) : "-") + " | " + std::to_string(s.violations) + " |";
            if (!rows[r].attention.isDense()) out += " " + percent(s.share(s.attended)) + " |";
        }
        out += '\n';
    }
    return out;
}

}  // namespace

int evalShapes(const EvalOptions& o, const std::shared_ptr<const Model>& model, const Log& log) {
    auto all = makeProblems(o, *model);
    if (!all) return log.fail(all.error());
    auto plan = makePlan(o, *model, all->problems, log);
    if (!plan) return log.fail(plan.error());
    std::optional<OutputFile> failures, table;
    for (const auto& [path, file] : {std::pair{&o.failuresFile, &failures}, {&o.markdownFile, &table}}) {
        if (path->empty()) continue;
        auto created = OutputFile::create(*path);
        if (!created) return log.fail(created.error());
        *file = std::move(*created);
    }
    auto backends = makeBackends(o, *model, *plan, log);
    if (!backends) return log.fail(backends.error());
    std::mutex mutex;
    std::vector<Row> rows;  // under the mutex while jobs work
    const auto report = [&]() -> Status {
        std::vector<std::vector<RowSums>> sums;
        for (const Row& row : rows) sums.push_back(sumsByCell(*all, row));
        if (o.json) {
            Json cells = Json::array();
            for (size_t c = 0; c < all->cells.size(); ++c) {
                const ProblemCell& cell = all->cells[c];
                Json object{{"task", cell.task},
                            {"shape", cell.shape.name},
                            {"size", cell.sizeText()},
                            {"digits", cell.digitsText()}};
                for (size_t r = 0; r < rows.size(); ++r) object[rows[r].attention.text()] = modeJson(sums[r][c]);
                cells.push_back(std::move(object));
            }
            Json object{{"version", kJsonVersion}, {"cells", std::move(cells)}};
            for (const Row& row : rows) object[row.attention.text()] = modeJson(sumUp(row));
            object.update({{"seed", o.seed},
                           {"model", model->name()},
                           {"model_hash", model->hash()},
                           {"kv_type", dtypeName(backends->front()->info().kvType)},
                           {"backend", backends->front()->info().name},
                           {"device", backends->front()->info().device}});
            addAdapter(object, *model);
            printJson(object);
        } else if (!rows.empty()) {
            print(markdown(*all, rows, sums));
        }
        if (table && !rows.empty()) {
            table->write(markdown(*all, rows, sums));
            if (auto ok = table->commit(); !ok) return ok;
        }
        if (!failures) return {};
        writeFailures(*failures, all->problems, rows);
        return failures->commit();
    };
    StopsInOrder stops([&] {
        const std::lock_guard lock(mutex);
        (void)report();
    });
    const Status status = runRows(o, model, *plan, all->problems, *backends, mutex, rows, log);
    stops.workIsOver();
    const bool ran = reportFailed(rows, log);
    if (auto ok = report(); !ok) return log.fail(ok.error());
    if (!status) return log.fail(status.error());
    return ran ? kOk : kRunFailed;
}

}  // namespace spanscope::cli
