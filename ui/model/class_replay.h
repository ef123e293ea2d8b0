// A recorded run told again, piece by piece, as in front of a class: first what the model names, then, when somebody
// asks for it, what it writes from that. What has not been told is nowhere: the window holds a run that ends there.
// Values; any thread.
#pragma once

#include <vector>

#include "engine/types/records.h"

namespace spanscope {

/// A run with more steps is not replayed: each piece is made from its beginning.
inline constexpr int kMaxReplaySteps = 20'000;

struct ReplayStop {
    int nSteps = 0;      ///< of the response, told so far
    bool named = false;  ///< a segment has named what it needs and writes nothing yet: a class can guess
    int segment = -1;    ///< the one that begins or ends here; -1: text outside any
};

/// In order; the last one is the whole run. Empty for a run without steps, or too long.
std::vector<ReplayStop> replayStops(const RunData& run);

/// The run as it was after nSteps: no later segment, reference, violation, total or answer is in it.
RunData runUntil(const RunData& run, int nSteps);

}  // namespace spanscope
