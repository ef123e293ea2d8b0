#include "app/runner/engine_worker.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QDir>
#include <QFile>
#include <algorithm>

#include "engine/decode/distance.h"
#include "engine/model/base_model.h"
#include "engine/model/step_bytes.h"
#include "engine/policy/policies.h"
#include "engine/tasks/chat/chat_prompt.h"
#include "kernels/backends.h"
#include "kernels/bandwidth.h"
#include "ui/model/error_info.h"

namespace spanscope {

namespace {

constexpr int kSliceSteps = 16;          // a turn of each lane when two runs alternate
constexpr qint64 kBatchIntervalMs = 16;  // 60 batches a second at most
constexpr int kDefaultContext = 32768;

QString toQt(const std::string& s) { return QString::fromStdString(s); }

QStringList trainedFor(const SpanscopeCard& card) {
    QStringList lines;
    for (const TaskCard& task : card.tasks) {
        QStringList limits;
        if (task.maxOperators) limits << QString("up to %1 operators").arg(task.maxOperators);
        if (task.maxLines) limits << QString("up to %1 lines").arg(task.maxLines);
        if (task.maxSentences) limits << QString("up to %1 sentences").arg(task.maxSentences);
        if (task.maxValue) limits << QString("values up to ±%1").arg(task.maxValue);
        if (task.maxFactor) limits << QString("factors up to ±%1").arg(task.maxFactor);
        lines << (limits.isEmpty() ? toQt(task.name) : toQt(task.name) + ": " + limits.join(", "));
    }
    return lines;
}

int contextFor(const Model& model, const LoadRequest& request) {
    if (request.contextTokens > 0) return request.contextTokens;
    const int trained = model.weights().shape.maxSeqLen;
    const int context = std::min(trained > 0 ? trained : kDefaultContext, kDefaultContext);
    // A run and its dense twin in half of what the weights leave: as if there were four.
    const DType kvType = defaultKvType(request.device, model.weights());
    const int most = model.forecast(context, kvType, 4).largestContext;
    return most > 0 ? std::min(context, std::max(256, most)) : context;
}

/// Those of the engine's table that read as much as a budget says, and dense.
QVector<PolicyInfo> comparedPolicies(const BackendInfo& backend) {
    QVector<PolicyInfo> list;
    for (const PolicyRow& row : maskPolicies()) {
        const bool dense = row.name == MaskPolicySpec::dense().name;
        if (!dense && row.number != PolicyNumber::Budget && row.number != PolicyNumber::OwnBudget) continue;
        PolicyInfo info;
        info.name = toQt(std::string(row.name));
        info.about = toQt(std::string(row.description));
        if (!dense)
            info.budget =
                row.number == PolicyNumber::Budget ? PolicyInfo::Budget::AsDeclared : PolicyInfo::Budget::Share;
        info.perHead = row.needs == PolicyNeeds::KeySelection;
        if (const Status ok = checkCapabilities(row, backend); !ok) info.lacking = toQt(ok.error().message);
        list << info;
    }
    return list;
}

/// What a model lacks that can be fetched.
FetchInfo whatToFetch(const std::string& path) {
    const auto base = missingBase(path);
    if (!base) return {};
    FetchInfo info{toQt(base->model.name), toQt(base->model.license), toQt(base->folder), base->model.bytes, {}};
    for (const std::string& part : base->command) info.command << toQt(part);
    return info;
}

}  // namespace

EngineWorker::EngineWorker() { m_sinceBatch.start(); }
EngineWorker::~EngineWorker() = default;

Result<std::unique_ptr<Backend>> EngineWorker::makeBackend(const Model& model, const LoadRequest& request,
                                                           int contextTokens, const ProgressFn& progress) const {
    BackendOptions options;
    options.kvTokens = int64_t{2} * contextTokens;                  // a run and its dense twin
    options.maxBatch = MaskPolicySpec::lossless().itemsTogether();  // what a pass over drafted tokens takes
    return spanscope::makeBackend(request.device, model.weights(), options, progress);
}

void EngineWorker::openModel(const LoadRequest& request, const std::shared_ptr<RunControl>& control) {
    m_loading = control;
    QElapsedTimer clock;
    clock.start();
    qint64 lastReport = -100;
    const ProgressFn report = [&](double fraction) {
        if (control->stop) return false;
        if (clock.elapsed() - lastReport >= kBatchIntervalMs) {
            lastReport = clock.elapsed();
            emit modelProgress(fraction);
        }
        return true;
    };
    const std::string path = request.path.toStdString();
    const auto fail = [&](const Error& error) {
        const bool cancelled = error.code == ErrorCode::Cancelled;
        ErrorInfo info = toErrorInfo(cancelled ? "The model was not opened" : "The model could not be opened", error);
        if (error.code == ErrorCode::NotFound) info.fetch = whatToFetch(path);
        emit modelFailed(request.path, info);
    };
    if (control->stop) return fail({ErrorCode::Cancelled, "loading was cancelled", path});

    auto model = spanscope::openModel(path, report, request.adapter.toStdString());
    if (!model) return fail(model.error());
    const int context = contextFor(**model, request);
    m_inspector.reset();
    m_conversation.reset();  // the window has its turns
    auto backend = makeBackend(**model, request, context, report);
    if (!backend && backend.error().code == ErrorCode::OutOfMemory && m_backend) {
        m_backend.reset();  // the model in use makes room
        m_model.reset();
        emit modelDropped();
        backend = makeBackend(**model, request, context, report);
    }
    if (!backend) return fail(backend.error());
    if (control->stop) return fail({ErrorCode::Cancelled, "loading was cancelled", path});

    m_backend = std::move(*backend);
    m_model = std::move(*model);
    m_contextTokens = context;
    m_loadNs = clock.nsecsElapsed();

    const ModelShape& shape = m_model->weights().shape;
    const BackendInfo backendInfo = m_backend->info();
    const SpanscopeCard& card = m_model->card();
    ModelInfo info;
    info.path = request.path;
    info.name = toQt(m_model->name());
    info.format = toQt(m_model->formatName());
    info.hash = toQt(m_model->hash());
    if (const AdapterInfo* adapter = m_model->adapter()) {
        info.adapterPath = toQt(adapter->path);
        if (request.adapter.isEmpty()) info.basePath = toQt(m_model->path());
        info.adapter = toQt(AdapterOrigin{adapter->name, adapter->hash, adapter->rank}.text());
    }
    info.description = toQt(card.description);
    info.license = toQt(card.license);
    info.trainedOn = toQt(card.trainedOn);
    info.cardText = toQt(card.cardText);
    info.backend = toQt(backendInfo.name);
    info.device = toQt(backendInfo.device);
    info.kvType = dtypeName(backendInfo.kvType);
    info.nThreads = backendInfo.nThreads;
    for (const TaskCard& task : card.tasks) info.tasks << toQt(task.name);
    info.trainedFor = trainedFor(card);
    info.protocolVersion = card.protocolVersion;
    info.verifies = backendInfo.manyOfOne;
    info.policies = comparedPolicies(backendInfo);
    if (const auto format = ChatFormat::of(*m_model); !format) info.noChat = toQt(format.error().message);
    else info.thinkingByDefault = (*format)->thinkingByDefault();
    if (!info.noChat.isEmpty()) info.noChat[0] = info.noChat[0].toUpper();
    info.nLayers = shape.nLayers;
    info.nHeads = shape.nHeads;
    info.nKvHeads = shape.nKvHeads;
    info.headDim = shape.headDim;
    info.hidden = shape.hidden;
    info.vocab = shape.vocab;
    info.maxContext = shape.maxSeqLen;
    info.contextTokens = context;
    info.weightBytes = m_model->weightBytes();
    info.heldBytes = m_backend->bytesHeld();
    info.loadNs = m_loadNs;
    info.stepBytes = stepBytesOf(m_model->weights());
    emit modelReady(info);
}

void EngineWorker::measureReadRate() {
    emit readRateMeasured(ReadProbe(m_backend ? m_backend->info().nThreads : 0).measureGBps());
}

void EngineWorker::forecast(const LoadRequest& request) {
    const QString &path = request.path, &adapter = request.adapter;
    const int contextTokens = request.contextTokens;
    // The first question about a model reads its headers.
    if (contextTokens == 0 || path != m_forecastPath || adapter != m_forecastAdapter) {
        const auto file = ModelFile::open(path.toStdString(), adapter.toStdString());
        if (!file) {
            ErrorInfo error = toErrorInfo("The model could not be opened", file.error());
            if (file.error().code == ErrorCode::NotFound) error.fetch = whatToFetch(path.toStdString());
            emit forecastFailed(path, error);
            return;
        }
        m_forecastPath = path;
        m_forecastAdapter = adapter;
        m_forecastShape = file->shape();
        m_forecastWeights = file->weightBytes();
    }
    const MemoryForecast forecast =
        forecastMemory(m_forecastShape, m_forecastWeights, contextTokens, defaultKvType(Device::Auto, {}));
    ForecastInfo info;
    info.path = path;
    info.adapter = adapter;
    info.weightBytes = forecast.weightBytes;
    info.kvBytes = forecast.kvBytes;
    info.workspaceBytes = forecast.workspaceBytes;
    info.freeBytes = forecast.freeBytes;
    info.contextTokens = forecast.contextTokens;
    info.largestContext = forecast.largestContext;
    info.fits = forecast.fits();
    emit forecastReady(info);
}

void EngineWorker::run(RunRequest request, const std::shared_ptr<RunControl>& control) {
    std::vector<Live> live;
    const auto fail = [&](const Error& error) {
        const ErrorInfo info =
            toErrorInfo(error.column > 0 ? "Please correct the problem" : "The run could not start", error);
        emit failed(request.runId, info);
        if (request.twinRunId) emit failed(*request.twinRunId, info);
        emit idle();
    };
    if (!m_backend) {
        return fail({ErrorCode::NotFound, "no model is loaded; open one with File, Open model", {}, {}, {}, {}});
    }
    m_inspector.reset();                            // a measured run has the backend to itself
    if (request.twinRunId) m_conversation.reset();  // two runs take all of the cache
    RunSettings& settings = request.settings;
    if (settings.contextTokens <= 0 || settings.contextTokens > m_contextTokens)
        settings.contextTokens = m_contextTokens;

    const auto add = [&](int64_t id, const MaskPolicySpec& attention) -> Status {
        RunSettings copy = settings;
        copy.attention = attention;
        auto session = Session::create(m_model, *m_backend, copy, id);
        if (!session) return session.error();
        const size_t nSegments = (*session)->data().segments.size();
        Session* borrowed = session->get();
        live.push_back({borrowed, std::move(*session), id, 0, nSegments, 0});
        return {};
    };
    Status made = add(request.runId, settings.attention);
    if (made && request.twinRunId) made = add(*request.twinRunId, request.twinAttention);
    if (!made) return fail(made.error());
    beginRuns(live);
    runSessions(live, control->stop);
    emit idle();
}

void EngineWorker::branch(const BranchRequest& request, const std::shared_ptr<RunControl>& control) {
    const auto fail = [&](const Error& error) {
        emit failed(request.runId, toErrorInfo("The run cannot go on from there", error));
        emit idle();
    };
    if (!m_backend) return fail({ErrorCode::NotFound, "no model is loaded; open one with File, Open model"});
    BranchPoint point{request.number, request.step, request.list, request.tokens};
    if (!request.text.isEmpty()) {
        auto ids = m_model->tokenizer().encode(request.text.toStdString(), TextTrust::Typed, true);
        if (!ids) return fail(ids.error());
        point.tokens = std::move(*ids);
    }
    OpenSequence kept;
    if (m_inspector && m_inspector->isOf(*request.run)) kept = m_inspector->release();
    m_inspector.reset();
    m_conversation.reset();  // its cache may be all that there is
    auto session = Session::branch(m_model, *m_backend, *request.run, point, std::move(kept), request.runId);
    if (!session) return fail(session.error());
    std::vector<Live> live(1);
    live[0].session = session->get();
    live[0].owned = std::move(*session);
    live[0].runId = request.runId;
    live[0].nSegments = live[0].session->data().segments.size();
    beginRuns(live);
    runSessions(live, control->stop);
    emit idle();
}

void EngineWorker::beginRuns(const std::vector<Live>& live) {
    m_recorder.reset();
    if (!m_recoveryFolder.isEmpty() && QDir().mkpath(m_recoveryFolder)) {
        const QString name = QString("%1/%2-%3.spantrace")
                                 .arg(m_recoveryFolder)
                                 .arg(QCoreApplication::applicationPid())
                                 .arg(QDateTime::currentMSecsSinceEpoch());
        if (auto writer = TraceWriter::create(name.toStdString())) m_recorder = std::move(*writer);
    }
    for (const Live& one : live) {
        const RunData& data = one.session->data();
        emit started(one.runId, std::make_shared<const RunHeader>(data.header), data.segments);
        if (m_recorder && !m_recorder->begin(data.header)) m_recorder.reset();
    }
}

/// A rule that the model was not trained under can lead it anywhere: a run under one that has written twice as much as
/// the whole run beside it, and some, says no more that anybody compares.
bool EngineWorker::isAstray(const Session& session, const std::vector<Live>& live) {
    constexpr size_t kAllowed = 64;  // tokens
    const MaskPolicySpec& attention = session.data().header.settings.attention;
    if (live.size() != 2 || &session != live[1].session || attention.isDense()) return false;
    const Session& first = *live[0].session;
    return first.finished() && session.data().steps.size() >= 2 * first.data().steps.size() + kAllowed;
}

void EngineWorker::runSessions(std::vector<Live>& live, const std::atomic<bool>& stop) {
    const auto broke = [&](Live& one, const Error& error) {
        one.session->finish(StopReason::Failed);
        endRuns(live);
        emit failed(one.runId, toErrorInfo("The run failed", error));
    };
    for (Live& one : live) {
        QElapsedTimer sinceReport;
        sinceReport.start();
        const Status status = one.session->prefill(&stop, [&](int32_t done, int32_t total) {
            if (done < total && sinceReport.elapsed() < kBatchIntervalMs) return;
            sinceReport.restart();
            emit progress(one.runId, done, total);
        });
        if (!status && status.error().code != ErrorCode::Cancelled && !stop) return broke(one, status.error());
        if (stop) break;
    }
    if (!stop) {
        std::vector<Session*> sessions;
        for (Live& one : live) sessions.push_back(one.session);
        const Status status = runInterleaved(sessions, kSliceSteps, &stop, [&](Session& session) {
            if (isAstray(session, live)) session.finish(StopReason::TokenLimit);
            sendIfDue(live);
        });
        if (!status && status.error().code != ErrorCode::Cancelled && !stop) return broke(live.front(), status.error());
    }
    endRuns(live);
}

void EngineWorker::sendIfDue(std::vector<Live>& live) {
    if (m_sinceBatch.elapsed() < kBatchIntervalMs || m_inFlight.load() > 0) return;
    m_sinceBatch.restart();
    for (Live& one : live) send(one, false);
    record(live);
}

void EngineWorker::send(Live& one, bool last) {
    const RunData& data = one.session->data();
    if (!last && one.nSent == data.steps.size()) return;
    auto batch = std::make_shared<RunBatch>();
    batch->runId = one.runId;
    batch->steps.assign(data.steps.begin() + static_cast<std::ptrdiff_t>(one.nSent), data.steps.end());
    batch->firstSegment =
        one.nSegments ? one.nSegments - 1 : 0;  // the newest that was sent may have grown since, no other
    batch->segments.assign(data.segments.begin() + static_cast<std::ptrdiff_t>(batch->firstSegment),
                           data.segments.end());
    batch->firstViolation = one.nViolations;
    batch->violations.assign(data.violations.begin() + static_cast<std::ptrdiff_t>(one.nViolations),
                             data.violations.end());
    batch->firstChange = one.nChanges;
    batch->changes.assign(data.changes.begin() + static_cast<std::ptrdiff_t>(one.nChanges), data.changes.end());
    batch->stats = data.stats;
    batch->stats.loadNs = m_loadNs;
    batch->answer = data.answer;
    batch->finished = last;
    one.nSent = data.steps.size();
    one.nSegments = data.segments.size();
    one.nViolations = data.violations.size();
    one.nChanges = data.changes.size();
    m_inFlight.fetch_add(1);
    emit this->batch(batch);
}

void EngineWorker::endRuns(std::vector<Live>& live) {
    for (Live& one : live) {
        if (!one.session->finished()) one.session->finish(StopReason::Cancelled);
        send(one, true);
        emit finished(one.runId, one.session->data().stats.stop);
    }
    if (!m_recorder) return;
    record(live);  // finished in this process: the window holds the runs, nothing to recover
    const QString path = toQt(m_recorder->temporaryPath());
    m_recorder.reset();
    QFile::remove(path);
}

void EngineWorker::record(const std::vector<Live>& live) {
    if (!m_recorder) return;
    for (const Live& one : live)
        if (!m_recorder->append(one.session->data())) {
            m_recorder.reset();
            return;
        }
}

void EngineWorker::inspect(const SharedRun& run, const std::shared_ptr<RunControl>& control) {
    const auto fail = [&](const Error& error) {
        m_inspector.reset();
        emit inspectFailed(toErrorInfo("The run cannot be inspected", error));
    };
    m_inspector.reset();
    m_conversation.reset();  // a replay and its twin take all of the cache
    if (!m_backend) return fail({ErrorCode::NotFound, "no model is loaded"});
    auto inspector = Inspector::create(m_model, *m_backend, run);
    if (!inspector) return fail(inspector.error());
    m_inspector = std::move(*inspector);
    QElapsedTimer sinceReport;
    sinceReport.start();
    const Status status = m_inspector->replay(&control->stop, [&](int32_t done, int32_t total) {
        if (done < total && sinceReport.elapsed() < kBatchIntervalMs) return;
        sinceReport.restart();
        emit inspectProgress(done, total);
    });
    if (!status) return fail(status.error());
    emit inspectReady(m_inspector->curve());
}

void EngineWorker::measure(const RunList& runs, const std::shared_ptr<RunControl>& control) {
    const auto end = [&](const Error& error) {
        emit distanceEnded(error.code == ErrorCode::Cancelled
                               ? ErrorInfo()
                               : toErrorInfo("The distance from dense attention could not be measured", error));
    };
    m_inspector.reset();
    m_conversation.reset();  // the two readings take all of the cache
    if (!m_backend) return end({ErrorCode::NotFound, "no model is loaded"});
    int32_t nBefore = 0, nAll = 0;
    for (const SharedRun& run : runs) nAll += static_cast<int32_t>(run->header.prompt.size() + run->steps.size());
    QElapsedTimer sinceReport;
    sinceReport.start();
    for (const SharedRun& run : runs) {
        auto curve = distanceFromDense(*m_model, *m_backend, *run, &control->stop, [&](int32_t done, int32_t) {
            if (sinceReport.elapsed() < kBatchIntervalMs) return;
            sinceReport.restart();
            emit distanceProgress(nBefore + done, nAll);
        });
        if (!curve) return end(curve.error());
        nBefore += static_cast<int32_t>(run->header.prompt.size() + run->steps.size());
        emit distanceReady(run, *curve);
    }
    emit distanceEnded({});
}

void EngineWorker::probe(int step, const ProbeSettings& settings) {
    if (!m_inspector) return;
    const auto found = m_inspector->probe(step, settings);
    if (found) emit probeReady(*found);
    else emit inspectFailed(toErrorInfo("The step cannot be probed", found.error()));
}

void EngineWorker::edit(int step, const IntervalList& list) {
    if (!m_inspector) return;
    const auto edited = m_inspector->edit(step, list);
    if (edited) emit editReady(*edited);
    else emit inspectFailed(toErrorInfo("The step cannot run under this span", edited.error()));
}

void EngineWorker::openTrace(const QString& path) {
    auto file = readTrace(path.toStdString());
    if (!file) {
        emit traceFailed(path, toErrorInfo("The trace could not be opened", file.error()));
        return;
    }
    RunList runs;
    for (const auto& run : file->runs) runs << run;
    emit traceOpened(path, runs, toQt(file->damage));
}

void EngineWorker::saveTrace(const QString& path, const RunList& runs, const RunLabel& label) {
    std::vector<const RunData*> list;
    for (const SharedRun& run : runs) list.push_back(run.get());
    const Status status = writeTrace(path.toStdString(), list, label == RunLabel{} ? nullptr : &label);
    if (!status) {
        emit traceFailed(path, toErrorInfo("The trace could not be saved", status.error()));
        return;
    }
    emit traceSaved(path);
}

}  // namespace spanscope
