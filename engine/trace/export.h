// Data exports of a run. Images are the window's business (ui/); these are bytes that scripts read, the same
// from the window and from the CLI. All are written beside the target under a temporary name and renamed.
#pragma once

#include <string>

#include "engine/types/records.h"
#include "kernels/backend.h"
#include "kernels/result.h"

namespace spanscope {

/// uint8 NPY (nSteps, nContext), C order: 0 future, 1 allowed but skipped, 2 read. Streams row by row.
Status exportMaskNpy(const RunData& run, const std::string& path);
/// NPZ: mask, tokens, positions, attended, read, metadata (JSON string).
Status exportMaskNpz(const RunData& run, const std::string& path);
/// The same where it may take a while; progress returns false to stop, which leaves no file (Cancelled).
Status exportMaskNpy(const RunData& run, const std::string& path, const ProgressFn& progress);
Status exportMaskNpz(const RunData& run, const std::string& path, const ProgressFn& progress);
/// How large the NPY file becomes: a byte for each step and context position.
uint64_t maskNpyBytes(const RunData& run);
/// One row per step and interval: step, position, token_id, token, phase, segment, begin, end, ... '.' decimals.
Status exportSpansCsv(const RunData& run, const std::string& path);
/// One row per segment: kind, label, refs, tokens, attended, read, causal, violations.
Status exportSegmentsCsv(const RunData& run, const std::string& path);
Status exportIntervalsJson(const RunData& run, const std::string& path);
Status exportTranscriptMarkdown(const RunData& run, const std::string& path);

/// One self-contained page, no network: transcript with reach, mask, table, figures. maskPng: PNG bytes or empty.
Status exportHtml(const RunData& run, const RunData* maybeDense, const std::string& maskPng, const std::string& path);

}  // namespace spanscope
