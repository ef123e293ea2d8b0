// Conversations on the engine's thread. The worker keeps one, with the keys and values of its turns, as long as the
// cache has room for it; the window has the turns, so that it can be made anew at any time.
#include "app/runner/engine_worker.h"

#include "ui/model/error_info.h"

namespace spanscope {

namespace {

QString toQt(const std::string& s) { return QString::fromStdString(s); }

/// Tokens up to the one that ends the reasoning.
int reasoningTokens(const ChatTurn& turn) {
    if (turn.parts.reasoning.empty()) return 0;
    std::string text;
    int n = 0;
    for (const StepRecord& step : turn.run->steps) {
        const size_t before = text.size();
        text += step.token.text;
        ++n;
        if (text.find("</think>", before < 8 ? 0 : before - 8) != std::string::npos) break;
    }
    return n;
}

ChatTurnInfo toInfo(const ChatTurn& turn) {
    ChatTurnInfo info;
    info.isQuestion = turn.role == ChatRole::User;
    info.parent = turn.parent;
    info.text = toQt(turn.text);
    if (info.isQuestion || !turn.run) return info;
    const RunData& run = *turn.run;
    info.reasoning = toQt(turn.parts.reasoning);
    info.said = toQt(turn.parts.answer);
    info.reasoningOpen = turn.parts.open;
    info.nReasoningTokens = reasoningTokens(turn);
    info.runId = run.header.runId;
    info.keptTokens = run.stats.keptTokens;
    info.readTokens = run.stats.promptTokens - run.stats.keptTokens;
    info.nTokens = run.stats.responseTokens;
    info.tokensPerS = run.stats.decodeTokensPerS();
    info.stop = run.stats.stop;
    info.modelName = toQt(run.header.modelName);
    info.modelHash = toQt(run.header.modelHash);
    info.attention = toQt(run.header.settings.attention.text());
    info.ids = std::make_shared<const std::vector<int32_t>>(turn.ids);
    return info;
}

/// modelHash: tokens of another model mean nothing to this one.
ChatTurn toTurn(const ChatTurnInfo& info, const std::string& modelHash) {
    ChatTurn turn;
    turn.role = info.isQuestion ? ChatRole::User : ChatRole::Assistant;
    turn.parent = info.parent;
    turn.text = info.text.toStdString();
    turn.parts = {info.reasoning.toStdString(), info.said.toStdString(), info.reasoningOpen};
    if (info.ids && info.modelHash.toStdString() == modelHash) turn.ids = *info.ids;
    return turn;
}

}  // namespace

Status EngineWorker::continueConversation(const ChatRequest& request) {
    if (m_conversation && m_conversation->answering() == nullptr && m_conversationId == request.conversation &&
        m_conversation->turns().size() == static_cast<size_t>(request.turns.size())) {
        if (Status ok = m_conversation->setSettings(request.settings); !ok) return ok;
        return m_conversation->select(request.tip);
    }
    m_conversation.reset();
    auto made = Conversation::create(m_model, *m_backend, request.settings);
    if (!made) return made.error();
    std::vector<ChatTurn> turns;
    turns.reserve(static_cast<size_t>(request.turns.size()));
    for (const ChatTurnInfo& info : request.turns) turns.push_back(toTurn(info, m_model->hash()));
    m_turnsTold = turns.size();
    if (Status ok = (*made)->restore(std::move(turns), request.tip); !ok) return ok;
    m_conversation = std::move(*made);
    m_conversationId = request.conversation;
    return {};
}

void EngineWorker::chat(ChatRequest request, const std::shared_ptr<RunControl>& control) {
    const auto fail = [&](const Error& error) {
        emit failed(request.runId, toErrorInfo("The message could not be sent", error));
        emit idle();
    };
    if (!m_backend) return fail({ErrorCode::NotFound, "no model is loaded; open one with File, Open model"});
    m_inspector.reset();
    request.settings.contextTokens = m_contextTokens;
    if (Status ok = continueConversation(request); !ok) return fail(ok.error());
    const std::string& text = request.settings.promptText;
    Result<Session*> session = Error{};
    switch (request.kind) {
        case ChatRequest::Kind::Ask: session = m_conversation->ask(text, request.runId); break;
        case ChatRequest::Kind::Again: session = m_conversation->regenerate(request.runId); break;
        case ChatRequest::Kind::Edit: session = m_conversation->edit(request.question, text, request.runId); break;
    }
    if (!session) return fail(session.error());
    const bool again = request.kind == ChatRequest::Kind::Again;
    const auto nTurns = static_cast<int32_t>(m_conversation->turns().size());
    tellTurns(request.runId, again ? questionBefore(request.tip) : nTurns - 1);
    std::vector<Live> live(1);
    live[0].session = *session;
    live[0].runId = request.runId;
    live[0].nSegments = (*session)->data().segments.size();
    beginRuns(live);
    runSessions(live, control->stop);
    (void)m_conversation->endAnswer();  // an answer is being written: it cannot fail
    const int32_t tip = m_conversation->tip();
    if (const auto others = m_conversation->children(tip); tip >= 0 && !others.empty())
        (void)m_conversation->select(others.back());  // it wrote nothing, but earlier ones did
    tellTurns(0, m_conversation->tip());
    emit idle();
}

int32_t EngineWorker::questionBefore(int32_t turn) const {
    const ChatTurn& t = m_conversation->turns()[static_cast<size_t>(turn)];
    return t.role == ChatRole::User ? turn : t.parent;
}

void EngineWorker::tellTurns(int64_t writing, int32_t tip) {
    ChatUpdate update;
    update.conversation = m_conversationId;
    update.writing = writing;
    update.first = static_cast<int>(m_turnsTold);
    update.tip = tip;
    for (; m_turnsTold < m_conversation->turns().size(); ++m_turnsTold)
        update.turns << toInfo(m_conversation->turns()[m_turnsTold]);
    emit chatChanged(update);
}

}  // namespace spanscope
