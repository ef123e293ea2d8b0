// diff: two recorded runs, step by step: tokens, masks, phases; timings are shown and never a difference.
#include "app/cli/run_json.h"
#include "app/cli/terminal.h"
#include "app/cli/verbs.h"
#include "engine/files/decimal.h"
#include "engine/files/safe_text.h"
#include "engine/trace/trace.h"
#include "engine/types/interval_algebra.h"
#include "engine/types/run_diff.h"

namespace spanscope::cli {

namespace {

using Json = nlohmann::ordered_json;

struct RunDifference {
    bool promptEqual = true;
    int64_t firstToken = -1;  ///< first step whose token differs or that only one has; -1: none
    int64_t firstMask = -1;   ///< first step with equal tokens so far whose list or phase differs
    int64_t nTokensDiffer = 0, nMasksDiffer = 0;
    bool answerEqual = true;
    bool equal() const { return promptEqual && firstToken < 0 && firstMask < 0 && answerEqual; }
};

RunDifference compare(const RunData& a, const RunData& b) {
    RunDifference d;
    d.promptEqual = a.header.prompt.size() == b.header.prompt.size();
    for (size_t i = 0; d.promptEqual && i < a.header.prompt.size(); ++i)
        d.promptEqual = a.header.prompt[i].id == b.header.prompt[i].id;
    d.answerEqual = a.answer == b.answer;
    const size_t n = std::min(a.steps.size(), b.steps.size());
    const IntervalList *lastA = nullptr, *lastB = nullptr;
    int32_t differFrom = 0;
    for (size_t i = 0; i < n; ++i) {
        const StepRecord &x = a.steps[i], &y = b.steps[i];
        if (x.visible.get() != lastA || y.visible.get() != lastB) {  // steps of a phase share their list
            lastA = x.visible.get();
            lastB = y.visible.get();
            differFrom = firstDifference(*lastA, *lastB);
        }
        // As the queries see them: an open end and one beyond the query are the same.
        const bool sameMask = x.position == y.position && differFrom > x.position;
        if (a.steps[i].token.id != b.steps[i].token.id) {
            if (d.firstToken < 0) d.firstToken = static_cast<int64_t>(i);
            ++d.nTokensDiffer;
        }
        if (!sameMask || x.phase != y.phase) {
            if (d.firstMask < 0) d.firstMask = static_cast<int64_t>(i);
            ++d.nMasksDiffer;
        }
    }
    if (a.steps.size() != b.steps.size() && d.firstToken < 0) d.firstToken = static_cast<int64_t>(n);
    return d;
}

std::string stepText(const RunData& run, int64_t index) {
    if (index < 0 || static_cast<size_t>(index) >= run.steps.size()) return "(ended)";
    const StepRecord& s = run.steps[static_cast<size_t>(index)];
    return terminalSafe(s.token.text, true) + " (" + phaseName(s.phase) + ", attended " + std::to_string(s.attended) +
           ")";
}

Json differenceJson(const RunData& a, const RunData& b, const RunDifference& d) {
    Json object{{"attention", a.header.settings.attention.text()},
                {"equal", d.equal()},
                {"prompt_equal", d.promptEqual},
                {"answer_equal", d.answerEqual},
                {"first_token_difference", d.firstToken < 0 ? Json(nullptr) : Json(d.firstToken)},
                {"first_mask_difference", d.firstMask < 0 ? Json(nullptr) : Json(d.firstMask)},
                {"tokens_different", d.nTokensDiffer},
                {"masks_different", d.nMasksDiffer},
                {"steps", {a.steps.size(), b.steps.size()}},
                {"predicted_per_second", {a.stats.decodeTokensPerS(), b.stats.decodeTokensPerS()}},
                {"answers", {a.answer, b.answer}}};
    return object;
}

void printDifference(const RunData& a, const RunData& b, const RunDifference& d) {
    printFormat("%s: %s\n", a.header.settings.attention.text().c_str(), d.equal() ? "equal" : "different");
    if (!d.promptEqual) printFormat("  the prompts differ\n");
    if (d.firstToken >= 0)
        printFormat("  tokens differ from step %lld: %s | %s\n", static_cast<long long>(d.firstToken),
                    stepText(a, d.firstToken).c_str(), stepText(b, d.firstToken).c_str());
    if (d.firstMask >= 0)
        printFormat("  masks differ from step %lld: %s | %s\n", static_cast<long long>(d.firstMask),
                    stepText(a, d.firstMask).c_str(), stepText(b, d.firstMask).c_str());
    if (!d.answerEqual)
        printFormat("  answers: %s | %s\n", terminalSafe(a.answer, true).c_str(), terminalSafe(b.answer, true).c_str());
    printFormat("  decode %s | %s t/s\n", decimal(a.stats.decodeTokensPerS(), 1).c_str(),
                decimal(b.stats.decodeTokensPerS(), 1).c_str());
}

}  // namespace

int diffVerb(const DiffOptions& o, const Log& log) {
    auto a = readTrace(o.a);
    if (!a) return log.fail(a.error());
    auto b = readTrace(o.b);
    if (!b) return log.fail(b.error());
    for (const TraceFile* file : {&*a, &*b}) {
        if (!file->damage.empty()) log.info(file->path + ": damaged: " + file->damage);
    }
    bool equal = a->runs.size() == b->runs.size();
    Json runs = Json::array();
    const size_t n = std::min(a->runs.size(), b->runs.size());
    for (size_t i = 0; i < n; ++i) {
        const RunDifference d = compare(*a->runs[i], *b->runs[i]);
        equal = equal && d.equal();
        if (o.json) {
            runs.push_back(differenceJson(*a->runs[i], *b->runs[i], d));
        } else {
            printDifference(*a->runs[i], *b->runs[i], d);
        }
    }
    if (o.json) {
        printJson({{"equal", equal}, {"n_runs", {a->runs.size(), b->runs.size()}}, {"runs", std::move(runs)}});
    } else if (a->runs.size() != b->runs.size()) {
        printFormat("the files hold %zu and %zu runs\n", a->runs.size(), b->runs.size());
    }
    return equal ? kOk : kDiffers;
}

}  // namespace spanscope::cli
