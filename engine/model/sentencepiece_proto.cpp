#include "engine/model/sentencepiece_proto.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "engine/model/file_error.h"

namespace spanscope {

namespace {

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

/// Walks the fields of one message.
class WireReader {
  public:
    explicit WireReader(std::string_view message) : m_rest(message) {}

    /// False at the end or when the message is malformed (then bad()).
    bool next() {
        if (m_rest.empty() || m_bad) return false;
        const uint64_t tag = varint();
        m_field = static_cast<uint32_t>(tag >> 3);
        switch (tag & 7) {
            case kVarint: m_number = varint(); break;
            case kFixed64: take(8); break;
            case kBytes: m_bytes = take(varint()); break;
            case kFixed32: take(4); break;
            default: m_bad = true;
        }
        m_wire = static_cast<uint32_t>(tag & 7);
        return !m_bad;
    }
    bool bad() const { return m_bad; }
    uint32_t field() const { return m_field; }
    uint32_t wire() const { return m_wire; }
    uint64_t number() const { return m_number; }
    std::string_view bytes() const { return m_bytes; }

  private:
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

}  // namespace

Result<std::vector<PieceType>> readPieceTypes(std::string_view proto, const std::string& file) {
    constexpr uint32_t kPieces = 1;
    constexpr uint32_t kType = 3;
    std::vector<PieceType> types;
    WireReader model(proto);
    while (model.next()) {
        if (model.field() != kPieces || model.wire() != kBytes) continue;
        WireReader piece(model.bytes());
        uint64_t type = static_cast<uint64_t>(PieceType::Normal);
        while (piece.next())
            if (piece.field() == kType && piece.wire() == kVarint) type = piece.number();
        if (piece.bad() || type < 1 || type > 6)
            return fileError(ErrorCode::Format, "not a sentencepiece model", file,
                             "piece " + std::to_string(types.size()));
        types.push_back(static_cast<PieceType>(type));
    }
    if (model.bad()) return fileError(ErrorCode::Format, "not a sentencepiece model", file);
    return types;
}

Status checkNormalization(std::string_view proto, const std::string& file) {
    constexpr uint32_t kNormalizerSpec = 3;
    constexpr uint32_t kCharsmap = 2;
    const auto bad = [&] {
        return fileError(ErrorCode::Format, "not a sentencepiece model", file, "precompiled_charsmap",
                         "a table with steps outside itself", "a table made by sentencepiece");
    };
    WireReader model(proto);
    while (model.next()) {
        if (model.field() != kNormalizerSpec || model.wire() != kBytes) continue;
        WireReader spec(model.bytes());
        while (spec.next()) {
            if (spec.field() != kCharsmap || spec.wire() != kBytes || spec.bytes().empty()) continue;
            const std::string_view blob = spec.bytes();
            const auto u32 = [blob](size_t at) {
                uint32_t value = 0;
                for (size_t i = 0; i < 4; ++i) value |= uint32_t{static_cast<uint8_t>(blob[at + i])} << (8 * i);
                return value;
            };
            if (blob.size() <= 4 || u32(0) % 4 != 0 || u32(0) < 4 || u32(0) >= blob.size() - 4) return bad();
            const uint32_t nUnits = u32(0) / 4;
            const std::string_view texts = blob.substr(4 + u32(0));
            if (texts.back() != '\0') return bad();
            for (uint32_t i = 0; i < nUnits; ++i) {  // layout: github.com/s-yata/darts-clone, DoubleArrayUnit
                const uint32_t unit = u32(4 + size_t{4} * i);
                if (unit >> 31 != 0) {
                    if ((unit & 0x7FFFFFFF) >= texts.size()) return bad();  // a leaf: where its text begins
                    continue;
                }
                const uint32_t offset = (unit >> 10) << ((unit & 0x200) >> 6);
                if (((i ^ offset) | 0xFF) >= nUnits) return bad();  // a child for any byte
            }
        }
        if (spec.bad()) return bad();
    }
    return {};
}

std::string writeModelProto(const VocabularySpec& spec) {
    WireWriter model;
    for (const VocabularyPiece& piece : spec.pieces) {
        WireWriter one;
        one.bytes(1, piece.text);
        one.real(2, piece.score);
        one.number(3, static_cast<uint64_t>(piece.type));
        model.bytes(1, one.take());
    }
    const auto nameOf = [&](int32_t id) {
        return id >= 0 && static_cast<size_t>(id) < spec.pieces.size() ? spec.pieces[id].text : std::string();
    };
    const bool byteFallback = std::any_of(spec.pieces.begin(), spec.pieces.end(),
                                          [](const VocabularyPiece& p) { return p.type == PieceType::Byte; });
    WireWriter trainer;
    trainer.number(3, 2);  // model_type = BPE
    trainer.number(4, spec.pieces.size());
    trainer.number(35, byteFallback ? 1 : 0);
    trainer.id(40, spec.unkId);
    trainer.id(41, spec.bosId);
    trainer.id(42, spec.eosId);
    trainer.id(43, spec.padId);
    trainer.bytes(45, nameOf(spec.unkId));
    if (spec.bosId >= 0) trainer.bytes(46, nameOf(spec.bosId));
    if (spec.eosId >= 0) trainer.bytes(47, nameOf(spec.eosId));
    if (spec.padId >= 0) trainer.bytes(48, nameOf(spec.padId));
    model.bytes(2, trainer.take());
    WireWriter normalizer;
    normalizer.bytes(1, "identity");
    normalizer.number(3, spec.dummyPrefix ? 1 : 0);
    normalizer.number(4, 0);  // remove_extra_whitespaces
    normalizer.number(5, 1);  // escape_whitespaces
    model.bytes(3, normalizer.take());
    return model.take();
}

}  // namespace spanscope
