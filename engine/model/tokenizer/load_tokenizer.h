// The vocabulary of a model, whatever kind it is of and wherever it stands. Private to engine/model.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/model/gguf/gguf.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "kernels/result.h"

namespace spanscope {

/// Where a model keeps its vocabulary.
struct VocabularySource {
    std::string path;                      ///< a Hugging Face folder, or the GGUF file, then for messages only
    std::shared_ptr<const GgufFile> gguf;  ///< nullptr: a folder
};

struct LoadedTokenizer {
    std::shared_ptr<const Tokenizer> tokenizer;
    std::string file;  ///< that it was read from
};

/// Unsupported for kinds that no reader knows, NotFound for none at all. Format for more than `maxPieces`, the rows of
/// the embedding: what is read is bounded by weights that are there. riders: as in makeTokenizer().
Result<LoadedTokenizer> loadTokenizer(const VocabularySource& source, int32_t maxPieces,
                                      const PieceRiders& riders = {});

}  // namespace spanscope
