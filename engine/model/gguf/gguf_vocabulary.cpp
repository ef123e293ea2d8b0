// Writes the vocabulary as a sentencepiece model and lets libsentencepiece do the merging, so that a GGUF file and
// the tokenizer.model it was made from cannot tokenise differently.
#include "engine/model/gguf/gguf_vocabulary.h"

#include "engine/model/tokenizer/added_tokens.h"
#include "engine/model/tokenizer/sentencepiece_proto.h"
#include "engine/model/tokenizer/sentencepiece_tokenizer.h"

namespace spanscope {

namespace {

/// `named`: the pieces that the file names by id, as a Hugging Face folder names them by text.
Result<VocabularySpec> readSpec(const GgufFile& gguf, GgufFields& fields, int32_t maxPieces, AddedTokens& named) {
    const std::string kind = fields.string("tokenizer.ggml.model");
    if (fields.ok() && kind != "llama")
        fields.fail(ErrorCode::Unsupported,
                    "this kind of vocabulary is not supported; sentencepiece vocabularies (Llama 2, TinyLlama, "
                    "Vicuna, Mistral) are",
                    "tokenizer.ggml.model", kind, "llama");
    // Refused from the count alone: a list of millions would cost seconds and gigabytes before it is found too long.
    if (const auto list = gguf.metadata.find("tokenizer.ggml.tokens");
        list != gguf.metadata.end() && list->second.count > static_cast<uint64_t>(maxPieces))
        fields.fail(ErrorCode::Format, "the vocabulary has more pieces than the model", "tokenizer.ggml.tokens",
                    std::to_string(list->second.count), "at most " + std::to_string(maxPieces));
    if (!fields.ok()) return fields.error();
    const auto tokens = fields.strings("tokenizer.ggml.tokens");
    const auto scores = fields.numbers("tokenizer.ggml.scores");
    const auto types = fields.numbers("tokenizer.ggml.token_type");
    if (!fields.ok()) return fields.error();
    if (tokens.empty() || scores.size() != tokens.size() || (!types.empty() && types.size() != tokens.size())) {
        fields.fail(ErrorCode::Format, "lists of different lengths, or empty", "tokenizer.ggml.scores",
                    std::to_string(tokens.size()) + " tokens, " + std::to_string(scores.size()) + " scores, " +
                        std::to_string(types.size()) + " types",
                    "equal numbers");
        return fields.error();
    }
    VocabularySpec spec;
    spec.kind = VocabularyKind::Bpe;
    spec.trimSpaces = false;
    for (size_t i = 0; i < tokens.size(); ++i) {
        const double type = types.empty() ? 1 : types[i];
        if (type < 0 || type > 6) {
            fields.fail(ErrorCode::Format, "unknown type", "tokenizer.ggml.token_type[" + std::to_string(i) + "]",
                        std::to_string(type), "0 to 6");
            return fields.error();
        }
        const auto pieceType = type < 1 ? PieceType::Normal : static_cast<PieceType>(static_cast<int>(type));
        if (pieceType == PieceType::Unknown) spec.unk = tokens[i];
        if (pieceType == PieceType::Byte) spec.byteFallback = true;
        spec.pieces.push_back({tokens[i], static_cast<float>(scores[i]), pieceType});
    }
    const auto last = static_cast<int64_t>(tokens.size()) - 1;
    const auto special = [&](const char* name, std::string& piece, std::string& alsoNamed) {
        const int64_t id = fields.integer(std::string("tokenizer.ggml.") + name, -1, last, -1);
        if (id >= 0) piece = alsoNamed = tokens[static_cast<size_t>(id)];
    };
    special("bos_token_id", spec.bos, named.bos);
    special("eos_token_id", spec.eos, named.eos);
    special("padding_token_id", spec.pad, named.pad);
    spec.dummyPrefix = fields.boolean("tokenizer.ggml.add_space_prefix", true);
    if (!fields.ok()) return fields.error();
    return spec;
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> loadGgufVocabulary(const GgufFile& gguf, int32_t maxPieces,
                                                            const std::string& file) {
    GgufFields fields(gguf, file);
    AddedTokens named;
    auto spec = readSpec(gguf, fields, maxPieces, named);
    if (!spec) return spec.error();
    return makeSentencePieceTokenizer(*spec, named, file);
}

}  // namespace spanscope
