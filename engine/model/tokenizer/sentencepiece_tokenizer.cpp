#include "engine/model/tokenizer/sentencepiece_tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <mutex>
#include <string>
#include <utility>

#include "engine/files/file_error.h"
#include "engine/model/mapped_file.h"
#include "engine/model/tokenizer/scored_merges.h"
#include "engine/model/tokenizer/scratch_pool.h"
#include "engine/model/tokenizer/word_cache.h"

// Exported by the library, declared in none of its installed headers; absent from builds that do not log.
namespace sentencepiece::logging {
[[gnu::weak]] void SetMinLogLevel(int level);
}

namespace spanscope {

namespace {

/// The library writes parts of files to the standard error stream, as they are. Its results say the same as a status.
void silenceLibrary() {
    constexpr int kAboveEverySeverity = 4;
    if (sentencepiece::logging::SetMinLogLevel != nullptr) sentencepiece::logging::SetMinLogLevel(kAboveEverySeverity);
}

constexpr uint64_t kMaxModelBytes = 64 << 20;

/// Appended to a serialised ModelProto this sets normalizer_spec.add_dummy_prefix = false: protobuf merges fields
/// that come twice. For text that continues after a special piece.
constexpr std::string_view kNoDummyPrefix("\x1a\x02\x18\x00", 4);

/// Where the pieces of a text before a space have nothing to do with those behind it, so that each word can be encoded
/// by itself, and one that came before needs no encoding. A piece that begins before a space and ends behind it would
/// join the two; merges are pairs of pieces, and nothing else reaches over.
class WordBorders {
  public:
    /// None for a vocabulary whose results depend on more: whole texts are normalised, or scored.
    explicit WordBorders(const VocabularySpec& spec)
        : m_any(spec.kind == VocabularyKind::Bpe && spec.charsmap.empty() && !spec.trimSpaces && !spec.spaceAtEnd &&
                spec.escapeSpaces && spec.byteFallback) {
        m_joins.fill(!m_any);
        m_joins[static_cast<uint8_t>(' ')] = m_joins[static_cast<uint8_t>(kSpaceMark.back())] = true;  // runs of them
        for (const VocabularyPiece& piece : spec.pieces)
            for (const std::string_view space : {kSpaceMark, std::string_view(" ")})
                for (size_t at = piece.text.find(space, 1); at != std::string::npos;
                     at = piece.text.find(space, at + 1))
                    m_joins[static_cast<uint8_t>(piece.text[at - 1])] = true;
    }
    bool any() const { return m_any; }
    /// Where the word ends that begins at `begin`.
    size_t next(std::string_view text, size_t begin) const {
        size_t at = text.find(' ', begin + 1);
        while (at != std::string_view::npos && m_joins[static_cast<uint8_t>(text[at - 1])]) at = text.find(' ', at + 1);
        return std::min(at, text.size());
    }

  private:
    bool m_any;
    std::array<bool, 256> m_joins{};  ///< by the last byte before the space
};

class SentencePieceEncoder final : public TextEncoder {
  public:
    explicit SentencePieceEncoder(VocabularySpec spec) : m_spec(std::move(spec)), m_borders(m_spec) {}
    Status load(const std::string& file);
    const sentencepiece::SentencePieceProcessor& processor() const { return m_processor; }
    Result<std::vector<int32_t>> encode(std::string_view text, bool follows) const override;

  private:
    struct Scratch {
        WordCache cache;
        std::string word;
        std::vector<int> pieces;
    };
    const sentencepiece::SentencePieceProcessor& continued() const;
    bool cutWord(std::string_view word, Scratch& scratch) const;

    VocabularySpec m_spec;
    WordBorders m_borders;
    sentencepiece::SentencePieceProcessor m_processor;
    mutable sentencepiece::SentencePieceProcessor m_continued;  // without the dummy prefix; made when first needed
    mutable std::once_flag m_continuedOnce;
    mutable std::unique_ptr<ScoredMerges> m_merges;  // made for the first long text; may be null
    mutable std::once_flag m_mergesOnce;
    mutable ScratchPool<Scratch> m_scratches;
};

Status SentencePieceEncoder::load(const std::string& file) {
    silenceLibrary();
    try {  // most faults come as a status; what its trie cannot hold as an exception
        const auto loaded = m_processor.LoadFromSerializedProto(writeModelProto(m_spec));
        if (!loaded.ok())
            return fileError(ErrorCode::Format, "libsentencepiece cannot read it: " + clipped(loaded.ToString()), file);
    } catch (const std::exception& e) {
        return fileError(ErrorCode::Format, "libsentencepiece cannot read it: " + clipped(e.what()), file);
    }
    if (m_spec.pieces.size() != static_cast<size_t>(m_processor.GetPieceSize()))
        return fileError(ErrorCode::Format, "libsentencepiece sees other pieces", file, "pieces",
                         std::to_string(m_processor.GetPieceSize()), std::to_string(m_spec.pieces.size()));
    return {};
}

const sentencepiece::SentencePieceProcessor& SentencePieceEncoder::continued() const {
    std::call_once(m_continuedOnce, [this] {  // a processor that did not load says so when it is asked to encode
        static_cast<void>(
            m_continued.LoadFromSerializedProto(m_processor.serialized_model_proto() + std::string(kNoDummyPrefix)));
    });
    return m_continued;
}

/// A word of a long text, behind its first: no space is put before it. False: it is for the library.
bool SentencePieceEncoder::cutWord(std::string_view word, Scratch& scratch) const {
    if (!m_borders.any()) return false;
    std::call_once(m_mergesOnce, [this] { m_merges = ScoredMerges::make(m_spec); });
    if (m_merges == nullptr) return false;
    scratch.word.clear();
    for (const char c : word) scratch.word += c == ' ' ? kSpaceMark : std::string_view(&c, 1);
    return m_merges->cut(scratch.word, scratch.pieces);
}

Result<std::vector<int32_t>> SentencePieceEncoder::encode(std::string_view text, bool follows) const {
    const ScratchPool<Scratch>::Borrowed borrowed(m_scratches, [] { return std::make_unique<Scratch>(); });
    Scratch& scratch = *borrowed;
    scratch.cache.allocateFor(text.size());
    std::vector<int32_t> out;
    for (size_t begin = 0, end = 0; begin < text.size(); begin = end) {
        end = m_borders.next(text, begin);
        const std::string_view word = text.substr(begin, end - begin);
        WordCache::Entry* entry = nullptr;
        if (begin > 0 && word.size() <= WordCache::kMaxBytes && scratch.cache.allocated()) {
            entry = &scratch.cache.entryOf(word);
            if (entry->holds(word)) {
                const auto pieces = entry->pieces();
                out.insert(out.end(), pieces.begin(), pieces.end());
                continue;
            }
        }
        if (entry == nullptr || text.size() < ScoredMerges::kWorthIt || !cutWord(word, scratch)) {
            const auto status = (follows || begin > 0 ? continued() : m_processor).Encode(word, &scratch.pieces);
            if (!status.ok()) return Error{ErrorCode::InvalidArgument, "libsentencepiece: " + status.ToString()};
        }
        if (entry != nullptr) entry->set(word, scratch.pieces);
        out.insert(out.end(), scratch.pieces.begin(), scratch.pieces.end());
    }
    return out;
}

void readPieces(const VocabularySpec& spec, Vocabulary& vocabulary) {
    vocabulary.pieces.resize(spec.pieces.size());
    for (size_t id = 0; id < spec.pieces.size(); ++id) {
        const VocabularyPiece& from = spec.pieces[id];
        Piece& piece = vocabulary.pieces[id];
        piece.name = from.text;
        piece.control = from.type == PieceType::Control || from.type == PieceType::Unknown;
        piece.special = piece.control;
        if (from.type == PieceType::Byte) {
            const auto byte = static_cast<uint8_t>(std::stoi(piece.name.substr(3, 2), nullptr, 16));
            vocabulary.byteIds[byte] = static_cast<int32_t>(id);
            piece.bytes = std::string(1, static_cast<char>(byte));
        } else if (!piece.control) {
            piece.bytes = spaceMarkBytes(piece.name);
            piece.special = from.type == PieceType::UserDefined && isMarkup(piece.name);
        }
    }
}

}  // namespace

Result<Vocabulary> sentencePieceVocabulary(const VocabularySpec& spec, const std::string& file) {
    if (auto status = checkSpec(spec, file); !status) return status.error();
    auto encoder = std::make_unique<SentencePieceEncoder>(spec);
    if (auto status = encoder->load(file); !status) return status.error();
    Vocabulary vocabulary;
    readPieces(spec, vocabulary);
    vocabulary.bos = encoder->processor().bos_id();
    vocabulary.eos = encoder->processor().eos_id();
    vocabulary.unk = encoder->processor().unk_id();
    vocabulary.encoder = std::move(encoder);
    return vocabulary;
}

Result<VocabularyFile> loadTokenizerModel(const std::string& path, int32_t maxPieces) {
    auto proto = readSmallFile(path, kMaxModelBytes);
    if (!proto) return proto.error();
    auto spec = readModelProto(*proto, path, maxPieces);
    if (!spec) return spec.error();
    auto added = loadAddedTokens(std::filesystem::path(path).parent_path().string());
    if (!added) return added.error();
    auto vocabulary = sentencePieceVocabulary(*spec, path);
    if (!vocabulary) return vocabulary.error();
    return VocabularyFile{std::move(*vocabulary), std::move(*added)};
}

}  // namespace spanscope
