#include "ui/views/mask/distance_view.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "ui/model/figure_table.h"
#include "ui/model/format.h"
#include "ui/views/mask/compare_figures.h"
#include "ui/views/plot_parts.h"
#include "ui/views/tab_order.h"
#include "ui/views/table_twin.h"

namespace spanscope {

namespace {

/// A row for each step of the longer run.
class DistanceTable : public FigureTable {
  public:
    enum Column { Step, MassFirst, MassSecond, NatsFirst, NatsSecond };
    explicit DistanceTable(const DistanceView* view)
        : FigureTable(
              DistanceView::tr("Distance from dense"),
              {{DistanceView::tr("step"), DistanceView::tr("Index of the response token"), false},
               {DistanceView::tr("kept, first"), DistanceView::tr("Dense attention mass kept by the first run"), false},
               {DistanceView::tr("kept, second"), DistanceView::tr("The same of the second"), false},
               {DistanceView::tr("KL, first"), DistanceView::tr("KL(dense \u2016 first) in nats"), false},
               {DistanceView::tr("KL, second"), DistanceView::tr("The same of the second"), false}},
              nullptr),
          m_view(view) {}

  protected:
    int nRows() const override {
        size_t n = 0;
        for (const DivergenceCurve* curve : {m_view->first(), m_view->second()})
            if (curve) n = std::max(n, curve->klNats.size());
        return int(n);
    }
    QString cell(int row, int column) const override {
        const double value = key(row, column);
        if (column == Step) return formatCount(row);
        if (std::isnan(value)) return {};
        return column <= MassSecond ? formatPercent(value) : formatNats(value);
    }
    double key(int row, int column) const override {
        if (column == Step) return row;
        const DivergenceCurve* curve = column == MassFirst || column == NatsFirst ? m_view->first() : m_view->second();
        const auto at = size_t(row);
        if (!curve || at >= curve->klNats.size() || at >= curve->massKept.size()) return std::nan("");
        return double(column <= MassSecond ? curve->massKept[at] : curve->klNats[at]);
    }
    IndexRange steps(int row) const override { return {row, row}; }
    int rowOfStep(int step) const override { return step < nRows() ? step : -1; }

  private:
    const DistanceView* m_view;
};

}  // namespace

/// Two strips over the steps: mass kept, KL. Of several steps under a pixel the one that is farthest from dense.
class DistancePlot : public QWidget {
  public:
    DistancePlot(const DistanceView* view, RunStore* first, RunStore* second, Selection* selection, QWidget* parent)
        : QWidget(parent), m_view(view), m_first(first), m_second(second), m_selection(selection) {
        setObjectName("distancePlot");
        setAccessibleName(DistanceView::tr("Distance from dense"));
        setFocusPolicy(Qt::StrongFocus);
        setMouseTracking(true);
        setMinimumSize(200, 150);
        connect(selection, &Selection::changed, this, qOverload<>(&QWidget::update));
    }

  protected:
    void paintEvent(QPaintEvent*) override {
        const Palette& palette = Palette::of(this->palette());
        QPainter painter(this);
        painter.fillRect(rect(), palette.ground);
        const int n = nSteps();
        if (n == 0) return;
        QFont small = font();
        small.setPointSizeF(std::max(7.0, font().pointSizeF() * 0.85));
        painter.setFont(small);
        painter.setRenderHint(QPainter::Antialiasing);
        const QRectF mass = massArea(), nats = natsArea();
        const double most = std::max({1e-6, largestNats(m_view->first()), largestNats(m_view->second())});
        painter.setPen(palette.inkSoft);
        for (const double share : {0.0, 0.5, 1.0}) {
            const double y = mass.bottom() - share * mass.height();
            painter.setPen(palette.grid);
            painter.drawLine(QPointF(mass.left(), y), QPointF(mass.right(), y));
            painter.setPen(palette.inkSoft);
            painter.drawText(QRectF(mass.left() - 44, y - 8, 40, 16), Qt::AlignRight | Qt::AlignVCenter,
                             formatPercent(share));
        }
        const AxisNumbers numbers(most);
        drawLevels(painter, nats, nats.bottom(), nats.top(), most, palette,
                   [&](double value) { return numbers.text(value); });
        drawUpward(painter, mass, 9, DistanceView::tr("mass kept"), palette);
        drawUpward(painter, nats, 9, DistanceView::tr("KL, %1").arg(numbers.name(QStringLiteral("nats"))), palette);
        drawTicks(painter, nats, n, palette);
        const QStringList names = comparedNames(m_first->data(), m_second->data());
        double x = mass.left();
        lane(painter, m_view->second(), palette.dense, Qt::DashLine, most);
        lane(painter, m_view->first(), palette.declared, Qt::SolidLine, most);
        if (m_view->first()) drawSwatch(painter, x, mass.top() - 16, palette.declared, names[0], palette);
        if (m_view->second())
            drawSwatch(painter, x, mass.top() - 16, palette.dense, DistanceView::tr("%1, dashed").arg(names[1]),
                       palette);
        const int step = m_selection->current();
        if (step < 0 || step >= n) return;
        painter.setPen(QPen(palette.accent, m_selection->isLocked() ? 1.5 : 1));
        const double at = mass.left() + (step + 0.5) * mass.width() / n;
        painter.drawLine(QPointF(at, mass.top()), QPointF(at, nats.bottom()));
    }
    void mouseMoveEvent(QMouseEvent* event) override { m_selection->hover(stepAt(event->position())); }
    void mousePressEvent(QMouseEvent* event) override {
        const int step = stepAt(event->position());
        if (step < 0) return;
        if (event->modifiers() & Qt::ShiftModifier) m_selection->extendTo(step);
        else m_selection->lock(step);
    }
    void leaveEvent(QEvent*) override { m_selection->hover(-1); }
    void keyPressEvent(QKeyEvent* event) override {
        const int n = nSteps(), step = m_selection->current();
        int to = step;
        switch (event->key()) {
            case Qt::Key_Right: to = step + 1; break;
            case Qt::Key_Left: to = step < 0 ? n - 1 : step - 1; break;
            case Qt::Key_Home: to = 0; break;
            case Qt::Key_End: to = n - 1; break;
            case Qt::Key_Escape:
                if (m_selection->isLocked()) m_selection->clear();
                else event->ignore();
                return;
            default: QWidget::keyPressEvent(event); return;
        }
        if (n > 0) m_selection->lockRange(std::clamp(to, 0, n - 1), std::clamp(to, 0, n - 1));
    }

  private:
    static constexpr double kFoot = 30, kGap = 12, kHead = 22;
    QRectF area() const {
        return {kAxis, kHead, std::max(40.0, width() - kAxis - 12.0), std::max(60.0, height() - kHead - kFoot)};
    }
    QRectF massArea() const {
        const QRectF all = area();
        return {all.left(), all.top(), all.width(), (all.height() - kGap) / 2};
    }
    QRectF natsArea() const { return massArea().translated(0, massArea().height() + kGap); }
    int nSteps() const {
        size_t n = 0;
        for (const DivergenceCurve* curve : {m_view->first(), m_view->second()})
            if (curve) n = std::max(n, curve->klNats.size());
        return int(n);
    }
    static double largestNats(const DivergenceCurve* curve) { return curve ? largest(curve->klNats) : 0; }
    int stepAt(QPointF at) const {
        const QRectF all = area();
        const int n = nSteps();
        if (n == 0 || !all.contains(at)) return -1;
        return std::clamp(int((at.x() - all.left()) * n / all.width()), 0, n - 1);
    }
    void lane(QPainter& painter, const DivergenceCurve* curve, const QColor& colour, Qt::PenStyle style,
              double most) const {
        if (!curve) return;
        const QRectF mass = massArea(), nats = natsArea();
        const int n = nSteps(), mine = int(std::min(curve->klNats.size(), curve->massKept.size()));
        const int width = std::max(1, std::min(mine, int(mass.width() * mine / n)));
        QPainterPath kept, apart;
        for (int x = 0; x < width; ++x) {
            const int begin = int(int64_t{x} * mine / width),
                      end = std::max(begin + 1, int(int64_t{x + 1} * mine / width));
            float least = 1, farthest = 0;
            for (int i = begin; i < end; ++i) {
                least = std::min(least, curve->massKept[size_t(i)]);
                farthest = std::max(farthest, curve->klNats[size_t(i)]);
            }
            const double at = mass.left() + (begin + end) / 2.0 * mass.width() / n;
            const QPointF a(at, mass.bottom() - double(least) * mass.height());
            const QPointF b(at, nats.bottom() - std::sqrt(double(farthest) / most) * nats.height());
            if (x == 0) {
                kept.moveTo(a);
                apart.moveTo(b);
            } else {
                kept.lineTo(a);
                apart.lineTo(b);
            }
        }
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(colour, 1.4, style));
        painter.drawPath(kept);
        painter.drawPath(apart);
    }

    const DistanceView* m_view;
    RunStore *m_first, *m_second;
    Selection* m_selection;
};

DistanceView::DistanceView(RunComparison* comparison, RunDistances* distances, QWidget* parent)
    : QWidget(parent),
      m_comparison(comparison),
      m_distances(distances),
      m_first(comparison->first()),
      m_second(comparison->second()) {
    setObjectName("distanceView");
    m_text = new QLabel(this);
    m_text->setObjectName("distanceText");
    m_text->setTextFormat(Qt::PlainText);
    m_text->setWordWrap(true);
    m_text->setMinimumWidth(1);
    m_button = new QToolButton(this);
    m_button->setObjectName("distanceButton");
    m_plot = new DistancePlot(this, m_first, m_second, comparison->selection(), this);
    auto* head = new QHBoxLayout;
    head->setContentsMargins(8, 2, 4, 0);
    head->addWidget(m_text, 1);
    head->addWidget(m_button, 0, Qt::AlignTop);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(2);
    column->addLayout(head);
    column->addWidget(m_plot, 1);
    tabThrough({m_button, m_plot});
    addTableTwin(m_plot, comparison->selection(), [this] {
        auto* table = new DistanceTable(this);
        connect(m_distances, &RunDistances::changed, table, &FigureTable::rebuild);
        for (RunStore* store : {m_first, m_second}) connect(store, &RunStore::reset, table, &FigureTable::rebuild);
        table->rebuild();
        return table;
    });
    connect(m_button, &QToolButton::clicked, this, [this] {
        if (m_distances->isMeasuring()) emit stopRequested();
        else emit measureRequested();
    });
    connect(distances, &RunDistances::changed, this, &DistanceView::refresh);
    connect(distances, &RunDistances::progressed, this, &DistanceView::refresh);
    for (RunStore* store : {m_first, m_second}) {
        connect(store, &RunStore::reset, this, &DistanceView::refresh);
        connect(store, &RunStore::finished, this, &DistanceView::refresh);
    }
    refresh();
}

QWidget* DistanceView::plot() const { return m_plot; }

const DivergenceCurve* DistanceView::curveOf(RunStore* store) const {
    return store->isFinished() && store->nSteps() > 0 ? m_distances->of(store->share().get()) : nullptr;
}

QString DistanceView::summary() const {
    if (m_distances->isMeasuring())
        return tr("Reading both runs again beside a dense reading of the same text: %1")
            .arg(formatPercent(m_distances->fraction()));
    const QStringList names = comparedNames(m_first->data(), m_second->data());
    QStringList parts;
    const auto say = [&](const DivergenceCurve* curve, const QString& name) {
        if (!curve) return;
        parts << tr("%1 kept %2 of the dense attention mass, KL %3 a step, and would say something else in %4 of %5 "
                    "steps.")
                     .arg(name, formatPercent(meanMassKept(*curve)), formatNats(meanNats(*curve)),
                          formatCount(nOtherwise(*curve)), formatCount(qint64(curve->sameTop.size())));
    };
    say(first(), names[0]);
    say(second(), names[1]);
    if (!m_distances->problem().isEmpty()) parts << m_distances->problem();
    if (!parts.isEmpty()) return parts.join(' ');
    if (m_first->nSteps() > 0 && !m_first->isFinished())
        return tr("Measured when the runs have ended: a dense reading of every step would slow what is timed.");
    return tr("How much of dense attention's mass each run kept, and how far its next token is from dense's.");
}

void DistanceView::refresh() {
    m_text->setText(summary());
    const bool measuring = m_distances->isMeasuring();
    const auto waits = [this](RunStore* store) {
        return store->isFinished() && store->nSteps() > 0 && !curveOf(store);
    };
    m_button->setText(measuring ? tr("Cancel") : tr("Measure"));
    m_button->setToolTip(measuring ? tr("Stop measuring; what was measured of a whole run stays")
                                   : tr("Read the runs on show again beside a dense reading of the same text; takes "
                                        "about twice as long as they took, the window goes on"));
    m_button->setVisible(measuring || waits(m_first) || waits(m_second));
    m_plot->setAccessibleDescription(summary());
    m_plot->update();
}

}  // namespace spanscope
