#include "app/cli/problems.h"

#include <algorithm>
#include <tuple>

#include "engine/files/input_file.h"
#include "engine/files/json_read.h"
#include "engine/training/example.h"
#include "engine/training/news_dataset.h"

namespace spanscope::cli {

namespace {

constexpr int64_t kDefaultCount = 100;

std::string trimmed(const std::string& text) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::vector<Problem> allOf(ExampleSource& source, const std::string& task, int64_t limit, Status& status) {
    std::vector<Problem> problems;
    while (limit <= 0 || static_cast<int64_t>(problems.size()) < limit) {
        auto example = source.next();
        if (!example) status = example.error();
        if (!example || !*example) break;
        problems.push_back({task, (*example)->typed, (*example)->answer, (*example)->response});
    }
    return problems;
}

/// Does the first line that is not empty hold an article?
bool holdsArticles(const std::string& path) {
    auto file = openInput(path);
    std::string line;
    while (file && std::getline(*file, line) && trimmed(line).empty()) {}
    JsonProblem problem;
    const auto object = readJson(line, problem);
    return object && object->is_object() && object->contains("body") && !object->contains("answer");
}

/// The string under `key`, or nullptr.
const std::string* textOf(const nlohmann::json& object, const char* key) {
    const auto it = object.find(key);
    return it == object.end() || !it->is_string() ? nullptr : it->get_ptr<const std::string*>();
}

}  // namespace

Result<std::vector<Problem>> readProblems(const std::string& path, const std::string& defaultTask, int64_t limit) {
    if (defaultTask == "news" && holdsArticles(path)) {
        NewsDatasetOptions options;
        options.input = path;
        auto dataset = NewsDataset::open(options);
        if (!dataset) return dataset.error();
        Status status;
        auto problems = allOf(**dataset, defaultTask, limit, status);
        if (!status) return status.error();
        if (problems.empty()) return Error{ErrorCode::Format, "no article in it makes a problem", path};
        return problems;
    }
    auto file = openInput(path);
    if (!file) return file.error();
    std::vector<Problem> problems;
    std::string line;
    for (int64_t number = 1; std::getline(*file, line); ++number) {
        if (trimmed(line).empty()) continue;
        if (limit > 0 && static_cast<int64_t>(problems.size()) >= limit) break;
        const std::string where = "line " + std::to_string(number);
        JsonProblem problem;
        const auto parsed = readJson(line, problem);
        if (!parsed)
            return Error{ErrorCode::Format,  problem.message,           path, where,
                         line.substr(0, 40), "{\"prompt\", \"answer\"}"};
        const nlohmann::json& object = *parsed;
        if (!object.is_object())
            return Error{ErrorCode::Format,  "not a JSON object",       path, where,
                         line.substr(0, 40), "{\"prompt\", \"answer\"}"};
        const std::string* typed = textOf(object, "typed");
        if (!typed) typed = textOf(object, "prompt");
        const std::string* answer = textOf(object, "answer");
        if (!typed || !answer)
            return Error{ErrorCode::Format,          "a problem needs two strings", path, where, {},
                         "\"prompt\" and \"answer\""};
        const std::string* task = textOf(object, "task");
        const std::string* response = textOf(object, "response");
        problems.push_back({task ? *task : defaultTask, *typed, *answer, response ? *response : std::string()});
    }
    if (problems.empty()) return Error{ErrorCode::Format, "there are no problems in it", path};
    return problems;
}

Result<std::vector<Problem>> freshProblems(const EvalOptions& o, const std::string& task) {
    auto range = [](const std::optional<Range>& r, Range fallback) {
        return IntRange{r.value_or(fallback).min, r.value_or(fallback).max};
    };
    for (const auto& [given, option, owner] :
         {std::tuple{o.operators.has_value(), "--operators", "expression"}, {o.lines.has_value(), "--lines", "sheet"}})
        if (given && task != owner)
            return Error{
                ErrorCode::InvalidArgument, std::string("is for --task ") + owner, {}, option, "--task " + task};
    std::unique_ptr<ExampleSource> source;
    if (task == "expression" || task == "sheet") {
        const ProblemShape shape{o.shape, range(o.digits, {1, 4})};
        source = task == "expression" ? makeExpressionSource(range(o.operators, {1, 16}), o.seed, shape)
                                      : makeSheetSource(range(o.lines, {1, 100}), {0, 0}, o.seed, shape);
        if (!source)
            return Error{
                ErrorCode::InvalidArgument, "no problems of this shape are made for " + task, {}, "--shape", o.shape};
    }
    if (task == "news") {
        NewsDatasetOptions news;
        news.seed = o.seed;
        news.count = o.count > 0 ? o.count : kDefaultCount;
        auto dataset = NewsDataset::open(news);
        if (!dataset) return dataset.error();
        source = std::move(*dataset);
    }
    if (!source)
        return Error{
            ErrorCode::InvalidArgument, "there are no fresh problems of this task; give --file", {}, "--task", task,
            "expression, sheet or news"};
    Status status;
    auto problems = allOf(*source, task, o.count > 0 ? o.count : kDefaultCount, status);
    if (!status) return status.error();
    return problems;
}

int32_t responseLimit(const EvalOptions& options, const Problem& problem, const Tokenizer& tokenizer, int32_t nPrompt) {
    if (options.maxTokens >= 0) return options.maxTokens;
    if (!problem.response.empty()) {
        if (auto ids = tokenizer.encodeTrusted(problem.response))
            return static_cast<int32_t>(ids->size() + ids->size() / 2 + 64);
    }
    return 24 * nPrompt + 512;  // a product of two four-digit numbers takes about 20 tokens for each of the prompt's
}

bool sameAnswer(const std::string& a, const std::string& b) { return trimmed(a) == trimmed(b); }

}  // namespace spanscope::cli
