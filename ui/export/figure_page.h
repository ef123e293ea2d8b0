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
    QSizeF body;                                      ///< units of the page
    std::function<void(QCPPainter&, QPointF)> paint;  ///< body's top left on the page; empty: nothing to draw
    QString title, caption;
};

FigurePage maskPage(const RunData& run, const FigureOptions& options);
FigurePage throughputPage(const RunData& declared, const RunData* maybeDense, const FigureOptions& options);
FigurePage timelinePage(const RunData& run, const RunData* maybeDense, const FigureOptions& options);
FigurePage graphPage(const RunData& run, const FigureOptions& options);
FigurePage differencePage(const RunData& first, const RunData& second, const FigureOptions& options);
FigurePage attentionPage(const RunData& run, const StepProbe& probe, const FigureOptions& options);
FigurePage headsPage(const RunData& run, const StepProbe& probe, const FigureOptions& options);
FigurePage divergencePage(const RunData& run, const DivergenceCurve& curve, const FigureOptions& options);

/// Title and caption: what the options give ("-": none), else what was made from the run.
QString orGiven(const std::string& given, const QString& made);
QString runName(const RunData& run);  ///< "model \u00b7 task"
QString runOrigin(
    const RunData& run);  ///< "Model 0123\u2026, cpu (...), Spanscope 0.1. "; empty where nothing is known

/// Height that the title takes above the body.
double titleHeight(const QString& title);

}  // namespace spanscope
