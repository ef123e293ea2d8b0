// The problem of an expression or a sheet, read from the prompt that the model was given, with the exact value of every
// step: what a response is held against. Needs the formatted prompt alone, so that a recording is checked as a run is.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/reading/whole_number.h"

namespace spanscope {

struct ProblemOperand {
    int64_t step = 0;                  ///< label of the step whose value it is; 0: a number of the problem
    std::optional<WholeNumber> value;  ///< exact; nothing where it is too long
};

/// One operation of the problem, the step of its label.
struct ProblemStep {
    ProblemOperand left, right;
    char op = '+';
    std::optional<WholeNumber> value;  ///< exact; nothing where it, or one on the way, is too long
};

class ArithmeticProblem {
  public:
    /// task: "expression", "sheet". Nothing for other tasks, or where the prompt is not what such a task formats.
    static std::optional<ArithmeticProblem> read(std::string_view task, std::string_view formattedPrompt);

    const std::vector<ProblemStep>& steps() const { return m_steps; }  ///< by label, from 1
    const ProblemStep* step(int64_t label) const;                      ///< nullptr: there is none
    const std::optional<WholeNumber>& answer() const { return m_steps.back().value; }

  private:
    bool readExpression(std::string_view text);
    bool readSheet(std::string_view text);
    bool evaluate();

    std::vector<ProblemStep> m_steps;  ///< at least one
};

}  // namespace spanscope
