// One page of a figure: its size and what paints its body. figure.cpp puts title, caption and file format around it.
#pragma once

#include <QFont>
#include <QPointF>
#include <QSizeF>
#include <QString>
#include <functional>

#include "ui/export/figure_list.h"

class QCPPainter;  // a QPainter; plots insist on it

namespace spanscope {

/// Font of every figure: fixed pixel size, so that a picture does not depend on the screen.
QFont figureFont(double pixels = 11, bool bold = false);
inline constexpr double kFigureMargin = 14;

struct FigurePage {
    QSizeF body;                                      ///< units of the page
    std::function<void(QCPPainter&, QPointF)> paint;  ///< body's top left on the page; empty: nothing to draw
    QString title, caption;
};

// maskPage(), throughputPage(), ...: one for each row of the list. The source has what the row needs; what the page
// paints from it must live as long as the page.
#define SPANSCOPE_FIGURE_PAGE(kind, name, title, about, needs, whyEmpty, page) \
    FigurePage page(const ExportSource& source, const FigureOptions& options);
SPANSCOPE_FIGURES(SPANSCOPE_FIGURE_PAGE)
#undef SPANSCOPE_FIGURE_PAGE

/// Height that the title takes above the body.
double titleHeight(const QString& title);

}  // namespace spanscope
