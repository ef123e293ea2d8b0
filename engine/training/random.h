// mt19937_64 with distributions of our own: the standard ones differ between libraries, and a seed must mean the same
// data everywhere.
#pragma once

#include <cstdint>
#include <iterator>
#include <random>

namespace spanscope {

class Random {
  public:
    explicit Random(uint64_t seed) : m_engine(seed * 0x9E3779B97F4A7C15ull + 0xD1B54A32D192ED03ull) {}
    int64_t range(int64_t min, int64_t max) {  // inclusive; the modulo's bias is below 2^-40 here
        return min + static_cast<int64_t>(m_engine() % static_cast<uint64_t>(max - min + 1));
    }
    bool chance(int percent) { return range(0, 99) < percent; }
    template <class List>
    auto pick(const List& list) {
        return std::data(list)[static_cast<size_t>(range(0, static_cast<int64_t>(std::size(list)) - 1))];
    }

  private:
    std::mt19937_64 m_engine;
};

}  // namespace spanscope
