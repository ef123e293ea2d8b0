#include "engine/types/run_diff.h"

#include <algorithm>
#include <array>
#include <optional>

#include "engine/types/interval_algebra.h"
#include "engine/types/interval_sums.h"

namespace spanscope {

namespace {
constexpr size_t kMostIntervals = size_t{1} << 26;  // over all lists that are compared: some seconds, a gigabyte
}

const char* diffStateName(DiffState state) {
    switch (state) {
        case DiffState::Future: return "future";
        case DiffState::Neither: return "attended by neither";
        case DiffState::Both: return "attended by both";
        case DiffState::OnlySecond: return "attended by the second only";
        case DiffState::OnlyFirst: return "attended by the first only";
    }
    return "";
}

MaskDiff diffRuns(const RunData& first, const RunData& second) {
    MaskDiff diff;
    const auto& p = first.header.prompt;
    const auto& q = second.header.prompt;
    if (p.size() != q.size() || !std::equal(p.begin(), p.end(), q.begin(),
                                            [](const TokenInfo& a, const TokenInfo& b) { return a.id == b.id; })) {
        diff.why = "The prompts differ, so their positions do not correspond.";
        return diff;
    }
    const size_t n = std::min(first.steps.size(), second.steps.size());
    SharedIntervals lastA, lastB;
    DiffRow row;
    std::optional<std::array<IntervalSums, 3>> sums;  // of the row's lists
    size_t nIntervals = 0;
    static const IntervalList kNothing;
    for (size_t i = 0; i < n; ++i) {
        const StepRecord &a = first.steps[i], &b = second.steps[i];
        if (diff.parting < 0 && a.token.id != b.token.id) diff.parting = static_cast<int32_t>(i);
        if (i == 0 || a.visible != lastA || b.visible != lastB) {  // phases share their lists: few rows compute
            const IntervalList &x = a.visible ? *a.visible : kNothing, &y = b.visible ? *b.visible : kNothing;
            row.both = std::make_shared<const IntervalList>(intersect(x, y));
            row.onlyFirst = std::make_shared<const IntervalList>(subtract(x, y));
            row.onlySecond = std::make_shared<const IntervalList>(subtract(y, x));
            sums.emplace(
                std::array{IntervalSums(*row.both), IntervalSums(*row.onlyFirst), IntervalSums(*row.onlySecond)});
            lastA = a.visible;
            lastB = b.visible;
            nIntervals += x.size() + y.size();
            if (nIntervals > kMostIntervals) {
                diff = {};
                diff.why = "The runs change too often between lists of too many intervals to be compared cell by cell.";
                return diff;
            }
        }
        row.position = std::clamp(a.position, 0, 1 << 30);
        diff.nColumns = std::max(diff.nColumns, row.position + 1);
        if (diff.parting < 0) {
            diff.cellsBoth += (*sums)[0].attended(*row.both, row.position);
            diff.cellsOnlyFirst += (*sums)[1].attended(*row.onlyFirst, row.position);
            diff.cellsOnlySecond += (*sums)[2].attended(*row.onlySecond, row.position);
        }
        diff.rows.push_back(row);
    }
    return diff;
}

DiffState diffCell(const DiffRow& row, int32_t column) {
    if (column < 0 || column > row.position) return DiffState::Future;
    if (mayRead(*row.onlyFirst, row.position, column)) return DiffState::OnlyFirst;
    if (mayRead(*row.onlySecond, row.position, column)) return DiffState::OnlySecond;
    return mayRead(*row.both, row.position, column) ? DiffState::Both : DiffState::Neither;
}

}  // namespace spanscope
