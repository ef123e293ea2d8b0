// The mask heatmap: a row for each step (the query, downward), a column for each context position (the key,
// rightward). Shows what the run recorded, live or loaded; takes part in the shared selection. GUI thread.
#pragma once

#include <QAbstractScrollArea>

#include "ui/model/run_store.h"
#include "ui/model/selection.h"
#include "ui/views/mask/mask_explain.h"
#include "ui/views/mask/mask_tiles.h"

class QAction;

namespace spanscope {

struct MaskRulers;

class MaskView : public QAbstractScrollArea {
    Q_OBJECT
  public:
    MaskView(RunStore* store, Selection* selection, QWidget* parent = nullptr);

    bool isFollowing() const { return m_follow; }
    bool isFitted() const { return m_fit; }
    const MaskWindow& columns() const { return m_x; }  ///< device pixels
    const MaskWindow& rows() const { return m_y; }
    const MaskStyle& style() const { return m_style; }
    QRect plotRect() const { return m_plot; }  ///< of the viewport, logical pixels
    /// The cell under a point of the viewport; {-1, -1} outside the plot.
    QPoint cellAt(QPointF pos) const;  ///< (column, step)
    QPointF centreOf(int step, int column) const;
    CellInfo cursor() const;  ///< the cell that hover or keys are on
    int64_t lastPaintNs() const { return m_paintNs; }
    /// Waits until what is on screen is drawn from finished tiles (grabs, tests).
    void finishTiles();

    QSize sizeHint() const override { return {720, 520}; }

  public slots:
    void fit();
    void zoomBy(double factor, QPointF at);
    void zoomToSegment(int segment);
    void setFollowing(bool on);
    void setByPhase(bool on);
    void setShowLoaded(bool on);
    void copyImage();
    /// Shows what another view of equal axes shows; the sender of viewChanged() may be on the other side.
    void follow(const MaskWindow& columns, const MaskWindow& rows, bool fitted);

  signals:
    void viewChanged();                           ///< scrolled, zoomed or fitted by hand
    void cursorChanged(const QString& sentence);  ///< for the status line
    void followingChanged(bool on);

  protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    bool viewportEvent(QEvent* event) override;
    void changeEvent(QEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;

  private:
    void makeActions();
    void makeBar(const QList<QAction*>& buttons);
    QFont rulerFont() const;
    double rulerScale() const;
    int legendHeight() const;
    double legendWidth() const;
    void onReset();
    void onAppended(int first, int last);
    void onSelection();
    void describe();
    void takeTheme();
    void layOut();  ///< plot rectangle, windows' extents
    void fitWindows();
    void syncScrollBars();
    void moved();  ///< after any pan or zoom by hand
    void setCursorCell(int step, int column);
    void moveStep(int step, bool extend);
    MaskRulers rulers() const;
    void paintSelection(QPainter& painter, const MaskRulers& rulers) const;
    void paintCrosshair(QPainter& painter, const MaskRulers& rulers) const;
    void paintCard(QPainter& painter) const;
    void paintEmpty(QPainter& painter) const;

    RunStore* m_store;
    Selection* m_selection;
    MaskRows m_rows;
    MaskTiles m_tiles;
    MaskStyle m_style;
    MaskWindow m_x, m_y;
    QRect m_plot, m_legend;
    bool m_fit = true;
    bool m_follow = true;
    bool m_syncing = false;
    int m_cursorStep = -1, m_cursorColumn = -1;
    bool m_mouseInside = false;
    QPointF m_press, m_mouse;
    double m_pressX = 0, m_pressY = 0;
    bool m_pressed = false, m_dragging = false, m_selecting = false;
    int64_t m_paintNs = 0;
    QWidget* m_bar = nullptr;  ///< zoom, for those who know no keys
    QAction* m_followAction = nullptr;
    QAction* m_phaseAction = nullptr;
    QAction* m_loadedAction = nullptr;
};

}  // namespace spanscope
