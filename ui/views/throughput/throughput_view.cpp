#include "ui/views/throughput/throughput_view.h"

#include <qcustomplot.h>
#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QLabel>
#include <QMouseEvent>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "engine/types/speed_up.h"
#include "ui/model/format.h"
#include "ui/views/figure_access.h"
#include "ui/views/tab_order.h"
#include "ui/views/table_twin.h"
#include "ui/views/view_actions.h"

namespace spanscope {

namespace {
constexpr int kRedrawMs = 66;

}  // namespace

// ---- table

namespace {

QVector<FigureTable::Column> tableColumns(const QString& first, const QString& second) {
    using T = ThroughputTable;
    return {{T::tr("step"), T::tr("Index of the response token"), false},
            {T::tr("context"), T::tr("Tokens stored when the step ran, itself included"), false},
            {T::tr("%1 t/s").arg(first), T::tr("Last n tokens / their wall time; at least 0.5 s or 32 steps"), false},
            {T::tr("%1 t/s").arg(second), T::tr("The same for the run beside it"), false},
            {T::tr("step ms"), T::tr("Wall time of this step alone"), false},
            {T::tr("attended"), T::tr("Tokens in the step's interval list"), false},
            {T::tr("loaded"), T::tr("The same rounded outward to pages of 16 tokens, mean over layers: what is loaded"),
             false},
            {T::tr("causal"), T::tr("Tokens that plain causal attention would attend to"), false}};
}

}  // namespace

ThroughputTable::ThroughputTable(const ThroughputSeries* declared, const ThroughputSeries* dense, QObject* parent)
    : FigureTable(tr("Throughput"), tableColumns({}, {}), parent), m_declared(declared), m_dense(dense) {}

int ThroughputTable::nRows() const { return int(std::max(m_declared->points().size(), m_dense->points().size())); }

IndexRange ThroughputTable::steps(int row) const {
    return row < int(m_declared->points().size()) ? IndexRange{row, row} : IndexRange{};
}

void ThroughputTable::setLaneNames(const QString& first, const QString& second) {
    if (first == m_first && second == m_second) return;
    m_first = first;
    m_second = second;
    setColumns(tableColumns(first, second));
}

double ThroughputTable::key(int row, int column) const {
    const auto at = [&](const ThroughputSeries* s) {
        return row < int(s->points().size()) ? &s->points()[size_t(row)] : nullptr;
    };
    const ThroughputPoint *a = at(m_declared), *b = at(m_dense), *any = a ? a : b;
    switch (column) {
        case Step: return row;
        case Context: return any->context;
        case DeclaredRate: return a ? a->tokensPerS : std::nan("");
        case DenseRate: return b ? b->tokensPerS : std::nan("");
        case StepMs: return any->stepMs;
        case Attended: return any->attended;
        case Loaded: return any->loaded;
        default: return any->causal;
    }
}

QString ThroughputTable::cell(int row, int column) const {
    const double value = key(row, column);
    if (column >= DeclaredRate && column <= StepMs) return std::isnan(value) ? QString() : formatNumber(value);
    return formatCount(qint64(value));
}

// ---- view

ThroughputView::ThroughputView(RunStore* declared, RunStore* dense, Selection* selection, QWidget* parent)
    : QWidget(parent), m_declaredStore(declared), m_denseStore(dense), m_selection(selection) {
    setObjectName("throughputView");
    m_plot = new QCustomPlot(this);
    m_plot->setObjectName("throughputPlot");
    m_plot->setFocusPolicy(Qt::StrongFocus);
    m_plot->setAccessibleName(tr("Throughput plot"));
    describeAsFigure(m_plot);
    m_plot->setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
    m_plot->setMinimumSize(180, 90);
    m_plot->installEventFilter(this);
    m_painter = std::make_unique<ThroughputPlot>(m_plot);
    m_painter->setLanesNamed(false);  // the figures above do

    m_tableModel = new ThroughputTable(&m_declared, &m_dense, this);
    m_table = new FigureTableView(m_tableModel, m_selection, this);
    m_table->setObjectName("throughputTable");
    m_table->setAccessibleName(tr("Throughput, step by step"));

    const auto label = [this](const char* name, const QString& tip) {
        auto* l = new QLabel(this);
        l->setObjectName(name);
        l->setToolTip(tip);
        l->setTextFormat(Qt::RichText);
        QFont small = font();
        small.setPointSizeF(std::max(7.0, small.pointSizeF() * 0.9));
        l->setFont(small);
        l->setMinimumWidth(1);  // a narrow dock cuts the text, it does not widen the window
        return l;
    };
    const QString decode =
        tr("Decode tokens per second: (N \u2212 1) / (time of the last token \u2212 time of the first). "
           "While running: the last tokens / their wall time, over at least 0.5 s or 32 steps.");
    m_declaredLabel =
        label("declaredRate",
              tr("The current run. <b>Declared</b>: each step attends to what the model named.<br>") + decode);
    m_denseLabel =
        label("denseRate", tr("The run beside it. <b>Dense</b>: plain causal attention, same weights.<br>") + decode);
    m_speedUpLabel = label("speedUp", tr("<b>Speed-up</b>: declared / dense decode rate at equal prompt, batch and "
                                         "sampler, over the steps that both have."));
    m_kvLabel = label("kvLoaded", QString());
    m_modeLabel = label("runMode", tr("Probing changes the work done, so rates taken meanwhile are no measurement."));
    m_modeLabel->setText(tr("<b>Inspecting</b>: no measurement"));
    auto* head = new QHBoxLayout;
    head->setContentsMargins(12, 4, 6, 0);
    head->setSpacing(10);
    for (QLabel* l : {m_modeLabel, m_declaredLabel, m_denseLabel, m_speedUpLabel, m_kvLabel}) head->addWidget(l);
    head->addStretch();

    m_empty = new QLabel(tr("No run yet.\nSpeed over context length appears here while a run goes on."), this);
    m_empty->setObjectName("throughputEmpty");
    m_empty->setAlignment(Qt::AlignCenter);
    m_empty->setWordWrap(true);
    m_stack = new QStackedWidget(this);
    m_stack->addWidget(m_plot);
    m_stack->addWidget(m_table);
    m_stack->addWidget(m_empty);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(2);
    layout->addLayout(head);
    layout->addWidget(m_stack, 1);
    makeActions();
    for (QAction* a : {m_timeAction, m_predictionAction, m_tableAction}) {
        auto* button = new QToolButton(this);
        button->setDefaultAction(a);
        button->setProperty("toggle", true);  // looks like one
        button->setFont(m_modeLabel->font());
        head->addWidget(button);
        m_buttons << button;
    }
    tabThrough({m_buttons[0], m_buttons[1], m_buttons[2], m_plot, m_table});

    m_redraw.setSingleShot(true);
    m_redraw.setInterval(kRedrawMs);
    connect(&m_redraw, &QTimer::timeout, this, &ThroughputView::refresh);
    for (RunStore* store : {m_declaredStore, m_denseStore}) {
        connect(store, &RunStore::reset, this, &ThroughputView::rebuild);
        connect(store, &RunStore::finished, this, &ThroughputView::refresh);
        connect(store, &RunStore::stepsAppended, this, [this] {
            if (!m_redraw.isActive()) m_redraw.start();
        });
    }
    connect(m_selection, &Selection::changed, this, &ThroughputView::onSelection);
    applyTheme();
    setInspecting(false);
    rebuild();
}

ThroughputView::~ThroughputView() = default;

void ThroughputView::makeActions() {
    const ViewActions add(this, Qt::WidgetWithChildrenShortcut);
    m_timeAction =
        add.checkable(tr("Time"), QKeySequence(Qt::Key_X), tr("Time instead of context length along the axis"), false,
                      [this](bool on) { setAxis(on ? ThroughputAxis::Time : ThroughputAxis::Context); });
    m_predictionAction = add.checkable(
        tr("Predicted"), QKeySequence(Qt::Key_B),
        tr("Rate predicted from the KV tokens loaded: 1 / (fixed + per token \u00d7 loaded), fitted to the measured "
           "steps of the dense run; the ceiling is what loading no KV at all would give"),
        true, [this](bool on) { setPredictionShown(on); });
    m_tableAction = add.checkable(tr("Table"), QKeySequence(Qt::Key_T), tr("The same numbers as a table"), false,
                                  [this](bool on) { setTableShown(on); });
    add(tr("Copy as CSV"), QKeySequence::Copy, tr("Copy every number as CSV"), [this] { copyCsv(); });
    add(tr("Whole run"), QKeySequence(Qt::Key_F), tr("Show the whole run"), [this] {
        m_zoomed = false;
        refresh();
    });
    m_plot->setContextMenuPolicy(Qt::ActionsContextMenu);
    m_plot->addActions(actions());
}

void ThroughputView::rebuild() {
    m_declared.clear();
    m_dense.clear();
    m_zoomed = false;
    m_declared.update(m_declaredStore->data());
    m_dense.update(m_denseStore->data());
    m_tableModel->rebuild();
    refresh();
}

void ThroughputView::refresh() {
    m_redraw.stop();
    m_declared.update(m_declaredStore->data());
    m_dense.update(m_denseStore->data());
    m_tableModel->grow();
    m_model = fitBytes(m_denseStore->data().steps);
    if (!m_model.valid) m_model = fitBytes(m_declaredStore->data().steps);
    m_painter->setHeight(m_plot->height());
    const auto [first, second] = shownLaneNames(m_declaredStore->data(), &m_denseStore->data());
    m_painter->setLaneNames(first, second);
    m_tableModel->setLaneNames(first, second);
    m_painter->setData(m_declared, m_dense, m_model);
    if (!m_zoomed) m_painter->fitRanges();
    updateHeader();
    showPage();
    onSelection();
}

void ThroughputView::flush() {
    refresh();
    m_plot->replot(QCustomPlot::rpImmediateRefresh);
}

void ThroughputView::updateHeader() {
    const Palette& p = Palette::of(palette());
    const auto lane = [&](QLabel* l, const RunStore* store, const ThroughputSeries& s, const QString& name,
                          const QColor& c) {
        const double r = store->isFinished() ? store->data().stats.decodeTokensPerS() : s.lastTokensPerS();
        // Heads that choose by their keys do so on the CPU, to be looked at: their time says nothing of the policy.
        const QString rate =
            store->data().stats.headAttendedTokens > 0 ? tr("(%1, no measure)").arg(formatRate(r)) : formatRate(r);
        l->setText(QStringLiteral("<span style='color:%1'>\u25a0</span> %2 <b>%3</b>").arg(c.name(), name, rate));
        l->setProperty("said", !s.points().empty());
    };
    const auto [first, second] = shownLaneNames(m_declaredStore->data(), &m_denseStore->data());
    lane(m_declaredLabel, m_declaredStore, m_declared, first, p.declared);
    lane(m_denseLabel, m_denseStore, m_dense, second, p.dense);
    const SpeedUp up = speedUp(m_declaredStore->data(), m_denseStore->data());
    const QString factor = tr("speed-up <b>%1</b>").arg(formatFactor(up.factor));
    const bool partial = !up.sameLength() && m_declaredStore->isFinished() && m_denseStore->isFinished();
    m_speedUpLabel->setText(partial ? tr("%1 (%2 steps)").arg(factor).arg(up.nSteps) : factor);
    m_speedUpLabel->setProperty("said", up.factor > 0);
    const RunStats& s = m_declaredStore->data().stats;
    const double steps = double(std::max<size_t>(1, m_declared.points().size()));
    m_kvLabel->setText(tr("KV loaded <b>%1</b>").arg(formatPercent(s.loadedFraction())));
    m_kvLabel->setToolTip(
        tr("<b>KV loaded</b>: share of the causally allowed tokens that the steps loaded, in whole pages of 16 "
           "tokens, mean over layers: %1 a step.<br><b>KV stored</b>: %2 of cache held. Naming a span saves loading, "
           "not memory.")
            .arg(formatBytes(quint64(double(s.loadedTokens) / steps * double(s.kvBytesPerToken))),
                 formatBytes(quint64(std::max<int64_t>(0, s.kvStoredBytes)))));
    m_kvLabel->setProperty("said", s.causalTokens > 0);
    fitToSize();
    m_plot->setAccessibleDescription(summary());
}

QString ThroughputView::summary() const {
    QStringList parts;
    const auto lane = [&](const RunStore* store, const ThroughputSeries& s, const QString& name) {
        if (s.points().empty()) return;
        const double r = store->isFinished() ? store->data().stats.decodeTokensPerS() : s.lastTokensPerS();
        parts << tr("%1 %2, %3 steps").arg(name, formatRate(r)).arg(s.points().size());
    };
    const auto [first, second] = shownLaneNames(m_declaredStore->data(), &m_denseStore->data());
    lane(m_declaredStore, m_declared, first);
    lane(m_denseStore, m_dense, second);
    const SpeedUp up = speedUp(m_declaredStore->data(), m_denseStore->data());
    if (up.factor > 0) {
        const QString factor = tr("speed-up %1 times").arg(formatNumber(up.factor));
        parts << (up.note().empty() ? factor : factor + ' ' + QString::fromStdString(up.note()));
    }
    if (!m_painter->note().isEmpty()) parts << m_painter->note();
    return parts.join(QStringLiteral("; "));
}

void ThroughputView::onSelection() {
    const bool locked = m_selection->isLocked();
    m_painter->setSelection(m_declared, locked ? m_selection->locked() : m_selection->hovered(),
                            locked ? m_selection->lockedEnd() : m_selection->hovered(), locked);
    m_plot->replot(QCustomPlot::rpQueuedReplot);
}

void ThroughputView::setAxis(ThroughputAxis axis) {
    m_axis = axis;
    m_timeAction->setChecked(axis == ThroughputAxis::Time);
    m_painter->setAxis(axis);
    m_zoomed = false;
    refresh();
}

void ThroughputView::setTableShown(bool on) {
    m_tableAction->setChecked(on);
    showPage();
    if (on) onSelection();
}

void ThroughputView::showPage() {
    QWidget* page = m_declared.points().empty() && m_dense.points().empty() ? m_empty
                    : m_tableAction->isChecked()                            ? static_cast<QWidget*>(m_table)
                                                                            : m_plot;
    if (m_stack->currentWidget() != page) m_stack->setCurrentWidget(page);
}

void ThroughputView::setPredictionShown(bool on) {
    m_predictionAction->setChecked(on);
    m_painter->setPredictionShown(on);
    refresh();
}

void ThroughputView::setInspecting(bool on) {
    m_modeLabel->setProperty("said", on);
    fitToSize();
}

QString ThroughputView::csv() const {
    const auto [first, second] = laneNames(m_declaredStore->data(), &m_denseStore->data());
    return QString::fromStdString(
        throughputCsv(m_declared, m_dense.points().empty() ? nullptr : &m_dense, first, second));
}

void ThroughputView::copyCsv() { QGuiApplication::clipboard()->setText(csv()); }

void ThroughputView::applyTheme() {
    m_painter->setTheme(Palette::of(palette()), std::max(7.0, font().pointSizeF() * 0.85));
    if (m_tableModel) updateHeader();
}

/// Less room, fewer figures: the foot of the window has them too.
void ThroughputView::fitToSize() {
    int room = width() - 24;
    for (const QToolButton* button : m_buttons) room -= button->sizeHint().width() + 10;
    for (QLabel* l : {m_modeLabel, m_declaredLabel, m_denseLabel, m_speedUpLabel, m_kvLabel}) {
        const int needed = l->sizeHint().width() + 10;
        l->setVisible(l->property("said").toBool() && needed <= room);
        if (l->property("said").toBool()) room -= needed;
    }
}

void ThroughputView::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    refresh();
}

void ThroughputView::changeEvent(QEvent* event) {
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) {
        applyTheme();
        refresh();
    }
}

bool ThroughputView::eventFilter(QObject* watched, QEvent* event) {
    if (watched != m_plot) return false;
    switch (event->type()) {
        case QEvent::MouseMove: {
            auto* e = static_cast<QMouseEvent*>(event);
            if (e->buttons() == Qt::NoButton) m_selection->hover(m_painter->stepAt(m_declared, e->position().x()));
            else m_zoomed = true;
            break;
        }
        case QEvent::Leave: m_selection->hover(-1); break;
        case QEvent::Wheel: m_zoomed = true; break;
        case QEvent::MouseButtonPress:
            m_plot->setProperty("pressAt", static_cast<QMouseEvent*>(event)->position());
            break;
        case QEvent::MouseButtonRelease: {
            auto* e = static_cast<QMouseEvent*>(event);
            const QPointF from = m_plot->property("pressAt").toPointF();
            if (e->button() == Qt::LeftButton &&
                (e->position() - from).manhattanLength() < QApplication::startDragDistance()) {
                const int step = m_painter->stepAt(m_declared, e->position().x());
                if (step >= 0 && e->modifiers() & Qt::ShiftModifier) m_selection->extendTo(step);
                else if (step >= 0) m_selection->lock(step);
            }
            break;
        }
        case QEvent::KeyPress: {
            auto* e = static_cast<QKeyEvent*>(event);
            const int n = int(m_declared.points().size());
            const int step = m_selection->current();
            const int by = e->modifiers() & Qt::ShiftModifier ? 10 : 1;
            int to = -1;
            if (e->key() == Qt::Key_Right) to = step + by;
            else if (e->key() == Qt::Key_Left) to = step - by;
            else if (e->key() == Qt::Key_Home) to = 0;
            else if (e->key() == Qt::Key_End) to = n - 1;
            else if (e->key() == Qt::Key_Escape && m_selection->isLocked()) {
                m_selection->clear();
                return true;
            } else {
                return false;
            }
            if (n > 0) m_selection->lockRange(std::clamp(to, 0, n - 1), std::clamp(to, 0, n - 1));
            return true;
        }
        default: break;
    }
    return false;
}

}  // namespace spanscope
