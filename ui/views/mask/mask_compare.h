// Two runs side by side: both masks with linked scrolling and zoom, or one of them at a time; below the difference of
// the two, how far each is from dense attention, and the figures of both as a table. GUI thread.
#pragma once

#include <QWidget>

#include "ui/model/mailbox.h"
#include "ui/model/run_comparison.h"
#include "ui/model/run_distances.h"
#include "ui/views/mask/mask_diff.h"

class QAction;
class QLabel;
class QTableWidget;
class QTabWidget;

namespace spanscope {

class DistanceView;
class MaskView;

/// The difference as a picture; shows the window that it is given.
class MaskDiffPane : public QWidget {
    Q_OBJECT
  public:
    MaskDiffPane(RunStore* first, RunStore* second, Selection* selection, QWidget* parent);
    const MaskDiff& diff() const { return m_diff; }
    /// Long runs are compared in another thread, once both have ended; rebuilt() follows.
    void rebuild();
    void forget() { ++m_generation; }  ///< what is still being compared
    void follow(const MaskWindow& columns, const MaskWindow& rows, bool fitted);
    QPoint cellAt(QPointF pos) const;  ///< (column, step), {-1, -1} outside
    QPointF centreOf(int step, int column) const;
    QSize sizeHint() const override { return {520, 300}; }

  signals:
    void rebuilt();
    void cursorChanged(const QString& sentence);

  protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void leaveEvent(QEvent* event) override;

  private:
    void layOut();
    void take(MaskDiff diff, MaskRows rows);
    QString words(QPoint cell) const;
    void describe();
    RunStore *m_first, *m_second;
    Selection* m_selection;
    MaskDiff m_diff;
    MaskRows m_rows;
    MaskWindow m_x, m_y;
    QRect m_plot;
    QImage m_image;
    bool m_fit = true;
    const Palette* m_imagePalette = nullptr;
    std::shared_ptr<Mailbox> m_inbox;  ///< outlives the pane where runs are being compared
    int m_generation = 0;
};

class MaskCompareView : public QWidget {
    Q_OBJECT
  public:
    MaskCompareView(RunComparison* comparison, RunDistances* distances, QWidget* parent = nullptr);
    MaskView* firstView() const { return m_a; }
    MaskView* secondView() const { return m_b; }
    MaskDiffPane* difference() const { return m_diff; }
    DistanceView* distance() const { return m_distance; }
    enum class Shown { Both, First, Second };
    Shown shown() const { return m_shown; }
    QString summary() const;
    QSize minimumSizeHint() const override { return {460, 400}; }
    /// Rows of figures: name, first, second; as the table shows them.
    QString csv() const;

  public slots:
    void setLinked(bool on);
    void jumpToParting();  ///< the first step where the two wrote different tokens
    void copyCsv();
    void setShown(Shown shown);  ///< which of the masks
    void showNext();             ///< both, the first alone, the second alone

  protected:
    void showEvent(QShowEvent* event) override;

  private:
    void rebuild();  ///< when shown; else when it next is
    void fillTable();
    void showSummary();
    bool m_stale = true;
    RunComparison* m_comparison;
    RunStore *m_first, *m_second;
    Selection* m_selection;
    MaskView *m_a, *m_b;
    RunDistances* m_distances;
    MaskDiffPane* m_diff;
    DistanceView* m_distance;
    QTabWidget* m_below;  ///< difference, distance
    Shown m_shown = Shown::Both;
    QLabel *m_nameA, *m_nameB, *m_text;
    QTableWidget* m_table;
    QAction *m_linkAction, *m_partingAction, *m_shownAction;
    bool m_linked = true, m_linking = false;
};

}  // namespace spanscope
