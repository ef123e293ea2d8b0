#include "app/runner/runner.h"

#include <QDir>
#include <QMetaMethod>

#include "engine/model/card.h"
#include "engine/tasks/task.h"
#include "kernels/backends.h"

namespace spanscope {

Runner::Runner(QObject* parent) : EngineEvents(parent), m_worker(new EngineWorker) {
    qRegisterMetaType<SharedHeader>("spanscope::SharedHeader");
    qRegisterMetaType<SharedBatch>("spanscope::SharedBatch");
    qRegisterMetaType<std::vector<Segment>>("std::vector<spanscope::Segment>");
    qRegisterMetaType<StopReason>("spanscope::StopReason");
    qRegisterMetaType<ModelInfo>("spanscope::ModelInfo");
    qRegisterMetaType<ForecastInfo>("spanscope::ForecastInfo");
    qRegisterMetaType<ErrorInfo>("spanscope::ErrorInfo");
    qRegisterMetaType<RunList>("spanscope::RunList");
    qRegisterMetaType<DivergenceCurve>("spanscope::DivergenceCurve");
    qRegisterMetaType<StepProbe>("spanscope::StepProbe");
    qRegisterMetaType<StepEdit>("spanscope::StepEdit");

    m_thread.setObjectName("engine");
    m_worker->moveToThread(&m_thread);
    connect(&m_thread, &QThread::finished, m_worker, &QObject::deleteLater);
    // Every event goes on as it came, but for the two that something is counted at.
    const QMetaObject& events = EngineEvents::staticMetaObject;
    for (int i = events.methodOffset(); i < events.methodCount(); ++i) {
        const QMetaMethod method = events.method(i);
        const bool own = method == QMetaMethod::fromSignal(&EngineEvents::batch) || method == QMetaMethod::fromSignal(&EngineEvents::idle);
        if (!own) connect(m_worker, method, this, method);
    }
    connect(m_worker, &EngineWorker::batch, this, [this](const SharedBatch& b) {
        emit batch(b);
        m_worker->batchesInFlight().fetch_sub(1);
    });
    connect(m_worker, &EngineWorker::idle, this, [this] {
        if (--m_nRunning == 0) emit idle();
    });
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
        for (const std::string& sample : task->samples()) info.samples << QString::fromStdString(sample);
        infos << info;
    }
    return infos;
}

QVector<BundledModel> Runner::bundledModels(const QString& folder) {
    QVector<BundledModel> models;
    for (const QFileInfo& entry : QDir(folder).entryInfoList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name)) {
        const auto card = loadCard((entry.absoluteFilePath() + "/spanscope.json").toStdString());
        if (!card || card->tasks.empty()) continue;
        BundledModel model{entry.absoluteFilePath(), card->name.empty() ? entry.fileName() : QString::fromStdString(card->name), {}};
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
    QMetaObject::invokeMethod(m_worker, [w = m_worker, request, c = m_load] { w->openModel(request, c); });
}

void Runner::cancelLoad() {
    if (m_load) m_load->stop = true;
}

void Runner::forecast(const QString& path, int contextTokens) {
    QMetaObject::invokeMethod(m_worker, [w = m_worker, path, contextTokens] { w->forecast(path, contextTokens); });
}

void Runner::run(const RunRequest& request) {
    stop();
    m_run = std::make_shared<RunControl>();
    ++m_nRunning;
    QMetaObject::invokeMethod(m_worker, [w = m_worker, request, c = m_run] { w->run(request, c); });
}

void Runner::stop() {
    if (m_run) m_run->stop = true;
}

void Runner::inspect(const SharedRun& run) {
    stop();
    m_run = std::make_shared<RunControl>();
    QMetaObject::invokeMethod(m_worker, [w = m_worker, run, c = m_run] { w->inspect(run, c); });
}

void Runner::probe(int step, const ProbeSettings& settings) {
    QMetaObject::invokeMethod(m_worker, [w = m_worker, step, settings] { w->probe(step, settings); });
}

void Runner::edit(int step, const IntervalList& list) {
    QMetaObject::invokeMethod(m_worker, [w = m_worker, step, list] { w->edit(step, list); });
}

void Runner::openTrace(const QString& path) {
    QMetaObject::invokeMethod(m_worker, [w = m_worker, path] { w->openTrace(path); });
}

void Runner::saveTrace(const QString& path, const RunList& runs) {
    QMetaObject::invokeMethod(m_worker, [w = m_worker, path, runs] { w->saveTrace(path, runs); });
}

void Runner::setRecoveryFolder(const QString& folder) {
    QMetaObject::invokeMethod(m_worker, [w = m_worker, folder] { w->setRecoveryFolder(folder); });
}

}  // namespace spanscope
