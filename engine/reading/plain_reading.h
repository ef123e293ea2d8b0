// A run in plain words: `3: 19 × −5 = −95 (uses 1 and 2)` for what the model wrote as markup. Every piece says which
// tokens it stands for, so that what holds for tokens can be shown on it; no token is left out. What does not read as
// the protocol says is shown as it was written. Follows from the run's data alone. Values; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/reading/run_checks.h"
#include "engine/types/records.h"

namespace spanscope {

enum class PlainRole : uint8_t {
    Token,        ///< one token as written; `text` is empty
    Text,         ///< words of prompt or response
    Quiet,        ///< what the form adds: labels, brackets, "uses"
    Source,       ///< label of a step that is named
    Mark,         ///< label of a sentence, beside it or beside what was written from it
    Unsupported,  ///< a word that stands in none of the sentences named
    Working,      ///< stands for the digits after <local>; opens them
    Right,
    Wrong,
    Cell,       ///< of column arithmetic: all of one width
    WrongCell,  ///< a digit that should be another
};

struct PlainPiece {
    PlainRole role = PlainRole::Text;
    int32_t first = 0, end = 0;  ///< absolute tokens [first, end); empty: none
    std::string text;
    std::string tip;  ///< what a person is told beside what holds for the tokens; may be empty
    bool breakBefore = false;
    bool endsLine = false;
    bool below = false;  ///< of the working, which stands below the line
};

/// What is read as one: a line of the prompt, a segment of the response, a stretch of text outside segments.
struct PlainBlock {
    Interval tokens;
    int32_t segment = -1;  ///< of the response; index into RunData::segments, -1: none
    bool complete = true;  ///< false: its segment is still being written, and reads otherwise when more is there
    bool startsLine = true;
    std::vector<PlainPiece> pieces;
};

enum class Reading : uint8_t { Plain, Markup };

class PlainReader {
  public:
    /// open: whether the working of a segment is laid out; may be empty. All outlive the reader.
    PlainReader(const RunData& run, const RunChecks& checks, Reading reading,
                std::function<bool(int32_t segment)> open = {});

    /// The block that begins at an absolute token position, which is that of an end of a block, or 0. At most
    /// `most` tokens where it has no borders of its own.
    PlainBlock at(int32_t position, int32_t most = 4096);

  private:
    PlainBlock promptBlock(int32_t position, int32_t most);

    const RunData& m_run;
    const RunChecks& m_checks;
    Reading m_reading;
    std::function<bool(int32_t)> m_open;
};

/// The response in plain reading as lines of text with their marks ("✓", "✗ 3 − 8 = −5"), as it is outside a window.
/// emphasis: given each piece in order, returns it as it is to stand there; empty: its text.
std::string plainResponse(const RunData& run, const RunChecks& checks,
                          const std::function<std::string(const PlainPiece&, const std::string& text)>& emphasis = {});
/// The same of one segment, without a line end.
std::string plainSegment(const RunData& run, const RunChecks& checks, int32_t segment);

}  // namespace spanscope
