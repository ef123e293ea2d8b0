#include <cmath>
#include <limits>

#include "engine/trace/trace_json.h"
#include "kernels/backend.h"

namespace spanscope::trace {

namespace {

constexpr int32_t kMaxInt = std::numeric_limits<int32_t>::max();
constexpr int64_t kMaxInt64 = std::numeric_limits<int64_t>::max();

/// Finds the enumerator whose name is `name` among 0..last.
template <class E>
bool enumFromName(const std::string& name, E last, const char* (*nameOf)(E), E& value) {
    for (int i = 0; i <= static_cast<int>(last); ++i) {
        if (name == nameOf(static_cast<E>(i))) {
            value = static_cast<E>(i);
            return true;
        }
    }
    return false;
}

template <class E>
void readEnum(Fields& f, const char* key, E last, const char* (*nameOf)(E), E& value) {
    const std::string name = f.text(key);
    if (f.ok() && !enumFromName(name, last, nameOf, value)) f.failAt(key, "unknown name", name);
}

Interval readInterval(Fields& f) {
    Interval i;
    i.begin = f.int32("begin", 0, kMaxInt - 1);
    i.end = f.int32("end", 0, kMaxInt, kOpenEnd);
    if (i.end < i.begin) f.fail("end before begin");
    return i;
}

/// Any policy that is well formed: what it read is recorded, so it need not be one that this program has.
void readAttention(Fields& f, MaskPolicySpec& attention) {
    const std::string text = f.text("attention");
    const auto spec = MaskPolicySpec::parse(text);
    if (spec) attention = *spec;
    else f.fail("attention: not a policy: \"" + text + "\"");
    const int32_t keepTokens = f.int32("keep_tokens", 0, kMaxInt);  // the number of "keep" in version 1
    if (attention.name == "keep" && attention.n == 0) attention.n = keepTokens;
}

void readSettings(const InJson& object, RunSettings& s, Fields& outer) {
    Fields f(object);
    s.task = f.text("task");
    s.systemText = f.text("system_text");
    if (object.contains("thinking")) s.thinking = f.boolean("thinking", false);
    s.vocabulary = f.text("vocabulary");
    s.promptText = f.text("prompt_text");
    if (const InJson* ids = f.array("prompt_ids")) {
        for (const InJson& id : *ids) {
            if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > kMaxInt) {
                f.fail("prompt_ids: not a list of token ids");
                break;
            }
            s.promptIds.push_back(id.get<int32_t>());
        }
    }
    readAttention(f, s.attention);
    s.maxTokens = f.int32("max_tokens", -1, kMaxInt, -1);
    s.contextTokens = f.int32("context_tokens", 0, kMaxInt);
    if (const InJson* sampler = f.object("sampler")) {
        Fields g(*sampler);
        s.sampler.temperature = g.real("temperature", 0);
        s.sampler.topK = g.int32("top_k", 0, kMaxInt);
        s.sampler.topP = g.real("top_p", 1);
        s.sampler.minP = g.real("min_p", 0);
        s.sampler.repeatPenalty = g.real("repeat_penalty", 1);
        s.sampler.repeatLastN = g.int32("repeat_last_n", -1, kMaxInt, 64);
        s.sampler.seed = g.unsigned64("seed");
        if (!g.ok()) f.failAt("sampler", g.problem());
    }
    if (!f.ok()) outer.failAt("settings", f.problem());
}

/// [[window, layers], ...], ascending and together all layers: sums over steps are formed with them.
void readLayerWindows(const InJson& array, int32_t nLayers, LayerWindows& windows, Fields& f) {
    int64_t left = nLayers;
    for (const InJson& pair : array) {
        const bool numbers =
            pair.is_array() && pair.size() == 2 && pair[0].is_number_integer() && pair[1].is_number_integer();
        const int64_t window = numbers ? pair[0].get<int64_t>() : -1, count = numbers ? pair[1].get<int64_t>() : 0;
        if (!numbers || window < 0 || window > kMaxInt || count < 1 || count > left ||
            (!windows.empty() && window <= windows.back().window) || windows.size() == kMaxLayerWindows)
            return f.fail("layer_windows: not [window, layers] ascending, at most 64, for all layers");
        left -= count;
        windows.push_back({static_cast<int32_t>(window), static_cast<int32_t>(count)});
    }
    if (left != 0) f.fail("layer_windows: layers are missing");
}

void readPrompt(const InJson& object, std::vector<TokenInfo>& prompt, Fields& outer) {
    Fields f(object);
    const InJson* ids = f.array("ids");
    const InJson* texts = f.array("texts");
    const InJson* special = f.array("special");
    if (!f.ok() || !ids || !texts || !special || ids->size() != texts->size()) {
        outer.failAt("prompt", f.ok() ? "ids, texts and special do not belong together" : f.problem());
        return;
    }
    prompt.resize(ids->size());
    for (size_t i = 0; i < ids->size(); ++i) {
        const InJson& id = (*ids)[i];
        const InJson& text = (*texts)[i];
        if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > kMaxInt || !text.is_string()) {
            outer.fail("prompt: token " + std::to_string(i) + " is malformed");
            return;
        }
        prompt[i].id = id.get<int32_t>();
        prompt[i].text = text.get<std::string>();
    }
    for (const InJson& i : *special) {
        if (!i.is_number_unsigned() || i.get<uint64_t>() >= prompt.size()) {
            outer.fail("prompt: special names a token that is not there");
            return;
        }
        prompt[i.get<size_t>()].special = true;
    }
}

}  // namespace

void Fields::failAt(std::string_view where, std::string_view problem, std::string_view name) {
    std::string text(where);
    text.append(": ").append(problem);
    if (!name.empty()) text.append(" \"").append(name).append("\"");
    fail(text);
}

const InJson* Fields::find(const char* key) const {
    const auto it = m_object.find(key);
    return it == m_object.end() || it->is_null() ? nullptr : &*it;
}

int64_t Fields::integer(const char* key, int64_t min, int64_t max, int64_t fallback) {
    const InJson* value = find(key);
    if (!value) return fallback;
    const bool tooLarge = value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(kMaxInt64);
    if (!value->is_number_integer() || tooLarge || value->get<int64_t>() < min || value->get<int64_t>() > max) {
        fail(std::string(key) + ": found " +
             value->dump(-1, ' ', true, InJson::error_handler_t::replace).substr(0, 40) +
             ", expected an integer from " + std::to_string(min) + " to " + std::to_string(max));
        return fallback;
    }
    return value->get<int64_t>();
}

int32_t Fields::requiredInt32(const char* key, int32_t min, int32_t max) {
    if (!find(key)) fail(std::string(key) + ": missing");
    return int32(key, min, max, min);
}

uint64_t Fields::unsigned64(const char* key) {
    const InJson* value = find(key);
    if (!value) return 0;
    if (!value->is_number_unsigned()) {
        fail(std::string(key) + ": expected an integer of 0 or more");
        return 0;
    }
    return value->get<uint64_t>();
}

float Fields::real(const char* key, float fallback) {
    const InJson* value = find(key);
    if (!value) return fallback;
    if (!value->is_number() || !(std::fabs(value->get<double>()) <= std::numeric_limits<float>::max())) {
        fail(std::string(key) + ": expected a number");
        return fallback;
    }
    return static_cast<float>(value->get<double>());
}

bool Fields::boolean(const char* key, bool fallback) {
    const InJson* value = find(key);
    if (!value) return fallback;
    if (!value->is_boolean()) {
        fail(std::string(key) + ": expected true or false");
        return fallback;
    }
    return value->get<bool>();
}

std::string Fields::text(const char* key) {
    const InJson* value = find(key);
    if (!value) return {};
    if (!value->is_string()) {
        fail(std::string(key) + ": expected a string");
        return {};
    }
    return value->get<std::string>();
}

const InJson* Fields::array(const char* key) {
    const InJson* value = find(key);
    if (value && !value->is_array()) {
        fail(std::string(key) + ": expected a list");
        return nullptr;
    }
    return value;
}

const InJson* Fields::object(const char* key) {
    const InJson* value = find(key);
    if (value && !value->is_object()) {
        fail(std::string(key) + ": expected an object");
        return nullptr;
    }
    return value;
}

std::string readIntervals(const InJson& array, IntervalList& list) {
    if (!array.is_array()) return "intervals: expected a list";
    list.reserve(array.size());
    int64_t previousEnd = -1;
    for (const InJson& pair : array) {
        if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_integer() ||
            !(pair[1].is_number_integer() || pair[1].is_null()))
            return "intervals: expected [begin, end] or [begin, null]";
        const int64_t begin = pair[0].get<int64_t>();
        const int64_t end = pair[1].is_null() ? int64_t{kOpenEnd} : pair[1].get<int64_t>();
        if (begin < 0 || begin <= previousEnd || end <= begin || end > kOpenEnd)
            return "intervals: not sorted, disjoint and apart";
        list.push_back({static_cast<int32_t>(begin), static_cast<int32_t>(end)});
        previousEnd = end;
    }
    return {};
}

std::string readHeads(const InJson& object, HeadCounts& counts) {
    Fields f(object);
    counts.nAll = f.requiredInt32("n", 1, kMaxInt);
    const InJson* parts = f.array("parts");
    if (!f.ok() || !parts) return f.ok() ? "parts: missing" : f.problem();
    counts.parts.reserve(parts->size());
    for (const InJson& triple : *parts) {
        if (!triple.is_array() || triple.size() != 3 || !triple[0].is_number_integer() ||
            !triple[1].is_number_integer() || !triple[2].is_number_integer())
            return "parts: expected [begin, end, heads]";
        const int64_t least = counts.parts.empty() ? 0 : counts.parts.back().end;
        const auto begin = triple[0].get<int64_t>(), end = triple[1].get<int64_t>(), n = triple[2].get<int64_t>();
        if (begin < least || end <= begin || end >= kOpenEnd) return "parts: not sorted and apart";
        if (n < 1 || n > counts.nAll) return "parts: read by " + std::to_string(n) + " heads";
        counts.parts.push_back({static_cast<int32_t>(begin), static_cast<int32_t>(end), static_cast<int32_t>(n)});
    }
    return {};
}

std::string readHeader(const InJson& object, RunHeader& h) {
    Fields f(object);
    if (const InJson* settings = f.object("settings")) readSettings(*settings, h.settings, f);
    if (const InJson* model = f.object("model")) {
        Fields g(*model);
        h.modelName = g.text("name");
        h.modelHash = g.text("hash");
        h.nLayers = g.int32("n_layers", 0, 1 << 20);
        h.nHeads = g.int32("n_heads", 0, 1 << 20);
        h.nKvHeads = g.int32("n_kv_heads", 0, 1 << 20);
        h.weightBytesPerStep = g.integer("weight_bytes_per_step", 0, kMaxInt64, 0);
        if (const InJson* windows = g.array("layer_windows")) readLayerWindows(*windows, h.nLayers, h.layerWindows, g);
        if (const InJson* adapter = g.object("adapter")) {
            Fields a(*adapter);
            h.adapter.name = a.text("name");
            h.adapter.hash = a.text("hash");
            h.adapter.rank = a.int32("rank", 0, 1 << 20);
            if (!a.ok()) g.failAt("adapter", a.problem());
        }
        if (!g.ok()) f.failAt("model", g.problem());
    }
    h.backend = f.text("backend");
    h.device = f.text("device");
    h.kvType = f.text("kv_type");
    h.machine = f.text("machine");
    h.programVersion = f.text("program");
    h.nThreads = f.int32("n_threads", 0, 1 << 20);
    h.warning = f.text("warning");
    h.exactAnswer = f.text("exact_answer");
    h.uncheckable = f.text("uncheckable");
    if (const InJson* policy = f.object("policy")) {
        Fields g(*policy);
        h.hasProtocol = g.boolean("protocol", true);
        h.heads = g.boolean("heads", false);
        h.vocabulary = g.text("vocabulary");
        const std::string prefill = g.text("prefill");
        h.prefill = prefill == "segmented" ? PrefillPolicy::Segmented : PrefillPolicy::Causal;
        if (prefill != "segmented" && prefill != "causal") g.failAt("prefill", "unknown name", prefill);
        if (!g.ok()) f.failAt("policy", g.problem());
    }
    if (const InJson* label = f.object("label")) {
        Fields g(*label);
        h.label.number = g.integer("number", 0, kLargestRunId, 0);
        h.label.name = g.text("name");
        h.label.notes = g.text("notes");
        h.label.endedAtMs = g.integer("ended_at_ms", 0, kLongestNs, 0);
        if (!g.ok()) f.failAt("label", g.problem());
    }
    if (const InJson* branch = f.object("branch")) {
        Fields g(*branch);
        h.branch.run = g.integer("run", 0, kLargestRunId, 0);
        h.branch.step = g.requiredInt32("step", 0, kMaxInt);
        readEnum(g, "edit", BranchEdit::Token, branchEditName, h.branch.edit);
        if (!g.ok()) f.failAt("branch", g.problem());
    }
    h.formattedPrompt = f.text("formatted_prompt");
    if (const InJson* prompt = f.object("prompt")) readPrompt(*prompt, h.prompt, f);
    return f.problem();
}

std::string readSegment(const InJson& object, Segment& s) {
    Fields f(object);
    readEnum(f, "kind", SegmentKind::Out, segmentKindName, s.kind);
    s.label = f.integer("label", -1, 999'999'999, -1);
    const Interval range = readInterval(f);
    s.begin = range.begin;
    s.end = range.end;
    s.bodyBegin = f.int32("body", -1, kMaxInt - 1, -1);
    s.fallback = f.boolean("fallback", false);
    s.name = f.text("name");
    if (const InJson* refs = f.array("refs")) {
        for (const InJson& r : *refs) {
            if (!r.is_object()) return "refs: expected objects";
            Fields g(r);
            SpanRef ref;
            readEnum(g, "kind", SegmentKind::Out, segmentKindName, ref.kind);
            ref.label = g.integer("label", -1, kMaxInt64, -1);
            ref.segment = g.int32("segment", -1, kMaxInt, -1);
            ref.position = g.int32("position", 0, kMaxInt - 1);
            ref.tokens = readInterval(g);
            if (!g.ok()) f.failAt("refs", g.problem());
            s.refs.push_back(ref);
        }
    }
    return f.problem();
}

std::string readViolation(const InJson& object, ProtocolViolation& v) {
    Fields f(object);
    readEnum(f, "kind", kLastViolation, violationName, v.kind);
    v.position = f.int32("position", 0, kMaxInt - 1);
    v.segment = f.int32("segment", -1, kMaxInt, -1);
    v.effect = f.text("effect");
    return f.problem();
}

std::string readChange(const InJson& object, SpanChange& c) {
    Fields f(object);
    c.position = f.requiredInt32("position", 0, kMaxInt - 1);
    c.segment = f.requiredInt32("segment", 0, kMaxInt);
    c.hidden = f.boolean("hidden", false);
    return f.problem();
}

std::string readStep(const InJson& object, int version, StepRecord& s) {
    Fields f(object);
    s.index = f.requiredInt32("i", 0, kMaxInt);
    s.position = f.requiredInt32("position", 0, kMaxInt - 1);
    s.token.id = f.requiredInt32("id", 0, kMaxInt);
    s.token.text = f.text("text");
    s.token.special = f.boolean("special", false);
    s.segment = f.int32("segment", -1, kMaxInt, -1);
    const std::string phase = f.text("phase");
    if (!phaseFromName(phase, s.phase)) f.failAt("phase", "unknown name", phase);
    s.attended = f.requiredInt32("attended", 0, kMaxInt);
    s.loaded = f.requiredInt32(version < 2 ? "read" : "loaded", 0, kMaxInt);
    s.causal = s.position + 1;
    s.deviceNs = f.integer("device_ns", 0, kLongestNs, 0);
    s.wallNs = f.integer("wall_ns", 0, kLongestNs, 0);
    s.atNs = f.integer("at_ns", 0, kLongestNs, 0);
    s.logprob = f.real("logprob", 0);
    if (object.contains("draft")) readEnum(f, "draft", DraftFate::Rejected, draftFateName, s.draft);
    s.rejectedText = f.text("rejected_text");
    return f.problem();
}

std::string readStats(const InJson& object, int version, RunStats& s) {
    Fields f(object);
    s.promptTokens = f.int32("prompt_tokens", 0, kMaxInt);
    s.keptTokens = f.int32("kept_tokens", 0, s.promptTokens);
    s.responseTokens = f.int32("response_tokens", 0, kMaxInt);
    s.markupTokens = f.int32("markup_tokens", 0, kMaxInt);
    s.loadNs = f.integer("load_ns", 0, kLongestNs, 0);
    s.prefillNs = f.integer("prefill_ns", 0, kLongestNs, 0);
    s.ttftNs = f.integer("ttft_ns", 0, kLongestNs, 0);
    s.decodeNs = f.integer("decode_ns", 0, kLongestNs, 0);
    s.attendedTokens = f.integer("attended_tokens", 0, kMostSummed, 0);
    s.headAttendedTokens = f.integer("head_attended_tokens", 0, kMostSummed, 0);
    s.loadedTokens = f.integer(version < 2 ? "read_tokens" : "loaded_tokens", 0, kMostSummed, 0);
    s.causalTokens = f.integer("causal_tokens", 0, kMostSummed, 0);
    s.kvStoredBytes = f.integer("kv_stored_bytes", 0, kMaxInt64, 0);
    s.kvBytesPerToken = f.integer("kv_bytes_per_token", 0, kMaxInt64, 0);
    readEnum(f, "stop", kLastStopReason, stopReasonName, s.stop);
    s.stopId = f.int32("stop_id", -1, kMaxInt, -1);
    s.stopPiece = f.text("stop_piece");
    if (const InJson* draft = f.object("draft")) {
        Fields g(*draft);
        DraftStats& d = s.draft;
        d.drafted = g.integer("drafted", 0, kMostSummed, 0);
        d.accepted = g.integer("accepted", 0, d.drafted, 0);
        d.rejected = g.integer("rejected", 0, d.drafted - d.accepted, 0);
        d.passes = g.integer("passes", 0, kMostSummed, 0);
        d.draftNs = g.integer("draft_ns", 0, kLongestNs, 0);
        d.passNs = g.integer("pass_ns", 0, kLongestNs, 0);
        d.loadedTokens = g.integer("loaded_tokens", 0, kMostSummed, 0);
        if (!g.ok()) f.failAt("draft", g.problem());
    }
    return f.problem();
}

}  // namespace spanscope::trace
