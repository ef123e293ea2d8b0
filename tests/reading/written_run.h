// Runs made of protocol text, one token for a character and one for each special piece, taken apart by the tracker as
// a decoded one is. For tests: what a model would have had to write.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "engine/types/records.h"

namespace spanscope::written {

inline const char* const kPieces[] = {"<in>", "<out>", "<:>", "<attend>", "</attend>", "<local>", "<global>"};

inline TokenInfo nextToken(std::string_view& text) {
    TokenInfo token;
    for (const std::string_view piece : kPieces)
        if (text.starts_with(piece)) {
            token = {1, std::string(piece), true};
            text.remove_prefix(piece.size());
            return token;
        }
    size_t n = 1;  // whole characters
    while (n < text.size() && (static_cast<unsigned char>(text[n]) & 0xC0U) == 0x80U) ++n;
    token = {2, std::string(text.substr(0, n)), false};
    text.remove_prefix(n);
    return token;
}

/// Labels after the piece at `at`; the position of their closing <:>.
template <class Text>
int64_t labelAfter(int32_t at, int32_t end, const Text& text, int32_t& close) {
    std::string digits;
    for (close = at + 1; close < end && text(close) != "<:>"; ++close) digits += text(close);
    return digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string::npos
               ? -1
               : std::stoll(digits);
}

/// A run of `task` that wrote `response` to `prompt` and ended by itself. Every step reads everything.
inline RunData run(const std::string& task, const std::string& prompt, const std::string& response) {
    RunData r;
    r.header.settings.task = task;
    r.header.settings.attention = MaskPolicySpec::declared();
    r.header.formattedPrompt = prompt;
    r.header.prompt.push_back({0, "<s>", true});
    for (std::string_view left = prompt; !left.empty();) r.header.prompt.push_back(nextToken(left));
    r.header.promptVisible.resize(r.header.prompt.size());
    const auto nPrompt = static_cast<int32_t>(r.header.prompt.size());
    const auto everything = std::make_shared<const IntervalList>(IntervalList{{0, kOpenEnd}});
    for (std::string_view left = response; !left.empty();) {
        StepRecord step;
        step.index = static_cast<int32_t>(r.steps.size());
        step.position = nPrompt + step.index;
        step.token = nextToken(left);
        step.visible = everything;
        step.attended = step.loaded = step.causal = step.position + 1;
        r.steps.push_back(std::move(step));
    }
    const auto nContext = static_cast<int32_t>(nPrompt + r.steps.size());
    const auto text = [&](int32_t p) -> const std::string& {
        return p < nPrompt ? r.header.prompt[static_cast<size_t>(p)].text
                           : r.steps[static_cast<size_t>(p - nPrompt)].token.text;
    };
    Segment scaffold;
    scaffold.end = 0;
    for (int32_t p = 0; p < nContext;) {
        const bool in = p < nPrompt && text(p) == "<in>", out = p >= nPrompt && text(p) == "<out>";
        if (!in && !out) {
            if (p < nPrompt) {
                if (scaffold.end == 0) scaffold.begin = p;
                scaffold.end = p + 1;
            }
            ++p;
            continue;
        }
        if (scaffold.end > 0) r.segments.push_back(scaffold);
        scaffold.end = 0;
        Segment s;
        s.kind = in ? SegmentKind::In : SegmentKind::Out;
        s.begin = p;
        int32_t at = p;
        s.label = labelAfter(p, nContext, text, at);
        if (in) s.bodyBegin = at + 1;
        for (++at; at < nContext && text(at) != "\n"; ++at) {
            if (text(at) == "</attend>") s.bodyBegin = at + 1;
            if (out && s.bodyBegin < 0 && (text(at) == "<in>" || text(at) == "<out>")) {
                SpanRef ref;
                ref.kind = text(at) == "<in>" ? SegmentKind::In : SegmentKind::Out;
                ref.label = labelAfter(at, nContext, text, at);
                ref.position = at;
                for (size_t i = 0; i < r.segments.size(); ++i)
                    if (r.segments[i].kind == ref.kind && r.segments[i].label == ref.label) {
                        ref.segment = static_cast<int32_t>(i);
                        ref.tokens = {r.segments[i].begin, r.segments[i].end};
                    }
                s.refs.push_back(ref);
            }
        }
        s.end = at < nContext ? at + 1 : kOpenEnd;
        if (out)
            for (int32_t t = s.begin; t < std::min(s.end, nContext); ++t)
                r.steps[static_cast<size_t>(t - nPrompt)].segment = static_cast<int32_t>(r.segments.size());
        r.segments.push_back(s);
        p = at + 1;
    }
    if (scaffold.end > 0) r.segments.push_back(scaffold);
    std::sort(r.segments.begin(), r.segments.end(),
              [](const Segment& a, const Segment& b) { return a.begin < b.begin; });
    r.stats.stop = StopReason::EndOfText;
    return r;
}

}  // namespace spanscope::written
