#include "engine/tasks/chat/chat_message.h"

#include <algorithm>
#include <array>

namespace spanscope {

namespace {

constexpr std::string_view kThink = "<think>", kThinkEnd = "</think>";

/// In UTF-8; checked against Python's str.isspace() for every character.
constexpr std::array<std::string_view, 29> kSpaces{
    "\t",           "\n",           "\v",           "\f",           "\r",
    "\x1c",         "\x1d",         "\x1e",         "\x1f",         " ",
    "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
    "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
    "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
    "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};

std::string_view withoutLines(std::string_view text) {
    while (text.starts_with('\n')) text.remove_prefix(1);
    while (text.ends_with('\n')) text.remove_suffix(1);
    return text;
}

}  // namespace

const char* chatRoleName(ChatRole role) {
    switch (role) {
        case ChatRole::System: return "system";
        case ChatRole::User: return "user";
        case ChatRole::Assistant: return "assistant";
    }
    return "";
}

std::string joined(const RenderedChat& parts) {
    std::string text;
    for (const ChatPart& part : parts) text += part.text;
    return text;
}

void addPart(RenderedChat& parts, std::string_view text, bool trusted, int32_t message) {
    if (text.empty()) return;
    const bool joins = !parts.empty() && parts.back().trusted == trusted && parts.back().message < 0 && message < 0;
    if (joins) parts.back().text += text;
    else parts.push_back({std::string(text), trusted, message});
}

std::string_view stripStart(std::string_view text) {
    for (;;) {
        const auto space =
            std::find_if(kSpaces.begin(), kSpaces.end(), [&](std::string_view s) { return text.starts_with(s); });
        if (space == kSpaces.end()) return text;
        text.remove_prefix(space->size());
    }
}

std::string_view stripEnd(std::string_view text) {
    for (;;) {
        const auto space =
            std::find_if(kSpaces.begin(), kSpaces.end(), [&](std::string_view s) { return text.ends_with(s); });
        if (space == kSpaces.end()) return text;
        text.remove_suffix(space->size());
    }
}

bool endsInsideReasoning(std::string_view prompt) { return stripEnd(prompt).ends_with(kThink); }

ReasoningSplit splitReasoning(std::string_view text, bool begunByPrompt) {
    const std::string_view begin = stripStart(text);
    const bool opened = begin.starts_with(kThink);
    const size_t end = text.find(kThinkEnd);
    if (!opened && !begunByPrompt && end == std::string_view::npos) return {{}, std::string(text), false};
    const std::string_view inside = opened ? begin.substr(kThink.size()) : text;
    const size_t close = inside.find(kThinkEnd);
    if (close == std::string_view::npos) return {std::string(withoutLines(inside)), {}, true};
    return {std::string(withoutLines(inside.substr(0, close))),
            std::string(withoutLines(inside.substr(close + kThinkEnd.size()))), false};
}

}  // namespace spanscope
