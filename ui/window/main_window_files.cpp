// Models and traces: choosing, dropping, remembering, and what to say when one is broken.
#include <QApplication>
#include <QClipboard>
#include <QDragEnterEvent>
#include <QDropEvent>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QMenu>
#include <QMimeData>
#include <QProgressBar>
#include <QSettings>
#include <QTimer>
#include <algorithm>

#include "ui/model/background.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/views/probe/probe_view.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/views/transcript/transcript_view.h"
#include "ui/window/banner.h"
#include "ui/window/main_window.h"
#include "ui/window/model_dialogs.h"

namespace spanscope {

namespace {
constexpr int kRecentModels = 8;
constexpr qsizetype kRecovered = 20;      // of the traces that ended programs left, the newest
constexpr qsizetype kRunsOfATrace = 100;  // a file may hold a hundred thousand
}  // namespace

void MainWindow::loadModel(const LoadRequest& request) {
    if (m_state == State::Running || m_state == State::Stopping) return;
    m_loadingPath = request.path;
    m_device = request.device;
    m_probe->leave();  // what it replayed goes with the model
    m_progress->setRange(0, 0);
    setState(State::Loading);
    showMessage(tr("Loading %1").arg(request.path));
    emit loadRequested(request);
}

void MainWindow::onModelProgress(double fraction) {
    if (m_state != State::Loading) return;
    m_progress->setRange(0, 1000);
    m_progress->setValue(qRound(fraction * 1000));
}

void MainWindow::onModelReady(const ModelInfo& info) {
    m_model = info;
    if (m_state == State::Loading && info.path != m_loadingPath) return setState(m_state);  // a newer one is on its way
    QStringList tasks = info.tasks;
    if (isBundled(info.path))  // choosing such a task brings its model
        for (const BundledModel& model : m_setup.bundledModels) tasks += model.tasks;
    m_prompt->setTrainedTasks(tasks);
    if (!info.tasks.isEmpty() && !info.tasks.contains(m_prompt->task())) m_prompt->setTask(info.tasks.front());
    remember(info.path);
    setState(State::Ready);
    showMessage(tr("Ready"));
    if (m_runWhenReady) {
        m_runWhenReady = false;
        run();
    }
}

bool MainWindow::isBundled(const QString& path) const {
    return std::any_of(m_setup.bundledModels.begin(), m_setup.bundledModels.end(),
                       [&](const BundledModel& m) { return m.path == path; });
}

const BundledModel* MainWindow::bundledFor(const QString& task) const {
    for (const BundledModel& model : m_setup.bundledModels)
        if (model.tasks.contains(task)) return &model;
    return nullptr;
}

void MainWindow::useModelFor(const QString& task) {
    const QString now = m_state == State::Loading ? m_loadingPath : m_model.path;
    const BundledModel* wanted = bundledFor(task);
    if (!wanted || !isBundled(now) || wanted->path == now) return;
    const auto current = std::find_if(m_setup.bundledModels.begin(), m_setup.bundledModels.end(),
                                      [&](const BundledModel& m) { return m.path == now; });
    if (current->tasks.contains(task)) return;
    loadModel({wanted->path, 0, m_device});
    showMessage(tr("Loading %1, which was trained for this").arg(wanted->name));
}

void MainWindow::onModelDropped() {
    m_model = {};
    setState(m_state);
}

void MainWindow::onModelFailed(const QString& path, const ErrorInfo& error) {
    m_runWhenReady = false;
    setState(m_model.path.isEmpty() ? State::NoModel : State::Ready);
    showMessage(m_model.path.isEmpty() ? tr("No model") : tr("%1 stays loaded").arg(m_model.name));
    offerAnotherModel(path, error);
}

void MainWindow::offerAnotherModel(const QString& path, const ErrorInfo& error) {
    QVector<Banner::Offer> offers{{tr("Open another…"), [this] { chooseModelFolder(); }}};
    if (!m_setup.bundledModels.isEmpty() && m_model.path.isEmpty() && !isBundled(path))
        offers.prepend({tr("Use the bundled model"), [this] {
                            loadModel({m_setup.bundledModels.front().path, 0, m_device});
                        }});
    m_banner->showError(error, offers);
}

void MainWindow::askForecast(const QString& path) {
    m_forecastPath = path;
    showMessage(tr("Reading %1").arg(path));
    emit forecastRequested(path, 0);
}

/// Whatever is loaded, loading or running goes on.
void MainWindow::onForecastFailed(const QString& path, const ErrorInfo& error) {
    if (path != m_forecastPath) return;
    showMessage(tr("%1 was not opened").arg(path));
    offerAnotherModel(path, error);
}

void MainWindow::onForecast(const ForecastInfo& info) {
    if (info.path != m_forecastPath) return;
    if (m_forecast) {
        m_forecast->show(info);
        return;
    }
    m_forecast = new ForecastDialog(info, m_device, this);
    m_forecast->setAttribute(Qt::WA_DeleteOnClose);
    connect(m_forecast, &ForecastDialog::contextChanged, this,
            [this](int tokens) { emit forecastRequested(m_forecastPath, tokens); });
    connect(m_forecast, &QDialog::accepted, this, [this] { loadModel(m_forecast->request()); });
    connect(m_forecast, &QDialog::finished, this, [this] { m_forecast = nullptr; });
    m_forecast->open();
}

void MainWindow::openPath(const QString& path) {
    if (path.endsWith(".spantrace", Qt::CaseInsensitive) || path.contains(".spantrace.") || path.endsWith(".part"))
        emit traceOpenRequested(path);
    else askForecast(path);
}

void MainWindow::chooseModelFolder() {
    const QString path = QFileDialog::getExistingDirectory(this, tr("Open model folder"), m_model.path);
    if (!path.isEmpty()) openPath(path);
}

void MainWindow::chooseGguf() {
    const QString path =
        QFileDialog::getOpenFileName(this, tr("Open GGUF"), {}, tr("GGUF models (*.gguf);;All files (*)"));
    if (!path.isEmpty()) openPath(path);
}

void MainWindow::chooseTrace() {
    const QString path =
        QFileDialog::getOpenFileName(this, tr("Open trace"), QSettings().value("trace/folder").toString(),
                                     tr("Traces (*.spantrace);;All files (*)"));
    if (path.isEmpty()) return;
    QSettings().setValue("trace/folder", QFileInfo(path).absolutePath());
    emit traceOpenRequested(path);
}

void MainWindow::saveTrace() {
    if (m_store->isEmpty()) return;
    const QString folder = QSettings().value("trace/folder").toString();
    QString path = QFileDialog::getSaveFileName(this, tr("Save trace"),
                                                (folder.isEmpty() ? QString() : folder + '/') + "run.spantrace",
                                                tr("Traces (*.spantrace)"));
    if (path.isEmpty()) return;
    if (!path.endsWith(".spantrace")) path += ".spantrace";
    QSettings().setValue("trace/folder", QFileInfo(path).absolutePath());
    RunList runs{m_store->share()};
    if (!m_dense->isEmpty()) runs << m_dense->share();
    emit traceSaveRequested(path, runs);
}

void MainWindow::onTraceOpened(const QString& path, const RunList& all, const QString& damage) {
    const RunList runs = all.mid(0, kRunsOfATrace);
    if (all.size() >
        runs.size())  // who called has let go of them by then; what is left of them is freed in another thread
        QTimer::singleShot(
            0, this, [rest = all]() mutable { inBackground([last = std::move(rest)]() mutable { last.clear(); }); });
    if (runs.isEmpty()) {
        onTraceFailed(path,
                      {tr("The trace is empty"), tr("%1 holds no run.").arg(QFileInfo(path).fileName()), {}, -1, -1});
        return;
    }
    const auto isDense = [](const SharedRun& run) { return run->header.settings.attention.isDense(); };
    const auto firstDense = std::find_if(runs.begin(), runs.end(), isDense);  // in whatever order the file has them
    QVector<HistoryEntry> entries;
    for (const SharedRun& run : runs) {
        const bool twin =
            firstDense != runs.end() && (*firstDense)->header.formattedPrompt == run->header.formattedPrompt;
        if (!isDense(run)) entries << HistoryEntry{run, twin ? *firstDense : nullptr, path};
        m_nextRunId = std::max<qint64>(m_nextRunId, run->header.runId + 1);
    }
    const auto shown = [&](const SharedRun& run) {
        return std::any_of(entries.begin(), entries.end(),
                           [&](const HistoryEntry& e) { return e.run == run || e.dense == run; });
    };
    for (const SharedRun& run : runs)  // dense runs that are nobody's twin
        if (!shown(run)) entries << HistoryEntry{run, nullptr, path};
    for (qsizetype i = entries.size() - 1; i >= 0; --i) {  // the first comes out on top
        m_history->add(entries[i]);
        if (i < kRunTabs) addRunTab(entries[i]);
    }
    showEntry(entries.front());
    showMessage(tr("Opened %1").arg(QFileInfo(path).fileName()));
    if (!damage.isEmpty())
        m_banner->showNotice(tr("The trace is damaged; everything before the damage is shown"), damage);
    else if (all.size() > runs.size())
        m_banner->showNotice(
            tr("The first %1 of %2 runs are in the list").arg(formatCount(runs.size()), formatCount(all.size())),
            tr("%1 holds more runs than can be looked through; spanscope-cli export --run reaches every one.")
                .arg(QFileInfo(path).fileName()));
}

void MainWindow::onTraceSaved(const QString& path) { showMessage(tr("Saved %1").arg(path)); }
void MainWindow::onTraceFailed(const QString&, const ErrorInfo& error) { m_banner->showError(error); }

void MainWindow::offerRecovery(const QStringList& traces) {
    if (traces.isEmpty()) return;
    const auto open = [this, traces] {
        for (qsizetype i = std::min(traces.size(), kRecovered) - 1; i >= 0; --i)
            emit traceOpenRequested(traces[i]);  // the newest comes last
    };
    const auto discard = [this, traces] {
        for (const QString& path : traces) QFile::remove(path);
        showMessage(tr("Deleted what interrupted runs had left"));
    };
    m_banner->showNotice(
        traces.size() > 1 ? tr("%1 runs were interrupted").arg(traces.size()) : tr("A run was interrupted"),
        tr("The program ended while a run was going. What it had decoded was kept in %1.")
            .arg(QFileInfo(traces.front()).absolutePath()),
        {{tr("Open"), open}, {tr("Delete"), discard}});
}

void MainWindow::askToExport(const QString& suffix) {
    if (m_store->isEmpty()) return;
    auto* dialog = new ExportDialog(m_store, m_dense, this);
    dialog->setObjectName("exportDialog");
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setDataExports(m_setup.dataExports);
    dialog->setInspection(m_probe->shownProbe(), m_probe->curve());
    dialog->setSelectedSteps(m_selection->locked(), m_selection->lockedEnd());
    if (suffix.isEmpty()) dialog->choose(FigureKind::Mask);
    else dialog->chooseData(suffix);
    dialog->open();
}

void MainWindow::copyTranscript() {
    QApplication::clipboard()->setText(m_transcript->plainText());
    showMessage(tr("Transcript copied"));
}

void MainWindow::remember(const QString& modelPath) {
    QSettings settings;
    QStringList recent = settings.value("model/recent").toStringList();
    recent.removeAll(modelPath);
    recent.prepend(modelPath);
    while (recent.size() > kRecentModels) recent.removeLast();
    settings.setValue("model/recent", recent);
    fillRecent();
}

void MainWindow::fillRecent() {
    m_recentMenu->clear();
    const QStringList recent = QSettings().value("model/recent").toStringList();
    for (const QString& path : recent) {
        QAction* a = m_recentMenu->addAction(menuText(QFileInfo(path).fileName()));
        a->setToolTip(plainToolTip(path));
        connect(a, &QAction::triggered, this, [this, path] { openPath(path); });
    }
    m_recentMenu->setToolTipsVisible(true);
    m_recentMenu->setEnabled(!recent.isEmpty() && m_state != State::Running && m_state != State::Stopping);
}

void MainWindow::showModelCard() {
    if (!m_model.path.isEmpty()) ModelCardDialog(m_model, this).exec();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    const auto urls = event->mimeData()->urls();
    if (m_state != State::Running && m_state != State::Stopping && urls.size() == 1 && urls.front().isLocalFile())
        event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
    const auto urls = event->mimeData()->urls();
    if (urls.size() != 1) return;
    event->acceptProposedAction();
    openPath(urls.front().toLocalFile());
}

}  // namespace spanscope
