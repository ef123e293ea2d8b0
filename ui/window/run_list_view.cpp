#include "ui/window/run_list_view.h"

#include <QAction>
#include <QHeaderView>

namespace spanscope {

RunListView::RunListView(RunHistory* history, QWidget* parent) : QTableView(parent), m_history(history) {
    setModel(history);
    setAccessibleName(tr("Runs"));
    setObjectName("historyTable");
    setToolTip(tr("Double-click or Return shows a run again"));
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
    connect(this, &QTableView::activated, this,
            [this](const QModelIndex& index) { emit chosen(m_history->at(index.row())); });
    setContextMenuPolicy(Qt::ActionsContextMenu);
    addEntryAction(tr("Show"), &RunListView::chosen);
    addEntryAction(tr("Show beside"), &RunListView::chosenBeside)
        ->setToolTip(tr("Compare with the current run, token by token"));
}

QAction* RunListView::addEntryAction(const QString& text, void (RunListView::*signal)(const HistoryEntry&)) {
    auto* action = new QAction(text, this);
    connect(action, &QAction::triggered, this, [this, signal] {
        if (const QModelIndex index = currentIndex(); index.isValid()) emit(this->*signal)(m_history->at(index.row()));
    });
    addAction(action);
    return action;
}

}  // namespace spanscope
