#include "ui/model/segment_summary.h"

#include <QStringList>
#include <algorithm>

namespace spanscope {

void SegmentSummaries::clear() {
    m_rows.clear();
    m_rowOfSegment.clear();
    m_nSteps = 0;
    m_nViolations = 0;
}

int SegmentSummaries::update(const RunData& run) {
    int firstChanged = static_cast<int>(m_rows.size());
    const int before = firstChanged;
    for (size_t s = m_rowOfSegment.size(); s < run.segments.size(); ++s) {
        if (run.segments[s].kind == SegmentKind::Out && run.segments[s].begin >= int(run.header.prompt.size())) {
            m_rowOfSegment.push_back(static_cast<int>(m_rows.size()));
            SegmentSummary row;
            row.segment = static_cast<int>(s);
            m_rows.push_back(row);
        } else {
            m_rowOfSegment.push_back(-1);
        }
    }
    for (; m_nSteps < static_cast<int>(run.steps.size()); ++m_nSteps) {
        const StepRecord& step = run.steps[static_cast<size_t>(m_nSteps)];
        const int index = rowOfSegment(step.segment);
        if (index < 0) continue;
        SegmentSummary& row = m_rows[static_cast<size_t>(index)];
        if (row.firstStep < 0) row.firstStep = m_nSteps;
        row.lastStep = m_nSteps;
        row.attended += step.attended;
        row.loaded += step.loaded;
        row.causal += step.causal;
        firstChanged = std::min(firstChanged, index);
    }
    for (; m_nViolations < run.violations.size(); ++m_nViolations) {
        const int index = rowOfSegment(run.violations[m_nViolations].segment);
        if (index < 0) continue;
        ++m_rows[static_cast<size_t>(index)].nViolations;
        firstChanged = std::min(firstChanged, index);
    }
    const bool grew = static_cast<int>(m_rows.size()) > before;
    return firstChanged < static_cast<int>(m_rows.size()) || grew ? firstChanged : -1;
}

int SegmentSummaries::rowOfSegment(int segment) const {
    if (segment < 0 || segment >= static_cast<int>(m_rowOfSegment.size())) return -1;
    return m_rowOfSegment[static_cast<size_t>(segment)];
}

int SegmentSummaries::rowOfStep(int step) const {
    const auto after = std::upper_bound(m_rows.begin(), m_rows.end(), step, [](int s, const SegmentSummary& row) {
        return row.firstStep < 0 || s < row.firstStep;
    });
    if (after == m_rows.begin()) return -1;
    const auto row = after - 1;
    return step <= row->lastStep ? static_cast<int>(row - m_rows.begin()) : -1;
}

QString refsText(const Segment& segment) {
    QStringList refs;
    for (const SpanRef& ref : segment.refs) {
        if (refs.size() == kShownRefs) {
            refs << QStringLiteral("… %1").arg(segment.refs.size());
            break;
        }
        QString text = QString::fromUtf8(segmentKindName(ref.kind)) + ' ' +
                       (ref.label >= 0 ? QString::number(ref.label) : QStringLiteral("?"));
        if (ref.segment < 0) text += QStringLiteral(" (ignored)");
        refs << text;
    }
    return refs.join(QStringLiteral(", "));
}

PageRange pagesOf(const Interval& tokens, int nContext) {
    const int begin = std::max(0, tokens.begin);
    const int end = std::min(tokens.end, nContext);
    if (end <= begin) return {};
    return {begin / kPageTokens, (end - 1) / kPageTokens};
}

}  // namespace spanscope
