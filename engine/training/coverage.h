// What a set of arithmetic problems covers: the cells of the space that the limits promise, each named in plain words,
// and how many problems of the set fall into each. Judged by the text of the problems alone, not by how they were made.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/training/example.h"

namespace spanscope {

class ArithmeticCoverage {
  public:
    /// Every cell of the task stands in it from the start, with 0. task: "expression" or "sheet".
    explicit ArithmeticCoverage(std::string_view task);

    /// Adds a worked problem of the task. What it shows beyond the cells is not counted.
    void add(const TaskExample& example);

    const std::map<std::string, int64_t>& cells() const { return m_cells; }
    std::vector<std::string> empty() const;
    /// "covers 310 of 312 cells; empty: ..." (the first few).
    std::string toText() const;

  private:
    void hit(const std::string& cell);

    bool m_isSheet;
    std::map<std::string, int64_t> m_cells;
    std::vector<std::string> m_seen;  ///< of the problem being added
};

}  // namespace spanscope
