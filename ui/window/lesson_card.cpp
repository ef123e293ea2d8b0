#include "ui/window/lesson_card.h"

#include <QLabel>
#include <QPushButton>

#include "ui/model/shown_text.h"
#include "ui/views/probe/probe_view.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/window/dock_layout.h"
#include "ui/window/run_controller.h"
#include "ui/window/workspace.h"

namespace spanscope {

LessonCard::LessonCard(const Parts& parts, QWidget* window)
    : FloatingCard(window),
      m_parts(parts),
      m_act(addButton({}, {})),
      m_back(addButton(tr("Back"), tr("The page before"))),
      m_next(addButton(tr("Next"), tr("The next page"))) {
    setObjectName("lesson");
    connect(m_act, &QPushButton::clicked, this, &LessonCard::act);
    connect(m_back, &QPushButton::clicked, this, &LessonCard::back);
    connect(m_next, &QPushButton::clicked, this, &LessonCard::next);
    Workspace* workspace = m_parts.workspace;
    for (const auto signal : {&RunStore::reset, &RunStore::finished})
        connect(workspace->shown(), signal, this, [this] {
            if (m_doing != Doing::GoingOn) forget();
            refresh();
        });
    connect(workspace->selection(), &Selection::changed, this, &LessonCard::refresh);
    connect(workspace, &Workspace::changed, this, [this] {
        if (m_doing == Doing::GoingOn && !m_parts.workspace->isBusy()) {
            m_doing = Doing::Nothing;
            const RunStore* shown = m_parts.workspace->shown();
            if (!shown->isFinished() || !shown->data().header.branch.isBranch()) forget();  // it could not start
            else if (m_page != LessonPage::Remove) return backToRun();
        }
        refresh();
    });
    ProbeView* probe = m_parts.probe;
    connect(probe, &ProbeView::inspectingChanged, this, [this](bool inspecting) {
        if (m_doing == Doing::TakingAway && inspecting)
            m_parts.workspace->selection()->lockRange(m_place.step, m_place.step);
    });
    connect(probe, &ProbeView::probed, this, [this](int step) {
        if (m_doing == Doing::TakingAway && step == m_place.step) m_parts.probe->tryWithout(m_place.reference);
    });
    connect(probe, &ProbeView::edited, this, [this](const StepEdit& edit) {
        if (m_doing != Doing::TakingAway || edit.step != m_place.step) return;
        m_doing = Doing::Nothing;
        m_busy.clear();
        m_removed = edit;
        refresh();
    });
    connect(probe, &ProbeView::failed, this, [this](const QString& why) {
        if (m_doing != Doing::TakingAway) return;
        m_doing = Doing::Nothing;
        say(why);
    });
    findPlace();
    show();
    show_(LessonPage::Attention);
}

void LessonCard::findPlace() {
    m_place =
        m_parts.workspace->shown()->isFinished() ? lessonPlace(m_parts.workspace->shown()->data()) : LessonPlace{};
}

void LessonCard::forget() {
    m_removed.reset();
    m_parent.reset();
    m_doing = Doing::Nothing;
    m_busy.clear();
    findPlace();
}

void LessonCard::say(const QString& busy) {
    m_busy = busy;
    refresh();
}

void LessonCard::show_(LessonPage page) {
    m_page = page;
    if (page != LessonPage::Remove) backToRun();  // what follows is about the run itself
    Selection* selection = m_parts.workspace->selection();
    switch (page) {
        case LessonPage::Attention:
        case LessonPage::Dense:
            m_parts.docks->raise("mask");
            selection->clear();
            break;
        case LessonPage::Named:
            m_parts.docks->raise("mask");
            if (m_place.step >= 0) selection->lockRange(m_place.step + 1, m_place.step + 1);
            break;
        case LessonPage::Remove:
            if (m_place.step >= 0) selection->lockRange(m_place.step, m_place.step);
            break;
        case LessonPage::Cost: m_parts.docks->raise("throughput"); break;
        case LessonPage::YourTurn:
            selection->clear();
            m_parts.prompt->focusText();
            break;
    }
    refresh();
    if (page != LessonPage::YourTurn) m_next->setFocus();
}

void LessonCard::refresh() {
    Workspace* workspace = m_parts.workspace;
    const RunData& run = workspace->shown()->data();
    LessonFacts facts;
    facts.place = m_place;
    facts.step = workspace->selection()->current();
    facts.dense = workspace->beside()->isFinished() && !workspace->beside()->isEmpty() &&
                          workspace->beside()->data().header.settings.attention == MaskPolicySpec::dense()
                      ? &workspace->beside()->data().stats
                      : nullptr;
    facts.weightBytes = workspace->model().weightBytes;
    facts.parent = m_parent.get();
    facts.removed = m_removed ? &*m_removed : nullptr;
    facts.busy = m_busy;
    setContent(lessonTitle(m_page), lessonText(m_page, run, facts));
    const int index = static_cast<int>(m_page);
    count()->setText(tr("%1 of %2").arg(index + 1).arg(kLessonPages));
    m_back->setEnabled(index > 0);
    m_next->setText(index + 1 < kLessonPages ? tr("Next") : tr("Finish"));
    m_act->setVisible(m_page == LessonPage::Remove && m_place.reference >= 0);
    if (!m_act->isVisibleTo(this)) return;
    const bool ready = workspace->state() == Workspace::State::Ready;
    m_act->setEnabled(m_doing == Doing::Nothing && (ready || (m_parent && !workspace->isBusy())));
    m_act->setText(actName());
    if (m_parent) m_act->setToolTip(tr("Shows the run that this one goes on from; this one stays in Runs"));
    else if (!ready) m_act->setToolTip(tr("A model has to be loaded, and nothing may be running"));
    else if (m_removed) m_act->setToolTip(tr("A new run that keeps all before this step and goes on without it"));
    else m_act->setToolTip(tr("Runs the step again without what it named"));
}

QString LessonCard::actName() const {
    if (m_parent) return tr("Back to the run");
    if (m_removed) return tr("Let it go on");
    const auto& segments = m_parts.workspace->shown()->data().segments;
    if (static_cast<size_t>(m_place.reference) >= segments.size()) return {};
    const Segment& reference = segments[static_cast<size_t>(m_place.reference)];
    return tr("Take away %1 %2").arg(QString::fromLatin1(segmentKindName(reference.kind))).arg(reference.label);
}

void LessonCard::act() {
    if (m_parent) backToRun();
    else if (m_removed) goOn();
    else takeAway();
}

void LessonCard::next() {
    const int index = static_cast<int>(m_page) + 1;
    if (index < kLessonPages) show_(static_cast<LessonPage>(index));
    else end();
}

void LessonCard::back() {
    if (m_page != LessonPage::Attention) show_(static_cast<LessonPage>(static_cast<int>(m_page) - 1));
}

void LessonCard::takeAway() {
    if (m_place.reference < 0 || m_parent || m_doing != Doing::Nothing) return;
    m_doing = Doing::TakingAway;
    m_removed.reset();
    m_parts.docks->raise("probe");
    say(tr("Replaying the run in Inspect…"));
    if (!m_parts.probe->isInspecting()) {
        emit m_parts.probe->inspectRequested();
        return;
    }
    if (m_parts.probe->shownStep() == m_place.step) return m_parts.probe->tryWithout(m_place.reference);
    m_parts.workspace->selection()->lockRange(m_place.step, m_place.step);
}

void LessonCard::goOn() {
    if (!m_removed || m_parent || m_doing != Doing::Nothing) return;
    BranchRequest request;
    request.run = m_parts.workspace->shown()->share();
    request.step = m_removed->step;
    request.list = m_removed->after;
    m_parent = request.run;
    m_doing = Doing::GoingOn;
    m_parts.runs->branch(std::move(request));
    if (!m_parts.workspace->isBusy()) forget();  // refused
    refresh();
}

void LessonCard::backToRun() {
    if (!m_parent || m_doing != Doing::Nothing) return;
    if (const HistoryEntry* run = m_parts.workspace->history()->find(m_parent.get())) m_parts.runs->showAsItWas(*run);
    else m_parts.workspace->shown()->show(m_parent);
    emit wentBack();
}

}  // namespace spanscope
