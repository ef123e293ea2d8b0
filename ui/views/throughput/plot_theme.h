// QCustomPlot in the colours of the palette. Only .cpp files include qcustomplot.h.
#pragma once

#include <QString>

#include "ui/views/palette.h"

class QCPAxisRect;
class QCPLegend;
class QCustomPlot;

namespace spanscope {

/// A legend in a row of its own above the axes: on them it would hide the curves that it names.
QCPLegend* addLegendRow(QCustomPlot* plot, int row);

/// Two plots, one above the other with their left and right edges in line, each under a legend.
struct StackedPlots {
    QCPAxisRect *top = nullptr, *bottom = nullptr;
    QCPLegend *topLegend = nullptr, *bottomLegend = nullptr;
};
/// Takes what the plot had away. rightMargin: pixels at least.
StackedPlots stackPlots(QCustomPlot* plot, int rightMargin);

void themePlot(QCustomPlot& plot, const Palette& palette, double fontPoints);

}  // namespace spanscope
