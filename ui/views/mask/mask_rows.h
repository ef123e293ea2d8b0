// The rows of a mask: for each step its interval list, position and phase. Grows at the end; a copy is a snapshot
// that costs a few pointers and that another thread may read while the original grows. Never steps x positions.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "engine/types/records.h"

namespace spanscope {

struct MaskRow {
    SharedIntervals visible;  ///< null: attends to nothing
    int32_t position = 0;
    Phase phase = Phase::Free;
    SharedHeadCounts heads{};  ///< null: all heads read `visible`
};

class MaskRows {
  public:
    int size() const { return m_size; }
    /// Columns: one for each position up to the last row's own.
    int nColumns() const { return m_columns; }
    bool hasPhase(Phase phase) const { return (m_phases >> static_cast<unsigned>(phase)) & 1u; }
    bool hasHeads() const { return m_hasHeads; }  ///< of some row heads read different lists
    void setMinColumns(int n) { m_columns = n > m_columns ? n : m_columns; }

    const MaskRow& operator[](int row) const {
        return (*m_chunks[static_cast<size_t>(row) / kChunk])[static_cast<size_t>(row) % kChunk];
    }

    void append(const StepRecord& step) { append(MaskRow{step.visible, step.position, step.phase, step.heads}); }
    /// Writes one slot behind every snapshot's end; the slots that snapshots see are never touched again.
    void append(MaskRow row) {
        row.position = std::clamp(row.position, 0, kMaxPosition);
        const size_t slot = static_cast<size_t>(m_size) % kChunk;
        if (slot == 0) m_chunks.push_back(std::make_shared<Chunk>());
        if (row.heads) m_hasHeads = true;  // which have colours of their own
        else m_phases |= 1u << static_cast<unsigned>(row.phase);
        m_columns = row.position + 1 > m_columns ? row.position + 1 : m_columns;
        (*m_chunks.back())[slot] = std::move(row);
        ++m_size;
    }
    void clear() { *this = MaskRows{}; }

  private:
    static constexpr int kMaxPosition = 1 << 30;  // traces come from outside
    static constexpr size_t kChunk = 1024;
    using Chunk = std::array<MaskRow, kChunk>;
    std::vector<std::shared_ptr<Chunk>> m_chunks;
    int m_size = 0;
    int m_columns = 0;
    unsigned m_phases = 0;
    bool m_hasHeads = false;
};

}  // namespace spanscope
