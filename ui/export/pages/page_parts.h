// What the pages share: texts made from a run.
#pragma once

#include <QString>

#include "ui/export/figure_page.h"
#include "ui/views/plot_parts.h"

namespace spanscope {

/// Title and caption: what the options give ("-": none), else what was made from the run.
QString orGiven(const std::string& given, const QString& made);
QString sentence(const QString& text);  ///< with its full stop and a blank; empty stays empty
QString runName(const RunData& run);    ///< "model \u00b7 task"
/// "Model 0123\u2026, cpu (...), Spanscope 0.1. "; empty where nothing is known.
QString runOrigin(const RunData& run);
QString stepName(const RunData& run, int step);  ///< with its token and phase
QString headName(const StepProbe& probe);        ///< "layer 1, head 2", or that it is the mean

double pageWidth(const FigureOptions& options);  ///< of the body

}  // namespace spanscope
