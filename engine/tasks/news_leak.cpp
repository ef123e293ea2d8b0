// Did the test set leak into training? Ids in both files, and word 8-grams of each test article found in training.
#include <cstdio>
#include <unordered_set>

#include "engine/tasks/news/reader.h"
#include "engine/tasks/news_dataset.h"
#include "engine/tasks/rouge.h"

namespace spanscope {
namespace {

constexpr size_t kGram = 8;

std::vector<uint64_t> gramsOf(const std::string& body) {
    const auto words = rougeWords(body, false);
    std::vector<uint64_t> grams;
    for (size_t i = 0; i + kGram <= words.size(); ++i) {
        std::string gram;
        for (size_t j = i; j < i + kGram; ++j) gram += words[j] + ' ';
        grams.push_back(news::hashOf(gram));
    }
    return grams;
}

/// A dataset line may begin with "points: N", which is no part of the article.
std::string bodyOf(const news::RawArticle& article) {
    return article.body.starts_with("points:") ? article.body.substr(std::min(article.body.find('\n'), article.body.size()))
                                               : article.body;
}

}  // namespace

Result<LeakReport> checkNewsLeak(const std::string& trainPath, const std::string& testPath, double flagShare) {
    LeakReport report;
    report.flagShare = flagShare;
    std::unordered_set<uint64_t> grams;
    std::unordered_set<std::string> ids;
    auto train = news::LineReader::open(trainPath);
    if (!train) return train.error();
    while (true) {
        auto article = (*train)->next();
        if (!article) return article.error();
        if (!article->has_value()) break;
        ++report.trainArticles;
        ids.insert((*article)->id);
        for (const uint64_t g : gramsOf(bodyOf(**article))) grams.insert(g);
    }
    auto test = news::LineReader::open(testPath);
    if (!test) return test.error();
    double sum = 0;
    while (true) {
        auto article = (*test)->next();
        if (!article) return article.error();
        if (!article->has_value()) break;
        ++report.testArticles;
        if (ids.contains((*article)->id)) ++report.sameId;
        const auto own = gramsOf(bodyOf(**article));
        size_t found = 0;
        for (const uint64_t g : own) found += grams.contains(g) ? 1 : 0;
        const double share = own.empty() ? 0 : static_cast<double>(found) / static_cast<double>(own.size());
        sum += share;
        report.maxShare = std::max(report.maxShare, share);
        if (share >= flagShare) {
            ++report.testWithOverlap;
            report.flagged.push_back((*article)->id);
        }
    }
    report.meanShare = report.testArticles > 0 ? sum / static_cast<double>(report.testArticles) : 0;
    return report;
}

std::string LeakReport::toText() const {
    char text[512];
    std::snprintf(text, sizeof text,
                  "training articles %lld, test articles %lld\n"
                  "ids in both: %lld\n"
                  "8-grams of a test article found in training: mean %.2f%%, highest %.1f%%\n"
                  "test articles with at least %.0f%% of them: %lld\n",
                  static_cast<long long>(trainArticles), static_cast<long long>(testArticles), static_cast<long long>(sameId),
                  100 * meanShare, 100 * maxShare, 100 * flagShare, static_cast<long long>(testWithOverlap));
    std::string out = text;
    for (const std::string& id : flagged) out += "  " + id + '\n';
    return out;
}

}  // namespace spanscope
