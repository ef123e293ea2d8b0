// Draws a prediction into a QCustomPlot it is given: time of a step over context length above, with what was measured
// as marks, and below of what it is made up at the context that was asked for. The panel and the exports use the same
// one. GUI thread.
#pragma once

#include <QString>

#include "engine/types/step_cost.h"
#include "ui/views/palette.h"

class QCPAxisRect;
class QCPBars;
class QCPGraph;
class QCPItemStraightLine;
class QCPLegend;
class QCustomPlot;

namespace spanscope {

class WhatIfPlot {
  public:
    explicit WhatIfPlot(QCustomPlot* plot);  ///< owned by the caller, outlives this

    void setTheme(const Palette& palette, double fontPoints);
    /// Replaces all data. how: resolved; spans: of how.pageTokens. Does not replot.
    void setData(const RunCost& cost, const SpanLoad& spans, const WhatIf& how);
    int nMarks() const;  ///< measured ones that are drawn

  private:
    void setTimes(double least, double most, bool logarithmic);

    QCustomPlot* m_plot;
    QCPAxisRect *m_top, *m_bottom;
    QCPLegend *m_topLegend, *m_bottomLegend;
    QCPGraph *m_nothing, *m_dense, *m_spans, *m_measuredDense, *m_measuredSpans;
    QCPItemStraightLine* m_at;
    QCPBars *m_weights, *m_kv, *m_fixed;
    QColor m_ink;
};

/// What is told about a prediction, sentence by sentence; plain text.
QString timesText(const CostComparison& cost);  ///< predicted step times at the context that was asked for
QString measuredText(const RunCost& cost);      ///< what the run took; empty: nothing was measured
QString conditionsText(const WhatIf& how);      ///< "8 sequences of 16,384 tokens, pages of 16, ..."
QString scalingText(const RunCost& cost, SpanScaling scaling);  ///< how spans are thought on to another context

}  // namespace spanscope
