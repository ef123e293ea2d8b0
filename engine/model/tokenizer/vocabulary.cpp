#include "engine/model/tokenizer/vocabulary.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "engine/files/file_error.h"
#include "engine/files/utf8.h"

namespace spanscope {

namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;  // encoders count in int
constexpr int32_t kMaxHoles = 65536;               // ids between the vocabulary's own and the last added one

class VocabularyTokenizer final : public Tokenizer {
  public:
    explicit VocabularyTokenizer(Vocabulary vocabulary);
    Status add(const AddedTokens& added, const std::string& file);

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
    void addMark(int32_t id);
    const AddedToken* markAt(std::string_view text) const;
    Status addTokens(const AddedTokens& added, const std::string& file);
    int32_t named(const std::string& name, int32_t fallback);
    Status appendPlain(std::string_view text, bool follows, std::vector<int32_t>& out) const;
    bool spell(std::string_view text, std::vector<int32_t>& out) const;

    std::vector<Piece> m_pieces;
    std::unordered_map<std::string, int32_t> m_ids;
    std::array<int32_t, 256> m_byteIds;
    std::array<std::vector<AddedToken>, 256> m_marks;  // what only encodeTrusted() finds: by first byte, longest first
    int32_t m_bos, m_eos, m_unk;
    std::unique_ptr<const TextEncoder> m_encoder;
};

VocabularyTokenizer::VocabularyTokenizer(Vocabulary vocabulary)
    : m_pieces(std::move(vocabulary.pieces)),
      m_byteIds(vocabulary.byteIds),
      m_bos(vocabulary.bos),
      m_eos(vocabulary.eos),
      m_unk(vocabulary.unk),
      m_encoder(std::move(vocabulary.encoder)) {
    for (int32_t id = 0; id < vocabSize(); ++id) m_ids.emplace(m_pieces[id].name, id);
}

Status VocabularyTokenizer::add(const AddedTokens& added, const std::string& file) {
    if (auto status = addTokens(added, file); !status) return status;
    m_bos = named(added.bos, m_bos);
    m_eos = named(added.eos, m_eos);
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

void VocabularyTokenizer::addMark(int32_t id) {
    const std::string& name = m_pieces[id].name;
    if (!name.empty()) m_marks[static_cast<uint8_t>(name[0])].push_back({id, name});
}

const AddedToken* VocabularyTokenizer::markAt(std::string_view text) const {
    for (const AddedToken& mark : m_marks[static_cast<uint8_t>(text[0])])
        if (text.starts_with(mark.content)) return &mark;
    return nullptr;
}

Status VocabularyTokenizer::addTokens(const AddedTokens& added, const std::string& file) {
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

Status VocabularyTokenizer::appendPlain(std::string_view text, bool follows, std::vector<int32_t>& out) const {
    if (text.size() > kMaxTextBytes)
        return Error{ErrorCode::InvalidArgument,
                     "text too long",
                     "",
                     "",
                     std::to_string(text.size()) + " bytes",
                     "at most " + std::to_string(kMaxTextBytes)};
    if (const size_t bad = firstBadUtf8(text); bad != std::string_view::npos)
        return Error{ErrorCode::InvalidArgument, "text is not UTF-8", "", "byte " + std::to_string(bad)};
    const auto ids = m_encoder->encode(text, follows);
    if (!ids) return ids.error();
    out.reserve(out.size() + ids->size());
    for (const int32_t id : *ids) {
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

Result<std::vector<int32_t>> VocabularyTokenizer::encode(std::string_view text) const {
    std::vector<int32_t> out;
    if (auto status = appendPlain(text, false, out); !status) return status.error();
    return out;
}

Result<std::vector<int32_t>> VocabularyTokenizer::encodeTrusted(std::string_view text) const {
    std::vector<int32_t> out;
    size_t plainBegin = 0;
    const auto flush = [&](size_t end) -> Status {
        if (plainBegin >= end) return {};
        return appendPlain(text.substr(plainBegin, end - plainBegin), plainBegin > 0, out);
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

bool isMarkup(std::string_view name) {
    if (nextUtf8(name).nBytes >= name.size()) return false;
    while (!name.empty()) {
        const bool space = name.starts_with(kSpaceMark);
        if (!space && std::string_view(" \t\r\n").find(name[0]) == std::string_view::npos) return true;
        name.remove_prefix(space ? kSpaceMark.size() : 1);
    }
    return false;
}

Result<std::shared_ptr<const Tokenizer>> makeTokenizer(Vocabulary vocabulary, const AddedTokens& added,
                                                       const std::string& file) {
    auto tokenizer = std::make_shared<VocabularyTokenizer>(std::move(vocabulary));
    if (auto status = tokenizer->add(added, file); !status) return status.error();
    return std::shared_ptr<const Tokenizer>(std::move(tokenizer));
}

}  // namespace spanscope
