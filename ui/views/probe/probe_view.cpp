#include "ui/views/probe/probe_view.h"

#include <QCheckBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QTabWidget>
#include <QTableWidget>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "engine/types/segment_name.h"
#include "ui/model/format.h"
#include "ui/model/segment_summary.h"
#include "ui/model/shown_text.h"
#include "ui/views/probe/probe_branch.h"
#include "ui/views/probe/probe_plots.h"

namespace spanscope {

namespace {
constexpr int kSegmentRole = Qt::UserRole + 1;

QTableWidget* table(const QStringList& heads, const QString& name, const QString& tip, QWidget* parent) {
    auto* t = new QTableWidget(0, static_cast<int>(heads.size()), parent);
    t->setHorizontalHeaderLabels(heads);
    t->setAccessibleName(name);
    t->setToolTip(tip);
    t->setEditTriggers(QAbstractItemView::NoEditTriggers);
    t->setSelectionBehavior(QAbstractItemView::SelectRows);
    t->setFrameShape(QFrame::NoFrame);
    t->setShowGrid(false);
    t->setTabKeyNavigation(false);
    t->verticalHeader()->hide();
    t->horizontalHeader()->setStretchLastSection(true);
    t->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    return t;
}

void fillRow(QTableWidget* t, int row, const QStringList& cells) {
    for (int c = 0; c < cells.size(); ++c) t->setItem(row, c, new QTableWidgetItem(cells[c]));
}

QString shown(const std::string& text) { return shownLine(text, 60).replace(' ', QChar(0x2423)); }
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
      m_strip(new DivergenceStrip(this)),
      m_heads(new HeadGrid(this)),
      m_attention(new AttentionStrip(this)),
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
    m_missed = table({tr("Position"), tr("Token"), tr("Segment"), tr("Dense mass")}, tr("Missed"),
                     tr("Outside the span, most dense attention first"), this);
    m_wasted = table({tr("Position"), tr("Token"), tr("Segment"), tr("Dense mass")}, tr("Unused"),
                     tr("Inside the span, least dense attention first"), this);
    m_choices = table({tr("Dense"), tr("Probability"), tr("Declared"), tr("Probability")}, tr("Next token"),
                      tr("The likeliest next tokens, temperature 1"), this);
    m_segments->setAccessibleName(tr("Segments that the step may attend to"));
    m_segments->setToolTip(tr("Tick what this step may attend to, then run it again"));
    m_segments->setFrameShape(QFrame::NoFrame);
    m_apply->setToolTip(tr("Only this step, under the ticked span; the run stays as it was"));
    m_editText->setWordWrap(true);
    m_editText->setTextInteractionFlags(Qt::TextSelectableByMouse);
    auto* editor = new QWidget(this);
    auto* editColumn = new QVBoxLayout(editor);
    editColumn->setContentsMargins(8, 8, 8, 8);
    m_moved = table({tr("Next token"), tr("Before"), tr("After"), tr("Change")}, tr("How the distribution moved"),
                    tr("Probabilities of the next token under the recorded span and under the edited one"), editor);
    auto* editLists = new QHBoxLayout;
    editLists->addWidget(m_segments, 2);
    editLists->addWidget(m_moved, 3);
    auto* editRow = new QHBoxLayout;
    editRow->addWidget(m_editText, 1);
    editRow->addWidget(m_apply, 0, Qt::AlignTop);
    editRow->addWidget(m_goOn, 0, Qt::AlignTop);
    m_goOn->setObjectName("branchSpan");
    m_goOn->setToolTip(tr(
        "A new run that goes on from this step under the ticked span, to the end of the step's phase; this run stays "
        "beside it"));
    editColumn->addLayout(editRow);  // above the lists: in sight however low the panel is
    editColumn->addLayout(editLists, 1);
    m_tabs->setDocumentMode(true);
    m_tabs->setAccessibleName(tr("Findings"));
    auto* next = new QWidget(this);
    m_branch = new ProbeBranch(m_choices, next);
    auto* nextColumn = new QVBoxLayout(next);
    nextColumn->setContentsMargins(0, 0, 0, 0);
    nextColumn->setSpacing(0);
    nextColumn->addWidget(m_choices, 1);
    nextColumn->addWidget(m_branch);
    m_tabs->addTab(next, tr("Next token"));
    m_tabs->addTab(m_missed, tr("Missed"));
    m_tabs->addTab(m_wasted, tr("Unused"));
    m_tabs->addTab(editor, tr("Edit span"));
    m_status->setWordWrap(true);
    m_summary->setWordWrap(true);

    auto* head = new QHBoxLayout;
    head->setSpacing(8);
    head->addWidget(m_status, 1);
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
    for (QTableWidget* t : {m_missed, m_wasted, m_choices, m_moved}) t->setRowCount(0);
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
    if (was) emit inspectingChanged(false);
}

void ProbeView::showContent() {
    m_content->setVisible(m_ready);
    m_noSink->setVisible(m_ready);
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
    if (after == segments.begin() || position >= (after - 1)->end) return tr("scaffold");
    return QString::fromStdString(segmentName(*(after - 1)));
}

void ProbeView::showProbe() {
    if (!m_ready || m_probe.dense.empty()) return;
    const bool noSink = m_noSink->isChecked();
    m_heads->setProbe(m_probe, noSink);
    m_attention->setProbe(m_probe, noSink);
    const auto& mass = noSink ? m_probe.massKeptNoSink : m_probe.massKept;
    double kept = 0;
    for (const float m : mass) kept += double(m);
    m_summary->setText(
        tr("Step %1: the span kept %2 of the dense attention mass (mean over heads); KL %3; %4. Showing %5.")
            .arg(m_probe.step)
            .arg(formatPercent(mass.empty() ? 1 : kept / double(mass.size())), formatNats(m_probe.divergence.klNats),
                 m_probe.divergence.sameTop ? tr("both choose the same token") : tr("dense would choose another token"),
                 m_probe.layer < 0 ? tr("the mean of all heads")
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

void ProbeView::fillEdit() {
    m_editStep = m_probe.step;
    m_editor.reset(m_probe.visible ? *m_probe.visible : IntervalList{}, m_probe.position);
    m_attention->setEditor(&m_editor);
    m_moved->setRowCount(0);
    m_editText->setText(tr("Tick what step %1 may attend to, or drag the edges of the span above.").arg(m_editStep));
    m_apply->setEnabled(true);
    m_goOn->setEnabled(true);
    m_filling = true;
    m_segments->clear();
    const auto& segments = m_store->data().segments;
    for (size_t s = 0; s < segments.size(); ++s) {
        const Segment& segment = segments[s];
        if (segment.begin > m_probe.position) break;
        const int last = std::min(segment.end, m_probe.position + 1) - 1;
        auto* item = new QListWidgetItem(
            tr("%1 · tokens %2 – %3").arg(QString::fromStdString(segmentName(segment))).arg(segment.begin).arg(last),
            m_segments);
        item->setData(kSegmentRole, static_cast<int>(s));
        const bool own = segment.begin <= m_probe.position && m_probe.position < segment.end;
        // A step always sees itself, so its own segment stays.
        item->setFlags(own ? Qt::ItemIsEnabled : Qt::ItemIsEnabled | Qt::ItemIsUserCheckable | Qt::ItemIsSelectable);
    }
    m_filling = false;
    showTicks();
}

void ProbeView::showTicks() {
    m_filling = true;
    for (int r = 0; r < m_segments->count(); ++r) {
        QListWidgetItem* item = m_segments->item(r);
        const Segment& segment = m_store->data().segments[static_cast<size_t>(item->data(kSegmentRole).toInt())];
        const Interval tokens{segment.begin, std::min(segment.end, m_probe.position + 1)};
        const int n = m_editor.nShown(tokens);
        item->setCheckState(n == 0                           ? Qt::Unchecked
                            : n == tokens.end - tokens.begin ? Qt::Checked
                                                             : Qt::PartiallyChecked);
    }
    m_filling = false;
    m_attention->update();
}

void ProbeView::onTicked(QListWidgetItem* item) {
    const size_t s = static_cast<size_t>(item->data(kSegmentRole).toInt());
    if (m_filling || m_editStep < 0 || s >= m_store->data().segments.size() ||
        item->checkState() == Qt::PartiallyChecked)
        return;
    const Segment& segment = m_store->data().segments[s];
    m_editor.setShown({segment.begin, segment.end}, item->checkState() == Qt::Checked);
    m_attention->setEditor(&m_editor);  // edges were renumbered
}

void ProbeView::requestBranch(int step, std::vector<int32_t> tokens, const QString& text) {
    if (!m_ready) return;
    BranchRequest request;
    request.step = step;
    request.tokens = std::move(tokens);
    request.text = text;
    emit branchRequested(request);
}

void ProbeView::requestSpanBranch() {
    if (!m_ready || m_editStep < 0) return;
    BranchRequest request;
    request.step = m_editStep;
    request.list = m_editor.list();
    emit branchRequested(request);
}

void ProbeView::requestEdit() {
    if (m_ready && m_editStep >= 0) emit editRequested(m_editStep, m_editor.list());
}

void ProbeView::onEdit(const StepEdit& edit) {
    if (!m_ready || edit.runId != m_store->data().header.runId || edit.step != m_editStep) return;
    const auto first = [](const std::vector<TokenChoice>& list) {
        return list.empty() ? kNoValue
                            : QStringLiteral("“%1” %2").arg(shown(list.front().text),
                                                            formatPercent(std::exp(double(list.front().logprob))));
    };
    m_moved->setRowCount(0);
    const auto probability = [](const std::vector<TokenChoice>& list, int32_t id) {
        const auto it = std::find_if(list.begin(), list.end(), [id](const TokenChoice& c) { return c.id == id; });
        return it == list.end() ? -1.0 : std::exp(double(it->logprob));
    };
    for (const auto* list : {&edit.topAfter, &edit.topBefore})  // the new first choice on top
        for (const TokenChoice& choice : *list) {
            const double before = probability(edit.topBefore, choice.id), after = probability(edit.topAfter, choice.id);
            if (list == &edit.topBefore && after >= 0) continue;  // listed already
            const auto text = [](double p) { return p < 0 ? kNoValue : formatPercent(p); };
            const int row = m_moved->rowCount();
            m_moved->setRowCount(row + 1);
            fillRow(m_moved, row,
                    {shown(choice.text), text(before), text(after),
                     before < 0 || after < 0 ? kNoValue : formatPoints(after - before)});
        }
    m_editText->setText(
        tr("Attends to %1 tokens instead of %2. First choice %3, was %4, dense %5. KL to the run %6, to dense %7.")
            .arg(edit.attendedAfter)
            .arg(edit.attendedBefore)
            .arg(first(edit.topAfter), first(edit.topBefore), first(edit.topDense),
                 formatNats(edit.beforeToAfter.klNats), formatNats(edit.denseToAfter.klNats)));
    emit edited(edit);
}

QString ProbeView::summary() const { return m_status->text() + '\n' + m_summary->text(); }
QString ProbeView::editResult() const { return m_editText->text(); }

}  // namespace spanscope
