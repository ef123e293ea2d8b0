// A conversation with a model that was trained for one: a tree of turns, and one sequence of a backend that keeps the
// keys and values of the turns between answers. An answer is a Session like any other run: whoever asks drives it step
// by step, can stop it at any time, and hands it back; its steps are recorded as always.
//
//     conversation->ask("Hello")      adds the person's turn and begins the answer
//     session->prefill(), step()...   as with any Session; session->finish(Cancelled) stops it
//     conversation->endAnswer()       the answer becomes a turn, and the conversation stands behind it
//
// What is kept between answers: the longest common beginning of the token ids that the backend holds and those of the
// next prompt. The rest is forgotten (Backend::truncate) and only what is new is evaluated. So asking again, editing an
// earlier question or going to another branch costs what differs, and nothing else. Kept keys and values are those that
// were computed when their token was read or written, under the interval list of that step, which the next run's
// header repeats; where the attention policy changes between two answers, nothing is kept.
//
// Owned by one thread, that of the backend. Model and backend outlive the conversation, the conversation its Sessions.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/decode/session.h"
#include "engine/tasks/chat/chat_prompt.h"

namespace spanscope {

/// One turn of the tree. Values; never removed, so that an index into turns() stays what it is.
struct ChatTurn {
    ChatRole role = ChatRole::User;  ///< User or Assistant; the system text belongs to the settings
    int32_t parent = -1;             ///< index of the turn before it; -1: a first turn
    std::string text;                ///< as typed; of an answer all of it, reasoning included
    ReasoningSplit parts;            ///< of an answer: what stands in <think>..</think>, and what is said
    std::vector<int32_t> ids;        ///< of an answer: its tokens; empty: not known
    /// Of an answer: the run that wrote it, with every step. stats.keptTokens prompt tokens were not evaluated again.
    /// nullptr where the turn was restored.
    std::shared_ptr<const RunData> run;
};

class Conversation {
  public:
    /// settings: attention, sampler, maxTokens, contextTokens, systemText and thinking count; task and prompt do not.
    /// Makes a sequence with room for the context. Unsupported: the model has no chat template. OutOfMemory: no room.
    /// The seed is that of a question's first answer; another answer to it is drawn with the next one.
    static Result<std::unique_ptr<Conversation>> create(std::shared_ptr<const Model> model, Backend& backend,
                                                        const RunSettings& settings);
    ~Conversation();
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    /// From the next answer on. contextTokens stays what it was. InvalidArgument while an answer is being written.
    Status setSettings(const RunSettings& settings);
    const RunSettings& settings() const { return m_settings; }

    /// All turns of all branches, parents before children.
    const std::vector<ChatTurn>& turns() const { return m_turns; }
    /// The turn that the next question hangs on; -1: before the first one.
    int32_t tip() const { return m_tip; }
    /// From the first turn to this one, indices.
    std::vector<int32_t> path(int32_t turn) const;
    /// The turns with this parent, oldest first: answers to one question, or questions after one answer.
    std::vector<int32_t> children(int32_t parent) const;

    /// Turns that were written before, here or elsewhere, in the place of all there are: for a conversation that goes
    /// on with another model or in another backend. Nothing of them is held yet: the next answer evaluates all of its
    /// prompt. InvalidArgument, naming the turn, for a parent that does not come before its child, a question behind a
    /// question, an answer without one, a system turn; for a tip that select() refuses; while an answer is being
    /// written.
    Status restore(std::vector<ChatTurn> turns, int32_t tip);

    /// Continues from an answer of any branch, from a question that has none yet, or from the beginning (-1).
    /// InvalidArgument for a question with answers: they are what can be continued.
    Status select(int32_t turn);

    /// Adds a question behind the tip (in the place of a tip that is a question whose answer failed) and begins its
    /// answer under the run id, which no other run of this backend has. Errors leave the tree as it was:
    /// InvalidArgument for empty text and for a prompt longer than the context (with both numbers), Unsupported for
    /// text that the template cannot carry; also while another answer is being written.
    Result<Session*> ask(const std::string& text, int64_t runId);
    /// Another answer to the question before the tip (or to the tip, where its answer failed). Errors as ask().
    Result<Session*> regenerate(int64_t runId);
    /// Another question in the place of this one, on a branch of its own; what followed the old one stays where it is.
    Result<Session*> edit(int32_t question, const std::string& text, int64_t runId);

    /// The answer being written; nullptr between answers.
    Session* answering() const { return m_session.get(); }
    /// Takes what the answering Session has written, whether it ended by itself or was stopped, as the next turn and
    /// moves the tip there; returns its index. -1, and the tip on the question, where it wrote nothing. The Session is
    /// gone afterwards. InvalidArgument between answers.
    Result<int32_t> endAnswer();

  private:
    Conversation(std::shared_ptr<const Model> model, Backend& backend, const RunSettings& settings,
                 std::shared_ptr<const ChatFormat> format, OpenSequence sequence);
    Result<Session*> begin(int32_t parent, const std::string* question, int64_t runId);
    std::vector<ChatMessage> messagesTo(int32_t turn) const;
    void rememberStored(const RunData& run);

    std::shared_ptr<const Model> m_model;
    Backend& m_backend;
    RunSettings m_settings;
    std::shared_ptr<const ChatFormat> m_format;
    OpenSequence m_sequence;
    MaskPolicySpec m_storedUnder;  ///< the policy of what m_sequence holds
    std::vector<ChatTurn> m_turns;
    int32_t m_tip = -1;
    std::unique_ptr<Session> m_session;
    int32_t m_question = -1;  ///< that m_session answers
};

}  // namespace spanscope
