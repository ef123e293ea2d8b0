// A vocabulary of tags as a file: its tags, what they do, how a document is cut into chunks, and the prompt that
// teaches it to a model that was not trained on it. JSON; docs/vocabularies.md says what may stand in it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/span/vocabulary.h"
#include "kernels/result.h"

namespace spanscope {

/// How a document is cut (segmenter.h) and shown.
struct ChunkRules {
    int32_t targetTokens = 2048, mostTokens = 2560;
    std::string heading, ending;  ///< of each chunk; "{number}" stands for its number. They come and go with it
};

struct TaughtExample {
    std::vector<std::string> document;  ///< chunks, as they are
    std::string question, answer;
};

struct TaughtVocabulary {
    std::shared_ptr<const TagVocabulary> tags;
    std::string source;  ///< where it is defined, a phrase
    bool hasChunks = false;
    ChunkRules chunks;
    std::string system;    ///< may be empty
    std::string question;  ///< of the last message and of the examples': "{document}" and "{question}" are filled in
    std::vector<TaughtExample> examples;
};

/// text: of at most kMostVocabularyBytes. file: for errors. Format, with field, found and expected.
inline constexpr size_t kMostVocabularyBytes = size_t{1} << 16;
Result<TaughtVocabulary> parseVocabulary(std::string_view text, const std::string& file);

/// Those that come with the program.
struct BundledVocabulary {
    std::string_view name, text;
};
std::span<const BundledVocabulary> bundledVocabularies();

/// The text of a bundled one by its name, else of the file of that name. NotFound and Io of the file, with the names of
/// the bundled ones; Format where it is too long.
Result<std::string> vocabularyText(const std::string& nameOrPath);

/// What stands between the tags of the last section that is the answer, without white space around it; empty: there is
/// none. A section that is not closed reaches to the end.
std::string answerIn(const TagVocabulary& tags, std::string_view response);

}  // namespace spanscope
