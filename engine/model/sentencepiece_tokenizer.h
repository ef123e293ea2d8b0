// A vocabulary carried by libsentencepiece, whatever file it came from. Private to engine/model.
#pragma once

#include <memory>
#include <string>

#include "engine/model/added_tokens.h"
#include "engine/model/tokenizer.h"

namespace spanscope {

/// proto: a serialised sentencepiece ModelProto (the content of a tokenizer.model). file is for messages only.
Result<std::shared_ptr<const Tokenizer>> makeSentencePieceTokenizer(const std::string& proto, const AddedTokens& added,
                                                                    const std::string& file);

}  // namespace spanscope
