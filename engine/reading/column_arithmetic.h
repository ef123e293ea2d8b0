// The working after <local> as a pupil would write it: operands below each other, carries above, partial products, the
// result. Every digit is one that the model wrote, also where it is wrong: it is marked, never put right
// (docs/protocol.md, "The arithmetic after <local>"). Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/reading/written_step.h"

namespace spanscope {

/// One place of a row: a character, or nothing where `text` is a blank. Characters [first, end) of the working say it.
struct WorkCell {
    std::string text = " ";
    int32_t first = 0, end = 0;  ///< first == end: nobody wrote it, it belongs to the form
    std::string wrong;           ///< what should stand here, a phrase; empty: it is right
};

struct WorkRow {
    enum class Kind { Compare, Carry, Operand, Rule, Result };
    Kind kind = Kind::Operand;
    std::vector<WorkCell> cells;  ///< of one width, so that places stand below each other
    std::string about;            ///< "23 x 5", of a partial product; empty for others
};

struct ColumnArithmetic {
    std::vector<WorkRow> rows;
    int32_t nWrong = 0;  ///< cells that are marked
};

/// Nothing where the working is not written by that grammar, or longer than a person looks at.
std::optional<ColumnArithmetic> columnArithmetic(const WrittenStep& step);

}  // namespace spanscope
