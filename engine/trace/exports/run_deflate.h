// A deflate stream (RFC 1951) of bytes that mostly repeat, such as the rows of a mask: a run of one byte is put
// together from pieces that were compressed once. zlib alone looks at every byte, which for a mask of 100,000 steps is
// ten thousand million; here the cost is that of the runs.
#pragma once

#include <zlib.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace spanscope::trace {

class RunDeflate {
  public:
    using Sink = std::function<void(std::string_view)>;
    explicit RunDeflate(Sink sink);
    ~RunDeflate();
    RunDeflate(const RunDeflate&) = delete;
    RunDeflate& operator=(const RunDeflate&) = delete;

    void bytes(std::string_view text);
    /// n times one byte.
    void run(uint8_t value, uint64_t n);
    /// The end of the stream; once, last. False where zlib failed (memory).
    bool finish();

    uint32_t crc() const { return m_crc; }        ///< of what was put in
    uint64_t nBytes() const { return m_nBytes; }  ///< put in

  private:
    /// 2^k times one byte, compressed by itself up to a byte's end, so that it can stand anywhere.
    struct Piece {
        std::string compressed;
        uint32_t crc = 0;
    };
    static constexpr int kSmallest = 11, kLargest = 20;  ///< k; what is left of a run below that goes the usual way
    const Piece& piece(uint8_t value, int k);
    void endRun();
    void flushPlain(int how);
    void count(uint32_t crc, uint64_t n, uint32_t combine);

    Sink m_sink;
    z_stream m_stream{};
    bool m_ok = false;
    std::string m_plain;  ///< not compressed yet
    uint8_t m_value = 0;  ///< of the run that may go on
    uint64_t m_length = 0;
    std::map<std::pair<uint8_t, int>, Piece> m_pieces;
    std::array<uint32_t, kLargest + 1> m_combine{};  ///< crc32_combine_gen(2^k)
    uint32_t m_crc = 0;
    uint64_t m_nBytes = 0;
};

}  // namespace spanscope::trace
