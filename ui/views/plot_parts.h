// What plots share on screen and in exports: scales, bars, swatches, texts that keep to their place. Painting only; GUI
// thread or an export's.
#pragma once

#include <QColor>
#include <QRectF>
#include <QString>
#include <functional>
#include <vector>

#include "ui/views/palette.h"

class QPainter;

namespace spanscope {

inline constexpr double kAxis = 64;  ///< left of the plots: numbers and their name

double largest(const std::vector<float>& values);  ///< 0 of none
/// Largest of values[i] for which i falls on column x of `width`.
float pooled(const std::vector<float>& values, int x, int width);
/// Columns of these heights as one shape: side by side they would show seams where a column is no whole pixel.
void fillColumns(QPainter& painter, double left, double base, double unit, const std::vector<double>& heights,
                 const QColor& color);
/// Numbers below a plot at round places.
void drawTicks(QPainter& painter, const QRectF& plot, int n, const Palette& palette);
/// Lines at round values of a square-root scale from 0 at `base` to `most` at `top`. A label without room is left out.
void drawLevels(QPainter& painter, const QRectF& plot, double base, double top, double most, const Palette& palette,
                const std::function<QString(double)>& text);
/// A name along the left edge, upward; `x` is its middle.
void drawUpward(QPainter& painter, const QRectF& plot, double x, const QString& name, const Palette& palette);
/// A coloured box and its name; x moves on behind them.
void drawSwatch(QPainter& painter, double& x, double y, const QColor& color, const QString& name,
                const Palette& palette);

/// A legend that takes `wanted` from `at` on, drawn smaller where there is less room.
void drawFitted(QPainter& painter, QPointF at, double wanted, double room, const std::function<void()>& draw);

/// Numbers of a scale up to `most`: where they are very small or large, as multiples of a power of ten, which stands in
/// the scale's name once and not at every line.
struct AxisNumbers {
    explicit AxisNumbers(double most);
    QString text(double value) const;         ///< three digits, "0" for 0
    QString name(const QString& unit) const;  ///< "nats", "10\u207b\u2077 nats"
    int exponent = 0;                         ///< 0, or a multiple of 3
};

/// Ink that can be read on `ground`.
QColor inkOn(const QColor& ground, const Palette& palette);

}  // namespace spanscope
