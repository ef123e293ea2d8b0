// Writes the vocabulary as a sentencepiece model and lets libsentencepiece do the merging, so that a GGUF file and
// the tokenizer.model it was made from cannot tokenise differently.
#include "engine/model/gguf_vocabulary.h"

#include <algorithm>

#include "engine/model/added_tokens.h"
#include "engine/model/sentencepiece_proto.h"
#include "engine/model/sentencepiece_tokenizer.h"
#include "engine/model/utf8.h"

namespace spanscope {

namespace {

Result<VocabularySpec> readSpec(GgufFields& fields) {
    const std::string kind = fields.string("tokenizer.ggml.model");
    if (fields.ok() && kind != "llama")
        fields.fail(ErrorCode::Unsupported,
                    "this kind of vocabulary is not supported; sentencepiece vocabularies (Llama 2, TinyLlama, "
                    "Vicuna, Mistral) are",
                    "tokenizer.ggml.model", kind, "llama");
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
    spec.unkId = -1;
    for (size_t i = 0; i < tokens.size(); ++i) {
        const double type = types.empty() ? 1 : types[i];
        const std::string key = "tokenizer.ggml.tokens[" + std::to_string(i) + "]";
        if (type < 0 || type > 6) {
            fields.fail(ErrorCode::Format, "unknown type", "tokenizer.ggml.token_type[" + std::to_string(i) + "]",
                        std::to_string(type), "0 to 6");
            return fields.error();
        }
        if (tokens[i].empty() || firstBadUtf8(tokens[i]) != std::string_view::npos) {
            fields.fail(ErrorCode::Format, "empty or not UTF-8", key, tokens[i]);
            return fields.error();
        }
        const auto pieceType = type < 1 ? PieceType::Normal : static_cast<PieceType>(static_cast<int>(type));
        if (pieceType == PieceType::Unknown && spec.unkId < 0) spec.unkId = static_cast<int32_t>(i);
        spec.pieces.push_back({tokens[i], static_cast<float>(scores[i]), pieceType});
    }
    const auto last = static_cast<int64_t>(tokens.size()) - 1;
    const auto special = [&](const char* name) {
        return static_cast<int32_t>(fields.integer(std::string("tokenizer.ggml.") + name, -1, last, -1));
    };
    spec.bosId = special("bos_token_id");
    spec.eosId = special("eos_token_id");
    spec.padId = special("padding_token_id");
    spec.dummyPrefix = fields.boolean("tokenizer.ggml.add_space_prefix", true);
    if (fields.ok() && spec.unkId < 0)
        fields.fail(ErrorCode::Format, "no piece for the unknown", "tokenizer.ggml.token_type", "none of type 2",
                    "one of type 2");
    if (!fields.ok()) return fields.error();
    return spec;
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> loadGgufVocabulary(const GgufFile& gguf, const std::string& file) {
    GgufFields fields(gguf, file);
    auto spec = readSpec(fields);
    if (!spec) return spec.error();
    AddedTokens named;  // by name, as a Hugging Face folder gives them
    const auto name = [&](int32_t id) { return id < 0 ? std::string() : spec->pieces[static_cast<size_t>(id)].text; };
    named.bos = name(spec->bosId);
    named.eos = name(spec->eosId);
    named.pad = name(spec->padId);
    return makeSentencePieceTokenizer(writeModelProto(*spec), named, file);
}

}  // namespace spanscope
