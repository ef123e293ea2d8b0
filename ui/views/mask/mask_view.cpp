#include "ui/views/mask/mask_view.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QScrollBar>
#include <QToolButton>
#include <QWheelEvent>
#include <algorithm>

#include "ui/views/mask/mask_rulers.h"
#include "ui/views/mask/mask_table.h"
#include "ui/views/table_twin.h"
#include "ui/views/view_actions.h"

namespace spanscope {

namespace {
constexpr double kWheelZoom = 1.189207115002721;  // 2^(1/4) a notch
constexpr int kPageSteps = 10;
}  // namespace

MaskView::MaskView(RunStore* store, Selection* selection, QWidget* parent)
    : QAbstractScrollArea(parent), m_store(store), m_selection(selection) {
    setObjectName("maskView");
    setFocusPolicy(Qt::StrongFocus);
    setFrameShape(QFrame::NoFrame);
    setMinimumSize(200, 110);
    viewport()->setMouseTracking(true);
    setAccessibleName(tr("Attention mask"));
    setWhatsThis(tr(
        "What each step attends to. Rows are steps, columns are context positions. Filled cells were attended; dotted "
        "ones were loaded with their page; hatched ones were not read; empty ones did not exist yet. Wheel scrolls, "
        "Ctrl+wheel zooms, drag pans, click locks a step, Shift+click makes a range, Esc unlocks."));
    makeActions();
    connect(m_store, &RunStore::reset, this, &MaskView::onReset);
    connect(m_store, &RunStore::stepsAppended, this, &MaskView::onAppended);
    connect(m_store, &RunStore::finished, this, [this] {
        layOut();  // the legend names what is there
        describe();
        if (m_fit) fitWindows();
        viewport()->update();
    });
    connect(m_selection, &Selection::changed, this, &MaskView::onSelection);
    connect(&m_tiles, &MaskTiles::ready, viewport(), qOverload<>(&QWidget::update));
    onReset();
}

void MaskView::makeActions() {
    const ViewActions add(this, Qt::WidgetShortcut);
    QAction* in = add(tr("Zoom in"), QKeySequence(Qt::Key_W), tr("Zoom in at the pointer"),
                      [this] { zoomBy(1.5, m_mouseInside ? m_mouse : QPointF(-1, -1)); });
    QAction* out = add(tr("Zoom out"), QKeySequence(Qt::Key_S), tr("Zoom out at the pointer"),
                       [this] { zoomBy(1 / 1.5, m_mouseInside ? m_mouse : QPointF(-1, -1)); });
    add(tr("Pan left"), QKeySequence(Qt::Key_A), tr("Move the view left"), [this] {
        m_x.origin -= m_x.extent / 6;
        moved();
    });
    add(tr("Pan right"), QKeySequence(Qt::Key_D), tr("Move the view right"), [this] {
        m_x.origin += m_x.extent / 6;
        moved();
    });
    QAction* whole =
        add(tr("Whole mask"), QKeySequence(Qt::Key_F), tr("Show every step and position"), [this] { fit(); });
    add(tr("Zoom to segment"), QKeySequence(Qt::Key_Z), tr("Show the steps of the current segment"), [this] {
        const int step = m_selection->current() >= 0 ? m_selection->current() : m_cursorStep;
        if (step >= 0 && step < m_store->nSteps()) zoomToSegment(m_store->data().steps[size_t(step)].segment);
    });
    m_followAction = add.checkable(tr("Follow"), QKeySequence(Qt::Key_L), tr("Keep the newest step in view"), m_follow,
                                   [this](bool on) { setFollowing(on); });
    m_phaseAction =
        add.checkable(tr("Colour by phase"), QKeySequence(Qt::Key_P), tr("Attended cells in the colour of their phase"),
                      m_style.byPhase, [this](bool on) { setByPhase(on); });
    m_loadedAction = add.checkable(tr("Show page rounding"), QKeySequence(Qt::Key_R),
                                   tr("Mark tokens that are loaded only because their page is"), m_style.showLoaded,
                                   [this](bool on) { setShowLoaded(on); });
    addTableTwin(this, m_selection, [this] { return new MaskTable(m_store); });
    add(tr("Copy image"), QKeySequence::Copy, tr("Copy what is shown as an image"), [this] { copyImage(); });
    out->setIconText(QStringLiteral("\u2212"));
    in->setIconText(QStringLiteral("+"));
    whole->setIconText(tr("Whole"));
    makeBar({out, in, whole});
}

void MaskView::makeBar(const QList<QAction*>& buttons) {
    m_bar = new QWidget(viewport());
    m_bar->setObjectName("maskBar");
    m_bar->setCursor(Qt::ArrowCursor);
    auto* row = new QHBoxLayout(m_bar);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(2);
    for (QAction* action : buttons) {
        auto* button = new QToolButton(m_bar);
        button->setDefaultAction(action);
        button->setFocusPolicy(Qt::NoFocus);  // the keys do the same
        button->setAccessibleName(action->text());
        row->addWidget(button);
    }
}

QFont MaskView::rulerFont() const {
    QFont small = font();
    small.setPointSizeF(std::max(7.0, font().pointSizeF() * 0.85));
    return small;
}

double MaskView::rulerScale() const {
    return std::max(1.0, QFontMetricsF(rulerFont()).height() / MaskRulers::kLineHeight);
}

int MaskView::legendHeight() const { return int(MaskRulers::kLegend * rulerScale()); }

double MaskView::legendWidth() const { return rulers().paintLegend(nullptr, QRectF(), rulerFont(), true); }

// ---- data

void MaskView::onReset() {
    m_rows.clear();
    for (const StepRecord& step : m_store->data().steps) m_rows.append(step);
    m_rows.setMinColumns(m_store->nContext());
    m_tiles.reset(m_rows);
    m_cursorStep = m_cursorColumn = -1;
    m_fit = true;
    setFollowing(true);
    layOut();
    fitWindows();
    describe();
    viewport()->update();
}

void MaskView::onAppended(int first, int last) {
    for (int i = std::max(first, m_rows.size()); i <= last; ++i) m_rows.append(m_store->data().steps[size_t(i)]);
    m_rows.setMinColumns(m_store->nContext());
    m_tiles.update(m_rows);
    m_x.nCells = m_rows.nColumns();
    m_y.nCells = m_rows.size();
    if (m_fit) {
        fitWindows();
    } else {
        if (m_follow) {
            m_y.reveal(m_y.nCells - 1);
            m_x.reveal(m_x.nCells - 1);
        }
        syncScrollBars();
    }
    viewport()->update();
}

void MaskView::onSelection() {
    const int step = m_selection->current();
    if (m_selection->isLocked() && step >= 0 && step < m_rows.size() && !m_mouseInside && !m_fit) {
        m_y.reveal(step);
        syncScrollBars();
    }
    describe();
    viewport()->update();
}

void MaskView::describe() { setAccessibleDescription(maskWords(m_store->data(), m_selection->current())); }

// ---- geometry

void MaskView::layOut() {
    const QSize size = viewport()->size();
    const double scale = rulerScale();
    const int left = int(MaskRulers::kLeft * scale), top = int(MaskRulers::kTop * scale), row = legendHeight();
    const QSize bar = m_bar->sizeHint();
    const int width = std::max(16, size.width() - left - 10);
    const bool hasBar = width > bar.width();
    // Beside the legend where both fit, else below it.
    const bool below = hasBar && legendWidth() + bar.width() + 12 > width;
    const int foot = (below ? row : 0) + std::max(row, hasBar ? bar.height() : 0) + 4;
    m_plot = QRect(left, top, width, std::max(16, size.height() - top - foot));
    m_legend = QRect(left, m_plot.bottom() + 5, hasBar && !below ? width - bar.width() - 12 : width, row);
    m_bar->setVisible(hasBar);
    m_bar->setGeometry(
        QRect(QPoint(m_plot.right() - bar.width(), below ? m_legend.bottom() : m_plot.bottom() + 4), bar));
    const double dpr = viewport()->devicePixelRatioF();
    m_x.extent = int(m_plot.width() * dpr);
    m_y.extent = int(m_plot.height() * dpr);
    m_x.nCells = m_rows.nColumns();
    m_y.nCells = m_rows.size();
    m_style.pattern = std::max(1, int(std::lround(dpr)));
}

void MaskView::fitWindows() {
    m_x.nCells = m_rows.nColumns();
    m_y.nCells = m_rows.size();
    const bool live = !m_store->isFinished() && !m_store->isEmpty();
    m_x.fit(live ? cellsWithRoom(m_x.nCells) : m_x.nCells);
    m_y.fit(live ? cellsWithRoom(m_y.nCells) : m_y.nCells);
    syncScrollBars();
}

void MaskView::syncScrollBars() {
    m_syncing = true;
    const auto sync = [](QScrollBar* bar, const MaskWindow& window) {
        bar->setRange(0, int(std::max<int64_t>(0, window.axis.pixels(window.nCells) - window.extent)));
        bar->setPageStep(window.extent);
        bar->setSingleStep(std::max(16, int(window.axis.pixelsPerCell())));
        bar->setValue(int(window.origin));
    };
    sync(horizontalScrollBar(), m_x);
    sync(verticalScrollBar(), m_y);
    m_syncing = false;
}

void MaskView::scrollContentsBy(int, int) {
    if (m_syncing) return;
    m_x.origin = horizontalScrollBar()->value();
    m_y.origin = verticalScrollBar()->value();
    moved();
}

void MaskView::moved() {
    m_fit = false;
    m_x.clamp();
    m_y.clamp();
    setFollowing(m_y.visibleCells().end >= m_y.nCells);
    syncScrollBars();
    viewport()->update();
    emit viewChanged();
}

void MaskView::follow(const MaskWindow& columns, const MaskWindow& rows, bool fitted) {
    m_fit = fitted;
    if (fitted) {
        fitWindows();
    } else {
        m_x.follow(columns);
        m_y.follow(rows);
        syncScrollBars();
    }
    viewport()->update();
}

QPoint MaskView::cellAt(QPointF pos) const {
    const double dpr = viewport()->devicePixelRatioF();
    const QPointF at = (pos - m_plot.topLeft()) * dpr;
    const int column = m_x.cellAtWindow(at.x()), step = m_y.cellAtWindow(at.y());
    return column < 0 || step < 0 ? QPoint(-1, -1) : QPoint(column, step);
}

QPointF MaskView::centreOf(int step, int column) const {
    const double dpr = viewport()->devicePixelRatioF();
    return {m_plot.left() + (m_x.axis.pixelOf(column + 0.5) - m_x.origin) / dpr,
            m_plot.top() + (m_y.axis.pixelOf(step + 0.5) - m_y.origin) / dpr};
}

void MaskView::fit() {
    m_fit = true;
    m_x.origin = m_y.origin = 0;
    setFollowing(true);
    fitWindows();
    viewport()->update();
    emit viewChanged();
}

void MaskView::zoomBy(double factor, QPointF at) {
    if (m_rows.size() == 0) return;
    const double dpr = viewport()->devicePixelRatioF();
    const QPointF p = m_plot.contains(at.toPoint()) ? at : QPointF(m_plot.center());
    m_x.zoomAt((p.x() - m_plot.left()) * dpr, factor);
    m_y.zoomAt((p.y() - m_plot.top()) * dpr, factor);
    moved();
}

void MaskView::zoomToSegment(int segment) {
    const RunData& run = m_store->data();
    if (segment < 0 || segment >= int(run.segments.size()) || run.steps.empty()) return;
    const Segment& s = run.segments[size_t(segment)];
    const int offset = run.steps.front().position;
    const int end = s.end == kOpenEnd ? offset + m_rows.size() : s.end;
    if (s.end > offset) {  // written by the model: its steps, and the columns they attend to
        m_y.show(std::max(0, s.begin - offset), end - offset);
        int from = s.begin;
        for (const SpanRef& ref : s.refs)
            if (ref.segment >= 0) from = std::min(from, ref.tokens.begin);
        m_x.show(from, end);
    } else {
        m_x.show(s.begin, end);
    }
    moved();
}

void MaskView::setFollowing(bool on) {
    if (m_followAction) m_followAction->setChecked(on);
    if (on == m_follow) return;
    m_follow = on;
    if (on && !m_fit) {
        m_y.reveal(m_y.nCells - 1);
        syncScrollBars();
        viewport()->update();
    }
    emit followingChanged(on);
}

void MaskView::setByPhase(bool on) {
    m_style.byPhase = on;
    m_phaseAction->setChecked(on);
    viewport()->update();
}

void MaskView::setShowLoaded(bool on) {
    m_style.showLoaded = on;
    m_loadedAction->setChecked(on);
    viewport()->update();
}

void MaskView::copyImage() {
    finishTiles();
    QGuiApplication::clipboard()->setPixmap(viewport()->grab());
}

// ---- cursor, mouse, keys

CellInfo MaskView::cursor() const { return describeCell(m_store->data(), m_cursorStep, m_cursorColumn); }

void MaskView::setCursorCell(int step, int column) {
    if (step == m_cursorStep && column == m_cursorColumn) return;
    m_cursorStep = step;
    m_cursorColumn = column;
    const QString sentence = step < 0 ? QString() : QString::fromStdString(cellSentence(cursor()));
    setAccessibleName(step < 0 ? tr("Attention mask") : tr("Attention mask, %1").arg(sentence));
    emit cursorChanged(sentence);
    viewport()->update();
}

void MaskView::mouseMoveEvent(QMouseEvent* event) {
    m_mouse = event->position();
    m_mouseInside = true;
    if (m_pressed && !m_dragging && !m_selecting &&
        (m_mouse - m_press).manhattanLength() >= QApplication::startDragDistance()) {
        if (event->modifiers() & Qt::ShiftModifier) {
            m_selecting = true;
            const int from = cellAt(m_press).y();
            if (from >= 0) m_selection->lockRange(from, from);
        } else {
            m_dragging = true;
            viewport()->setCursor(Qt::ClosedHandCursor);
        }
    }
    const QPoint cell = cellAt(m_mouse);
    if (m_dragging) {
        const double dpr = viewport()->devicePixelRatioF();
        m_x.origin = std::round(m_pressX - (m_mouse.x() - m_press.x()) * dpr);
        m_y.origin = std::round(m_pressY - (m_mouse.y() - m_press.y()) * dpr);
        moved();
    } else if (m_selecting) {
        if (cell.y() >= 0) m_selection->extendTo(cell.y());
    } else {
        setCursorCell(cell.y(), cell.x());
        m_selection->hover(cell.y());
        viewport()->update();
    }
}

void MaskView::mousePressEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton) return;
    m_pressed = true;
    m_press = m_mouse = event->position();
    m_pressX = m_x.origin;
    m_pressY = m_y.origin;
}

void MaskView::mouseReleaseEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton || !m_pressed) return;
    const bool click = !m_dragging && !m_selecting;
    m_pressed = m_dragging = m_selecting = false;
    viewport()->unsetCursor();
    if (!click) return;
    const QPoint cell = cellAt(event->position());
    if (cell.y() < 0) return;
    setCursorCell(cell.y(), cell.x());
    if (event->modifiers() & Qt::ShiftModifier) m_selection->extendTo(cell.y());
    else m_selection->lock(cell.y());
}

void MaskView::mouseDoubleClickEvent(QMouseEvent* event) {
    const QPoint cell = cellAt(event->position());
    if (cell.y() < 0) return;
    zoomToSegment(m_store->data().steps[size_t(cell.y())].segment);
    m_selection->lockRange(cell.y(), cell.y());
}

void MaskView::wheelEvent(QWheelEvent* event) {
    const QPoint pixels = event->pixelDelta();
    const QPointF notches = QPointF(event->angleDelta()) / 120.0;
    if (event->modifiers() & Qt::ControlModifier) {
        m_mouse = event->position();
        zoomBy(std::pow(kWheelZoom, notches.y()), event->position());
    } else {
        QPointF delta = pixels.isNull() ? notches * 60 : QPointF(pixels);
        if (event->modifiers() & Qt::ShiftModifier && delta.x() == 0) delta = delta.transposed();
        const double dpr = viewport()->devicePixelRatioF();
        m_x.origin = std::round(m_x.origin - delta.x() * dpr);
        m_y.origin = std::round(m_y.origin - delta.y() * dpr);
        moved();
    }
    event->accept();
}

void MaskView::moveStep(int step, bool extend) {
    if (m_rows.size() == 0) return;
    step = std::clamp(step, 0, m_rows.size() - 1);
    const int column = m_cursorColumn >= 0 ? m_cursorColumn : m_rows[step].position;
    m_y.reveal(step);
    syncScrollBars();
    setCursorCell(step, column);
    if (extend) m_selection->extendTo(step);
    else m_selection->lockRange(step, step);
}

void MaskView::keyPressEvent(QKeyEvent* event) {
    const bool shift = event->modifiers() & Qt::ShiftModifier;
    const int step = m_cursorStep >= 0 ? m_cursorStep : std::max(m_selection->current(), -1);
    const auto column = [&](int c) {
        if (m_rows.size() == 0) return;
        c = std::clamp(c, 0, std::max(0, m_rows.nColumns() - 1));
        m_x.reveal(c);
        syncScrollBars();
        setCursorCell(std::max(0, step), c);
    };
    switch (event->key()) {
        case Qt::Key_Down: moveStep(step + 1, shift); break;
        case Qt::Key_Up: moveStep(step < 0 ? m_rows.size() - 1 : step - 1, shift); break;
        case Qt::Key_PageDown: moveStep(step + kPageSteps, shift); break;
        case Qt::Key_PageUp: moveStep(step - kPageSteps, shift); break;
        case Qt::Key_Home: moveStep(0, shift); break;
        case Qt::Key_End:
            moveStep(m_rows.size() - 1, shift);
            setFollowing(true);
            break;
        case Qt::Key_Left: column(m_cursorColumn - (shift ? kPageTokens : 1)); break;
        case Qt::Key_Right: column(m_cursorColumn + (shift ? kPageTokens : 1)); break;
        case Qt::Key_Plus:
        case Qt::Key_Equal: zoomBy(1.5, m_mouse); break;
        case Qt::Key_Minus: zoomBy(1 / 1.5, m_mouse); break;
        case Qt::Key_Return:
            if (step >= 0) m_selection->lock(step);
            break;
        case Qt::Key_Escape:
            if (m_selection->isLocked()) m_selection->clear();
            else if (!m_fit) fit();
            else event->ignore();
            break;
        default: QAbstractScrollArea::keyPressEvent(event); break;
    }
}

void MaskView::contextMenuEvent(QContextMenuEvent* event) {
    QMenu menu(this);
    menu.addActions(actions());
    menu.exec(event->globalPos());
}

bool MaskView::viewportEvent(QEvent* event) {
    if (event->type() == QEvent::Leave) {
        m_mouseInside = false;
        m_selection->hover(-1);
        setCursorCell(-1, -1);
    }
    return QAbstractScrollArea::viewportEvent(event);
}

void MaskView::changeEvent(QEvent* event) {
    QAbstractScrollArea::changeEvent(event);
    if (event->type() == QEvent::FontChange && m_bar) layOut();
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) viewport()->update();
}

void MaskView::resizeEvent(QResizeEvent* event) {
    QAbstractScrollArea::resizeEvent(event);
    layOut();
    if (m_fit) {
        fitWindows();
    } else {
        m_x.clamp();
        m_y.clamp();
        syncScrollBars();
    }
}

}  // namespace spanscope
