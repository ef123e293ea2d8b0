// One page of a figure: its size and what paints its body. figure.cpp puts title, caption and file format around it.
#pragma once

#include <QSizeF>
#include <functional>

#include "ui/export/figure.h"

class QCPPainter;  // a QPainter; plots insist on it

namespace spanscope {

/// Font of every figure: fixed pixel size, so that a picture does not depend on the screen.
QFont figureFont(double pixels = 11, bool bold = false);
inline constexpr double kFigureMargin = 14;

struct FigurePage {
    QSizeF body;                                       ///< units of the page
    std::function<void(QCPPainter&, QPointF)> paint;  ///< body's top left on the page; empty: nothing to draw
    QString title, caption;
};

FigurePage maskPage(const RunData& run, const FigureOptions& options);
FigurePage throughputPage(const RunData& declared, const RunData* maybeDense, const FigureOptions& options);
FigurePage timelinePage(const RunData& run, const RunData* maybeDense, const FigureOptions& options);
FigurePage graphPage(const RunData& run, const FigureOptions& options);

/// Height that the title takes above the body.
double titleHeight(const QString& title);

}  // namespace spanscope
