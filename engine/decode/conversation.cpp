#include "engine/decode/conversation.h"

#include <algorithm>

#include "engine/decode/prompt.h"

namespace spanscope {

Result<std::unique_ptr<Conversation>> Conversation::create(std::shared_ptr<const Model> model, Backend& backend,
                                                           const RunSettings& settings) {
    auto format = ChatFormat::of(*model);
    if (!format) return format.error();
    OpenSequence sequence;
    sequence.capacity =
        settings.contextTokens > 0 ? settings.contextTokens : std::max(1, model->weights().shape.maxSeqLen);
    const auto made = backend.createSequence(sequence.capacity);
    if (!made) return made.error();
    sequence.id = *made;
    return std::unique_ptr<Conversation>(
        new Conversation(std::move(model), backend, settings, std::move(*format), std::move(sequence)));
}

Conversation::Conversation(std::shared_ptr<const Model> model, Backend& backend, const RunSettings& settings,
                           std::shared_ptr<const ChatFormat> format, OpenSequence sequence)
    : m_model(std::move(model)),
      m_backend(backend),
      m_settings(settings),
      m_format(std::move(format)),
      m_sequence(std::move(sequence)) {}

Conversation::~Conversation() {
    m_session.reset();
    m_backend.freeSequence(m_sequence.id);
}

Status Conversation::setSettings(const RunSettings& settings) {
    if (m_session) return invalidArgument("an answer is being written");
    m_settings = settings;
    return {};
}

std::vector<int32_t> Conversation::path(int32_t turn) const {
    std::vector<int32_t> list;
    for (; turn >= 0; turn = m_turns[static_cast<size_t>(turn)].parent) list.push_back(turn);
    std::reverse(list.begin(), list.end());
    return list;
}

std::vector<int32_t> Conversation::children(int32_t parent) const {
    std::vector<int32_t> list;
    for (size_t i = 0; i < m_turns.size(); ++i)
        if (m_turns[i].parent == parent) list.push_back(static_cast<int32_t>(i));
    return list;
}

Status Conversation::select(int32_t turn) {
    if (m_session) return invalidArgument("an answer is being written");
    if (turn < -1 || turn >= static_cast<int32_t>(m_turns.size()))
        return invalidArgument("there is no such turn", std::to_string(turn));
    if (turn >= 0 && m_turns[static_cast<size_t>(turn)].role != ChatRole::Assistant && !children(turn).empty())
        return invalidArgument("a question is continued by its answers", std::to_string(turn), "an answer");
    m_tip = turn;
    return {};
}

Status Conversation::restore(std::vector<ChatTurn> turns, int32_t tip) {
    if (m_session) return invalidArgument("an answer is being written");
    for (size_t i = 0; i < turns.size(); ++i) {
        const ChatTurn& turn = turns[i];
        const std::string place = "turn " + std::to_string(i);
        if (turn.parent < -1 || turn.parent >= static_cast<int32_t>(i))
            return invalidArgument(place + " does not come after its parent", std::to_string(turn.parent));
        const bool afterAnswer = turn.parent < 0 || turns[static_cast<size_t>(turn.parent)].role == ChatRole::Assistant;
        if (turn.role != (afterAnswer ? ChatRole::User : ChatRole::Assistant))
            return invalidArgument(place + ": questions and answers take turns", chatRoleName(turn.role));
    }
    m_turns.swap(turns);
    const int32_t before = m_tip;
    if (Status ok = select(tip); !ok) {
        m_turns.swap(turns);
        m_tip = before;
        return ok;
    }
    m_sequence.stored = {};
    return {};
}

Result<Session*> Conversation::ask(const std::string& text, int64_t runId) {
    const bool open = m_tip >= 0 && m_turns[static_cast<size_t>(m_tip)].role == ChatRole::User;
    return begin(open ? m_turns[static_cast<size_t>(m_tip)].parent : m_tip, &text, runId);
}

Result<Session*> Conversation::regenerate(int64_t runId) {
    if (m_tip < 0) return invalidArgument("there is no question to answer");
    const ChatTurn& turn = m_turns[static_cast<size_t>(m_tip)];
    return begin(turn.role == ChatRole::User ? m_tip : turn.parent, nullptr, runId);
}

Result<Session*> Conversation::edit(int32_t question, const std::string& text, int64_t runId) {
    const bool exists = question >= 0 && question < static_cast<int32_t>(m_turns.size());
    if (!exists || m_turns[static_cast<size_t>(question)].role != ChatRole::User)
        return invalidArgument("there is no such question", std::to_string(question));
    return begin(m_turns[static_cast<size_t>(question)].parent, &text, runId);
}

std::vector<ChatMessage> Conversation::messagesTo(int32_t turn) const {
    std::vector<ChatMessage> messages;
    if (!m_settings.systemText.empty()) messages.push_back({ChatRole::System, m_settings.systemText, {}});
    for (const int32_t i : path(turn)) {
        const ChatTurn& t = m_turns[static_cast<size_t>(i)];
        messages.push_back({t.role, t.text, t.ids});
    }
    return messages;
}

/// question: asked behind the turn `parent`; nullptr: `parent` is the question.
Result<Session*> Conversation::begin(int32_t parent, const std::string* question, int64_t runId) {
    if (m_session) return invalidArgument("an answer is being written");
    std::vector<ChatMessage> messages = messagesTo(parent);
    if (question != nullptr) messages.push_back({ChatRole::User, *question, {}});
    auto prompt = prepareChat(*m_format, messages, m_settings.thinking);
    if (!prompt) return prompt.error();
    RunSettings settings = m_settings;
    settings.promptText = messages.back().text;
    settings.promptIds.clear();
    settings.contextTokens = m_sequence.capacity;
    if (question == nullptr) settings.sampler.seed += children(parent).size();
    if (m_storedUnder != settings.attention) m_sequence.stored = {};
    auto session = Session::resume(m_model, m_backend, settings, std::move(*prompt), m_sequence, runId);
    if (!session) return session.error();
    m_storedUnder = settings.attention;
    m_question = parent;
    if (question != nullptr) {
        m_question = static_cast<int32_t>(m_turns.size());
        m_turns.push_back({ChatRole::User, parent, *question, {}, {}, nullptr});
    }
    m_session = std::move(*session);
    return m_session.get();
}

/// After a failure nobody knows what the sequence holds.
void Conversation::rememberStored(const RunData& run) {
    StoredTokens& stored = m_sequence.stored;
    stored = {};
    if (run.stats.stop == StopReason::Failed) return m_backend.truncate(m_sequence.id, 0);
    for (const TokenInfo& token : run.header.prompt) stored.ids.push_back(token.id);
    stored.visible = run.header.promptVisible;
    for (const StepRecord& step : run.steps) {
        stored.ids.push_back(step.token.id);
        stored.visible.push_back(step.visible);
    }
    const auto nHeld = static_cast<size_t>(std::max(0, m_backend.storedTokens(m_sequence.id)));
    stored.ids.resize(std::min(stored.ids.size(), nHeld));
    stored.visible.resize(stored.ids.size());
}

Result<int32_t> Conversation::endAnswer() {
    if (!m_session) return invalidArgument("no answer is being written");
    m_session->finish(StopReason::Cancelled);
    auto run = std::make_shared<RunData>(m_session->takeData());
    m_session.reset();
    run->steps.shrink_to_fit();  // room was made for as many as the context can hold
    rememberStored(*run);
    m_tip = m_question;
    if (run->steps.empty()) return -1;
    std::vector<int32_t> ids;
    for (const StepRecord& step : run->steps) ids.push_back(step.token.id);
    std::string text = m_model->tokenizer().decode(ids);
    ReasoningSplit parts = splitReasoning(text, endsInsideReasoning(run->header.formattedPrompt));
    run->answer = parts.answer;
    m_turns.push_back(
        {ChatRole::Assistant, m_question, std::move(text), std::move(parts), std::move(ids), std::move(run)});
    m_tip = static_cast<int32_t>(m_turns.size()) - 1;
    return m_tip;
}

}  // namespace spanscope
