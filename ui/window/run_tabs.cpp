#include "ui/window/run_tabs.h"

#include <QSignalBlocker>
#include <algorithm>

#include "ui/model/shown_text.h"

namespace spanscope {

namespace {
constexpr int kMostTabs = 12;  // of runs that a file has
constexpr qsizetype kTitle = 48;
}  // namespace

RunTabs::RunTabs(Workspace* workspace, QWidget* parent) : QTabBar(parent), m_workspace(workspace) {
    setObjectName("runTabs");
    setAccessibleName(tr("Runs, newest last"));
    setTabsClosable(true);
    setExpanding(false);
    setUsesScrollButtons(true);
    setElideMode(Qt::ElideNone);
    hide();
    const RunHistory* history = m_workspace->history();
    connect(this, &QTabBar::currentChanged, this, [this](int index) {
        if (index < 0 || index >= m_runs.size()) return;
        if (const HistoryEntry* entry = m_workspace->history()->find(m_runs[index].get()))
            emit chosen(HistoryEntry(*entry));
    });
    connect(this, &QTabBar::tabCloseRequested, this, &RunTabs::close);
    connect(history, &RunHistory::labelled, this, &RunTabs::rename);
    connect(history, &RunHistory::rowsRemoved, this, &RunTabs::dropLost);
    connect(m_workspace, &Workspace::changed, this, &RunTabs::followWorkspace);
    connect(m_workspace->shown(), &RunStore::reset, this, &RunTabs::followWorkspace);
}

SharedRun RunTabs::front() const { return m_runs.value(currentIndex()); }

int RunTabs::insert(const HistoryEntry& entry) {
    const auto at = m_runs.indexOf(entry.run);
    if (at >= 0) return static_cast<int>(at);
    m_runs.append(entry.run);
    const int index = insertTab(static_cast<int>(m_runs.size()) - 1, menuText(runName(entry), kTitle));
    const RunSettings& settings = entry.run->header.settings;
    QString tip = runTitle(entry.run->header) + '\n' + shownWords(settings.promptText, 400);
    if (!entry.origin.isEmpty() && entry.kept.isEmpty()) tip += '\n' + shownLine(entry.origin);
    setTabToolTip(index, plainToolTip(tip));
    return index;
}

void RunTabs::drop(int index) {
    m_runs.removeAt(index);
    removeTab(index);
}

void RunTabs::dropLost() {
    const QSignalBlocker quiet(this);
    for (qsizetype i = m_runs.size() - 1; i >= 0; --i)
        if (!m_workspace->history()->holds(m_runs[i])) drop(static_cast<int>(i));
    setVisible(count() > 1);
}

/// The oldest that a file has, but not the one in front.
void RunTabs::makeRoom() {
    for (int i = 0; m_runs.size() > kMostTabs && i < m_runs.size();) {
        const HistoryEntry* entry = m_workspace->history()->find(m_runs[i].get());
        if (i != currentIndex() && (!entry || entry->isInFile())) drop(i);
        else ++i;
    }
}

void RunTabs::showRun(const HistoryEntry& entry) {
    dropLost();
    const QSignalBlocker quiet(this);
    if (hasRunning()) removeTab(static_cast<int>(m_runs.size()));
    m_before.reset();
    setCurrentIndex(insert(entry));
    makeRoom();
    setVisible(count() > 1);
}

void RunTabs::bringBack(const QVector<HistoryEntry>& entries) {
    const QSignalBlocker quiet(this);
    const SharedRun was = front();
    for (int to = 0; to < entries.size(); ++to) {
        const int from = insert(entries[to]);
        moveTab(from, to);
        m_runs.move(from, to);
    }
    if (const auto at = m_runs.indexOf(was); at >= 0) setCurrentIndex(static_cast<int>(at));
    makeRoom();
    setVisible(count() > 1);
}

/// A run that goes on has a tab of its own in front; what was in front before comes back where nothing came of it.
void RunTabs::followWorkspace() {
    const bool busy = m_workspace->isBusy();
    setEnabled(!busy);
    const QSignalBlocker quiet(this);
    if (!busy) {
        if (!hasRunning()) return;
        removeTab(static_cast<int>(m_runs.size()));
        if (const auto at = m_runs.indexOf(m_before); at >= 0) setCurrentIndex(static_cast<int>(at));
        m_before.reset();
    } else {
        const RunStore* shown = m_workspace->shown();
        const bool begun = !shown->isEmpty() && !shown->isFinished();
        const QString title =
            QStringLiteral("%1 · %2%3")
                .arg(QString::number(m_workspace->history()->nextNumber()),
                     begun ? QString::fromStdString(shown->data().header.settings.attention.text()) +
                                 QStringLiteral(" · ")
                           : QString(),
                     m_workspace->state() == Workspace::State::Stopping ? tr("stopping") : tr("running"));
        if (!hasRunning()) {
            m_before = front();
            addTab(title);
        }
        const int last = count() - 1;
        setTabText(last, title);
        setTabToolTip(last, {});
        setCurrentIndex(last);
    }
    setVisible(count() > 1);
}

void RunTabs::rename() {
    for (int i = 0; i < m_runs.size(); ++i)
        if (const HistoryEntry* entry = m_workspace->history()->find(m_runs[i].get()))
            setTabText(i, menuText(runName(*entry), kTitle));
}

void RunTabs::closeCurrent() { close(currentIndex()); }

void RunTabs::close(int index) {
    if (index < 0 || index >= m_runs.size() || m_workspace->isBusy()) return;
    const bool wasInFront = currentIndex() == index;
    {
        const QSignalBlocker quiet(this);
        drop(index);
    }
    setVisible(count() > 1);
    if (!wasInFront) return;
    if (const SharedRun next = front()) {
        if (const HistoryEntry* entry = m_workspace->history()->find(next.get())) emit chosen(HistoryEntry(*entry));
    } else {
        emit closedLast();
    }
}

}  // namespace spanscope
