// Owns model, backend and sessions on the engine's thread. Never waits for the window. Talk to it through
// Runner; only the controls and the batch counter are touched from another thread, and they are atomic.
#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <atomic>
#include <memory>
#include <vector>

#include "engine/decode/inspect.h"
#include "engine/decode/session.h"
#include "engine/model/model.h"
#include "engine/trace/trace.h"
#include "kernels/backend.h"
#include "ui/model/payloads.h"
#include "ui/model/run_store.h"

namespace spanscope {

/// Shared by who asks and who works; one for each run or load, so that a stop can never hit the next one.
struct RunControl {
    std::atomic<bool> stop{false};
};

class EngineWorker : public QObject {
    Q_OBJECT
  public:
    EngineWorker();
    ~EngineWorker() override;

    std::atomic<int>& batchesInFlight() { return m_inFlight; }

    void openModel(const LoadRequest& request, const std::shared_ptr<RunControl>& control);
    void forecast(const QString& path, int contextTokens);
    void run(RunRequest request, const std::shared_ptr<RunControl>& control);
    /// Inspect mode: replays `run` with the model that is loaded; probe() and edit() then ask about its steps.
    void inspect(const SharedRun& run, const std::shared_ptr<RunControl>& control);
    void probe(int step, const ProbeSettings& settings);
    void edit(int step, const IntervalList& list);
    void openTrace(const QString& path);
    void saveTrace(const QString& path, const RunList& runs);
    void setRecoveryFolder(const QString& folder) { m_recoveryFolder = folder; }

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
    void idle();
    void inspectProgress(int done, int total);
    void inspectReady(const spanscope::DivergenceCurve& curve);
    void inspectFailed(const spanscope::ErrorInfo& error);
    void probeReady(const spanscope::StepProbe& probe);
    void editReady(const spanscope::StepEdit& edit);
    void traceOpened(const QString& path, const spanscope::RunList& runs, const QString& damage);
    void traceSaved(const QString& path);
    void traceFailed(const QString& path, const spanscope::ErrorInfo& error);

  private:
    struct Live {
        std::unique_ptr<Session> session;
        int64_t runId = 0;
        size_t nSent = 0;
    };

    Result<std::unique_ptr<Backend>> makeBackend(const Model& model, const LoadRequest& request, int contextTokens,
                                                 const ProgressFn& progress) const;
    void runSessions(std::vector<Live>& live, const std::atomic<bool>& stop);
    void send(Live& live, bool last);
    void sendIfDue(std::vector<Live>& live);
    void endRuns(std::vector<Live>& live);
    void record(const std::vector<Live>& live);

    std::shared_ptr<const Model> m_model;
    std::unique_ptr<Backend> m_backend;  // after m_model: goes first, since it uses the model's weights
    std::unique_ptr<Inspector> m_inspector;  // after both, whose sequences it holds
    int m_contextTokens = 0;
    int64_t m_loadNs = 0;
    std::atomic<int> m_inFlight{0};
    QElapsedTimer m_sinceBatch;
    QString m_recoveryFolder;
    std::unique_ptr<TraceWriter> m_recorder;
};

/// ErrorInfo from an engine error. title says what was attempted.
ErrorInfo toErrorInfo(const QString& title, const Error& error);

}  // namespace spanscope

Q_DECLARE_METATYPE(std::vector<spanscope::Segment>)
Q_DECLARE_METATYPE(spanscope::StopReason)
Q_DECLARE_METATYPE(spanscope::DivergenceCurve)
Q_DECLARE_METATYPE(spanscope::StepProbe)
Q_DECLARE_METATYPE(spanscope::StepEdit)
