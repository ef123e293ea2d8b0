#include "engine/tasks/news_task.h"

#include "engine/tasks/news/article.h"
#include "engine/tasks/news/news_text.h"
#include "engine/tasks/news/repeats.h"
#include "engine/tasks/news/samples.h"

namespace spanscope {
namespace {

class NewsTask final : public Task {
  public:
    std::string_view name() const override { return "news"; }
    std::string_view title() const override { return "News summary"; }
    SpanPolicy defaultPolicy() const override {
        SpanPolicy policy;
        policy.prefill = PrefillPolicy::Causal;
        policy.heads = false;
        return policy;
    }
    std::vector<std::string> samples() const override { return news::sampleArticles(); }

    Result<FormattedPrompt> format(const std::string& typed, const TaskCard* card) const override {
        const auto read = news::readTyped(typed);
        if (!read) return read.error();
        const news::TypedArticle& article = *read;
        const size_t n = article.sentences.size();
        FormattedPrompt prompt;
        auto add = [&](std::string text, bool trusted) {
            prompt.text += text;
            prompt.parts.push_back({std::move(text), trusted});
        };
        add(news::promptHeader(n, static_cast<size_t>(article.nPoints()) + 1), true);
        for (size_t i = 0; i < n; ++i) {
            add("<in>" + std::to_string(i + 1) + "<:>", true);
            add(article.sentences[i], false);
            add("\n", true);
        }
        if (!article.title.empty())
            prompt.warning =
                "The first line was taken for a title and is not shown to the model, which writes its own.";
        const int32_t most = card != nullptr ? card->maxSentences : 0;
        if (most > 0 && n > static_cast<size_t>(most))
            prompt.warning = "The article has " + std::to_string(n) + " sentences; the model was trained on up to " +
                             std::to_string(most) + ".";
        else if (n < 3)
            prompt.warning = "An article of " + std::to_string(n) + (n == 1 ? " sentence" : " sentences") +
                             " leaves little to choose from; the model was trained on longer ones.";
        return prompt;
    }

    std::string answer(const std::string& responseText) const override {
        std::string out;
        for (const NewsLine& line : news::withoutRepeats(parseNewsResponse(responseText, news::kMaxSentences))) {
            if (line.body.empty()) continue;
            if (!out.empty()) out += '\n';
            out += line.body;
        }
        return out;
    }

    std::unique_ptr<ResponseWatch> watch(const std::string& prompt) const override {
        return std::make_unique<news::RepeatWatch>(prompt);
    }
};

}  // namespace

const Task& newsTask() {
    static const NewsTask task;
    return task;
}

}  // namespace spanscope
