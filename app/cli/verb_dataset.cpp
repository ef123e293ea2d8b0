// dataset: worked problems as JSON Lines, deterministic for task, options and seed.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/cli/eta.h"
#include "app/cli/locate.h"
#include "app/cli/stop_signal.h"
#include "app/cli/terminal.h"
#include "app/cli/verbs.h"
#include "engine/files/output_file.h"
#include "engine/tasks/task.h"
#include "engine/training/coverage.h"
#include "engine/training/example.h"
#include "engine/training/news_dataset.h"

namespace spanscope::cli {

namespace {

/// stdout or a file that appears when it is whole.
class Sink {
  public:
    static Result<Sink> open(const std::string& path) {
        Sink sink;
        if (path == "-") return sink;
        auto file = OutputFile::create(path);
        if (!file) return file.error();
        sink.m_file.emplace(std::move(*file));
        return sink;
    }
    /// False where nobody reads stdout any more.
    bool line(const std::string& text) {
        if (m_file) {
            m_file->write(text);
            m_file->write("\n");
            return true;
        }
        return printJsonLine(text);
    }
    Status close() {
        if (m_file) return m_file->commit();
        if (std::fflush(stdout) != 0) return Error{ErrorCode::Io, "cannot be written", "stdout"};
        return {};
    }

  private:
    std::optional<OutputFile> m_file;
};

Result<std::unique_ptr<ExampleSource>> makeSource(const DatasetOptions& o, const Tokenizer* tokenizer) {
    auto range = [](const std::optional<Range>& r, Range fallback) {
        return IntRange{r.value_or(fallback).min, r.value_or(fallback).max};
    };
    if (!o.recorded.empty()) return openRecordedExamples(o.recorded);
    if (o.task == "expression" || o.task == "sheet") {
        const ProblemShape shape{o.shape, range(o.digits, {1, 4})};
        auto source = o.task == "expression"
                          ? makeExpressionSource(range(o.operators, {1, 16}), o.seed, shape)
                          : makeSheetSource(range(o.lines, {1, 100}), range(o.window, {0, 0}), o.seed, shape);
        if (!source)
            return Error{
                ErrorCode::InvalidArgument, "no problems of this shape are made for " + o.task, {}, "--shape", o.shape};
        return source;
    }
    if (o.task == "news") {
        NewsDatasetOptions news;
        news.input = o.input;
        news.count = o.count;
        news.seed = o.seed;
        const Range sentences = o.sentences.value_or(Range{news.minSentences, news.maxSentences});
        news.minSentences = sentences.min;
        news.maxSentences = sentences.max;
        news.maxTokens = o.maxTokens;
        news.maxWords = o.maxWords;
        news.maxPoints = o.maxPoints;
        news.headlines = o.heldHeadlines ? news::Headlines::Held : news::Headlines::Own;
        news.skipBadLines = o.skipBadLines;
        news.notLike = o.notLike;
        if (o.ids) {
            news.bucketFirst = o.ids->min - 1;
            news.bucketLast = o.ids->max;
        }
        news.tokenizer = tokenizer;
        auto dataset = NewsDataset::open(news);
        if (!dataset) return dataset.error();
        return std::unique_ptr<ExampleSource>(std::move(*dataset));
    }
    return Error{ErrorCode::InvalidArgument, "no data is made for this task", {}, "--task", o.task,
                 "expression, sheet or news"};
}

}  // namespace

int datasetVerb(const DatasetOptions& o, const Log& log) {
    if (!o.overlapWith.empty()) {
        const auto report = checkNewsLeak(o.overlapWith, o.input);
        if (!report) return log.fail(report.error());
        print(report->toText());
        return kOk;
    }
    std::shared_ptr<const Tokenizer> tokenizer;
    if (!o.textOnly) {
        auto loaded = openTokenizer(o.tokenizer.empty() ? bundledModel(bundledFor(o.task)) : o.tokenizer);
        if (!loaded) return log.fail(loaded.error());
        tokenizer = std::move(*loaded);
    }
    auto source = makeSource(o, tokenizer.get());
    if (!source) return log.fail(source.error());
    auto sink = Sink::open(o.out);
    if (!sink) return log.fail(sink.error());

    std::optional<OutputFile> coverageFile;
    ArithmeticCoverage coverage(o.task);
    if (!o.coverageFile.empty()) {
        if (o.task != "expression" && o.task != "sheet")
            return log.fail({ErrorCode::InvalidArgument,
                             "the cells are those of arithmetic",
                             {},
                             "--coverage",
                             "--task " + o.task,
                             "expression or sheet"});
        auto file = OutputFile::create(o.coverageFile);
        if (!file) return log.fail(file.error());
        coverageFile = std::move(*file);
    }

    StopsInOrder stops;
    const Eta eta;
    int64_t n = 0;
    for (; o.count < 0 || n < o.count; ++n) {
        if (stopRequested()) return log.fail({ErrorCode::Cancelled, "stopped"});
        auto example = (*source)->next();
        if (!example) return log.fail(example.error());
        if (!*example) break;
        const TaskExample& e = **example;
        if (coverageFile) coverage.add(e);
        const SpanPolicy policy = e.policy ? *e.policy : findTask(e.task)->defaultPolicy();
        auto line = exampleToJson(o.plain ? plainExample(e) : e, policy, tokenizer.get());
        if (!line) return log.fail(line.error());
        if (!sink->line(*line)) return log.fail(Error{ErrorCode::Io, "cannot be written", "stdout"});
        if (n % 100 == 99)
            log.progress(std::to_string(n + 1) + (o.count < 0 ? "" : " of " + std::to_string(o.count)) + " problems" +
                         eta.left(n + 1, o.count));
    }
    stops.workIsOver();
    if (auto ok = sink->close(); !ok) return log.fail(ok.error());
    log.endProgress();
    if (coverageFile) {
        coverageFile->write(nlohmann::json(coverage.cells()).dump(1) + "\n");
        if (auto ok = coverageFile->commit(); !ok) return log.fail(ok.error());
        log.info(coverage.toText());
    }
    if (const auto* news = dynamic_cast<const NewsDataset*>(source->get())) log.info(news->stats().toText());
    log.detail(std::to_string(n) + " problems written");
    return kOk;
}

}  // namespace spanscope::cli
