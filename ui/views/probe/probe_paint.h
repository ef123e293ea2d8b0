// The pictures of inspect mode with their axes, scales and labels: the panel and the exports draw with the same
// functions. Painting only; GUI thread or an export's.
#pragma once

#include <QRectF>
#include <vector>

#include "engine/types/probe.h"
#include "engine/types/records.h"
#include "ui/views/palette.h"

class QPainter;

namespace spanscope {

/// Attention over the context: dense upward, declared downward, the span shaded, segments and positions above.
struct AttentionPlot {
    const RunData& run;
    const StepProbe& probe;
    bool withoutFirst = true;
    const Palette& palette;
    QRectF area;      ///< with axis and ruler
    double unit = 1;  ///< painter units to a pixel

    QRectF plot() const;
    void paint(QPainter& painter) const;
};

/// A row for each layer, a column for each head: mass kept, as colour and, where there is room, in percent.
struct HeadsPlot {
    const StepProbe& probe;
    bool withoutFirst = true;
    const Palette& palette;
    QRectF area;  ///< with both axes

    static constexpr double kTop = 22;
    const std::vector<float>& mass() const { return withoutFirst ? probe.massKeptNoSink : probe.massKept; }
    bool isEmpty() const;
    QRectF cell(int layer, int head) const;
    void paint(QPainter& painter) const;
};

/// KL of every step, square-root scale; marks below where the two would choose differently.
struct DivergencePlot {
    const DivergenceCurve& curve;
    const Palette& palette;
    QRectF area;  ///< with both axes
    double unit = 1;

    static constexpr double kBottom = 38;  ///< marks, numbers, name
    int nSteps() const;
    QRectF plot() const;
    void paint(QPainter& painter) const;
};

}  // namespace spanscope
