// What stands around the mask: position ruler with the segments above it, step ruler with segments and phases beside
// it, legend. The window and the exports draw with the same functions. Painting only; GUI thread or an export's.
#pragma once

#include <QFont>
#include <QRectF>

#include "ui/views/mask/mask_geometry.h"
#include "ui/views/mask/mask_rows.h"
#include "ui/views/palette.h"

class QPainter;

namespace spanscope {

struct MaskRulers {
    static constexpr double kTop = 42;   ///< numbers and segment ribbon, at scale 1
    static constexpr double kLeft = 92;  ///< numbers, segment ribbon, phase ribbon
    static constexpr double kLegend = 26;
    static constexpr double kLineHeight = 14;  ///< of the text that fits these

    const RunData& run;
    const MaskRows& rows;
    const Palette& palette;
    MaskWindow x, y;            ///< windows in units of `unit`
    double unit = 1;            ///< painter units to a window pixel (1 / device pixel ratio on screen)
    QRectF plot;                ///< where the mask stands, painter units
    int first = -1, last = -1;  ///< selected steps, -1 none
    bool byPhase = true;
    bool showLoaded = true;
    int firstStep = 0;  ///< step of row 0, where rows are a part of the run
    double scale = 1;   ///< of all widths and heights around the plot, for larger text

    double xOf(double cell) const { return plot.left() + (x.axis.pixelOf(cell) - x.origin) * unit; }
    double yOf(double cell) const { return plot.top() + (y.axis.pixelOf(cell) - y.origin) * unit; }

    void drawTop(QPainter& painter) const;
    void drawLeft(QPainter& painter) const;
    void drawCorner(QPainter& painter) const;  ///< what the numbers and the strip of phases are
    /// Thin lines between cells where cells are large, a frame around the plot.
    void drawGrid(QPainter& painter) const;
    /// Draws nothing if painter is null; returns the width it takes.
    double drawLegend(QPainter* painter, QRectF area, const QFont& font) const;
    double paintLegend(QPainter* painter, QRectF area, const QFont& font, bool brief) const;
};

}  // namespace spanscope
