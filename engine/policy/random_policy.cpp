#include "engine/policy/random_policy.h"

#include "engine/policy/best_pages.h"

namespace spanscope {

namespace {

/// splitmix64 (Steele, Lea, Flood 2014).
uint64_t mixed(uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

}  // namespace

QueryMask RandomPolicy::forStep(const TokenView& view) {
    const int32_t own = view.position / kPageTokens;
    std::vector<float> drawn(static_cast<size_t>(own) + 1);
    for (size_t page = 0; page < drawn.size(); ++page)
        drawn[page] = static_cast<float>(mixed((static_cast<uint64_t>(view.position) << 32) + page) >> 40);
    auto list = bestPages(drawn, kPageTokens, nPagesFor(m_budget.tokens(view), view.position, kPageTokens), {own});
    return {std::make_shared<const IntervalList>(std::move(list)), 0};
}

}  // namespace spanscope
