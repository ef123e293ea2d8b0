// Vocabularies carried by libsentencepiece, whatever file they came from. Private to engine/model.
#pragma once

#include <string>

#include "engine/model/tokenizer/sentencepiece_proto.h"
#include "engine/model/tokenizer/vocabulary.h"

namespace spanscope {

/// Checks the vocabulary (checkSpec) and hands the library a model written from it. file is for messages only.
Result<Vocabulary> sentencePieceVocabulary(const VocabularySpec& spec, const std::string& file);

}  // namespace spanscope
