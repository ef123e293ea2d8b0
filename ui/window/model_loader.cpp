#include "ui/window/model_loader.h"

#include <QAction>
#include <QFileDialog>
#include <QFileInfo>
#include <QMenu>
#include <QSettings>
#include <algorithm>
#include <utility>

#include "ui/model/shown_text.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/window/banner.h"
#include "ui/window/fetch_dialog.h"
#include "ui/window/model_dialogs.h"

namespace spanscope {

using State = Workspace::State;

namespace {
constexpr int kRecentModels = 8;
}

ModelLoader::ModelLoader(Workspace* workspace, const QVector<BundledModel>& bundled, PromptEditor* prompt,
                         Banner* banner, QWidget* window)
    : QObject(window),
      m_workspace(workspace),
      m_bundled(bundled),
      m_prompt(prompt),
      m_banner(banner),
      m_window(window),
      m_recent(new QMenu(tr("&Recent models"), window)) {
    m_recent->setToolTipsVisible(true);
    if (!m_bundled.isEmpty()) {
        m_bundledMenu = new QMenu(tr("&Bundled models"), window);
        m_bundledMenu->setToolTipsVisible(true);
        for (const BundledModel& model : m_bundled) {
            QAction* action = m_bundledMenu->addAction(menuText(model.name));
            action->setToolTip(plainToolTip(tr("%1\nTrained for: %2").arg(model.path, model.tasks.join(", "))));
            connect(action, &QAction::triggered, this, [this, path = model.path] { load({path, 0, m_device}); });
        }
    }
    connect(m_prompt, &PromptEditor::taskChosen, this, &ModelLoader::useModelFor);
    fillRecent();
}

void ModelLoader::load(const LoadRequest& request) {
    if (m_workspace->isBusy()) return;
    m_loadingPath = request.path;
    m_request = request;
    m_device = request.device;
    emit starting();
    emit progress(-1);
    m_workspace->setState(State::Loading);
    emit m_workspace->message(tr("Loading %1").arg(request.path));
    emit loadRequested(request);
}

void ModelLoader::onModelProgress(double fraction) {
    if (m_workspace->state() == State::Loading) emit progress(fraction);
}

void ModelLoader::onModelReady(const ModelInfo& info) {
    m_workspace->setModel(info);
    if (m_workspace->state() == State::Loading && info.path != m_loadingPath) return;  // a newer one is on its way
    fitTask(info);
    remember(info.path);
    m_workspace->setState(State::Ready);
    emit m_workspace->message(tr("Ready"));
    emit ready();
}

/// What the model can be given; a task that it cannot makes way for one that it can, and the window says so.
void ModelLoader::fitTask(const ModelInfo& info) {
    QStringList tasks = info.tasks;
    if (bundledAt(info.path))  // choosing such a task brings its model
        for (const BundledModel& model : m_bundled) tasks += model.tasks;
    const bool speaksProtocol = info.protocolVersion > 0 || !info.tasks.isEmpty();
    QHash<QString, QString> refused;
    QString chat, text;
    for (const TaskInfo& task : m_prompt->tasks()) {
        if (task.needsProtocol && !speaksProtocol)
            refused[task.name] = tr("This model was not trained for the span protocol, which the task needs");
        else if (task.isConversation && !info.noChat.isEmpty()) refused[task.name] = info.noChat;
        else if (task.isConversation) chat = task.name;
        else if (!task.needsProtocol) text = task.name;
    }
    m_prompt->setTrainedTasks(tasks, refused);
    const bool again = info.path == std::exchange(m_fittedPath, info.path);
    if (std::exchange(m_keepTask, false)) return;
    const QString before = m_prompt->task();
    if (!info.tasks.isEmpty()) {
        if (!info.tasks.contains(before) && (before != chat || chat.isEmpty())) m_prompt->setTask(info.tasks.front());
        return;
    }
    const QString after = chat.isEmpty() ? text : chat;
    if (after.isEmpty() || before == after) return;
    const bool had = refused.contains(before);
    if (!had && again) return;  // a person chose it for this very model
    m_prompt->setTask(after);
    if (!had) return;
    m_banner->showNotice(tr("The task is %1 now").arg(m_prompt->info(after)->title),
                         QStringLiteral("%1: %2.").arg(m_prompt->info(before)->title, refused[before]));
}

const BundledModel* ModelLoader::bundledAt(const QString& path) const {
    const auto found =
        std::find_if(m_bundled.begin(), m_bundled.end(), [&](const BundledModel& m) { return m.path == path; });
    return found == m_bundled.end() ? nullptr : &*found;
}

void ModelLoader::useModelFor(const QString& task) {
    const QString now = m_workspace->state() == State::Loading ? m_loadingPath : m_workspace->model().path;
    const BundledModel* current = bundledAt(now);
    if (!current || current->tasks.contains(task)) return;
    const auto wanted =
        std::find_if(m_bundled.begin(), m_bundled.end(), [&](const BundledModel& m) { return m.tasks.contains(task); });
    if (wanted == m_bundled.end()) return;
    load({wanted->path, 0, m_device});
    emit m_workspace->message(tr("Loading %1, which was trained for this").arg(wanted->name));
}

void ModelLoader::onModelDropped() { m_workspace->setModel({}); }

void ModelLoader::onModelFailed(const QString& path, const ErrorInfo& error) {
    emit failed();
    m_workspace->setIdle();
    emit m_workspace->message(m_workspace->hasModel() ? tr("%1 stays loaded").arg(m_workspace->model().name)
                                                      : tr("No model"));
    const QString wanted = leaveTaskOf(path);
    if (error.fetch.command.isEmpty()) return offerAnother(path, error);
    offerFetch(path, error, [this, wanted, request = m_request] {
        if (!wanted.isEmpty()) m_prompt->setTask(wanted);
        load(request);
    });
}

QString ModelLoader::leaveTaskOf(const QString& path) {
    const BundledModel *missed = bundledAt(path), *stays = bundledAt(m_workspace->model().path);
    const QString task = m_prompt->task();
    if (!missed || !stays || stays->tasks.contains(task) || !missed->tasks.contains(task)) return {};
    m_prompt->setTask(stays->tasks.front());
    return task;
}

void ModelLoader::offerFetch(const QString& path, const ErrorInfo& error, const std::function<void()>& goOn) {
    if (m_fetch) return;
    const BundledModel* bundled = bundledAt(path);
    m_fetch = new FetchDialog(error.fetch, bundled ? bundled->name : QFileInfo(path).fileName(), m_window);
    m_fetch->setAttribute(Qt::WA_DeleteOnClose);
    connect(m_fetch, &QDialog::accepted, this, [this, goOn] {
        m_banner->dismiss();
        goOn();
    });
    connect(m_fetch, &QDialog::rejected, this, [this, path, error, goOn] {
        m_banner->showError(error, {{tr("Fetch it…"), [this, path, error, goOn] { offerFetch(path, error, goOn); }},
                                    {tr("Open another…"), [this] { chooseFolder(); }}});
    });
    m_fetch->open();
}

void ModelLoader::offerAnother(const QString& path, const ErrorInfo& error) {
    QVector<Banner::Offer> offers{{tr("Open another…"), [this] { chooseFolder(); }}};
    if (!m_bundled.isEmpty() && !m_workspace->hasModel() && !bundledAt(path))
        offers.prepend({tr("Use the bundled model"), [this] { load({m_bundled.front().path, 0, m_device}); }});
    m_banner->showError(error, offers);
}

void ModelLoader::open(const QString& path) {
    m_forecastPath = path;
    emit m_workspace->message(tr("Reading %1").arg(path));
    emit forecastRequested({path, 0, m_device});
}

/// Whatever is loaded, loading or running goes on.
void ModelLoader::onForecastFailed(const QString& path, const ErrorInfo& error) {
    if (path != m_forecastPath) return;
    if (m_forecast && !m_forecast->request().adapter.isEmpty()) return m_forecast->refuseAdapter(error);
    emit m_workspace->message(tr("%1 was not opened").arg(path));
    if (error.fetch.command.isEmpty()) return offerAnother(path, error);
    offerFetch(path, error, [this, path] { open(path); });
}

void ModelLoader::onForecast(const ForecastInfo& info) {
    if (info.path != m_forecastPath) return;
    if (m_forecast) {
        m_forecast->show(info);
        return;
    }
    m_forecast = new ForecastDialog(info, m_device, m_window);
    m_forecast->setAttribute(Qt::WA_DeleteOnClose);
    connect(m_forecast, &ForecastDialog::changed, this, [this] { emit forecastRequested(m_forecast->request()); });
    connect(m_forecast, &QDialog::accepted, this, [this] { load(m_forecast->request()); });
    connect(m_forecast, &QDialog::finished, this, [this] { m_forecast = nullptr; });
    m_forecast->open();
}

void ModelLoader::chooseFolder() {
    const QString path =
        QFileDialog::getExistingDirectory(m_window, tr("Open model folder"), m_workspace->model().path);
    if (!path.isEmpty()) open(path);
}

void ModelLoader::chooseGguf() {
    const QString path =
        QFileDialog::getOpenFileName(m_window, tr("Open GGUF"), {}, tr("GGUF models (*.gguf);;All files (*)"));
    if (!path.isEmpty()) open(path);
}

void ModelLoader::showCard() {
    if (m_workspace->hasModel()) ModelCardDialog(m_workspace->model(), m_window).exec();
}

void ModelLoader::remember(const QString& path) {
    QSettings settings;
    QStringList recent = settings.value("model/recent").toStringList();
    recent.removeAll(path);
    recent.prepend(path);
    while (recent.size() > kRecentModels) recent.removeLast();
    settings.setValue("model/recent", recent);
    fillRecent();
}

void ModelLoader::fillRecent() {
    m_recent->clear();
    for (const QString& path : QSettings().value("model/recent").toStringList()) {
        QAction* action = m_recent->addAction(menuText(QFileInfo(path).fileName()));
        action->setToolTip(plainToolTip(path));
        connect(action, &QAction::triggered, this, [this, path] { open(path); });
    }
}

void ModelLoader::readSettings() {
    const std::string name = QSettings().value("model/device").toString().toStdString();
    m_device = deviceFromName(name).value_or(Device::Auto);
}

void ModelLoader::writeSettings() const { QSettings().setValue("model/device", deviceName(m_device)); }

}  // namespace spanscope
