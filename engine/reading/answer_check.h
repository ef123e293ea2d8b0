// Whether a run's answer is right, where exact arithmetic knows: what the window marks and the command line reports.
#pragma once

#include <string>

#include "engine/types/records.h"

namespace spanscope {

struct AnswerCheck {
    enum class Verdict { None, Right, Wrong, Unknown };
    Verdict verdict = Verdict::None;  ///< None: the task has no exact answer, or the run did not come to its end
    std::string exact;                ///< the exact value, where it is known; also for None
    std::string note;                 ///< "wrong: the exact value is 19998"; empty for None and Right
};

AnswerCheck checkAnswer(const RunData& run);

/// The answer as people are shown it: none of a run that was stopped or failed, nor of arithmetic that did not come to
/// its end, where the value of some step would stand for that of the last.
std::string shownAnswer(const RunData& run);

}  // namespace spanscope
