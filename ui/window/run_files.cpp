#include "ui/window/run_files.h"

#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QMenu>
#include <QSettings>
#include <QTimer>
#include <algorithm>

#include "ui/export/export_dialog.h"
#include "ui/model/background.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/views/mask/mask_view.h"
#include "ui/views/probe/probe_view.h"
#include "ui/views/whatif/whatif_view.h"
#include "ui/window/banner.h"

namespace spanscope {

namespace {

constexpr qsizetype kRecovered = 20;  // of the traces that ended programs left, the newest
constexpr qsizetype kRecentTraces = 10;
constexpr qsizetype kRunsOfATrace = 100;  // a file may hold a hundred thousand

/// A declared run and one of the same prompt under a policy that it was compared with.
bool areCompared(const RunList& runs) {
    if (runs.size() != 2) return false;
    const RunHeader &first = runs[0]->header, &second = runs[1]->header;
    return first.settings.attention.isDeclared() && !second.settings.attention.isDeclared() &&
           first.formattedPrompt == second.formattedPrompt && !first.branch.isBranch();
}

/// Each run that is not dense with the dense run of its prompt, then the dense runs that are nobody's twin.
QVector<HistoryEntry> paired(const RunList& runs, const QString& origin) {
    if (areCompared(runs)) return {HistoryEntry{runs[0], runs[1], origin}};
    const auto isDense = [](const SharedRun& run) { return run->header.settings.attention.isDense(); };
    const auto firstDense = std::find_if(runs.begin(), runs.end(), isDense);  // in whatever order the file has them
    QVector<HistoryEntry> entries;
    for (const SharedRun& run : runs) {
        const bool twin =
            firstDense != runs.end() && (*firstDense)->header.formattedPrompt == run->header.formattedPrompt;
        if (!isDense(run)) entries << HistoryEntry{run, twin ? *firstDense : nullptr, origin};
    }
    const auto isListed = [&](const SharedRun& run) {
        return std::any_of(entries.begin(), entries.end(),
                           [&](const HistoryEntry& e) { return e.run == run || e.dense == run; });
    };
    for (const SharedRun& run : runs)
        if (!isListed(run)) entries << HistoryEntry{run, nullptr, origin};
    return entries;
}

}  // namespace

RunFiles::RunFiles(Workspace* workspace, std::span<const DataExport> exports, ProbeView* probe, WhatIfView* whatIf,
                   Banner* banner, QWidget* window)
    : QObject(window),
      m_workspace(workspace),
      m_exports(exports),
      m_probe(probe),
      m_whatIf(whatIf),
      m_banner(banner),
      m_window(window),
      m_recent(new QMenu(tr("Recent t&races"), window)) {
    m_recent->setToolTipsVisible(true);
    fillRecent();
}

bool RunFiles::isTrace(const QString& path) {
    return path.endsWith(".spantrace", Qt::CaseInsensitive) || path.contains(".spantrace.") || path.endsWith(".part");
}

void RunFiles::openTrace(const QString& path) { emit traceOpenRequested(path); }

void RunFiles::chooseTrace() {
    const QString path =
        QFileDialog::getOpenFileName(m_window, tr("Open trace"), QSettings().value("trace/folder").toString(),
                                     tr("Traces (*.spantrace);;All files (*)"));
    if (path.isEmpty()) return;
    QSettings().setValue("trace/folder", QFileInfo(path).absolutePath());
    openTrace(path);
}

void RunFiles::saveTrace() {
    if (m_workspace->shown()->isEmpty()) return;
    const QString folder = QSettings().value("trace/folder").toString();
    QString path = QFileDialog::getSaveFileName(m_window, tr("Save trace"),
                                                (folder.isEmpty() ? QString() : folder + '/') + "run.spantrace",
                                                tr("Traces (*.spantrace)"));
    if (path.isEmpty()) return;
    if (!path.endsWith(".spantrace")) path += ".spantrace";
    QSettings().setValue("trace/folder", QFileInfo(path).absolutePath());
    RunList runs{m_workspace->shown()->share()};
    if (!m_workspace->beside()->isEmpty()) runs << m_workspace->beside()->share();
    const HistoryEntry* entry = m_workspace->history()->find(runs.front().get());
    m_saving.insert(path, runs.front());
    emit traceSaveRequested(path, runs, entry ? entry->label : RunLabel());
}

void RunFiles::remember(const QString& path) {
    QSettings settings;
    QStringList recent = settings.value("trace/recent").toStringList();
    recent.removeAll(path);
    recent.prepend(path);
    while (recent.size() > kRecentTraces) recent.removeLast();
    settings.setValue("trace/recent", recent);
    fillRecent();
}

void RunFiles::fillRecent() {
    m_recent->clear();
    for (const QString& path : QSettings().value("trace/recent").toStringList()) {
        QAction* action = m_recent->addAction(menuText(QFileInfo(path).fileName()));
        action->setToolTip(plainToolTip(path));
        connect(action, &QAction::triggered, this, [this, path] { openTrace(path); });
    }
}

void RunFiles::onTraceOpened(const QString& path, const RunList& all, const QString& damage) {
    const RunList runs = all.mid(0, kRunsOfATrace);
    if (all.size() >
        runs.size())  // who called has let go of them by then; what is left of them is freed in another thread
        QTimer::singleShot(
            0, this, [rest = all]() mutable { inBackground([last = std::move(rest)]() mutable { last.clear(); }); });
    const QString name = QFileInfo(path).fileName();
    if (runs.isEmpty()) {
        onTraceFailed(path, {tr("The trace is empty"), tr("%1 holds no run.").arg(name), {}, -1, -1});
        return;
    }
    qint64 lastRunId = 0;
    for (const SharedRun& run : runs) lastRunId = std::max<qint64>(lastRunId, run->header.runId);
    QVector<HistoryEntry> entries = paired(runs, path);
    for (qsizetype i = entries.size() - 1; i >= 0; --i) {  // the first comes out on top
        // What it was called stays, and its number where nobody has it: branches name it.
        entries[i].label = entries[i].run->header.label;
        if (m_workspace->history()->withNumber(entries[i].label.number)) entries[i].label.number = 0;
        entries[i] = m_workspace->history()->add(entries[i]);
    }
    emit opened(entries, lastRunId);
    const bool wasInterrupted = m_recovered.contains(path);
    if (wasInterrupted) {  // that its end is missing is known
        for (const HistoryEntry& entry : entries) emit recovered(entry);
        emit m_workspace->message(tr("Recovered %1 tokens of an interrupted run")
                                      .arg(formatCount(qint64(entries.front().run->steps.size()))));
        return;
    }
    remember(path);
    emit m_workspace->message(tr("Opened %1").arg(name));
    if (!damage.isEmpty())
        m_banner->showNotice(tr("The trace is damaged; everything before the damage is shown"), damage);
    else if (all.size() > runs.size())
        m_banner->showNotice(
            tr("The first %1 of %2 runs are in the list").arg(formatCount(runs.size()), formatCount(all.size())),
            tr("%1 holds more runs than can be looked through; spanscope-cli export --run reaches every one.")
                .arg(name));
}

void RunFiles::onTraceSaved(const QString& path) {
    if (const SharedRun run = m_saving.take(path)) m_workspace->history()->setSaved(run.get());
    remember(path);
    emit m_workspace->message(tr("Saved %1").arg(path));
}

void RunFiles::forgetRecovered(const HistoryEntry& entry) {
    if (m_recovered.removeAll(entry.origin) > 0) QFile::remove(entry.origin);
}

void RunFiles::onTraceFailed(const QString& path, const ErrorInfo& error) {
    m_saving.remove(path);
    m_banner->showError(error);
}

void RunFiles::offerRecovery(const QStringList& traces) {
    if (traces.isEmpty()) return;
    m_recovered << traces;
    for (qsizetype i = std::min(traces.size(), kRecovered) - 1; i >= 0; --i)
        remember(traces[i]);  // who lets the notice go still finds them
    const auto open = [this, traces] {
        for (qsizetype i = std::min(traces.size(), kRecovered) - 1; i >= 0; --i)
            openTrace(traces[i]);  // the newest comes last
    };
    const auto discard = [this, traces] {
        for (const QString& path : traces) QFile::remove(path);
        emit m_workspace->message(tr("Deleted what interrupted runs had left"));
    };
    m_banner->showNotice(
        traces.size() > 1 ? tr("%1 runs were interrupted").arg(traces.size()) : tr("A run was interrupted"),
        tr("The program ended while a run was going. What it had decoded was kept in %1.")
            .arg(QFileInfo(traces.front()).absolutePath()),
        {{tr("Open"), open}, {tr("Delete"), discard}});
}

void RunFiles::exportPicture() {
    if (ExportDialog* dialog = newDialog()) {
        dialog->choose(FigureKind::Mask);
        dialog->open();
    }
}

void RunFiles::exportData() {
    if (ExportDialog* dialog = newDialog()) {
        if (!m_exports.empty()) dialog->chooseData(m_exports.front().ending);
        dialog->open();
    }
}

ExportDialog* RunFiles::newDialog() {
    if (m_workspace->shown()->isEmpty()) return nullptr;
    auto* dialog = new ExportDialog(m_workspace->shown(), m_workspace->beside(), m_window);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setDataExports(m_exports);
    dialog->setInspection(m_probe->shownProbe(), m_probe->curve());
    const RunDistances* distances = m_workspace->distances();
    const auto curveOf = [distances](RunStore* store) {
        return store->isFinished() && store->nSteps() > 0 ? distances->of(store->share().get()) : nullptr;
    };
    dialog->setDistances(curveOf(m_workspace->shown()), curveOf(m_workspace->beside()));
    dialog->setWhatIf(m_whatIf->asked());
    dialog->setSelectedSteps(m_workspace->selection()->locked(), m_workspace->selection()->lockedEnd());
    for (const MaskView* mask : m_window->findChildren<MaskView*>()) {
        if (mask->objectName() != "maskView" || mask->rows().nCells < 1) continue;  // the others compare
        const CellRange steps = mask->rows().visibleCells(), positions = mask->columns().visibleCells();
        dialog->setVisibleRegion(steps.begin, steps.end - 1, positions.begin, positions.end - 1);
    }
    dialog->rememberSettings();
    return dialog;
}

}  // namespace spanscope
