#include "ui/views/spans/span_table_view.h"

#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QKeyEvent>
#include <QSortFilterProxyModel>
#include <algorithm>

#include "engine/files/csv_cell.h"
#include "ui/views/spans/span_table_model.h"

namespace spanscope {

SpanTableView::SpanTableView(RunStore* store, Selection* selection, QWidget* parent)
    : QTableView(parent),
      m_model(new SpanTableModel(store, this)),
      m_proxy(new QSortFilterProxyModel(this)),
      m_selection(selection) {
    setAccessibleName(tr("Segments"));
    setAccessibleDescription(
        tr("One row for each segment of the response: declared references, tokens attended and loaded."));
    m_proxy->setSourceModel(m_model);
    m_proxy->setSortRole(SpanTableModel::SortRole);
    setModel(m_proxy);
    setFrameShape(QFrame::NoFrame);
    setShowGrid(false);
    setAlternatingRowColors(true);
    setWordWrap(false);
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setSelectionMode(QAbstractItemView::ContiguousSelection);
    setTabKeyNavigation(false);
    setSortingEnabled(true);
    sortByColumn(SpanTableModel::SegmentColumn, Qt::AscendingOrder);
    verticalHeader()->hide();
    horizontalHeader()->setHighlightSections(false);
    // References take what room is left; nothing stands beyond the edge.
    horizontalHeader()->setSectionResizeMode(SpanTableModel::RefsColumn, QHeaderView::Stretch);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    fitRows();
    connect(selectionModel(), &QItemSelectionModel::selectionChanged, this, &SpanTableView::onRowsSelected);
    connect(m_selection, &Selection::changed, this, &SpanTableView::showSelection);
}

void SpanTableView::fitRows() {
    const QFontMetrics fm(font());
    verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    verticalHeader()->setDefaultSectionSize(fm.height() + 10);
    const int digit = fm.horizontalAdvance('0');
    const struct {
        int column, digits;
    } widths[] = {{SpanTableModel::SegmentColumn, 8}, {SpanTableModel::NoteColumn, 5},
                  {SpanTableModel::TokensColumn, 8},  {SpanTableModel::AttendedColumn, 9},
                  {SpanTableModel::LoadedColumn, 9},  {SpanTableModel::ShareColumn, 8}};
    for (const auto& w : widths) setColumnWidth(w.column, digit * w.digits);
    // The sign of the sorted column stands beside its name; at first it is this one.
    const QString first = m_model->headerData(SpanTableModel::SegmentColumn, Qt::Horizontal).toString();
    setColumnWidth(SpanTableModel::SegmentColumn, fm.horizontalAdvance(first) + 3 * digit);
}

void SpanTableView::changeEvent(QEvent* event) {
    QTableView::changeEvent(event);
    if (event->type() == QEvent::FontChange) fitRows();
}

void SpanTableView::onRowsSelected() {
    if (m_busy) return;
    int first = -1, last = -1;
    for (const QModelIndex& index : selectionModel()->selectedRows()) {
        const int from = index.data(SpanTableModel::FirstStepRole).toInt();
        const int to = index.data(SpanTableModel::LastStepRole).toInt();
        if (from < 0) continue;
        first = first < 0 ? from : std::min(first, from);
        last = std::max(last, to);
    }
    if (first < 0) return;
    m_busy = true;
    m_selection->lockRange(first, last);
    m_busy = false;
}

void SpanTableView::showSelection() {
    if (m_busy) return;
    m_busy = true;
    const int row = m_model->summaries().rowOfStep(m_selection->current());
    if (row < 0) {
        selectionModel()->clearSelection();
    } else {
        const QModelIndex index = m_proxy->mapFromSource(m_model->index(row, 0));
        selectionModel()->select(index, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
        if (m_selection->isLocked()) scrollTo(index);
    }
    m_busy = false;
}

void SpanTableView::copySelection() const {
    QString text;
    for (const QModelIndex& index : selectionModel()->selectedRows()) {
        for (int c = 0; c < SpanTableModel::ColumnCount; ++c) {
            if (c) text += '\t';
            text += QString::fromStdString(withoutFormula(
                index.siblingAtColumn(c).data().toString().toStdString()));  // on its way to a spreadsheet
        }
        text += '\n';
    }
    if (!text.isEmpty()) QApplication::clipboard()->setText(text);
}

void SpanTableView::keyPressEvent(QKeyEvent* event) {
    if (event->matches(QKeySequence::Copy)) copySelection();
    else QTableView::keyPressEvent(event);
}

}  // namespace spanscope
