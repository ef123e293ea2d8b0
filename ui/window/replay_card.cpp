#include "ui/window/replay_card.h"

#include <QKeyEvent>
#include <QLabel>
#include <QPushButton>
#include <QScopedValueRollback>
#include <QSpinBox>

#include "ui/window/workspace.h"

namespace spanscope {

ReplayCard::ReplayCard(Workspace* workspace, const SharedRun& run, QWidget* window)
    : FloatingCard(window),
      m_workspace(workspace),
      m_run(run),
      m_stops(replayStops(*run)),
      m_speed(new QSpinBox(this)) {
    setObjectName("replay");
    m_speed->setRange(1, 240);
    m_speed->setValue(20);
    m_speed->setSuffix(tr(" / min"));
    m_speed->setToolTip(tr("Pieces a minute while it plays"));
    m_speed->setAccessibleName(m_speed->toolTip());
    addToRow(m_speed);
    m_play = addButton(tr("Play"), tr("Pieces come by themselves"));
    m_play->setCheckable(true);
    m_back = addButton(tr("Back"), tr("One piece less (Left)"));
    m_next = addButton({}, tr("One piece more (Space)"));
    connect(m_play, &QPushButton::toggled, this, &ReplayCard::setPlaying);
    connect(m_back, &QPushButton::clicked, this, &ReplayCard::back);
    connect(m_next, &QPushButton::clicked, this, &ReplayCard::next);
    connect(&m_timer, &QTimer::timeout, this, &ReplayCard::next);
    connect(m_speed, &QSpinBox::valueChanged, this, [this](int perMinute) { m_timer.setInterval(60'000 / perMinute); });
    m_timer.setInterval(60'000 / m_speed->value());
    connect(m_workspace->shown(), &RunStore::reset, this, [this] {
        if (!m_mine) close();  // another run is on show
    });
    connect(this, &ReplayCard::ended, this, &ReplayCard::showWhole);
    show();
    tell(0);
    m_next->setFocus();
}

void ReplayCard::tell(int nPieces) {
    const QScopedValueRollback mine(m_mine, true);
    RunStore* store = m_workspace->shown();
    const int before = m_told > 0 ? m_stops[static_cast<size_t>(m_told - 1)].nSteps : 0;
    const bool more = nPieces > m_told && !store->isFinished();
    m_told = nPieces;
    const int nSteps = nPieces > 0 ? m_stops[static_cast<size_t>(nPieces - 1)].nSteps : 0;
    const RunData told = runUntil(*m_run, nSteps);
    size_t nOfPrompt = 0;
    while (nOfPrompt < told.segments.size() && told.segments[nOfPrompt].kind != SegmentKind::Out) ++nOfPrompt;
    const auto firstOut = told.segments.begin() + static_cast<std::ptrdiff_t>(nOfPrompt);
    if (!more) store->begin(std::make_shared<const RunHeader>(told.header), {told.segments.begin(), firstOut});
    auto batch = std::make_shared<RunBatch>();
    batch->runId = told.header.runId;
    batch->steps.assign(told.steps.begin() + (more ? before : 0), told.steps.end());
    batch->firstSegment = nOfPrompt;
    batch->segments.assign(firstOut, told.segments.end());
    batch->violations = told.violations;
    batch->stats = told.stats;
    batch->answer = told.answer;
    batch->finished = nPieces == this->nPieces();
    store->append(batch);
    const ReplayStop stop = nPieces > 0 ? m_stops[static_cast<size_t>(nPieces - 1)] : ReplayStop{};
    if (stop.segment >= 0) {  // what it reads while it writes: from the first token behind the names on
        const Segment& segment = m_run->segments[static_cast<size_t>(stop.segment)];
        const int body = segment.bodyBegin - static_cast<int>(m_run->header.prompt.size());
        const int step = stop.named || segment.bodyBegin < 0 ? nSteps - 1 : std::min(body, nSteps - 1);
        m_workspace->selection()->lockRange(step, step);
    } else {
        m_workspace->selection()->clear();
    }
    refresh();
}

void ReplayCard::refresh() {
    const ReplayStop stop = m_told > 0 ? m_stops[static_cast<size_t>(m_told - 1)] : ReplayStop{};
    const bool all = m_told == nPieces();
    QString text;
    if (m_told == 0) text = tr("Only the prompt is there. What will the model look at first?");
    else if (all) text = tr("That was all of it.");
    else if (stop.named)
        text = tr("It has named what it needs: that is lit, and nothing else will be read. <b>What will it write?</b>");
    else text = tr("Written, from what is lit alone. What will it name next?");
    setContent(tr("Replay for a class"), text);
    count()->setText(tr("%1 of %2").arg(m_told).arg(nPieces()));
    m_next->setText(stop.named ? tr("Show it") : tr("Next"));
    m_next->setEnabled(!all);
    m_back->setEnabled(m_told > 0);
    if (all) m_play->setChecked(false);
}

void ReplayCard::next() {
    if (m_told < nPieces()) tell(m_told + 1);
}

void ReplayCard::back() {
    if (m_told > 0) tell(m_told - 1);
}

void ReplayCard::setPlaying(bool playing) {
    m_play->setText(playing ? tr("Pause") : tr("Play"));
    if (playing) m_timer.start();
    else m_timer.stop();
}

void ReplayCard::keyPressEvent(QKeyEvent* event) {
    switch (event->key()) {
        case Qt::Key_Space:
        case Qt::Key_Right: next(); break;
        case Qt::Key_Left: back(); break;
        default: FloatingCard::keyPressEvent(event);
    }
}

void ReplayCard::showWhole() {
    m_timer.stop();
    if (m_told == nPieces()) return;
    const QScopedValueRollback mine(m_mine, true);
    m_workspace->shown()->show(m_run);
    m_workspace->selection()->clear();
}

}  // namespace spanscope
