#include "ui/window/run_controller.h"

#include <QDateTime>
#include <QRandomGenerator>
#include <algorithm>

#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/window/banner.h"
#include "ui/window/sampling_dialog.h"

namespace spanscope {

using State = Workspace::State;

RunController::RunController(Workspace* workspace, PromptEditor* prompt, Banner* banner, QObject* parent)
    : QObject(parent), m_workspace(workspace), m_prompt(prompt), m_banner(banner) {}

bool RunController::declares() const {
    const ModelInfo& model = m_workspace->model();
    if (teachesTags()) return true;
    const bool speaksProtocol = !m_workspace->hasModel() || model.protocolVersion > 0;
    return speaksProtocol && !m_prompt->isConversation();
}

bool RunController::teachesTags() const {
    return m_prompt->isConversation() && !m_vocabulary.text.isEmpty() && m_workspace->model().noChat.isEmpty();
}

void RunController::setVocabulary(const VocabularyInfo& vocabulary) {
    if (m_vocabulary.name == vocabulary.name && m_vocabulary.text == vocabulary.text) return;
    m_vocabulary = vocabulary;
    emit settingsChanged();
}

RunController::Compare RunController::compare() const {
    const Compare mode = declares() ? m_compare : m_plainCompare;
    return choices().contains(mode) ? mode : Compare::Dense;
}

QVector<RunController::Compare> RunController::choices() const {
    if (declares()) {
        QVector<Compare> list{Compare::Declared, Compare::Dense};
        if (!teachesTags() && (!m_workspace->hasModel() || m_workspace->model().verifies)) list << Compare::Lossless;
        list << Compare::Both;
        if (otherInfo()) list << Compare::Policy;
        return list;
    }
    QVector<Compare> list{Compare::Dense, Compare::Window, Compare::Keep};
    if (!m_prompt->isConversation()) list << Compare::Both;  // of a conversation there is one, with its cache
    return list;
}

void RunController::setCompare(Compare mode) {
    if (!choices().contains(mode)) return;
    Compare& now = declares() ? m_compare : m_plainCompare;
    if (now == mode) return;
    now = mode;
    if (mode == Compare::Window || mode == Compare::Keep) m_keeps = mode == Compare::Keep;
    emit settingsChanged();
}

void RunController::setWindowTokens(int n) {
    const int tokens = std::clamp(n, 1, kMostWindowTokens);
    if (m_nWindow == tokens) return;
    m_nWindow = tokens;
    emit settingsChanged();
}

const PolicyInfo* RunController::otherInfo() const {
    const PolicyInfo* first = nullptr;
    for (const PolicyInfo& policy : m_workspace->model().policies) {
        if (!policy.lacking.isEmpty()) continue;
        if (policy.name == m_other) return &policy;
        if (!first ||
            (first->budget != PolicyInfo::Budget::AsDeclared && policy.budget == PolicyInfo::Budget::AsDeclared))
            first = &policy;
    }
    return first;
}

MaskPolicySpec RunController::other() const {
    const PolicyInfo* policy = otherInfo();
    if (!policy) return MaskPolicySpec::dense();
    int percent = policy->budget == PolicyInfo::Budget::None ? 0 : m_otherPercent;
    if (policy->budget == PolicyInfo::Budget::Share && percent == 0) percent = kUsualShare;
    return {policy->name.toStdString(), percent, percent > 0};
}

void RunController::setOtherPolicy(const QString& name) {
    if (m_other == name) return;
    m_other = name;
    emit settingsChanged();
}

void RunController::setOtherShare(int percent) {
    const int share = std::clamp(percent, 0, 100);
    if (m_otherPercent == share) return;
    m_otherPercent = share;
    emit settingsChanged();
}

MaskPolicySpec RunController::attention() const {
    if (compare() == Compare::Dense) return MaskPolicySpec::dense();
    if (compare() == Compare::Lossless) return MaskPolicySpec::lossless();
    return declares() ? MaskPolicySpec::declared() : windowed();
}

void RunController::editSettings(QWidget* window) {
    SamplingDialog dialog(m_settings.sampler, m_settings.maxTokens, m_randomSeed, window);
    if (dialog.exec() != QDialog::Accepted) return;
    m_settings.sampler = dialog.sampler();
    m_settings.maxTokens = dialog.maxTokens();
    m_randomSeed = dialog.randomSeed();
    emit settingsChanged();
}

void RunController::setMaxTokens(int most) {
    m_settings.maxTokens = most;
    emit settingsChanged();
}

void RunController::keepIdsFrom(qint64 lastTaken) { m_nextRunId = std::max(m_nextRunId, lastTaken + 1); }

void RunController::run() {
    if (m_workspace->state() == State::Loading) {
        m_runWhenReady = true;
        emit m_workspace->message(tr("Runs as soon as the model is ready"));
        return;
    }
    if (m_workspace->state() != State::Ready) return;
    RunSettings next = nextSettings();
    next.task = m_prompt->task().toStdString();
    next.promptText = m_prompt->text().toStdString();
    next.attention = attention();
    if (teachesTags()) {
        next.vocabulary = m_vocabulary.text.toStdString();
        next.systemText = m_systemText.trimmed().toStdString();
    }
    std::optional<MaskPolicySpec> twin;
    if (compare() == Compare::Both) twin = MaskPolicySpec::dense();
    if (compare() == Compare::Policy) twin = other();
    start(next, twin);
}

RunSettings RunController::nextSettings() {
    if (m_randomSeed) {
        m_settings.sampler.seed = QRandomGenerator::global()->generate64() >> 1;
        emit settingsChanged();
    }
    return m_settings;
}

qint64 RunController::beginElsewhere() {
    m_measuresNext = false;
    m_runId = m_nextRunId++;
    m_twinId.reset();
    m_parent.reset();
    m_last.reset();
    forgetTheLast();
    return m_runId;
}

void RunController::branch(BranchRequest request) {
    if (m_workspace->state() != State::Ready || !request.run) return;
    const HistoryEntry* entry = m_workspace->history()->find(request.run.get());
    request.number = entry ? entry->label.number : request.run->header.runId;
    request.runId = beginElsewhere();
    m_parent = request.run;
    emit branchRequested(request);
}

void RunController::repeat() {
    if (m_workspace->state() != State::Ready || !m_last) return;
    std::optional<MaskPolicySpec> twin;
    if (m_last->twinRunId) twin = m_last->twinAttention;
    start(RunSettings(m_last->settings), twin);
}

void RunController::start(const RunSettings& settings, const std::optional<MaskPolicySpec>& twin) {
    m_runId = m_nextRunId++;
    m_twinId.reset();
    m_parent.reset();
    if (twin) m_twinId = m_nextRunId++;
    m_last = RunRequest{m_runId, m_twinId, settings, twin.value_or(MaskPolicySpec::dense())};
    m_prompt->setKept(QString::fromStdString(settings.promptText));
    forgetTheLast();
    emit runRequested(*m_last);
    m_measuresNext = twin && !twin->isDense();
    if (m_measuresNext) emit comparing();
}

void RunController::measure() {
    if (m_workspace->state() != State::Ready || m_workspace->distances()->isMeasuring()) return;
    RunList runs;
    for (RunStore* store : {m_workspace->shown(), m_workspace->beside()})
        if (store->isFinished() && store->nSteps() > 0)
            if (const SharedRun run = store->share(); !m_workspace->distances()->of(run.get())) runs << run;
    if (runs.isEmpty()) return;
    m_workspace->distances()->begin();
    emit measureRequested(runs);
}

void RunController::stopMeasuring() {
    if (m_workspace->distances()->isMeasuring()) emit stopRequested();
}

void RunController::forgetTheLast() {
    m_prompt->clearMessage();
    m_banner->dismiss();
    m_workspace->selection()->clear();
    emit starting();
    m_workspace->setState(State::Running);
    emit m_workspace->message(tr("Starting"));
}

void RunController::stop() {
    if (m_workspace->state() != State::Running) return;
    m_workspace->setState(State::Stopping);
    emit m_workspace->message(tr("Stopping"));
    emit stopRequested();
}

void RunController::onModelReady() {
    if (!m_runWhenReady) return;
    m_runWhenReady = false;
    run();
}

void RunController::onModelFailed() { m_runWhenReady = false; }

void RunController::onStarted(qint64 runId, const SharedHeader& header, const std::vector<Segment>& segments) {
    if (runId == m_runId) {
        m_workspace->shown()->begin(header, segments);
        if (m_parent) {
            m_workspace->beside()->show(m_parent);
            emit shownBeside();
        } else if (!m_twinId) {
            m_workspace->beside()->clear();
        }
        if (!header->warning.empty()) m_prompt->showWarning(QString::fromStdString(header->warning));
    } else if (runId == m_twinId) {
        m_workspace->beside()->begin(header, segments);
    }
}

void RunController::onProgress(qint64 runId, int done, int total) {
    if ((runId != m_runId && runId != m_twinId) || m_workspace->state() != State::Running) return;
    emit m_workspace->message(
        tr("Prefill %1 of %2 tokens (%3)")
            .arg(formatCount(done), formatCount(total), formatPercent(double(done) / std::max(1, total))));
}

void RunController::onBatch(const SharedBatch& batch) {
    if (batch->runId == m_runId) {
        RunStore* shown = m_workspace->shown();
        shown->append(batch);
        if (m_workspace->state() == State::Running)
            emit m_workspace->message(tr("Decoding · %1 tokens").arg(formatCount(shown->nSteps())) +
                                      draftWords(shown->data().stats.draft));
    } else if (batch->runId == m_twinId) {
        m_workspace->beside()->append(batch);
    }
}

void RunController::onFailed(qint64 runId, const ErrorInfo& error) {
    if (runId != m_runId && runId != m_twinId) return;
    emit m_workspace->message(error.title);
    if (error.column > 0) m_prompt->showError(error);
    else m_banner->showError(error);
}

void RunController::onFinished(qint64 runId, StopReason reason) {
    if (runId != m_runId) return;
    QString text;
    switch (reason) {
        case StopReason::EndOfText: text = tr("Finished"); break;
        case StopReason::Cancelled: text = tr("Stopped"); break;
        case StopReason::TokenLimit: text = tr("Stopped at the token limit"); break;
        case StopReason::SegmentTooLong: text = tr("Stopped: a segment grew too long"); break;
        case StopReason::ContextFull: text = tr("Stopped: the context is full"); break;
        case StopReason::Repeats: text = tr("Stopped: the response repeats itself"); break;
        case StopReason::Answered: text = tr("Finished: the answer was given"); break;
        default: text = tr("Failed"); break;
    }
    const RunStore* shown = m_workspace->shown();
    if (const std::string& piece = shown->data().stats.stopPiece; !piece.empty())
        text = tr("%1 (%2)").arg(text, shownWords(piece, 40));
    if (const DraftStats& draft = shown->data().stats.draft; draft.passes > 0) {
        emit m_workspace->message(tr("%1 · %2 tokens").arg(text, formatCount(shown->nSteps())) + draftWords(draft));
        return;
    }
    emit m_workspace->message(
        tr("%1 · %2 tokens, loaded %3 of what dense attention does")
            .arg(text, formatCount(shown->nSteps()), formatPercent(shown->data().stats.loadedFraction())));
}

void RunController::onIdle() {
    RunStore *shown = m_workspace->shown(), *beside = m_workspace->beside();
    if (!shown->isEmpty() && shown->data().header.runId == m_runId && shown->isFinished()) {
        HistoryEntry entry;
        entry.run = shown->share();
        if (m_twinId && beside->isFinished()) entry.dense = beside->share();
        entry.label.endedAtMs = QDateTime::currentMSecsSinceEpoch();
        emit kept(m_workspace->history()->add(entry));
    }
    m_workspace->setIdle();
    const StopReason stop = shown->data().stats.stop;
    if (m_measuresNext && stop != StopReason::Cancelled && stop != StopReason::Failed) measure();
    m_measuresNext = false;
}

void RunController::show(const HistoryEntry& entry) {
    if (m_workspace->isBusy()) return;
    showAsItWas(entry);
    const RunSettings& settings = entry.run->header.settings;
    m_prompt->offer(QString::fromStdString(settings.task), QString::fromStdString(settings.promptText));
    emit modelWanted(QString::fromStdString(settings.task));
}

void RunController::showNothing() {
    if (m_workspace->isBusy()) return;
    m_workspace->selection()->clear();
    m_workspace->shown()->clear();
    m_workspace->beside()->clear();
    m_workspace->setState(m_workspace->state());
}

void RunController::showAsItWas(const HistoryEntry& entry) {
    if (m_workspace->isBusy()) return;
    m_workspace->selection()->clear();
    m_runId = entry.run->header.runId;
    m_twinId.reset();
    if (entry.dense) m_twinId = entry.dense->header.runId;
    m_workspace->shown()->show(entry.run);
    const BranchOrigin& from = entry.run->header.branch;
    const HistoryEntry* parent = from.isBranch() ? m_workspace->history()->withNumber(from.run) : nullptr;
    if (entry.dense) m_workspace->beside()->show(entry.dense);
    else if (parent) m_workspace->beside()->show(parent->run);
    else m_workspace->beside()->clear();
    m_workspace->setState(m_workspace->state());
    emit shownAgain(entry);
    emit m_workspace->message(tr("Showing %1").arg(runTitle(entry.run->header)));
}

void RunController::showBeside(const HistoryEntry& entry) {
    if (m_workspace->isBusy()) return;
    m_workspace->beside()->show(entry.run);
    emit shownBeside();
    emit m_workspace->message(tr("Beside: %1").arg(runTitle(entry.run->header)));
}

}  // namespace spanscope
