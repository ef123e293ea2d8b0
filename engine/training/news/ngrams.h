// Word 8-grams of articles, as hashes: the measure of overlap between data sets.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>

#include "engine/training/news/reader.h"

namespace spanscope::news {

class NgramSet {
  public:
    /// Adds every article of a file; ids too. Fails like LineReader.
    Status addFile(const std::string& path);
    void add(const RawArticle& article);
    /// Share of the article's 8-grams that are in the set; 0 for texts shorter than 8 words.
    double share(const RawArticle& article) const;
    bool hasId(const std::string& id) const { return m_ids.contains(id); }
    int64_t articles() const { return m_articles; }

  private:
    std::unordered_set<uint64_t> m_grams;
    std::unordered_set<std::string> m_ids;
    int64_t m_articles = 0;
};

}  // namespace spanscope::news
