// diff: two recorded runs, line by line and step by step: text, masks, phases; timings are shown and never a
// difference.
#include <algorithm>
#include <optional>

#include "app/cli/run_json.h"
#include "app/cli/terminal.h"
#include "app/cli/verbs.h"
#include "engine/files/decimal.h"
#include "engine/files/safe_text.h"
#include "engine/trace/trace.h"
#include "engine/types/interval_algebra.h"
#include "engine/types/run_alignment.h"

namespace spanscope::cli {

namespace {

using Json = nlohmann::ordered_json;

struct RunDifference {
    bool promptEqual = true;
    int64_t firstToken = -1;  ///< first step whose token differs or that only one has; -1: none
    int64_t firstMask = -1;   ///< first step with equal tokens so far whose list or phase differs
    int64_t nTokensDiffer = 0, nMasksDiffer = 0;
    bool answerEqual = true;
    bool modes = false;  ///< the two are dense and not: that their masks differ is no news
    RunAlignment text;
    bool equal() const { return promptEqual && firstToken < 0 && (modes || firstMask < 0) && answerEqual; }
};

constexpr size_t kMostLines = 100;  // that differ and are printed

RunDifference compare(const RunData& a, const RunData& b) {
    RunDifference d;
    d.text = alignRuns(a, b);
    d.modes = a.header.settings.attention.isDense() != b.header.settings.attention.isDense();
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
                {"against", b.header.settings.attention.text()},
                {"equal", d.equal()},
                {"lines", d.text.lines.size()},
                {"lines_different", d.text.nDifferent},
                {"tokens_of_one_only", {d.text.nLeft[0], d.text.nLeft[1]}},
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

std::string lineText(const RunData& run, StepRange steps) {
    std::string text;
    for (int32_t i = steps.begin; i < steps.end; ++i) text += run.steps[static_cast<size_t>(i)].token.text;
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return terminalSafe(text, true);
}

void printDifference(const RunData& a, const RunData& b, const RunDifference& d) {
    const std::string nameA = a.header.settings.attention.text(), nameB = b.header.settings.attention.text();
    printFormat(
        "%s: %s%s\n", (nameA == nameB ? nameA : nameA + " | " + nameB).c_str(), d.text.words().c_str(),
        d.text.identical() && !d.equal() ? (d.promptEqual ? " text, different masks" : " text, other prompt") : "");
    size_t nPrinted = 0;
    for (const AlignedLine& line : d.text.lines) {
        if (line.equal) continue;
        if (++nPrinted > kMostLines) continue;
        if (!line.first.empty()) printFormat("  - %s\n", lineText(a, line.first).c_str());
        if (!line.second.empty()) printFormat("  + %s\n", lineText(b, line.second).c_str());
    }
    if (nPrinted > kMostLines) printFormat("  and %zu lines more\n", nPrinted - kMostLines);
    if (!d.promptEqual) printFormat("  the prompts differ\n");
    if (d.firstToken >= 0)
        printFormat("  tokens differ from step %lld: %s | %s\n", static_cast<long long>(d.firstToken),
                    stepText(a, d.firstToken).c_str(), stepText(b, d.firstToken).c_str());
    if (d.firstMask >= 0 && !d.modes)
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
    if (!a->damage.empty()) log.info(a->path + ": damaged: " + a->damage);
    std::vector<std::pair<const RunData*, const RunData*>> pairs;
    size_t nRuns[2] = {a->runs.size(), a->runs.size()};
    std::optional<TraceFile> other;
    if (o.b.empty()) {
        for (const auto& run : a->runs) {
            const auto dense = std::find_if(a->runs.begin(), a->runs.end(), [&](const auto& r) {
                return r->header.settings.attention.isDense() &&
                       r->header.formattedPrompt == run->header.formattedPrompt;
            });
            if (!run->header.settings.attention.isDense() && dense != a->runs.end())
                pairs.emplace_back(run.get(), dense->get());
        }
        if (pairs.empty())
            return log.fail({ErrorCode::InvalidArgument,
                             "the file holds no dense run beside another of its prompt",
                             o.a,
                             {},
                             std::to_string(a->runs.size()) + " runs",
                             "a second file to compare with"});
    } else {
        auto b = readTrace(o.b);
        if (!b) return log.fail(b.error());
        if (!b->damage.empty()) log.info(b->path + ": damaged: " + b->damage);
        other = std::move(*b);
        nRuns[1] = other->runs.size();
        for (size_t i = 0; i < std::min(nRuns[0], nRuns[1]); ++i)
            pairs.emplace_back(a->runs[i].get(), other->runs[i].get());
    }
    bool equal = nRuns[0] == nRuns[1];
    Json runs = Json::array();
    for (const auto& [first, second] : pairs) {
        const RunDifference d = compare(*first, *second);
        equal = equal && d.equal();
        if (o.json) {
            runs.push_back(differenceJson(*first, *second, d));
        } else {
            printDifference(*first, *second, d);
        }
    }
    if (o.json) {
        printJson({{"equal", equal}, {"n_runs", {nRuns[0], nRuns[1]}}, {"runs", std::move(runs)}});
    } else if (nRuns[0] != nRuns[1]) {
        printFormat("the files hold %zu and %zu runs\n", nRuns[0], nRuns[1]);
    }
    return equal ? kOk : kDiffers;
}

}  // namespace spanscope::cli
