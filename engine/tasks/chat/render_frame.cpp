#include <array>

#include "engine/tasks/chat/known_templates.h"

namespace spanscope {

namespace {

constexpr std::string_view kThink = "<think>", kThinkEnd = "</think>";
constexpr std::string_view kToolBegin = "<tool_response>", kToolEnd = "</tool_response>";

std::string dateOf(std::time_t now) {
    constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm local{};
    localtime_r(&now, &local);
    const std::string day = std::to_string(local.tm_mday);
    return (day.size() < 2 ? "0" : "") + day + " " + kMonths[static_cast<size_t>(local.tm_mon)] + " " +
           std::to_string(local.tm_year + 1900);
}

std::string_view withoutLineEnds(std::string_view text, bool atStart, bool atEnd) {
    while (atStart && text.starts_with('\n')) text.remove_prefix(1);
    while (atEnd && text.ends_with('\n')) text.remove_suffix(1);
    return text;
}

class FrameRenderer {
  public:
    FrameRenderer(const ChatFrame& frame, const ChatTokens& tokens, std::span<const ChatMessage> messages)
        : m_frame(frame), m_tokens(tokens), m_messages(messages) {
        m_hasSystem = !messages.empty() && messages[0].role == ChatRole::System;
        m_first = m_hasSystem ? 1 : 0;
        m_lastQuestion = lastQuestion();
    }

    RenderedChat render() {
        addTemplate(m_frame.begin);
        if (!m_hasSystem) addTemplate(m_frame.withoutSystem);
        if (m_hasSystem && m_frame.place == SystemPlace::OwnTurn) addSystem();
        for (size_t i = m_first; i < m_messages.size(); ++i) {
            if (m_messages[i].role == ChatRole::User) addQuestion(i);
            else addAnswer(i);
        }
        const bool without = m_tokens.thinking == false && !m_frame.askWithoutThinking.empty();
        addTemplate(without ? m_frame.askWithoutThinking : m_frame.ask);
        return std::move(m_parts);
    }

  private:
    void addTemplate(std::string_view text) {
        while (!text.empty()) {
            const size_t brace = text.find('{');
            addPart(m_parts, text.substr(0, brace), true);
            if (brace == std::string_view::npos) return;
            text.remove_prefix(brace);
            const auto replaced = [&](std::string_view name, std::string_view by) {
                if (!text.starts_with(name)) return false;
                addPart(m_parts, by, true);
                text.remove_prefix(name.size());
                return true;
            };
            if (replaced("{bos}", m_tokens.bos) || replaced("{eos}", m_tokens.eos) ||
                replaced("{date}", dateOf(m_tokens.now)))
                continue;
            addPart(m_parts, text.substr(0, 1), true);
            text.remove_prefix(1);
        }
    }
    void addMessage(size_t i, std::string_view text) {
        const bool whole = text.size() == m_messages[i].text.size();
        addPart(m_parts, text, false, whole ? static_cast<int32_t>(i) : -1);
    }
    void addSystem() {
        const std::string_view text = m_messages[0].text;
        addTemplate(m_frame.system);
        addMessage(0, m_frame.trimSystem ? strip(text) : text);
        addTemplate(m_frame.systemEnd);
    }
    void addQuestion(size_t i) {
        addTemplate(m_frame.user);
        const bool first = i == m_first, last = i + 1 == m_messages.size();
        const bool system = m_hasSystem && ((first && m_frame.place == SystemPlace::FirstUser) ||
                                            (last && m_frame.place == SystemPlace::LastUser));
        if (system) addSystem();
        const std::string_view text = m_messages[i].text;
        if (!m_frame.trimUser) addMessage(i, text);
        else addMessage(i, system && m_frame.trimsTogether ? stripEnd(text) : strip(text));
        addTemplate(m_frame.userEnd);
    }
    void addAnswer(size_t i) {
        const std::string_view text = m_messages[i].text;
        addTemplate(m_frame.answer);
        const size_t end = m_frame.reasoning == OldReasoning::Kept ? std::string_view::npos : text.rfind(kThinkEnd);
        if (end == std::string_view::npos && m_frame.reasoning == OldReasoning::DroppedLines)
            addMessage(i, withoutLineEnds(text, true, false));
        else if (end == std::string_view::npos) addMessage(i, m_frame.trimAnswer ? strip(text) : text);
        else addReasoned(i, text, end);
        addTemplate(m_frame.answerEnd);
    }
    /// end: where the last </think> begins.
    void addReasoned(size_t i, std::string_view text, size_t end) {
        std::string_view said = text.substr(end + kThinkEnd.size());
        if (m_frame.reasoning != OldReasoning::Dropped) said = withoutLineEnds(said, true, false);
        if (m_frame.reasoning == OldReasoning::Qwen3 && i > m_lastQuestion) {
            std::string_view thought = withoutLineEnds(text.substr(0, text.find(kThinkEnd)), false, true);
            if (const size_t begin = thought.rfind(kThink); begin != std::string_view::npos)
                thought.remove_prefix(begin + kThink.size());
            thought = withoutLineEnds(thought, true, false);
            if (!thought.empty()) {
                addTemplate("<think>\n");
                addMessage(i, withoutLineEnds(thought, false, true));
                addTemplate("\n</think>\n\n");
            }
        }
        addMessage(i, said);
    }
    size_t lastQuestion() const {
        for (size_t i = m_messages.size(); i-- > 0;) {
            const ChatMessage& m = m_messages[i];
            if (m.role == ChatRole::User && !(m.text.starts_with(kToolBegin) && m.text.ends_with(kToolEnd))) return i;
        }
        return m_messages.size();
    }

    const ChatFrame& m_frame;
    const ChatTokens& m_tokens;
    std::span<const ChatMessage> m_messages;
    bool m_hasSystem = false;
    size_t m_first = 0, m_lastQuestion = 0;
    RenderedChat m_parts;
};

}  // namespace

Result<RenderedChat> renderFrame(const ChatFrame& frame, const ChatTokens& tokens,
                                 std::span<const ChatMessage> messages) {
    if (frame.place == SystemPlace::Nowhere && !messages.empty() && messages[0].role == ChatRole::System)
        return invalidArgument("this model's chat template has no place for a system text", {}, "none");
    return FrameRenderer(frame, tokens, messages).render();
}

}  // namespace spanscope
