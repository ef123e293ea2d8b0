#include "ui/model/chat_file.h"

#include <nlohmann/json.hpp>

#include <QFile>
#include <QFileInfo>
#include <algorithm>
#include <limits>

#include "engine/files/file_error.h"
#include "engine/files/json_fields.h"
#include "engine/files/json_read.h"
#include "engine/types/json_version.h"

namespace spanscope {

namespace {

using nlohmann::json;
using OutJson = nlohmann::ordered_json;

constexpr size_t kMostValues = 2'000'000;  // of which one takes some 100 bytes
constexpr int32_t kMost = std::numeric_limits<int32_t>::max();

QString toQt(const std::string& s) { return QString::fromStdString(s); }

OutJson runJson(const ChatTurnInfo& answer, bool withTokens) {
    OutJson run{{"model", answer.modelName.toStdString()},
                {"model_hash", answer.modelHash.toStdString()},
                {"attention", answer.attention.toStdString()}};
    if (withTokens && answer.ids) run["tokens"] = *answer.ids;
    run["prompt_n"] = answer.readTokens;
    run["cache_n"] = answer.keptTokens;
    run["predicted_n"] = answer.nTokens;
    run["predicted_per_second"] = answer.tokensPerS;
    run["reasoning_n"] = answer.nReasoningTokens;
    run["stop_reason"] = stopReasonName(answer.stop);
    return run;
}

OutJson turnJson(const ChatTurnInfo& turn, bool withTokens) {
    OutJson object{
        {"role", turn.isQuestion ? "user" : "assistant"}, {"parent", turn.parent}, {"text", turn.text.toStdString()}};
    if (turn.isQuestion) return object;
    object["reasoning"] = turn.reasoning.toStdString();
    object["answer"] = turn.said.toStdString();
    object["run"] = runJson(turn, withTokens);
    return object;
}

StopReason stopReasonOf(const std::string& name) {
    for (int i = 0; i <= static_cast<int>(StopReason::Failed); ++i)
        if (name == stopReasonName(static_cast<StopReason>(i))) return static_cast<StopReason>(i);
    return StopReason::EndOfText;
}

/// Of one file.
class Reader {
  public:
    Reader(const json& root, std::string path) : m_root(root), m_path(std::move(path)) {}

    Result<ChatFile> read() {
        JsonFields top(m_root, m_path);
        (void)top.int32("version", kJsonVersion, kJsonVersion);
        m_model = top.string("model", "");
        m_modelHash = top.string("model_hash", "");
        m_chat.systemText = toQt(top.string("system", ""));
        if (!top.ok()) return top.error();
        const json* turns = top.find("turns");
        if (turns == nullptr || !turns->is_array())
            return wrong("turns", turns ? describeJson(*turns) : "nothing", "a list");
        if (turns->size() > static_cast<size_t>(kMostChatTurns))
            return wrong("turns", std::to_string(turns->size()), "at most " + std::to_string(kMostChatTurns));
        for (const json& turn : *turns)
            if (auto ok = add(turn); !ok) return ok.error();
        m_chat.tip = top.int32("tip", -1, static_cast<int32_t>(m_chat.turns.size()) - 1);
        if (!top.ok()) return top.error();
        return std::move(m_chat);
    }

  private:
    Error wrong(const std::string& field, std::string_view found, std::string_view expected) const {
        return fileError(ErrorCode::Format, "this is no conversation", m_path, field, found, expected);
    }

    Status add(const json& object) {
        const auto index = static_cast<int>(m_chat.turns.size());
        const std::string place = "turns[" + std::to_string(index) + "]";
        if (!object.is_object()) return wrong(place, describeJson(object), "an object");
        JsonFields f(object, m_path, place + ".");
        ChatTurnInfo turn;
        const std::string role = f.string("role");
        turn.isQuestion = role == "user";
        turn.parent = f.int32("parent", -1, index - 1);
        turn.text = toQt(f.string("text"));
        if (!f.ok()) return f.error();
        const bool question = turn.parent < 0 || !m_chat.turns[turn.parent].isQuestion;
        const char* expected = question ? "user" : "assistant";
        if (role != expected) return wrong(place + ".role", role, expected);
        if (!turn.isQuestion) {
            const bool begun = !f.string("reasoning", "").empty() && f.string("answer", "").empty();
            splitReasoning(turn, begun);
            if (const json* run = f.find("run"))
                if (auto ok = readRun(*run, place + ".run", turn); !ok) return ok;
        }
        if (!f.ok()) return f.error();
        m_chat.turns << turn;
        return {};
    }

    /// By the text alone, so that nothing is shown that the model would not be told. begunInside: with a prompt that
    /// ends with <think>, an answer that was stopped before its end has no mark of it.
    static void splitReasoning(ChatTurnInfo& turn, bool begunInside) {
        const LiveAnswer parts =
            readLiveAnswer(turn.text, begunInside || turn.text.contains(QLatin1String("</think>")));
        turn.said = turn.text.mid(parts.saidFrom);
        if (!parts.reasons) return;
        turn.reasoning = turn.text.mid(parts.reasoningFrom, parts.reasoningEnd - parts.reasoningFrom).trimmed();
        turn.reasoningOpen = parts.open;
    }

    Status readRun(const json& object, const std::string& place, ChatTurnInfo& turn) const {
        if (!object.is_object()) return wrong(place, describeJson(object), "an object");
        JsonFields f(object, m_path, place + ".");
        turn.modelName = toQt(f.string("model", m_model));
        turn.modelHash = toQt(f.string("model_hash", m_modelHash));
        turn.attention = toQt(f.string("attention", ""));
        turn.readTokens = f.int32("prompt_n", 0, kMost, 0);
        turn.keptTokens = f.int32("cache_n", 0, kMost, 0);
        turn.nTokens = f.int32("predicted_n", 0, kMost, 0);
        turn.tokensPerS = f.number("predicted_per_second", 0, 1e9, 0.0);
        turn.nReasoningTokens = f.int32("reasoning_n", 0, kMost, 0);
        turn.stop = stopReasonOf(f.string("stop_reason", ""));
        return f.ok() ? Status() : f.error();
    }

    const json& m_root;
    std::string m_path, m_model, m_modelHash;
    ChatFile m_chat;
};

}  // namespace

std::string chatFileText(const ChatFile& chat, bool withTokens) {
    OutJson turns = OutJson::array();
    const ChatTurnInfo* last = nullptr;
    for (const ChatTurnInfo& turn : chat.turns) {
        turns.push_back(turnJson(turn, withTokens));
        if (!turn.isQuestion) last = &turn;
    }
    const OutJson object{{"version", kJsonVersion},
                         {"model", last ? last->modelName.toStdString() : std::string()},
                         {"model_hash", last ? last->modelHash.toStdString() : std::string()},
                         {"system", chat.systemText.toStdString()},
                         {"turns", std::move(turns)},
                         {"tip", chat.tip}};
    return object.dump(-1, ' ', false, OutJson::error_handler_t::replace) + '\n';
}

ChatFile branchOnShow(const ChatFile& chat) {
    ChatFile branch{{}, -1, chat.systemText};
    for (int turn = chat.tip; turn >= 0; turn = chat.turns[turn].parent) branch.turns << chat.turns[turn];
    std::reverse(branch.turns.begin(), branch.turns.end());
    for (int i = 0; i < branch.turns.size(); ++i) branch.turns[i].parent = i - 1;
    branch.tip = static_cast<int>(branch.turns.size()) - 1;
    return branch;
}

Result<ChatFile> readChatFile(const QString& path, qint64 mostBytes) {
    const std::string name = path.toStdString();
    QFile file(path);
    if (!QFileInfo::exists(path)) return fileError(ErrorCode::NotFound, "there is no such file", name);
    if (!QFileInfo(path).isFile()) return fileError(ErrorCode::Io, "this is no file", name);
    if (!file.open(QIODevice::ReadOnly))
        return fileError(ErrorCode::Io, "cannot be read", name, {}, file.errorString().toStdString());
    const QByteArray bytes = file.read(mostBytes + 1);
    if (file.error() != QFileDevice::NoError)
        return fileError(ErrorCode::Io, "cannot be read", name, {}, file.errorString().toStdString());
    if (bytes.size() > mostBytes)
        return fileError(ErrorCode::Format, "the conversation is too long", name, {}, {},
                         "at most " + std::to_string(mostBytes) + " bytes");
    JsonProblem problem;
    const auto root = readJson({bytes.constData(), static_cast<size_t>(bytes.size())}, problem,
                               {.maxDepth = 8, .maxValues = kMostValues});
    if (!root)
        return fileError(ErrorCode::Format, "this is no JSON: " + problem.message, name,
                         "byte " + std::to_string(problem.byte), problem.key);
    if (!root->is_object())
        return fileError(ErrorCode::Format, "this is no conversation", name, {}, describeJson(*root), "an object");
    return Reader(*root, name).read();
}

}  // namespace spanscope
