// A small line chart for reports: step time against context length, as inline SVG that follows the page's colours.
#pragma once

#include <string>

#include "engine/types/records.h"

namespace spanscope {

/// Empty where there are too few steps to draw.
std::string stepTimeSvg(const RunData& run, const RunData* maybeDense);

}  // namespace spanscope
