#include "ui/views/probe/probe_view.h"

#include <QCheckBox>
#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QTabBar>
#include <QTabWidget>
#include <QTableWidget>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "engine/types/segment_name.h"
#include "ui/model/format.h"
#include "ui/model/mass_by_segment.h"
#include "ui/model/segment_summary.h"
#include "ui/model/shown_text.h"
#include "ui/views/probe/probe_branch.h"
#include "ui/views/probe/probe_plots.h"
#include "ui/views/probe/probe_tables.h"
#include "ui/views/probe/probe_text.h"
#include "ui/views/probe/probe_twins.h"
#include "ui/views/tab_order.h"
#include "ui/views/table_twin.h"

namespace spanscope {

using namespace probe;

namespace {

/// A cell that is sorted by what it stands for, not by its letters.
class NumberItem : public QTableWidgetItem {
  public:
    NumberItem(const QString& text, double value) : QTableWidgetItem(text), m_value(value) {
        setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
    }
    bool operator<(const QTableWidgetItem& other) const override {
        const auto* number = dynamic_cast<const NumberItem*>(&other);
        return number ? m_value < number->m_value : QTableWidgetItem::operator<(other);
    }

  private:
    double m_value;
};
constexpr size_t kMostMassRows = 2000;  // of the table: a recording may hold a hundred thousand segments

}  // namespace

ProbeView::ProbeView(RunStore* store, Selection* selection, QWidget* parent)
    : QWidget(parent),
      m_store(store),
      m_selection(selection),
      m_start(new QPushButton(tr("Inspect this run"), this)),
      m_jump(new QPushButton(tr("First difference"), this)),
      m_apply(new QPushButton(tr("Run the step again"), this)),
      m_goOn(new QPushButton(tr("Go on from here"), this)),
      m_status(new QLabel(this)),
      m_summary(new QLabel(this)),
      m_editText(new QLabel(this)),
      m_noSink(new QCheckBox(tr("Without first token"), this)),
      m_most(new QComboBox(this)),
      m_strip(new DivergenceStrip(this)),
      m_heads(new HeadGrid(this)),
      m_attention(new AttentionStrip(store->data(), this)),
      m_text(new ProbeText(store, this)),
      m_tabs(new QTabWidget(this)),
      m_segments(new QListWidget(this)) {
    setObjectName("page");
    setAttribute(Qt::WA_StyledBackground);
    setAccessibleName(tr("Inspect"));
    m_start->setToolTip(
        tr("Replays the run under its spans and densely. This is not a measurement; figures of speed keep their last "
           "measured value"));
    m_jump->setToolTip(tr("The first step where dense and declared would choose different tokens"));
    m_noSink->setToolTip(tr("The first token often takes most of the attention mass and hides the rest"));
    m_noSink->setChecked(true);
    m_most->addItems({tr("Mean of heads"), tr("Largest of heads")});
    m_most->setAccessibleName(tr("Of several heads"));
    m_most->setToolTip(tr("What the plot and the text show while no head is chosen in the grid"));
    m_mass = table(
        {tr("Segment"), tr("Tokens"), tr("Dense mass"), tr("Declared mass"), tr("Kept")}, tr("Where the mass goes"),
        tr("Attention of the step by segment; kept is the share of the segment's dense mass inside the span. "
           "Click a heading to sort"),
        this);
    m_mass->horizontalHeader()->setStretchLastSection(false);
    m_mass->setSortingEnabled(true);
    m_mass->sortByColumn(2, Qt::DescendingOrder);
    m_missed = table({tr("Position"), tr("Token"), tr("Segment"), tr("Dense mass")}, tr("Missed"),
                     tr("Outside the span, most dense attention first"), this);
    m_wasted = table({tr("Position"), tr("Token"), tr("Segment"), tr("Dense mass")}, tr("Unused"),
                     tr("Inside the span, least dense attention first"), this);
    m_choices = table({tr("Dense"), tr("Probability"), tr("Declared"), tr("Probability")}, tr("What follows"),
                      tr("The likeliest tokens after the selected one, temperature 1"), this);
    m_segments->setAccessibleName(tr("Segments that the step may attend to"));
    m_segments->setToolTip(tr("Tick what this step may attend to, then run it again"));
    m_segments->setFrameShape(QFrame::NoFrame);
    m_apply->setToolTip(tr("Only this step, under the ticked span; the run stays as it was"));
    m_editText->setWordWrap(true);
    m_editText->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_tabs->setDocumentMode(true);
    m_tabs->setAccessibleName(tr("Findings"));
    auto* next = new QWidget(this);
    m_branch = new ProbeBranch(m_choices, next);
    auto* nextColumn = new QVBoxLayout(next);
    nextColumn->setContentsMargins(0, 0, 0, 0);
    nextColumn->setSpacing(0);
    nextColumn->addWidget(m_choices, 1);
    nextColumn->addWidget(m_branch);
    m_tabs->addTab(m_text, tr("Text"));
    m_tabs->addTab(m_mass, tr("Where the mass goes"));
    m_tabs->addTab(next, tr("What follows"));
    m_tabs->addTab(m_missed, tr("Missed"));
    m_tabs->addTab(m_wasted, tr("Unused"));
    m_tabs->addTab(makeEditor(), tr("Edit span"));
    tabThrough({m_most, m_noSink, m_jump, m_strip, m_heads, m_attention, m_tabs->tabBar(), m_apply, m_goOn, m_segments,
                m_moved});
    m_status->setWordWrap(true);
    m_summary->setWordWrap(true);

    auto* head = new QHBoxLayout;
    head->setSpacing(8);
    head->addWidget(m_status, 1);
    head->addWidget(m_most);
    head->addWidget(m_noSink);
    head->addWidget(m_jump);
    m_content = new QWidget(this);
    auto* middle = new QHBoxLayout;
    middle->setSpacing(8);
    middle->addWidget(m_heads, 1);
    middle->addWidget(m_attention, 3);
    auto* inner = new QVBoxLayout(m_content);
    inner->setContentsMargins(0, 0, 0, 0);
    inner->setSpacing(6);
    inner->addWidget(m_strip);
    inner->addWidget(m_summary);
    inner->addLayout(middle, 2);
    inner->addWidget(m_tabs, 3);
    m_empty = new QWidget(this);
    auto* about =
        new QLabel(tr("Replays the run twice, under its spans and densely, and shows for every step what the "
                      "span kept of the dense "
                      "attention, what it missed, and how much the predictions differ. Then a span can be edited "
                      "and its step run again.\n"
                      "View, Inspect layout gives this panel the most room."),
                   m_empty);
    about->setWordWrap(true);
    auto* startRow = new QHBoxLayout;
    startRow->addWidget(m_start);
    startRow->addStretch(1);
    auto* emptyColumn = new QVBoxLayout(m_empty);
    emptyColumn->setContentsMargins(0, 0, 0, 0);
    emptyColumn->addWidget(about);
    emptyColumn->addSpacing(8);
    emptyColumn->addLayout(startRow);
    emptyColumn->addStretch(1);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(16, 4, 16, 8);
    column->setSpacing(6);
    column->addLayout(head);
    column->addWidget(m_content, 1);
    column->addWidget(m_empty, 1);

    const auto twin = [this](FigureTable* table) {
        connect(this, &ProbeView::figuresChanged, table, &FigureTable::rebuild);
        return table;
    };
    addTableTwin(m_strip, selection, [this, twin] { return twin(new DivergenceTable(m_store->data(), m_curve)); });
    addTableTwin(
        m_heads, nullptr, [this, twin] { return twin(new HeadsTable(m_probe)); },
        [this](int row) {
            if (row < 0 || m_probe.nHeads <= 0) return;
            m_heads->setChosen(row / m_probe.nHeads, row % m_probe.nHeads);
            requestProbe();
        });
    addTableTwin(m_attention, nullptr, [this, twin] { return twin(new AttentionTable(m_store->data(), m_probe)); });
    for (QWidget* figure : std::initializer_list<QWidget*>{m_strip, m_heads, m_attention})
        figure->setContextMenuPolicy(Qt::ActionsContextMenu);

    connect(m_goOn, &QPushButton::clicked, this, &ProbeView::requestSpanBranch);
    connect(m_branch, &ProbeBranch::tokenChosen, this, [this](int step, int id) { requestBranch(step, {id}, {}); });
    connect(m_branch, &ProbeBranch::textTyped, this,
            [this](int step, const QString& text) { requestBranch(step, {}, text); });

    m_timer.setSingleShot(true);
    m_timer.setInterval(80);
    connect(&m_timer, &QTimer::timeout, this, &ProbeView::requestProbe);
    connect(m_start, &QPushButton::clicked, this, [this] {
        m_start->setEnabled(false);
        m_status->setText(tr("Replaying…"));
        emit inspectRequested();
    });
    connect(this, &ProbeView::inspectRequested, this, [this] { m_waiting = true; });
    connect(m_jump, &QPushButton::clicked, this, [this] {
        if (m_curve.firstDifferent >= 0) m_selection->lockRange(m_curve.firstDifferent, m_curve.firstDifferent);
    });
    connect(m_apply, &QPushButton::clicked, this, &ProbeView::requestEdit);
    connect(m_segments, &QListWidget::itemChanged, this, &ProbeView::onTicked);
    connect(m_attention, &AttentionStrip::spanDragged, this, &ProbeView::showTicks);
    connect(m_attention, &AttentionStrip::spanEdited, this, [this] {
        showTicks();
        requestEdit();
    });
    connect(m_noSink, &QCheckBox::toggled, this, &ProbeView::showProbe);
    connect(m_heads, &HeadGrid::chosen, this, &ProbeView::requestProbe);
    connect(m_most, &QComboBox::currentIndexChanged, this, &ProbeView::requestProbe);
    connect(m_text, &ProbeText::stepClicked, this, [this](int step) { m_selection->lockRange(step, step); });
    connect(m_strip, &DivergenceStrip::stepClicked, this, [this](int step) { m_selection->lockRange(step, step); });
    connect(m_selection, &Selection::changed, this, [this] {
        m_strip->setCurrent(m_selection->current());
        if (m_ready && m_selection->isLocked()) m_timer.start();
    });
    connect(m_store, &RunStore::reset, this, &ProbeView::leave);
    leave();
}

void ProbeView::setAvailable(bool available, const QString& why) {
    m_available = available;
    if (m_ready) return;
    m_start->setEnabled(available);
    m_status->setText(available ? tr("Compare every step with dense attention over the same tokens.") : why);
}

void ProbeView::leave() {
    const bool was = m_ready;
    m_ready = m_waiting = false;
    m_curve = {};
    m_probe = {};
    m_strip->setCurve({});
    m_heads->setProbe({}, true);
    m_attention->setProbe({}, true);
    m_text->setProbe({}, true);
    for (QTableWidget* t : {m_mass, m_missed, m_wasted, m_choices, m_moved}) t->setRowCount(0);
    m_segments->clear();
    m_editText->clear();
    m_summary->clear();
    m_editStep = -1;
    m_attention->setEditor(nullptr);
    m_jump->setEnabled(false);
    m_apply->setEnabled(false);
    m_goOn->setEnabled(false);
    m_branch->setProbe(nullptr);
    m_start->setEnabled(m_available);
    showContent();
    m_status->setText(tr("Compare every step with dense attention over the same tokens."));
    emit figuresChanged();
    if (was) emit inspectingChanged(false);
}

void ProbeView::showContent() {
    m_content->setVisible(m_ready);
    m_noSink->setVisible(m_ready);
    m_most->setVisible(m_ready);
    m_jump->setVisible(m_ready);
    m_empty->setVisible(!m_ready);
}

void ProbeView::onProgress(int done, int total) {
    if (m_waiting) m_status->setText(tr("Replaying %1 of %2 steps").arg(formatCount(done), formatCount(total)));
}

void ProbeView::onFailed(const ErrorInfo& error) {
    if (!m_waiting && !m_ready) return;  // of a run that is no longer on show
    m_waiting = false;
    m_status->setText(QStringLiteral("⚠ ") + shownText(error.text, 800));
    m_start->setEnabled(m_available);
    emit failed(shownText(error.text, 800));
}

void ProbeView::onCurve(const DivergenceCurve& curve) {
    // Recorded runs of different files may have one id: what was asked for before another run came on show is not this
    // run's.
    if (!m_waiting || curve.runId != m_store->data().header.runId ||
        curve.klNats.size() != m_store->data().steps.size())
        return;
    m_waiting = false;
    m_curve = curve;
    m_ready = true;
    m_strip->setCurve(curve);
    m_strip->setCurrent(m_selection->current());
    emit figuresChanged();
    double sum = 0;
    for (const float kl : curve.klNats) sum += double(kl);
    const auto nDifferent = std::count(curve.sameTop.begin(), curve.sameTop.end(), uint8_t{0});
    m_status->setText(
        tr("KL(dense ‖ declared): mean %1. %2")
            .arg(formatNats(sum / std::max<double>(1, double(curve.klNats.size()))),
                 nDifferent ? tr("%1 of %2 steps would choose differently.").arg(nDifferent).arg(curve.klNats.size())
                            : tr("Both would choose the same token at every step.")));
    m_jump->setEnabled(curve.firstDifferent >= 0);
    showContent();
    emit inspectingChanged(true);
    if (!m_selection->isLocked() && m_store->nSteps() > 0)
        m_selection->lockRange(m_store->nSteps() - 1, m_store->nSteps() - 1);
    requestProbe();
}

void ProbeView::requestProbe() {
    const int step = m_selection->current();
    if (!m_ready || step < 0 || step >= m_store->nSteps()) return;
    ProbeSettings settings;
    settings.layer = m_heads->layer();
    settings.head = m_heads->head();
    settings.most = m_most->currentIndex() == 1;
    emit probeRequested(step, settings);
}

void ProbeView::onProbe(const StepProbe& probe) {
    if (!m_ready || probe.runId != m_store->data().header.runId) return;
    m_probe = probe;
    showProbe();
    emit probed(m_editStep);
}

void ProbeView::tryWithout(int segment) {
    if (m_editStep < 0 || segment < 0 || segment >= static_cast<int>(m_store->data().segments.size())) return;
    const Segment& hidden = m_store->data().segments[static_cast<size_t>(segment)];
    m_editor.setShown({hidden.begin, hidden.end}, false);
    m_attention->setEditor(&m_editor);  // edges were renumbered
    showTicks();
    requestEdit();
}

QString ProbeView::tokenText(int position) const {
    const int nPrompt = m_store->nPrompt();
    if (position < 0 || position >= m_store->nContext()) return {};
    return shown(position < nPrompt ? m_store->data().header.prompt[static_cast<size_t>(position)].text
                                    : m_store->data().steps[static_cast<size_t>(position - nPrompt)].token.text);
}

QString ProbeView::segmentAt(int position) const {
    const auto& segments = m_store->data().segments;
    const auto after = std::upper_bound(segments.begin(), segments.end(), position,
                                        [](int p, const Segment& s) { return p < s.begin; });
    if (after == segments.begin() || position >= (after - 1)->end) return tr("prompt");
    return QString::fromStdString(segmentName(*(after - 1)));
}

void ProbeView::showProbe() {
    if (!m_ready || m_probe.dense.empty()) return;
    const bool noSink = m_noSink->isChecked();
    m_heads->setProbe(m_probe, noSink);
    m_attention->setProbe(m_probe, noSink);
    emit figuresChanged();
    m_text->setProbe(m_probe, noSink);
    showMass();
    const auto& mass = noSink ? m_probe.massKeptNoSink : m_probe.massKept;
    double kept = 0;
    for (const float m : mass) kept += double(m);
    m_summary->setText(
        tr("Step %1 reads “%2”; shown is where it looks and what follows it. The span kept %3 of the dense attention "
           "mass (mean over heads); KL %4; %5. Showing %6.")
            .arg(m_probe.step)
            .arg(tokenText(m_probe.position), formatPercent(mass.empty() ? 1 : kept / double(mass.size())),
                 formatNats(m_probe.divergence.klNats),
                 m_probe.divergence.sameTop ? tr("both choose the same token") : tr("dense would choose another token"),
                 m_probe.layer < 0 ? m_probe.most ? tr("the largest of all heads") : tr("the mean of all heads")
                                   : tr("layer %1, head %2").arg(m_probe.layer).arg(m_probe.head)));
    for (auto [t, list] : {std::pair{m_missed, &m_probe.missed}, std::pair{m_wasted, &m_probe.wasted}}) {
        t->setRowCount(static_cast<int>(list->size()));
        for (int r = 0; r < t->rowCount(); ++r) {
            const PositionMass& p = (*list)[static_cast<size_t>(r)];
            fillRow(t, r,
                    {QString::number(p.position), tokenText(p.position), segmentAt(p.position),
                     formatPercent(double(p.mass))});
        }
    }
    showChoices(m_probe);
    m_branch->setProbe(&m_probe);
    if (m_editStep != m_probe.step) fillEdit();
}

void ProbeView::showMass() {
    const auto sums = massBySegment(m_store->data(), m_probe, m_noSink->isChecked());
    m_mass->setSortingEnabled(false);
    m_mass->setRowCount(static_cast<int>(std::min(sums.size(), kMostMassRows)));
    for (int r = 0; r < m_mass->rowCount(); ++r) {
        const SegmentMass& s = sums[static_cast<size_t>(r)];
        m_mass->setItem(r, 0, new QTableWidgetItem(segmentMassName(m_store->data(), s)));
        m_mass->setItem(r, 1, new NumberItem(formatCount(s.nTokens), double(s.nTokens)));
        m_mass->setItem(r, 2, new NumberItem(formatPercent(s.dense), s.dense));
        m_mass->setItem(r, 3, new NumberItem(formatPercent(s.declared), s.declared));
        m_mass->setItem(r, 4, new NumberItem(formatPercent(s.keptShare()), s.keptShare()));
    }
    m_mass->setSortingEnabled(true);  // in the order that was chosen
}

void ProbeView::showChoices(const StepProbe& probe) {
    const size_t n = std::max(probe.topDense.size(), probe.topRestricted.size());
    m_choices->setRowCount(static_cast<int>(n));
    for (size_t i = 0; i < n; ++i) {
        const auto cell = [&](const std::vector<TokenChoice>& list) {
            return i < list.size() ? QStringList{shown(list[i].text), formatPercent(std::exp(double(list[i].logprob)))}
                                   : QStringList{QString(), QString()};
        };
        fillRow(m_choices, static_cast<int>(i), cell(probe.topDense) + cell(probe.topRestricted));
    }
}

QString ProbeView::summary() const { return m_status->text() + '\n' + m_summary->text(); }
QString ProbeView::editResult() const { return m_editText->text(); }

}  // namespace spanscope
