#include "engine/model/tokenizer/sentencepiece_tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <mutex>
#include <unordered_map>

#include "engine/files/file_error.h"
#include "engine/files/utf8.h"
#include "engine/model/mapped_file.h"
#include "engine/model/tokenizer/sentencepiece_proto.h"

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
constexpr size_t kMaxTextBytes = size_t{1} << 30;        // the library counts in int
constexpr int32_t kMaxHoles = 65536;                     // ids between the model's own and the last added one
constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

/// Appended to a serialised ModelProto this sets normalizer_spec.add_dummy_prefix = false: protobuf merges fields
/// that come twice. For text that continues after a special piece.
constexpr std::string_view kNoDummyPrefix("\x1a\x02\x18\x00", 4);

struct Piece {
    std::string name;
    std::string bytes;
    bool control = false;
    bool special = false;
};

class SentencePieceTokenizer final : public Tokenizer {
  public:
    Status init(const VocabularySpec& spec, const AddedTokens& added, const std::string& file);

    int32_t vocabSize() const override { return static_cast<int32_t>(m_pieces.size()); }
    int32_t bosId() const override { return m_bos; }
    int32_t eosId() const override { return m_eos; }
    Result<std::vector<int32_t>> encode(std::string_view text) const override;
    Result<std::vector<int32_t>> encodeTrusted(std::string_view text) const override;
    std::string pieceBytes(int32_t id) const override { return has(id) ? m_pieces[id].bytes : std::string(); }
    std::string pieceName(int32_t id) const override { return has(id) ? m_pieces[id].name : std::string(); }
    bool isControl(int32_t id) const override { return has(id) && m_pieces[id].control; }
    bool isSpecial(int32_t id) const override { return has(id) && m_pieces[id].special; }
    int32_t idOf(std::string_view name) const override {
        const auto it = m_ids.find(std::string(name));
        return it == m_ids.end() ? -1 : it->second;
    }

  private:
    bool has(int32_t id) const { return id >= 0 && static_cast<size_t>(id) < m_pieces.size(); }
    void readPieces(const VocabularySpec& spec);
    void addMark(int32_t id);
    const AddedToken* markAt(std::string_view text) const;
    Status addTokens(const AddedTokens& added, const std::string& file);
    int32_t named(const std::string& name, int32_t fallback);
    const sentencepiece::SentencePieceProcessor& continued() const;
    Result<std::vector<int>> run(const sentencepiece::SentencePieceProcessor& processor, std::string_view text) const;
    Status appendPlain(const std::vector<int>& ids, std::string_view text, std::vector<int32_t>& out) const;
    bool spell(std::string_view text, std::vector<int32_t>& out) const;

    sentencepiece::SentencePieceProcessor m_processor;
    mutable sentencepiece::SentencePieceProcessor m_continued;  // without the dummy prefix; made when first needed
    mutable std::once_flag m_continuedOnce;
    std::vector<Piece> m_pieces;
    std::unordered_map<std::string, int32_t> m_ids;
    std::array<int32_t, 256> m_byteIds{};
    std::array<std::vector<AddedToken>, 256> m_marks;  // what only encodeTrusted() finds: by first byte, longest first
    int32_t m_bos = -1, m_eos = -1, m_unk = -1;
};

/// A user-defined piece that is one character or white space can be typed like any other; longer ones are markup.
bool isMarkup(std::string_view name) {
    if (nextUtf8(name).nBytes >= name.size()) return false;
    while (!name.empty()) {
        const bool space = name.starts_with(kSpaceMark);
        if (!space && std::string_view(" \t\r\n").find(name[0]) == std::string_view::npos) return true;
        name.remove_prefix(space ? kSpaceMark.size() : 1);
    }
    return false;
}

std::string bytesOf(std::string_view name) {
    std::string bytes;
    for (size_t at = 0; at < name.size();) {
        const bool space = name.substr(at).starts_with(kSpaceMark);
        bytes += space ? ' ' : name[at];
        at += space ? kSpaceMark.size() : 1;
    }
    return bytes;
}

Status SentencePieceTokenizer::init(const VocabularySpec& spec, const AddedTokens& added, const std::string& file) {
    if (auto status = checkSpec(spec, file); !status) return status;
    silenceLibrary();
    try {  // most faults come as a status; what its trie cannot hold as an exception
        const auto loaded = m_processor.LoadFromSerializedProto(writeModelProto(spec));
        if (!loaded.ok())
            return fileError(ErrorCode::Format, "libsentencepiece cannot read it: " + clipped(loaded.ToString()), file);
    } catch (const std::exception& e) {
        return fileError(ErrorCode::Format, "libsentencepiece cannot read it: " + clipped(e.what()), file);
    }
    if (spec.pieces.size() != static_cast<size_t>(m_processor.GetPieceSize()))
        return fileError(ErrorCode::Format, "libsentencepiece sees other pieces", file, "pieces",
                         std::to_string(m_processor.GetPieceSize()), std::to_string(spec.pieces.size()));
    readPieces(spec);
    if (auto status = addTokens(added, file); !status) return status;
    m_bos = named(added.bos, m_processor.bos_id());
    m_eos = named(added.eos, m_processor.eos_id());
    named(added.unk, -1);
    named(added.pad, -1);

    for (const std::string_view name : kSpecialPieces) {  // markup even where a vocabulary calls them control pieces
        const int32_t id = idOf(name);
        if (id < 0 || id == m_bos || id == m_eos || id == m_unk) continue;
        m_pieces[id] = {std::string(name), std::string(name), false, true};
    }
    for (int32_t id = 0; id < vocabSize(); ++id)
        if (m_pieces[id].special && !m_pieces[id].control) addMark(id);
    for (auto& marks : m_marks)
        std::sort(marks.begin(), marks.end(),
                  [](const auto& a, const auto& b) { return a.content.size() > b.content.size(); });
    return {};
}

void SentencePieceTokenizer::addMark(int32_t id) {
    const std::string& name = m_pieces[id].name;
    if (!name.empty()) m_marks[static_cast<uint8_t>(name[0])].push_back({id, name});
}

const AddedToken* SentencePieceTokenizer::markAt(std::string_view text) const {
    for (const AddedToken& mark : m_marks[static_cast<uint8_t>(text[0])])
        if (text.starts_with(mark.content)) return &mark;
    return nullptr;
}

void SentencePieceTokenizer::readPieces(const VocabularySpec& spec) {
    m_byteIds.fill(-1);
    m_pieces.resize(spec.pieces.size());
    m_unk = m_processor.unk_id();
    for (int32_t id = 0; id < vocabSize(); ++id) {
        const VocabularyPiece& from = spec.pieces[id];
        Piece& piece = m_pieces[id];
        piece.name = from.text;
        piece.control = from.type == PieceType::Control || from.type == PieceType::Unknown;
        piece.special = piece.control;
        if (from.type == PieceType::Byte) {
            const auto byte = static_cast<uint8_t>(std::stoi(piece.name.substr(3, 2), nullptr, 16));
            m_byteIds[byte] = id;
            piece.bytes = std::string(1, static_cast<char>(byte));
        } else if (!piece.control) {
            piece.bytes = bytesOf(piece.name);
            piece.special = from.type == PieceType::UserDefined && isMarkup(piece.name);
        }
        m_ids.emplace(piece.name, id);
    }
}

Status SentencePieceTokenizer::addTokens(const AddedTokens& added, const std::string& file) {
    const int32_t own = vocabSize();
    for (const AddedToken& token : added.tokens) {
        if (token.id >= own + kMaxHoles)
            return fileError(ErrorCode::Format, "added token far outside the vocabulary", file, token.content,
                             std::to_string(token.id), "below " + std::to_string(own + kMaxHoles));
        if (token.id >= vocabSize()) m_pieces.resize(static_cast<size_t>(token.id) + 1);
        Piece& piece = m_pieces[token.id];
        const bool sameAsOwn = piece.name == token.content;
        if (sameAsOwn && !piece.control && !isMarkup(token.content)) continue;  // an ordinary piece listed again
        if (!piece.name.empty() && !sameAsOwn) m_ids.erase(piece.name);
        piece.name = token.content;
        piece.special = true;
        if (!piece.control) piece.bytes = token.content;
        m_ids[token.content] = token.id;
        addMark(token.id);
    }
    return {};
}

int32_t SentencePieceTokenizer::named(const std::string& name, int32_t fallback) {
    int32_t id = name.empty() ? -1 : idOf(name);
    if (id < 0) id = has(fallback) ? fallback : -1;
    if (has(id) && !name.empty()) {
        m_pieces[id].control = m_pieces[id].special = true;
        m_pieces[id].bytes.clear();
    }
    return id;
}

const sentencepiece::SentencePieceProcessor& SentencePieceTokenizer::continued() const {
    std::call_once(m_continuedOnce, [this] {  // a processor that did not load says so when it is asked to encode
        static_cast<void>(
            m_continued.LoadFromSerializedProto(m_processor.serialized_model_proto() + std::string(kNoDummyPrefix)));
    });
    return m_continued;
}

Result<std::vector<int>> SentencePieceTokenizer::run(const sentencepiece::SentencePieceProcessor& processor,
                                                     std::string_view text) const {
    if (text.size() > kMaxTextBytes)
        return Error{ErrorCode::InvalidArgument,
                     "text too long",
                     "",
                     "",
                     std::to_string(text.size()) + " bytes",
                     "at most " + std::to_string(kMaxTextBytes)};
    if (const size_t bad = firstBadUtf8(text); bad != std::string_view::npos)
        return Error{ErrorCode::InvalidArgument, "text is not UTF-8", "", "byte " + std::to_string(bad)};
    std::vector<int> ids;
    const auto status = processor.Encode(text, &ids);
    if (!status.ok()) return Error{ErrorCode::InvalidArgument, "libsentencepiece: " + status.ToString()};
    return ids;
}

bool SentencePieceTokenizer::spell(std::string_view text, std::vector<int32_t>& out) const {
    for (size_t at = 0; at < text.size();) {
        const std::string_view character = text.substr(at, nextUtf8(text.substr(at)).nBytes);
        at += character.size();
        const int32_t id = idOf(character);
        if (id >= 0 && !m_pieces[id].special) {
            out.push_back(id);
            continue;
        }
        for (const char c : character) {
            const int32_t byteId = m_byteIds[static_cast<uint8_t>(c)];
            if (byteId < 0) return false;
            out.push_back(byteId);
        }
    }
    return true;
}

Status SentencePieceTokenizer::appendPlain(const std::vector<int>& ids, std::string_view text,
                                           std::vector<int32_t>& out) const {
    for (const int id : ids) {
        if (has(id) && !m_pieces[id].special) {
            out.push_back(id);
            continue;
        }
        if (has(id) && id != m_unk && spell(m_pieces[id].name, out)) continue;
        return Error{ErrorCode::InvalidArgument,
                     "the text has a character that this model's vocabulary cannot write",
                     "",
                     "",
                     clipped(text),
                     "characters of the vocabulary"};
    }
    return {};
}

Result<std::vector<int32_t>> SentencePieceTokenizer::encode(std::string_view text) const {
    auto ids = run(m_processor, text);
    if (!ids) return ids.error();
    std::vector<int32_t> out;
    out.reserve(ids->size());
    if (auto status = appendPlain(*ids, text, out); !status) return status.error();
    return out;
}

Result<std::vector<int32_t>> SentencePieceTokenizer::encodeTrusted(std::string_view text) const {
    std::vector<int32_t> out;
    size_t plainBegin = 0;
    const auto flush = [&](size_t end) -> Status {
        if (plainBegin >= end) return {};
        const std::string_view part = text.substr(plainBegin, end - plainBegin);
        auto ids = run(plainBegin == 0 ? m_processor : continued(), part);
        if (!ids) return ids.error();
        return appendPlain(*ids, part, out);
    };
    for (size_t at = 0; at < text.size();) {
        const std::string_view rest = text.substr(at);
        const AddedToken* mark = markAt(rest);
        if (mark == nullptr) {
            ++at;
            continue;
        }
        if (auto status = flush(at); !status) return status.error();
        out.push_back(mark->id);
        at += mark->content.size();
        plainBegin = at;
    }
    if (auto status = flush(text.size()); !status) return status.error();
    return out;
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> makeSentencePieceTokenizer(const VocabularySpec& spec,
                                                                    const AddedTokens& added, const std::string& file) {
    auto tokenizer = std::make_shared<SentencePieceTokenizer>();
    if (auto status = tokenizer->init(spec, added, file); !status) return status.error();
    return std::shared_ptr<const Tokenizer>(std::move(tokenizer));
}

Result<std::shared_ptr<const Tokenizer>> loadSentencePiece(const std::string& tokenizerModelPath, int32_t maxPieces) {
    auto proto = readSmallFile(tokenizerModelPath, kMaxModelBytes);
    if (!proto) return proto.error();
    auto spec = readModelProto(*proto, tokenizerModelPath, maxPieces < 0 ? kMaxVocab : maxPieces);
    if (!spec) return spec.error();
    auto added = loadAddedTokens(std::filesystem::path(tokenizerModelPath).parent_path().string());
    if (!added) return added.error();
    return makeSentencePieceTokenizer(*spec, *added, tokenizerModelPath);
}

}  // namespace spanscope
