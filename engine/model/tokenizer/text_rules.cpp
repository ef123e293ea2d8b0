#include "engine/model/tokenizer/text_rules.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include <algorithm>
#include <utility>

namespace spanscope {

namespace {

constexpr size_t kMaxBytes = size_t{1} << 30;

/// Characters below U+0300 are composed already, and nothing among them composes.
bool isSurelyComposed(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0xCC; });
}

Status compose(std::string_view text, std::string& result) {
    UErrorCode code = U_ZERO_ERROR;
    const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(code);
    if (U_SUCCESS(code)) {
        icu::StringByteSink<std::string> sink(&result);
        nfc->normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink, nullptr, code);
    }
    if (U_SUCCESS(code)) return {};
    return Error{ErrorCode::InvalidArgument, std::string("the text cannot be normalised: ") + u_errorName(code)};
}

void replaceAll(std::string_view text, const TextRule& rule, std::string& result) {
    for (size_t at = 0; at < text.size();) {
        const size_t found = std::min(text.find(rule.from, at), text.size());
        result.append(text, at, found - at);
        if (found < text.size()) result += rule.to;
        at = found + rule.from.size();
    }
}

}  // namespace

Result<std::string_view> applyRules(const std::vector<TextRule>& rules, std::string_view text, bool follows,
                                    std::string& room) {
    std::string result;
    for (const TextRule& rule : rules) {
        result.clear();
        switch (rule.kind) {
            case TextRule::Kind::Nfc:
                if (isSurelyComposed(text)) continue;
                if (auto status = compose(text, result); !status) return status.error();
                break;
            case TextRule::Kind::Replace:
                if (text.find(rule.from) == std::string_view::npos) continue;
                replaceAll(text, rule, result);
                break;
            case TextRule::Kind::Prepend:
            case TextRule::Kind::PrependOnce:
                if (follows || text.empty()) continue;
                if (rule.kind == TextRule::Kind::PrependOnce && text.starts_with(rule.to)) continue;
                result.append(rule.to).append(text);
                break;
        }
        if (result.size() > kMaxBytes)
            return Error{ErrorCode::InvalidArgument,
                         "text too long",
                         {},
                         {},
                         std::to_string(result.size()) + " bytes when normalised",
                         "at most " + std::to_string(kMaxBytes)};
        std::swap(room, result);
        text = room;
    }
    return text;
}

}  // namespace spanscope
