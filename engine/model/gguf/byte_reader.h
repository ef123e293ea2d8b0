// Little-endian numbers and length-prefixed strings from untrusted bytes. Reading past the end gives zeros and turns
// ok() false for good. Private to engine/model.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

namespace spanscope {

class ByteReader {
  public:
    explicit ByteReader(std::span<const uint8_t> bytes) : m_bytes(bytes) {}

    std::span<const uint8_t> bytes(uint64_t n) {
        if (n > left()) {
            m_ok = false;
            return {};
        }
        const auto taken = m_bytes.subspan(m_at, n);
        m_at += n;
        return taken;
    }
    uint8_t u8() { return static_cast<uint8_t>(number(1)); }
    uint16_t u16() { return static_cast<uint16_t>(number(2)); }
    uint32_t u32() { return static_cast<uint32_t>(number(4)); }
    uint64_t u64() { return number(8); }
    float f32() { return std::bit_cast<float>(u32()); }
    double f64() { return std::bit_cast<double>(u64()); }
    std::string_view string() {
        const auto text = bytes(u64());
        return {reinterpret_cast<const char*>(text.data()), text.size()};
    }

    uint64_t position() const { return m_at; }
    uint64_t left() const { return m_bytes.size() - m_at; }
    bool ok() const { return m_ok; }

  private:
    uint64_t number(uint64_t n) {
        uint64_t value = 0;
        uint64_t shift = 0;
        for (const uint8_t byte : bytes(n)) {
            value |= uint64_t{byte} << shift;
            shift += 8;
        }
        return value;
    }
    std::span<const uint8_t> m_bytes;
    uint64_t m_at = 0;
    bool m_ok = true;
};

}  // namespace spanscope
