#include "engine/training/news/ngrams.h"

#include <algorithm>
#include <vector>

#include "engine/training/rouge.h"

namespace spanscope::news {
namespace {

constexpr size_t kGram = 8;

std::vector<uint64_t> gramsOf(const RawArticle& article) {
    // A dataset line may begin with "points: N", which is no part of the article.
    std::string_view body = article.body;
    if (body.starts_with("points:")) body.remove_prefix(std::min(body.find('\n'), body.size()));
    const auto words = rougeWords(body, false);
    std::vector<uint64_t> grams;
    for (size_t i = 0; i + kGram <= words.size(); ++i) {
        std::string gram;
        for (size_t j = i; j < i + kGram; ++j) gram += words[j] + ' ';
        grams.push_back(hashOf(gram));
    }
    return grams;
}

}  // namespace

void NgramSet::add(const RawArticle& article) {
    ++m_articles;
    m_ids.insert(article.id);
    for (const uint64_t g : gramsOf(article)) m_grams.insert(g);
}

Status NgramSet::addFile(const std::string& path) {
    auto reader = LineReader::open(path);
    if (!reader) return reader.error();
    while (true) {
        auto article = (*reader)->next();
        if (!article) return article.error();
        if (!article->has_value()) return {};
        add(**article);
    }
}

double NgramSet::share(const RawArticle& article) const {
    const auto own = gramsOf(article);
    if (own.empty()) return 0;
    const auto found = std::count_if(own.begin(), own.end(), [&](uint64_t g) { return m_grams.contains(g); });
    return static_cast<double>(found) / static_cast<double>(own.size());
}

}  // namespace spanscope::news
