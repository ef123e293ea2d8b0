#include "kernels/cuda/step/step_io.h"

#include <algorithm>

namespace spanscope::cuda {
namespace {

/// Does the list hold `position`? The last interval first: it is the one that grows.
bool holds(std::span<const Interval> list, int32_t position) {
    for (size_t i = list.size(); i-- > 0;) {
        if (position >= list[i].begin) return position < list[i].end;
    }
    return false;
}

}  // namespace

Status StepIo::open(int32_t maxRows, int32_t maxBatch) {
    SPANSCOPE_TRY(m_items.allocate("step input", static_cast<size_t>(maxRows) * sizeof(StepItem)));
    SPANSCOPE_TRY(m_results.allocate("step results", static_cast<size_t>(maxRows) * sizeof(StepResult)));
    return m_intervals.allocate("interval lists", static_cast<size_t>(maxBatch) * 256 * sizeof(Interval));
}

void StepIo::writeItem(const DecodeItem& item, int32_t nQueries, KvSequence& s, StepItem& out) {
    out = StepItem{};
    out.token = item.token;
    out.position = item.position;
    out.table = s.table;
    out.kept = s.kept;
    out.logical = s.logical;
    out.longRope = s.longRope ? 1 : 0;
    out.state = s.state;
    out.nQueries = nQueries;
    if (nQueries == 0) return;
    if (nQueries == 1 && item.maskId != 0 && item.maskId == s.maskId && item.position == s.maskPosition + 1) {
        out.update = holds(item.visible, item.position) ? MaskUpdate::Extend : MaskUpdate::Keep;
    } else {
        Interval* to = m_intervals.host<Interval>() + m_nIntervalsUsed;
        int32_t n = 0;
        for (const Interval& v : item.visible) {
            const Interval c = clipToQuery(v, item.position + nQueries - 1);
            if (c.begin >= c.end) continue;
            if (n > 0 && to[n - 1].end == c.begin) to[n - 1].end = c.end;
            else to[n++] = c;
        }
        out.update = MaskUpdate::Rebuild;
        out.nIntervals = n;
        out.intervals = m_intervals.device<Interval>() + m_nIntervalsUsed;
        m_nIntervalsUsed += static_cast<size_t>(n);
    }
    s.maskId = nQueries == 1 ? item.maskId : 0;
    s.maskPosition = item.position;
}

Status StepIo::writeItems(std::span<const DecodeItem> items, int32_t nRows, KvPool& pool) {
    size_t nIntervals = 0;
    for (const DecodeItem& item : items) nIntervals += item.visible.size();
    if (nIntervals * sizeof(Interval) > m_intervals.nBytes())
        SPANSCOPE_TRY(m_intervals.allocate("interval lists", 2 * nIntervals * sizeof(Interval)));
    m_nIntervalsUsed = 0;
    m_mostQueries = 1;
    StepItem* rows = m_items.host<StepItem>();
    for (size_t i = 0; i < items.size();) {
        size_t end = i + 1;
        while (end < items.size() && items[end].sequence == items[i].sequence) ++end;
        const auto nQueries = static_cast<int32_t>(end - i);
        m_mostQueries = std::max(m_mostQueries, nQueries);
        KvSequence& sequence = *pool.find(items[i].sequence);
        writeItem(items[i], nQueries, sequence, rows[i]);
        for (++i; i < end; ++i) writeItem(items[i], 0, sequence, rows[i]);
    }
    for (size_t i = items.size(); i < static_cast<size_t>(nRows); ++i) rows[i] = StepItem{};
    return {};
}

}  // namespace spanscope::cuda
