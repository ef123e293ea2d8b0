#include "ui/views/timeline/timeline_view.h"

#include <QAction>
#include <QComboBox>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMouseEvent>
#include <QPainter>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "engine/types/segment_name.h"
#include "ui/model/format.h"
#include "ui/views/elided_label.h"
#include "ui/views/figure_access.h"
#include "ui/views/mask/mask_explain.h"
#include "ui/views/table_twin.h"
#include "ui/views/timeline/timeline_table.h"
#include "ui/views/view_actions.h"

namespace spanscope {

namespace {
constexpr int kFrameMs = 16;

QString seconds(int64_t ns) { return formatNumber(double(ns) / 1e9) + QStringLiteral(" s"); }
}  // namespace

// ---- lanes

int TimelineLanes::laneHeight(const QFontMetrics& metrics) { return metrics.height() + 4; }

TimelineLanes::TimelineLanes(RunStore* store, RunStore* maybeDense, Selection* selection, QWidget* parent)
    : QWidget(parent), m_store(store), m_dense(maybeDense), m_selection(selection) {
    setObjectName("timelineLanes");
    setMouseTracking(true);
    setMinimumHeight(laneHeight(fontMetrics()) * 2 + 24);
    setAccessibleName(tr("Timeline"));
    describeAsFigure(this);
    connect(m_selection, &Selection::changed, this, qOverload<>(&QWidget::update));
}

void TimelineLanes::refreshData() {
    m_times.update(m_store->data());
    m_blocks.update(m_store->data());
    m_rejected.update(m_store->data());
    if (m_dense) {
        m_denseTimes.update(m_dense->data());
        m_denseBlocks.update(m_dense->data());
        m_denseRejected.update(m_dense->data());
    }
    update();
}

void TimelineLanes::forget() {
    m_times.clear();
    m_blocks.clear();
    m_rejected.clear();
    m_denseTimes.clear();
    m_denseBlocks.clear();
    m_denseRejected.clear();
    m_pressed = false;
}

int64_t TimelineLanes::totalNs() const { return std::max(m_times.totalNs(), m_denseTimes.totalNs()); }

void TimelineLanes::setAxis(TimelineAxis axis) {
    m_axis = axis;
    update();
}

void TimelineLanes::setClock(int64_t ns, bool shown) {
    m_clockNs = ns;
    m_clockShown = shown;
    update();
}

std::vector<TimelineLanes::Lane> TimelineLanes::lanes() const {
    std::vector<Lane> result;
    const bool two = m_dense && m_denseTimes.size() > 0;
    const double height = std::clamp((this->height() - 34.0) / (two ? 2 : 1), double(laneHeight(fontMetrics())),
                                     2.2 * fontMetrics().height());
    const double width = std::max(10.0, this->width() - left() - 12);
    const auto name = [](const RunData& run) { return QString::fromStdString(run.header.settings.attention.text()); };
    result.push_back(
        {&m_store->data(), &m_times, &m_blocks, &m_rejected, name(m_store->data()), QRectF(left(), 6, width, height)});
    if (two)
        result.push_back({&m_dense->data(), &m_denseTimes, &m_denseBlocks, &m_denseRejected, name(m_dense->data()),
                          QRectF(left(), 10 + height, width, height)});
    return result;
}

double TimelineLanes::xOf(int step) const {
    const double width = std::max(10.0, this->width() - left() - 12);
    if (m_axis == TimelineAxis::Steps) {
        const int n = std::max({1, m_times.size(), m_denseTimes.size()});
        return left() + width * step / n;
    }
    const int64_t ns = step <= 0 ? 0 : m_times.size() == 0 ? 0 : m_times.endNs(std::min(step, m_times.size()) - 1);
    return left() + width * double(ns) / double(std::max<int64_t>(1, totalNs()));
}

int TimelineLanes::stepAt(double x) const {
    const double width = std::max(10.0, this->width() - left() - 12);
    const double f = (x - left()) / width;
    if (f < 0 || f > 1 || m_times.size() == 0) return -1;
    const int n = std::max({1, m_times.size(), m_denseTimes.size()});
    const int step = m_axis == TimelineAxis::Steps ? int(f * n) : m_times.at(int64_t(f * double(totalNs())));
    return std::min(step, m_times.size() - 1);
}

void TimelineLanes::paintLane(QPainter& painter, const Lane& lane, const Palette& palette) const {
    const int n = lane.times->size();
    const double all = std::max(1, std::max(m_times.size(), m_denseTimes.size()));
    const double total = double(std::max<int64_t>(1, totalNs()));
    const auto x = [&](int step) {
        const double f =
            m_axis == TimelineAxis::Steps ? step / all : (step <= 0 ? 0 : double(lane.times->endNs(step - 1)) / total);
        return lane.rect.left() + f * lane.rect.width();
    };
    const int done = m_clockShown ? lane.times->finishedBy(m_clockNs) : n;
    painter.fillRect(lane.rect, palette.panel);
    // Steps that end at a pixel column or before; what lies between two is drawn by the first alone.
    const auto stepAtX = [&](double at) {
        const double f = (at - lane.rect.left()) / lane.rect.width();
        return m_axis == TimelineAxis::Steps ? int(f * all) : lane.times->finishedBy(int64_t(f * total));
    };
    const auto fill = [&](int first, int end, Phase phase) {
        if (first >= end) return;
        const QRectF block(x(first), lane.rect.top(), std::max(0.6, x(end) - x(first)), lane.rect.height());
        if (first >= done) painter.setOpacity(0.22);
        fillPhase(painter, block, phase, palette);
        painter.setOpacity(1);
    };
    for (auto b = lane.blocks->all().begin(); b != lane.blocks->all().end();) {
        const int split = std::clamp(done, b->first, b->end);
        fill(b->first, split, b->phase);
        fill(split, b->end, b->phase);
        const double to = x(b->end);
        const auto next = lane.blocks->after(stepAtX(to + 0.5));
        b = std::max(next, b + 1);
    }
    // Segment borders and names where there is room.
    const QFontMetricsF metrics(painter.font());
    const auto& segments = lane.run->segments;
    const int offset = n > 0 ? lane.run->steps.front().position : 0;
    const auto segmentFrom = [&](int step) {
        return std::lower_bound(segments.begin(), segments.end(), step + offset,
                                [](const Segment& s, int p) { return s.begin < p; });
    };
    for (auto it = segmentFrom(0); n > 0 && it != segments.end();) {
        const Segment& segment = *it;
        const int first = segment.begin - offset;
        if (first >= n) break;
        const int last = std::min(segment.end == kOpenEnd ? n : segment.end - offset, n);
        const double from = x(first), to = x(last);
        if (segment.kind != SegmentKind::Out || to - from < 5) {
            it = std::max(segmentFrom(stepAtX(to + 1)), it + 1);
            continue;
        }
        ++it;
        painter.fillRect(QRectF(from - 0.5, lane.rect.top(), 1, lane.rect.height()), palette.ground);
        const QString label = QString::fromStdString(segmentName(segment));
        const double room = metrics.horizontalAdvance(label) + 8;
        if (to - from > room) {
            QRectF box(0, 0, room, metrics.height());
            box.moveCenter({(from + to) / 2, lane.rect.center().y()});
            QColor ground = palette.ground;
            ground.setAlpha(215);
            painter.setPen(Qt::NoPen);
            painter.setBrush(ground);
            painter.drawRoundedRect(box, 3, 3);
            painter.setPen(palette.ink);
            painter.drawText(box, Qt::AlignCenter, label);
        }
    }
    // Rejected drafts: a notch in the lower edge, one a pixel column at most.
    const std::vector<int>& rejected = lane.rejected->all();
    for (auto it = rejected.begin(); it != rejected.end();) {
        const double at = x(*it);
        painter.fillRect(QRectF(at - 1, lane.rect.bottom() - 4, 2, 4), palette.ink);
        it = std::max(std::lower_bound(it, rejected.end(), stepAtX(at + 2)), it + 1);
    }
    // Name above count where both find room, else the name alone.
    const bool both = lane.rect.height() >= 2 * metrics.height() - 2;
    const QRectF label(4, lane.rect.top(), left() - 10, lane.rect.height() / (both ? 2 : 1));
    painter.setPen(palette.ink);
    painter.drawText(label, Qt::AlignRight | (both ? Qt::AlignBottom : Qt::AlignVCenter), lane.name);
    if (!both) return;
    painter.setPen(palette.inkSoft);
    painter.drawText(QRectF(4, lane.rect.center().y(), left() - 10, lane.rect.height() / 2),
                     Qt::AlignRight | Qt::AlignTop, tr("%1 of %2").arg(done).arg(n));
}

void TimelineLanes::paintEvent(QPaintEvent*) {
    const Palette& palette = Palette::of(this->palette());
    QPainter painter(this);
    painter.fillRect(rect(), palette.ground);
    QFont small = font();
    small.setPointSizeF(std::max(7.0, font().pointSizeF() * 0.85));
    painter.setFont(small);
    if (m_times.size() == 0) {
        painter.setPen(palette.inkSoft);
        painter.drawText(rect(), Qt::AlignCenter, tr("No steps yet."));
        return;
    }
    painter.setRenderHint(QPainter::Antialiasing, true);
    const auto all = lanes();
    for (const Lane& lane : all) paintLane(painter, lane, palette);
    const QRectF area(left(), all.front().rect.top(), all.front().rect.width(),
                      all.back().rect.bottom() - all.front().rect.top());

    // Axis: seconds or steps.
    painter.setPen(palette.inkSoft);
    const double total =
        m_axis == TimelineAxis::Time ? double(totalNs()) / 1e9 : std::max(m_times.size(), m_denseTimes.size());
    const double rough = total / std::max(2.0, area.width() / 90);
    const double decade = std::pow(10, std::floor(std::log10(std::max(1e-9, rough))));
    double tick = decade;
    for (const double f : {1.0, 2.0, 5.0, 10.0})
        if (decade * f >= rough) {
            tick = decade * f;
            break;
        }
    if (m_axis == TimelineAxis::Steps) tick = std::max(1.0, tick);
    for (int i = 0; i * tick <= total * 1.0001 && i < 200; ++i) {
        const double at = area.left() + area.width() * i * tick / std::max(1e-12, total);
        painter.drawLine(QPointF(at, area.bottom() + 1), QPointF(at, area.bottom() + 4));
        QString text = formatNumber(i * tick);
        if (m_axis == TimelineAxis::Time) text = i == 0 ? QStringLiteral("0") : formatDuration(qint64(i * tick * 1e9));
        painter.drawText(QRectF(at - 40, area.bottom() + 4, 80, 16), Qt::AlignHCenter | Qt::AlignTop, text);
    }

    // Selection on the run's own lane.
    const int first = m_selection->isLocked() ? m_selection->locked() : m_selection->hovered();
    const int last = m_selection->isLocked() ? m_selection->lockedEnd() : m_selection->hovered();
    if (first >= 0 && last < m_times.size()) {
        const QRectF box(xOf(first), all.front().rect.top() - 3, std::max(2.0, xOf(last + 1) - xOf(first)),
                         all.front().rect.height() + 6);
        QColor fill = palette.accent;
        fill.setAlpha(60);
        painter.setPen(QPen(palette.accent, m_selection->isLocked() ? 1.5 : 1));
        painter.setBrush(fill);
        painter.drawRect(box);
    }
    if (m_clockShown) {
        const double at = m_axis == TimelineAxis::Time
                              ? area.left() + area.width() * double(m_clockNs) / double(std::max<int64_t>(1, totalNs()))
                              : xOf(m_times.finishedBy(m_clockNs));
        painter.setPen(QPen(palette.accent, 2));
        painter.drawLine(QPointF(at, area.top() - 5), QPointF(at, area.bottom() + 3));
        painter.setPen(Qt::NoPen);
        painter.setBrush(palette.accent);
        painter.drawPolygon(QPolygonF({{at - 5, area.top() - 6}, {at + 5, area.top() - 6}, {at, area.top() + 1}}));
    }
}

void TimelineLanes::scrub(double x, bool extend) {
    const int step = stepAt(std::clamp(x, left(), double(width()) - 12));
    if (step < 0) return;
    if (extend) {
        m_selection->extendTo(step);
    } else {
        m_selection->lockRange(step, step);
    }
    emit scrubbed(m_times.endNs(step));
}

void TimelineLanes::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton || event->position().x() < left()) return;
    m_pressed = true;
    scrub(event->position().x(), event->modifiers() & Qt::ShiftModifier);
}

void TimelineLanes::mouseMoveEvent(QMouseEvent* event) {
    if (m_pressed) scrub(event->position().x(), event->modifiers() & Qt::ShiftModifier);
    else m_selection->hover(stepAt(event->position().x()));
}

void TimelineLanes::mouseReleaseEvent(QMouseEvent*) { m_pressed = false; }
void TimelineLanes::leaveEvent(QEvent*) { m_selection->hover(-1); }

// ---- view

TimelineView::TimelineView(RunStore* store, RunStore* maybeDense, Selection* selection, QWidget* parent)
    : QWidget(parent), m_store(store), m_dense(maybeDense), m_selection(selection) {
    setObjectName("timelineView");
    setFocusPolicy(Qt::StrongFocus);
    setAccessibleName(tr("Timeline"));
    m_lanes = new TimelineLanes(store, maybeDense, selection, this);
    const ViewActions action(this, Qt::WidgetWithChildrenShortcut);
    QAction* first = action(tr("\u2503\u25c0"), QKeySequence(Qt::Key_Home), tr("First step"), [this] { stepTo(0); });
    QAction* back =
        action(tr("\u25c0"), QKeySequence(Qt::Key_Left), tr("Step back; with Shift ten steps"), [this] { stepBy(-1); });
    m_playAction = action(tr("\u25b6 Play"), QKeySequence(Qt::Key_Space), tr("Play at recorded speed, or pause"),
                          [this] { togglePlay(); });
    QAction* forth = action(tr("\u25b6"), QKeySequence(Qt::Key_Right), tr("Step forward; with Shift ten steps"),
                            [this] { stepBy(1); });
    QAction* last = action(tr("\u25b6\u2503"), QKeySequence(Qt::Key_End), tr("Last step"),
                           [this] { stepTo(m_store->nSteps() - 1); });
    m_stepsAction =
        action.checkable(tr("By step"), QKeySequence(Qt::Key_X), tr("Steps instead of time along the axis"), false,
                         [this](bool on) { setAxis(on ? TimelineAxis::Steps : TimelineAxis::Time); });
    addTableTwin(
        this, selection,
        [this] { return new TimelineTable(m_store, m_lanes->times(), m_dense, m_lanes->denseTimes()); }, {},
        Qt::WidgetWithChildrenShortcut);
    setContextMenuPolicy(Qt::ActionsContextMenu);
    for (const auto& [a, name] :
         {std::pair{first, "First step"}, {back, "Step back"}, {forth, "Step forward"}, {last, "Last step"}})
        a->setIconText(a->text()), a->setObjectName(name);
    m_speedBox = new QComboBox(this);
    m_speedBox->setAccessibleName(tr("Playing speed"));
    m_speedBox->setToolTip(tr("Playing speed: 1\u00d7 is as recorded"));
    for (const double s : {0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0}) m_speedBox->addItem(formatFactor(s), s);
    m_speedBox->setCurrentIndex(5);
    connect(m_speedBox, &QComboBox::activated, this, [this](int i) { setSpeed(m_speedBox->itemData(i).toDouble()); });
    m_text = new ElidedLabel(this);
    m_text->setObjectName("timelineText");

    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(6, 2, 6, 0);
    bar->setSpacing(2);
    for (QAction* a : {first, back, m_playAction, forth, last}) {
        auto* button = new QToolButton(this);
        button->setDefaultAction(a);
        button->setAutoRaise(true);
        button->setAccessibleName(a == m_playAction ? tr("Play or pause") : a->objectName());
        bar->addWidget(button);
    }
    setTabOrder(bar->itemAt(bar->count() - 1)->widget(), m_speedBox);
    bar->addWidget(m_speedBox);
    bar->addSpacing(10);
    bar->addWidget(m_text, 1);
    auto* steps = new QToolButton(this);
    steps->setDefaultAction(m_stepsAction);
    steps->setAutoRaise(true);
    bar->addWidget(steps);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(bar);
    layout->addWidget(m_lanes, 1);

    m_timer.setInterval(kFrameMs);
    connect(&m_timer, &QTimer::timeout, this, [this] { advance(m_elapsed.nsecsElapsed()); });
    connect(m_lanes, &TimelineLanes::scrubbed, this, [this](qint64 ns) {
        m_clock.seek(ns);
        showClock();
    });
    for (RunStore* s : {m_store, m_dense}) {
        if (!s) continue;
        connect(s, &RunStore::reset, this, [this] {
            if (m_clock.isPlaying()) togglePlay();
            m_clock.seek(0);
            m_lanes->forget();
            refresh();
        });
        connect(s, &RunStore::stepsAppended, this, &TimelineView::refresh);
        connect(s, &RunStore::finished, this, &TimelineView::refresh);
    }
    connect(m_selection, &Selection::changed, this, [this] {
        if (!m_selecting && m_selection->isLocked() && m_selection->current() < m_lanes->times().size() &&
            !m_clock.isPlaying())
            m_clock.seek(m_lanes->times().endNs(m_selection->current()));
        updateText();
    });
    refresh();
}

void TimelineView::refresh() {
    m_lanes->refreshData();
    showClock();
}

void TimelineView::showClock() {
    const bool playing = m_clock.isPlaying();
    const bool mid = m_clock.nowNs() > 0 && m_clock.nowNs() < m_lanes->totalNs();
    m_lanes->setClock(m_clock.nowNs(), playing || (mid && m_dense && m_lanes->denseTimes().size() > 0));
    updateText();
}

void TimelineView::updateText() {
    const int step = m_selection->current();
    QString text;
    if (step >= 0 && step < m_store->nSteps()) {
        const StepRecord& s = m_store->data().steps[size_t(step)];
        text = tr("step %1 of %2 \u00b7 %3 \u00b7 at %4 \u00b7 attends %5 of %6")
                   .arg(step)
                   .arg(m_store->nSteps())
                   .arg(QString(phaseName(s.phase)), seconds(s.atNs))
                   .arg(s.attended)
                   .arg(s.causal);
    } else if (m_clock.isPlaying()) {
        text = seconds(m_clock.nowNs());
    } else if (m_store->nSteps() > 0) {
        text = tr("%1 steps in %2").arg(m_store->nSteps()).arg(seconds(m_lanes->times().totalNs()));
        if (m_dense && m_dense->nSteps() > 0)
            text += tr(" \u00b7 %1 %2 in %3")
                        .arg(QString::fromStdString(m_dense->data().header.settings.attention.text()))
                        .arg(m_dense->nSteps())
                        .arg(seconds(m_lanes->denseTimes().totalNs()));
    }
    m_text->setText(text);
    if (text.isEmpty()) text = tr("No steps yet.");
    m_lanes->setAccessibleDescription(text);
    setAccessibleDescription(text);
}

void TimelineView::togglePlay() {
    if (m_clock.isPlaying()) {
        m_clock.pause();
        m_timer.stop();
    } else {
        m_clock.play(m_lanes->totalNs());
        if (!m_clock.isPlaying()) return;
        m_elapsed.start();
        m_timer.start();
    }
    m_playAction->setText(m_clock.isPlaying() ? tr("\u275a\u275a Pause") : tr("\u25b6 Play"));
    showClock();
    emit playingChanged(m_clock.isPlaying());
}

void TimelineView::advance(qint64 elapsedNs) {
    m_elapsed.restart();
    if (!m_clock.isPlaying()) return;
    const bool more = m_clock.advance(elapsedNs, m_lanes->totalNs());
    const int done = m_lanes->times().finishedBy(m_clock.nowNs());
    m_selecting = true;
    if (done > 0) m_selection->lockRange(done - 1, done - 1);
    m_selecting = false;
    if (!more) {
        m_timer.stop();
        m_playAction->setText(tr("\u25b6 Play"));
        emit playingChanged(false);
    }
    showClock();
}

void TimelineView::stepTo(int step, bool extend) {
    if (m_store->nSteps() == 0) return;
    step = std::clamp(step, 0, m_store->nSteps() - 1);
    if (m_clock.isPlaying()) togglePlay();
    if (extend) m_selection->extendTo(step);
    else m_selection->lockRange(step, step);
    showClock();
}

void TimelineView::stepBy(int n, bool extend) {
    const int from = m_selection->current();
    stepTo(from < 0 ? (n > 0 ? 0 : m_store->nSteps() - 1) : from + n, extend);
}

void TimelineView::setSpeed(double speed) {
    m_clock.setSpeed(speed);
    const int i = m_speedBox->findData(speed);
    if (i >= 0) m_speedBox->setCurrentIndex(i);
}

void TimelineView::setAxis(TimelineAxis axis) {
    m_stepsAction->setChecked(axis == TimelineAxis::Steps);
    m_lanes->setAxis(axis);
}

void TimelineView::keyPressEvent(QKeyEvent* event) {
    const bool shift = event->modifiers() & Qt::ShiftModifier;
    switch (event->key()) {
        case Qt::Key_Left: stepBy(shift ? -10 : -1); break;
        case Qt::Key_Right: stepBy(shift ? 10 : 1); break;
        case Qt::Key_Escape:
            if (m_selection->isLocked()) m_selection->clear();
            else event->ignore();
            break;
        default: QWidget::keyPressEvent(event); break;
    }
}

}  // namespace spanscope
