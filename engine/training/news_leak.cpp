// Did the test set leak into training? Ids in both files, and word 8-grams of each test article found in training.
#include <algorithm>
#include <cstdio>

#include "engine/training/news/ngrams.h"
#include "engine/training/news_dataset.h"

namespace spanscope {

Result<NewsLeakReport> checkNewsLeak(const std::string& trainPath, const std::string& testPath, double flagShare) {
    NewsLeakReport report;
    report.flagShare = flagShare;
    news::NgramSet train;
    if (const Status s = train.addFile(trainPath); !s.ok()) return s.error();
    report.trainArticles = train.articles();
    auto test = news::LineReader::open(testPath);
    if (!test) return test.error();
    double sum = 0;
    while (true) {
        auto article = (*test)->next();
        if (!article) return article.error();
        if (!article->has_value()) break;
        ++report.testArticles;
        if (train.hasId((*article)->id)) ++report.sameId;
        const double share = train.share(**article);
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

std::string NewsLeakReport::toText() const {
    char text[512];
    std::snprintf(text, sizeof text,
                  "training articles %lld, test articles %lld\n"
                  "ids in both: %lld\n"
                  "8-grams of a test article found in training: mean %.2f%%, highest %.1f%%\n"
                  "test articles with at least %.0f%% of them: %lld\n",
                  static_cast<long long>(trainArticles), static_cast<long long>(testArticles),
                  static_cast<long long>(sameId), 100 * meanShare, 100 * maxShare, 100 * flagShare,
                  static_cast<long long>(testWithOverlap));
    std::string out = text;
    for (const std::string& id : flagged) out += "  " + id + '\n';
    return out;
}

}  // namespace spanscope
