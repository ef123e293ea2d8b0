// What the pages share: texts made from a run, scales and bars of the plots of inspect mode.
#pragma once

#include <QColor>
#include <QRectF>
#include <QString>
#include <functional>
#include <vector>

#include "ui/export/figure_page.h"
#include "ui/views/palette.h"

class QPainter;

namespace spanscope {

/// Title and caption: what the options give ("-": none), else what was made from the run.
QString orGiven(const std::string& given, const QString& made);
QString sentence(const QString& text);  ///< with its full stop and a blank; empty stays empty
QString runName(const RunData& run);    ///< "model \u00b7 task"
/// "Model 0123\u2026, cpu (...), Spanscope 0.1. "; empty where nothing is known.
QString runOrigin(const RunData& run);
QString stepName(const RunData& run, int step);  ///< with its token and phase
QString headName(const StepProbe& probe);        ///< "layer 1, head 2", or that it is the mean

double pageWidth(const FigureOptions& options);  ///< of the body

inline constexpr double kAxis = 64;  ///< left of the plots: numbers and their name

double largest(const std::vector<float>& values);  ///< 0 of none
/// Largest of values[i] for which i falls on column x of `width`.
float pooled(const std::vector<float>& values, int x, int width);
/// Columns of these heights as one shape: side by side they would show seams where a column is no whole pixel.
void fillColumns(QPainter& painter, double left, double base, double unit, const std::vector<double>& heights,
                 const QColor& color);
/// Numbers below a plot at round places.
void drawTicks(QPainter& painter, const QRectF& plot, int n, const Palette& palette);
/// Lines at round values of a square-root scale from 0 at `base` to `most` at `top`.
void drawLevels(QPainter& painter, const QRectF& plot, double base, double top, double most, const Palette& palette,
                const std::function<QString(double)>& text);
/// A coloured box and its name; x moves on behind them.
void drawSwatch(QPainter& painter, double& x, double y, const QColor& color, const QString& name,
                const Palette& palette);

}  // namespace spanscope
