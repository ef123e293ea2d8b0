#include "engine/span/piece_reader.h"

namespace spanscope {

namespace {

Mark markOf(const PieceIds& pieces, int32_t token) {
    if (token < 0) return Mark::Text;  // an id of -1 stands for a piece that the vocabulary lacks
    if (token == pieces.eos) return Mark::EndOfText;
    if (token == pieces.newline) return Mark::Newline;
    if (token == pieces.in) return Mark::In;
    if (token == pieces.out) return Mark::Out;
    if (token == pieces.colon) return Mark::Colon;
    if (token == pieces.attend) return Mark::Attend;
    if (token == pieces.attendEnd) return Mark::AttendEnd;
    if (token == pieces.local) return Mark::Local;
    if (token == pieces.global) return Mark::Global;
    return pieces.digitOf(token) >= 0 ? Mark::Digit : Mark::Text;
}

}  // namespace

std::span<const ProtocolEvent> PieceReader::read(int32_t token) {
    m_event = {markOf(m_pieces, token), m_pieces.digitOf(token), 1};
    return {&m_event, 1};
}

}  // namespace spanscope
