// Starting, following and keeping runs.
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QRandomGenerator>
#include <QSignalBlocker>
#include <QTabBar>
#include <QToolButton>
#include <algorithm>

#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/views/probe/probe_view.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/views/transcript/transcript_view.h"
#include "ui/window/banner.h"
#include "ui/window/main_window.h"
#include "ui/window/sampling_dialog.h"

namespace spanscope {

namespace {
constexpr qsizetype kTabTitle = 20;  // characters
}

void MainWindow::setAttention(Compare mode) { m_attention->setCurrentIndex(m_attention->findData(int(mode))); }

void MainWindow::run() {
    if (m_state == State::Loading) {
        m_runWhenReady = true;
        showMessage(tr("Runs as soon as the model is ready"));
        return;
    }
    if (m_state != State::Ready) return;
    if (m_randomSeed) m_sampling.sampler.seed = QRandomGenerator::global()->generate64() >> 1;
    RunRequest next;
    next.settings = m_sampling;
    next.settings.task = m_prompt->task().toStdString();
    next.settings.promptText = m_prompt->text().toStdString();
    const Compare mode = Compare(m_attention->currentData().toInt());
    next.settings.attention = mode == Compare::Dense ? MaskPolicySpec::dense() : MaskPolicySpec::declared();
    next.denseRunId = mode == Compare::Both ? 1 : 0;
    request(next);
}

void MainWindow::repeat() {
    if (m_state == State::Ready && m_haveRun) request(m_last);
}

void MainWindow::request(const RunRequest& what) {
    m_last = what;
    m_haveRun = true;
    m_runId = m_nextRunId++;
    m_denseId = what.denseRunId ? m_nextRunId++ : 0;
    m_last.runId = m_runId;
    m_last.denseRunId = m_denseId;
    m_prompt->clearMessage();
    m_prompt->setKept(QString::fromStdString(what.settings.promptText));
    m_banner->dismiss();
    m_selection->clear();
    m_probe->leave();
    setState(State::Running);
    showMessage(tr("Starting"));
    emit runRequested(m_last);
}

void MainWindow::stop() {
    if (m_state != State::Running) return;
    setState(State::Stopping);
    showMessage(tr("Stopping"));
    emit stopRequested();
}

void MainWindow::onStarted(qint64 runId, const SharedHeader& header, const std::vector<Segment>& segments) {
    if (runId == m_runId) {
        m_store->begin(header, segments);
        if (!m_denseId) m_dense->clear();
        if (!header->warning.empty()) m_prompt->showWarning(QString::fromStdString(header->warning));
        updateTexts();
    } else if (runId == m_denseId) {
        m_dense->begin(header, segments);
    }
}

void MainWindow::onProgress(qint64 runId, int done, int total) {
    if ((runId != m_runId && runId != m_denseId) || m_state != State::Running) return;
    showMessage(tr("Prefill %1 of %2 tokens (%3)")
                    .arg(formatCount(done), formatCount(total), formatPercent(double(done) / std::max(1, total))));
}

void MainWindow::onBatch(const SharedBatch& batch) {
    if (batch->runId == m_runId) {
        m_store->append(batch);
        if (m_state == State::Running) showMessage(tr("Decoding · %1 tokens").arg(formatCount(m_store->nSteps())));
    } else if (batch->runId == m_denseId) {
        m_dense->append(batch);
    }
}

void MainWindow::onFailed(qint64 runId, const ErrorInfo& error) {
    if (runId != m_runId && (!m_denseId || runId != m_denseId)) return;
    showMessage(error.title);
    if (error.column > 0) m_prompt->showError(error);
    else m_banner->showError(error);
}

void MainWindow::onFinished(qint64 runId, StopReason reason) {
    if (runId != m_runId) return;
    QString text;
    switch (reason) {
        case StopReason::EndOfText: text = tr("Finished"); break;
        case StopReason::Cancelled: text = tr("Stopped"); break;
        case StopReason::TokenLimit: text = tr("Stopped at the token limit"); break;
        case StopReason::SegmentTooLong: text = tr("Stopped: a segment grew too long"); break;
        case StopReason::ContextFull: text = tr("Stopped: the context is full"); break;
        default: text = tr("Failed"); break;
    }
    showMessage(tr("%1 · %2 tokens, %3 of the dense reads")
                    .arg(text, formatCount(m_store->nSteps()), formatPercent(m_store->data().stats.loadedFraction())));
}

void MainWindow::onIdle() {
    if (!m_store->isEmpty() && m_store->data().header.runId == m_runId && m_store->isFinished()) {
        HistoryEntry entry;
        entry.run = m_store->share();
        if (m_denseId && m_dense->isFinished()) entry.dense = m_dense->share();
        keep(entry);
    }
    setState(m_model.path.isEmpty() ? State::NoModel : State::Ready);
}

void MainWindow::showEntry(const HistoryEntry& entry) {
    if (m_state == State::Running || m_state == State::Stopping) return;
    m_selection->clear();
    m_runId = entry.run->header.runId;
    m_denseId = entry.dense ? entry.dense->header.runId : 0;
    m_store->show(entry.run);
    if (entry.dense) m_dense->show(entry.dense);
    else m_dense->clear();
    addRunTab(entry);
    m_prompt->offer(QString::fromStdString(entry.run->header.settings.task),
                    QString::fromStdString(entry.run->header.settings.promptText));
    setState(m_state);
    useModelFor(QString::fromStdString(entry.run->header.settings.task));  // to inspect it, or run it again
    showMessage(tr("Showing %1").arg(runTitle(entry.run->header)));
}

void MainWindow::showBeside(const HistoryEntry& entry) {
    if (m_state == State::Running || m_state == State::Stopping) return;
    m_dense->show(entry.run);
    setSideBySide(true);
    showMessage(tr("Beside: %1").arg(runTitle(entry.run->header)));
}

void MainWindow::setSideBySide(bool on) {
    m_other->parentWidget()->setVisible(on);
    m_laneTitle->setVisible(on);
    m_otherTitle->setVisible(on);
    action("sideBySide")->setChecked(on);
    nameLanes();
}

void MainWindow::nameLanes() {
    const auto name = [](const RunStore* store) {
        if (store->isEmpty()) return QString();
        const RunStats& stats = store->data().stats;
        return QStringLiteral("%1   %2 \u00b7 %3")
            .arg(runTitle(store->data().header), formatRate(stats.decodeTokensPerS()),
                 tr("read %1").arg(formatPercent(stats.loadedFraction())));
    };
    m_laneTitle->setText(name(m_store));
    m_otherTitle->setText(name(m_dense));
}

void MainWindow::keep(const HistoryEntry& entry) {
    m_history->add(entry);
    addRunTab(entry);
}

/// The tab of `entry` comes to the front, a new one if it has none. Runs that the list has let go lose their tab.
void MainWindow::addRunTab(const HistoryEntry& entry) {
    const QSignalBlocker quiet(m_runTabs);
    const auto drop = [this](qsizetype i) {
        m_tabEntries.removeAt(i);
        m_runTabs->removeTab(static_cast<int>(i));
    };
    for (qsizetype i = m_tabEntries.size() - 1; i >= 0; --i)
        if (!m_history->holds(m_tabEntries[i].run)) drop(i);
    qsizetype at = 0;
    while (at < m_tabEntries.size() && m_tabEntries[at].run != entry.run) ++at;
    if (at == m_tabEntries.size()) {
        if (m_tabEntries.size() >= kRunTabs) drop(0);
        const RunSettings& settings = entry.run->header.settings;
        const QString title =
            entry.origin.isEmpty() ? shownWords(settings.promptText, kTabTitle) : entry.origin.section('/', -1);
        m_tabEntries.append(entry);
        at = m_runTabs->addTab(menuText(title, kTabTitle));
        m_runTabs->setTabToolTip(static_cast<int>(at), plainToolTip(runTitle(entry.run->header) + '\n' +
                                                                    shownWords(settings.promptText, 400)));
    }
    m_runTabs->setCurrentIndex(static_cast<int>(at));
    m_runTabs->setVisible(m_tabEntries.size() > 1);
}

void MainWindow::onRunTab(int index) {
    if (index >= 0 && index < m_tabEntries.size() && m_tabEntries[index].run->header.runId >= 0)
        showEntry(HistoryEntry(m_tabEntries[index]));
}

void MainWindow::closeRunTab(int index) {  // the run stays in the list
    if (m_tabEntries.size() < 2 || m_state == State::Running || m_state == State::Stopping) return;
    const bool shown = m_runTabs->currentIndex() == index;
    {
        const QSignalBlocker quiet(m_runTabs);
        m_tabEntries.removeAt(index);
        m_runTabs->removeTab(index);
    }
    m_runTabs->setVisible(m_tabEntries.size() > 1);
    if (shown) showEntry(HistoryEntry(m_tabEntries[m_runTabs->currentIndex()]));
}

void MainWindow::editSampling() {
    SamplingDialog dialog(m_sampling.sampler, m_sampling.maxTokens, m_randomSeed, this);
    if (dialog.exec() != QDialog::Accepted) return;
    m_sampling.sampler = dialog.sampler();
    m_sampling.maxTokens = dialog.maxTokens();
    m_randomSeed = dialog.randomSeed();
    updateTexts();
}

void MainWindow::openFind() {
    m_findBar->show();
    m_findEdit->setFocus();
    m_findEdit->selectAll();
}

void MainWindow::findStep(int direction) {
    const int n = m_store->nSteps();
    if (!n) return;
    const int current = m_selection->current();
    const int target = current < 0 ? (direction > 0 ? 0 : n - 1) : std::clamp(current + direction, 0, n - 1);
    m_selection->lockRange(target, target);
}

}  // namespace spanscope
