// chat: questions on standard input, one a line; answers on standard output. Keys and values stay between the answers.
#include <unistd.h>

#include <iostream>
#include <mutex>
#include <random>

#include "app/cli/model_setup.h"
#include "app/cli/run_json.h"
#include "app/cli/stop_signal.h"
#include "app/cli/terminal.h"
#include "app/cli/verbs.h"
#include "engine/decode/conversation.h"
#include "engine/decode/prompt.h"
#include "engine/trace/trace.h"
#include "engine/types/sampler_settings.h"

namespace spanscope::cli {

namespace {

constexpr size_t kMostLineBytes = size_t{64} << 20;

constexpr const char* kCommands =
    "/again answers the last question again, /edit TEXT asks another one in its place, /back goes back before it, "
    "/quit "
    "ends; a question that begins with / is written with //";

enum class Outcome { GoOn, Failed, Ended };

/// One chat from the first question to the end of the input.
class Chat {
  public:
    Chat(const ChatOptions& options, const Log& log, OpenedModel opened)
        : m_options(options), m_log(log), m_opened(std::move(opened)) {}

    Status start();
    int talk();

  private:
    nlohmann::ordered_json turnJson(const ChatTurn& turn) const;
    nlohmann::ordered_json resultJson() const;
    Outcome take(const std::string& line);
    Outcome begin(Result<Session*> session);
    Outcome write(Session& session);
    Outcome fail(const Error& error);
    int32_t lastQuestion() const;
    const Model& model() const { return *m_opened.model; }

    const ChatOptions& m_options;
    const Log& m_log;
    OpenedModel m_opened;
    std::unique_ptr<Backend> m_backend;
    std::unique_ptr<Conversation> m_chat;
    std::unique_ptr<TraceWriter> m_trace;
    std::mutex m_turnsMutex;  ///< of the tree: the last words of a stopped chat are said by another thread
    int64_t m_nRuns = 0;
    Error m_failure;
    int m_exitCode = kOk;
};

Status Chat::start() {
    RunSettings s;
    s.task = "chat";
    s.systemText = m_options.system;
    s.thinking = m_options.thinking;
    if (auto ok = checkThinking(s.thinking, model()); !ok) return ok;
    s.attention = m_options.attention.front();
    s.maxTokens = m_options.maxTokens;
    s.contextTokens = m_options.model.contextTokens;
    s.sampler = m_options.sampler;
    s.sampler.seed = m_options.seed < 0 ? std::random_device{}() : static_cast<uint64_t>(m_options.seed);
    RunSettings whole = s;
    whole.maxTokens = -1;
    const int32_t context = neededTokens(model(), whole, 0);
    const KvDemand demand{(context + kPageTokens - 1) / kPageTokens * kPageTokens, 1, "-c", "", 0};
    if (auto ok = checkMemory(m_options.model, model(), demand, m_log); !ok) return ok;
    auto backend =
        makeBackendFor(model().weights(), m_options.model, {demand.kvTokens(), 1, m_options.model.nThreads}, m_log);
    if (!backend) return backend.error();
    m_backend = std::move(*backend);
    auto chat = Conversation::create(m_opened.model, *m_backend, s);
    if (!chat) return chat.error();
    m_chat = std::move(*chat);
    if (m_options.traceFile.empty()) return {};
    auto trace = TraceWriter::create(m_options.traceFile);
    if (!trace) return trace.error();
    m_trace = std::move(*trace);
    return {};
}

nlohmann::ordered_json Chat::turnJson(const ChatTurn& turn) const {
    nlohmann::ordered_json object{{"role", chatRoleName(turn.role)}, {"parent", turn.parent}, {"text", turn.text}};
    if (!turn.run) return object;
    object["reasoning"] = turn.parts.reasoning;
    object["answer"] = turn.parts.answer;
    object["run"] = runJson(*turn.run, model(), m_opened.loadNs);
    return object;
}

nlohmann::ordered_json Chat::resultJson() const {
    nlohmann::ordered_json turns = nlohmann::ordered_json::array();
    for (const ChatTurn& turn : m_chat->turns()) turns.push_back(turnJson(turn));
    nlohmann::ordered_json object{{"version", kJsonVersion},      {"model", model().name()},
                                  {"model_hash", model().hash()}, {"system", m_options.system},
                                  {"turns", std::move(turns)},    {"tip", m_chat->tip()}};
    if (m_options.thinking) object["thinking"] = *m_options.thinking;
    if (m_exitCode != kOk) object["error"] = m_failure.toString();
    return object;
}

Outcome Chat::fail(const Error& error) {
    m_log.error(error.toString());
    if (isatty(STDIN_FILENO) != 0 && error.code == ErrorCode::InvalidArgument)
        return Outcome::GoOn;  // another question
    m_failure = error;
    m_exitCode = exitCodeOf(error);
    return Outcome::Failed;
}

int32_t Chat::lastQuestion() const {
    const int32_t tip = m_chat->tip();
    if (tip < 0) return -1;
    const ChatTurn& turn = m_chat->turns()[static_cast<size_t>(tip)];
    return turn.role == ChatRole::User ? tip : turn.parent;
}

Outcome Chat::take(const std::string& line) {
    const auto changing = [this](const auto& change) {
        const std::lock_guard lock(m_turnsMutex);
        return change();
    };
    const int64_t run = ++m_nRuns;
    if (!line.starts_with('/')) return begin(changing([&] { return m_chat->ask(line, run); }));
    if (line.starts_with("//")) return begin(changing([&] { return m_chat->ask(line.substr(1), run); }));
    if (line == "/quit") return Outcome::Ended;
    if (line == "/again") return begin(changing([&] { return m_chat->regenerate(run); }));
    if (line.starts_with("/edit "))
        return begin(changing([&] { return m_chat->edit(lastQuestion(), line.substr(6), run); }));
    if (line == "/back") {
        const int32_t question = lastQuestion();
        const Status ok = changing([&] {
            return question < 0 ? Status(invalidArgument("there is no question to go back before"))
                                : m_chat->select(m_chat->turns()[static_cast<size_t>(question)].parent);
        });
        return ok ? Outcome::GoOn : fail(ok.error());
    }
    return fail(invalidArgument("no such command; " + std::string(kCommands), line));
}

Outcome Chat::begin(Result<Session*> session) {
    if (!session) return fail(session.error());
    const Outcome outcome = write(**session);
    const auto turn = [this] {
        const std::lock_guard lock(m_turnsMutex);
        return m_chat->endAnswer();
    }();
    if (turn && *turn >= 0) {
        const RunData& run = *m_chat->turns()[static_cast<size_t>(*turn)].run;
        m_log.info("kept " + std::to_string(run.stats.keptTokens) + " tokens, read " +
                   std::to_string(run.stats.promptTokens - run.stats.keptTokens) + "; " + runSummary(run));
    }
    return outcome;
}

/// The answer, to its end or until a signal.
Outcome Chat::write(Session& session) {
    StreamedText stream;
    const auto record = [&]() -> Status { return m_trace ? m_trace->append(session.data()) : Status(); };
    Status ok = session.prefill(&stopFlag(), {});
    if (ok) ok = record();
    while (ok && !session.finished() && !stopRequested()) {
        const auto more = session.step();
        if (!more) ok = more.error();
        else ok = record();
        const auto& steps = session.data().steps;
        if (m_options.json || !ok || steps.empty()) continue;
        if (!stream.write(steps.back().token.text)) ok = Error{ErrorCode::Io, "cannot be written", "stdout"};
    }
    if (stopRequested()) session.finish(StopReason::Cancelled);
    else session.finish(ok ? StopReason::EndOfText : StopReason::Failed);
    if (!m_options.json) {
        stream.finish();
        std::fflush(stdout);
    }
    if (m_trace) {
        RunData last = session.data();
        last.stats.loadNs = m_opened.loadNs;
        if (auto ended = m_trace->end(last); !ended && ok) ok = ended;
    }
    if (stopRequested()) {
        m_failure = {ErrorCode::Cancelled, "stopped"};
        m_exitCode = kCancelled;
        return Outcome::Ended;
    }
    return ok ? Outcome::GoOn : fail(ok.error());
}

int Chat::talk() {
    const bool person = isatty(STDIN_FILENO) != 0;
    if (person) m_log.info(kCommands);
    StopsInOrder stops([this] {
        const std::unique_lock lock(m_turnsMutex, std::try_to_lock);
        m_exitCode = kCancelled;
        m_failure = {ErrorCode::Cancelled, "stopped"};
        if (lock && m_options.json) printJson(resultJson());
    });
    std::string line;
    for (Outcome outcome = Outcome::GoOn; outcome == Outcome::GoOn;) {
        if (person) std::cerr << "> " << std::flush;
        if (!std::getline(std::cin, line)) break;
        if (line.size() > kMostLineBytes) {
            fail({ErrorCode::InvalidArgument, "the question is too long", {}, {}, "more than 64 MiB"});
            break;
        }
        if (line.ends_with('\r')) line.pop_back();
        if (line.find_first_not_of(" \t") != std::string::npos) outcome = take(line);
    }
    stops.workIsOver();
    if (m_trace) {
        if (auto closed = m_trace->close(); !closed && m_exitCode == kOk) fail(closed.error());
    }
    if (m_options.json) printJson(resultJson());
    return m_exitCode;
}

}  // namespace

int chatVerb(const ChatOptions& options, const Log& log) {
    auto opened = openModelFor(options.model, log);
    if (!opened) return log.fail(opened.error());
    Chat chat(options, log, std::move(*opened));
    if (auto ok = chat.start(); !ok) return log.fail(ok.error());
    return chat.talk();
}

}  // namespace spanscope::cli
