// A vocabulary carried by libsentencepiece, whatever file it came from. Private to engine/model.
#pragma once

#include <memory>
#include <string>

#include "engine/model/tokenizer/added_tokens.h"
#include "engine/model/tokenizer/sentencepiece_proto.h"
#include "engine/model/tokenizer/tokenizer.h"

namespace spanscope {

/// Checks the vocabulary (checkSpec) and hands the library a model written from it. file is for messages only.
Result<std::shared_ptr<const Tokenizer>> makeSentencePieceTokenizer(const VocabularySpec& spec,
                                                                    const AddedTokens& added, const std::string& file);

}  // namespace spanscope
