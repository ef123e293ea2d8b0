#include "kernels/cpu/kv_cache.h"

#include <sys/mman.h>

#include <cstring>
#include <string>

#include "kernels/checks.h"
#include "kernels/half.h"

namespace spanscope::cpu {

Result<std::unique_ptr<KvCache>> KvCache::create(const ModelShape& shape, int64_t kvTokens, DType type) {
    std::unique_ptr<KvCache> c(new KvCache);
    c->m_type = type;
    c->m_nPages = static_cast<size_t>((kvTokens + kPageTokens - 1) / kPageTokens);
    c->m_nKvHeads = static_cast<size_t>(shape.nKvHeads);
    c->m_headDim = static_cast<size_t>(shape.headDim);
    c->m_halfPageBytes = kPageTokens * c->m_headDim * c->elementBytes();
    c->m_layerBytes = c->m_nPages * c->m_nKvHeads * 2 * c->m_halfPageBytes;
    // In double first: the product of what a file says may not fit 64 bits.
    const double wanted = static_cast<double>(shape.nLayers) * static_cast<double>(c->m_nPages) *
                          static_cast<double>(c->m_nKvHeads) * 2.0 * static_cast<double>(c->m_halfPageBytes);
    void* memory = MAP_FAILED;
    if (wanted < 0x1p47) {
        c->m_nBytes = static_cast<size_t>(shape.nLayers) * c->m_layerBytes;
        // Untouched pages cost nothing: a long context that is never reached takes no memory.
        memory = mmap(nullptr, c->m_nBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    if (memory == MAP_FAILED) {
        Error e = invalidArgument("no memory for the KV cache", {}, std::to_string(wanted / 1e9) + " GB");
        e.code = ErrorCode::OutOfMemory;
        return e;
    }
    c->m_data = static_cast<std::byte*>(memory);
    // Large pages where the system has them: a dense step walks the whole cache.
    if (c->m_nBytes >= (32u << 20)) madvise(memory, c->m_nBytes, MADV_HUGEPAGE);
    c->m_freePages.resize(c->m_nPages);
    for (size_t i = 0; i < c->m_nPages; ++i) c->m_freePages[i] = static_cast<int32_t>(c->m_nPages - 1 - i);
    return c;
}

KvCache::~KvCache() {
    if (m_data) munmap(m_data, m_nBytes);
}

Result<SequenceId> KvCache::createSequence(int32_t capacityTokens) {
    if (capacityTokens <= 0) return invalidArgument("capacity of a sequence", std::to_string(capacityTokens));
    const size_t wanted = (static_cast<size_t>(capacityTokens) + kPageTokens - 1) / kPageTokens;
    if (wanted > m_freePages.size()) {
        Error e = invalidArgument("too few KV pages are free", std::to_string(m_freePages.size()) + " pages",
                                  std::to_string(wanted) + " pages of 16 tokens");
        e.code = ErrorCode::OutOfMemory;
        return e;
    }
    KvSequence s;
    s.capacity = capacityTokens;
    s.pages.assign(m_freePages.rbegin(), m_freePages.rbegin() + static_cast<std::ptrdiff_t>(wanted));
    m_freePages.resize(m_freePages.size() - wanted);
    const SequenceId id{m_nextId++};
    m_sequences.emplace(id.value, std::move(s));
    return id;
}

void KvCache::freeSequence(SequenceId id) {
    const auto it = m_sequences.find(id.value);
    if (it == m_sequences.end()) return;
    m_freePages.insert(m_freePages.end(), it->second.pages.rbegin(), it->second.pages.rend());
    m_sequences.erase(it);
}

KvSequence* KvCache::find(SequenceId id) {
    const auto it = m_sequences.find(id.value);
    return it == m_sequences.end() ? nullptr : &it->second;
}

const KvSequence* KvCache::find(SequenceId id) const {
    const auto it = m_sequences.find(id.value);
    return it == m_sequences.end() ? nullptr : &it->second;
}

void KvCache::store(int32_t layer, const KvSequence& sequence, int32_t position, const float* k, const float* v,
                    size_t stride) {
    const int32_t pool = sequence.pages[static_cast<size_t>(position / kPageTokens)];
    const auto slot = static_cast<size_t>(position % kPageTokens);
    for (size_t h = 0; h < m_nKvHeads; ++h) {
        std::byte* base = keys(layer, pool, static_cast<int32_t>(h));
        std::byte* valueBase = valuesOf(base);
        const float* kh = k + h * m_headDim * stride;
        const float* vh = v + h * m_headDim * stride;
        if (m_type == DType::F32) {
            auto* k32 = reinterpret_cast<float*>(base);
            float* values = reinterpret_cast<float*>(valueBase) + slot * m_headDim;
            for (size_t i = 0; i < m_headDim; ++i) k32[i * kPageTokens + slot] = kh[i * stride];
            for (size_t i = 0; i < m_headDim; ++i) values[i] = vh[i * stride];
            continue;
        }
        auto* k16 = reinterpret_cast<uint16_t*>(base);
        uint16_t* values = reinterpret_cast<uint16_t*>(valueBase) + slot * m_headDim;
        const auto narrow = m_type == DType::BF16 ? floatToBf16 : floatToF16;
        for (size_t i = 0; i < m_headDim; ++i) k16[i * kPageTokens + slot] = narrow(kh[i * stride]);
        for (size_t i = 0; i < m_headDim; ++i) values[i] = narrow(vh[i * stride]);
    }
}

void KvCache::save(int32_t layer, const KvSequence& sequence, int32_t position, std::vector<std::byte>& bits) const {
    const size_t e = elementBytes();
    const auto slot = static_cast<size_t>(position % kPageTokens);
    bits.resize(m_nKvHeads * m_headDim * 2 * e);
    std::byte* out = bits.data();
    for (size_t h = 0; h < m_nKvHeads; ++h) {
        std::byte* k =
            keys(layer, sequence.pages[static_cast<size_t>(position / kPageTokens)], static_cast<int32_t>(h));
        for (size_t i = 0; i < m_headDim; ++i, out += e) std::memcpy(out, k + (i * kPageTokens + slot) * e, e);
        const std::byte* values = valuesOf(k) + slot * m_headDim * e;
        std::memcpy(out, values, m_headDim * e);
        out += m_headDim * e;
    }
}

void KvCache::restore(int32_t layer, const KvSequence& sequence, int32_t position, const std::vector<std::byte>& bits) {
    const size_t e = elementBytes();
    const auto slot = static_cast<size_t>(position % kPageTokens);
    const std::byte* in = bits.data();
    for (size_t h = 0; h < m_nKvHeads; ++h) {
        std::byte* k =
            keys(layer, sequence.pages[static_cast<size_t>(position / kPageTokens)], static_cast<int32_t>(h));
        for (size_t i = 0; i < m_headDim; ++i, in += e) std::memcpy(k + (i * kPageTokens + slot) * e, in, e);
        std::byte* values = valuesOf(k) + slot * m_headDim * e;
        std::memcpy(values, in, m_headDim * e);
        in += m_headDim * e;
    }
}

}  // namespace spanscope::cpu
