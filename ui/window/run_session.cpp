#include "ui/window/run_session.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QDialog>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLineEdit>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSettings>
#include <algorithm>

#include "ui/model/shown_text.h"
#include "ui/window/banner.h"
#include "ui/window/run_controller.h"
#include "ui/window/run_tabs.h"

namespace spanscope {

namespace {
constexpr int kNameLength = 120, kNotesLength = 20'000;  // characters

/// Another program may have taken numbers in the meantime.
void shareNumbers(RunHistory* history) {
    QSettings settings;
    history->takeNumbersTo(settings.value("session/lastNumber", 0).toLongLong());
}
}  // namespace

RunSession::RunSession(Workspace* workspace, RunController* runs, RunTabs* tabs, Banner* banner, bool hasPlace,
                       QWidget* window)
    : QObject(window),
      m_workspace(workspace),
      m_runs(runs),
      m_tabs(tabs),
      m_banner(banner),
      m_window(window),
      m_hasPlace(hasPlace) {
    if (!hasPlace) return;
    const QSettings settings;
    m_keeps = settings.value("session/keep", true).toBool();
    m_lastTabs = settings.value("session/tabs").toStringList();
    m_lastFront = settings.value("session/front").toString();
    m_knownTabs = m_lastTabs + QStringList(m_lastFront);
    shareNumbers(workspace->history());
    connect(runs, &RunController::starting, this, [this] { shareNumbers(m_workspace->history()); });
    connect(runs, &RunController::kept, this, &RunSession::onFinished);
    connect(workspace->history(), &RunHistory::labelled, this, &RunSession::onLabelled);
    connect(workspace->history(), &RunHistory::letGo, this, [this](int n) {
        emit m_workspace->message(n == 1
                                      ? tr("A run that no file has left the list: there is no room for more")
                                      : tr("%1 runs that no file has left the list: there is no room for more").arg(n));
    });
    connect(workspace, &Workspace::changed, this, [this] {
        if (!m_closing || m_workspace->isBusy()) return;
        m_closing = false;
        QMetaObject::invokeMethod(m_window, "close", Qt::QueuedConnection);
    });
}

void RunSession::setKeeps(bool on) {
    if (!m_hasPlace || m_keeps == on) return;
    m_keeps = on;
    QSettings().setValue("session/keep", on);
    if (!on) return;
    RunHistory* history = m_workspace->history();
    for (int row = history->rowCount() - 1; row >= 0; --row)
        if (const HistoryEntry entry = history->at(row); !entry.isInFile()) keep(entry);
}

void RunSession::restore() {
    QSettings settings;
    if (m_hasPlace && (m_keeps || settings.value("session/keptOnce").toBool())) emit restoreRequested();
    settings.remove("session/keptOnce");
}

void RunSession::onFinished(const HistoryEntry& entry) {
    QSettings().setValue("session/lastNumber", m_workspace->history()->nextNumber() - 1);
    if (m_keeps) keep(entry);
}

/// Names begin with the time and are nobody else's.
void RunSession::keep(const HistoryEntry& entry) {
    KeptRun run;
    run.file = entry.kept;
    if (run.file.isEmpty())
        run.file = QStringLiteral("%1-%2-%3.spantrace")
                       .arg(QDateTime::currentDateTimeUtc().toString(QStringLiteral("yyyyMMdd-HHmmss-zzz")))
                       .arg(QCoreApplication::applicationPid())
                       .arg(++m_nFiles);
    run.run = entry.run;
    run.dense = entry.dense;
    run.label = entry.label;
    m_writing.insert(run.file, entry.run);
    m_workspace->history()->setKept(entry.run.get(), run.file);  // from now on this is its file
    emit keepRequested(run);
}

void RunSession::adopt(const HistoryEntry& entry) {
    if (!keeps()) return;
    m_adopted.insert(entry.run.get());
    keep(entry);
}

void RunSession::onKept(const QString& file) {
    const SharedRun run = m_writing.take(file);
    if (!run) return;
    const HistoryEntry* entry = m_workspace->history()->find(run.get());
    if (m_adopted.remove(run.get()) && entry) emit adopted(HistoryEntry(*entry));
    rememberTabs();
}

void RunSession::onNotKept(const QString& file, const ErrorInfo& error) {
    if (const SharedRun run = m_writing.take(file)) {
        m_adopted.remove(run.get());
        m_workspace->history()->setKept(run.get(), {});
    }
    m_banner->showError(error);
}

void RunSession::onLabelled(int row) {
    const HistoryEntry entry = m_workspace->history()->at(row);
    if (m_keeps) keep(entry);  // also one that was opened from a file: that file stays as it is
    else emit m_workspace->message(tr("The name is kept when the trace is saved"));
}

void RunSession::onRestored(const KeptRun& run) {
    HistoryEntry entry{run.run, run.dense, run.file};
    entry.label = run.label;
    entry.kept = run.file;
    m_runs->keepIdsFrom(std::max(run.run->header.runId, run.dense ? run.dense->header.runId : 0));
    RunHistory* history = m_workspace->history();
    if (history->hasKept(run.file)) return;  // one of this window's own
    if (history->withNumber(entry.label.number)) entry.label.number = 0;
    if (!history->append(entry)) return;
    const HistoryEntry listed = history->at(history->rowCount() - 1);
    if (m_lastTabs.contains(run.file)) m_back.append(listed);
    const bool front = m_lastFront.isEmpty() || m_lastFront == run.file;
    if (!front || !m_workspace->shown()->isEmpty() || m_workspace->isBusy()) return;
    m_lastFront = run.file;
    emit showWanted(listed);
}

void RunSession::onRestoreEnded() {
    std::sort(m_back.begin(), m_back.end(), [this](const HistoryEntry& a, const HistoryEntry& b) {
        return m_lastTabs.indexOf(a.kept) < m_lastTabs.indexOf(b.kept);
    });
    m_tabs->bringBack(m_back);
    m_back.clear();
}

/// Two windows at once: one whose tabs are as it found them leaves what the other wrote.
void RunSession::rememberTabs() {
    if (!m_hasPlace) return;
    QStringList files;
    QString front;
    for (const SharedRun& run : m_tabs->runs()) {
        const HistoryEntry* entry = m_workspace->history()->find(run.get());
        if (!entry || entry->kept.isEmpty()) continue;
        files << entry->kept;
        if (run == m_tabs->front()) front = entry->kept;
    }
    if (m_knownTabs == files + QStringList(front)) return;
    m_knownTabs = files + QStringList(front);
    QSettings settings;
    settings.setValue("session/tabs", files);
    settings.setValue("session/front", front);
}

void RunSession::clear() {
    if (!m_hasPlace) return;
    QMessageBox box(QMessageBox::Question, tr("Delete kept runs"),
                    tr("Delete all runs that are kept from start to start?"), QMessageBox::Cancel, m_window);
    box.setInformativeText(tr("Those in this window stay until it is closed. Traces that were saved stay."));
    QPushButton* remove = box.addButton(tr("Delete"), QMessageBox::DestructiveRole);
    box.setDefaultButton(QMessageBox::Cancel);
    box.exec();
    if (box.clickedButton() != remove) return;
    m_workspace->history()->forgetKept();
    QSettings().remove("session/lastNumber");
    rememberTabs();
    emit clearRequested();
    emit m_workspace->message(tr("Kept runs were deleted"));
}

void RunSession::editLabel(int row) {
    RunHistory* history = m_workspace->history();
    if (row < 0 || row >= history->rowCount()) return;
    const HistoryEntry entry = history->at(row);
    QDialog dialog(m_window);
    dialog.setWindowTitle(tr("Run %1").arg(entry.label.number));
    auto* name = new QLineEdit(QString::fromStdString(entry.label.name), &dialog);
    name->setObjectName("runName");
    name->setMaxLength(kNameLength);
    auto* notes = new QPlainTextEdit(QString::fromStdString(entry.label.notes), &dialog);
    notes->setObjectName("runNotes");
    notes->setTabChangesFocus(true);
    name->setPlaceholderText(tr("What you call this run"));
    notes->setPlaceholderText(tr("What to remember about it. Both are kept in its trace."));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel, &dialog);
    connect(buttons, &QDialogButtonBox::accepted, &dialog, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, &dialog, &QDialog::reject);
    auto* form = new QFormLayout(&dialog);
    form->addRow(tr("&Name"), name);
    form->addRow(tr("N&otes"), notes);
    form->addRow(buttons);
    if (dialog.exec() != QDialog::Accepted) return;
    history->setLabel(history->rowOf(entry.run.get()), name->text(), notes->toPlainText().left(kNotesLength));
}

bool RunSession::mayClose() {
    if (!m_hasPlace || m_mayClose) return true;
    if (m_workspace->isBusy()) {
        if (m_closing) return true;  // asked twice: it does not end
        m_closing = true;
        m_runs->stop();
        return false;
    }
    RunHistory* history = m_workspace->history();
    const int n = history->nOnlyHere();
    if (n == 0) return true;
    QMessageBox box(QMessageBox::Question, tr("Quit"),
                    n == 1 ? tr("One run is only in this window.") : tr("%1 runs are only in this window.").arg(n),
                    QMessageBox::Cancel, m_window);
    QPushButton* keepThem = box.addButton(tr("Keep for the next start"), QMessageBox::AcceptRole);
    QPushButton* lose = box.addButton(tr("Quit without them"), QMessageBox::DestructiveRole);
    box.setDefaultButton(keepThem);
    box.exec();
    if (box.clickedButton() == lose) return m_mayClose = true;
    if (box.clickedButton() != keepThem) return false;
    for (int row = history->rowCount() - 1; row >= 0; --row)
        if (const HistoryEntry entry = history->at(row); !entry.isInFile()) keep(entry);
    QSettings().setValue("session/keptOnce", true);
    return m_mayClose = true;
}

}  // namespace spanscope
