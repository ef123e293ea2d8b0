// The vocabulary inside a GGUF file. Private to engine/model.
#pragma once

#include <memory>
#include <string>

#include "engine/model/gguf/gguf.h"
#include "engine/model/tokenizer/tokenizer.h"

namespace spanscope {

/// Only sentencepiece vocabularies (tokenizer.ggml.model = "llama"); Unsupported for the others. Format for more than
/// `maxPieces`, the rows of the embedding: what is read is bounded by weights that are there.
Result<std::shared_ptr<const Tokenizer>> loadGgufVocabulary(const GgufFile& gguf, int32_t maxPieces,
                                                            const std::string& file);

}  // namespace spanscope
