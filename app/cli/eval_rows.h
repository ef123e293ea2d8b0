// Many problems in one attention mode after another, each job a thread with a backend of its own, each decoding a
// batch.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "app/cli/eval_scores.h"
#include "app/cli/log.h"
#include "app/cli/options.h"
#include "app/cli/problems.h"
#include "engine/decode/prompt.h"
#include "engine/files/output_file.h"
#include "kernels/backend.h"

namespace spanscope::cli {

struct Outcome {
    std::string answer, text, error;
    RunStats stats;
    std::vector<int32_t> ids;  ///< of the response
    size_t nViolations = 0;
    bool done = false;
    bool exact = false;
};

/// All problems under one attention mode.
struct Row {
    MaskPolicySpec attention;
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

/// Sums over problems.
struct RowSums {
    int64_t n = 0, exact = 0, failed = 0;
    int64_t prompt = 0, response = 0, markup = 0, attended = 0, loaded = 0, causal = 0, violations = 0;
    int64_t prefillNs = 0;
    DraftStats draft;
    std::map<std::string, int64_t> stops;
    double share(int64_t part) const { return causal ? static_cast<double>(part) / static_cast<double>(causal) : 0; }
    double exactShare() const { return n ? static_cast<double>(exact) / static_cast<double>(n) : 0; }
    void add(const Outcome& outcome);
};

/// Tokens, batches and threads, or what is wrong with which problem.
Result<Plan> makePlan(const EvalOptions& o, const Model& model, const std::vector<Problem>& problems, const Log& log);

/// Backends for the plan's jobs, and the check that they fit into memory.
Result<std::vector<std::unique_ptr<Backend>>> makeBackends(const EvalOptions& o, const Model& model, const Plan& plan,
                                                           const Log& log);

/// Adds one row for each attention mode of the options; an error ends it early, and rows then hold what was done. While
/// it works rows are changed under the mutex only. Looks at the stop flag: the caller holds a StopsInOrder.
Status runRows(const EvalOptions& o, const std::shared_ptr<const Model>& model, const Plan& plan,
               const std::vector<Problem>& problems, const std::vector<std::unique_ptr<Backend>>& backends,
               std::mutex& mutex, std::vector<Row>& rows, const Log& log);

/// Says how many problems were not run; true if at least one was.
bool reportFailed(const std::vector<Row>& rows, const Log& log);

/// What went wrong, one JSON object a line.
void writeFailures(OutputFile& file, const std::vector<Problem>& problems, const std::vector<Row>& rows);

RowSums sumUp(const Row& row);

/// Problems that both have done with the very same tokens.
int64_t sameTokens(const Row& a, const Row& b);

}  // namespace spanscope::cli
