#include "app/cli/eval_outputs.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/cli/eval_scores.h"
#include "engine/tasks/news/news_text.h"
#include "engine/tasks/news/repeats.h"
#include "engine/tasks/task.h"

namespace spanscope::cli {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> sentencesOf(const Problem& problem) {
    const auto prompt = findTask("news")->format(problem.typed, nullptr);
    if (!prompt) return {};
    auto sentences = newsSentences(prompt->text);
    return sentences ? std::move(*sentences) : std::vector<std::string>();
}

Json newsJson(const Problem& problem, const Outcome& outcome) {
    const std::vector<std::string> sentences = sentencesOf(problem);
    auto lines = Json::array();
    const auto n = static_cast<int64_t>(sentences.size());
    for (const NewsLine& line : news::withoutRepeats(parseNewsResponse(outcome.text, n))) {
        auto declared = Json::array();
        for (const NewsRef& ref : line.refs)
            if (ref.in && ref.label >= 1 && ref.label <= n)
                declared.push_back({{"sentence", ref.label}, {"text", sentences[static_cast<size_t>(ref.label - 1)]}});
        lines.push_back({{"text", line.body}, {"valid", line.valid}, {"declared", std::move(declared)}});
    }
    Json object{{"first_sentence", sentences.empty() ? std::string() : sentences.front()},
                {"title", problem.answer.substr(0, problem.answer.find('\n'))}};
    object["headline"] = lines.empty() ? Json(nullptr) : lines.front();
    if (!lines.empty()) lines.erase(0);
    object["points"] = std::move(lines);
    return object;
}

Json outputJson(size_t index, const Row& row, const Problem& problem, const Outcome& outcome) {
    Json object{{"index", index}, {"attention", row.attention.text()}, {"task", problem.task}};
    if (problem.task == "news") object.update(newsJson(problem, outcome));
    else object.update({{"prompt", problem.typed}, {"answer", problem.answer}, {"found", outcome.answer}});
    object["exact"] = outcome.exact;
    object["text"] = outcome.text;
    object["stop_reason"] = stopReasonName(outcome.stats.stop);
    if (!outcome.error.empty()) object["error"] = outcome.error;
    return object;
}

/// Text from a file or a model as plain text: nothing in it becomes markup or ends the line.
std::string plain(const Json& value) {
    std::string out;
    for (const char c : value.is_string() ? value.get<std::string>() : std::string()) {
        if (std::string_view("\\`*_[]<>#|&").find(c) != std::string_view::npos) out += '\\';
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out;
}

std::string lineMarkdown(const std::string& name, const Json& line) {
    std::string out =
        "- **" + name + "**: " + plain(line["text"]) + (line["valid"].get<bool>() ? "" : " (not valid)") + '\n';
    for (const Json& s : line["declared"])
        out += "  - " + std::to_string(s["sentence"].get<int64_t>()) + ": " + plain(s["text"]) + '\n';
    return out;
}

std::string outputMarkdown(const Json& o) {
    std::string out = "\n## " + std::to_string(o["index"].get<size_t>() + 1) + ", " + plain(o["attention"]) + "\n\n";
    if (o["task"] == "news") {
        out += "- first sentence: " + plain(o["first_sentence"]) + "\n- title: " + plain(o["title"]) + '\n';
        if (!o["headline"].is_null()) out += lineMarkdown("headline", o["headline"]);
        for (const Json& point : o["points"]) out += lineMarkdown("point", point);
    } else {
        out += "- prompt: " + plain(o["prompt"]) + "\n- answer: " + plain(o["answer"]) +
               "\n- found: " + plain(o["found"]) + '\n';
    }
    return out + "- ended: " + plain(o["stop_reason"]) + "\n- verdict:\n";
}

}  // namespace

void writeOutputs(OutputFile& file, const std::vector<Problem>& problems, const std::vector<Row>& rows, bool markdown) {
    if (markdown) file.write("# Outputs\n");
    for (const Row& row : rows)
        for (size_t i = 0; i < row.outcomes.size(); ++i) {
            if (!row.outcomes[i].done) continue;
            const Json object = outputJson(i, row, problems[i], row.outcomes[i]);
            file.write(markdown ? outputMarkdown(object)
                                : object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
        }
}

}  // namespace spanscope::cli
