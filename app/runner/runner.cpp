#include "app/runner/runner.h"

#include <QDir>
#include <new>
#include <stdexcept>

#include "engine/model/card.h"
#include "engine/tasks/chat_task.h"
#include "engine/tasks/task.h"
#include "engine/tasks/vocabulary/vocabulary_file.h"
#include "kernels/backends.h"
#include "ui/model/error_info.h"

namespace spanscope {

namespace {

/// A request that takes more memory than there is fails as any other does, and the window stays.
template <class Work, class Fail>
void withinMemory(const Work& work, const Fail& fail) {
    try {
        work();
    } catch (const std::bad_alloc&) {
        fail({ErrorCode::OutOfMemory, "there is not enough memory for this"});
    } catch (const std::length_error&) {  // more than any machine could hold
        fail({ErrorCode::OutOfMemory, "there is not enough memory for this"});
    }
}

}  // namespace

/// Emitted in the engine's thread, emitted again in this object's.
template <class... Args>
void Runner::passOn(void (EngineEvents::*told)(Args...)) {
    connect(
        m_worker, told, m_worker,
        [this, told](Args... args) { m_inbox.post([this, told, args...] { emit(this->*told)(args...); }); },
        Qt::DirectConnection);
}

Runner::Runner(QObject* parent) : EngineEvents(parent), m_requests(new Mailbox), m_worker(new EngineWorker) {
    qRegisterMetaType<SharedHeader>("spanscope::SharedHeader");
    qRegisterMetaType<SharedBatch>("spanscope::SharedBatch");
    qRegisterMetaType<std::vector<Segment>>("std::vector<spanscope::Segment>");
    qRegisterMetaType<StopReason>("spanscope::StopReason");
    qRegisterMetaType<ModelInfo>("spanscope::ModelInfo");
    qRegisterMetaType<ForecastInfo>("spanscope::ForecastInfo");
    qRegisterMetaType<ChatUpdate>("spanscope::ChatUpdate");
    qRegisterMetaType<ErrorInfo>("spanscope::ErrorInfo");
    qRegisterMetaType<RunList>("spanscope::RunList");
    qRegisterMetaType<DivergenceCurve>("spanscope::DivergenceCurve");
    qRegisterMetaType<StepProbe>("spanscope::StepProbe");
    qRegisterMetaType<StepEdit>("spanscope::StepEdit");

    m_thread.setObjectName("engine");
    m_worker->moveToThread(&m_thread);
    connect(&m_thread, &QThread::finished, m_worker, &QObject::deleteLater);
    m_requests->moveToThread(&m_thread);
    connect(&m_thread, &QThread::finished, m_requests, &QObject::deleteLater);
    passOn(&EngineEvents::modelProgress);
    passOn(&EngineEvents::modelReady);
    passOn(&EngineEvents::modelDropped);
    passOn(&EngineEvents::forecastReady);
    passOn(&EngineEvents::forecastFailed);
    passOn(&EngineEvents::started);
    passOn(&EngineEvents::progress);
    passOn(&EngineEvents::chatChanged);
    passOn(&EngineEvents::failed);
    passOn(&EngineEvents::finished);
    passOn(&EngineEvents::inspectProgress);
    passOn(&EngineEvents::inspectReady);
    passOn(&EngineEvents::inspectFailed);
    passOn(&EngineEvents::distanceProgress);
    passOn(&EngineEvents::distanceReady);
    passOn(&EngineEvents::distanceEnded);
    passOn(&EngineEvents::probeReady);
    passOn(&EngineEvents::editReady);
    passOn(&EngineEvents::readRateMeasured);
    passOn(&EngineEvents::traceOpened);
    passOn(&EngineEvents::traceSaved);
    passOn(&EngineEvents::traceFailed);
    connect(
        m_worker, &EngineWorker::modelFailed, m_worker,
        [this](const QString& path, const ErrorInfo& error) {
            m_inbox.post([this, path, error, load = m_worker->loading()] {
                if (load == m_load) emit modelFailed(path, error);  // else replaced: the newer one will answer
            });
        },
        Qt::DirectConnection);
    connect(
        m_worker, &EngineWorker::batch, m_worker,
        [this](const SharedBatch& b) {
            m_inbox.post([this, b] {
                emit batch(b);
                m_worker->batchesInFlight().fetch_sub(1);
            });
        },
        Qt::DirectConnection);
    connect(
        m_worker, &EngineWorker::idle, m_worker,
        [this] {
            m_inbox.post([this] {
                if (--m_nRunning == 0) emit idle();
            });
        },
        Qt::DirectConnection);
    m_thread.start();
}

Runner::~Runner() {
    stop();
    cancelLoad();
    m_thread.quit();
    m_thread.wait();
}

QVector<TaskInfo> Runner::tasks() {
    QVector<TaskInfo> infos;
    for (const Task* task : allTasks()) {
        TaskInfo info;
        info.name = QString::fromUtf8(task->name().data(), static_cast<qsizetype>(task->name().size()));
        info.title = QString::fromUtf8(task->title().data(), static_cast<qsizetype>(task->title().size()));
        info.needsProtocol = task->defaultPolicy().hasProtocol;
        info.isConversation = task == &chatTask();
        for (const std::string& sample : task->samples()) info.samples << QString::fromStdString(sample);
        infos << info;
    }
    return infos;
}

QVector<VocabularyInfo> Runner::vocabularies() {
    QVector<VocabularyInfo> infos;
    for (const BundledVocabulary& v : bundledVocabularies())
        infos << VocabularyInfo{QString::fromStdString(std::string(v.name)),
                                QString::fromStdString(std::string(v.text))};
    return infos;
}

QVector<BundledModel> Runner::bundledModels(const QString& folder) {
    QVector<BundledModel> models;
    for (const QFileInfo& entry : QDir(folder).entryInfoList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name)) {
        const auto card = loadCard((entry.absoluteFilePath() + "/spanscope.json").toStdString());
        if (!card || card->tasks.empty()) continue;
        BundledModel model{
            entry.absoluteFilePath(), card->name.empty() ? entry.fileName() : QString::fromStdString(card->name), {}};
        for (const TaskCard& task : card->tasks) model.tasks << QString::fromStdString(task.name);
        models << model;
    }
    return models;
}

QString Runner::describeDevices() { return QString::fromStdString(describeCuda()); }

void Runner::openModel(const LoadRequest& request) {
    cancelLoad();
    stop();
    m_load = std::make_shared<RunControl>();
    m_requests->post([w = m_worker, request, c = m_load] {
        withinMemory([&] { w->openModel(request, c); },
                     [&](const Error& e) {
                         emit w->modelFailed(request.path, toErrorInfo("The model could not be opened", e));
                     });
    });
}

void Runner::cancelLoad() {
    if (m_load) m_load->stop = true;
}

void Runner::forecast(const LoadRequest& request) {
    m_requests->post([w = m_worker, request] {
        withinMemory([&] { w->forecast(request); },
                     [&](const Error& e) {
                         emit w->forecastFailed(request.path, toErrorInfo("The model could not be opened", e));
                     });
    });
}

void Runner::measureReadRate() {
    m_requests->post([w = m_worker] {
        withinMemory([&] { w->measureReadRate(); }, [&](const Error&) { emit w->readRateMeasured(0); });
    });
}

void Runner::run(const RunRequest& request) {
    stop();
    m_run = std::make_shared<RunControl>();
    ++m_nRunning;
    m_requests->post([w = m_worker, request, c = m_run] {
        withinMemory([&] { w->run(request, c); },
                     [&](const Error& e) {
                         emit w->failed(request.runId, toErrorInfo("The run failed", e));
                         if (request.twinRunId) emit w->failed(*request.twinRunId, toErrorInfo("The run failed", e));
                         emit w->idle();
                     });
    });
}

void Runner::chat(const ChatRequest& request) {
    stop();
    m_run = std::make_shared<RunControl>();
    ++m_nRunning;
    m_requests->post([w = m_worker, request, c = m_run] {
        withinMemory([&] { w->chat(request, c); },
                     [&](const Error& e) {
                         emit w->failed(request.runId, toErrorInfo("The answer failed", e));
                         emit w->idle();
                     });
    });
}

void Runner::branch(const BranchRequest& request) {
    stop();
    m_run = std::make_shared<RunControl>();
    ++m_nRunning;
    m_requests->post([w = m_worker, request, c = m_run] {
        withinMemory([&] { w->branch(request, c); },
                     [&](const Error& e) {
                         emit w->failed(request.runId, toErrorInfo("The run cannot go on from there", e));
                         emit w->idle();
                     });
    });
}

void Runner::stop() {
    if (m_run) m_run->stop = true;
}

void Runner::inspect(const SharedRun& run) {
    stop();
    m_run = std::make_shared<RunControl>();
    m_requests->post([w = m_worker, run, c = m_run] {
        withinMemory([&] { w->inspect(run, c); },
                     [&](const Error& e) { emit w->inspectFailed(toErrorInfo("The run cannot be inspected", e)); });
    });
}

void Runner::measure(const RunList& runs) {
    stop();
    m_run = std::make_shared<RunControl>();
    m_requests->post([w = m_worker, runs, c = m_run] {
        withinMemory(
            [&] { w->measure(runs, c); },
            [&](const Error& e) {
                emit w->distanceEnded(toErrorInfo("The distance from dense attention could not be measured", e));
            });
    });
}

void Runner::probe(int step, const ProbeSettings& settings) {
    m_requests->post([w = m_worker, step, settings] {
        withinMemory([&] { w->probe(step, settings); },
                     [&](const Error& e) { emit w->inspectFailed(toErrorInfo("The step cannot be probed", e)); });
    });
}

void Runner::edit(int step, const IntervalList& list) {
    m_requests->post([w = m_worker, step, list] {
        withinMemory(
            [&] { w->edit(step, list); },
            [&](const Error& e) { emit w->inspectFailed(toErrorInfo("The step cannot run under this span", e)); });
    });
}

void Runner::openTrace(const QString& path) {
    m_requests->post([w = m_worker, path] {
        withinMemory(
            [&] { w->openTrace(path); },
            [&](const Error& e) { emit w->traceFailed(path, toErrorInfo("The trace could not be opened", e)); });
    });
}

void Runner::saveTrace(const QString& path, const RunList& runs, const RunLabel& label) {
    m_requests->post([w = m_worker, path, runs, label] {
        withinMemory(
            [&] { w->saveTrace(path, runs, label); },
            [&](const Error& e) { emit w->traceFailed(path, toErrorInfo("The trace could not be saved", e)); });
    });
}

void Runner::setRecoveryFolder(const QString& folder) {
    m_requests->post([w = m_worker, folder] { w->setRecoveryFolder(folder); });
}

}  // namespace spanscope
