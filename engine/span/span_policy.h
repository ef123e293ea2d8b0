// What a task fixes about the mask rule; stored in spanscope.json, datasets and traces.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/span/vocabulary.h"
#include "engine/types/records.h"

namespace spanscope {

struct SpanPolicy {
    PrefillPolicy prefill = PrefillPolicy::Causal;
    bool heads = false;       ///< DECLARE also sees `<out> label <:>` of every earlier out-segment
    bool hasProtocol = true;  ///< false: free text is normal, not a violation
    int32_t maxRefs = 64;
    int32_t maxSegmentTokens = 4096;
    /// Tags that are text, in the place of the protocol's pieces; null: none.
    std::shared_ptr<const TagVocabulary> vocabulary{};

    /// Whether what a step may read follows from what the model writes.
    bool declares() const { return hasProtocol || vocabulary != nullptr; }
};

}  // namespace spanscope
