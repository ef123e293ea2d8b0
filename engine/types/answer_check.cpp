#include "engine/types/answer_check.h"

namespace spanscope {

AnswerCheck checkAnswer(const RunData& run) {
    using Verdict = AnswerCheck::Verdict;
    const RunHeader& h = run.header;
    const StopReason stop = run.stats.stop;
    if (stop == StopReason::Running || stop == StopReason::Cancelled || stop == StopReason::NotFinite ||
        stop == StopReason::Failed)
        return {};
    if (!h.exactAnswer.empty()) {
        if (run.answer == h.exactAnswer && stop == StopReason::EndOfText) return {Verdict::Right, {}};
        const char* why = stop == StopReason::EndOfText
                              ? "wrong: the exact value is "
                              : "wrong: the response did not come to its end; the exact value is ";
        return {Verdict::Wrong, why + h.exactAnswer};
    }
    if (!h.uncheckable.empty()) return {Verdict::Unknown, "not checked: " + h.uncheckable};
    return {};
}

}  // namespace spanscope
