#include "engine/types/sequence_match.h"

#include <algorithm>
#include <limits>

namespace spanscope {

namespace {

constexpr int32_t kMostEdits = 256;  // from either end, until a part is cut where the search stands

/// Elements [a0, a1) against [b0, b1).
struct Part {
    int32_t a0, a1, b0, b1;
};
struct Point {
    int32_t x, y;
};

class Matcher {
  public:
    Matcher(std::span<const uint64_t> a, std::span<const uint64_t> b)
        : m_a(a),
          m_b(b),
          m_zero(static_cast<ptrdiff_t>(b.size()) + 1),
          m_forward(a.size() + b.size() + 3),
          m_backward(m_forward.size()),
          m_match(a.size(), -1) {}

    std::vector<int32_t> run() {
        std::vector<Part> todo{{0, static_cast<int32_t>(m_a.size()), 0, static_cast<int32_t>(m_b.size())}};
        while (!todo.empty()) {
            const Part p = trimmed(todo.back());
            todo.pop_back();
            if (p.a0 == p.a1 || p.b0 == p.b1) continue;
            const Point cut = split(p);
            todo.push_back({p.a0, cut.x, p.b0, cut.y});
            todo.push_back({cut.x, p.a1, cut.y, p.b1});
        }
        return std::move(m_match);
    }

  private:
    bool equal(int32_t x, int32_t y) const { return m_a[static_cast<size_t>(x)] == m_b[static_cast<size_t>(y)]; }
    int32_t& forward(int32_t diagonal) { return m_forward[static_cast<size_t>(m_zero + diagonal)]; }
    int32_t& backward(int32_t diagonal) { return m_backward[static_cast<size_t>(m_zero + diagonal)]; }

    /// Without what is equal at both ends, which is matched.
    Part trimmed(Part p) {
        for (; p.a0 < p.a1 && p.b0 < p.b1 && equal(p.a0, p.b0); ++p.a0, ++p.b0)
            m_match[static_cast<size_t>(p.a0)] = p.b0;
        for (; p.a0 < p.a1 && p.b0 < p.b1 && equal(p.a1 - 1, p.b1 - 1); --p.a1, --p.b1)
            m_match[static_cast<size_t>(p.a1 - 1)] = p.b1 - 1;
        return p;
    }

    /// A point on a shortest path through the part, neither of its ends; or, where that takes too long, on a path.
    /// Diagonals are x - y; each array has the furthest x that a path of so many edits reaches on them.
    Point split(const Part& p) {
        constexpr int32_t kNowhere = std::numeric_limits<int32_t>::max();
        const int32_t least = p.a0 - p.b1, most = p.a1 - p.b0, start = p.a0 - p.b0, goal = p.a1 - p.b1;
        const bool odd = ((start - goal) & 1) != 0;
        int32_t fLow = start, fHigh = start, bLow = goal, bHigh = goal;
        forward(start) = p.a0;
        backward(goal) = p.a1;
        for (int32_t edits = 1;; ++edits) {
            if (fLow > least) forward(--fLow - 1) = -1;
            else ++fLow;
            if (fHigh < most) forward(++fHigh + 1) = -1;
            else --fHigh;
            for (int32_t d = fHigh; d >= fLow; d -= 2) {
                int32_t x = std::max(forward(d - 1) + 1, forward(d + 1)), y = x - d;
                for (; x < p.a1 && y < p.b1 && equal(x, y); ++x, ++y) {}
                forward(d) = x;
                if (odd && bLow <= d && d <= bHigh && backward(d) <= x) return {x, y};
            }
            if (bLow > least) backward(--bLow - 1) = kNowhere;
            else ++bLow;
            if (bHigh < most) backward(++bHigh + 1) = kNowhere;
            else --bHigh;
            for (int32_t d = bHigh; d >= bLow; d -= 2) {
                int32_t x = std::min(backward(d - 1), backward(d + 1) == kNowhere ? kNowhere : backward(d + 1) - 1);
                int32_t y = x - d;
                for (; x > p.a0 && y > p.b0 && equal(x - 1, y - 1); --x, --y) {}
                backward(d) = x;
                if (!odd && fLow <= d && d <= fHigh && x <= forward(d)) return {x, y};
            }
            if (edits < kMostEdits) continue;
            Point ahead{p.a0, p.b0}, behind{p.a1, p.b1};
            for (int32_t d = fHigh; d >= fLow; d -= 2) {
                const int32_t x = std::min({forward(d), p.a1, p.b1 + d});
                if (x >= p.a0 && x - d >= p.b0 && 2 * x - d > ahead.x + ahead.y) ahead = {x, x - d};
            }
            for (int32_t d = bHigh; d >= bLow; d -= 2) {
                const int32_t x = std::max({backward(d), p.a0, p.b0 + d});
                if (x <= p.a1 && x - d <= p.b1 && 2 * x - d < behind.x + behind.y) behind = {x, x - d};
            }
            const int32_t gone = ahead.x + ahead.y - p.a0 - p.b0, back = p.a1 + p.b1 - behind.x - behind.y;
            return gone >= back ? ahead : behind;
        }
    }

    std::span<const uint64_t> m_a, m_b;
    ptrdiff_t m_zero;  ///< index of diagonal 0
    std::vector<int32_t> m_forward, m_backward;
    std::vector<int32_t> m_match;
};

}  // namespace

std::vector<int32_t> matchSequences(std::span<const uint64_t> a, std::span<const uint64_t> b) {
    return Matcher(a, b).run();
}

}  // namespace spanscope
