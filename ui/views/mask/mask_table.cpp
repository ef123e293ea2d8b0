#include "ui/views/mask/mask_table.h"

#include <QCoreApplication>
#include <algorithm>
#include <array>

#include "engine/types/run_diff.h"
#include "engine/types/segment_name.h"
#include "ui/model/format.h"
#include "ui/model/run_store.h"
#include "ui/views/mask/mask_explain.h"

namespace spanscope {

namespace {

constexpr int kMostNames = 8;  // of segments in a sentence

QString tr(const char* text) { return QCoreApplication::translate("MaskTable", text); }

FigureTable::Column column(const char* name, const char* tip, bool isText = false) {
    return {tr(name), tr(tip), isText};
}

/// The first segment that ends after `position`. segments: by position.
size_t segmentFrom(const std::vector<Segment>& segments, int position) {
    const auto at = std::upper_bound(segments.begin(), segments.end(), position,
                                     [](int p, const Segment& s) { return p < s.begin; });
    const auto index = size_t(at - segments.begin());
    return index > 0 && segments[index - 1].end > position ? index - 1 : index;
}

QString segmentOf(const RunData& run, const StepRecord& step) {
    const bool known = step.segment >= 0 && step.segment < int(run.segments.size());
    return known ? QString::fromStdString(segmentName(run.segments[size_t(step.segment)])) : QString();
}

QString stepWords(const RunData& run, const StepRecord& step) {
    QStringList words{QChar(0x201c) + QString::fromStdString(tokenText(run, step.position)) + QChar(0x201d)};
    if (const QString segment = segmentOf(run, step); !segment.isEmpty()) words << segment;
    words << QString::fromUtf8(phaseName(step.phase));
    return tr("step %1, %2").arg(formatCount(step.index), words.join(QStringLiteral(", ")));
}

}  // namespace

QString intervalWords(const SharedIntervals& list, int position, int most) {
    QStringList words;
    int n = 0;
    for (const Interval& interval : list ? *list : IntervalList{}) {
        const Interval c = clipToQuery(interval, position);
        if (c.begin >= c.end) continue;
        if (++n > most) continue;
        words << (c.end - c.begin == 1 ? QString::number(c.begin)
                                       : tr("%1 to %2").arg(QString::number(c.begin), QString::number(c.end - 1)));
    }
    if (n == 0) return tr("nothing");
    if (n > most) words << tr("and %1 more").arg(formatCount(n - most));
    return words.join(QStringLiteral(", "));
}

QString readWords(const RunData& run, int step) {
    const StepRecord& record = run.steps[size_t(step)];
    if (!record.visible || record.attended == 0) return tr("nothing");
    if (record.attended >= record.position + 1) return tr("everything before it");
    QStringList words;
    size_t next = 0;  // segment that is not named yet
    bool own = false;
    for (const Interval& interval : *record.visible) {
        const Interval c = clipToQuery(interval, record.position);
        if (c.begin >= c.end) continue;
        for (size_t s = std::max(next, segmentFrom(run.segments, c.begin)); s < run.segments.size(); ++s) {
            const Segment& segment = run.segments[s];
            if (segment.begin >= c.end) break;
            next = s + 1;
            if (int(s) == record.segment) {
                own = true;
                continue;
            }
            if (words.size() == kMostNames) {
                words << tr("and more");
                return words.join(QStringLiteral(", "));
            }
            const QString name = QString::fromStdString(segmentName(segment));
            const bool whole = c.begin <= segment.begin && c.end >= std::min(segment.end, record.position + 1);
            words << (whole ? name : tr("part of %1").arg(name));
        }
    }
    if (own) words << tr("itself");
    return words.join(QStringLiteral(", "));
}

QString maskWords(const RunData& run, int step) {
    if (run.steps.empty()) return tr("No run yet.");
    const RunStats& stats = run.stats;
    QString text = tr("%1 steps, %2 context positions.")
                       .arg(formatCount(qint64(run.steps.size())),
                            formatCount(qint64(run.header.prompt.size() + run.steps.size())));
    if (stats.causalTokens > 0)
        text += ' ' + tr("Of what stands before them, the steps attend to %1 and load %2.")
                          .arg(formatPercent(stats.attendedFraction()), formatPercent(stats.loadedFraction()));
    if (step < 0 || step >= int(run.steps.size())) return text;
    const StepRecord& record = run.steps[size_t(step)];
    return text + ' ' +
           tr("Selected: %1; it attends to %2 of %3 tokens: %4 (positions %5).")
               .arg(stepWords(run, record), formatCount(record.attended), formatCount(record.causal),
                    readWords(run, step), intervalWords(record.visible, record.position));
}

MaskTable::MaskTable(RunStore* store, QObject* parent)
    : StepTable(store, tr("Attention mask"),
                {column("Step", "Index of the response token"), column("Position", "Of the token in the context"),
                 column("Token", "What the step reads: the token at its position", true),
                 column("Segment", "Part of the response that the token is of", true),
                 column("Phase", "Where it stands in the span protocol", true),
                 column("Attends to", "Segments that the step attends to", true),
                 column("Positions", "Context positions that the step attends to", true),
                 column("Attended", "Tokens in the step's interval list"),
                 column("Loaded", "The same rounded outward to pages of 16 tokens, mean over layers"),
                 column("Before it", "Tokens that plain causal attention would attend to")},
                parent) {
    rebuild();
}

QString MaskTable::cell(int row, int column) const {
    const RunData& run = store()->data();
    const StepRecord& step = run.steps[size_t(row)];
    switch (column) {
        case Step: return formatCount(row);
        case Position: return formatCount(step.position);
        case Token: return QString::fromStdString(tokenText(run, step.position));
        case SegmentName: return segmentOf(run, step);
        case PhaseName: return QString::fromUtf8(phaseName(step.phase));
        case Reads: return readWords(run, row);
        case Positions: return intervalWords(step.visible, step.position);
        case Attended: return formatCount(step.attended);
        case Loaded: return formatCount(step.loaded);
        case Causal: return formatCount(step.causal);
        default: return {};
    }
}

double MaskTable::key(int row, int column) const {
    const StepRecord& step = store()->data().steps[size_t(row)];
    switch (column) {
        case Position: return step.position;
        case Token: return step.token.id;
        case SegmentName: return step.segment;
        case PhaseName: return double(step.phase);
        case Reads:
        case Positions: return step.visible ? double(step.visible->size()) : 0;
        case Attended: return step.attended;
        case Loaded: return step.loaded;
        case Causal: return step.causal;
        default: return row;
    }
}

// ---- two runs

namespace {

QVector<FigureTable::Column> diffColumns(const QString& first, const QString& second) {
    const QString tip = tr("Tokens that the step attends to in this run alone");
    return {column("Step", "Index of the response token"),
            column("Token", "What the step reads: the token at its position", true),
            column("Both", "Tokens that the step attends to in both runs"),
            {tr("Only %1").arg(first), tip, false},
            {tr("Only %1").arg(second), tip, false},
            {tr("Positions of %1 alone").arg(first), tip, true},
            {tr("Positions of %1 alone").arg(second), tip, true}};
}

int tokensOf(const SharedIntervals& list, int position) { return list ? attendedTokens(*list, position) : 0; }

}  // namespace

MaskDiffTable::MaskDiffTable(const RunData& run, const MaskDiff& diff, QObject* parent)
    : FigureTable(tr("Masks compared"), diffColumns(tr("first"), tr("second")), parent), m_run(run), m_diff(diff) {
    rebuild();
}

void MaskDiffTable::setNames(const QString& first, const QString& second) { setColumns(diffColumns(first, second)); }

int MaskDiffTable::nRows() const { return int(std::min(m_diff.rows.size(), m_run.steps.size())); }

QString MaskDiffTable::cell(int row, int column) const {
    const DiffRow& diff = m_diff.rows[size_t(row)];
    switch (column) {
        case Token: return QString::fromStdString(tokenText(m_run, diff.position));
        case WhereFirst: return intervalWords(diff.onlyFirst, diff.position);
        case WhereSecond: return intervalWords(diff.onlySecond, diff.position);
        default: return formatCount(qint64(key(row, column)));
    }
}

double MaskDiffTable::key(int row, int column) const {
    const DiffRow& diff = m_diff.rows[size_t(row)];
    switch (column) {
        case Token: return m_run.steps[size_t(row)].token.id;
        case Both: return tokensOf(diff.both, diff.position);
        case OnlyFirst:
        case WhereFirst: return tokensOf(diff.onlyFirst, diff.position);
        case OnlySecond:
        case WhereSecond: return tokensOf(diff.onlySecond, diff.position);
        default: return row;
    }
}

}  // namespace spanscope
