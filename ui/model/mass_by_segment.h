// Where the attention of a probed step goes, segment by segment. Values; any thread.
#pragma once

#include <QString>
#include <vector>

#include "engine/types/probe.h"
#include "engine/types/records.h"

namespace spanscope {

struct SegmentMass {
    int segment = -1;     ///< index into RunData::segments; -1: what stands in none
    qint64 nTokens = 0;   ///< up to the step
    double dense = 0;     ///< attention mass, of the layer and head that the probe is of
    double declared = 0;  ///< the same under the span
    double inside = 0;    ///< of `dense`: on tokens that the span has
    double keptShare() const { return dense > 0 ? inside / dense : 1; }
};

/// One for each segment that begins up to the step, and one for what stands in none if there is any. Together all the
/// mass there is. withoutFirst: the first token counts nowhere, and the rest is what it is of the rest.
std::vector<SegmentMass> massBySegment(const RunData& run, const StepProbe& probe, bool withoutFirst);

QString segmentMassName(const RunData& run, const SegmentMass& mass);

}  // namespace spanscope
