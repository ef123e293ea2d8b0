#include <QElapsedTimer>
#include <QPaintEvent>
#include <QPainter>
#include <QPainterPath>

#include "ui/model/format.h"
#include "ui/views/mask/mask_rulers.h"
#include "ui/views/mask/mask_view.h"

namespace spanscope {

MaskRulers MaskView::rulers() const {
    return {m_store->data(),
            m_rows,
            m_style.palette(),
            m_x,
            m_y,
            1 / viewport()->devicePixelRatioF(),
            QRectF(m_plot),
            m_selection->isLocked() ? m_selection->locked() : m_selection->hovered(),
            m_selection->isLocked() ? m_selection->lockedEnd() : m_selection->hovered(),
            m_style.byPhase,
            m_style.showLoaded,
            0,
            rulerScale()};
}

void MaskView::takeTheme() {
    const Palette& theme = Palette::of(palette());
    m_style.dark = theme.dark;
    m_style.highContrast = theme.highContrast;
}

void MaskView::paintEvent(QPaintEvent*) {
    QElapsedTimer timer;
    timer.start();
    takeTheme();
    QPainter painter(viewport());
    painter.fillRect(viewport()->rect(), m_style.palette().ground);
    if (m_rows.size() == 0) {
        paintEmpty(painter);
        return;
    }
    const double dpr = viewport()->devicePixelRatioF();
    painter.save();
    painter.translate(m_plot.topLeft());
    painter.scale(1 / dpr, 1 / dpr);
    m_tiles.paint(painter, {m_x.axis, m_y.axis, m_style}, int64_t(m_x.origin), int64_t(m_y.origin), m_x.extent,
                  m_y.extent);
    painter.restore();

    const QFont small = rulerFont();
    painter.setFont(small);
    MaskRulers r = rulers();
    if (r.last >= m_rows.size()) r.first = r.last = -1;
    r.drawGrid(painter);
    paintSelection(painter, r);
    r.drawTop(painter);
    r.drawLeft(painter);
    r.drawCorner(painter);
    paintCrosshair(painter, r);
    r.drawLegend(&painter, QRectF(m_legend), small);
    paintCard(painter);
    m_paintNs = timer.nsecsElapsed();
}

void MaskView::paintSelection(QPainter& painter, const MaskRulers& r) const {
    if (r.first < 0) return;
    painter.save();
    painter.setClipRect(r.plot);
    const double top = r.yOf(r.first), bottom = std::max(r.yOf(r.last + 1), top + 1);
    const double right = std::min(r.plot.right(), r.xOf(m_x.nCells));
    if (m_selection->isLocked() && !r.palette.highContrast) {  // the rest steps back
        QColor veil = r.palette.ground;
        veil.setAlpha(r.palette.dark ? 110 : 120);
        const double end = std::min(r.plot.bottom(), r.yOf(m_y.nCells));
        painter.fillRect(QRectF(QPointF(r.plot.left(), r.plot.top()), QPointF(right, top)), veil);
        painter.fillRect(QRectF(QPointF(r.plot.left(), bottom), QPointF(right, end)), veil);
    }
    painter.setPen(QPen(r.palette.accent, m_selection->isLocked() ? 1.5 : 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawLine(QPointF(r.plot.left(), top), QPointF(right, top));
    painter.drawLine(QPointF(r.plot.left(), bottom), QPointF(right, bottom));
    painter.restore();
}

void MaskView::paintCrosshair(QPainter& painter, const MaskRulers& r) const {
    if (m_cursorStep < 0 || m_cursorColumn < 0) return;
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing, false);
    const QPointF at = centreOf(m_cursorStep, m_cursorColumn);
    QColor line = r.palette.ink;
    line.setAlpha(120);
    painter.setClipRect(r.plot);
    painter.setPen(QPen(line, 1, Qt::DashLine));
    painter.drawLine(QPointF(at.x(), r.plot.top()), QPointF(at.x(), r.plot.bottom()));
    painter.drawLine(QPointF(r.plot.left(), at.y()), QPointF(r.plot.right(), at.y()));
    const double w = r.xOf(m_cursorColumn + 1) - r.xOf(m_cursorColumn);
    const double h = r.yOf(m_cursorStep + 1) - r.yOf(m_cursorStep);
    if (w > 4 && h > 4) {
        painter.setPen(QPen(r.palette.accent, 2));
        painter.drawRect(QRectF(r.xOf(m_cursorColumn), r.yOf(m_cursorStep), w, h));
    }
    painter.setClipping(false);
    const QFontMetricsF metrics(painter.font());
    const auto flag = [&](const QString& text, QPointF centre) {
        QRectF box(0, 0, metrics.horizontalAdvance(text) + 8, metrics.height() + 2);
        box.moveCenter(centre);
        painter.setPen(Qt::NoPen);
        painter.setBrush(r.palette.accent);
        painter.drawRoundedRect(box, 3, 3);
        painter.setPen(r.palette.ground);
        painter.drawText(box, Qt::AlignCenter, text);
    };
    painter.setRenderHint(QPainter::Antialiasing, true);
    if (at.x() >= r.plot.left() && at.x() <= r.plot.right())
        flag(QString::number(m_cursorColumn), {at.x(), r.plot.top() - 29 * r.scale});
    if (at.y() >= r.plot.top() && at.y() <= r.plot.bottom())
        flag(QString::number(m_cursorStep), {r.plot.left() - 72 * r.scale, at.y()});
    painter.restore();
}

void MaskView::paintCard(QPainter& painter) const {
    if (m_cursorStep < 0 || m_cursorColumn < 0 || m_dragging || m_selecting) return;
    const CellInfo info = cursor();
    if (info.step < 0) return;
    const StepRecord& step = m_store->data().steps[size_t(info.step)];
    const auto text = [](const std::string& s) { return QString::fromStdString(s); };
    QStringList lines;
    lines << tr("step %1  \u201c%2\u201d  \u00b7  %3%4")
                 .arg(info.step)
                 .arg(text(info.query), text(info.phase),
                      info.segment.empty() ? QString() : tr(" of %1").arg(text(info.segment)));
    lines << (info.key.empty()
                  ? tr("position %1").arg(info.column)
                  : tr("position %1  \u201c%2\u201d%3")
                        .arg(info.column)
                        .arg(text(info.key),
                             info.keySegment.empty() ? QString() : tr("  \u00b7  %1").arg(text(info.keySegment))));
    lines << QString(maskStateName(info.state)) + QStringLiteral(": ") + text(info.reason);
    lines << tr("this step attends to %1 of %2 tokens, loads %3")
                 .arg(formatCount(step.attended), formatCount(step.causal), formatCount(step.loaded));

    const Palette& palette = m_style.palette();
    QFont bold = painter.font();
    bold.setBold(true);
    const QFontMetricsF metrics(painter.font()), boldMetrics(bold);
    double width = boldMetrics.horizontalAdvance(lines[2]);
    for (const QString& line : lines) width = std::max(width, metrics.horizontalAdvance(line));
    QRectF box(0, 0, width + 20, double(lines.size()) * (metrics.height() + 2) + 12);
    const QPointF at = m_mouseInside ? m_mouse : centreOf(info.step, info.column);
    box = cardPlace(box.size(), QRectF(viewport()->rect()).adjusted(4, 4, -4, -4), QRectF(m_plot), at);

    painter.save();
    painter.setRenderHint(QPainter::Antialiasing, true);
    QColor ground = palette.panel;
    ground.setAlpha(245);
    painter.setPen(QPen(palette.inkSoft, 0.8));
    painter.setBrush(ground);
    painter.drawRoundedRect(box, 5, 5);
    double y = box.top() + 6;
    for (int i = 0; i < lines.size(); ++i) {
        QFont lineFont = bold;
        lineFont.setBold(i == 2);
        painter.setFont(lineFont);
        painter.setPen(i == 2 ? palette.ink : i == 3 ? palette.inkSoft : palette.ink);
        painter.drawText(QRectF(box.left() + 10, y, box.width(), metrics.height()), Qt::AlignVCenter, lines[i]);
        y += metrics.height() + 2;
    }
    painter.restore();
}

void MaskView::paintEmpty(QPainter& painter) const {
    const Palette& palette = m_style.palette();
    painter.setPen(palette.inkSoft);
    const QString text = m_store->isEmpty()
                             ? tr("No run yet.\nRun a prompt or open a trace: each step becomes a row,\n"
                                  "each position that it attends to a filled cell.")
                             : tr("The prompt is being prefilled.\nThe first row appears with the first token.");
    painter.drawText(viewport()->rect(), Qt::AlignCenter, text);
}

void MaskView::finishTiles() {
    layOut();
    takeTheme();
    QImage scratch(m_x.extent, m_y.extent, QImage::Format_RGB32);
    for (int i = 0; i < 8; ++i) {
        QPainter painter(&scratch);
        if (m_tiles.paint(painter, {m_x.axis, m_y.axis, m_style}, int64_t(m_x.origin), int64_t(m_y.origin), m_x.extent,
                          m_y.extent))
            return;
        painter.end();
        m_tiles.finish();
    }
}

}  // namespace spanscope
