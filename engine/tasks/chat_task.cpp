#include "engine/tasks/chat_task.h"

#include "engine/tasks/chat/chat_message.h"

namespace spanscope {

namespace {
class ChatTask final : public Task {
  public:
    std::string_view name() const override { return "chat"; }
    std::string_view title() const override { return "Chat"; }
    SpanPolicy defaultPolicy() const override {
        SpanPolicy p;
        p.hasProtocol = false;
        return p;
    }
    std::vector<std::string> samples() const override {
        return {"Explain in three sentences how a bicycle stays upright.",
                "What is the difference between a list and a tuple in Python?",
                "Write a short poem about the sea in autumn.",
                "Translate into German: Where is the nearest station?",
                "Give me three names for a small grey cat.",
                "Why is the sky blue, and why is it red in the evening?"};
    }
    /// A template belongs to a model; preparePrompt() has one.
    Result<FormattedPrompt> format(const std::string&, const TaskCard*) const override {
        return Error{ErrorCode::Unsupported, "a chat is formatted by the chat template of a model"};
    }
    std::string answer(const std::string& responseText) const override {
        const ReasoningSplit split = splitReasoning(responseText, false);
        return split.open ? std::string() : split.answer;
    }
};
}  // namespace

const Task& chatTask() {
    static const ChatTask task;
    return task;
}

}  // namespace spanscope
