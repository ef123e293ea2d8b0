#include "engine/model/tokenizer/vocabulary.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "engine/files/file_error.h"
#include "engine/files/utf8.h"
#include "engine/model/tokenizer/byte_level.h"
#include "engine/model/tokenizer/token_marks.h"

namespace spanscope {

namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;  // encoders count in int
constexpr int32_t kMaxHoles = 65536;               // ids between the vocabulary's own and the last added one

bool isDigits(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

class VocabularyTokenizer final : public Tokenizer {
  public:
    explicit VocabularyTokenizer(Vocabulary vocabulary);
    Status add(const AddedTokens& added, const PieceRiders& riders, const std::string& file);

    int32_t vocabSize() const override { return static_cast<int32_t>(m_pieces.size()); }
    int32_t bosId() const override { return m_bos; }
    int32_t eosId() const override { return m_eos; }
    bool addsBos() const override { return m_addsBos; }
    bool addsEos() const override { return m_addsEos; }
    Result<std::vector<int32_t>> encode(std::string_view text, TextTrust trust, bool follows) const override;
    std::string pieceBytes(int32_t id) const override { return has(id) ? m_pieces[id].bytes : std::string(); }
    std::string pieceName(int32_t id) const override { return has(id) ? m_pieces[id].name : std::string(); }
    bool isControl(int32_t id) const override { return has(id) && m_pieces[id].control; }
    bool isSpecial(int32_t id) const override { return has(id) && m_pieces[id].special; }
    std::span<const int32_t> holes() const override { return m_holes; }
    std::span<const int32_t> lineEndPieces() const override { return m_lineEnds; }
    int32_t idOf(std::string_view name) const override {
        const auto it = m_ids.find(name);
        return it == m_ids.end() ? -1 : it->second;
    }

  private:
    struct Hash {
        using is_transparent = void;
        size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };

    bool has(int32_t id) const { return id >= 0 && static_cast<size_t>(id) < m_pieces.size(); }
    void rename(int32_t id, std::string_view name);
    Status addTokens(const AddedTokens& added, const std::string& file);
    Status addEnds(const AddedTokens& added, const std::string& file);
    Status addRiders(const PieceRiders& riders, const std::string& file);
    void listPieces(const AddedTokens& added);
    int32_t named(const std::string& name, int32_t fallback);
    Status appendTrusted(std::string_view text, bool follows, int32_t before, std::vector<int32_t>& out) const;
    Status appendPlain(std::string_view text, bool follows, std::vector<int32_t>& out) const;
    bool spell(std::string_view text, std::vector<int32_t>& out) const;

    std::vector<Piece> m_pieces;
    std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> m_ids;
    std::array<int32_t, 256> m_byteIds;
    bool m_byteLevel, m_encoderFindsAdded, m_addsBos, m_addsEos;
    int32_t m_bos, m_eos, m_unk;
    std::unique_ptr<const TextEncoder> m_encoder;
    TokenMarks m_marks;  // what trusted text may name
    std::vector<int32_t> m_holes, m_lineEnds;
    PieceIds m_protocol;        // complete: trusted text is cut where the protocol needs it
    bool m_wideDigits = false;  // a piece of several digits
};

VocabularyTokenizer::VocabularyTokenizer(Vocabulary vocabulary)
    : m_pieces(std::move(vocabulary.pieces)),
      m_byteIds(vocabulary.byteIds),
      m_byteLevel(vocabulary.byteLevel),
      m_encoderFindsAdded(vocabulary.encoderFindsAdded),
      m_addsBos(vocabulary.addsBos),
      m_addsEos(vocabulary.addsEos),
      m_bos(vocabulary.bos),
      m_eos(vocabulary.eos),
      m_unk(vocabulary.unk),
      m_encoder(std::move(vocabulary.encoder)) {
    m_ids.reserve(m_pieces.size() + m_pieces.size() / 8);
    for (int32_t id = 0; id < vocabSize(); ++id)
        if (!m_pieces[id].name.empty()) m_ids.emplace(m_pieces[id].name, id);
}

Status VocabularyTokenizer::add(const AddedTokens& added, const PieceRiders& riders, const std::string& file) {
    if (auto status = addTokens(added, file); !status) return status;
    if (auto status = addEnds(added, file); !status) return status;
    if (auto status = addRiders(riders, file); !status) return status;
    for (const std::string_view name : kSpecialPieces) {  // markup even where a vocabulary calls them control pieces
        const int32_t id = idOf(name);
        if (id < 0 || id == m_bos || id == m_eos || id == m_unk) continue;
        m_pieces[id] = {std::string(name), std::string(name), false, true};
    }
    listPieces(added);
    m_protocol = pieceIds();
    return {};
}

Status VocabularyTokenizer::addEnds(const AddedTokens& added, const std::string& file) {
    m_bos = named(added.bos, m_bos);
    m_eos = named(added.eos, m_eos);
    named(added.unk, -1);
    named(added.pad, -1);
    if (added.addsBos.value_or(false) && m_bos < 0)
        return fileError(ErrorCode::Format, "a piece is to be added that the vocabulary has not", file, "add_bos_token",
                         "true", "a bos token");
    if (added.addsEos.value_or(false) && m_eos < 0)
        return fileError(ErrorCode::Format, "a piece is to be added that the vocabulary has not", file, "add_eos_token",
                         "true", "an eos token");
    m_addsBos = added.addsBos.value_or(m_addsBos) && m_bos >= 0;
    m_addsEos = added.addsEos.value_or(m_addsEos) && m_eos >= 0;
    return {};
}

void VocabularyTokenizer::rename(int32_t id, std::string_view name) {
    Piece& piece = m_pieces[id];
    if (const auto own = m_ids.find(piece.name); own != m_ids.end() && own->second == id) m_ids.erase(own);
    piece.name = name;
    m_ids[piece.name] = id;
}

Status VocabularyTokenizer::addTokens(const AddedTokens& added, const std::string& file) {
    const int32_t own = vocabSize();
    for (const AddedToken& token : added.tokens) {
        if (token.id >= own + kMaxHoles)
            return fileError(ErrorCode::Format, "added token far outside the vocabulary", file, token.content,
                             std::to_string(token.id), "below " + std::to_string(own + kMaxHoles));
        if (token.id >= vocabSize()) m_pieces.resize(static_cast<size_t>(token.id) + 1);
        Piece& piece = m_pieces[token.id];
        const bool sameAsOwn = piece.name == token.content || (m_byteLevel && piece.bytes == token.content);
        if (sameAsOwn && !piece.control && !isMarkup(token.content)) continue;  // an ordinary piece listed again
        if (!sameAsOwn || piece.name != token.content) rename(token.id, token.content);
        piece.special = isMarkup(token.content) || !m_encoderFindsAdded;
        if (!piece.control) piece.bytes = token.content;
    }
    return {};
}

Status VocabularyTokenizer::addRiders(const PieceRiders& riders, const std::string& file) {
    for (const auto& entry : riders) {
        const std::string &name = entry.first, &rider = entry.second;
        const auto bad = [&](const char* message, std::string_view expected) {
            return fileError(ErrorCode::Format, message, file, name, rider, expected);
        };
        const int32_t id = idOf(rider);
        if (idOf(name) >= 0) return bad("the vocabulary has this piece itself", "no other token for it");
        if (id < 0) return bad("no such token to carry a piece of the protocol", "a token of the vocabulary");
        if (!m_pieces[id].special || id == m_bos || id == m_eos || id == m_unk)
            return bad("this token cannot carry a piece of the protocol",
                       "a reserved token, which no text and no end of a text becomes");
        rename(id, name);
        m_pieces[id] = {name, name, false, true};
    }
    return {};
}

void VocabularyTokenizer::listPieces(const AddedTokens& added) {
    std::vector<AddedToken> marks;
    const auto listed = [&](int32_t id) -> const AddedToken* {
        const auto at = std::lower_bound(added.tokens.begin(), added.tokens.end(), id,
                                         [](const AddedToken& token, int32_t wanted) { return token.id < wanted; });
        return at != added.tokens.end() && at->id == id && at->content == m_pieces[id].name ? &*at : nullptr;
    };
    const auto list = [&](int32_t id) {  // with its flags, where a file lists it
        const AddedToken* maybeListed = listed(id);
        const bool own = m_pieces[id].control && maybeListed == nullptr && !m_byteLevel;
        if (!own) marks.push_back(maybeListed != nullptr ? *maybeListed : AddedToken{id, m_pieces[id].name});
    };
    for (int32_t id = 0; id < vocabSize(); ++id) {
        const Piece& piece = m_pieces[id];
        if (piece.name.empty()) m_holes.push_back(id);
        else if (piece.special) list(id);
        else if (piece.bytes.size() > 1 && piece.bytes.find('\n') != std::string::npos) m_lineEnds.push_back(id);
        m_wideDigits = m_wideDigits || (!piece.special && piece.bytes.size() > 1 && isDigits(piece.bytes));
    }
    m_marks = TokenMarks(std::move(marks));
}

int32_t VocabularyTokenizer::named(const std::string& name, int32_t fallback) {
    int32_t id = name.empty() ? -1 : idOf(name);
    if (id < 0) id = has(fallback) ? fallback : -1;
    if (has(id) && !name.empty()) {
        m_pieces[id].control = m_pieces[id].special = true;
        m_pieces[id].bytes.clear();
    }
    return id;
}

bool VocabularyTokenizer::spell(std::string_view text, std::vector<int32_t>& out) const {
    for (size_t at = 0; at < text.size();) {
        const std::string_view character = text.substr(at, nextUtf8(text.substr(at)).nBytes);
        at += character.size();
        const int32_t id = m_byteLevel ? -1 : idOf(character);
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

Status VocabularyTokenizer::appendPlain(std::string_view text, bool follows, std::vector<int32_t>& out) const {
    const auto ids = m_encoder->encode(text, follows);
    if (!ids) return ids.error();
    out.reserve(out.size() + ids->size());
    for (const int32_t id : *ids) {
        if (has(id) && !m_pieces[id].special) {
            out.push_back(id);
            continue;
        }
        const bool known = has(id) && id != m_unk;
        if (known && spell(m_byteLevel ? byteLevelBytes(m_pieces[id].name) : m_pieces[id].name, out)) continue;
        return Error{ErrorCode::InvalidArgument,
                     "the text has a character that this model's vocabulary cannot write",
                     "",
                     "",
                     clipped(text),
                     "characters of the vocabulary"};
    }
    return {};
}

/// Without marks. before: the special piece that it stands behind, or -1.
Status VocabularyTokenizer::appendTrusted(std::string_view text, bool follows, int32_t before,
                                          std::vector<int32_t>& out) const {
    if (!m_protocol.complete()) return appendPlain(text, follows, out);
    if (m_wideDigits && (before == m_protocol.in || before == m_protocol.out))
        for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1))
            out.push_back(m_protocol.digits[static_cast<size_t>(text[0] - '0')]);
    while (!m_lineEnds.empty()) {
        const size_t end = text.find('\n');
        if (end == std::string_view::npos) break;
        if (end > 0)
            if (auto status = appendPlain(text.substr(0, end), follows, out); !status) return status;
        out.push_back(m_protocol.newline);
        text.remove_prefix(end + 1);
        follows = true;
    }
    return text.empty() ? Status{} : appendPlain(text, follows, out);
}

Result<std::vector<int32_t>> VocabularyTokenizer::encode(std::string_view text, TextTrust trust, bool follows) const {
    if (text.size() > kMaxTextBytes)
        return Error{ErrorCode::InvalidArgument,
                     "text too long",
                     "",
                     "",
                     std::to_string(text.size()) + " bytes",
                     "at most " + std::to_string(kMaxTextBytes)};
    if (const size_t bad = firstBadUtf8(text); bad != std::string_view::npos)
        return Error{ErrorCode::InvalidArgument, "text is not UTF-8", "", "byte " + std::to_string(bad)};
    std::vector<int32_t> out;
    if (trust == TextTrust::Typed) {
        if (auto status = appendPlain(text, follows, out); !status) return status.error();
        return out;
    }
    int32_t before = -1;
    for (size_t from = 0; from < text.size();) {
        const auto mark = m_marks.next(text, from);
        const size_t end = mark ? mark->begin : text.size();
        if (end > from)
            if (auto status = appendTrusted(text.substr(from, end - from), follows || from > 0, before, out); !status)
                return status.error();
        if (!mark) break;
        out.push_back(mark->id);
        before = mark->id;
        from = mark->end;
    }
    return out;
}

}  // namespace

std::string spaceMarkBytes(std::string_view name) {
    std::string bytes;
    for (size_t at = 0; at < name.size();) {
        const bool space = name.substr(at).starts_with(kSpaceMark);
        bytes += space ? ' ' : name[at];
        at += space ? kSpaceMark.size() : 1;
    }
    return bytes;
}

bool isMarkup(std::string_view name) {
    if (nextUtf8(name).nBytes >= name.size()) return false;
    while (!name.empty()) {
        const bool space = name.starts_with(kSpaceMark);
        if (!space && std::string_view(" \t\r\n").find(name[0]) == std::string_view::npos) return true;
        name.remove_prefix(space ? kSpaceMark.size() : 1);
    }
    return false;
}

Result<std::shared_ptr<const Tokenizer>> makeTokenizer(VocabularyFile read, const PieceRiders& riders,
                                                       const std::string& file) {
    auto tokenizer = std::make_shared<VocabularyTokenizer>(std::move(read.vocabulary));
    if (auto status = tokenizer->add(read.added, riders, file); !status) return status.error();
    return std::shared_ptr<const Tokenizer>(std::move(tokenizer));
}

}  // namespace spanscope
