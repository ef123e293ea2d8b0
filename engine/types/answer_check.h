// Whether a run's answer is right, where plain arithmetic knows: what the window marks and the command line reports.
#pragma once

#include <string>

#include "engine/types/records.h"

namespace spanscope {

struct AnswerCheck {
    enum class Verdict { None, Right, Wrong, Unknown };
    Verdict verdict = Verdict::None;  ///< None: the task has no exact answer, or the run did not come to its end
    std::string note;                 ///< "wrong: the exact value is 19998"; empty for None and Right
};

AnswerCheck checkAnswer(const RunData& run);

}  // namespace spanscope
