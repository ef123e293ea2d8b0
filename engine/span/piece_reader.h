// The reader for vocabularies with a special piece for each tag and a piece for each digit: every token is one event.
#pragma once

#include "engine/span/event_reader.h"
#include "engine/span/pieces.h"

namespace spanscope {

class PieceReader : public EventReader {
  public:
    explicit PieceReader(const PieceIds& pieces) : m_pieces(pieces) {}
    std::span<const ProtocolEvent> read(int32_t token) override;
    std::unique_ptr<EventReader> clone() const override { return std::make_unique<PieceReader>(*this); }

  private:
    PieceIds m_pieces;
    ProtocolEvent m_event;
};

}  // namespace spanscope
