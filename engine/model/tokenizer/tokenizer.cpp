// What every vocabulary shares: joining pieces to text, and the ids of the protocol.
#include "engine/model/tokenizer/tokenizer.h"

#include "engine/files/utf8.h"

namespace spanscope {

namespace {

/// What a piece adds to a text.
std::string textOf(const Tokenizer& tokenizer, int32_t id) {
    return tokenizer.hasPiece(id) ? tokenizer.pieceBytes(id) : "<id " + std::to_string(id) + ">";
}

}  // namespace

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
    std::string bytes;
    for (const int32_t id : ids) bytes += textOf(*this, id);
    return replaceBadUtf8(bytes);
}

PieceIds Tokenizer::pieceIds() const {
    PieceIds ids;
    ids.in = idOf("<in>");
    ids.out = idOf("<out>");
    ids.colon = idOf("<:>");
    ids.attend = idOf("<attend>");
    ids.attendEnd = idOf("</attend>");
    ids.local = idOf("<local>");
    ids.global = idOf("<global>");
    ids.bos = bosId();
    ids.eos = eosId();
    for (size_t digit = 0; digit < ids.digits.size(); ++digit)
        ids.digits[digit] = idOf(std::string(1, static_cast<char>('0' + digit)));
    // The piece that the encoder itself uses for a newline; a vocabulary may hold "\n" and <0x0A>.
    if (auto newline = encode("\n"); newline && !newline->empty() && pieceBytes(newline->back()) == "\n")
        ids.newline = newline->back();
    if (ids.newline < 0) ids.newline = idOf("<0x0A>");
    return ids;
}

std::string StreamDecoder::feed(int32_t id) {
    m_pending += textOf(m_tokenizer, id);
    std::string ready;
    size_t at = 0;
    while (at < m_pending.size()) {
        const Utf8Step step = nextUtf8(std::string_view(m_pending).substr(at));
        if (step.incomplete) break;
        if (step.valid) ready.append(m_pending, at, step.nBytes);
        else ready += "\xEF\xBF\xBD";
        at += step.nBytes;
    }
    m_pending.erase(0, at);
    return ready;
}

std::string StreamDecoder::flush() {
    std::string rest = replaceBadUtf8(m_pending);
    m_pending.clear();
    return rest;
}

}  // namespace spanscope
