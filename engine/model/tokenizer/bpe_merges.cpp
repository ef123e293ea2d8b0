// A word of a text has a handful of pieces: the best pair is searched among all of them each time. A line of a million
// characters without a space has a million: a heap of candidates over a linked list.
#include "engine/model/tokenizer/bpe_merges.h"

#include <algorithm>
#include <array>
#include <bit>
#include <climits>
#include <random>

namespace spanscope {

namespace {

constexpr size_t kFew = 48;

uint64_t pairOf(int32_t left, int32_t right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

}  // namespace

/// Two neighbours that may be joined, as they were when it was found.
struct BpeMerges::Candidate {
    int32_t rank, at, next, result;
    bool operator<(const Candidate& other) const {  // the best on top of a heap
        return rank != other.rank ? rank > other.rank : at > other.at;
    }
};

/// The seed is drawn: a file cannot be written so that its merges fall onto one another.
BpeMerges::BpeMerges(size_t count)
    : m_slots(std::bit_ceil(std::max<size_t>(16, 2 * count))),
      m_seed(uint64_t{std::random_device()()} << 32 | std::random_device()()),
      m_mask(m_slots.size() - 1) {}

uint64_t BpeMerges::placeOf(uint64_t pair) const {
    uint64_t h = pair ^ m_seed;
    h = (h ^ (h >> 32)) * 0x9E3779B97F4A7C15u;
    h = (h ^ (h >> 29)) * 0xBF58476D1CE4E5B9u;
    return (h ^ (h >> 32)) & m_mask;
}

bool BpeMerges::add(const BpeMerge& merge, int32_t rank) {
    const uint64_t pair = pairOf(merge.left, merge.right);
    for (uint64_t i = placeOf(pair);; i = (i + 1) & m_mask) {
        if (m_slots[i].pair == pair) return false;
        if (m_slots[i].pair != kEmpty) continue;
        m_slots[i] = {pair, rank, merge.result};
        m_nRanks = std::max(m_nRanks, rank + 1);
        return true;
    }
}

const BpeMerges::Slot* BpeMerges::find(int32_t left, int32_t right) const {
    const uint64_t pair = pairOf(left, right);
    for (uint64_t i = placeOf(pair);; i = (i + 1) & m_mask) {
        if (m_slots[i].pair == pair) return &m_slots[i];
        if (m_slots[i].pair == kEmpty) return nullptr;
    }
}

void BpeMerges::apply(std::vector<int32_t>& pieces) const {
    if (pieces.size() <= kFew) applyToFew(pieces);
    else applyToMany(pieces);
}

void BpeMerges::applyToFew(std::vector<int32_t>& pieces) const {
    std::array<const Slot*, kFew> joins{};  // of piece i and the one behind it
    // The table is larger than the caches: all of a word's places are asked for at once.
    for (size_t i = 0; i + 1 < pieces.size(); ++i)
        __builtin_prefetch(&m_slots[placeOf(pairOf(pieces[i], pieces[i + 1]))]);
    for (size_t i = 0; i + 1 < pieces.size(); ++i) joins[i] = find(pieces[i], pieces[i + 1]);
    size_t n = pieces.size();
    while (n > 1) {
        size_t best = 0;
        int32_t rank = INT32_MAX;
        for (size_t i = 0; i + 1 < n; ++i)
            if (joins[i] != nullptr && joins[i]->rank < rank) {
                best = i;
                rank = joins[i]->rank;
            }
        if (rank == INT32_MAX) break;
        pieces[best] = joins[best]->result;
        for (size_t i = best + 1; i + 1 < n; ++i) {
            pieces[i] = pieces[i + 1];
            joins[i] = joins[i + 1];
        }
        --n;
        if (best > 0) joins[best - 1] = find(pieces[best - 1], pieces[best]);
        if (best + 1 < n) joins[best] = find(pieces[best], pieces[best + 1]);
    }
    pieces.resize(n);
}

void BpeMerges::applyToMany(std::vector<int32_t>& pieces) const {
    const auto n = static_cast<int32_t>(pieces.size());
    std::vector<int32_t> previous(pieces.size()), next(pieces.size());
    std::vector<Candidate> heap;
    const auto consider = [&](int32_t at) {
        if (at < 0 || next[static_cast<size_t>(at)] >= n) return;
        const int32_t behind = next[static_cast<size_t>(at)];
        if (const Slot* slot = find(pieces[static_cast<size_t>(at)], pieces[static_cast<size_t>(behind)])) {
            heap.push_back({slot->rank, at, behind, slot->result});
            std::push_heap(heap.begin(), heap.end());
        }
    };
    for (int32_t i = 0; i < n; ++i) {
        previous[static_cast<size_t>(i)] = i - 1;
        next[static_cast<size_t>(i)] = i + 1;
    }
    for (int32_t i = 0; i < n; ++i) consider(i);
    while (!heap.empty()) {
        const Candidate best = heap.front();
        std::pop_heap(heap.begin(), heap.end());
        heap.pop_back();
        const auto at = static_cast<size_t>(best.at), behind = static_cast<size_t>(best.next);
        if (pieces[at] < 0 || next[at] != best.next) continue;  // one of the two has been joined already
        const Slot* slot = find(pieces[at], pieces[behind]);
        if (slot == nullptr || slot->rank != best.rank) continue;
        pieces[at] = best.result;
        pieces[behind] = -1;
        next[at] = next[behind];
        if (next[at] < n) previous[static_cast<size_t>(next[at])] = best.at;
        consider(previous[at]);
        consider(best.at);
    }
    std::erase(pieces, -1);
}

}  // namespace spanscope
