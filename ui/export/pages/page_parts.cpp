#include "ui/export/pages/page_parts.h"

#include <QFontMetricsF>
#include <QPainter>
#include <algorithm>
#include <cmath>

#include "ui/model/shown_text.h"
#include "ui/views/mask/mask_explain.h"
#include "ui/views/mask/mask_geometry.h"

namespace spanscope {

QString sentence(const QString& text) { return text.isEmpty() ? QString() : text + QStringLiteral(". "); }

QString runName(const RunData& run) {
    QStringList parts;
    for (const std::string& s : {run.header.modelName, run.header.settings.task})
        if (!s.empty()) parts << shownLine(s, 60);
    return parts.join(QStringLiteral(" \u00b7 "));
}

QString orGiven(const std::string& given, const QString& made) {
    if (given == "-") return {};
    return given.empty() ? made : QString::fromStdString(given);
}

QString runOrigin(const RunData& run) {
    QStringList parts;
    if (!run.header.modelHash.empty())
        parts << QStringLiteral("Model %1").arg(shownLine(run.header.modelHash.substr(0, 12)));
    if (const std::string adapter = run.header.adapter.text(); !adapter.empty())
        parts << QStringLiteral("adapter %1").arg(shownLine(adapter, 120));
    if (!run.header.backend.empty())
        parts << QStringLiteral("%1 (%2)").arg(shownLine(run.header.backend, 60), shownLine(run.header.device, 60));
    if (!run.header.kvType.empty()) parts << QStringLiteral("KV cache %1").arg(shownLine(run.header.kvType, 60));
    if (!run.header.programVersion.empty())
        parts << QStringLiteral("Spanscope %1").arg(shownLine(run.header.programVersion, 60));
    return sentence(parts.join(QStringLiteral(", ")));
}

double titleHeight(const QString& title) { return title.isEmpty() ? 0 : 26; }

double pageWidth(const FigureOptions& o) { return std::clamp(o.width, 320, 4000) - 2 * kFigureMargin; }

QString stepName(const RunData& run, int step) {
    if (step < 0 || step >= static_cast<int>(run.steps.size())) return QStringLiteral("step %1").arg(step);
    const StepRecord& s = run.steps[static_cast<size_t>(step)];
    return QStringLiteral("step %1 (\u201c%2\u201d, %3)")
        .arg(step)
        .arg(QString::fromStdString(tokenText(run, s.position)), QString(phaseName(s.phase)));
}

QString headName(const StepProbe& probe) {
    return probe.layer < 0 ? QStringLiteral("mean of all layers and heads")
                           : QStringLiteral("layer %1, head %2").arg(probe.layer).arg(probe.head);
}

float pooled(const std::vector<float>& values, int x, int width) {
    const size_t n = values.size(), from = n * static_cast<size_t>(x) / static_cast<size_t>(width);
    const size_t to = std::max(from + 1, n * static_cast<size_t>(x + 1) / static_cast<size_t>(width));
    float most = 0;
    for (size_t i = from; i < std::min(to, n); ++i) most = std::max(most, values[i]);
    return most;
}

void fillColumns(QPainter& p, double left, double base, double unit, const std::vector<double>& heights,
                 const QColor& color) {
    QPolygonF shape{{left, base}};
    for (size_t i = 0; i < heights.size(); ++i) {
        if (i > 0 && heights[i] == heights[i - 1]) {
            shape.last().rx() += unit;
            continue;
        }
        shape << QPointF(left + double(i) * unit, base - heights[i])
              << QPointF(left + double(i + 1) * unit, base - heights[i]);
    }
    shape << QPointF(left + double(heights.size()) * unit, base);
    p.setPen(Qt::NoPen);
    p.setBrush(color);
    p.drawPolygon(shape);
    p.setBrush(Qt::NoBrush);
}

double largest(const std::vector<float>& values) {
    return values.empty() ? 0 : double(*std::max_element(values.begin(), values.end()));
}

void drawTicks(QPainter& p, const QRectF& plot, int n, const Palette& c) {
    const QFontMetricsF metrics(p.font());
    const double perCell = plot.width() / std::max(1, n);
    for (const MaskTick& tick : niceTicks({0, n}, perCell, metrics.horizontalAdvance("000000"))) {
        const double x = plot.left() + (tick.cell + 0.5) * perCell;
        p.setPen(QPen(tick.major ? c.inkSoft : c.grid, 1));
        p.drawLine(QPointF(x, plot.bottom() + 1), QPointF(x, plot.bottom() + (tick.major ? 5 : 3)));
        if (tick.major)
            p.drawText(QRectF(x - 40, plot.bottom() + 5, 80, metrics.height()), Qt::AlignCenter,
                       QString::number(tick.cell));
    }
}

void drawLevels(QPainter& p, const QRectF& plot, double base, double top, double most, const Palette& c,
                const std::function<QString(double)>& text) {
    if (most <= 0) return;
    for (const double share : {0.0, 0.0625, 0.25, 0.5625, 1.0}) {
        const double y = base + (top - base) * std::sqrt(share);
        p.setPen(QPen(c.grid, 1));
        p.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y));
        p.setPen(c.inkSoft);
        p.drawText(QRectF(plot.left() - kAxis, y - 7, kAxis - 6, 14), Qt::AlignRight | Qt::AlignVCenter,
                   text(share * most));
    }
}

void drawSwatch(QPainter& p, double& x, double y, const QColor& color, const QString& name, const Palette& c) {
    p.setPen(QPen(c.inkSoft, 0.6));
    p.setBrush(color);
    p.drawRect(QRectF(x, y, 13, 13));
    p.setPen(c.ink);
    p.drawText(QPointF(x + 18, y + 11), name);
    x += 18 + QFontMetricsF(p.font()).horizontalAdvance(name) + 18;
}

}  // namespace spanscope
