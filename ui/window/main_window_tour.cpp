// What explains the window: the tour (a recorded run, what one of its steps attends to, where a person's own problem
// goes), the lesson, the replay for a class.
#include <QDockWidget>
#include <QSettings>

#include "ui/model/format.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/views/transcript/transcript_view.h"
#include "ui/window/dock_layout.h"
#include "ui/window/lesson_card.h"
#include "ui/window/main_window.h"
#include "ui/window/replay_card.h"
#include "ui/window/run_files.h"
#include "ui/window/tour.h"
#include "ui/window/transcript_panel.h"

namespace spanscope {

namespace {

/// The card of this name that is on show; nullptr: none, or one that has ended and is about to go.
template <class Card>
Card* onShow(const QWidget* window, const char* name) {
    auto* card = window->findChild<Card*>(name);
    return card == nullptr || card->isHidden() ? nullptr : card;
}

}  // namespace

void MainWindow::startTourOnce() {
    if (QSettings().value("tour/done").toBool()) return;
    startTour();
}

/// An explanation is about a run: the one on show, else a recorded example.
void MainWindow::showSomeRun() {
    if (store()->isEmpty() && !m_setup.sampleTraces.isEmpty()) m_files->openTrace(m_setup.sampleTraces.front());
    if (m_prompt->isConversation()) action("chatTokens")->setChecked(true);
}

void MainWindow::startTour() {
    if (onShow<Tour>(this, "tour") || m_workspace->isBusy()) return;
    showSomeRun();
    QWidget* mask = m_docks->dock("mask");
    const auto selectStep = [this] {
        // The first step in the focus phase; better one whose segment names several others.
        const RunData& run = store()->data();
        int best = -1;
        for (const StepRecord& step : run.steps) {
            if (step.phase != Phase::Focus || step.segment < 0 || step.segment >= static_cast<int>(run.segments.size()))
                continue;
            best = step.index;
            if (run.segments[static_cast<size_t>(step.segment)].refs.size() > 1) break;
        }
        if (best >= 0) selection()->lockRange(best, best);
    };
    auto* tour = new Tour(
        {{m_transcripts->transcript(),
          tr("A model at work"),
          tr("Before each line or key point of its response the model names what it needs to write it: that stands "
             "behind “uses”. <b>Markup</b> shows how it says so."),
          {}},
         {mask, tr("What each step attends to"),
          tr("Click any token: everything it attends to is lit, in the text and here. A row is a step, which is "
             "one token; a column is a position; hatched cells were not read."),
          selectStep},
         {m_prompt, tr("Your turn"),
          tr("Type a problem or take a sample, then press <b>Ctrl+Return</b>. “Compare with dense” shows what "
             "attending to everything would have cost."),
          [this] { selection()->clear(); }}},
        this);
    connect(tour, &Tour::ended, this, [this] {
        QSettings().setValue("tour/done", true);
        selection()->clear();
        m_prompt->focusText();
    });
}

void MainWindow::startLesson() {
    if (auto* open = onShow<LessonCard>(this, "lesson")) return open->raise();
    if (onShow<Tour>(this, "tour") || m_workspace->isBusy()) return;
    showSomeRun();
    const bool sideBySide = action("sideBySide")->isChecked();
    auto* card = new LessonCard({m_workspace, m_docks, m_probe, m_prompt, m_runs}, this);
    connect(card, &LessonCard::wentBack, this, [this, sideBySide] {
        setSideBySide(sideBySide);
        m_docks->raise("mask");
    });
}

void MainWindow::startReplay() {
    if (auto* open = onShow<ReplayCard>(this, "replay")) return open->raise();
    if (m_workspace->isBusy() || showsConversation()) return say(tr("A run that has ended can be replayed"));
    if (!store()->isFinished() || store()->nSteps() == 0) return say(tr("There is no run to replay yet"));
    if (store()->nSteps() > kMaxReplaySteps)
        return say(tr("Runs of more than %1 steps are not replayed").arg(formatCount(kMaxReplaySteps)));
    setSideBySide(false);  // another run's text would give the answers away
    new ReplayCard(m_workspace, store()->share(), this);
}

}  // namespace spanscope
