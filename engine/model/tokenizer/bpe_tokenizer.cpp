#include "engine/model/tokenizer/bpe_tokenizer.h"

#include <algorithm>
#include <utility>

#include "engine/files/file_error.h"
#include "engine/files/utf8.h"
#include "engine/model/tokenizer/bpe_encoder.h"
#include "engine/model/tokenizer/byte_level.h"

namespace spanscope {

namespace {

bool isBytePiece(const BpeSpec& spec, const VocabularyPiece& piece) {
    return spec.byteFallback && isByteName(piece.text);
}

/// Pieces of the vocabulary, with the bytes that they stand for.
std::vector<Piece> readPieces(const BpeSpec& spec) {
    std::vector<Piece> pieces(spec.pieces.size());
    for (size_t id = 0; id < pieces.size(); ++id) {
        const VocabularyPiece& from = spec.pieces[id];
        Piece& piece = pieces[id];
        if (from.type == PieceType::Unused) continue;
        piece.name = from.text;
        const bool added = from.type == PieceType::UserDefined;
        if (from.type == PieceType::Control || from.type == PieceType::Unknown) piece.special = true;
        else if (added) piece.special = isMarkup(from.text);
        if (piece.special || added) piece.bytes = from.text;
        else if (isBytePiece(spec, from))
            piece.bytes = static_cast<char>(std::stoi(from.text.substr(3, 2), nullptr, 16));
        else piece.bytes = spec.byteLevel ? byteLevelBytes(from.text) : spaceMarkBytes(from.text);
    }
    return pieces;
}

std::string byteName(size_t byte) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    return std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">";
}

}  // namespace

Result<PieceNames> PieceNames::make(const std::vector<VocabularyPiece>& pieces, const std::string& file,
                                    const std::string& field) {
    PieceNames names;
    names.m_ids.reserve(pieces.size());
    for (size_t id = 0; id < pieces.size(); ++id) {
        const std::string& text = pieces[id].text;
        if (text.empty()) continue;
        const auto bad = [&](const char* message, std::string_view found, std::string_view expected) {
            return fileError(ErrorCode::Format, message, file, field + "[" + std::to_string(id) + "]", found, expected);
        };
        if (text.size() > kMaxPieceBytes)
            return bad("piece too long", std::to_string(text.size()) + " bytes",
                       "at most " + std::to_string(kMaxPieceBytes));
        if (firstBadUtf8(text) != std::string_view::npos) return bad("piece is not UTF-8", text, "UTF-8");
        if (pieces[id].type == PieceType::Unused) continue;
        const auto [first, isNew] = names.m_ids.emplace(text, static_cast<int32_t>(id));
        if (!isNew)
            return bad("the same piece twice", text, "a piece other than piece " + std::to_string(first->second));
    }
    return names;
}

int32_t PieceNames::idOf(std::string_view name) const {
    const auto found = m_ids.find(name);
    return found == m_ids.end() ? -1 : found->second;
}

Status PieceNames::addMerge(std::string_view left, std::string_view right, const std::string& file,
                            const std::string& field, std::vector<BpeMerge>& merges) {
    m_joined.assign(left).append(right);
    const BpeMerge merge{idOf(left), idOf(right), idOf(m_joined)};
    if (merge.left < 0 || merge.right < 0 || merge.result < 0)
        return fileError(ErrorCode::Format, "a merge of what is no piece", file, field,
                         std::string(left) + " + " + std::string(right),
                         "two pieces that give a piece of the vocabulary");
    merges.push_back(merge);
    return {};
}

Result<Vocabulary> bpeVocabulary(BpeSpec spec, const PieceNames& names, const std::string& file) {
    BpeEncoder::Parts parts;
    parts.merges.emplace(spec.merges.size());
    for (size_t rank = 0; rank < spec.merges.size(); ++rank)
        if (!parts.merges->add(spec.merges[rank]))
            return fileError(ErrorCode::Format, "the same merge twice", file, "merges[" + std::to_string(rank) + "]",
                             spec.pieces[static_cast<size_t>(spec.merges[rank].result)].text, "another one");
    auto cutter = PreTokenizer::make(spec.expressions);
    if (!cutter) return cutter.error();
    parts.cutter.emplace(std::move(*cutter));
    parts.rules = std::move(spec.rules);
    parts.splitAtMarks = spec.splitAtMarks;
    parts.bytes = spec.byteLevel;
    for (size_t byte = 0; byte < parts.byteIds.size(); ++byte) {
        const bool spelled = spec.byteLevel || spec.byteFallback;
        const auto name = spec.byteLevel ? byteLevelName(static_cast<uint8_t>(byte)) : byteName(byte);
        parts.byteIds[byte] = spelled ? names.idOf(name) : -1;
        if (spec.byteFallback && !spec.byteLevel && parts.byteIds[byte] < 0)
            return fileError(ErrorCode::Format, "byte fallback without a piece for every byte", file, "byte_fallback",
                             "none called " + name, "256 byte pieces");
    }

    Vocabulary vocabulary;
    vocabulary.pieces = readPieces(spec);
    vocabulary.byteIds = parts.byteIds;
    vocabulary.byteLevel = spec.byteLevel;
    vocabulary.encoderFindsAdded = true;
    for (size_t id = 0; id < spec.pieces.size(); ++id) {
        const VocabularyPiece& piece = spec.pieces[id];
        const auto number = static_cast<int32_t>(id);
        if (piece.type == PieceType::UserDefined && !isMarkup(piece.text)) spec.plain.push_back({number, piece.text});
        if (piece.type != PieceType::Normal || piece.text.empty()) continue;
        if (spec.ignoreMerges)
            parts.words.emplace_back(spec.byteLevel ? vocabulary.pieces[id].bytes : piece.text, number);
        if (!spec.byteLevel && nextUtf8(piece.text).nBytes == piece.text.size())
            parts.characters.emplace_back(piece.text, number);
    }
    std::vector<AddedToken> raw, normalised;
    for (AddedToken& token : spec.plain) (token.normalized ? normalised : raw).push_back(std::move(token));
    parts.rawMarks = TokenMarks(std::move(raw));
    parts.marks = TokenMarks(std::move(normalised));
    vocabulary.encoder = std::make_unique<BpeEncoder>(std::move(parts));
    return vocabulary;
}

}  // namespace spanscope
