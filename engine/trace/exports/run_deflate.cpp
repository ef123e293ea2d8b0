#include "engine/trace/exports/run_deflate.h"

#include <algorithm>

namespace spanscope::trace {

namespace {

constexpr size_t kPlainBytes = size_t{1} << 16;

/// Raw deflate that looks for repeated bytes alone; a small table, because a full flush clears it.
bool open(z_stream& stream) { return deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 4, Z_RLE) == Z_OK; }

/// flush: Z_FULL_FLUSH ends at a byte and forgets what came before; Z_FINISH ends the stream.
bool compress(z_stream& stream, std::string_view text, int flush, const RunDeflate::Sink& sink) {
    std::array<char, 1 << 14> out;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    do {
        stream.next_out = reinterpret_cast<Bytef*>(out.data());
        stream.avail_out = static_cast<uInt>(out.size());
        if (deflate(&stream, flush) == Z_STREAM_ERROR) return false;
        sink({out.data(), out.size() - stream.avail_out});
    } while (stream.avail_out == 0);
    return true;
}

uint32_t crcOf(std::string_view text) {
    return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()));
}

}  // namespace

RunDeflate::RunDeflate(Sink sink) : m_sink(std::move(sink)), m_ok(open(m_stream)) {
    for (int k = kSmallest; k <= kLargest; ++k)
        m_combine[static_cast<size_t>(k)] = static_cast<uint32_t>(crc32_combine_gen(static_cast<z_off_t>(1) << k));
    m_plain.reserve(kPlainBytes);
}

RunDeflate::~RunDeflate() { deflateEnd(&m_stream); }

const RunDeflate::Piece& RunDeflate::piece(uint8_t value, int k) {
    Piece& p = m_pieces[{value, k}];
    if (!p.compressed.empty() || !m_ok) return p;
    const std::string text(size_t{1} << k, static_cast<char>(value));
    z_stream stream{};
    m_ok = open(stream) && compress(stream, text, Z_FULL_FLUSH, [&](std::string_view bytes) { p.compressed += bytes; });
    deflateEnd(&stream);
    p.crc = crcOf(text);
    return p;
}

void RunDeflate::count(uint32_t crc, uint64_t n, uint32_t combine) {
    m_crc = static_cast<uint32_t>(crc32_combine_op(m_crc, crc, combine));
    m_nBytes += n;
}

void RunDeflate::flushPlain(int how) {
    if (m_plain.empty() && how != Z_FINISH) return;
    m_ok = m_ok && compress(m_stream, m_plain, how, m_sink);
    m_crc = static_cast<uint32_t>(crc32_z(m_crc, reinterpret_cast<const Bytef*>(m_plain.data()), m_plain.size()));
    m_nBytes += m_plain.size();
    m_plain.clear();
}

void RunDeflate::endRun() {
    constexpr uint64_t kLeast = uint64_t{1} << kSmallest;
    if (m_length >= kLeast) flushPlain(Z_FULL_FLUSH);
    for (int k = kLargest; k >= kSmallest; --k) {
        const uint64_t n = uint64_t{1} << k;
        if (m_length < n) continue;
        const Piece& p = piece(m_value, k);
        for (; m_length >= n; m_length -= n) {
            m_sink(p.compressed);
            count(p.crc, n, m_combine[static_cast<size_t>(k)]);
        }
    }
    m_plain.append(m_length, static_cast<char>(m_value));
    m_length = 0;
    if (m_plain.size() >= kPlainBytes) flushPlain(Z_FULL_FLUSH);
}

void RunDeflate::run(uint8_t value, uint64_t n) {
    if (value != m_value) endRun();
    m_value = value;
    m_length += n;
}

void RunDeflate::bytes(std::string_view text) {
    endRun();
    while (!text.empty()) {
        const size_t n = std::min(text.size(), kPlainBytes);
        m_plain += text.substr(0, n);
        text.remove_prefix(n);
        if (m_plain.size() >= kPlainBytes) flushPlain(Z_FULL_FLUSH);
    }
}

bool RunDeflate::finish() {
    endRun();
    flushPlain(Z_FINISH);
    return m_ok;
}

}  // namespace spanscope::trace
