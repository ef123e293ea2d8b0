// Which model is loaded: chosen, forecast, loaded, remembered; what is offered where one is broken. Owns the choice of
// device and the menu of recent models. GUI thread.
#pragma once

#include <QPointer>
#include <functional>

#include "ui/window/workspace.h"

class QMenu;
class QWidget;

namespace spanscope {

class Banner;
class FetchDialog;
class ForecastDialog;
class PromptEditor;

class ModelLoader : public QObject {
    Q_OBJECT
  public:
    /// bundled: the first is the one to start with. window: of the dialogs.
    ModelLoader(Workspace* workspace, const QVector<BundledModel>& bundled, PromptEditor* prompt, Banner* banner,
                QWidget* window);

    void load(const LoadRequest& request);
    void open(const QString& path);         ///< asks how it fits first
    void keepTask() { m_keepTask = true; }  ///< on show with the next model, also where that cannot be given it
    void chooseFolder();
    void chooseGguf();
    void showCard();
    /// One bundled model makes way for another; a person's own never.
    void useModelFor(const QString& task);
    QString loadingPath() const { return m_loadingPath; }
    Device device() const { return m_device; }
    QMenu* recentMenu() const { return m_recent; }
    QMenu* bundledMenu() const { return m_bundledMenu; }  ///< null where no model came with the program

    void readSettings();
    void writeSettings() const;

  public slots:
    void onModelProgress(double fraction);
    void onModelReady(const spanscope::ModelInfo& info);
    void onModelFailed(const QString& path, const spanscope::ErrorInfo& error);
    void onModelDropped();
    void onForecast(const spanscope::ForecastInfo& info);
    void onForecastFailed(const QString& path, const spanscope::ErrorInfo& error);

  signals:
    void loadRequested(const spanscope::LoadRequest& request);
    void loadCancelRequested();
    void forecastRequested(const spanscope::LoadRequest& request);
    void starting();                 ///< what another model knew goes with it
    void progress(double fraction);  ///< below 0: not known yet
    void ready();
    void failed();

  private:
    void fitTask(const ModelInfo& info);
    const BundledModel* bundledAt(const QString& path) const;
    void offerAnother(const QString& path, const ErrorInfo& error);
    /// Asks whether to fetch what a model lacks; then goes on with what was asked for.
    void offerFetch(const QString& path, const ErrorInfo& error, const std::function<void()>& goOn);
    /// A task that was chosen for a bundled model which did not come makes way for one of the model that stays. Which
    /// it was; empty: it stays.
    QString leaveTaskOf(const QString& path);
    void remember(const QString& path);
    void fillRecent();

    Workspace* m_workspace;
    QVector<BundledModel> m_bundled;
    PromptEditor* m_prompt;
    Banner* m_banner;
    QWidget* m_window;
    QMenu* m_recent;
    QMenu* m_bundledMenu = nullptr;
    QString m_loadingPath;
    LoadRequest m_request;  ///< the last one
    QString m_fittedPath;   ///< of the model that the task was fitted to
    bool m_keepTask = false;
    Device m_device = Device::Auto;
    QPointer<ForecastDialog> m_forecast;
    QString m_forecastPath;
    QPointer<FetchDialog> m_fetch;
};

}  // namespace spanscope
