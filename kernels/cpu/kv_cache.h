// Keys and values in pages of 16 tokens. One pool for all layers and sequences, allocated once.
//
// A page of one layer and one KV head is K^T (headDim, 16) and V (16, headDim): scores of a page are sixteen
// adjacent lanes and the value sum runs along headDim, so neither prefill nor decode ever gathers.
//
// Memory order: layer, page, keys of all heads, values of all heads. A page that a sparse step reads alone so is
// one long run and not 2 * nKvHeads short ones, which is what memory is fast at; a short context touches little of
// the pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "kernels/backend.h"

namespace spanscope::cpu {

struct KvSequence {
    std::vector<int32_t> pages;  ///< pool indices
    int32_t capacity = 0;        ///< tokens
    int32_t stored = 0;          ///< tokens
};

class KvCache {
  public:
    /// OutOfMemory with the bytes wanted when the system refuses.
    static Result<std::unique_ptr<KvCache>> create(const ModelShape& shape, int64_t kvTokens, DType type);
    ~KvCache();
    KvCache(const KvCache&) = delete;
    KvCache& operator=(const KvCache&) = delete;

    Result<SequenceId> createSequence(int32_t capacityTokens);
    void freeSequence(SequenceId id);
    KvSequence* find(SequenceId id);
    const KvSequence* find(SequenceId id) const;

    DType type() const { return m_type; }
    size_t nBytes() const { return m_nBytes; }
    size_t elementBytes() const { return m_type == DType::F32 ? 4 : 2; }
    /// K^T (headDim, 16) of a page. The next head's follow.
    std::byte* keys(int32_t layer, int32_t poolPage, int32_t head) const {
        return m_data + static_cast<size_t>(layer) * m_layerBytes +
               (static_cast<size_t>(poolPage) * 2 * m_nKvHeads + static_cast<size_t>(head)) * m_halfPageBytes;
    }
    /// V (16, headDim) of the page whose keys these are.
    std::byte* valuesOf(std::byte* keys) const { return keys + m_nKvHeads * m_halfPageBytes; }

    /// Stores one token: k, v (nKvHeads, headDim), element stride `stride` floats.
    void store(int32_t layer, const KvSequence& sequence, int32_t position, const float* k, const float* v,
               size_t stride);
    /// The stored bits of one token in one layer, to put them back later: (nKvHeads * headDim * 2 elements).
    void save(int32_t layer, const KvSequence& sequence, int32_t position, std::vector<std::byte>& bits) const;
    void restore(int32_t layer, const KvSequence& sequence, int32_t position, const std::vector<std::byte>& bits);

  private:
    KvCache() = default;
    DType m_type = DType::F32;
    size_t m_nPages = 0, m_nKvHeads = 0, m_headDim = 0, m_halfPageBytes = 0, m_layerBytes = 0, m_nBytes = 0;
    std::byte* m_data = nullptr;
    std::vector<int32_t> m_freePages;  // last is taken first
    std::unordered_map<int32_t, KvSequence> m_sequences;
    int32_t m_nextId = 0;
};

}  // namespace spanscope::cpu
