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

}  // namespace spanscope
