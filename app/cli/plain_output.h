// A run as a person reads it on a terminal: its lines in plain words with their marks, then the answer. Lines come as
// segments are closed.
#pragma once

#include <cstdint>
#include <string>

#include "engine/reading/run_checks.h"
#include "engine/types/records.h"

namespace spanscope::cli {

/// Whether a run of this task is read in plain words: others are text already.
bool hasPlainReading(const RunData& run);

class PlainStream {
  public:
    /// Prints what has been closed since the call before. False where stdout takes no more.
    bool write(const RunData& run);
    /// The rest, and the answer line.
    bool finish(const RunData& run);

  private:
    bool writeUpTo(const RunData& run, bool whole);

    RunChecks m_checks;
    int32_t m_next = 0;  ///< token, from the first of the response
    size_t m_nSegments = 0;
    bool m_inLine = false;
};

}  // namespace spanscope::cli
