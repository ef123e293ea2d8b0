// The tokens that end a response. A chat model ends its turns with another piece than a text; which ones count stands
// in several files, and none of them says all. Private to engine/model.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/model/tokenizer/load_tokenizer.h"

namespace spanscope {

/// The union of eos_token_id of config.json and of generation_config.json (a number, a list, or absent), the eos, eot
/// and eom ids of GGUF's metadata, and the tokenizer's eos. Sorted, each once. Format for what is no id below `nRows`,
/// the rows of the embedding.
Result<std::vector<int32_t>> readStopIds(const VocabularySource& source, const Tokenizer& tokenizer, int32_t nRows);

}  // namespace spanscope
