#include "engine/model/gguf/gguf_vocabulary.h"

#include <utility>

#include "engine/model/tokenizer/sentencepiece_tokenizer.h"

namespace spanscope {

Result<GgufVocabulary> readGgufVocabulary(const GgufFile& gguf, int32_t maxPieces, const std::string& file) {
    GgufFields fields(gguf, file);
    // Refused from the count alone: a list of millions would cost seconds and gigabytes before it is found too long.
    if (const auto list = gguf.metadata.find("tokenizer.ggml.tokens");
        list != gguf.metadata.end() && list->second.count > static_cast<uint64_t>(maxPieces))
        fields.fail(ErrorCode::Format, "the vocabulary has more pieces than the model", "tokenizer.ggml.tokens",
                    std::to_string(list->second.count), "at most " + std::to_string(maxPieces));
    if (!fields.ok()) return fields.error();
    GgufVocabulary vocabulary;
    vocabulary.tokens = fields.strings("tokenizer.ggml.tokens");
    vocabulary.types = fields.numbers("tokenizer.ggml.token_type");
    const size_t nTokens = vocabulary.tokens.size(), nTypes = vocabulary.types.size();
    if (fields.ok() && (nTokens == 0 || (nTypes != 0 && nTypes != nTokens)))
        fields.fail(ErrorCode::Format, "lists of different lengths, or empty", "tokenizer.ggml.token_type",
                    std::to_string(nTokens) + " tokens, " + std::to_string(nTypes) + " types", "equal numbers");
    if (!fields.ok()) return fields.error();
    const auto name = [&](const char* key, std::string& piece) {
        const int64_t id =
            fields.integer(std::string("tokenizer.ggml.") + key, -1, static_cast<int64_t>(nTokens) - 1, -1);
        if (id >= 0) piece = vocabulary.tokens[static_cast<size_t>(id)];
    };
    name("bos_token_id", vocabulary.named.bos);
    name("eos_token_id", vocabulary.named.eos);
    name("padding_token_id", vocabulary.named.pad);
    vocabulary.spacePrefix = fields.boolean("tokenizer.ggml.add_space_prefix", true);
    if (!fields.ok()) return fields.error();
    return vocabulary;
}

namespace {

/// A sentencepiece model of the same content: libsentencepiece then does the merging, so that a GGUF file and the
/// tokenizer.model it was made from cannot tokenise differently.
Result<VocabularySpec> sentencePieceSpec(const GgufVocabulary& vocabulary, GgufFields& fields) {
    const std::vector<std::string>& tokens = vocabulary.tokens;
    const auto scores = fields.numbers("tokenizer.ggml.scores");
    if (fields.ok() && scores.size() != tokens.size())
        fields.fail(ErrorCode::Format, "lists of different lengths", "tokenizer.ggml.scores",
                    std::to_string(tokens.size()) + " tokens, " + std::to_string(scores.size()) + " scores",
                    "equal numbers");
    if (!fields.ok()) return fields.error();
    VocabularySpec spec;
    spec.kind = VocabularyKind::Bpe;
    spec.trimSpaces = false;
    spec.dummyPrefix = vocabulary.spacePrefix;
    for (size_t i = 0; i < tokens.size(); ++i) {
        const double type = vocabulary.types.empty() ? 1 : vocabulary.types[i];
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
    const auto rename = [](std::string& piece, const std::string& name) {
        if (!name.empty()) piece = name;
    };
    rename(spec.bos, vocabulary.named.bos);
    rename(spec.eos, vocabulary.named.eos);
    rename(spec.pad, vocabulary.named.pad);
    return spec;
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> loadGgufSentencePiece(const GgufFile& gguf, int32_t maxPieces,
                                                               const std::string& file) {
    auto vocabulary = readGgufVocabulary(gguf, maxPieces, file);
    if (!vocabulary) return vocabulary.error();
    GgufFields fields(gguf, file);
    auto spec = sentencePieceSpec(*vocabulary, fields);
    if (!spec) return spec.error();
    auto pieces = sentencePieceVocabulary(*spec, file);
    if (!pieces) return pieces.error();
    return makeTokenizer(std::move(*pieces), vocabulary->named, file);
}

}  // namespace spanscope
