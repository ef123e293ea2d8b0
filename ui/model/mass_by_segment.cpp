#include "ui/model/mass_by_segment.h"

#include <algorithm>

#include "engine/types/segment_name.h"

namespace spanscope {

std::vector<SegmentMass> massBySegment(const RunData& run, const StepProbe& probe, bool withoutFirst) {
    std::vector<SegmentMass> sums;
    if (probe.dense.empty()) return sums;
    const auto n = static_cast<int32_t>(probe.dense.size());
    SegmentMass outside;
    size_t interval = 0, segment = 0;
    double dense = 0, declared = 0;
    for (int32_t at = 0; at < n; ++at) {
        while (segment < run.segments.size() && run.segments[segment].end <= at) ++segment;
        const bool in = segment < run.segments.size() && run.segments[segment].begin <= at;
        if (in && (sums.empty() || sums.back().segment != static_cast<int>(segment))) {
            sums.emplace_back();
            sums.back().segment = static_cast<int>(segment);
        }
        SegmentMass& sum = in ? sums.back() : outside;
        ++sum.nTokens;
        if (at == 0 && withoutFirst) continue;
        bool kept = false;
        if (probe.visible) {
            const IntervalList& list = *probe.visible;
            while (interval < list.size() && list[interval].end <= at) ++interval;
            kept = interval < list.size() && list[interval].begin <= at;
        }
        const auto d = double(probe.dense[static_cast<size_t>(at)]);
        const double r =
            static_cast<size_t>(at) < probe.restricted.size() ? double(probe.restricted[static_cast<size_t>(at)]) : 0;
        sum.dense += d;
        sum.declared += r;
        sum.inside += kept ? d : 0;
        dense += d;
        declared += r;
    }
    if (outside.nTokens > 0) sums.push_back(outside);
    for (SegmentMass& sum : sums) {  // shares of what is counted
        if (dense > 0) {
            sum.dense /= dense;
            sum.inside /= dense;
        }
        if (declared > 0) sum.declared /= declared;
    }
    return sums;
}

QString segmentMassName(const RunData& run, const SegmentMass& mass) {
    return mass.segment < 0 ? QStringLiteral("outside segments")
                            : QString::fromStdString(segmentName(run.segments[static_cast<size_t>(mass.segment)]));
}

}  // namespace spanscope
