// What a chat is made of before it becomes a prompt, and what it is afterwards: text of which every byte is known to
// come from the template or from a message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spanscope {

enum class ChatRole : uint8_t { System, User, Assistant };
const char* chatRoleName(ChatRole role);  ///< "system", "user", "assistant", as templates spell them

struct ChatMessage {
    ChatRole role = ChatRole::User;
    std::string text;          ///< UTF-8
    std::vector<int32_t> ids;  ///< of an answer: as the model wrote it, without its stop token; empty: not known
};

/// A piece of a rendered chat.
struct ChatPart {
    std::string text;
    bool trusted = true;   ///< written by the template, so that it may name control tokens; false: by a message
    int32_t message = -1;  ///< index of the message whose whole text, unchanged, this is; -1: not that
};

/// The parts of one prompt, in order.
using RenderedChat = std::vector<ChatPart>;
std::string joined(const RenderedChat& parts);

/// Appends to the last part where that is of the same kind.
void addPart(RenderedChat& parts, std::string_view text, bool trusted, int32_t message = -1);

/// An answer of a model that reasons before it speaks.
struct ReasoningSplit {
    std::string reasoning;  ///< between <think> and </think>, without the blank lines around it; empty: none
    std::string answer;     ///< what follows
    bool open = false;      ///< the reasoning has not ended: </think> is missing
};
/// begunByPrompt: the prompt ends with <think>, as some templates have it, so that the answer begins inside.
ReasoningSplit splitReasoning(std::string_view text, bool begunByPrompt);

/// Does the prompt end with <think> and white space?
bool endsInsideReasoning(std::string_view prompt);

// White space as Python's str.strip() and Jinja's trim know it: what Unicode calls white space, and the ASCII
// separators.
std::string_view stripStart(std::string_view text);
std::string_view stripEnd(std::string_view text);
inline std::string_view strip(std::string_view text) { return stripEnd(stripStart(text)); }

}  // namespace spanscope
