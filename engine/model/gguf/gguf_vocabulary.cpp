#include "engine/model/gguf/gguf_vocabulary.h"

#include <algorithm>
#include <utility>

#include "engine/files/file_error.h"
#include "engine/model/tokenizer/bpe_tokenizer.h"
#include "engine/model/tokenizer/pre_tokenizer_names.h"
#include "engine/model/tokenizer/sentencepiece_tokenizer.h"

namespace spanscope {

namespace {

std::vector<PieceType> readTypes(GgufFields& fields, size_t nTokens) {
    const auto numbers = fields.numbers("tokenizer.ggml.token_type");
    if (fields.ok() && (nTokens == 0 || (!numbers.empty() && numbers.size() != nTokens)))
        fields.fail(ErrorCode::Format, "lists of different lengths, or empty", "tokenizer.ggml.token_type",
                    std::to_string(nTokens) + " tokens, " + std::to_string(numbers.size()) + " types", "equal numbers");
    std::vector<PieceType> types(nTokens, PieceType::Normal);
    for (size_t i = 0; i < numbers.size() && fields.ok(); ++i) {
        if (numbers[i] < 0 || numbers[i] > 6)
            fields.fail(ErrorCode::Format, "unknown type", "tokenizer.ggml.token_type[" + std::to_string(i) + "]",
                        std::to_string(numbers[i]), "0 to 6");
        else if (numbers[i] >= 1) types[i] = static_cast<PieceType>(static_cast<int>(numbers[i]));
    }
    return types;
}

/// How converters fill the ids that a vocabulary leaves out: "[PAD32012]", of several types over the years.
bool isPadding(std::string_view token, size_t id) { return token == "[PAD" + std::to_string(id) + "]"; }

}  // namespace

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
    const size_t nTokens = vocabulary.tokens.size();
    if (fields.ok()) vocabulary.types = readTypes(fields, nTokens);
    if (!fields.ok()) return fields.error();
    for (size_t id = 0; id < nTokens; ++id)
        if (isPadding(vocabulary.tokens[id], id)) vocabulary.types[id] = PieceType::Unused;
    const auto name = [&](const char* key, std::string& piece) {
        const int64_t id =
            fields.integer(std::string("tokenizer.ggml.") + key, -1, static_cast<int64_t>(nTokens) - 1, -1);
        if (id >= 0) piece = vocabulary.tokens[static_cast<size_t>(id)];
    };
    name("bos_token_id", vocabulary.named.bos);
    name("eos_token_id", vocabulary.named.eos);
    name("padding_token_id", vocabulary.named.pad);
    const auto says = [&](const char* key, std::optional<bool>& adds) {
        const std::string whole = std::string("tokenizer.ggml.") + key;
        if (fields.has(whole)) adds = fields.boolean(whole, false);
    };
    says("add_bos_token", vocabulary.named.addsBos);
    says("add_eos_token", vocabulary.named.addsEos);
    if (!fields.ok()) return fields.error();
    return vocabulary;
}

namespace {

std::string withSpaceMarks(std::string_view token) {
    std::string marked;
    for (const char c : token) marked += c == ' ' ? kSpaceMark : std::string_view(&c, 1);
    return marked;
}

/// A sentencepiece model of the same content: libsentencepiece then does the merging, so that a GGUF file and the
/// tokenizer.model it was made from cannot tokenise differently.
Result<VocabularySpec> sentencePieceSpec(const GgufVocabulary& vocabulary, GgufFields& fields) {
    const std::vector<std::string>& tokens = vocabulary.tokens;
    const auto scores = fields.numbers("tokenizer.ggml.scores");
    if (fields.ok() && scores.size() != tokens.size())
        fields.fail(ErrorCode::Format, "lists of different lengths", "tokenizer.ggml.scores",
                    std::to_string(tokens.size()) + " tokens, " + std::to_string(scores.size()) + " scores",
                    "equal numbers");
    VocabularySpec spec;
    spec.kind = VocabularyKind::Bpe;
    spec.trimSpaces = false;
    spec.dummyPrefix = fields.boolean("tokenizer.ggml.add_space_prefix", true);
    if (!fields.ok()) return fields.error();
    for (size_t i = 0; i < tokens.size(); ++i) {
        const PieceType type = vocabulary.types[i];
        if (type == PieceType::Unknown) spec.unk = tokens[i];
        if (type == PieceType::Byte) spec.byteFallback = true;
        // Converters write the spaces of these as spaces, where a sentencepiece model has its mark.
        spec.pieces.push_back({type == PieceType::UserDefined ? withSpaceMarks(tokens[i]) : tokens[i],
                               static_cast<float>(scores[i]), type});
    }
    // Where none has that type, files mean one that they call control.
    const bool hasUnknown = std::any_of(spec.pieces.begin(), spec.pieces.end(),
                                        [](const auto& piece) { return piece.type == PieceType::Unknown; });
    const int64_t unknown = fields.integer("tokenizer.ggml.unknown_token_id", 0, int64_t(tokens.size()) - 1, 0);
    if (!fields.ok()) return fields.error();
    if (VocabularyPiece& piece = spec.pieces[static_cast<size_t>(unknown)];
        !hasUnknown && piece.type == PieceType::Control) {
        piece.type = PieceType::Unknown;
        spec.unk = piece.text;
    }
    const auto rename = [](std::string& piece, const std::string& name) {
        if (!name.empty()) piece = name;
    };
    rename(spec.bos, vocabulary.named.bos);
    rename(spec.eos, vocabulary.named.eos);
    rename(spec.pad, vocabulary.named.pad);
    return spec;
}

/// "left right": the first space behind the first byte parts them; a piece never holds one.
Status readMerges(GgufFields& fields, const std::string& file, PieceNames& names, std::vector<BpeMerge>& merges) {
    const std::vector<std::string> lines = fields.strings("tokenizer.ggml.merges");
    if (!fields.ok()) return fields.error();
    merges.reserve(lines.size());
    for (const std::string_view line : lines) {
        const std::string field = "tokenizer.ggml.merges[" + std::to_string(merges.size()) + "]";
        const size_t space = line.find(' ', 1);
        if (space == std::string_view::npos)
            return fileError(ErrorCode::Format, "not a merge", file, field, line, "two pieces with a space between");
        if (auto status = names.addMerge(line.substr(0, space), line.substr(space + 1), file, field, merges); !status)
            return status;
    }
    return {};
}

}  // namespace

Result<VocabularyFile> readGgufSentencePiece(const GgufFile& gguf, int32_t maxPieces, const std::string& file) {
    auto vocabulary = readGgufVocabulary(gguf, maxPieces, file);
    if (!vocabulary) return vocabulary.error();
    GgufFields fields(gguf, file);
    auto spec = sentencePieceSpec(*vocabulary, fields);
    if (!spec) return spec.error();
    auto pieces = sentencePieceVocabulary(*spec, file);
    if (!pieces) return pieces.error();
    for (size_t id = 0; id < pieces->pieces.size(); ++id)
        if (isPadding(pieces->pieces[id].name, id)) pieces->pieces[id] = {};  // no piece: never sampled
    return VocabularyFile{std::move(*pieces), std::move(vocabulary->named)};
}

Result<VocabularyFile> readGgufBpe(const GgufFile& gguf, int32_t maxPieces, const std::string& file) {
    GgufFields fields(gguf, file);
    const std::string preName = fields.string("tokenizer.ggml.pre");
    if (!fields.ok()) return fields.error();
    const GgufPreTokenizer* pre = findGgufPreTokenizer(preName);
    if (pre == nullptr)
        return fileError(ErrorCode::Unsupported, "text is cut into words in a way that this program does not know",
                         file, "tokenizer.ggml.pre", preName, knownGgufPreTokenizers());
    auto vocabulary = readGgufVocabulary(gguf, maxPieces, file);
    if (!vocabulary) return vocabulary.error();
    BpeSpec spec;
    spec.pieces.reserve(vocabulary->tokens.size());
    for (size_t i = 0; i < vocabulary->tokens.size(); ++i)
        spec.pieces.push_back({std::move(vocabulary->tokens[i]), 0, vocabulary->types[i]});
    auto names = PieceNames::make(spec.pieces, file, "tokenizer.ggml.tokens");
    if (!names) return names.error();
    if (auto status = readMerges(fields, file, *names, spec.merges); !status) return status.error();
    spec.ignoreMerges = pre->ignoreMerges;
    spec.expressions.assign(pre->expressions.begin(), pre->expressions.end());
    if (pre->nfc) spec.rules.push_back({TextRule::Kind::Nfc, {}, {}});
    auto pieces = bpeVocabulary(std::move(spec), *names, file);
    if (!pieces) return pieces.error();
    pieces->addsBos = pre->addsBos;
    return VocabularyFile{std::move(*pieces), std::move(vocabulary->named)};
}

}  // namespace spanscope
