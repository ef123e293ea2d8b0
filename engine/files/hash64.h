// FNV-1a, 64 bit: tells models and texts apart, protects nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace spanscope {

class Hash64 {
  public:
    void add(std::span<const uint8_t> bytes) {
        for (const uint8_t byte : bytes) m_state = (m_state ^ byte) * 0x100000001b3ULL;
    }
    void add(std::string_view text) { add(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size())); }
    /// First, middle and last 256 bytes.
    void addSample(std::span<const uint8_t> bytes) {
        constexpr size_t kSample = 256;
        if (bytes.size() <= 3 * kSample) return add(bytes);
        add(bytes.first(kSample));
        add(bytes.subspan(bytes.size() / 2, kSample));
        add(bytes.last(kSample));
    }
    uint64_t value() const { return m_state; }
    std::string hex() const {
        std::string s(16, '0');
        for (size_t i = 0; i < 16; ++i) s[i] = "0123456789abcdef"[(m_state >> (60 - 4 * i)) & 15];
        return s;
    }

  private:
    uint64_t m_state = 0xcbf29ce484222325ULL;
};

}  // namespace spanscope
