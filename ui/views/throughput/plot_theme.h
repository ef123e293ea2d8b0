// QCustomPlot in the colours of the palette. Only .cpp files include qcustomplot.h.
#pragma once

#include <QString>

#include "ui/views/palette.h"

class QCPLegend;
class QCustomPlot;

namespace spanscope {

/// A legend in a row of its own above the axes: on them it would hide the curves that it names.
QCPLegend* addLegendRow(QCustomPlot* plot, int row);

void themePlot(QCustomPlot& plot, const Palette& palette, double fontPoints);

}  // namespace spanscope
