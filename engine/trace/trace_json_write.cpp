#include <charconv>
#include <cmath>

#include "engine/trace/trace_json.h"

namespace spanscope::trace {

std::string toLine(const OutJson& object) {
    return object.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace);
}

OutJson floatJson(float value) {
    if (!std::isfinite(value)) return nullptr;
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    double shortest = 0;
    std::from_chars(text, end, shortest);
    return shortest;
}

namespace {
OutJson endJson(int32_t end) { return end == kOpenEnd ? OutJson(nullptr) : OutJson(end); }
}  // namespace

OutJson intervalsJson(const IntervalList& list) {
    OutJson array = OutJson::array();
    for (const Interval& i : list) array.push_back(OutJson::array({i.begin, endJson(i.end)}));
    return array;
}

OutJson headsJson(const HeadCounts& counts) {
    OutJson parts = OutJson::array();
    for (const HeadCounts::Part& p : counts.parts) parts.push_back(OutJson::array({p.begin, p.end, p.nHeads}));
    return {{"n", counts.nAll}, {"parts", std::move(parts)}};
}

OutJson settingsJson(const RunSettings& s) {
    OutJson settings{{"task", s.task},
                     {"system_text", s.systemText},
                     {"prompt_text", s.promptText},
                     {"prompt_ids", s.promptIds},
                     {"attention", s.attention.text()},
                     {"max_tokens", s.maxTokens},
                     {"context_tokens", s.contextTokens},
                     {"sampler",
                      {{"temperature", floatJson(s.sampler.temperature)},
                       {"top_k", s.sampler.topK},
                       {"top_p", floatJson(s.sampler.topP)},
                       {"min_p", floatJson(s.sampler.minP)},
                       {"repeat_penalty", floatJson(s.sampler.repeatPenalty)},
                       {"repeat_last_n", s.sampler.repeatLastN},
                       {"seed", s.sampler.seed}}}};
    if (s.thinking) settings["thinking"] = *s.thinking;
    if (!s.vocabulary.empty()) settings["vocabulary"] = s.vocabulary;
    return settings;
}

OutJson modelJson(const RunHeader& h) {
    OutJson model{{"name", h.modelName},
                  {"hash", h.modelHash},
                  {"n_layers", h.nLayers},
                  {"n_heads", h.nHeads},
                  {"n_kv_heads", h.nKvHeads}};
    if (h.weightBytesPerStep > 0) model["weight_bytes_per_step"] = h.weightBytesPerStep;
    for (const LayerWindow& w : h.layerWindows) model["layer_windows"].push_back({w.window, w.nLayers});
    if (!h.adapter.hash.empty())
        model["adapter"] = {{"name", h.adapter.name}, {"hash", h.adapter.hash}, {"rank", h.adapter.rank}};
    return model;
}

OutJson headerJson(const RunHeader& h) {
    OutJson ids = OutJson::array(), texts = OutJson::array(), special = OutJson::array();
    for (size_t i = 0; i < h.prompt.size(); ++i) {
        ids.push_back(h.prompt[i].id);
        texts.push_back(h.prompt[i].text);
        if (h.prompt[i].special) special.push_back(i);
    }
    OutJson header{{"settings", settingsJson(h.settings)},
                   {"model", modelJson(h)},
                   {"backend", h.backend},
                   {"device", h.device},
                   {"kv_type", h.kvType},
                   {"machine", h.machine},
                   {"program", h.programVersion},
                   {"n_threads", h.nThreads},
                   {"warning", h.warning},
                   {"exact_answer", h.exactAnswer},
                   {"uncheckable", h.uncheckable},
                   {"policy",
                    {{"protocol", h.hasProtocol},
                     {"prefill", h.prefill == PrefillPolicy::Segmented ? "segmented" : "causal"},
                     {"heads", h.heads}}},
                   {"formatted_prompt", h.formattedPrompt},
                   {"prompt", {{"ids", std::move(ids)}, {"texts", std::move(texts)}, {"special", std::move(special)}}}};
    if (!h.vocabulary.empty()) header["policy"]["vocabulary"] = h.vocabulary;
    if (h.label != RunLabel{})
        header["label"] = {{"number", h.label.number},
                           {"name", h.label.name},
                           {"notes", h.label.notes},
                           {"ended_at_ms", h.label.endedAtMs}};
    if (h.branch.isBranch())
        header["branch"] = {{"run", h.branch.run}, {"step", h.branch.step}, {"edit", branchEditName(h.branch.edit)}};
    return header;
}

OutJson segmentJson(const Segment& s) {
    OutJson refs = OutJson::array();
    for (const SpanRef& r : s.refs) {
        refs.push_back({{"kind", segmentKindName(r.kind)},
                        {"label", r.label},
                        {"segment", r.segment},
                        {"position", r.position},
                        {"begin", r.tokens.begin},
                        {"end", endJson(r.tokens.end)}});
    }
    OutJson segment{{"kind", segmentKindName(s.kind)}, {"label", s.label},    {"begin", s.begin},
                    {"end", endJson(s.end)},           {"body", s.bodyBegin}, {"refs", std::move(refs)},
                    {"fallback", s.fallback}};
    if (!s.name.empty()) segment["name"] = s.name;
    return segment;
}

OutJson violationJson(const ProtocolViolation& v) {
    return {{"kind", violationName(v.kind)}, {"position", v.position}, {"segment", v.segment}, {"effect", v.effect}};
}

OutJson changeJson(const SpanChange& c) {
    return {{"position", c.position}, {"segment", c.segment}, {"hidden", c.hidden}};
}

OutJson stepJson(const StepRecord& s) {
    OutJson step{{"i", s.index},
                 {"position", s.position},
                 {"id", s.token.id},
                 {"text", s.token.text},
                 {"special", s.token.special},
                 {"segment", s.segment},
                 {"phase", phaseName(s.phase)},
                 {"attended", s.attended},
                 {"loaded", s.loaded},
                 {"device_ns", s.deviceNs},
                 {"wall_ns", s.wallNs},
                 {"at_ns", s.atNs},
                 {"logprob", floatJson(s.logprob)}};
    if (s.draft != DraftFate::None) step["draft"] = draftFateName(s.draft);
    if (s.draft == DraftFate::Rejected) step["rejected_text"] = s.rejectedText;
    return step;
}

OutJson statsJson(const RunStats& s) {
    OutJson stats{{"prompt_tokens", s.promptTokens},
                  {"kept_tokens", s.keptTokens},
                  {"response_tokens", s.responseTokens},
                  {"markup_tokens", s.markupTokens},
                  {"load_ns", s.loadNs},
                  {"prefill_ns", s.prefillNs},
                  {"ttft_ns", s.ttftNs},
                  {"decode_ns", s.decodeNs},
                  {"attended_tokens", s.attendedTokens},
                  {"loaded_tokens", s.loadedTokens},
                  {"causal_tokens", s.causalTokens},
                  {"kv_stored_bytes", s.kvStoredBytes},
                  {"kv_bytes_per_token", s.kvBytesPerToken},
                  {"stop", stopReasonName(s.stop)},
                  {"stop_id", s.stopId},
                  {"stop_piece", s.stopPiece}};
    if (const DraftStats& d = s.draft; d.passes > 0)
        stats["draft"] = {
            {"drafted", d.drafted},  {"accepted", d.accepted}, {"rejected", d.rejected},         {"passes", d.passes},
            {"draft_ns", d.draftNs}, {"pass_ns", d.passNs},    {"loaded_tokens", d.loadedTokens}};
    if (s.headAttendedTokens > 0) stats["head_attended_tokens"] = s.headAttendedTokens;
    return stats;
}

}  // namespace spanscope::trace
