// QCustomPlot in the colours of the palette. Only .cpp files include qcustomplot.h.
#pragma once

#include <QString>

#include "ui/views/palette.h"

class QCPAxisRect;
class QCustomPlot;

namespace spanscope {

void themePlot(QCustomPlot& plot, const Palette& palette, double fontPoints);

}  // namespace spanscope
