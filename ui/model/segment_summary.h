// What each out-segment asked for and cost, kept up to date while a run grows. Value type; GUI thread.
#pragma once

#include <QString>
#include <vector>

#include "engine/types/records.h"

namespace spanscope {

struct SegmentSummary {
    int segment = -1;    ///< index into RunData::segments
    int firstStep = -1;  ///< its first decoded step; -1: none yet
    int lastStep = -1;
    qint64 attended = 0, loaded = 0, causal = 0;  ///< summed over its steps
    int nViolations = 0;
};

class SegmentSummaries {
  public:
    void clear();
    /// Takes in what is new in `run`; returns the first row that changed, -1 if none did.
    int update(const RunData& run);
    const std::vector<SegmentSummary>& rows() const { return m_rows; }
    int rowOfStep(int step) const;        ///< -1: the step is in no out-segment
    int rowOfSegment(int segment) const;  ///< -1: not an out-segment

  private:
    std::vector<SegmentSummary> m_rows;
    std::vector<int> m_rowOfSegment;  ///< (segments), -1 where not an out-segment
    int m_nSteps = 0;
    size_t m_nViolations = 0;
};

/// So many of a segment's references are shown one by one: a recording may hold thousands.
inline constexpr int kShownRefs = 64;
/// References as written, "in 2, out 1", of many the first and how many there are; a phrase where there are none.
QString refsText(const Segment& segment);
/// Pages of kPageTokens that an interval touches: [first, last]; first > last if it is empty.
struct PageRange {
    int first = 0;
    int last = -1;
    int count() const { return last - first + 1; }
};
PageRange pagesOf(const Interval& tokens, int nContext);

}  // namespace spanscope
