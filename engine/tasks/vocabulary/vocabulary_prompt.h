// The messages that teach a vocabulary and ask a question in it, and where its chunks stand among the tokens of the
// prompt that a chat template makes of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/span/tracker.h"
#include "engine/tasks/chat/chat_message.h"
#include "engine/tasks/vocabulary/vocabulary_file.h"

namespace spanscope {

class Tokenizer;

/// A chunk by its bytes.
struct ChunkText {
    int64_t number = 0;
    size_t begin = 0, end = 0;
};

struct TaughtQuestion {
    std::vector<ChatMessage> messages;
    std::vector<ChunkText> chunks;  ///< in the last message, heading and ending included
};

/// typed: a question; where the vocabulary has chunks, what stands before the last blank line is the document. system:
/// in the place of the vocabulary's own text, empty: that. InvalidArgument: no question, or a text that cannot be
/// encoded.
Result<TaughtQuestion> teach(const TaughtVocabulary& vocabulary, const std::string& typed, const std::string& system,
                             const Tokenizer& tokenizer);

/// The chunks of a text as tokens of `ids`, which spell it. A token that also holds other text belongs to no chunk, so
/// that it is always read. Unsupported where the tokens do not spell the text.
Result<std::vector<PromptChunk>> chunksAmong(std::span<const int32_t> ids, std::string_view text,
                                             std::span<const ChunkText> chunks, const Tokenizer& tokenizer);

}  // namespace spanscope
