#include "engine/tasks/text.h"

namespace spanscope {

namespace {
class TextTask final : public Task {
  public:
    std::string_view name() const override { return "text"; }
    std::string_view title() const override { return "Free text"; }
    SpanPolicy defaultPolicy() const override {
        SpanPolicy p;
        p.hasProtocol = false;
        return p;
    }
    std::vector<std::string> samples() const override {
        return {"Once upon a time",
                "The three primary colours are",
                "A language model reads its own context again for every token because",
                "def fibonacci(n):",
                "Dear editor,\n\nI am writing to",
                "Ingredients: flour, water, salt, yeast. Method: first"};
    }
    Result<FormattedPrompt> format(const std::string& typed, const TaskCard*) const override {
        if (typed.empty()) return wrongText(0, 1, "the prompt is empty");
        FormattedPrompt p;
        p.text = typed;
        p.parts.push_back({typed, false});
        return p;
    }
    std::string answer(const std::string& responseText) const override { return responseText; }
};
}  // namespace

const Task& textTask() {
    static const TextTask task;
    return task;
}

}  // namespace spanscope
