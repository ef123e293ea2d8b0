#include "ui/model/reach_rows.h"

#include <QStringList>
#include <algorithm>

#include "engine/types/interval_algebra.h"
#include "ui/model/format.h"

namespace spanscope {

namespace {

QString rowName(int between, bool orMore) {
    if (between == 0) return QStringLiteral("read directly");
    if (orMore) return QStringLiteral("through %1 or more").arg(between);
    return between == 1 ? QStringLiteral("through 1 token") : QStringLiteral("through %1 tokens").arg(between);
}

QString tokens(qint64 n) { return n == 1 ? QStringLiteral("1 token") : formatCount(n) + QStringLiteral(" tokens"); }

/// How many positions of [begin, end) the list has; `at` moves along with ascending calls.
qint64 inside(const IntervalList& list, size_t& at, int32_t begin, int32_t end) {
    while (at < list.size() && list[at].end <= begin) ++at;
    qint64 n = 0;
    for (size_t k = at; k < list.size() && list[k].begin < end; ++k)
        n += std::min(list[k].end, end) - std::max(list[k].begin, begin);
    return n;
}

}  // namespace

std::vector<ReachRow> reachRows(const Reach& reach) {
    std::vector<ReachRow> rows;
    if (reach.step < 0) return rows;
    for (size_t k = 0; k < reach.hops.size(); ++k) {
        if (k < kReachRows) {
            const bool orMore = k + 1 == kReachRows && reach.hops.size() > kReachRows;
            rows.push_back({rowName(static_cast<int>(k), orMore), static_cast<int>(k), reach.hops[k], 0});
        } else {
            IntervalList& last = rows.back().tokens;
            last.insert(last.end(), reach.hops[k].begin(), reach.hops[k].end());
        }
    }
    if (reach.hops.size() > kReachRows) rows.back().tokens = normalised(std::move(rows.back().tokens));
    rows.push_back({QStringLiteral("never"), -1, reach.never, 0});
    for (ReachRow& row : rows) row.nTokens = nTokens(row.tokens);
    return rows;
}

QString reachSentence(const Reach& reach) {
    if (reach.step < 0) return {};
    const qint64 direct = reach.hops.empty() ? 0 : nTokens(reach.hops[0]);
    QStringList parts{tokens(direct) + QStringLiteral(" read directly")};
    if (reach.hops.size() > 1)
        parts << formatCount(nTokens(reach.hops[1])) + QStringLiteral(" through one token in between");
    qint64 more = 0;
    for (size_t k = 2; k < reach.hops.size(); ++k) more += nTokens(reach.hops[k]);
    if (reach.hops.size() == 3) parts << formatCount(more) + QStringLiteral(" through two");
    else if (reach.hops.size() == 4) parts << formatCount(more) + QStringLiteral(" through two or three");
    else if (more > 0)
        parts << formatCount(more) + QStringLiteral(" through 2 to %1").arg(formatCount(qint64(reach.hops.size()) - 1));
    parts << formatCount(nTokens(reach.never)) + QStringLiteral(" never");
    return parts.join(QStringLiteral(", ")) + '.';
}

QString reachNote(const RunData& run, const Reach& reach) {
    QString text = reach.nLayers > 0
                       ? QStringLiteral("Information moves one hop a layer: %1 layers, at most %2 tokens in between. ")
                             .arg(reach.nLayers)
                             .arg(reach.nLayers - 1)
                       : QStringLiteral("The number of layers is not known: any number of tokens in between. ");
    if (!run.header.layerWindows.empty())
        text += QStringLiteral("Layers that read only the newest tokens carry less. ");
    return text + QStringLiteral("Keys and values only: that earlier steps chose the tokens is not counted.");
}

std::vector<ReachSegment> reachBySegment(const RunData& run, const Reach& reach, const std::vector<ReachRow>& rows) {
    std::vector<ReachSegment> sums;
    std::vector<size_t> at(rows.size(), 0);
    ReachSegment outside;
    for (const ReachRow& row : rows) outside.nTokens.push_back(row.nTokens);
    outside.nAll = reach.position + 1;
    for (size_t s = 0; s < run.segments.size() && run.segments[s].begin <= reach.position; ++s) {
        const int32_t begin = run.segments[s].begin, end = std::min(run.segments[s].end, reach.position + 1);
        ReachSegment sum;
        sum.segment = static_cast<int>(s);
        sum.nAll = std::max(0, end - begin);
        for (size_t r = 0; r < rows.size(); ++r) {
            sum.nTokens.push_back(inside(rows[r].tokens, at[r], begin, end));
            outside.nTokens[r] -= sum.nTokens.back();
        }
        outside.nAll -= sum.nAll;
        sums.push_back(std::move(sum));
    }
    if (outside.nAll > 0) sums.push_back(std::move(outside));
    return sums;
}

}  // namespace spanscope
