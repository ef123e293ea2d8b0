// The token at a position of a run, in the prompt or in the response.
#pragma once

#include "engine/types/records.h"

namespace spanscope {

/// Null where there is none.
inline const TokenInfo* maybeTokenAt(const RunData& run, int32_t position) {
    const auto nPrompt = static_cast<int32_t>(run.header.prompt.size());
    if (position < 0) return nullptr;
    if (position < nPrompt) return &run.header.prompt[static_cast<size_t>(position)];
    const auto step = static_cast<size_t>(position - nPrompt);
    return step < run.steps.size() ? &run.steps[step].token : nullptr;
}

}  // namespace spanscope
