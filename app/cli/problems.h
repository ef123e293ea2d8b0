// The problems that eval solves: fresh ones from a task's generator, or lines of a file.
#pragma once

#include <string>
#include <vector>

#include "app/cli/options.h"
#include "engine/model/model.h"
#include "kernels/result.h"

namespace spanscope::cli {

struct Problem {
    std::string task;
    std::string typed;     ///< as a person would type it
    std::string answer;    ///< expected
    std::string response;  ///< worked response, empty where unknown
};

/// Format or NotFound names file and line. A line needs "prompt" (or "typed", which wins) and "answer". For the task
/// news a file whose first line has a "body" is one of articles: those that `dataset` makes examples of are the
/// problems.
Result<std::vector<Problem>> readProblems(const std::string& path, const std::string& defaultTask, int64_t limit);

/// InvalidArgument for a task that has no generator.
Result<std::vector<Problem>> freshProblems(const EvalOptions& options, const std::string& task);

/// Tokens a response may take: the option's, else from the worked response or the prompt's length.
int32_t responseLimit(const EvalOptions& options, const Problem& problem, const Tokenizer& tokenizer, int32_t nPrompt);

/// Equal but for white space at both ends.
bool sameAnswer(const std::string& a, const std::string& b);

}  // namespace spanscope::cli
