// Training and test data of the `news` task: articles in, examples with declared sources out.
//
// A stream: open() once, next() until it gives nothing, then stats(). One object, one thread. Deterministic: the
// same options (and input bytes) give the same examples in the same order on every machine.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/training/example.h"

namespace spanscope {

struct NewsDatasetOptions {
    std::string input = "synthetic";  ///< "synthetic", a JSONL file of {"title", "body"}, or "-" for standard input
    int64_t count = -1;               ///< examples wanted; -1 = all there are (files), 1000 (synthetic)
    uint64_t seed = 0;                ///< synthetic: which articles. Files keep their own order
    int32_t minSentences = 4;
    int32_t maxSentences = 40;  ///< longer articles are left out and counted
    int32_t maxTokens = 0;      ///< prompt + response, special pieces included; 0 = no limit; needs `tokenizer`
    int32_t maxWords = 0;       ///< article words, for when there is no tokenizer yet; 0 = no limit
    int32_t maxPoints = 5;      ///< key points besides the headline
    double headlineShare =
        0.6;  ///< of a headline's topics, what its sentences must hold; articles with less are left out
    const Tokenizer* tokenizer = nullptr;  ///< for maxTokens and for token statistics; may be nullptr
    bool skipBadLines = false;             ///< false: a malformed line is an error that names it; true: it is counted
    /// Leave out articles that share at least half of their 8-grams with those of this file ("" = none).
    std::string notLike;
    /// Keep only articles whose id hash falls into this share: -1 all, 0..99 the bucket range [first, last).
    int32_t bucketFirst = -1, bucketLast = 100;
};

/// Why articles did not become examples, and what the others look like.
struct NewsStats {
    int64_t articlesRead = 0, examples = 0;
    int64_t badLines = 0, noText = 0, tooShort = 0, tooLong = 0, tabular = 0, noHeadline = 0, headlineUngrounded = 0,
            noPoints = 0, namesSpecialPiece = 0, duplicates = 0, overlapping = 0;
    int64_t sentences = 0, articleWords = 0, headlineWords = 0, pointWords = 0, sourceWords = 0;
    int64_t promptTokens = 0, responseTokens = 0;  ///< 0 without a tokenizer
    int64_t points = 0, pointSources = 0, headlineSources = 0;
    int64_t pointsOneSource = 0, pointsUnchanged = 0;
    int64_t items = 0, itemsSupported = 0;   ///< numbers and names in points, and those found in declared sentences
    double keptSum = 0;                      ///< over points: declared share of the article's words
    std::vector<int64_t> sentenceHistogram;  ///< index = sentences in the article

    std::string toText() const;  ///< a table for people, several lines
    std::string toJson() const;  ///< one object
};

/// next(): Format "FILE: line N: ..." where the input is wrong.
class NewsDataset : public ExampleSource {
  public:
    /// InvalidArgument: options that contradict each other. NotFound, Io: the file.
    static Result<std::unique_ptr<NewsDataset>> open(const NewsDatasetOptions& options);
    virtual const NewsStats& stats() const = 0;
};

/// Leak check: 8-gram overlap of word sequences between a training and a test file of dataset lines or articles.
struct NewsLeakReport {
    int64_t trainArticles = 0, testArticles = 0;
    int64_t sameId = 0;           ///< ids in both files
    int64_t testWithOverlap = 0;  ///< test articles with at least `flagShare` of their 8-grams in training
    double meanShare = 0;         ///< mean share of a test article's 8-grams that stand in training
    double maxShare = 0;
    double flagShare = 0.5;
    std::vector<std::string> flagged;  ///< ids (or line numbers) of those test articles
    std::string toText() const;
};
Result<NewsLeakReport> checkNewsLeak(const std::string& trainPath, const std::string& testPath, double flagShare = 0.5);

}  // namespace spanscope
