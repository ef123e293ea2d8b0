// The window's handle on the engine: owns the thread, passes requests over, hands results on. GUI thread only.
//
// Batches: the worker sends the next one only after this one has been delivered to everybody connected here, and
// at most 60 a second, so a slow window makes batches larger and never a queue longer.
#pragma once

#include <QObject>
#include <QThread>
#include <atomic>
#include <memory>

#include "app/runner/engine_worker.h"
#include "ui/model/payloads.h"
#include "ui/model/run_store.h"

namespace spanscope {

class Runner : public QObject {
    Q_OBJECT
  public:
    explicit Runner(QObject* parent = nullptr);
    ~Runner() override;  ///< stops what runs, waits for the thread

    bool isRunning() const { return m_nRunning > 0; }
    static QVector<TaskInfo> tasks();
    /// One line on the accelerator, for About.
    static QString describeDevices();

  public slots:
    void openModel(const spanscope::LoadRequest& request);
    void cancelLoad();
    void forecast(const QString& path, int contextTokens);
    void run(const spanscope::RunRequest& request);  ///< stops an older run first
    void stop();
    void inspect(const spanscope::SharedRun& run);
    void probe(int step, const spanscope::ProbeSettings& settings);
    void edit(int step, const spanscope::IntervalList& list);
    void openTrace(const QString& path);
    void saveTrace(const QString& path, const spanscope::RunList& runs);
    /// Where runs in progress are recorded so that a crash loses nothing; empty: nowhere.
    void setRecoveryFolder(const QString& folder);

  signals:
    void modelProgress(double fraction);
    void modelReady(const spanscope::ModelInfo& info);
    void modelFailed(const QString& path, const spanscope::ErrorInfo& error);
    void forecastReady(const spanscope::ForecastInfo& info);
    void started(qint64 runId, const spanscope::SharedHeader& header, const std::vector<spanscope::Segment>& segments);
    void progress(qint64 runId, int done, int total);
    void batch(const spanscope::SharedBatch& batch);
    void failed(qint64 runId, const spanscope::ErrorInfo& error);
    void finished(qint64 runId, spanscope::StopReason reason);
    void idle();  ///< the last request to run has ended, well or not
    void inspectProgress(int done, int total);
    void inspectReady(const spanscope::DivergenceCurve& curve);
    void inspectFailed(const spanscope::ErrorInfo& error);
    void probeReady(const spanscope::StepProbe& probe);
    void editReady(const spanscope::StepEdit& edit);
    void traceOpened(const QString& path, const spanscope::RunList& runs, const QString& damage);
    void traceSaved(const QString& path);
    void traceFailed(const QString& path, const spanscope::ErrorInfo& error);

  private:
    QThread m_thread;
    EngineWorker* m_worker = nullptr;
    std::shared_ptr<RunControl> m_run;
    std::shared_ptr<RunControl> m_load;
    int m_nRunning = 0;
};

}  // namespace spanscope
