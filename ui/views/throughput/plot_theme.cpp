#include "ui/views/throughput/plot_theme.h"

#include <qcustomplot.h>

namespace spanscope {

void themePlot(QCustomPlot& plot, const Palette& palette, double fontPoints) {
    plot.setBackground(QBrush(palette.ground));
    QFont font = plot.font();
    font.setPointSizeF(fontPoints);
    for (QCPAxisRect* rect : plot.axisRects()) {
        rect->setBackground(QBrush(palette.ground));
        for (QCPAxis* axis : rect->axes()) {
            axis->setBasePen(QPen(palette.inkSoft, 1));
            axis->setTickPen(QPen(palette.inkSoft, 1));
            axis->setSubTickPen(QPen(palette.grid, 1));
            axis->setTickLabelColor(palette.inkSoft);
            axis->setLabelColor(palette.ink);
            axis->setTickLabelFont(font);
            axis->setLabelFont(font);
            axis->setTickLengthIn(0);
            axis->setTickLengthOut(4);
            axis->setSubTickLengthIn(0);
            axis->setSubTickLengthOut(2);
            axis->grid()->setPen(QPen(palette.grid, 1));
            axis->grid()->setZeroLinePen(Qt::NoPen);
            axis->grid()->setSubGridVisible(false);
        }
    }
    for (QCPLayerable* child : plot.layer("legend")->children())
        if (auto* legend = qobject_cast<QCPLegend*>(child)) {
            legend->setBrush(Qt::NoBrush);
            legend->setBorderPen(Qt::NoPen);
            legend->setTextColor(palette.ink);
            legend->setFont(font);
            legend->setIconSize(26, 12);
            legend->setRowSpacing(-2);
        }
}

QCPLegend* addLegendRow(QCustomPlot* plot, int row) {
    auto* line = new QCPLayoutGrid;
    plot->plotLayout()->addElement(row, 0, line);
    plot->plotLayout()->setRowStretchFactor(row, 0.001);
    line->setMargins(QMargins(44, row == 0 ? 2 : 0, 4, 0));
    auto* legend = new QCPLegend;
    line->addElement(0, 0, legend);
    line->addElement(0, 1, new QCPLayoutElement(plot));
    line->setColumnStretchFactor(0, 0.001);
    legend->setLayer("legend");
    legend->setFillOrder(QCPLayoutGrid::foColumnsFirst);
    legend->setMargins(QMargins(0, 0, 0, 0));
    return legend;
}

StackedPlots stackPlots(QCustomPlot* plot, int rightMargin) {
    plot->plotLayout()->clear();
    plot->setAutoAddPlottableToLegend(false);
    StackedPlots s;
    s.top = new QCPAxisRect(plot);
    s.bottom = new QCPAxisRect(plot);
    s.topLegend = addLegendRow(plot, 0);
    plot->plotLayout()->addElement(1, 0, s.top);
    s.bottomLegend = addLegendRow(plot, 2);
    plot->plotLayout()->addElement(3, 0, s.bottom);
    plot->plotLayout()->setRowSpacing(2);
    auto* group = new QCPMarginGroup(plot);
    for (QCPAxisRect* rect : {s.top, s.bottom}) {
        rect->setLayer("background");
        rect->setMarginGroup(QCP::msLeft | QCP::msRight, group);
        rect->setMinimumMargins(QMargins(8, 6, rightMargin, 4));
        for (QCPAxis* axis : rect->axes()) axis->setLayer("axes");
        for (const QCPAxis::AxisType side : {QCPAxis::atBottom, QCPAxis::atLeft})
            rect->axis(side)->grid()->setLayer("grid");
    }
    return s;
}

}  // namespace spanscope
