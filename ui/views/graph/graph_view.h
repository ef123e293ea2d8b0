// The dependency graph on screen, at first readable and at the answer: pan by dragging, zoom with the wheel, click a
// segment to select its steps. A list of the same edges for those who do not see it. GUI thread.
#pragma once

#include <QTimer>
#include <QWidget>

#include "ui/model/run_store.h"
#include "ui/model/selection.h"
#include "ui/views/graph/graph_layout.h"

namespace spanscope {

class GraphTable;

class GraphView : public QWidget {
    Q_OBJECT
  public:
    GraphView(RunStore* store, Selection* selection, QWidget* parent = nullptr);
    const GraphLayout& graph() const { return m_graph; }
    int currentSegment() const;
    QPointF toWidget(QPointF layout) const { return layout * m_zoom + m_offset; }
    double zoom() const { return m_zoom; }
    double readableZoom() const;  ///< what it starts with where the whole graph is too large
    /// "out 3 named in 3, out 1" a line each.
    QString text() const;
    QSize sizeHint() const override { return {520, 320}; }

  public slots:
    void fit();  ///< all of it; names are left out where they would be too small to read
    void copyText();
    void flush();  ///< lays out now what waits

  signals:
    void segmentActivated(int segment);

  protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

  private:
    /// What is shown until somebody moves it: as much as can be read, from the answer back; or everything.
    enum class Scope { Readable, Whole, Own };
    void relayout();
    void describe();
    void showScope();
    void toggleWhole();
    void reveal(int node);
    void selectSegment(int segment);
    void selectNode(int node);
    QFont graphFont() const;

    RunStore* m_store;
    Selection* m_selection;
    GraphTable* m_table;  ///< the same in words
    GraphLayout m_graph;
    QTimer m_timer;
    double m_zoom = 1;
    QPointF m_offset;
    Scope m_scope = Scope::Readable;
    int m_hovered = -1;  // segment
    QPointF m_press, m_pressOffset;
    bool m_pressed = false, m_dragging = false;
};

}  // namespace spanscope
