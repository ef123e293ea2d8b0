#include "app/cli/run_json.h"

#include <cstdio>
#include <map>
#include <set>

#include "app/cli/terminal.h"
#include "engine/files/decimal.h"
#include "engine/reading/answer_check.h"
#include "engine/reading/plain_reading.h"
#include "engine/reading/violation_counts.h"
#include "engine/reading/written_step.h"
#include "engine/types/sampler_settings.h"

namespace spanscope::cli {

namespace {
double ms(int64_t ns) { return static_cast<double>(ns) * 1e-6; }

/// Every step of arithmetic that is not right, every word of a key point that its sources lack. null: nothing to check.
nlohmann::ordered_json checksJson(const RunData& run) {
    const RunChecks checks = RunChecks::of(run);
    const CheckCounts& counts = checks.counts();
    if (counts.nLines == 0 && counts.nWords == 0) return nullptr;
    nlohmann::ordered_json wrong = nlohmann::ordered_json::array(), words = nlohmann::ordered_json::array();
    for (const SegmentCheck& check : checks.segments()) {
        if (check.isWrong())
            wrong.push_back({{"segment", check.segment},
                             {"verdict", verdictName(check.verdict)},
                             {"written", plainSegment(run, checks, check.segment)},
                             {"note", check.note}});
        for (const Interval& tokens : check.unsupported) {
            std::string text;
            for (int32_t t = tokens.begin; t < tokens.end; ++t) text += tokenAt(run, t).text;
            words.push_back({{"segment", check.segment}, {"position", tokens.begin}, {"text", text}});
        }
    }
    return {{"lines", counts.nLines},    {"right", counts.nRight}, {"carried", counts.nCarried},
            {"wrong", std::move(wrong)}, {"words", counts.nWords}, {"unsupported", std::move(words)}};
}
/// The sections of a vocabulary, what they named, and what is hidden at the end.
nlohmann::ordered_json sectionsJson(const RunData& run) {
    std::set<int32_t> hidden;
    for (const SpanChange& change : run.changes) {
        if (change.hidden) hidden.insert(change.segment);
        else hidden.erase(change.segment);
    }
    nlohmann::ordered_json sections = nlohmann::ordered_json::array();
    for (size_t i = 0; i < run.segments.size(); ++i) {
        const Segment& s = run.segments[i];
        if (s.name.empty()) continue;
        nlohmann::ordered_json named = nlohmann::ordered_json::array();
        for (const SpanRef& ref : s.refs)
            if (ref.segment >= 0) named.push_back(ref.label);
        sections.push_back({{"segment", i}, {"name", s.name}, {"number", s.label}, {"begin", s.begin}, {"end", s.end}});
        if (!named.empty()) sections.back()["named"] = std::move(named);
        if (s.fallback) sections.back()["widened"] = true;
        if (s.kind == SegmentKind::Out) sections.back()["hidden"] = hidden.contains(static_cast<int32_t>(i));
    }
    return sections;
}

void addVocabulary(nlohmann::ordered_json& object, const RunData& run) {
    if (run.header.vocabulary.empty()) return;
    object["vocabulary"] = run.header.vocabulary;
    object["malformed"] = violationCounts(run);
    object["sections"] = sectionsJson(run);
    nlohmann::ordered_json changes = nlohmann::ordered_json::array();
    for (const SpanChange& c : run.changes)
        changes.push_back({{"position", c.position}, {"segment", c.segment}, {"hidden", c.hidden}});
    object["changes"] = std::move(changes);
    object["formatted_prompt"] = run.header.formattedPrompt;
}

}  // namespace

std::vector<int32_t> responseIds(const RunData& run, const Tokenizer& tokenizer) {
    std::vector<int32_t> ids;
    ids.reserve(run.steps.size() + 1);
    for (const StepRecord& step : run.steps) ids.push_back(step.token.id);
    if (run.stats.stop == StopReason::EndOfText)  // old recordings do not say which piece it was
        ids.push_back(run.stats.stopId >= 0 ? run.stats.stopId : tokenizer.eosId());
    return ids;
}

void addAdapter(nlohmann::ordered_json& object, const Model& model) {
    const AdapterInfo* a = model.adapter();
    if (!a) return;
    object["adapter"] = {{"name", a->name},
                         {"path", a->path},
                         {"hash", a->hash},
                         {"base_hash", a->baseHash},
                         {"rank", a->rank},
                         {"copied_bytes", a->copiedBytes},
                         {"beside_bytes", a->besideBytes}};
}

void addDrafts(nlohmann::ordered_json& object, const DraftStats& d) {
    if (d.passes == 0) return;
    object["drafted"] = d.drafted;
    object["accepted"] = d.accepted;
    object["rejected"] = d.rejected;
    object["acceptance"] = d.acceptance();
    object["verify_passes"] = d.passes;
    object["tokens_per_pass"] = d.tokensPerPass();
    object["draft_ms"] = ms(d.draftNs);
    object["verify_ms"] = ms(d.passNs);
}

nlohmann::ordered_json runJson(const RunData& run, const Model& model, int64_t loadNs) {
    const RunStats& s = run.stats;
    const RunHeader& h = run.header;
    const std::vector<int32_t> ids = responseIds(run, model.tokenizer());
    nlohmann::ordered_json promptIds = nlohmann::ordered_json::array();
    for (const TokenInfo& token : h.prompt) promptIds.push_back(token.id);
    nlohmann::ordered_json violations = nlohmann::ordered_json::array();
    for (const ProtocolViolation& v : run.violations)
        violations.push_back(
            {{"kind", violationName(v.kind)}, {"position", v.position}, {"segment", v.segment}, {"effect", v.effect}});
    nlohmann::ordered_json object{
        {"attention", h.settings.attention.text()},
        {"task", h.settings.task},
        {"answer", run.answer},
        {"text", model.tokenizer().decode(ids)},
        {"tokens", ids},
        {"prompt_tokens", std::move(promptIds)},
        {"prompt_n", s.promptTokens - s.keptTokens},
        {"cache_n", s.keptTokens},
        {"prompt_ms", ms(s.prefillNs)},
        {"prompt_per_second", s.prefillTokensPerS()},
        {"predicted_n", s.responseTokens},
        {"predicted_ms", ms(s.decodeNs)},
        {"predicted_per_second", s.decodeTokensPerS()},
        {"useful_per_second", s.usefulTokensPerS()},
        {"markup_n", s.markupTokens},
        {"ttft_ms", ms(s.ttftNs)},
        {"attended_tokens", s.attendedTokens},
        {"attended_by_head", s.attendedByHead()},
        {"loaded_tokens", s.loadedTokens},
        {"causal_tokens", s.causalTokens},
        {"attended_fraction", s.attendedFraction()},
        {"loaded_fraction", s.loadedFraction()},
        {"kv_stored_bytes", s.kvStoredBytes},
        {"kv_loaded_bytes", s.kvLoadedBytes()},
        {"violations", run.violations.size()},
        {"violation_list", std::move(violations)},
        {"stop_reason", stopReasonName(s.stop)},
        {"sampler", describeSampler(h.settings.sampler)},
        {"seed", h.settings.sampler.seed},
        {"load_ms", ms(loadNs)},
        {"backend", h.backend},
        {"device", h.device},
        {"kv_type", h.kvType},
        {"n_threads", h.nThreads},
    };
    addVocabulary(object, run);
    addDrafts(object, s.draft);
    if (s.draft.rejected > 0) {
        nlohmann::ordered_json rejected = nlohmann::ordered_json::array();
        for (const StepRecord& step : run.steps)
            if (step.draft == DraftFate::Rejected)
                rejected.push_back(
                    {{"position", step.position}, {"drafted", step.rejectedText}, {"text", step.token.text}});
        object["rejected_list"] = std::move(rejected);
    }
    if (s.stopId >= 0) {
        object["stop_id"] = s.stopId;
        object["stop_piece"] = s.stopPiece;
    }
    if (const nlohmann::ordered_json checks = checksJson(run); !checks.is_null()) object["checks"] = checks;
    if (!h.warning.empty()) object["warning"] = h.warning;
    const AnswerCheck check = checkAnswer(run);
    if (check.verdict != AnswerCheck::Verdict::None) object["checked"] = check.verdict == AnswerCheck::Verdict::Right;
    if (!check.exact.empty()) object["exact_answer"] = check.exact;
    if (!check.note.empty()) object["check"] = check.note;
    return object;
}

void printJson(const nlohmann::ordered_json& object) {
    printJsonLine(object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    std::fflush(stdout);
}

std::string runSummary(const RunData& run) {
    const RunStats& s = run.stats;
    std::string text = run.header.settings.attention.text();
    text += ": " + std::to_string(run.steps.size()) + " tokens";
    if (s.decodeTokensPerS() > 0) text += ", " + decimal(s.decodeTokensPerS(), 1) + " t/s";
    if (const DraftStats& d = s.draft; d.passes > 0)
        text += ", drafted " + std::to_string(d.drafted) + ", accepted " + std::to_string(d.accepted) + ", rejected " +
                std::to_string(d.rejected) + ", " + decimal(d.tokensPerPass(), 1) + " tokens a pass";
    text += ", first after " + decimal(ms(s.ttftNs), 1) + " ms, attended " + decimal(100 * s.attendedFraction(), 1) +
            " %, loaded " + decimal(100 * s.loadedFraction(), 1) + " % of causal, " +
            std::to_string(run.violations.size()) + " violations, stop reason " + stopWords(s);
    if (run.header.vocabulary.empty()) return text;
    text += ", vocabulary " + run.header.vocabulary;
    if (const std::string malformed = violationCountsText(run); !malformed.empty()) text += ", " + malformed;
    return text;
}

}  // namespace spanscope::cli
