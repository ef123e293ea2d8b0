// Prompt and response as text, one line for each out-segment, growing while the run does: in plain words, or as the
// model wrote it, with special pieces as chips. With a step selected, whatever stands for a token that it attends to is
// lit and the rest dimmed. Shapes and paints visible rows only.
#pragma once

#include <QAbstractScrollArea>
#include <QCache>
#include <QHash>
#include <QPixmap>
#include <QTimer>
#include <vector>

#include "ui/model/run_comparison.h"
#include "ui/model/run_store.h"
#include "ui/model/segment_summary.h"
#include "ui/model/selection.h"
#include "ui/views/transcript/row_shape.h"
#include "ui/views/transcript/transcript_items.h"
#include "ui/views/transcript/transcript_layout.h"

namespace spanscope {

class TranscriptView : public QAbstractScrollArea {
    Q_OBJECT
  public:
    TranscriptView(RunStore* store, Selection* selection, QWidget* parent);

    /// In plain words, or as it was written.
    void setReading(Reading reading);
    Reading reading() const { return m_items.reading(); }
    /// Lays the working of a segment out below its line, or folds it; false where there is none to see.
    bool toggleWorking(int segment);
    bool isWorkingOpen(int segment) const { return m_items.isOpen(segment); }
    const TranscriptItems& items() const { return m_items; }

    /// Step whose token is at a viewport point; -1 where there is none (the prompt's tokens are no steps).
    int stepAt(const QPoint& viewportPoint) const;
    int tokenAt(const QPoint& viewportPoint) const;  ///< absolute position, -1 none
    QRect tokenRect(int position) const;             ///< of what stands for the token, in viewport coordinates
    bool isLit(int position) const;                  ///< attended by the selected step
    bool isDimmed(int position) const;
    void scrollToToken(int position);
    /// A token of the topmost row in sight, -1 where there is none, and how far above the view its row begins.
    std::pair<int, int> top() const;
    /// Puts the row of a token so far above the top of the view.
    void scrollTo(int position, int above);
    /// Response tokens that the other run of `comparison` has no partner for are marked.
    void setComparison(RunComparison* comparison, RunComparison::Side side);
    bool differs(int step) const;
    /// Marks every occurrence of `text`; returns how many. Empty clears.
    int find(const QString& text);
    bool findNext(int direction);
    int nFound() const { return static_cast<int>(m_hits.size()); }  ///< grows with the run
    /// What stands where there is no run yet.
    void setPlaceholder(const QString& title, const QString& text);
    QString plainText() const;

  protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void changeEvent(QEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    bool viewportEvent(QEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;

  private:
    struct Look;
    const TokenInfo& token(int position) const;
    void updateFonts();
    void relayout();
    void appendTokens(int most);  ///< what is not laid out yet; the rest in later turns of the event loop
    void appendRest();
    ItemBox boxOf(int item) const;
    std::vector<ItemBox> boxesFrom(int first, int end) const;
    bool isChip(const TranscriptItem& item) const;
    int chipWidth(const QString& text) const;
    int textWidth(const QString& text) const;
    const RowShape& shape(int row) const;
    int itemAt(const QPoint& viewportPoint) const;  ///< -1 none
    QRect itemRect(int item) const;                 ///< in viewport coordinates
    int tokenOfItem(int item) const;                ///< the one that a click means, -1 none
    Interval tokensOfRow(const TranscriptRow& row) const;
    void updateScrollRange();
    void onStepsAppended();
    void findInNew();
    void onSelectionChanged();
    void paintRow(QPainter& painter, int index, const Look& look) const;
    const QColor& inkOf(const TranscriptItem& item, bool current, bool dim, const Look& look) const;
    const QPixmap& chip(const QString& text, int width, const QColor& ground, const QColor& ink) const;
    void paintCaption(QPainter& painter, const TranscriptRow& row, const Look& look) const;
    void paintEmpty(QPainter& painter) const;
    void paintMeter(QPainter& painter, const TranscriptRow& row, const Look& look) const;
    int meterWidth() const;  ///< of the column at the right; 0 where the view is too narrow for it
    void paintPills(QPainter& painter);
    int litOutside(bool above) const;  ///< attended tokens off the screen
    QString describe(int position) const;
    const IntervalList* visibleList() const;

    RunStore* m_store;
    Selection* m_selection;
    RunComparison* m_comparison = nullptr;  ///< null: with nothing
    RunComparison::Side m_side = RunComparison::Side::First;
    SegmentSummaries m_summaries;
    TranscriptItems m_items;
    TranscriptLayout m_layout;
    QFont m_textFont, m_cellFont, m_chipFont, m_captionFont;
    int m_cellWidth = 0;
    mutable QCache<int, RowShape> m_shapes{512};  ///< by row; of those on the screen and a little more
    mutable QHash<QString, int> m_widths, m_chipWidths;
    mutable QHash<QString, QPixmap> m_chips;  ///< drawn once for each text and state
    QString m_placeholderTitle, m_placeholderText;
    QString m_searched;
    int m_searchedTokens = 0;                 ///< tokens that were searched
    QString m_hitTail;                        ///< of the token in which the last hit ends, what follows the hit
    std::vector<std::pair<int, int>> m_hits;  ///< token ranges [first, end)
    int m_currentHit = -1;
    QRect m_pillAbove, m_pillBelow;  ///< where the hints on tokens off the screen are; clickable
    QTimer m_rest;                   ///< tokens wait to be laid out
    int m_scrollTo = -1;             ///< a token among them that is to be seen
    bool m_follow = true;
    bool m_selfScrolling = false;
};

}  // namespace spanscope
