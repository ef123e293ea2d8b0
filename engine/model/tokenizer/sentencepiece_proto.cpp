#include "engine/model/tokenizer/sentencepiece_proto.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "engine/files/file_error.h"
#include "engine/files/utf8.h"

namespace spanscope {

namespace {

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

/// Walks the fields of one message.
class WireReader {
  public:
    explicit WireReader(std::string_view message) : m_rest(message) {}

    /// False at the end or when the message is malformed (then bad()). Stricter than protobuf, never looser: a tag has
    /// 32 bits, field 0 and groups are refused.
    bool next() {
        if (m_rest.empty() || m_bad) return false;
        const size_t before = m_rest.size();
        const uint64_t tag = varint();
        m_field = static_cast<uint32_t>(tag >> 3);
        if (tag > UINT32_MAX || m_field == 0 || before - m_rest.size() > kMaxTagBytes) m_bad = true;
        if (m_bad) return false;
        switch (tag & 7) {
            case kVarint: m_number = varint(); break;
            case kFixed64: take(8); break;
            case kBytes: m_bytes = take(varint()); break;
            case kFixed32: m_number = fixed32(); break;
            default: m_bad = true;
        }
        m_wire = static_cast<uint32_t>(tag & 7);
        return !m_bad;
    }
    bool bad() const { return m_bad; }

    /// Each true if the field just read is this one: number and wire type, as protobuf tells known fields from others.
    bool isNumber(uint32_t field) const { return m_field == field && m_wire == kVarint; }
    bool isBytes(uint32_t field) const { return m_field == field && m_wire == kBytes; }
    bool isReal(uint32_t field) const { return m_field == field && m_wire == kFixed32; }
    uint64_t number() const { return m_number; }
    int32_t id() const { return static_cast<int32_t>(static_cast<uint32_t>(m_number)); }
    float real() const { return std::bit_cast<float>(static_cast<uint32_t>(m_number)); }
    std::string_view bytes() const { return m_bytes; }

  private:
    static constexpr size_t kMaxTagBytes = 5;

    uint64_t fixed32() {
        const std::string_view raw = take(4);
        uint64_t value = 0;
        for (size_t i = 0; i < raw.size(); ++i) value |= uint64_t{static_cast<uint8_t>(raw[i])} << (8 * i);
        return value;
    }
    uint64_t varint() {
        uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            const std::string_view byte = take(1);
            if (m_bad) return 0;
            value |= (uint64_t{static_cast<uint8_t>(byte[0])} & 0x7F) << shift;
            if ((static_cast<uint8_t>(byte[0]) & 0x80) == 0) return value;
        }
        m_bad = true;
        return 0;
    }
    std::string_view take(uint64_t n) {
        if (n > m_rest.size()) {
            m_bad = true;
            return {};
        }
        const std::string_view taken = m_rest.substr(0, n);
        m_rest.remove_prefix(n);
        return taken;
    }

    std::string_view m_rest, m_bytes;
    uint64_t m_number = 0;
    uint32_t m_field = 0, m_wire = 0;
    bool m_bad = false;
};

class WireWriter {
  public:
    void number(uint32_t field, uint64_t value) {
        varint(uint64_t{field} << 3 | kVarint);
        varint(value);
    }
    void id(uint32_t field, int32_t value) { number(field, static_cast<uint64_t>(int64_t{value})); }
    void real(uint32_t field, float value) {
        varint(uint64_t{field} << 3 | kFixed32);
        const auto bits = std::bit_cast<uint32_t>(value);
        for (int i = 0; i < 4; ++i) m_out += static_cast<char>(bits >> (8 * i) & 0xFF);
    }
    void bytes(uint32_t field, std::string_view value) {
        varint(uint64_t{field} << 3 | kBytes);
        varint(value.size());
        m_out += value;
    }
    std::string take() { return std::move(m_out); }

  private:
    void varint(uint64_t value) {
        for (; value >= 0x80; value >>= 7) m_out += static_cast<char>(value | 0x80);
        m_out += static_cast<char>(value);
    }
    std::string m_out;
};

// Field numbers of sentencepiece_model.proto.
enum ModelField : uint32_t { kPieces = 1, kTrainer = 2, kNormalizer = 3 };
enum PieceField : uint32_t { kText = 1, kScore = 2, kType = 3 };
enum TrainerField : uint32_t {
    kModelType = 3,
    kVocabSize = 4,
    kSpaceAtEnd = 24,
    kByteFallback = 35,
    kUnkId = 40,
    kBosId = 41,
    kEosId = 42,
    kPadId = 43,
    kUnkPiece = 45,
    kBosPiece = 46,
    kEosPiece = 47,
    kPadPiece = 48
};
enum NormalizerField : uint32_t { kName = 1, kCharsmap = 2, kDummyPrefix = 3, kTrimSpaces = 4, kEscapeSpaces = 5 };

Error malformed(const std::string& file, std::string_view where) {
    return fileError(ErrorCode::Format, "not a sentencepiece model", file, where);
}

bool readPiece(std::string_view message, VocabularyPiece& piece) {
    WireReader reader(message);
    uint64_t type = static_cast<uint64_t>(PieceType::Normal);
    while (reader.next()) {
        if (reader.isBytes(kText)) piece.text = reader.bytes();
        if (reader.isReal(kScore)) piece.score = reader.real();
        if (reader.isNumber(kType)) type = reader.number();
    }
    if (type < 1 || type > 6) return false;
    piece.type = static_cast<PieceType>(type);
    return !reader.bad();
}

bool readTrainer(std::string_view message, VocabularySpec& spec) {
    WireReader reader(message);
    while (reader.next()) {
        if (reader.isNumber(kModelType)) {
            if (reader.number() < 1 || reader.number() > 4) return false;
            spec.kind = static_cast<VocabularyKind>(reader.number());
        }
        if (reader.isNumber(kSpaceAtEnd)) spec.spaceAtEnd = reader.number() != 0;
        if (reader.isNumber(kByteFallback)) spec.byteFallback = reader.number() != 0;
        if (reader.isBytes(kUnkPiece)) spec.unk = reader.bytes();
        if (reader.isBytes(kBosPiece)) spec.bos = reader.bytes();
        if (reader.isBytes(kEosPiece)) spec.eos = reader.bytes();
        if (reader.isBytes(kPadPiece)) spec.pad = reader.bytes();
    }
    return !reader.bad();
}

bool readNormalizer(std::string_view message, VocabularySpec& spec) {
    WireReader reader(message);
    while (reader.next()) {
        if (reader.isBytes(kCharsmap)) spec.charsmap = reader.bytes();
        if (reader.isNumber(kDummyPrefix)) spec.dummyPrefix = reader.number() != 0;
        if (reader.isNumber(kTrimSpaces)) spec.trimSpaces = reader.number() != 0;
        if (reader.isNumber(kEscapeSpaces)) spec.escapeSpaces = reader.number() != 0;
    }
    return !reader.bad();
}

/// The library walks the normalisation table (a double array, then the replacement texts) without looking where it
/// steps. True if no step from any unit can leave the table, no replacement the texts, and none is long enough to make
/// an encoded text many times its size. Layout: github.com/s-yata/darts-clone, DoubleArrayUnit.
bool charsmapIsSafe(std::string_view blob) {
    constexpr size_t kMaxReplacementBytes = 1024;  // NFKC's longest has 33
    const auto u32 = [blob](size_t at) {
        uint32_t value = 0;
        for (size_t i = 0; i < 4; ++i) value |= uint32_t{static_cast<uint8_t>(blob[at + i])} << (8 * i);
        return value;
    };
    if (blob.size() <= 4 || u32(0) % 4 != 0 || u32(0) < 4 || u32(0) >= blob.size() - 4) return false;
    const uint32_t nUnits = u32(0) / 4;
    const std::string_view texts = blob.substr(4 + u32(0));
    if (texts.back() != '\0') return false;
    for (size_t begin = 0; begin < texts.size();) {
        const size_t end = texts.find('\0', begin);
        if (end - begin > kMaxReplacementBytes) return false;
        begin = end + 1;
    }
    for (uint32_t i = 0; i < nUnits; ++i) {
        const uint32_t unit = u32(4 + size_t{4} * i);
        if (unit >> 31 != 0) {
            if ((unit & 0x7FFFFFFF) >= texts.size()) return false;  // a leaf: where its text begins
            continue;
        }
        const uint32_t offset = (unit >> 10) << ((unit & 0x200) >> 6);
        if (((i ^ offset) | 0xFF) >= nUnits) return false;  // a child for any byte
    }
    return true;
}

}  // namespace

bool isByteName(std::string_view name) {
    const auto isHex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); };
    return name.size() == 6 && name.starts_with("<0x") && name[5] == '>' && isHex(name[3]) && isHex(name[4]);
}

Result<VocabularySpec> readModelProto(std::string_view proto, const std::string& file, int32_t maxPieces) {
    VocabularySpec spec;
    WireReader model(proto);
    while (model.next()) {
        if (model.isBytes(kPieces)) {
            VocabularyPiece piece;
            if (!readPiece(model.bytes(), piece)) return malformed(file, "piece " + std::to_string(spec.pieces.size()));
            if (spec.pieces.size() >= static_cast<size_t>(maxPieces))
                return fileError(ErrorCode::Format, "the vocabulary has more pieces than the model", file, "vocabulary",
                                 {}, "at most " + std::to_string(maxPieces));
            spec.pieces.push_back(std::move(piece));
        }
        if (model.isBytes(kTrainer) && !readTrainer(model.bytes(), spec)) return malformed(file, "trainer_spec");
        if (model.isBytes(kNormalizer) && !readNormalizer(model.bytes(), spec))
            return malformed(file, "normalizer_spec");
    }
    if (model.bad()) return malformed(file, {});
    return spec;
}

Status checkSpec(const VocabularySpec& spec, const std::string& file) {
    if (spec.pieces.empty()) return fileError(ErrorCode::Format, "vocabulary is empty", file);
    std::unordered_map<std::string_view, size_t> ids;
    ids.reserve(spec.pieces.size());
    std::array<bool, 256> byteThere{};
    std::optional<size_t> unknown;
    for (size_t id = 0; id < spec.pieces.size(); ++id) {
        const VocabularyPiece& piece = spec.pieces[id];
        const auto bad = [&](const char* message, std::string_view found, std::string_view expected) {
            return fileError(ErrorCode::Format, message, file, "piece " + std::to_string(id), found, expected);
        };
        if (piece.text.empty() || piece.text.size() > kMaxPieceBytes)
            return bad("piece empty or too long", std::to_string(piece.text.size()) + " bytes",
                       "1 to " + std::to_string(kMaxPieceBytes));
        if (piece.text.find('\0') != std::string::npos) return bad("a NUL byte in a piece", piece.text, "text");
        if (firstBadUtf8(piece.text) != std::string_view::npos) return bad("piece is not UTF-8", piece.text, "UTF-8");
        if (!std::isfinite(piece.score))
            return bad("score is not a number", std::to_string(piece.score), "a finite number");
        const auto [first, isNew] = ids.emplace(piece.text, id);
        if (!isNew)
            return bad("the same piece twice", piece.text, "a piece other than piece " + std::to_string(first->second));
        if (piece.type == PieceType::Byte) {
            if (!spec.byteFallback || !isByteName(piece.text))
                return bad(spec.byteFallback ? "byte piece with another name"
                                             : "byte piece in a vocabulary without byte fallback",
                           piece.text, "<0x00> to <0xFF>, with byte_fallback");
            byteThere[static_cast<size_t>(std::stoi(piece.text.substr(3, 2), nullptr, 16))] = true;
        }
        if (piece.type != PieceType::Unknown) continue;
        if (unknown)
            return bad("a second piece for the unknown", piece.text, "none beside piece " + std::to_string(*unknown));
        unknown = id;
    }
    if (!unknown)
        return fileError(ErrorCode::Format, "no piece for the unknown", file, "pieces", "none of type 2",
                         "one of type 2");
    if (spec.byteFallback && std::find(byteThere.begin(), byteThere.end(), false) != byteThere.end())
        return fileError(ErrorCode::Format, "byte fallback without a piece for every byte", file, "pieces",
                         std::to_string(std::count(byteThere.begin(), byteThere.end(), true)), "256 byte pieces");
    if (!spec.charsmap.empty() && !charsmapIsSafe(spec.charsmap))
        return fileError(ErrorCode::Format, "not a sentencepiece model", file, "precompiled_charsmap",
                         "a table with steps outside itself, or a very long replacement",
                         "a table made by sentencepiece");
    return {};
}

std::string writeModelProto(const VocabularySpec& spec) {
    WireWriter model;
    for (const VocabularyPiece& piece : spec.pieces) {
        WireWriter one;
        one.bytes(kText, piece.text);
        one.real(kScore, piece.score);
        one.number(kType, static_cast<uint64_t>(piece.type));
        model.bytes(kPieces, one.take());
    }
    const auto idOf = [&](std::string_view text) {  // what the library would find by name; it asks for no number
        const auto at =
            std::find_if(spec.pieces.begin(), spec.pieces.end(), [&](const auto& p) { return p.text == text; });
        return at == spec.pieces.end() ? -1 : static_cast<int32_t>(at - spec.pieces.begin());
    };
    WireWriter trainer;
    trainer.number(kModelType, static_cast<uint64_t>(spec.kind));
    trainer.number(kVocabSize, spec.pieces.size());
    trainer.number(kSpaceAtEnd, spec.spaceAtEnd ? 1 : 0);
    trainer.number(kByteFallback, spec.byteFallback ? 1 : 0);
    for (const auto& [idField, textField, text] : {std::tuple{kUnkId, kUnkPiece, &spec.unk},
                                                   {kBosId, kBosPiece, &spec.bos},
                                                   {kEosId, kEosPiece, &spec.eos},
                                                   {kPadId, kPadPiece, &spec.pad}}) {
        trainer.id(idField, idOf(*text));
        trainer.bytes(textField, *text);
    }
    model.bytes(kTrainer, trainer.take());
    WireWriter normalizer;
    normalizer.bytes(kName, spec.charsmap.empty() ? "identity" : "user_defined");
    if (!spec.charsmap.empty()) normalizer.bytes(kCharsmap, spec.charsmap);
    normalizer.number(kDummyPrefix, spec.dummyPrefix ? 1 : 0);
    normalizer.number(kTrimSpaces, spec.trimSpaces ? 1 : 0);
    normalizer.number(kEscapeSpaces, spec.escapeSpaces ? 1 : 0);
    model.bytes(kNormalizer, normalizer.take());
    return model.take();
}

}  // namespace spanscope
