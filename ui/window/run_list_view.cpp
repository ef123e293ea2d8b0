#include "ui/window/run_list_view.h"

#include <QAction>
#include <QHeaderView>

namespace spanscope {

RunListView::RunListView(RunHistory* history, QWidget* parent) : QTableView(parent), m_history(history) {
    m_sorted.setSourceModel(history);
    m_sorted.setSortRole(RunHistory::kSortRole);
    m_sorted.setSortCaseSensitivity(Qt::CaseInsensitive);
    setModel(&m_sorted);
    setAccessibleName(tr("Runs"));
    setObjectName("historyTable");
    setToolTip(tr("Double-click or Return shows a run again; a click on a head sorts"));
    setFrameShape(QFrame::NoFrame);
    setShowGrid(false);
    setAlternatingRowColors(true);
    setWordWrap(false);
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setSelectionMode(QAbstractItemView::SingleSelection);
    setTabKeyNavigation(false);
    verticalHeader()->hide();
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    horizontalHeader()->setStretchLastSection(true);
    horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);  // the newest first, until somebody sorts
    horizontalHeader()->setSortIndicatorClearable(true);
    setSortingEnabled(true);
    connect(this, &QTableView::activated, this,
            [this](const QModelIndex& index) { emit chosen(m_history->at(rowAt(index))); });
    setContextMenuPolicy(Qt::ActionsContextMenu);
    addRowAction(tr("Show"), tr("Show the run again"), [this](int row) { emit chosen(m_history->at(row)); });
    addRowAction(tr("Show beside"), tr("Compare with the current run, line by line and token by token"),
                 [this](int row) { emit chosenBeside(m_history->at(row)); });
    addRowAction(tr("Name and notes…"), tr("What you call the run; kept in its trace"),
                 [this](int row) { emit labelWanted(row); });
}

QAction* RunListView::addRowAction(const QString& text, const QString& tip, const std::function<void(int row)>& run) {
    auto* action = new QAction(text, this);
    action->setToolTip(tip);
    connect(action, &QAction::triggered, this, [this, run] {
        if (const QModelIndex index = currentIndex(); index.isValid()) run(rowAt(index));
    });
    addAction(action);
    return action;
}

}  // namespace spanscope
