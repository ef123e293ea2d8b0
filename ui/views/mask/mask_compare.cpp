#include "ui/views/mask/mask_compare.h"

#include <QAction>
#include <QClipboard>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLabel>
#include <QMouseEvent>
#include <QPainter>
#include <QPointer>
#include <QSplitter>
#include <QTabBar>
#include <QTabWidget>
#include <QTableWidget>
#include <QTimer>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/files/csv_cell.h"
#include "ui/model/background.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/views/mask/compare_figures.h"
#include "ui/views/mask/distance_view.h"
#include "ui/views/mask/mask_explain.h"
#include "ui/views/mask/mask_rulers.h"
#include "ui/views/mask/mask_table.h"
#include "ui/views/mask/mask_view.h"
#include "ui/views/tab_order.h"
#include "ui/views/table_twin.h"
#include "ui/views/view_actions.h"

namespace spanscope {

// ---- difference

namespace {
constexpr int kAtOnce = 50'000;  // steps of both runs

MaskRows rowsOf(const RunData& run, const MaskDiff& diff) {
    MaskRows rows;
    for (size_t i = 0; i < diff.rows.size(); ++i) rows.append(run.steps[i]);
    return rows;
}
}  // namespace

MaskDiffPane::MaskDiffPane(RunStore* first, RunStore* second, Selection* selection, QWidget* parent)
    : QWidget(parent), m_first(first), m_second(second), m_selection(selection), m_inbox(sharedMailbox()) {
    setObjectName("maskDifference");
    setAccessibleName(tr("Difference of the two masks"));
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setMinimumSize(240, 160);
    addTableTwin(this, m_selection, [this] {
        auto* table = new MaskDiffTable(m_first->data(), m_diff);
        const auto refresh = [this, table] {
            const QStringList names = comparedNames(m_first->data(), m_second->data());
            table->setNames(names[0], names[1]);
            table->rebuild();
        };
        connect(this, &MaskDiffPane::rebuilt, table, refresh);
        refresh();
        return table;
    });
    setContextMenuPolicy(Qt::ActionsContextMenu);
    connect(m_selection, &Selection::changed, this, [this] {
        describe();
        update();
    });
}

void MaskDiffPane::rebuild() {
    ++m_generation;
    if (m_first->nSteps() + m_second->nSteps() <= kAtOnce) {
        const MaskDiff diff = diffRuns(m_first->data(), m_second->data());
        take(diff, rowsOf(m_first->data(), diff));
        return;
    }
    MaskDiff none;
    none.why = "Comparing the runs\u2026";
    take(none, {});
    if (!m_first->isFinished() || !m_second->isFinished()) return;
    const QPointer<MaskDiffPane> self(this);
    inBackground([a = m_first->share(), b = m_second->share(), self, inbox = m_inbox, generation = m_generation] {
        const auto diff = std::make_shared<MaskDiff>(diffRuns(*a, *b));
        inbox->post([self, diff, rows = rowsOf(*a, *diff), generation] {
            if (self && generation == self->m_generation) self->take(std::move(*diff), rows);
        });
    });
}

void MaskDiffPane::take(MaskDiff diff, MaskRows rows) {
    m_diff = std::move(diff);
    m_rows = std::move(rows);
    layOut();
    if (m_fit) follow({}, {}, true);
    m_image = QImage();
    describe();
    update();
    emit rebuilt();
}

void MaskDiffPane::layOut() {
    m_plot = QRect(int(MaskRulers::kLeft), int(MaskRulers::kTop), std::max(16, width() - int(MaskRulers::kLeft) - 10),
                   std::max(16, height() - int(MaskRulers::kTop) - int(MaskRulers::kLegend) - 4));
    const double dpr = devicePixelRatioF();
    m_x.extent = int(m_plot.width() * dpr);
    m_y.extent = int(m_plot.height() * dpr);
    m_x.nCells = m_diff.nColumns;
    m_y.nCells = int(m_diff.rows.size());
}

void MaskDiffPane::follow(const MaskWindow& columns, const MaskWindow& rows, bool fitted) {
    m_fit = fitted;
    if (fitted) {
        m_x.fit(m_x.nCells);
        m_y.fit(m_y.nCells);
    } else {
        m_x.follow(columns);
        m_y.follow(rows);
    }
    m_image = QImage();
    update();
}

QPoint MaskDiffPane::cellAt(QPointF pos) const {
    const QPointF at = (pos - m_plot.topLeft()) * devicePixelRatioF();
    const int column = m_x.cellAtWindow(at.x()), step = m_y.cellAtWindow(at.y());
    return column < 0 || step < 0 ? QPoint(-1, -1) : QPoint(column, step);
}

QPointF MaskDiffPane::centreOf(int step, int column) const {
    const double dpr = devicePixelRatioF();
    return {m_plot.left() + (m_x.axis.pixelOf(column + 0.5) - m_x.origin) / dpr,
            m_plot.top() + (m_y.axis.pixelOf(step + 0.5) - m_y.origin) / dpr};
}

void MaskDiffPane::paintEvent(QPaintEvent*) {
    const Palette& palette = Palette::of(this->palette());
    QPainter painter(this);
    painter.fillRect(rect(), palette.ground);
    if (!m_diff.why.empty() || m_diff.rows.empty()) {
        painter.setPen(palette.inkSoft);
        painter.drawText(rect(), Qt::AlignCenter | Qt::TextWordWrap,
                         m_diff.why.empty() ? tr("Two runs of one prompt are compared here, cell by cell.")
                                            : QString::fromStdString(m_diff.why));
        return;
    }
    const double dpr = devicePixelRatioF();
    const int pattern = std::max(1, int(std::lround(dpr)));
    if (m_image.isNull() || m_imagePalette != &palette) {
        m_imagePalette = &palette;
        m_image = rasterDiff(m_diff, m_x.axis, m_y.axis, int64_t(m_x.origin), int64_t(m_y.origin), m_x.extent,
                             m_y.extent, palette, pattern);
    }
    painter.save();
    painter.translate(m_plot.topLeft());
    painter.scale(1 / dpr, 1 / dpr);
    painter.drawImage(0, 0, m_image);
    painter.restore();
    QFont small = font();
    small.setPointSizeF(std::max(7.0, font().pointSizeF() * 0.85));
    painter.setFont(small);
    const bool locked = m_selection->isLocked();
    MaskRulers r{m_first->data(),
                 m_rows,
                 palette,
                 m_x,
                 m_y,
                 1 / dpr,
                 QRectF(m_plot),
                 locked ? m_selection->locked() : m_selection->hovered(),
                 locked ? m_selection->lockedEnd() : m_selection->hovered(),
                 true,
                 true,
                 0};
    if (r.last >= m_rows.size()) r.first = r.last = -1;
    r.drawGrid(painter);
    r.drawTop(painter);
    r.drawLeft(painter);
    if (r.first >= 0) {
        painter.setPen(QPen(palette.accent, locked ? 1.5 : 1));
        for (const double y : {r.yOf(r.first), r.yOf(r.last + 1)})
            if (y >= m_plot.top() && y <= m_plot.bottom())
                painter.drawLine(QPointF(m_plot.left(), y), QPointF(m_plot.right(), y));
    }
    if (m_diff.parting >= 0) {
        const double y = r.yOf(m_diff.parting);
        if (y >= m_plot.top() && y <= m_plot.bottom()) {
            painter.setPen(QPen(palette.ink, 1, Qt::DashLine));
            painter.drawLine(QPointF(m_plot.left(), y), QPointF(m_plot.right(), y));
            painter.drawText(QRectF(m_plot.left(), y + 2, m_plot.width() - 6, 16), Qt::AlignRight,
                             tr("from here on the texts differ"));
        }
    }
    double left = m_plot.left();
    const double top = m_plot.bottom() + 10;
    for (const DiffState s : {DiffState::OnlyFirst, DiffState::OnlySecond, DiffState::Both, DiffState::Neither}) {
        QImage swatch(13, 13, QImage::Format_RGB32);
        for (int y = 0; y < 13; ++y)
            for (int x = 0; x < 13; ++x) swatch.setPixel(x, y, diffPixel(s, palette, x, y, 1));
        painter.drawImage(QRectF(left, top, 13, 13), swatch);
        painter.setPen(QPen(palette.inkSoft, 0.6));
        painter.drawRect(QRectF(left, top, 13, 13));
        painter.setPen(palette.ink);
        QString name = diffStateName(s);
        const QStringList names = comparedNames(m_first->data(), m_second->data());
        if (s == DiffState::OnlyFirst) name = tr("only %1").arg(names[0]);
        if (s == DiffState::OnlySecond) name = tr("only %1").arg(names[1]);
        painter.drawText(QPointF(left + 18, top + 11), name);
        left += 18 + painter.fontMetrics().horizontalAdvance(name) + 16;
    }
}

void MaskDiffPane::resizeEvent(QResizeEvent*) {
    layOut();
    if (m_fit) {
        follow({}, {}, true);
    } else {
        m_x.clamp();
        m_y.clamp();
    }
    m_image = QImage();
}

void MaskDiffPane::mouseMoveEvent(QMouseEvent* event) {
    const QPoint cell = cellAt(event->position());
    m_selection->hover(cell.y());
    const QString text = words(cell);
    setToolTip(plainToolTip(text));
    emit cursorChanged(text);
}

QString MaskDiffPane::words(QPoint cell) const {
    if (cell.y() < 0 || cell.y() >= std::min(m_first->nSteps(), int(m_diff.rows.size()))) return {};
    const RunData& run = m_first->data();
    return tr("step %1 (%2), position %3 (%4): %5")
        .arg(QString::number(cell.y()), QString::fromStdString(tokenText(run, run.steps[size_t(cell.y())].position)),
             QString::number(cell.x()), QString::fromStdString(tokenText(run, cell.x())),
             QString(diffStateName(diffCell(m_diff.rows[size_t(cell.y())], cell.x()))));
}

/// What both, and what only one of the runs attended to: in all, and in the selected step.
void MaskDiffPane::describe() {
    if (!m_diff.why.empty() || m_diff.rows.empty()) {
        setAccessibleDescription(m_diff.why.empty() ? tr("Nothing to compare yet.")
                                                    : QString::fromStdString(m_diff.why));
        return;
    }
    const QStringList names = comparedNames(m_first->data(), m_second->data());
    const auto sentence = [&](const QString& what, int64_t both, int64_t first, int64_t second) {
        return tr("%1: both attended to %2 tokens, only %3 to %4, only %5 to %6.")
            .arg(what, formatCount(both), names[0], formatCount(first), names[1], formatCount(second));
    };
    QString text = sentence(tr("%1 steps").arg(formatCount(qint64(m_diff.rows.size()))), m_diff.cellsBoth,
                            m_diff.cellsOnlyFirst, m_diff.cellsOnlySecond);
    const int step = m_selection->current();
    if (step >= 0 && step < int(m_diff.rows.size())) {
        const DiffRow& row = m_diff.rows[size_t(step)];
        const auto count = [&](const SharedIntervals& list) { return list ? attendedTokens(*list, row.position) : 0; };
        text += ' ' + sentence(tr("Selected step %1").arg(formatCount(step)), count(row.both), count(row.onlyFirst),
                               count(row.onlySecond));
    }
    setAccessibleDescription(text);
}

void MaskDiffPane::keyPressEvent(QKeyEvent* event) {
    const int n = int(m_diff.rows.size()), step = m_selection->current();
    int to = step;
    switch (event->key()) {
        case Qt::Key_Down: to = step + 1; break;
        case Qt::Key_Up: to = step < 0 ? n - 1 : step - 1; break;
        case Qt::Key_Home: to = 0; break;
        case Qt::Key_End: to = n - 1; break;
        case Qt::Key_Escape:
            if (m_selection->isLocked()) m_selection->clear();
            else event->ignore();
            return;
        default: QWidget::keyPressEvent(event); return;
    }
    if (n == 0) return;
    to = std::clamp(to, 0, n - 1);
    if (event->modifiers() & Qt::ShiftModifier) m_selection->extendTo(to);
    else m_selection->lockRange(to, to);
}

void MaskDiffPane::mousePressEvent(QMouseEvent* event) {
    const QPoint cell = cellAt(event->position());
    if (cell.y() < 0) return;
    if (event->modifiers() & Qt::ShiftModifier) m_selection->extendTo(cell.y());
    else m_selection->lock(cell.y());
}

void MaskDiffPane::leaveEvent(QEvent*) { m_selection->hover(-1); }

// ---- side by side

MaskCompareView::MaskCompareView(RunComparison* comparison, RunDistances* distances, QWidget* parent)
    : QWidget(parent),
      m_comparison(comparison),
      m_first(comparison->first()),
      m_second(comparison->second()),
      m_selection(comparison->selection()),
      m_distances(distances) {
    setObjectName("maskCompare");
    m_a = new MaskView(m_first, m_selection, this);
    m_b = new MaskView(m_second, comparison->secondSelection(), this);
    m_a->setObjectName("maskFirst");
    m_b->setObjectName("maskSecond");
    m_diff = new MaskDiffPane(m_first, m_second, m_selection, this);
    m_distance = new DistanceView(comparison, distances, this);
    m_text = new QLabel(this);
    m_text->setObjectName("compareText");
    m_text->setMinimumWidth(1);
    m_text->setWordWrap(true);
    m_text->setTextFormat(Qt::PlainText);
    m_table = new QTableWidget(0, 3, this);
    m_table->setObjectName("compareTable");
    m_table->setAccessibleName(tr("Figures of both runs"));
    m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_table->verticalHeader()->hide();
    m_table->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 6);
    m_table->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
    m_table->setMinimumWidth(280);
    m_table->setTabKeyNavigation(false);

    const ViewActions add(this, Qt::WidgetWithChildrenShortcut);
    m_linkAction = add.checkable(tr("Linked"), QKeySequence(Qt::Key_K), tr("Scroll and zoom both masks together"), true,
                                 [this](bool on) { setLinked(on); });
    m_partingAction = add(tr("First Difference"), QKeySequence(Qt::Key_N),
                          tr("Go to the first step where the two wrote different tokens"), [this] { jumpToParting(); });
    m_shownAction = add(tr("Both Masks"), QKeySequence(Qt::Key_X),
                        tr("Show both masks, then the first alone, then the second alone"), [this] { showNext(); });
    add(tr("Distance from Dense"), QKeySequence(Qt::Key_V),
        tr("Show the distance from dense attention, or the difference of the masks again"),
        [this] { m_below->setCurrentIndex(m_below->currentIndex() == 0 ? 1 : 0); });
    QAction* copy = add(tr("Copy Figures"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_C), tr("Copy the table as CSV"),
                        [this] { copyCsv(); });

    m_shownAction->setIconText(tr("Both"));
    copy->setIconText(tr("Copy"));

    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(8, 4, 4, 0);
    bar->addWidget(m_text, 1);
    QWidget* before = nullptr;
    for (QAction* a : {m_shownAction, m_linkAction, m_partingAction, copy}) {
        auto* button = new QToolButton(this);
        button->setDefaultAction(a);
        button->setAutoRaise(true);
        bar->addWidget(button);
        if (before) setTabOrder(before, button);
        before = button;
    }
    m_below = new QTabWidget(this);
    m_below->setObjectName("compareBelow");
    m_below->setDocumentMode(true);
    m_below->addTab(m_diff, tr("Difference"));
    m_below->addTab(m_distance, tr("Distance from dense"));
    m_below->tabBar()->setAccessibleName(tr("Below the masks"));
    tabThrough({before, m_a, m_b, m_below->tabBar(), m_diff, m_distance->plot(), m_table});
    auto* masks = new QSplitter(Qt::Horizontal, this);
    const auto addNamed = [&](MaskView* view, const char* id) {
        auto* pane = new QWidget(masks);
        auto* name = new QLabel(pane);
        name->setObjectName(id);
        name->setTextFormat(Qt::PlainText);
        name->setMinimumWidth(1);
        name->setContentsMargins(8, 0, 8, 0);
        auto* column = new QVBoxLayout(pane);
        column->setContentsMargins(0, 0, 0, 0);
        column->setSpacing(2);
        column->addWidget(name);
        column->addWidget(view, 1);
        masks->addWidget(pane);
        return name;
    };
    m_nameA = addNamed(m_a, "compareNameFirst");
    m_nameB = addNamed(m_b, "compareNameSecond");
    auto* below = new QSplitter(Qt::Horizontal, this);
    below->addWidget(m_below);
    below->addWidget(m_table);
    below->setStretchFactor(0, 3);
    below->setStretchFactor(1, 1);
    auto* rows = new QSplitter(Qt::Vertical, this);
    rows->addWidget(masks);
    rows->addWidget(below);
    rows->setStretchFactor(0, 1);
    rows->setStretchFactor(1, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(2);
    layout->addLayout(bar);
    layout->addWidget(rows, 1);

    const auto link = [this](MaskView* from, MaskView* to) {
        connect(from, &MaskView::viewChanged, this, [this, from, to] {
            if (!m_linked || m_linking) return;
            m_linking = true;
            to->follow(from->columns(), from->rows(), from->isFitted());
            m_diff->follow(from->columns(), from->rows(), from->isFitted());
            m_linking = false;
        });
    };
    link(m_a, m_b);
    link(m_b, m_a);
    connect(m_diff, &MaskDiffPane::rebuilt, this, &MaskCompareView::showSummary);
    auto* timer = new QTimer(this);
    timer->setSingleShot(true);
    timer->setInterval(250);
    connect(timer, &QTimer::timeout, this, &MaskCompareView::rebuild);
    connect(comparison, &RunComparison::changed, this, &MaskCompareView::showSummary);
    connect(distances, &RunDistances::changed, this, &MaskCompareView::fillTable);
    for (RunStore* s : {m_first, m_second}) {
        connect(s, &RunStore::reset, this, &MaskCompareView::rebuild);
        connect(s, &RunStore::finished, this, &MaskCompareView::rebuild);
        connect(s, &RunStore::stepsAppended, timer, [timer] {
            if (!timer->isActive()) timer->start();
        });
    }
    rebuild();
}

void MaskCompareView::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    if (m_stale) rebuild();
}

void MaskCompareView::rebuild() {
    m_stale = !isVisible();
    if (m_stale) {
        m_diff->forget();
        return;
    }
    m_diff->rebuild();
    fillTable();
    showSummary();
}

void MaskCompareView::fillTable() {
    const RunData &a = m_first->data(), &b = m_second->data();
    const QVector<CompareFigure> lines = compareFigures(a, b, m_distance->first(), m_distance->second());
    const QStringList names = comparedNames(a, b);
    m_nameA->setText(comparedTitle(names[0], a));
    m_nameB->setText(m_second->isEmpty() ? tr("No other run") : comparedTitle(names[1], b));
    m_table->setHorizontalHeaderLabels({tr("figure"), names[0], names[1]});
    m_table->setRowCount(int(lines.size()));
    for (int i = 0; i < int(lines.size()); ++i) {
        const CompareFigure& line = lines[i];
        int column = 0;
        for (const QString& text : {line.name, line.first, line.second}) {
            auto* item = new QTableWidgetItem(text);
            if (!line.tip.isEmpty()) item->setToolTip(plainToolTip(line.tip));
            m_table->setItem(i, column++, item);
        }
    }
    m_table->horizontalHeader()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
}

void MaskCompareView::setShown(Shown shown) {
    m_shown = shown;
    m_a->parentWidget()->setVisible(shown != Shown::Second);
    m_b->parentWidget()->setVisible(shown != Shown::First);
    const bool both = shown == Shown::Both, first = shown == Shown::First;
    m_shownAction->setText(both ? tr("Both Masks") : first ? tr("First Mask") : tr("Second Mask"));
    m_shownAction->setIconText(both ? tr("Both") : first ? tr("First") : tr("Second"));  // short, for the bar
}

void MaskCompareView::showNext() {
    setShown(m_shown == Shown::Both ? Shown::First : m_shown == Shown::First ? Shown::Second : Shown::Both);
}

void MaskCompareView::showSummary() {
    m_partingAction->setEnabled(m_diff->diff().parting >= 0);
    m_text->setText(summary());
}

QString MaskCompareView::summary() const {
    const MaskDiff& d = m_diff->diff();
    if (!d.why.empty()) return QString::fromStdString(d.why);
    if (d.rows.empty()) return tr("Nothing to compare yet.");
    const RunData &a = m_first->data(), &b = m_second->data();
    const QStringList names = comparedNames(a, b);
    QString text = m_comparison->words();
    if (!text.isEmpty()) text = tr("Text: %1. ").arg(text);
    if (d.parting >= 0) {
        const auto token = [&](const RunData& r) { return tokenText(r, r.steps[size_t(d.parting)].position); };
        text += tr("Same tokens up to step %1; there %2 wrote \u201c%3\u201d, %4 \u201c%5\u201d. ")
                    .arg(QString::number(d.parting), names[0], shownLine(token(a)), names[1], shownLine(token(b)));
    } else {
        text += a.steps.size() == b.steps.size()
                    ? tr("Same tokens in all %1 steps. ").arg(d.rows.size())
                    : tr("Same tokens in the %1 steps that both have. ").arg(d.rows.size());
    }
    const double all = double(std::max<int64_t>(1, d.cellsBoth + d.cellsOnlyFirst + d.cellsOnlySecond));
    return text + tr("Of all that was attended, both attended to %1, only %2 to %3, only %4 to %5.")
                      .arg(formatPercent(double(d.cellsBoth) / all), names[0],
                           formatPercent(double(d.cellsOnlyFirst) / all), names[1],
                           formatPercent(double(d.cellsOnlySecond) / all));
}

QString MaskCompareView::csv() const {
    QString out = QStringLiteral("figure,first,second\n");
    const auto quoted = [](const QString& s) {
        return '"' + QString::fromStdString(withoutFormula(s.toStdString())).replace('"', QStringLiteral("\"\"")) + '"';
    };
    for (int i = 0; i < m_table->rowCount(); ++i)
        out += quoted(m_table->item(i, 0)->text()) + ',' + quoted(m_table->item(i, 1)->text()) + ',' +
               quoted(m_table->item(i, 2)->text()) + '\n';
    return out;
}

void MaskCompareView::setLinked(bool on) {
    m_linked = on;
    m_linkAction->setChecked(on);
    if (on) emit m_a->viewChanged();
}

void MaskCompareView::jumpToParting() {
    const int step = m_diff->diff().parting;
    if (step >= 0) m_selection->lockRange(step, step);
}

void MaskCompareView::copyCsv() { QGuiApplication::clipboard()->setText(csv()); }

}  // namespace spanscope
