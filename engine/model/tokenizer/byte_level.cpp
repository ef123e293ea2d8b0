#include "engine/model/tokenizer/byte_level.h"

#include <array>

namespace spanscope {

namespace {

constexpr uint32_t kFirstSubstitute = 0x100;

struct Table {
    std::array<uint32_t, 256> characters{};  ///< by byte
    std::array<int16_t, 0x180> bytes{};      ///< by character; -1: stands for none
};

constexpr Table makeTable() {
    Table table;
    for (int16_t& byte : table.bytes) byte = -1;
    uint32_t next = kFirstSubstitute;
    for (uint32_t byte = 0; byte < 256; ++byte) {
        const bool printable =
            (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
        const uint32_t character = printable ? byte : next++;
        table.characters[byte] = character;
        table.bytes[character] = static_cast<int16_t>(byte);
    }
    return table;
}

constexpr Table kTable = makeTable();

}  // namespace

std::string byteLevelName(uint8_t byte) {
    const uint32_t character = kTable.characters[byte];
    if (character < 0x80) return std::string(1, static_cast<char>(character));
    return {static_cast<char>(0xC0 | (character >> 6)), static_cast<char>(0x80 | (character & 0x3F))};
}

std::string byteLevelBytes(std::string_view name) {
    std::string bytes;
    bytes.reserve(name.size());
    for (size_t at = 0; at < name.size();) {
        uint32_t character = static_cast<uint8_t>(name[at]);
        size_t nBytes = 1;
        if (character >= 0x80) {  // every character of the table has one or two bytes
            if ((character & 0xE0) != 0xC0 || at + 1 >= name.size()) return std::string(name);
            character = (character & 0x1F) << 6 | (static_cast<uint8_t>(name[at + 1]) & 0x3F);
            nBytes = 2;
        }
        const int16_t byte = character < kTable.bytes.size() ? kTable.bytes[character] : int16_t{-1};
        if (byte < 0) return std::string(name);
        bytes += static_cast<char>(byte);
        at += nBytes;
    }
    return bytes;
}

}  // namespace spanscope
