#include "kernels/cuda/kv_pool.h"

#include <algorithm>

namespace spanscope::cuda {
namespace {

size_t elementsPerPage(const ModelShape& s) { return static_cast<size_t>(s.nKvHeads * 2 * kPageTokens * s.headDim); }

}  // namespace

size_t KvPool::bytesFor(const ModelShape& shape, int32_t nPages, Element type) {
    return static_cast<size_t>(shape.nLayers) * static_cast<size_t>(nPages) * elementsPerPage(shape) *
           elementBytes(type);
}

Status KvPool::open(const ModelShape& shape, int32_t nPages, Element type, bool windowed, cudaStream_t stream) {
    SPANSCOPE_TRY(m_memory.allocate("the KV cache", bytesFor(shape, nPages, type)));
    SPANSCOPE_CUDA_TRY(cudaMemsetAsync(m_memory.as<>(), 0, m_memory.nBytes(), stream));
    m_type = type;
    m_nPages = nPages;
    m_pageElements = elementsPerPage(shape);
    m_longRopeAbove = shape.longRopeAbove;
    m_windowed = windowed;
    m_freePages.resize(static_cast<size_t>(nPages));
    for (int32_t i = 0; i < nPages; ++i) m_freePages[static_cast<size_t>(i)] = nPages - 1 - i;
    return {};
}

Result<SequenceId> KvPool::createSequence(int32_t capacityTokens, cudaStream_t stream) {
    if (capacityTokens <= 0) return invalidArgument("capacity of a sequence", std::to_string(capacityTokens));
    const size_t n = static_cast<size_t>((static_cast<int64_t>(capacityTokens) + kPageTokens - 1) / kPageTokens);
    if (n > m_freePages.size()) {
        Error e =
            invalidArgument("too few KV pages are free", std::to_string(m_freePages.size() * kPageTokens) + " tokens",
                            std::to_string(n * kPageTokens) + " tokens");
        e.code = ErrorCode::OutOfMemory;
        return e;
    }
    KvSequence s;
    s.capacity = capacityTokens;
    s.longRope = m_longRopeAbove > 0 && capacityTokens > m_longRopeAbove;
    const size_t tableBytes = (n * sizeof(int32_t) + 15) / 16 * 16;
    const size_t keptBytes = n * sizeof(KeptPage);
    SPANSCOPE_TRY(s.memory.allocate("a sequence's page table", 16 + (m_windowed ? 2 : 1) * tableBytes + keptBytes));
    s.state = s.memory.as<SequenceState>();
    s.table = reinterpret_cast<int32_t*>(s.memory.as<char>() + 16);
    s.kept = reinterpret_cast<KeptPage*>(s.memory.as<char>() + 16 + tableBytes);
    if (m_windowed) s.logical = reinterpret_cast<int32_t*>(s.memory.as<char>() + 16 + tableBytes + keptBytes);
    s.pages.assign(m_freePages.end() - static_cast<std::ptrdiff_t>(n), m_freePages.end());
    std::reverse(s.pages.begin(), s.pages.end());
    // On the backend's stream, which does not wait for the default one.
    SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(s.table, s.pages.data(), n * sizeof(int32_t), cudaMemcpyHostToDevice, stream));
    m_freePages.resize(m_freePages.size() - n);
    const int32_t id = m_nextId++;
    m_sequences.emplace(id, std::move(s));
    return SequenceId{id};
}

void KvPool::freeSequence(SequenceId id) {
    const auto it = m_sequences.find(id.value);
    if (it == m_sequences.end()) return;
    m_freePages.insert(m_freePages.end(), it->second.pages.rbegin(), it->second.pages.rend());
    m_sequences.erase(it);
}

KvSequence* KvPool::find(SequenceId id) {
    const auto it = m_sequences.find(id.value);
    return it == m_sequences.end() ? nullptr : &it->second;
}
const KvSequence* KvPool::find(SequenceId id) const {
    const auto it = m_sequences.find(id.value);
    return it == m_sequences.end() ? nullptr : &it->second;
}

size_t KvPool::bytesHeld() const {
    size_t n = m_memory.nBytes();
    for (const auto& [id, s] : m_sequences) n += s.memory.nBytes();
    return n;
}

}  // namespace spanscope::cuda
