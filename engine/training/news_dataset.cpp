#include "engine/training/news_dataset.h"

#include <cstdio>
#include <unordered_set>

#include "engine/reading/words.h"
#include "engine/tasks/news/article.h"
#include "engine/training/news/ngrams.h"
#include "engine/training/news/reader.h"
#include "engine/training/news/synthetic.h"
#include "engine/training/news/target.h"
#include "engine/training/news_score.h"

namespace spanscope {
namespace {

using news::Article;
using news::Target;

class Writer final : public NewsDataset {
  public:
    Writer(NewsDatasetOptions options, std::unique_ptr<news::LineReader> reader, news::NgramSet other)
        : m_options(std::move(options)), m_reader(std::move(reader)), m_other(std::move(other)) {}

    const NewsStats& stats() const override { return m_stats; }

    Result<std::optional<TaskExample>> next() override {
        while (m_options.count < 0 || m_stats.examples < m_options.count) {
            Article article;
            Target target;
            if (m_reader) {
                auto raw = m_reader->next();
                if (!raw) {
                    if (!m_options.skipBadLines || raw.error().code != ErrorCode::Format) return raw.error();
                    ++m_stats.badLines;
                    continue;
                }
                if (!raw->has_value()) break;
                ++m_stats.articlesRead;
                if (!fromRaw(std::move(**raw), article, target)) continue;
            } else {
                news::SyntheticReport report =
                    news::syntheticReport(m_options.seed, static_cast<uint64_t>(m_stats.articlesRead++),
                                          {m_options.minSentences, m_options.maxSentences, m_options.maxPoints});
                article = std::move(report.article);
                target = std::move(report.target);
            }
            TaskExample example = exampleOf(article, target);
            if (m_options.maxWords > 0 && wordsOf(article) > m_options.maxWords) {
                ++m_stats.tooLong;
                continue;
            }
            auto fits = countTokens(example);
            if (!fits) return fits.error();
            if (!*fits) {
                ++m_stats.tooLong;
                continue;
            }
            count(article, target);
            return std::optional<TaskExample>(std::move(example));
        }
        return std::optional<TaskExample>();
    }

  private:
    static int64_t wordsOf(const Article& article) {
        int64_t n = 0;
        for (const std::string& s : article.sentences) n += static_cast<int64_t>(news::countWords(s));
        return n;
    }

    /// False: left out, and counted why.
    bool fromRaw(news::RawArticle raw, Article& article, Target& target) {
        const auto bucket = static_cast<int32_t>(news::hashOf(raw.id) % 100);
        if (m_options.bucketFirst >= 0 && (bucket < m_options.bucketFirst || bucket >= m_options.bucketLast)) {
            --m_stats.articlesRead;
            return false;
        }
        if (m_other.articles() > 0 && m_other.share(raw) >= 0.5) {
            ++m_stats.overlapping;
            return false;
        }
        article.id = std::move(raw.id);
        article.title = std::move(raw.title);
        article.body = std::string(news::withoutSignature(raw.body));
        if (news::namesSpecialPiece(article.body) || news::namesSpecialPiece(article.title)) {
            ++m_stats.namesSpecialPiece;
            return false;
        }
        auto typed = news::readTyped(article.body);
        // A body whose first line reads as a title or a "points:" line would be taken apart when it is typed.
        if (!typed || !typed->title.empty() || typed->points != 0 ||
            article.title.find_first_not_of(" \n\t") == std::string::npos) {
            ++m_stats.noText;
            return false;
        }
        if (!m_seen.insert(news::hashOf(article.body)).second) {
            ++m_stats.duplicates;
            return false;
        }
        article.sentences = std::move(typed->sentences);
        const auto n = static_cast<int32_t>(article.sentences.size());
        if (n < m_options.minSentences || n > m_options.maxSentences) {
            ++(n < m_options.minSentences ? m_stats.tooShort : m_stats.tooLong);
            return false;
        }
        switch (news::buildTarget(article, m_options.maxPoints, target, m_options.headlines)) {
            case news::TargetProblem::None: return true;
            case news::TargetProblem::Tabular: ++m_stats.tabular; return false;
            case news::TargetProblem::NoHeadline: ++m_stats.noHeadline; return false;
            case news::TargetProblem::HeadlineUngrounded: ++m_stats.headlineUngrounded; return false;
            case news::TargetProblem::NoPoints: ++m_stats.noPoints; return false;
        }
        return false;
    }

    TaskExample exampleOf(const Article& article, const Target& target) const {
        TaskExample e;
        e.task = "news";
        e.id = article.id;
        const int usual = news::pointCount(static_cast<int>(article.sentences.size()), news::kDefaultMaxPoints);
        if (static_cast<size_t>(usual) != target.points.size())
            e.typed = "points: " + std::to_string(target.points.size()) + '\n';
        e.typed += article.body;
        e.prompt = news::promptText(article.sentences, target.points.size() + 1);
        e.response = news::responseText(target);
        e.answer = news::answerText(target);
        return e;
    }

    /// Counts tokens where there is a tokenizer; false: more than the limit.
    Result<bool> countTokens(const TaskExample& example) {
        if (m_options.tokenizer == nullptr) return true;
        const auto prompt = m_options.tokenizer->encodeTrusted(example.prompt);
        if (!prompt) return prompt.error();
        const auto response = m_options.tokenizer->encodeTrusted(example.response);
        if (!response) return response.error();
        const size_t total = prompt->size() + response->size() + 2;  // bos, eos
        if (m_options.maxTokens > 0 && total > static_cast<size_t>(m_options.maxTokens)) return false;
        m_stats.promptTokens += static_cast<int64_t>(prompt->size());
        m_stats.responseTokens += static_cast<int64_t>(response->size());
        return true;
    }

    void count(const Article& article, const Target& target) {
        ++m_stats.examples;
        const size_t n = article.sentences.size();
        m_stats.sentences += static_cast<int64_t>(n);
        if (m_stats.sentenceHistogram.size() <= n) m_stats.sentenceHistogram.resize(n + 1);
        ++m_stats.sentenceHistogram[n];
        const int64_t words = wordsOf(article);
        m_stats.articleWords += words;
        m_stats.headlineWords += static_cast<int64_t>(news::countWords(target.headline.text));
        m_stats.headlineSources += static_cast<int64_t>(target.headline.sources.size());
        for (const news::Line& p : target.points) {
            ++m_stats.points;
            m_stats.pointSources += static_cast<int64_t>(p.sources.size());
            m_stats.pointsOneSource += p.sources.size() == 1 ? 1 : 0;
            m_stats.pointsUnchanged += p.unchanged ? 1 : 0;
            m_stats.pointWords += static_cast<int64_t>(news::countWords(p.text));
            std::vector<std::string> sources;
            int64_t sourceWords = 0;
            for (const int s : p.sources) {
                sources.push_back(article.sentences[static_cast<size_t>(s)]);
                sourceWords += static_cast<int64_t>(news::countWords(sources.back()));
            }
            m_stats.sourceWords += sourceWords;
            m_stats.keptSum += static_cast<double>(sourceWords) / static_cast<double>(words);
            const Faithfulness f = faithfulness(p.text, sources);
            m_stats.items += f.items;
            m_stats.itemsSupported += f.supported;
        }
    }

    NewsDatasetOptions m_options;
    std::unique_ptr<news::LineReader> m_reader;
    news::NgramSet m_other;
    std::unordered_set<uint64_t> m_seen;
    NewsStats m_stats;
};

}  // namespace

Result<std::unique_ptr<NewsDataset>> NewsDataset::open(const NewsDatasetOptions& options) {
    if (options.minSentences < 2 || options.maxSentences < options.minSentences ||
        options.maxSentences > static_cast<int32_t>(news::kMaxSentences))
        return invalidArgument("sentences per article: from 2 to " + std::to_string(news::kMaxSentences) + ", found " +
                               std::to_string(options.minSentences) + " to " + std::to_string(options.maxSentences));
    if (options.maxPoints < 1 || options.maxPoints > 9)
        return invalidArgument("key points: from 1 to 9, found " + std::to_string(options.maxPoints));
    if (options.maxTokens > 0 && options.tokenizer == nullptr)
        return invalidArgument("a limit in tokens needs a tokenizer (--tokenizer)");
    if (options.bucketFirst >= 0 && options.bucketLast <= options.bucketFirst)
        return invalidArgument("the id buckets are an empty range");
    NewsDatasetOptions o = options;
    std::unique_ptr<news::LineReader> reader;
    if (o.input == "synthetic") {
        if (o.count < 0) o.count = 1000;
        if (o.minSentences < 4) return invalidArgument("synthetic reports have at least 4 sentences");
    } else {
        auto opened = news::LineReader::open(o.input);
        if (!opened) return opened.error();
        reader = std::move(*opened);
    }
    news::NgramSet other;
    if (!o.notLike.empty())
        if (const Status s = other.addFile(o.notLike); !s.ok()) return s.error();
    return std::unique_ptr<NewsDataset>(new Writer(std::move(o), std::move(reader), std::move(other)));
}

}  // namespace spanscope
