#include "ui/views/timeline/timeline_table.h"

#include <algorithm>

#include "engine/types/segment_name.h"
#include "ui/model/format.h"
#include "ui/model/run_store.h"
#include "ui/views/mask/mask_explain.h"

namespace spanscope {

TimelineTable::TimelineTable(RunStore* store, const StepTimes& times, RunStore* maybeDense, const StepTimes& denseTimes,
                             QObject* parent)
    : FigureTable(tr("Timeline"),
                  {{tr("Step"), tr("Index of the response token"), false},
                   {tr("Token"), tr("What the step reads: the token at its position"), true},
                   {tr("Segment"), tr("Part of the response that the token is of"), true},
                   {tr("Phase"), tr("Where it stands in the span protocol"), true},
                   {tr("Begins"), tr("On the run's own clock"), false},
                   {tr("Ends"), tr("On the run's own clock"), false},
                   {tr("Takes"), tr("Between the two"), false},
                   {tr("Other run"), tr("End of the same step of the run beside it, on its own clock"), false}},
                  parent),
      m_store(store),
      m_dense(maybeDense),
      m_times(times),
      m_denseTimes(denseTimes) {
    for (RunStore* s : {m_store, m_dense}) {
        if (!s) continue;
        connect(s, &RunStore::reset, this, &TimelineTable::rebuild);
        connect(s, &RunStore::stepsAppended, this, &TimelineTable::grow);
        connect(s, &RunStore::finished, this, &TimelineTable::grow);
    }
    rebuild();
}

int TimelineTable::nRows() const { return std::max(m_times.size(), m_denseTimes.size()); }

IndexRange TimelineTable::steps(int row) const { return row < m_times.size() ? IndexRange{row, row} : IndexRange{}; }

QString TimelineTable::cell(int row, int column) const {
    if (column == Step) return formatCount(row);
    if (column == OtherEnds) return row < m_denseTimes.size() ? formatDuration(m_denseTimes.endNs(row)) : QString();
    const RunData& run = m_store->data();
    if (row >= m_times.size() || row >= int(run.steps.size())) return {};
    const StepRecord& step = run.steps[size_t(row)];
    switch (column) {
        case Token: return QString::fromStdString(tokenText(run, step.position));
        case SegmentName:
            return step.segment >= 0 && step.segment < int(run.segments.size())
                       ? QString::fromStdString(segmentName(run.segments[size_t(step.segment)]))
                       : QString();
        case PhaseName: return QString::fromUtf8(phaseName(step.phase));
        default: return formatDuration(qint64(key(row, column)));
    }
}

double TimelineTable::key(int row, int column) const {
    if (column == Step) return row;
    if (column == OtherEnds) return row < m_denseTimes.size() ? double(m_denseTimes.endNs(row)) : -1;
    if (row >= m_times.size() || row >= m_store->nSteps()) return -1;
    const StepRecord& step = m_store->data().steps[size_t(row)];
    switch (column) {
        case Token: return step.token.id;
        case SegmentName: return step.segment;
        case PhaseName: return double(step.phase);
        case Begins: return double(m_times.beginNs(row));
        case Ends: return double(m_times.endNs(row));
        case Takes: return double(m_times.endNs(row) - m_times.beginNs(row));
        default: return row;
    }
}

}  // namespace spanscope
