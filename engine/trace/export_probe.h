// What inspect mode found, and what sets two runs apart, as files for scripts: the same bytes from the window and from
// the CLI. Written beside the target under a temporary name and renamed. Io: cannot be written.
#pragma once

#include <string>

#include "engine/types/probe.h"
#include "engine/types/records.h"
#include "kernels/result.h"

namespace spanscope {

/// One row for each context position of the probed step: token, inside the span or not, attention dense and declared,
/// of the layer and head that the probe names (empty: mean over all).
Status exportAttentionCsv(const RunData& run, const StepProbe& probe, const std::string& path);
/// One row for each layer and head: share of dense attention mass inside the span, with and without the first token.
Status exportHeadsCsv(const StepProbe& probe, const std::string& path);
/// One row a step: KL(dense || declared), and what each would choose.
Status exportDivergenceCsv(const RunData& run, const DivergenceCurve& curve, const std::string& path);

/// uint8 NPY (steps of both, context), values of DiffState. InvalidArgument: the prompts differ.
Status exportDifferenceNpy(const RunData& first, const RunData& second, const std::string& path);
/// One row for each step and stretch of positions that only one run could read.
Status exportDifferenceCsv(const RunData& first, const RunData& second, const std::string& path);

}  // namespace spanscope
