// What the engine's thread tells: declared once for the worker, which emits them there, and the runner, which passes
// them on in the GUI thread.
#pragma once

#include <QObject>
#include <QStringList>
#include <vector>

#include "engine/types/probe.h"
#include "engine/types/records.h"
#include "ui/model/chat_tree.h"
#include "ui/model/payloads.h"
#include "ui/model/run_store.h"

namespace spanscope {

class EngineEvents : public QObject {
    Q_OBJECT
  public:
    using QObject::QObject;

    /// Those of the signals below that nobody is connected to; a new one that was forgotten somewhere shows up here.
    QStringList unheard() const;

  signals:
    void modelProgress(double fraction);
    void modelReady(const spanscope::ModelInfo& info);
    void modelFailed(const QString& path,
                     const spanscope::ErrorInfo& error);  ///< not of a load that a newer one replaced
    void modelDropped();  ///< the model in use made room for the one being opened; modelReady or modelFailed follows
    void forecastReady(const spanscope::ForecastInfo& info);
    void forecastFailed(const QString& path, const spanscope::ErrorInfo& error);
    void started(qint64 runId, const spanscope::SharedHeader& header, const std::vector<spanscope::Segment>& segments);
    void progress(qint64 runId, int done, int total);
    void batch(const spanscope::SharedBatch& batch);
    void failed(qint64 runId, const spanscope::ErrorInfo& error);
    void finished(qint64 runId, spanscope::StopReason reason);
    /// Before started() with the question, before idle() with the answer.
    void chatChanged(const spanscope::ChatUpdate& update);
    void idle();  ///< the last request to run has ended, well or not
    void inspectProgress(int done, int total);
    void inspectReady(const spanscope::DivergenceCurve& curve);
    void inspectFailed(const spanscope::ErrorInfo& error);
    void distanceProgress(int done, int total);  ///< tokens, of all runs
    void distanceReady(const spanscope::SharedRun& run, const spanscope::DivergenceCurve& curve);
    /// No title: all were measured, or it was stopped.
    void distanceEnded(const spanscope::ErrorInfo& error);
    void probeReady(const spanscope::StepProbe& probe);
    void editReady(const spanscope::StepEdit& edit);
    void readRateMeasured(double gbPerS);  ///< of this machine's main memory; 0: it could not be measured
    void traceOpened(const QString& path, const spanscope::RunList& runs, const QString& damage);
    void traceSaved(const QString& path);
    void traceFailed(const QString& path, const spanscope::ErrorInfo& error);
};

}  // namespace spanscope

Q_DECLARE_METATYPE(std::vector<spanscope::Segment>)
Q_DECLARE_METATYPE(spanscope::StopReason)
Q_DECLARE_METATYPE(spanscope::DivergenceCurve)
Q_DECLARE_METATYPE(spanscope::StepProbe)
Q_DECLARE_METATYPE(spanscope::StepEdit)
