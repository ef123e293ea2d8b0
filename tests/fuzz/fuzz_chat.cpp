// How a chat's own text is told from the messages': by the renderer of known templates, and in what an interpreter made
// of an unknown one. Input: fields with a byte 0xFF between them, first a template, then the messages. The template's
// text gets capital letters and the messages' gets small ones, so that every letter says where it came from.
#include <algorithm>
#include <string>
#include <vector>

#include "engine/files/utf8.h"
#include "engine/tasks/chat/known_templates.h"
#include "engine/tasks/chat/placeholders.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

namespace {

bool isCapital(char c) { return c >= 'A' && c <= 'Z'; }
bool isSmall(char c) { return c >= 'a' && c <= 'z'; }

std::vector<std::string> fieldsOf(const uint8_t* data, size_t size) {
    constexpr size_t kMost = 12;
    std::vector<std::string> fields(1);
    for (size_t i = 0; i < size; ++i) {
        if (data[i] == 0xFF && fields.size() == kMost) break;
        if (data[i] == 0xFF) fields.emplace_back();
        else fields.back() += static_cast<char>(data[i]);
    }
    return fields;
}

/// Tags of reasoning count as neither's.
void checkLetters(const RenderedChat& parts, std::span<const ChatMessage> messages) {
    for (const ChatPart& part : parts) {
        fuzz::require(!part.text.empty());
        if (part.message >= 0) {
            fuzz::require(!part.trusted && static_cast<size_t>(part.message) < messages.size());
            fuzz::require(part.text == messages[static_cast<size_t>(part.message)].text);
        }
        std::string_view rest = part.text;
        while (!rest.empty()) {
            const auto tag = [&](std::string_view name) {
                if (!rest.starts_with(name)) return false;
                rest.remove_prefix(name.size());
                return true;
            };
            if (tag("<think>") || tag("</think>")) continue;
            fuzz::require(part.trusted ? !isSmall(rest[0]) : !isCapital(rest[0]));
            rest.remove_prefix(1);
        }
    }
}

/// A template as the interpreter would run it. Digits 0 to 7 stand for a message as it is, 8 and 9 for what follows
/// them: a message trimmed, and one without what stands before its last </think>.
std::string rendered(std::string_view text, const std::vector<ChatMessage>& messages) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] < '0' || text[i] > '9') {
            out += text[i];
            continue;
        }
        const char how = text[i];
        if (how >= '8' && ++i == text.size()) break;
        const auto number = static_cast<size_t>(static_cast<unsigned char>(text[i]) % 8);
        if (number >= messages.size()) continue;
        std::string_view message = messages[number].text;
        if (how == '8') message = strip(message);
        if (const size_t end = message.rfind("</think>"); how == '9' && end != std::string_view::npos)
            message.remove_prefix(end + 8);
        out += message;
    }
    return out;
}

/// Bits of the first bytes choose what the renderer of known templates does; its texts are those of the field.
void checkFrame(std::string_view text, std::span<const ChatMessage> messages) {
    const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    ChatFrame frame;
    const std::string_view bos = "{bos}";
    std::string_view* const texts[] = {
        &frame.begin,   &frame.system, &frame.systemEnd, &frame.withoutSystem, &frame.user,
        &frame.userEnd, &frame.answer, &frame.answerEnd, &frame.ask,           &frame.askWithoutThinking};
    for (size_t i = 0; i < std::size(texts); ++i)
        *texts[i] = byte(i) % 5 == 0 ? bos : text.substr(std::min(i, text.size()), byte(i) % 7);
    frame.place = static_cast<SystemPlace>(byte(0) % 4);
    frame.reasoning = static_cast<OldReasoning>(byte(1) % 4);
    frame.trimSystem = byte(2) & 1;
    frame.trimUser = byte(2) & 2;
    frame.trimAnswer = byte(2) & 4;
    frame.trimsTogether = byte(2) & 8;
    std::optional<bool> thinking;
    if (byte(3) % 3 > 0) thinking = byte(3) % 3 == 1;
    const auto parts = renderFrame(frame, {"<S>", "</S>", 0, thinking}, messages);
    if (!parts) return fuzz::checkError(parts.error());
    checkLetters(*parts, messages);
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::vector<std::string> fields = fieldsOf(data, size);
    if (std::any_of(fields.begin(), fields.end(),
                    [](const std::string& field) { return firstBadUtf8(field) != std::string::npos; }))
        return 0;
    std::string text = std::move(fields[0]);
    for (char& c : text) c = isSmall(c) ? static_cast<char>(c - 'a' + 'A') : c;
    std::vector<ChatMessage> messages;
    const size_t first = text.size() % 2;  // of the turns: a system text may stand before them
    for (size_t i = 1; i < fields.size(); ++i) {
        for (char& c : fields[i]) c = isCapital(c) ? static_cast<char>(c - 'A' + 'a') : c;
        const size_t at = i - 1;
        const ChatRole role = at < first              ? ChatRole::System
                              : (at - first) % 2 == 0 ? ChatRole::User
                                                      : ChatRole::Assistant;
        if (role != ChatRole::Assistant && strip(fields[i]).empty()) return 0;  // ChatFormat refuses it
        messages.push_back({role, std::move(fields[i]), {}});
        const ReasoningSplit split = splitReasoning(messages.back().text, i % 2 == 0);
        fuzz::require(split.reasoning.size() + split.answer.size() <= messages.back().text.size());
    }
    checkFrame(text, messages);

    const Placeholders placeholders(messages, text);
    fuzz::require(placeholders.marked().size() == messages.size());
    const std::string whole = rendered(text, messages);
    const auto parts = placeholders.cut(whole, rendered(text, placeholders.marked()));
    if (!parts) {
        fuzz::checkError(parts.error());
        return 0;
    }
    fuzz::require(joined(*parts) == whole);
    checkLetters(*parts, messages);
    return 0;
}
