// Byte pair encoding: of all neighbours that may be joined, the pair with the lowest rank is, the leftmost of equals,
// until none is left (Sennrich et al., arXiv 1508.07909). Private to engine/model.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace spanscope {

/// Two pieces that become one, by id.
struct BpeMerge {
    int32_t left = 0, right = 0, result = 0;
};

/// Immutable after add(); any thread may call merge().
class BpeMerges {
  public:
    /// Room for `count` merges; more than that may not be added.
    explicit BpeMerges(size_t count);

    /// The next rank. False if these two have one already.
    bool add(const BpeMerge& merge) { return add(merge, m_nRanks); }
    /// Several may have the same rank.
    bool add(const BpeMerge& merge, int32_t rank);

    /// Joins what can be joined, in place. Time n log n in the number of pieces.
    void apply(std::vector<int32_t>& pieces) const;

  private:
    struct Slot {
        uint64_t pair = kEmpty;
        int32_t rank = 0, result = 0;
    };
    static constexpr uint64_t kEmpty = ~uint64_t{0};  // no pair: ids are not negative
    struct Candidate;

    uint64_t placeOf(uint64_t pair) const;
    const Slot* find(int32_t left, int32_t right) const;
    void applyToFew(std::vector<int32_t>& pieces) const;
    void applyToMany(std::vector<int32_t>& pieces) const;

    std::vector<Slot> m_slots;  // open addressing, at most half full
    uint64_t m_seed, m_mask;
    int32_t m_nRanks = 0;
};

}  // namespace spanscope
