#include "engine/model/tokenizer/tokenizer_json.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "engine/files/file_error.h"
#include "engine/files/json_fields.h"
#include "engine/model/mapped_file.h"
#include "engine/model/shape_limits.h"
#include "engine/model/tokenizer/bpe_tokenizer.h"
#include "engine/model/tokenizer/sentencepiece_tokenizer.h"
#include "engine/model/tokenizer/tokenizer_json_parts.h"

namespace spanscope {

using nlohmann::json;

namespace {

constexpr uint64_t kMaxBytes = 128 << 20;  // Gemma's has 33 MB
constexpr size_t kMaxHoles = 65536;        // ids without a piece

/// The pieces by id. Format for ids that are no ids or twice there.
Result<std::vector<VocabularyPiece>> piecesById(TokenizerJson& parts, const std::string& file) {
    std::vector<VocabularyPiece> pieces;
    const size_t nIds = std::min<size_t>(kMaxVocab, parts.vocabulary.size() + kMaxHoles);
    for (size_t i = 0; i < parts.vocabulary.size(); ++i) {
        auto& [text, number] = parts.vocabulary[i];
        const auto bad = [&](const char* message, const std::string& found, std::string_view expected) {
            return fileError(ErrorCode::Format, message, file, "model.vocab[" + std::to_string(i) + "]", found,
                             expected);
        };
        if (text.empty()) return bad("piece empty or too long", "0 bytes", "1 to " + std::to_string(kMaxPieceBytes));
        if (parts.scored) {
            pieces.push_back({std::move(text), static_cast<float>(number)});
            continue;
        }
        if (!(number >= 0 && number < static_cast<double>(nIds) && number == std::floor(number)))
            return bad("not a token id", std::to_string(number), "0 to " + std::to_string(nIds - 1));
        const auto id = static_cast<size_t>(number);
        if (id >= pieces.size()) pieces.resize(id + 1);
        if (!pieces[id].text.empty()) return bad("two tokens with one id", text, pieces[id].text);
        pieces[id].text = std::move(text);
    }
    return pieces;
}

/// What a model of byte pairs says beside its lists.
struct BpeSettings {
    bool ignoreMerges = false, byteFallback = false;
    std::string unk;
};

Result<BpeSettings> readBpeSettings(const json& model, const std::string& file) {
    if (auto status = onlyFields(model,
                                 {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                                  "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"},
                                 file, "model");
        !status)
        return status.error();
    JsonFields fields(model, file, "model.");
    BpeSettings settings;
    settings.ignoreMerges = fields.boolean("ignore_merges", false);
    settings.byteFallback = fields.boolean("byte_fallback", false);
    settings.unk = fields.string("unk_token", "");
    if (fields.number("dropout", 0, 1, 0) != 0)
        fields.fail(ErrorCode::Unsupported, "merges that are left out by chance are not supported", "dropout",
                    describeJson(model["dropout"]), "0");
    for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"})
        if (const std::string text = fields.string(affix, ""); !text.empty())
            fields.fail(ErrorCode::Unsupported, "pieces with an affix are not supported", affix, text, "none");
    if (!fields.ok()) return fields.error();
    return settings;
}

/// Added tokens that any text may become: white space and single characters.
std::vector<AddedToken> plainTokens(const AddedTokens& added) {
    std::vector<AddedToken> plain;
    std::copy_if(added.tokens.begin(), added.tokens.end(), std::back_inserter(plain),
                 [](const AddedToken& token) { return !isMarkup(token.content); });
    return plain;
}

Result<Vocabulary> readBpe(TokenizerJson& parts, std::vector<VocabularyPiece> pieces, TextSteps steps,
                           const AddedTokens& added, const std::string& file) {
    const auto settings = readBpeSettings(parts.rest["model"], file);
    if (!settings) return settings.error();
    if (!steps.byteLevel && !steps.marksSpaces())
        return fileError(ErrorCode::Unsupported, "this part of a tokenizer is not understood", file, "pre_tokenizer",
                         "neither ByteLevel nor spaces as U+2581", "one of the two");
    BpeSpec spec;
    spec.pieces = std::move(pieces);
    spec.byteLevel = steps.byteLevel;
    spec.byteFallback = settings->byteFallback;
    spec.ignoreMerges = settings->ignoreMerges;
    spec.rules = std::move(steps.rules);
    spec.expressions = std::move(steps.expressions);
    spec.splitAtMarks = steps.splitAtMarks;
    spec.plain = plainTokens(added);
    auto names = PieceNames::make(spec.pieces, file, "model.vocab");
    if (!names) return names.error();
    spec.merges.reserve(parts.merges.size());
    for (const auto& [left, right] : parts.merges)
        if (auto status = names->addMerge(left, right, file, "model.merges[" + std::to_string(spec.merges.size()) + "]",
                                          spec.merges);
            !status)
            return status.error();
    const int32_t unk = names->idOf(settings->unk);
    auto vocabulary = bpeVocabulary(std::move(spec), *names, file);
    if (vocabulary && !steps.byteLevel) vocabulary->unk = unk;  // bytes are never unknown
    return vocabulary;
}

/// What a file does to a text first, before another encoder that does nothing to it.
class RuledEncoder final : public TextEncoder {
  public:
    RuledEncoder(std::vector<TextRule> rules, std::unique_ptr<const TextEncoder> encoder)
        : m_rules(std::move(rules)), m_encoder(std::move(encoder)) {}
    Result<std::vector<int32_t>> encode(std::string_view text, bool follows) const override {
        std::string room;
        const auto normalised = applyRules(m_rules, text, follows, room);
        if (!normalised) return normalised.error();
        return m_encoder->encode(*normalised, follows);
    }

  private:
    std::vector<TextRule> m_rules;
    std::unique_ptr<const TextEncoder> m_encoder;
};

/// Carried by libsentencepiece, as a tokenizer.model is.
Result<Vocabulary> readUnigram(TokenizerJson& parts, std::vector<VocabularyPiece> pieces, TextSteps steps,
                               const AddedTokens& added, const std::string& file) {
    const json& model = parts.rest["model"];
    if (auto status = onlyFields(model, {"type", "unk_id", "byte_fallback", "vocab"}, file, "model"); !status)
        return status.error();
    JsonFields fields(model, file, "model.");
    VocabularySpec spec;
    spec.kind = VocabularyKind::Unigram;
    spec.byteFallback = fields.boolean("byte_fallback", false);
    const int64_t unk = fields.integer("unk_id", 0, static_cast<int64_t>(pieces.size()) - 1);
    if (!fields.ok()) return fields.error();
    if (!steps.marksSpaces() || !steps.expressions.empty() || steps.byteLevel)
        return fileError(ErrorCode::Unsupported, "this part of a tokenizer is not understood", file, "pre_tokenizer",
                         "not spaces as U+2581 alone", "spaces as U+2581");
    spec.dummyPrefix = false;  // the rules below put one where the file wants it
    spec.escapeSpaces = false;
    spec.trimSpaces = false;
    spec.pieces = std::move(pieces);
    for (size_t id = 0; id < spec.pieces.size(); ++id)
        if (spec.byteFallback && isByteName(spec.pieces[id].text)) spec.pieces[id].type = PieceType::Byte;
    spec.pieces[static_cast<size_t>(unk)].type = PieceType::Unknown;
    spec.unk = spec.pieces[static_cast<size_t>(unk)].text;
    for (const AddedToken& token : added.tokens) {
        const auto id = static_cast<size_t>(token.id);
        if (id >= spec.pieces.size() || static_cast<int64_t>(id) == unk || spec.pieces[id].text != token.content)
            continue;
        spec.pieces[id].type = isMarkup(token.content) ? PieceType::Control : PieceType::UserDefined;
    }
    spec.bos = added.bos;
    spec.eos = added.eos;
    auto vocabulary = sentencePieceVocabulary(spec, file);
    if (vocabulary)
        vocabulary->encoder = std::make_unique<RuledEncoder>(std::move(steps.rules), std::move(vocabulary->encoder));
    return vocabulary;
}

/// What the template puts around a text, unless tokenizer_config.json says otherwise.
Status setEnds(const TextEnds& ends, const std::string& file, VocabularyFile& read) {
    for (const bool before : {true, false}) {
        const std::string& piece = before ? ends.before : ends.after;
        std::string& named = before ? read.added.bos : read.added.eos;
        (before ? read.vocabulary.addsBos : read.vocabulary.addsEos) = !piece.empty();
        if (piece.empty()) continue;
        if (named.empty()) named = piece;
        if (named != piece)
            return fileError(ErrorCode::Unsupported, "the template adds another piece than the configuration names",
                             file, "post_processor", piece, named);
    }
    return {};
}

}  // namespace

Result<VocabularyFile> readTokenizerJson(TokenizerJson parts, AddedTokens added, const std::string& file) {
    const json& rest = parts.rest;
    if (auto status = onlyFields(rest,
                                 {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
                                  "post_processor", "decoder", "model"},
                                 file, "tokenizer");
        !status)
        return status.error();
    const JsonFields fields(rest, file);
    TextSteps steps;
    TextEnds ends;
    if (auto status = readNormalizer(fields.find("normalizer"), file, steps); !status) return status.error();
    if (auto status = readPreTokenizer(fields.find("pre_tokenizer"), file, steps); !status) return status.error();
    if (auto status = readPostProcessor(fields.find("post_processor"), file, ends); !status) return status.error();
    if (auto status = checkDecoder(fields.find("decoder"), file, steps.byteLevel); !status) return status.error();
    JsonFields model(rest["model"], file, "model.");
    const std::string type = model.string("type", parts.scored ? "Unigram" : "BPE");  // old files do not say it
    if (!model.ok()) return model.error();
    if ((type != "BPE" && type != "Unigram") || parts.scored != (type == "Unigram"))
        return fileError(ErrorCode::Unsupported, "this kind of vocabulary is not supported", file, "model.type", type,
                         "BPE, or Unigram with scores");
    auto pieces = piecesById(parts, file);
    if (!pieces) return pieces.error();
    if (pieces->empty()) return fileError(ErrorCode::Format, "vocabulary is empty", file, "model.vocab");
    auto vocabulary = type == "BPE" ? readBpe(parts, std::move(*pieces), std::move(steps), added, file)
                                    : readUnigram(parts, std::move(*pieces), std::move(steps), added, file);
    if (!vocabulary) return vocabulary.error();
    VocabularyFile read{std::move(*vocabulary), std::move(added)};
    if (auto status = setEnds(ends, file, read); !status) return status.error();
    return read;
}

Result<VocabularyFile> loadTokenizerJson(const std::string& path, int32_t maxPieces) {
    const auto mapped = MappedFile::open(path);
    if (!mapped) return mapped.error();
    const auto bytes = (*mapped)->bytes();
    if (bytes.size() > kMaxBytes)
        return fileError(ErrorCode::Format, "file too large", path, "size", std::to_string(bytes.size()) + " bytes",
                         "at most " + std::to_string(kMaxBytes) + " bytes");
    auto parts = parseTokenizerJson({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path, maxPieces);
    if (!parts) return parts.error();
    auto added = loadAddedTokens(std::filesystem::path(path).parent_path().string(),
                                 JsonFields(parts->rest, path).find("added_tokens"), path);
    if (!added) return added.error();
    return readTokenizerJson(std::move(*parts), std::move(*added), path);
}

}  // namespace spanscope
