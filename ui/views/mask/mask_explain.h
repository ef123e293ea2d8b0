// One cell of the mask in words: which step, which token, attended or not and why. Values; any thread.
#pragma once

#include <string>

#include "engine/types/records.h"
#include "ui/views/palette.h"

namespace spanscope {

struct CellInfo {
    int step = -1;
    int column = -1;
    MaskState state = MaskState::Future;
    std::string query;  ///< text of the step's token
    std::string key;    ///< text of the token in the column; empty if not written yet
    std::string phase;
    std::string segment;  ///< of the step: "out 3"
    std::string keySegment;
    std::string reason;  ///< why it is attended or not, a phrase
};

/// The segment that holds `position`, -1 if none. segments: by position.
int segmentAt(const std::vector<Segment>& segments, int position);
/// Text of the token at an absolute position with white space and controls made visible, a long one its beginning;
/// empty if there is none.
std::string tokenText(const RunData& run, int position);

/// step and column must be inside the run, else an empty info.
CellInfo describeCell(const RunData& run, int step, int column);
/// One sentence, for screen readers and the status line.
std::string cellSentence(const CellInfo& info);

}  // namespace spanscope
