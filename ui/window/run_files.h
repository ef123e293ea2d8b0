// Runs as files: traces that are opened, saved and recovered, and what runs are exported to. GUI thread.
#pragma once

#include <QHash>
#include <span>

#include "engine/types/data_export.h"
#include "ui/window/workspace.h"

class QMenu;
class QWidget;

namespace spanscope {

class Banner;
class ExportDialog;
class ProbeView;
class WhatIfView;

class RunFiles : public QObject {
    Q_OBJECT
  public:
    /// exports: rows that outlive this. probe, whatIf: whose findings and conditions are exported. window: of the
    /// dialogs.
    RunFiles(Workspace* workspace, std::span<const DataExport> exports, ProbeView* probe, WhatIfView* whatIf,
             Banner* banner, QWidget* window);

    QMenu* recentMenu() const { return m_recent; }

    static bool isTrace(const QString& path);  ///< by its name
    void openTrace(const QString& path);
    void chooseTrace();
    void saveTrace();
    void exportPicture();
    void exportData();
    /// What ended programs left of their runs, the newest first.
    void offerRecovery(const QStringList& traces);
    /// The run is kept elsewhere now: deletes its recording.
    void forgetRecovered(const HistoryEntry& entry);

  public slots:
    void onTraceOpened(const QString& path, const spanscope::RunList& all, const QString& damage);
    void onTraceSaved(const QString& path);
    void onTraceFailed(const QString& path, const spanscope::ErrorInfo& error);

  signals:
    void traceOpenRequested(const QString& path);
    /// label: of the first run.
    void traceSaveRequested(const QString& path, const spanscope::RunList& runs, const spanscope::RunLabel& label = {});
    /// In the history already; the first is to be shown. lastRunId: the highest that the file has.
    void opened(const QVector<HistoryEntry>& entries, qint64 lastRunId);
    void recovered(const HistoryEntry& entry);  ///< of an interrupted program, in the history already

  private:
    void remember(const QString& path);
    void fillRecent();
    ExportDialog* newDialog();  ///< deletes itself when it is closed; null where there is nothing to export

    Workspace* m_workspace;
    std::span<const DataExport> m_exports;
    ProbeView* m_probe;
    WhatIfView* m_whatIf;
    Banner* m_banner;
    QWidget* m_window;
    QMenu* m_recent;
    QStringList m_recovered;             ///< recordings that were offered
    QHash<QString, SharedRun> m_saving;  ///< by path
};

}  // namespace spanscope
