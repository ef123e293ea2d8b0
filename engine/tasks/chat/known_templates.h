// Chat templates that many models share, recognised by their exact text and rendered by the function that was written
// for that text: no interpreter is needed, and which byte comes from a message is known by construction.
// tests/fixtures/chat holds each of these texts with what Jinja2 makes of it.
#pragma once

#include <ctime>
#include <optional>
#include <span>
#include <string_view>

#include "engine/tasks/chat/chat_message.h"
#include "kernels/result.h"

namespace spanscope {

/// Where a system message goes.
enum class SystemPlace : uint8_t {
    OwnTurn,    ///< a turn of its own, before the first
    FirstUser,  ///< inside the first user turn
    LastUser,   ///< inside the last user turn
    Nowhere,    ///< the template refuses it or leaves it out
};

/// What becomes of the reasoning in earlier answers.
enum class OldReasoning : uint8_t {
    Kept,          ///< the template does not know reasoning
    Dropped,       ///< everything up to the last </think>
    DroppedLines,  ///< the same, and the line ends after it
    Qwen3,         ///< DroppedLines, but for answers that follow the last question that is no tool's response
};

/// A family of templates that differ in their texts alone. In texts {bos}, {eos} and {date} stand for what they name.
struct ChatFrame {
    std::string_view name = {};                    ///< for people: "ChatML"
    std::string_view begin = {};                   ///< before everything
    std::string_view system = {}, systemEnd = {};  ///< around the system text
    std::string_view withoutSystem = {};           ///< instead, where there is none
    std::string_view user = {}, userEnd = {};      ///< around a question
    std::string_view answer = {}, answerEnd = {};  ///< around an earlier answer
    std::string_view ask = {};                     ///< behind everything: the answer's beginning
    std::string_view askWithoutThinking = {};      ///< instead, where enable_thinking is false; empty: it is not read
    SystemPlace place = SystemPlace::OwnTurn;
    bool trimSystem = false, trimUser = false, trimAnswer = false;
    bool trimsTogether = false;  ///< a question is trimmed together with the system text before it
    OldReasoning reasoning = OldReasoning::Kept;
};

/// nullptr: not one of these. Line ends of the text may be LF, CR LF or CR; anything else must be the same.
const ChatFrame* knownTemplate(std::string_view templateText);

struct ChatTokens {
    std::string_view bos, eos;
    std::time_t now = 0;                ///< local time, for {date}: "30 Nov 2026"
    std::optional<bool> thinking = {};  ///< enable_thinking; absent: the template is not told
};

/// messages: as ChatFormat::render() takes them, already checked. InvalidArgument: a system message that has no place.
Result<RenderedChat> renderFrame(const ChatFrame& frame, const ChatTokens& tokens,
                                 std::span<const ChatMessage> messages);

}  // namespace spanscope
