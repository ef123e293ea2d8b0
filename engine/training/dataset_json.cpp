#include <nlohmann/json.hpp>

#include "engine/training/example.h"

namespace spanscope {

using nlohmann::json;

namespace {

json viewsOf(const std::vector<TokenView>& views) {
    json out = json::array();
    uint64_t last = 0;
    for (const TokenView& v : views) {
        if (!out.empty() && v.maskId == last) continue;
        last = v.maskId;
        json list = json::array();
        for (const Interval& i : *v.visible) list.push_back({i.begin, i.end == kOpenEnd ? -1 : i.end});
        out.push_back({v.position, std::move(list)});
    }
    return out;
}

std::string withoutDeclarations(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const size_t tag = std::min(text.find('<'), text.size());
        out += text.substr(0, tag);
        text.remove_prefix(tag);
        if (text.starts_with("<attend>")) {
            const size_t end = text.find("</attend>");
            text.remove_prefix(end == std::string_view::npos ? text.size()
                                                             : end + std::string_view("</attend>").size());
        } else if (text.starts_with("<global>")) {
            text.remove_prefix(std::string_view("<global>").size());
        } else if (text.starts_with("<local>")) {
            text.remove_prefix(std::string_view("<local>").size());
        } else if (!text.empty()) {
            out += text.front();
            text.remove_prefix(1);
        }
    }
    return out;
}

/// Views and segment starts as the tracker sees them.
Status addDeclaredViews(json& line, const std::vector<int32_t>& ids, size_t nPrompt, const TaskExample& example,
                        const SpanPolicy& policy, const PieceIds& pieces) {
    SpanTracker tracker(pieces, policy);
    std::vector<TokenView> views = tracker.consumePrompt({ids.data(), nPrompt});
    for (size_t i = nPrompt; i < ids.size(); ++i) views.push_back(tracker.consume(ids[i]));
    if (!tracker.violations().empty() && example.complete) {
        const ProtocolViolation& v = tracker.violations().front();
        return Error{ErrorCode::Format, "the example breaks the protocol", "", example.typed, violationName(v.kind),
                     "no violation"};
    }
    json breaks = json::array();
    for (const Segment& s : tracker.segments())
        if (s.kind != SegmentKind::Scaffold) breaks.push_back(s.begin);
    line["views"] = viewsOf(views);
    line["breaks"] = std::move(breaks);
    return {};
}

/// Causal throughout; segments begin at their labels.
void addPlainViews(json& line, const std::vector<int32_t>& ids, const PieceIds& pieces) {
    json breaks = json::array();
    for (size_t i = 0; i < ids.size(); ++i)
        if (ids[i] == pieces.in || ids[i] == pieces.out) breaks.push_back(i);
    line["views"] = json::array({json::array({0, json::array({json::array({0, -1})})})});
    line["breaks"] = std::move(breaks);
}

}  // namespace

TaskExample plainExample(TaskExample example) {
    const std::string head = withoutDeclarations(std::string_view(example.response).substr(0, example.noLossBytes));
    example.response = head + withoutDeclarations(std::string_view(example.response).substr(example.noLossBytes));
    example.noLossBytes = head.size();
    example.declared = false;
    return example;
}

Result<std::string> exampleToJson(const TaskExample& example, const SpanPolicy& policy,
                                  const Tokenizer* maybeTokenizer) {
    json line;
    line["task"] = example.task;
    if (!example.id.empty()) line["id"] = example.id;
    line["typed"] = example.typed;
    line["prompt"] = example.prompt;
    line["response"] = example.response;
    line["answer"] = example.answer;
    line["policy"] = {{"prefill", policy.prefill == PrefillPolicy::Segmented ? "segmented" : "causal"},
                      {"heads", policy.heads}};
    if (!example.declared) line["declared"] = false;
    if (!example.complete) line["complete"] = false;
    if (example.noLossBytes > 0) line["no_loss_bytes"] = example.noLossBytes;
    if (maybeTokenizer) {
        const Tokenizer& tokenizer = *maybeTokenizer;
        auto prompt = tokenizer.encodeTrusted(example.prompt);
        if (!prompt) return prompt.error();
        const std::string_view response = example.response;
        auto head = tokenizer.encode(response.substr(0, example.noLossBytes), TextTrust::Trusted, true);
        if (!head) return head.error();
        auto tail = tokenizer.encode(response.substr(example.noLossBytes), TextTrust::Trusted, true);
        if (!tail) return tail.error();
        std::vector<int32_t> ids;
        if (tokenizer.addsBos()) ids.push_back(tokenizer.bosId());
        ids.insert(ids.end(), prompt->begin(), prompt->end());
        const size_t nPrompt = ids.size();
        ids.insert(ids.end(), head->begin(), head->end());
        const size_t lossBegin = ids.size();
        ids.insert(ids.end(), tail->begin(), tail->end());
        if (example.complete) ids.push_back(tokenizer.eosId());

        if (!example.declared) addPlainViews(line, ids, tokenizer.pieceIds());
        else if (auto ok = addDeclaredViews(line, ids, nPrompt, example, policy, tokenizer.pieceIds()); !ok)
            return ok.error();
        line["ids"] = ids;
        line["n_prompt"] = nPrompt;
        line["loss_begin"] = lossBegin;
    }
    return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace spanscope
