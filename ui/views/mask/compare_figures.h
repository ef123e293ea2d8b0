// The figures of two runs side by side, as text: what was attended to, what it kept of dense attention, what was said
// and how fast. Values; GUI thread.
#pragma once

#include <QString>
#include <QVector>

#include "engine/types/probe.h"
#include "engine/types/records.h"

namespace spanscope {

struct CompareFigure {
    QString name, first, second;
    QString tip;  ///< what it is, and where it is no measure; may be empty
};

/// distances: null where they were not measured.
QVector<CompareFigure> compareFigures(const RunData& first, const RunData& second, const DivergenceCurve* maybeFirst,
                                      const DivergenceCurve* maybeSecond);

/// Means over the steps of a curve; 0 of none.
double meanMassKept(const DivergenceCurve& curve);
double meanNats(const DivergenceCurve& curve);
/// Steps in which the run would choose another token than dense attention.
int nOtherwise(const DivergenceCurve& curve);

/// What two runs are called: by their attention, and where that is the same, by their place.
QStringList comparedNames(const RunData& first, const RunData& second);
/// "quest, as many tokens as declared", for a title over the mask.
QString comparedTitle(const QString& name, const RunData& run);

}  // namespace spanscope
