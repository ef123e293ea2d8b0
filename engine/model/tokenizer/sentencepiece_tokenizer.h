// Vocabularies carried by libsentencepiece, whatever file they came from. Private to engine/model.
#pragma once

#include <string>

#include "engine/model/tokenizer/sentencepiece_proto.h"
#include "engine/model/tokenizer/vocabulary.h"

namespace spanscope {

/// Checks the vocabulary (checkSpec) and hands the library a model written from it. file is for messages only.
Result<Vocabulary> sentencePieceVocabulary(const VocabularySpec& spec, const std::string& file);

/// A tokenizer.model with what stands beside it in its folder. Format for more than `maxPieces`, before they are built.
Result<VocabularyFile> loadTokenizerModel(const std::string& path, int32_t maxPieces);

}  // namespace spanscope
