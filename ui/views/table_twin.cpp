#include "ui/views/table_twin.h"

#include <QApplication>
#include <QClipboard>
#include <QDialogButtonBox>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLabel>
#include <QPointer>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/model/format.h"
#include "ui/views/figure_access.h"
#include "ui/views/view_actions.h"

namespace spanscope {

// ---- table

FigureTableView::FigureTableView(FigureTable* table, Selection* selection, QWidget* parent)
    : QTableView(parent), m_table(table), m_selection(selection) {
    setObjectName("figureTable");
    setAccessibleName(tr("%1 as a table").arg(table->name()));
    setModel(table);
    setFrameShape(QFrame::NoFrame);
    setShowGrid(false);
    setAlternatingRowColors(true);
    setWordWrap(false);
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setSelectionMode(QAbstractItemView::ContiguousSelection);
    setTabKeyNavigation(false);
    verticalHeader()->hide();
    verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setSortIndicatorClearable(true);
    horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
    setSortingEnabled(true);
    fitColumns();
    connect(selectionModel(), &QItemSelectionModel::selectionChanged, this, &FigureTableView::onRowsSelected);
    connect(table, &FigureTable::modelReset, this, &FigureTableView::showSelection);
    if (!m_selection) return;
    connect(m_selection, &Selection::changed, this, &FigureTableView::showSelection);
    showSelection();
}

void FigureTableView::fitColumns() {
    constexpr int kLookedAt = 60;  // rows
    const int most = fontMetrics().averageCharWidth() * 40;
    verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 10);
    horizontalHeader()->setResizeContentsPrecision(kLookedAt);
    const int roomy = m_table->roomyColumn();
    horizontalHeader()->setStretchLastSection(roomy < 0);
    if (roomy >= 0) horizontalHeader()->setSectionResizeMode(roomy, QHeaderView::Stretch);
    for (int c = 0; c < m_table->columnCount(); ++c) {
        if (c == roomy) continue;
        resizeColumnToContents(c);
        if (columnWidth(c) > most) setColumnWidth(c, most);
    }
}

std::vector<IndexRange> FigureTableView::selectedRows() const {
    std::vector<IndexRange> rows;
    for (const QItemSelectionRange& range : selectionModel()->selection())
        rows.push_back({range.top(), range.bottom()});
    std::sort(rows.begin(), rows.end(), [](const IndexRange& a, const IndexRange& b) { return a.first < b.first; });
    return rows;
}

/// The steps of the first and of the last row: between them a sorted table has any.
void FigureTableView::onRowsSelected() {
    if (m_busy) return;
    const std::vector<IndexRange> rows = selectedRows();
    if (rows.empty()) return;
    const IndexRange a = m_table->stepsOf(rows.front().first), b = m_table->stepsOf(rows.back().last);
    if (a.first < 0 || b.first < 0) {
        emit chosen(m_table->source(rows.front().first));
        return;
    }
    if (!m_selection) return;
    m_busy = true;
    m_selection->lockRange(std::min(a.first, b.first), std::max(a.last, b.last));
    m_busy = false;
}

void FigureTableView::showSelection() {
    if (m_busy || !m_selection) return;
    m_busy = true;
    const int row = m_selection->isLocked() ? m_table->rowOf(m_selection->current()) : -1;
    if (row < 0) {
        selectionModel()->clearSelection();
    } else {
        const QModelIndex index = m_table->index(row, std::max(0, currentIndex().column()));
        selectionModel()->setCurrentIndex(index, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
        scrollTo(index);
    }
    m_busy = false;
}

void FigureTableView::copy() const {
    const std::vector<IndexRange> rows = selectedRows();
    if (!rows.empty()) QApplication::clipboard()->setText(m_table->tabbed(rows));
}

bool FigureTableView::event(QEvent* event) {
    if (event->type() == QEvent::ShortcutOverride && static_cast<QKeyEvent*>(event)->matches(QKeySequence::Copy)) {
        event->accept();  // not the figure's, which the table may stand in
        return true;
    }
    return QTableView::event(event);
}

void FigureTableView::keyPressEvent(QKeyEvent* event) {
    if (event->matches(QKeySequence::Copy)) copy();
    else QTableView::keyPressEvent(event);
    if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) event->accept();  // closes no dialog
}

void FigureTableView::changeEvent(QEvent* event) {
    QTableView::changeEvent(event);
    if (event->type() == QEvent::FontChange && m_table) fitColumns();
}

// ---- dialog

TableTwin::TableTwin(FigureTable* table, Selection* selection, QWidget* figure) : QDialog(figure) {
    table->setParent(this);
    setObjectName("tableTwin");
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(tr("%1 as a table").arg(table->name()));
    m_view = new FigureTableView(table, selection, this);
    m_count = new QLabel(this);
    m_count->setTextFormat(Qt::PlainText);
    m_count->setWordWrap(true);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* foot = new QHBoxLayout;
    foot->addWidget(m_count, 1);
    foot->addWidget(buttons);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 8);
    column->addWidget(m_view, 1);
    foot->setContentsMargins(12, 0, 12, 0);
    column->addLayout(foot);
    connect(table, &FigureTable::rowsInserted, this, &TableTwin::showCount);
    connect(table, &FigureTable::modelReset, this, &TableTwin::showCount);
    connect(table, &FigureTable::modelReset, m_view, &FigureTableView::fitColumns);
    showCount();
    const QFontMetrics fm(font());
    resize(std::min(fm.averageCharWidth() * 130, 1100), std::min(fm.height() * 30, 600));
    m_view->setFocus();
}

void TableTwin::showCount() {
    const int n = m_view->table()->rowCount();
    m_count->setText(n == 0 ? tr("Nothing to show yet.")
                            : tr("%1 rows. A heading sorts, Ctrl+C copies the selected rows.").arg(formatCount(n)));
}

QAction* addTableTwin(QWidget* figure, Selection* selection, const std::function<FigureTable*()>& make,
                      const std::function<void(int row)>& chosen, Qt::ShortcutContext context) {
    describeAsFigure(figure);
    const ViewActions add(figure, context);
    QPointer<TableTwin> open;
    return add(QObject::tr("Show as table"), QKeySequence(Qt::Key_T),
               QObject::tr("What is drawn here as a table: to read, sort and copy"),
               [figure, selection, make, chosen, open]() mutable {
                   if (!open) {
                       open = new TableTwin(make(), selection, figure);
                       if (chosen) QObject::connect(open->view(), &FigureTableView::chosen, figure, chosen);
                   }
                   open->show();
                   open->raise();
                   open->activateWindow();
               });
}

}  // namespace spanscope
