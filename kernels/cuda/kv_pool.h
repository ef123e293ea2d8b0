// The KV cache on the device: one pool of 16-token pages for all layers and sequences, and which sequence has which
// pages. Memory order: [layer][page][KV head][K, V][16 tokens][headDim]. Owns pool, free list and every sequence's
// tables. The backend's thread.
#pragma once

#include <map>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/step/step_types.h"

namespace spanscope::cuda {

struct KvSequence {
    int32_t capacity = 0;        ///< tokens
    int32_t stored = 0;          ///< tokens
    std::vector<int32_t> pages;  ///< of the pool, in order of positions
    DeviceBuffer memory;         ///< holds what the next four point to
    SequenceState* state = nullptr;
    int32_t* table = nullptr;    ///< `pages` on the device
    KeptPage* kept = nullptr;    ///< (capacity pages)
    int32_t* logical = nullptr;  ///< (capacity pages) logical page of each kept one; absent: no layer has a window
    bool longRope = false;       ///< it takes the long form of the angles
    uint64_t maskId = 0;         ///< of the kept list; 0: it has to be built anew
    int32_t maskPosition = -1;   ///< query position that the kept list is for
};

class KvPool {
  public:
    static size_t bytesFor(const ModelShape& shape, int32_t nPages, Element type);
    /// windowed: some layer has a window. All of it is zero then, on `stream`: kernels for tensor cores multiply what
    /// a page holds behind its last token by zero. OutOfMemory with bytes wanted and free.
    Status open(const ModelShape& shape, int32_t nPages, Element type, bool windowed, cudaStream_t stream);

    /// OutOfMemory when too few pages are free; Device. The page table goes up on `stream`.
    Result<SequenceId> createSequence(int32_t capacityTokens, cudaStream_t stream);
    void freeSequence(SequenceId id);
    /// nullptr: unknown. Valid until the sequence is freed.
    KvSequence* find(SequenceId id);
    const KvSequence* find(SequenceId id) const;

    Element type() const { return m_type; }
    int32_t nPages() const { return m_nPages; }
    size_t pageElements() const { return m_pageElements; }
    size_t layerElements() const { return static_cast<size_t>(m_nPages) * m_pageElements; }
    void* layer(size_t index) const { return m_memory.as<char>() + index * layerElements() * elementBytes(m_type); }
    /// Pool and tables.
    size_t bytesHeld() const;

  private:
    DeviceBuffer m_memory;
    Element m_type = Element::F32;
    int32_t m_nPages = 0;
    size_t m_pageElements = 0;
    int32_t m_longRopeAbove = 0;
    bool m_windowed = false;
    std::vector<int32_t> m_freePages;  ///< the last is taken first
    std::map<int32_t, KvSequence> m_sequences;
    int32_t m_nextId = 0;
};

}  // namespace spanscope::cuda
