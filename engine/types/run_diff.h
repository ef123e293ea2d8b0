// Two runs of the same prompt, cell by cell: what both could read, what only one could. Values; any thread.
#pragma once

#include <string>
#include <vector>

#include "engine/types/records.h"

namespace spanscope {

/// In the order of max-pooling: a difference never disappears. The numbers stand in exported arrays.
enum class DiffState : uint8_t { Future = 0, Neither = 1, Both = 2, OnlySecond = 3, OnlyFirst = 4 };
const char* diffStateName(DiffState state);

struct DiffRow {
    SharedIntervals both, onlyFirst, onlySecond;
    int32_t position = 0;
};

struct MaskDiff {
    std::vector<DiffRow> rows;  ///< steps that both runs have
    int32_t nColumns = 0;
    int32_t parting = -1;  ///< first step whose token differs: from here on the rows are of different texts; -1 none
    std::string why;       ///< not empty: the runs cannot be compared cell by cell, and why
    int64_t cellsBoth = 0, cellsOnlyFirst = 0, cellsOnlySecond = 0;  ///< up to the parting
};
MaskDiff diffRuns(const RunData& first, const RunData& second);

DiffState diffCell(const DiffRow& row, int32_t column);

}  // namespace spanscope
