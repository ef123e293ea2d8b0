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
QFont figureFont(const FigureOptions& options, double pixels = 11, bool bold = false);
/// Units of 1/96 inch to a unit of the page: with another size of the font everything around the data is laid out as
/// ever, on a page that is larger or smaller, and drawn at this zoom.
double pageZoom(const FigureOptions& options);
/// Width of the page in its own units, margins included.
double outerWidth(const FigureOptions& options);
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

/// The page of a figure; the source has what it needs.
FigurePage figurePage(FigureKind kind, const ExportSource& source, const FigureOptions& options);

/// Height that the title takes above the body.
double titleHeight(const QString& title);

}  // namespace spanscope
