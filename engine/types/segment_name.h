// What a segment is called wherever it is shown: window, figures, reports.
#pragma once

#include <string>

#include "engine/types/records.h"

namespace spanscope {

/// "in 2", "out 7", of a vocabulary's section its kind: "focus 2"; "prompt" for the scaffold, whose kind only data
/// exports call so; the absence of a label is written out: "out (no label)".
inline std::string segmentName(const Segment& segment) {
    const std::string kind = segment.name.empty() ? segmentKindName(segment.kind) : segment.name;
    if (segment.kind == SegmentKind::Scaffold) return "prompt";
    return segment.label >= 0 ? kind + ' ' + std::to_string(segment.label) : kind + " (no label)";
}

}  // namespace spanscope
