#include "ui/views/probe/probe_twins.h"

#include <algorithm>

#include "engine/types/segment_name.h"
#include "engine/types/token_at.h"
#include "ui/model/format.h"
#include "ui/views/mask/mask_explain.h"

namespace spanscope {

namespace {

/// 0 where there are fewer: a probe comes from another thread and may be of less than the run on show.
template <class T>
double at(const std::vector<T>& values, int i) {
    return i >= 0 && size_t(i) < values.size() ? double(values[size_t(i)]) : 0;
}

}  // namespace

// ---- divergence

DivergenceTable::DivergenceTable(const RunData& run, const DivergenceCurve& curve, QObject* parent)
    : FigureTable(tr("Divergence of every step"),
                  {{tr("Step"), tr("Index of the response token"), false},
                   {tr("Token"), tr("What the step reads: the token at its position"), true},
                   {tr("Divergence"), tr("KL(dense ‖ declared) of the next token"), false},
                   {tr("Next token"), tr("Whether both would choose the same one"), true}},
                  parent),
      m_run(run),
      m_curve(curve) {
    rebuild();
}

QString DivergenceTable::cell(int row, int column) const {
    switch (column) {
        case Step: return formatCount(row);
        case Token:
            return row < int(m_run.steps.size())
                       ? QString::fromStdString(tokenText(m_run, m_run.steps[size_t(row)].position))
                       : QString();
        case Nats: return formatNats(key(row, Nats));
        case Choice: return at(m_curve.sameTop, row) != 0 ? tr("the same") : tr("another one");
        default: return {};
    }
}

double DivergenceTable::key(int row, int column) const {
    switch (column) {
        case Token: return row < int(m_run.steps.size()) ? m_run.steps[size_t(row)].token.id : -1;
        case Nats: return at(m_curve.klNats, row);
        case Choice: return at(m_curve.sameTop, row);
        default: return row;
    }
}

// ---- heads

HeadsTable::HeadsTable(const StepProbe& probe, QObject* parent)
    : FigureTable(tr("Mass kept by layer and head"),
                  {{tr("Layer"), tr("From the first, which is 0"), false},
                   {tr("Head"), tr("Of its layer, from 0"), false},
                   {tr("Kept"), tr("Share of the dense attention mass that lies inside the span"), false},
                   {tr("Without first token"), tr("The same without the first token of the context"), false}},
                  parent),
      m_probe(probe) {
    rebuild();
}

int HeadsTable::nRows() const {
    const size_t n = size_t(std::max(0, m_probe.nLayers)) * size_t(std::max(0, m_probe.nHeads));
    return int(std::min({n, m_probe.massKept.size(), m_probe.massKeptNoSink.size()}));
}

QString HeadsTable::cell(int row, int column) const {
    return column <= Head ? QString::number(int(key(row, column))) : formatPercent(key(row, column));
}

double HeadsTable::key(int row, int column) const {
    switch (column) {
        case Layer: return row / m_probe.nHeads;
        case Head: return row % m_probe.nHeads;
        case Kept: return at(m_probe.massKept, row);
        default: return at(m_probe.massKeptNoSink, row);
    }
}

// ---- attention

AttentionTable::AttentionTable(const RunData& run, const StepProbe& probe, QObject* parent)
    : FigureTable(tr("Attention over the context"),
                  {{tr("Position"), tr("In the context, up to the step"), false},
                   {tr("Token"), tr("What stands there"), true},
                   {tr("Segment"), tr("That it is of"), true},
                   {tr("Dense"), tr("Attention of the chosen heads where all can be attended to"), false},
                   {tr("Declared"), tr("The same under the span"), false},
                   {tr("In the span"), tr("Whether the step could attend to it"), true}},
                  parent),
      m_run(run),
      m_probe(probe) {
    rebuild();
}

bool AttentionTable::inSpan(int position) const {
    return m_probe.visible && mayRead(*m_probe.visible, m_probe.position, position);
}

QString AttentionTable::cell(int row, int column) const {
    switch (column) {
        case Position: return formatCount(row);
        case Token: return QString::fromStdString(tokenText(m_run, row));
        case SegmentName: {
            const int segment = segmentAt(m_run.segments, row);
            return segment < 0 ? QString() : QString::fromStdString(segmentName(m_run.segments[size_t(segment)]));
        }
        case InSpan: return inSpan(row) ? tr("yes") : tr("no");
        default: return formatPercent(key(row, column));
    }
}

double AttentionTable::key(int row, int column) const {
    switch (column) {
        case Token: {
            const TokenInfo* token = maybeTokenAt(m_run, row);
            return token ? token->id : -1;
        }
        case SegmentName: return segmentAt(m_run.segments, row);
        case Dense: return at(m_probe.dense, row);
        case Declared: return at(m_probe.restricted, row);
        case InSpan: return inSpan(row);
        default: return row;
    }
}

}  // namespace spanscope
