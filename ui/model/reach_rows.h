// Reach in words and rows: what could have acted on a step, for the panel, its table and the figure. Values; any
// thread.
#pragma once

#include <QString>
#include <vector>

#include "engine/types/reach.h"

namespace spanscope {

struct ReachRow {
    QString name;         ///< "read directly", "through 1 token", "through 4 or more", "never"
    int between = 0;      ///< tokens in between, of several the fewest; -1 never
    IntervalList tokens;  ///< normalised
    qint64 nTokens = 0;
};

inline constexpr int kReachRows = 5;  ///< told apart, from "read directly" to "through 4 or more"; "never" is one more

/// The last row is "never". Empty where nothing was computed.
std::vector<ReachRow> reachRows(const Reach& reach);
/// "62 tokens read directly, 31 through one token in between, 12 through more, 9 never."
QString reachSentence(const Reach& reach);
/// What the sentence leaves out: layers, windows, the choice of tokens.
QString reachNote(const RunData& run, const Reach& reach);

struct ReachSegment {
    int segment = -1;             ///< index into RunData::segments; -1: what stands in none
    std::vector<qint64> nTokens;  ///< (rows) of reachRows()
    qint64 nAll = 0;              ///< up to the step
};
/// One for each segment that begins up to the step, and one for what stands in none if there is any.
std::vector<ReachSegment> reachBySegment(const RunData& run, const Reach& reach, const std::vector<ReachRow>& rows);

}  // namespace spanscope
