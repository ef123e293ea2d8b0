// The picture of reach: a column for each context position, a row for each number of tokens in between. A position
// fills the row in which it is first reached and tints those below it; the last row has what is never reached, hatched.
// The panel and the exports draw with the same function. Painting only; GUI thread or an export's.
#pragma once

#include <QRectF>

#include "ui/model/reach_rows.h"
#include "ui/views/palette.h"

class QPainter;

namespace spanscope {

struct ReachPlot {
    static constexpr double kNames = 118;  ///< left of the plot
    static constexpr double kCounts = 62;  ///< right of it

    const RunData& run;
    const Reach& reach;
    const std::vector<ReachRow>& rows;
    const Palette& palette;
    QRectF area;      ///< names, ruler, plot and counts
    double unit = 1;  ///< painter units to a pixel

    QRectF plot() const;
    /// The position under x, -1 outside.
    int positionAt(double x) const;
    void paint(QPainter& painter) const;

    /// Height that looks right with so many rows.
    static double heightFor(size_t nRows, double row = 22);
};

/// Of a row of reachRows(): the darkest reads directly; of "never" the ground below the hatching.
QColor reachColor(const Palette& palette, int between);

}  // namespace spanscope
