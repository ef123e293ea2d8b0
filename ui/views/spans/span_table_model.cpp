#include "ui/views/spans/span_table_model.h"

#include <array>

#include "engine/types/segment_name.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"

namespace spanscope {

namespace {
struct ColumnText {
    const char* title;
    const char* tip;
};
constexpr std::array<ColumnText, SpanTableModel::ColumnCount> kColumns{{
    {QT_TRANSLATE_NOOP("SpanTable", "Segment"),
     QT_TRANSLATE_NOOP("SpanTable", "Label the model gave to this part of its response")},
    {QT_TRANSLATE_NOOP("SpanTable", "Note"),
     QT_TRANSLATE_NOOP("SpanTable", "Violations of the protocol and fallbacks")},
    {QT_TRANSLATE_NOOP("SpanTable", "Declared"),
     QT_TRANSLATE_NOOP("SpanTable", "References the model named between <attend> and </attend>")},
    {QT_TRANSLATE_NOOP("SpanTable", "Tokens"),
     QT_TRANSLATE_NOOP("SpanTable", "Tokens of the segment, markup included")},
    {QT_TRANSLATE_NOOP("SpanTable", "Attended"),
     QT_TRANSLATE_NOOP("SpanTable", "Tokens that its steps attended to, summed over the steps")},
    {QT_TRANSLATE_NOOP("SpanTable", "Loaded"),
     QT_TRANSLATE_NOOP("SpanTable", "The same, rounded outward to whole KV pages of 16 tokens, mean over layers")},
    {QT_TRANSLATE_NOOP("SpanTable", "Share"),
     QT_TRANSLATE_NOOP("SpanTable", "Share of what dense attention would have loaded; 1 minus this is the sparsity")},
}};
}  // namespace

SpanTableModel::SpanTableModel(RunStore* store, QObject* parent) : QAbstractTableModel(parent), m_store(store) {
    connect(store, &RunStore::reset, this, &SpanTableModel::rebuild);
    connect(store, &RunStore::stepsAppended, this, &SpanTableModel::grow);
    connect(store, &RunStore::finished, this, &SpanTableModel::grow);
    rebuild();
}

void SpanTableModel::rebuild() {
    beginResetModel();
    m_summaries.clear();
    m_summaries.update(m_store->data());
    m_nRows = static_cast<int>(m_summaries.rows().size());
    endResetModel();
}

void SpanTableModel::grow() {
    const int changed = m_summaries.update(m_store->data());
    const int n = static_cast<int>(m_summaries.rows().size());
    if (n > m_nRows) {
        beginInsertRows({}, m_nRows, n - 1);
        m_nRows = n;
        endInsertRows();
    }
    if (changed >= 0 && changed < m_nRows) emit dataChanged(index(changed, 0), index(m_nRows - 1, ColumnCount - 1));
}

int SpanTableModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : m_nRows; }
int SpanTableModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : int(ColumnCount); }

QString SpanTableModel::text(const SegmentSummary& row, int column) const {
    const RunData& run = m_store->data();
    if (row.segment >= static_cast<int>(run.segments.size())) return {};
    const Segment& segment = run.segments[static_cast<size_t>(row.segment)];
    switch (column) {
        case SegmentColumn: return QString::fromStdString(segmentName(segment));
        case RefsColumn: {
            const QString refs = refsText(segment);
            if (!refs.isEmpty()) return refs;
            return segment.bodyBegin >= 0 ? tr("nothing") : QStringLiteral("…");
        }
        case TokensColumn: return row.firstStep < 0 ? QString() : formatCount(row.lastStep - row.firstStep + 1);
        case AttendedColumn: return formatCount(row.attended);
        case LoadedColumn: return formatCount(row.loaded);
        case ShareColumn: return row.causal ? formatPercent(double(row.loaded) / double(row.causal)) : kNoValue;
        case NoteColumn:
            return row.nViolations > 0 ? QStringLiteral("⚠ %1").arg(formatCount(row.nViolations))
                   : segment.fallback  ? QStringLiteral("⚠")
                                       : QString();
        default: return {};
    }
}

QString SpanTableModel::note(const SegmentSummary& row) const {
    const RunData& run = m_store->data();
    if (row.segment >= static_cast<int>(run.segments.size())) return {};
    QStringList notes;
    if (run.segments[static_cast<size_t>(row.segment)].fallback) notes << tr("fallback: attends to everything");
    if (row.nViolations) notes << tr("violations: %1").arg(formatCount(row.nViolations));
    return notes.join(QStringLiteral(", "));
}

QVariant SpanTableModel::sortKey(const SegmentSummary& row, int column) const {
    switch (column) {
        case SegmentColumn: return row.segment;
        case TokensColumn: return row.lastStep - row.firstStep;
        case AttendedColumn: return row.attended;
        case LoadedColumn: return row.loaded;
        case NoteColumn: return row.nViolations;
        case ShareColumn: return row.causal ? double(row.loaded) / double(row.causal) : 0.0;
        default: return text(row, column);
    }
}

QVariant SpanTableModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= m_nRows || index.column() >= ColumnCount) return {};
    const SegmentSummary& row = m_summaries.rows()[static_cast<size_t>(index.row())];
    switch (role) {
        case Qt::DisplayRole: return text(row, index.column());
        case Qt::ToolTipRole:
            return index.column() == NoteColumn   ? QVariant(note(row))
                   : index.column() == RefsColumn ? QVariant(plainToolTip(text(row, RefsColumn)))
                                                  : QVariant();
        case Qt::AccessibleTextRole:
            return headerData(index.column(), Qt::Horizontal).toString() + ' ' +
                   (index.column() == NoteColumn ? note(row) : text(row, index.column()));
        case Qt::TextAlignmentRole:
            return int(Qt::AlignVCenter) |
                   int(index.column() >= TokensColumn && index.column() <= ShareColumn ? Qt::AlignRight
                                                                                       : Qt::AlignLeft);
        case SegmentIndexRole: return row.segment;
        case FirstStepRole: return row.firstStep;
        case LastStepRole: return row.lastStep;
        case SortRole: return sortKey(row, index.column());
        default: return {};
    }
}

QVariant SpanTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount) return {};
    const ColumnText& column = kColumns[static_cast<size_t>(section)];
    if (role == Qt::DisplayRole) return tr(column.title);
    if (role == Qt::ToolTipRole) return tr(column.tip);
    if (role == Qt::TextAlignmentRole)
        return int(Qt::AlignVCenter) |
               int(section >= TokensColumn && section <= ShareColumn ? Qt::AlignRight : Qt::AlignLeft);
    return {};
}

}  // namespace spanscope
