// A vocabulary's file, then after a NUL byte any stream of tokens through its tags: a byte that is 0xFF parts tokens.
// Lists stay sorted, disjoint and inside the sequence. A file that is refused leaves one of the program's own.
#include <algorithm>
#include <string>
#include <vector>

#include "engine/span/tag_reader.h"
#include "engine/span/tracker.h"
#include "engine/tasks/vocabulary/vocabulary_file.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const size_t nul = std::min(all.find('\0'), size);
    auto vocabulary = parseVocabulary(all.substr(0, nul), "vocabulary.json");
    if (!vocabulary) {
        fuzz::checkError(vocabulary.error());
        const auto bundled = bundledVocabularies();
        vocabulary = parseVocabulary(bundled[size % bundled.size()].text, "bundled");
        fuzz::require(vocabulary.ok());
    }
    std::vector<std::string> pieces(1);
    for (const char c : all.substr(std::min(size, nul + 1))) {
        if (c == '\xFF') pieces.emplace_back();
        else pieces.back() += c;
    }
    SpanPolicy policy;
    policy.hasProtocol = false;
    policy.vocabulary = vocabulary->tags;
    SpanTracker tracker(
        std::make_unique<TagReader>(policy.vocabulary, [&](int32_t id) { return pieces[static_cast<size_t>(id)]; }),
        policy);
    const std::vector<PromptChunk> chunks{{1, 2, 4}, {2, 4, 4}, {3, 5, 6}};
    tracker.consumePrompt(std::vector<int32_t>(7), chunks);
    for (size_t i = 0; i < pieces.size(); ++i) {
        const TokenView view = tracker.consume(static_cast<int32_t>(i));
        fuzz::require(view.visible != nullptr && !view.visible->empty());
        int32_t last = -1;
        for (const Interval& interval : *view.visible) {
            fuzz::require(interval.begin > last && interval.end > interval.begin);
            last = interval.end;
        }
        fuzz::require(mayRead(*view.visible, view.position, 0) && mayRead(*view.visible, view.position, 6));
        fuzz::require(mayRead(*view.visible, view.position, view.position));
        fuzz::require(view.segment < static_cast<int32_t>(tracker.segments().size()));
    }
    tracker.finish(StopReason::TokenLimit);
    std::string text;
    for (const std::string& piece : pieces) text += piece;
    fuzz::keep(answerIn(*policy.vocabulary, text).size());
    return 0;
}
