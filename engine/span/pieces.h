// The special pieces of the span protocol (version 1) and the ids a vocabulary gives them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace spanscope {

inline constexpr int kProtocolVersion = 1;

/// In the order in which vocabularies list them.
inline constexpr std::array<std::string_view, 7> kSpecialPieces{"<in>",      "<out>",   "<:>",     "<attend>",
                                                                "</attend>", "<local>", "<global>"};

/// Ids of one vocabulary. -1: the vocabulary has no such piece; it is then never matched.
struct PieceIds {
    int32_t in = -1, out = -1, colon = -1, attend = -1, attendEnd = -1, local = -1, global = -1;
    int32_t bos = -1, eos = -1, newline = -1;
    std::array<int32_t, 10> digits{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1};

    /// True if the vocabulary can carry the protocol.
    bool complete() const {
        for (int32_t d : digits)
            if (d < 0) return false;
        return in >= 0 && out >= 0 && colon >= 0 && attend >= 0 && attendEnd >= 0 && local >= 0 && global >= 0 &&
               eos >= 0 && newline >= 0;
    }
    /// 0..9, or -1 if `id` is not a digit piece.
    int digitOf(int32_t id) const {
        for (int i = 0; i < 10; ++i)
            if (digits[static_cast<size_t>(i)] == id && id >= 0) return i;
        return -1;
    }
    bool isSpecial(int32_t id) const {
        return id >= 0 &&
               (id == in || id == out || id == colon || id == attend || id == attendEnd || id == local || id == global);
    }
};

}  // namespace spanscope
