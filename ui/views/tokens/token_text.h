// Prompt and response as running text, each token on a ground that the caller chooses: how much of a step's attention
// it gets, or how far away it is. Lines are shaped as a whole, so that grounds fit the glyphs of any script. A long run
// is laid out in slices and only what is in sight is painted. GUI thread.
#pragma once

#include <QAbstractScrollArea>
#include <QColor>
#include <QTimer>
#include <functional>
#include <vector>

#include "ui/model/run_store.h"

namespace spanscope {

struct TokenShade {
    QColor ground;         ///< invalid: none
    bool hatched = false;  ///< so that it is told without colour
    QColor underline;      ///< invalid: none
};

class TokenText : public QAbstractScrollArea {
    Q_OBJECT
  public:
    TokenText(RunStore* store, QWidget* parent);

    using ShadeOf = std::function<TokenShade(int position)>;
    using WordsOf = std::function<QString(int position)>;
    /// shade, words (tooltip and accessible description of a token): asked while painting and hovering.
    void setShades(ShadeOf shade, WordsOf words);
    /// A frame around the token of a step; -1: none. Brought into sight where it is not.
    void setCurrent(int position);
    int positionUnder(QPointF at) const;  ///< of the viewport; -1 where there is none
    QRectF rectOf(int position) const;    ///< on the viewport; empty where it is not laid out
    bool isLaidOut() const;               ///< all of it
    QSize sizeHint() const override { return {400, 180}; }

  signals:
    void hovered(int position);  ///< -1: none any more
    void clicked(int position);

  protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void changeEvent(QEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    bool viewportEvent(QEvent* event) override;

  private:
    struct Row {
        int first = 0, end = 0;  ///< tokens; none: the heading of prompt or response
    };
    struct Line;  ///< a row, shaped
    QString textOf(int position) const;
    void layOut();
    void layOutMore();
    void syncScrollBar();
    int rowOf(int position) const;
    Line lineOf(const Row& row, const std::vector<QColor>& inks = {}) const;
    void setHovered(int position);
    void reveal(int position);

    RunStore* m_store;
    ShadeOf m_shade;
    WordsOf m_words;
    std::vector<Row> m_rows;
    int m_laidOut = 0;  ///< tokens
    double m_x = 0;
    int m_width = 0, m_rowHeight = 20;
    int m_current = -1, m_hovered = -1;
    QTimer m_rest;
};

}  // namespace spanscope
