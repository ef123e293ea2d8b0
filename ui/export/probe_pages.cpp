// Figures of inspect mode and of two runs: attention of a step, mass kept by layer and head, divergence along the run,
// difference of two masks.
#include <qcustomplot.h>
#include <QFontMetricsF>
#include <algorithm>
#include <cmath>

#include "engine/types/run_diff.h"
#include "ui/export/figure_page.h"
#include "ui/model/format.h"
#include "ui/model/tint.h"
#include "ui/views/mask/mask_diff.h"
#include "ui/views/mask/mask_explain.h"
#include "ui/views/mask/mask_rulers.h"
#include "ui/views/palette.h"

namespace spanscope {

namespace {

constexpr double kAxis = 64;  // left of the plots: numbers and their name

double pageWidth(const FigureOptions& o) { return std::clamp(o.width, 320, 4000) - 2 * kFigureMargin; }

/// Largest of values[i] for which i falls on column x of `width`.
float pooled(const std::vector<float>& values, int x, int width) {
    const size_t n = values.size(), from = n * static_cast<size_t>(x) / static_cast<size_t>(width);
    const size_t to = std::max(from + 1, n * static_cast<size_t>(x + 1) / static_cast<size_t>(width));
    float most = 0;
    for (size_t i = from; i < std::min(to, n); ++i) most = std::max(most, values[i]);
    return most;
}

/// Columns of these heights as one shape: side by side they would show seams where a column is no whole pixel.
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

/// Numbers below a plot at round places.
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

/// Lines at round values of a square-root scale from 0 at `base` to `most` at `top`.
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

}  // namespace

FigurePage attentionPage(const RunData& run, const StepProbe& probe, const FigureOptions& o) {
    FigurePage page;
    if (probe.dense.empty()) return page;
    const double width = pageWidth(o), half = 110, ribbon = MaskRulers::kTop;
    page.body = QSizeF(width, ribbon + 2 * half + 8 + (o.legend ? 26 : 0));
    page.title =
        orGiven(o.title, QStringLiteral("Attention of %1 \u00b7 %2").arg(stepName(run, probe.step), headName(probe)));
    double kept = 0;
    const auto& mass = o.withoutFirst ? probe.massKeptNoSink : probe.massKept;
    for (const float m : mass) kept += double(m);
    page.caption = orGiven(
        o.caption, (QStringLiteral("Up: dense attention over the whole context. Down: under the declared span, shaded. "
                                   "Square-root scale%1. The span "
                                   "keeps %2 of the dense mass (mean over heads); KL(dense \u2016 declared) %3. %4")
                        .arg(o.withoutFirst ? QStringLiteral(", first token left out") : QString(),
                             formatPercent(mass.empty() ? 1 : kept / double(mass.size())),
                             formatNats(probe.divergence.klNats), runOrigin(run)))
                       .trimmed());
    page.paint = [&run, &probe, o, width, half, ribbon](QCPPainter& painter, QPointF at) {
        const Palette& c = Palette::of(o.dark);
        const QRectF plot(at.x() + kAxis, at.y() + ribbon, width - kAxis, 2 * half);
        std::vector<float> dense = probe.dense, declared = probe.restricted;
        declared.resize(dense.size(), 0.0F);
        if (o.withoutFirst) dense[0] = declared[0] = 0;
        const int n = static_cast<int>(dense.size());
        const double most = std::max({1e-9, largest(dense), largest(declared)}), middle = plot.center().y();
        painter.setFont(figureFont(10));
        if (probe.visible)
            for (const Interval& interval : *probe.visible) {
                const Interval i = clipToQuery(interval, probe.position);
                if (i.begin < i.end)
                    painter.fillRect(QRectF(plot.left() + plot.width() * i.begin / n, plot.top(),
                                            plot.width() * (i.end - i.begin) / n, plot.height()),
                                     mix(c.ground, c.declared, 0.13));
            }
        const auto percent = [](double v) { return formatPercent(v); };
        drawLevels(painter, plot, middle, plot.top() + 6, most, c, percent);
        drawLevels(painter, plot, middle, plot.bottom() - 6, most, c, percent);
        const int columns = std::max(1, static_cast<int>(plot.width()) * std::clamp(o.scale, 1, 4));
        const double unit = plot.width() / columns;
        std::vector<double> up, down;
        for (int x = 0; x < columns; ++x) {
            up.push_back(std::sqrt(double(pooled(dense, x, columns)) / most) * (half - 6));
            down.push_back(-std::sqrt(double(pooled(declared, x, columns)) / most) * (half - 6));
        }
        fillColumns(painter, plot.left(), middle, unit, up, c.dense);
        fillColumns(painter, plot.left(), middle, unit, down, c.declared);
        painter.setPen(QPen(c.inkSoft, 1));
        painter.drawLine(QPointF(plot.left(), middle), QPointF(plot.right(), middle));
        MaskRows none;
        MaskWindow x, y;
        x.extent = columns;
        x.nCells = n;
        x.axis.cellsPerPixel = double(n) / columns;
        const MaskRulers rulers{run, none, c, x, y, unit, plot, -1, -1, true, true, 0};
        rulers.drawTop(painter);
        if (!o.legend) return;
        double left = plot.left();
        const double top = plot.bottom() + 10;
        painter.setFont(figureFont(10.5));
        drawSwatch(painter, left, top, c.dense, QStringLiteral("dense, upward"), c);
        drawSwatch(painter, left, top, c.declared, QStringLiteral("declared, downward"), c);
        drawSwatch(painter, left, top, mix(c.ground, c.declared, 0.13), QStringLiteral("inside the span"), c);
    };
    return page;
}

FigurePage headsPage(const RunData& run, const StepProbe& probe, const FigureOptions& o) {
    FigurePage page;
    const auto& mass = o.withoutFirst ? probe.massKeptNoSink : probe.massKept;
    if (probe.nLayers < 1 || probe.nHeads < 1 ||
        mass.size() < static_cast<size_t>(probe.nLayers) * static_cast<size_t>(probe.nHeads))
        return page;
    const double cell = std::clamp((pageWidth(o) - kAxis) / probe.nHeads, 6.0, 54.0), row = std::min(cell, 26.0);
    page.body = QSizeF(std::max(470.0, kAxis + cell * probe.nHeads), 22 + row * probe.nLayers + 6);
    page.title =
        orGiven(o.title, QStringLiteral("Dense mass kept by the span \u00b7 %1").arg(stepName(run, probe.step)));
    const auto least = std::min_element(mass.begin(), mass.end()) - mass.begin();
    page.caption =
        orGiven(o.caption, (QStringLiteral("Share of the dense attention mass that lies inside the declared span, for "
                                           "each layer and head%1. Least: %2, "
                                           "layer %3, head %4. %5")
                                .arg(o.withoutFirst ? QStringLiteral(", the first token left out") : QString(),
                                     formatPercent(double(mass[static_cast<size_t>(least)])))
                                .arg(least / probe.nHeads)
                                .arg(least % probe.nHeads)
                                .arg(runOrigin(run)))
                               .trimmed());
    page.paint = [&probe, &mass, o, cell, row](QCPPainter& painter, QPointF at) {
        const Palette& c = Palette::of(o.dark);
        painter.setFont(figureFont(10));
        const QFontMetricsF metrics(painter.font());
        const bool numbers = metrics.horizontalAdvance(QStringLiteral("100")) + 4 <= cell && metrics.height() <= row;
        const double left = at.x() + kAxis, top = at.y() + 22;
        for (int h = 0; h < probe.nHeads; ++h) {
            painter.setPen(c.inkSoft);
            const QString text = h == 0 ? QStringLiteral("head 0") : QString::number(h);
            if (cell >= 14 || h % 4 == 0)
                painter.drawText(QRectF(left + h * cell - 20, at.y() + 4, cell + 40, 16), Qt::AlignCenter, text);
        }
        for (int l = 0; l < probe.nLayers; ++l) {
            painter.setPen(c.inkSoft);
            painter.drawText(QRectF(at.x(), top + l * row, kAxis - 8, row), Qt::AlignRight | Qt::AlignVCenter,
                             l == 0 ? QStringLiteral("layer 0") : QString::number(l));
            for (int h = 0; h < probe.nHeads; ++h) {
                const double m = std::clamp(double(mass[static_cast<size_t>(l * probe.nHeads + h)]), 0.0, 1.0);
                const QRectF box = QRectF(left + h * cell, top + l * row, cell, row).adjusted(0.5, 0.5, -0.5, -0.5);
                painter.fillRect(box, mix(c.ground, c.declared, 0.05 + 0.85 * m));
                if (!numbers) continue;
                painter.setPen(m > 0.5 ? c.ground : c.ink);
                painter.drawText(box, Qt::AlignCenter, QString::number(std::lround(100 * m)));
            }
        }
    };
    return page;
}

FigurePage divergencePage(const RunData& run, const DivergenceCurve& curve, const FigureOptions& o) {
    FigurePage page;
    const int n = static_cast<int>(std::min(curve.klNats.size(), curve.sameTop.size()));
    if (n == 0) return page;
    const double width = pageWidth(o), height = 170;
    page.body = QSizeF(width, height + 44);
    page.title = orGiven(o.title, QStringLiteral("Divergence of declared from dense \u00b7 %1").arg(runName(run)));
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += double(curve.klNats[static_cast<size_t>(i)]);
    const auto different = std::count(curve.sameTop.begin(), curve.sameTop.begin() + n, uint8_t{0});
    page.caption =
        orGiven(o.caption,
                (QStringLiteral("KL(dense \u2016 declared) of the next token at every step, teacher-forced on the same "
                                "text, temperature 1, natural "
                                "logarithm; square-root scale. Mean %1. %2 of %3 steps would choose differently%4. %5")
                     .arg(formatNats(sum / n))
                     .arg(different)
                     .arg(n)
                     .arg(different ? QStringLiteral(" (marks below)") : QString(), runOrigin(run)))
                    .trimmed());
    page.paint = [&curve, o, n, width, height](QCPPainter& painter, QPointF at) {
        const Palette& c = Palette::of(o.dark);
        const QRectF plot(at.x() + kAxis, at.y() + 6, width - kAxis, height);
        painter.setFont(figureFont(10));
        const double most = std::max(1e-12, largest(curve.klNats));
        drawLevels(painter, plot, plot.bottom(), plot.top(), most, c, [](double v) { return formatNumber(v); });
        const int columns = std::max(1, static_cast<int>(plot.width()) * std::clamp(o.scale, 1, 4));
        const double unit = plot.width() / columns;
        std::vector<double> bars;
        for (int x = 0; x < columns; ++x)
            bars.push_back(std::sqrt(double(pooled(curve.klNats, x, columns)) / most) * height);
        fillColumns(painter, plot.left(), plot.bottom(), unit, bars, c.declared);
        for (int i = 0; i < n; ++i)
            if (!curve.sameTop[static_cast<size_t>(i)])
                painter.fillRect(
                    QRectF(plot.left() + plot.width() * i / n, plot.bottom() + 1, std::max(1.5, plot.width() / n), 4),
                    c.accent);
        drawTicks(painter, plot.adjusted(0, 0, 0, 4), n, c);
        painter.setPen(c.ink);
        painter.drawText(QRectF(plot.left(), plot.bottom() + 24, plot.width(), 14), Qt::AlignCenter,
                         QStringLiteral("step"));
        painter.save();
        painter.translate(at.x() + 8, plot.center().y());
        painter.rotate(-90);
        painter.drawText(QRectF(-height / 2, -7, height, 14), Qt::AlignCenter, QStringLiteral("nats"));
        painter.restore();
    };
    return page;
}

FigurePage differencePage(const RunData& first, const RunData& second, const FigureOptions& o) {
    FigurePage page;
    const auto diff = std::make_shared<MaskDiff>(diffRuns(first, second));
    if (diff->rows.empty()) return page;
    MaskFigureLayout l = maskFigureLayout(first, o);  // of the first run's rows, as far as the second has them
    l.nSteps = std::min(l.nSteps, static_cast<int>(diff->rows.size()) - l.firstStep);
    if (l.nSteps < 1) return page;
    const int scale = std::clamp(o.scale, 1, 4);
    l.plot.setHeight(static_cast<int>(l.y.pixels(l.nSteps)));
    page.body = QSizeF(std::max(MaskRulers::kLeft + double(l.plot.width()) / scale, 430.0),
                       MaskRulers::kTop + double(l.plot.height()) / scale + (o.legend ? 38 : 6));
    const QString a = QString::fromStdString(first.header.settings.attention.text());
    QString b = QString::fromStdString(second.header.settings.attention.text());
    if (a == b) b += QStringLiteral(" (second)");
    page.title = orGiven(o.title, QStringLiteral("What two runs could read \u00b7 %1 against %2").arg(a, b));
    const double all = double(std::max<int64_t>(1, diff->cellsBoth + diff->cellsOnlyFirst + diff->cellsOnlySecond));
    page.caption = orGiven(
        o.caption,
        (QStringLiteral("Rows: steps %1 to %2, downward. Columns: context positions. Of all that was read, both read "
                        "%3, only %4 %5, only %6 %7. %8%9")
             .arg(l.firstStep)
             .arg(l.firstStep + l.nSteps - 1)
             .arg(formatPercent(double(diff->cellsBoth) / all), a, formatPercent(double(diff->cellsOnlyFirst) / all), b,
                  formatPercent(double(diff->cellsOnlySecond) / all),
                  diff->parting >= 0 ? QStringLiteral("From step %1 on the texts differ. ").arg(diff->parting)
                                     : QString(),
                  runOrigin(first)))
            .trimmed());
    page.paint = [&first, diff, o, l, scale, a, b](QCPPainter& painter, QPointF at) {
        const Palette& c = Palette::of(o.dark);
        const QRectF plot(at.x() + MaskRulers::kLeft, at.y() + MaskRulers::kTop, double(l.plot.width()) / scale,
                          double(l.plot.height()) / scale);
        MaskDiff part;
        part.rows.assign(diff->rows.begin() + l.firstStep, diff->rows.begin() + l.firstStep + l.nSteps);
        part.nColumns = l.nColumns;
        painter.setRenderHint(QPainter::SmoothPixmapTransform, false);
        painter.drawImage(plot, rasterDiff(part, l.x, l.y, 0, 0, l.plot.width(), l.plot.height(), o.dark, scale));
        MaskRows rows;
        for (int i = 0; i < l.nSteps; ++i) rows.append(first.steps[static_cast<size_t>(l.firstStep + i)]);
        const MaskWindow x{l.x, 0, l.plot.width(), l.nColumns}, y{l.y, 0, l.plot.height(), l.nSteps};
        const MaskRulers r{first, rows, c, x, y, 1.0 / scale, plot, -1, -1, true, true, l.firstStep};
        painter.setFont(figureFont(10));
        r.drawTop(painter);
        r.drawLeft(painter);
        painter.setPen(QPen(c.inkSoft, 0.75));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(plot.adjusted(-0.5, -0.5, 0.5, 0.5));
        const int parting = diff->parting - l.firstStep;
        if (diff->parting >= 0 && parting >= 0 && parting < l.nSteps) {
            painter.setPen(QPen(c.ink, 1, Qt::DashLine));
            painter.drawLine(QPointF(plot.left(), r.yOf(parting)), QPointF(plot.right(), r.yOf(parting)));
        }
        if (!o.legend) return;
        double left = plot.left();
        painter.setFont(figureFont(10.5));
        for (const DiffState s : {DiffState::OnlyFirst, DiffState::OnlySecond, DiffState::Both, DiffState::Neither}) {
            QImage swatch(13, 13, QImage::Format_RGB32);
            for (int v = 0; v < 13; ++v)
                for (int u = 0; u < 13; ++u) swatch.setPixel(u, v, diffPixel(s, c, u, v, 1));
            const QString name = s == DiffState::OnlyFirst    ? QStringLiteral("only %1").arg(a)
                                 : s == DiffState::OnlySecond ? QStringLiteral("only %1").arg(b)
                                                              : QString(diffStateName(s));
            painter.drawImage(QRectF(left, plot.bottom() + 12, 13, 13), swatch);
            painter.setPen(c.ink);
            painter.drawText(QPointF(left + 18, plot.bottom() + 23), name);
            left += 18 + QFontMetricsF(painter.font()).horizontalAdvance(name) + 16;
        }
    };
    return page;
}

}  // namespace spanscope
