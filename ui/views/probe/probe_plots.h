// The three pictures of inspect mode: divergence of every step, mass kept by layer and head, attention of one step
// over the context. Painted widgets; what they show is also in tables and accessible descriptions. GUI thread.
#pragma once

#include <QWidget>
#include <vector>

#include "engine/types/probe.h"
#include "ui/views/probe/probe_paint.h"
#include "ui/views/probe/probe_span_edit.h"

namespace spanscope {

/// KL of every step as bars, square-root scale; steps where the two would choose differently carry a mark below. Click
/// and arrow keys select.
class DivergenceStrip : public QWidget {
    Q_OBJECT
  public:
    explicit DivergenceStrip(QWidget* parent);
    void setCurve(const DivergenceCurve& curve);
    void setCurrent(int step);
    int stepAt(double x) const;
    QSize sizeHint() const override { return {400, 104}; }

  signals:
    void stepClicked(int step);

  protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

  private:
    DivergencePlot plot() const;
    void describe();
    DivergenceCurve m_curve;
    int m_current = -1;
};

/// A row for each layer, a column for each head: share of dense attention mass that the span kept. Click chooses a
/// head, again the mean over all. Arrow keys move.
class HeadGrid : public QWidget {
    Q_OBJECT
  public:
    explicit HeadGrid(QWidget* parent);
    void setProbe(const StepProbe& probe, bool withoutSink);
    void setChosen(int layer, int head);
    int layer() const { return m_layer; }
    int head() const { return m_head; }
    QRectF cell(int layer, int head) const;
    QSize sizeHint() const override { return {200, 170}; }

  signals:
    void chosen(int layer, int head);  ///< -1, -1: mean

  protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    bool event(QEvent* event) override;

  private:
    void choose(int layer, int head);
    void describe();
    HeadsPlot plot() const;
    StepProbe m_probe;  ///< its layers, heads and masses
    bool m_withoutSink = true;
    int m_layer = -1, m_head = -1;
};

/// Attention probabilities over the context: dense above the line, under the span below it; the span itself as a band
/// whose edges can be dragged, or moved with the arrow keys (Up and Down choose an edge, Shift moves by a page).
class AttentionStrip : public QWidget {
    Q_OBJECT
  public:
    /// run: of the segments along the context; outlives this.
    AttentionStrip(const RunData& run, QWidget* parent);
    void setProbe(const StepProbe& probe, bool withoutSink);
    /// The span being edited, drawn and dragged; owned by the caller, null for none.
    void setEditor(SpanEditor* editor);
    int positionAt(double x) const;
    double xOf(double position) const;
    int currentEdge() const { return m_edge; }
    QSize sizeHint() const override { return {400, 170}; }

  signals:
    void positionHovered(int position);
    void spanDragged();  ///< an edge moved
    void spanEdited();   ///< and was let go

  protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

  private:
    AttentionPlot plot() const;
    double perPixel() const;  ///< positions
    int edgeAt(double x) const;
    void describe();
    const RunData& m_run;
    StepProbe m_probe;
    SpanEditor* m_editor = nullptr;
    bool m_withoutSink = true;
    int m_edge = -1;
    bool m_dragging = false;
};

}  // namespace spanscope
