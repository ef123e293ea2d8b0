// Words that have been cut into pieces before: most words of a text have. Private to engine/model.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace spanscope {

/// Short words with few pieces; each has one place, where the latest stays. One thread.
class WordCache {
  public:
    static constexpr size_t kMaxBytes = 32, kMaxPieces = 7;

    bool allocated() const { return !m_entries.empty(); }
    /// Before a text of nBytes: nothing for a short one, 1 MB, and 4 MB for a long one, which has tens of thousands of
    /// words.
    void allocateFor(size_t nBytes) {
        const size_t wanted = nBytes < 1024 ? 0 : nBytes < kLong ? kEntries : kEntriesOfLong;
        if (wanted > m_entries.size()) m_entries.assign(wanted, Entry());
    }

    /// The place of a word that has at most kMaxBytes and at least one.
    class Entry {
      public:
        bool holds(std::string_view word) const {
            return m_nBytes == word.size() && std::memcmp(m_word.data(), word.data(), word.size()) == 0;
        }
        std::span<const int32_t> pieces() const { return {m_pieces.data(), m_nPieces}; }
        /// Does nothing for too many pieces.
        void set(std::string_view word, std::span<const int32_t> pieces) {
            if (pieces.size() > kMaxPieces) return;
            std::memcpy(m_word.data(), word.data(), word.size());
            std::memcpy(m_pieces.data(), pieces.data(), pieces.size_bytes());
            m_nBytes = static_cast<uint8_t>(word.size());
            m_nPieces = static_cast<uint8_t>(pieces.size());
        }

      private:
        std::array<char, kMaxBytes> m_word{};
        std::array<int32_t, kMaxPieces> m_pieces{};
        uint8_t m_nBytes = 0, m_nPieces = 0;
    };
    Entry& entryOf(std::string_view word) {
        std::array<uint64_t, kMaxBytes / 8> parts{};
        std::memcpy(parts.data(), word.data(), word.size());
        uint64_t h = word.size();
        for (const uint64_t part : parts) h = ((h ^ part) * 0x9E3779B97F4A7C15u) ^ (h >> 29);
        return m_entries[(h ^ (h >> 32)) & (m_entries.size() - 1)];
    }

  private:
    static constexpr size_t kLong = 256 << 10, kEntries = 16384, kEntriesOfLong = 65536;  // powers of two
    std::vector<Entry> m_entries;
};

}  // namespace spanscope
