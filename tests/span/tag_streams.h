// Texts with tags as token streams, for tests: a table of pieces stands in for a vocabulary, a piece is a token.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/span/tag_reader.h"
#include "engine/span/tracker.h"
#include "engine/tasks/vocabulary/vocabulary_file.h"

namespace spanscope::test {

inline std::shared_ptr<const TagVocabulary> bundledTags(const std::string& name) {
    return parseVocabulary(vocabularyText(name).value(), name).value().tags;
}

/// "pp", three chunks of four tokens, "q".
inline constexpr int32_t kPromptTokens = 15;
inline const std::vector<PromptChunk> kChunks{{1, 2, 6}, {2, 6, 10}, {3, 10, 14}};

struct TagRun {
    std::vector<std::string> pieces;  ///< (response tokens)
    std::vector<TokenView> views;     ///< the same
    std::vector<Segment> segments;
    std::vector<ProtocolViolation> violations;
    std::vector<SpanChange> changes;
    int32_t markupTokens = 0;
    bool answered = false;
};

inline SpanPolicy tagPolicy(std::shared_ptr<const TagVocabulary> tags) {
    SpanPolicy policy;
    policy.hasProtocol = false;
    policy.vocabulary = std::move(tags);
    return policy;
}

inline TagRun trackTags(const std::shared_ptr<const TagVocabulary>& tags, std::vector<std::string> pieces,
                        StopReason stop = StopReason::EndOfText) {
    const auto table = std::make_shared<const std::vector<std::string>>(pieces);
    auto reader = std::make_unique<TagReader>(tags, [table](int32_t id) { return (*table)[static_cast<size_t>(id)]; });
    SpanTracker tracker(std::move(reader), tagPolicy(tags));
    TagRun run;
    tracker.consumePrompt(std::vector<int32_t>(kPromptTokens), kChunks);
    for (size_t i = 0; i < pieces.size(); ++i) run.views.push_back(tracker.consume(static_cast<int32_t>(i)));
    tracker.finish(stop);
    run.pieces = std::move(pieces);
    run.segments = tracker.segments();
    run.violations = tracker.violations();
    run.changes = tracker.changes();
    run.markupTokens = tracker.markupTokens();
    run.answered = tracker.answered();
    return run;
}

/// A byte a token.
inline std::vector<std::string> bytesOf(const std::string& text) {
    std::vector<std::string> pieces;
    for (const char c : text) pieces.emplace_back(1, c);
    return pieces;
}

/// Pieces of 0 to `longest` bytes.
inline std::vector<std::string> cutAtRandom(const std::string& text, std::mt19937& random, unsigned longest) {
    std::vector<std::string> pieces;
    for (size_t at = 0; at < text.size();) {
        const size_t n = std::min<size_t>(text.size() - at, random() % (longest + 1));
        pieces.push_back(text.substr(at, n));
        at += n;
    }
    return pieces;
}

}  // namespace spanscope::test
