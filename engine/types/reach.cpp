#include "engine/types/reach.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "engine/types/interval_algebra.h"

namespace spanscope {

namespace {

/// Positions not reached yet; each is taken out once (disjoint sets with path halving).
class Unreached {
  public:
    explicit Unreached(int32_t n) : m_next(static_cast<size_t>(n) + 1) {
        std::iota(m_next.begin(), m_next.end(), int32_t{0});
    }
    int32_t firstFrom(int32_t at) {
        while (m_next[static_cast<size_t>(at)] != at) {
            int32_t& next = m_next[static_cast<size_t>(at)];
            next = m_next[static_cast<size_t>(next)];
            at = next;
        }
        return at;
    }
    /// What of [begin, end) was still there goes, and is added to `taken`.
    void take(int32_t begin, int32_t end, IntervalList& taken) {
        for (int32_t at = firstFrom(begin); at < end; at = firstFrom(at)) {
            const int32_t from = at;
            while (at < end && m_next[static_cast<size_t>(at)] == at) {
                m_next[static_cast<size_t>(at)] = at + 1;
                ++at;
            }
            taken.push_back({from, at});
        }
    }

  private:
    std::vector<int32_t> m_next;  ///< (positions + 1) itself where it is not reached; the last one never is
};

const IntervalList* listAt(const RunData& run, int32_t position) {
    const auto at = static_cast<size_t>(position);
    const size_t nPrompt = run.header.prompt.size();
    if (at < nPrompt) return at < run.header.promptVisible.size() ? run.header.promptVisible[at].get() : nullptr;
    return run.steps[at - nPrompt].visible.get();
}

}  // namespace

int32_t Reach::between(int32_t at) const {
    for (size_t k = 0; k < hops.size(); ++k) {
        const auto after = std::upper_bound(hops[k].begin(), hops[k].end(), at,
                                            [](int32_t p, const Interval& i) { return p < i.begin; });
        if (after != hops[k].begin() && at < (after - 1)->end) return static_cast<int32_t>(k);
    }
    return -1;
}

Reach reachOf(const RunData& run, int32_t step, const std::atomic<bool>* stop) {
    constexpr int32_t kBetweenLooks = 4096;  // positions
    const auto nPrompt = static_cast<int32_t>(run.header.prompt.size());
    if (step < 0 || static_cast<size_t>(step) >= run.steps.size()) return {};
    Reach reach;
    reach.step = step;
    reach.position = nPrompt + step;
    reach.nLayers = std::max(0, run.header.nLayers);

    static const IntervalList kEverything{{0, kOpenEnd}};
    Unreached unreached(reach.position + 1);
    // How far a list was followed: what a query reads of it contains what a query before it reads, so only what lies
    // behind is new.
    std::unordered_map<const IntervalList*, int32_t> followed;
    const auto follow = [&](const IntervalList* list, int32_t query, IntervalList& found) {
        if (!list) list = &kEverything;
        int32_t& end = followed[list];
        if (query < end) return;
        auto it = std::lower_bound(list->begin(), list->end(), end,
                                   [](const Interval& i, int32_t from) { return i.end <= from; });
        for (; it != list->end() && it->begin <= query; ++it)
            unreached.take(std::max({it->begin, end, 0}), clipToQuery(*it, query).end, found);
        end = query + 1;
    };

    IntervalList front;
    follow(listAt(run, reach.position), reach.position, front);
    int32_t nLooked = 0;
    while (!front.empty()) {
        front = normalised(std::move(front));
        reach.hops.push_back(front);
        if (reach.nLayers > 0 && static_cast<int32_t>(reach.hops.size()) >= reach.nLayers) break;
        IntervalList found;
        for (const Interval& part : front) {
            for (int32_t at = part.begin; at < part.end;) {
                const IntervalList* list = listAt(run, at);
                int32_t end = at + 1;
                while (end < part.end && listAt(run, end) == list) ++end;
                follow(list, end - 1, found);
                nLooked += end - at;
                at = end;
                if (nLooked < kBetweenLooks) continue;
                nLooked = 0;
                if (stop && stop->load(std::memory_order_relaxed)) return {};
            }
        }
        front = std::move(found);
    }
    for (int32_t at = unreached.firstFrom(0); at <= reach.position;) {
        const int32_t from = at;
        while (at <= reach.position && unreached.firstFrom(at) == at) ++at;
        reach.never.push_back({from, at});
        if (at <= reach.position) at = unreached.firstFrom(at);
    }
    return reach;
}

}  // namespace spanscope
