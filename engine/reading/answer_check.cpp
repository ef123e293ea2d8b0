#include "engine/reading/answer_check.h"

#include "engine/reading/arithmetic_problem.h"

namespace spanscope {

namespace {

constexpr size_t kMostPromptBytes = 1 << 16;  // of recordings from before exact answers had more than 64 bits

bool wasStopped(StopReason stop) {
    return stop == StopReason::Running || stop == StopReason::Cancelled || stop == StopReason::NotFinite ||
           stop == StopReason::Failed;
}

bool hasExactAnswer(const RunHeader& h) { return !h.exactAnswer.empty() || !h.uncheckable.empty(); }

std::string exactAnswer(const RunHeader& h) {
    if (!h.exactAnswer.empty() || h.uncheckable.empty() || h.formattedPrompt.size() > kMostPromptBytes)
        return h.exactAnswer;
    const auto problem = ArithmeticProblem::read(h.settings.task, h.formattedPrompt);
    return problem && problem->answer() ? problem->answer()->text() : std::string();
}

}  // namespace

AnswerCheck checkAnswer(const RunData& run) {
    using Verdict = AnswerCheck::Verdict;
    const RunHeader& h = run.header;
    const StopReason stop = run.stats.stop;
    AnswerCheck check{Verdict::None, exactAnswer(h), {}};
    if (wasStopped(stop)) return check;
    if (!check.exact.empty()) {
        check.verdict = run.answer == check.exact && stop == StopReason::EndOfText ? Verdict::Right : Verdict::Wrong;
        if (check.verdict == Verdict::Wrong)
            check.note =
                (stop == StopReason::EndOfText ? "wrong: the exact value is "
                                               : "wrong: the response did not come to its end; the exact value is ") +
                check.exact;
    } else if (!h.uncheckable.empty()) {
        check.verdict = Verdict::Unknown;
        check.note = "not checked: " + h.uncheckable;
    }
    return check;
}

std::string shownAnswer(const RunData& run) {
    const StopReason stop = run.stats.stop;
    if (wasStopped(stop) || (hasExactAnswer(run.header) && stop != StopReason::EndOfText)) return {};
    return run.answer;
}

}  // namespace spanscope
