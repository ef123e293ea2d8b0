#include "engine/types/run_alignment.h"

#include <algorithm>

#include "engine/files/hash64.h"
#include "engine/types/sequence_match.h"

namespace spanscope {

namespace {

struct Line {
    StepRange steps;
    uint64_t whole = 0, body = 0;  ///< of its tokens; of those after the declaration
    int64_t label = -1;
};

uint64_t mixed(uint64_t sum, uint64_t value) {
    sum = (sum ^ value) * 0x9e3779b97f4a7c15ULL;
    return sum ^ (sum >> 29);
}

std::vector<uint64_t> tokensOf(const RunData& run, bool byText) {
    std::vector<uint64_t> tokens;
    tokens.reserve(run.steps.size());
    for (const StepRecord& step : run.steps) {
        if (!byText) {
            tokens.push_back(static_cast<uint64_t>(step.token.id));
            continue;
        }
        Hash64 hash;
        hash.add(step.token.text);
        tokens.push_back(mixed(hash.value(), step.token.special ? 1 : 0));
    }
    return tokens;
}

std::vector<Line> linesOf(const RunData& run, const std::vector<uint64_t>& tokens) {
    std::vector<Line> lines;
    const auto nPrompt = static_cast<int64_t>(run.header.prompt.size());
    int64_t bodyBegin = 0;  // step
    for (size_t i = 0; i < run.steps.size(); ++i) {
        const int32_t segment = run.steps[i].segment;
        const bool begins = i == 0 || segment != run.steps[i - 1].segment ||
                            (segment < 0 && run.steps[i - 1].token.text.find('\n') != std::string::npos);
        if (begins) {
            Line line;
            line.steps = {static_cast<int32_t>(i), static_cast<int32_t>(i)};
            bodyBegin = static_cast<int64_t>(i);
            if (segment >= 0 && static_cast<size_t>(segment) < run.segments.size()) {
                const Segment& s = run.segments[static_cast<size_t>(segment)];
                line.label = s.label;
                if (s.bodyBegin >= 0) bodyBegin = s.bodyBegin - nPrompt;
            }
            lines.push_back(line);
        }
        Line& line = lines.back();
        line.steps.end = static_cast<int32_t>(i) + 1;
        line.whole = mixed(line.whole, tokens[i]);
        if (static_cast<int64_t>(i) >= bodyBegin) line.body = mixed(line.body, tokens[i]);
    }
    return lines;
}

/// The partners of `a` in `b`: each round looks between those that the rounds before it found.
class Pairing {
  public:
    Pairing(const std::vector<Line>& a, const std::vector<Line>& b) : m_a(a), m_b(b), m_partner(a.size(), -1) {}

    /// Lines with the same key, which is not 0, correspond.
    template <class Key>
    void by(const Key& key) {
        const auto keys = [&](const std::vector<Line>& lines) {
            std::vector<uint64_t> all(lines.size());
            for (size_t i = 0; i < lines.size(); ++i) all[i] = key(lines[i]);
            return all;
        };
        const std::vector<uint64_t> ofA = keys(m_a), ofB = keys(m_b);
        forEachGap([&](size_t a0, size_t a1, size_t b0, size_t b1) {
            const auto found = matchSequences(std::span(ofA).subspan(a0, a1 - a0), std::span(ofB).subspan(b0, b1 - b0));
            for (size_t i = 0; i < found.size(); ++i)
                if (found[i] >= 0 && ofA[a0 + i] != 0) m_partner[a0 + i] = static_cast<int32_t>(b0) + found[i];
        });
    }
    void inOrder() {
        forEachGap([&](size_t a0, size_t a1, size_t b0, size_t b1) {
            for (size_t i = 0; a0 + i < a1 && b0 + i < b1; ++i) m_partner[a0 + i] = static_cast<int32_t>(b0 + i);
        });
    }
    const std::vector<int32_t>& partners() const { return m_partner; }

  private:
    template <class Look>
    void forEachGap(const Look& look) {
        size_t a0 = 0, b0 = 0;
        for (size_t a = 0; a <= m_a.size(); ++a) {
            const bool end = a == m_a.size();
            if (!end && m_partner[a] < 0) continue;
            const size_t b = end ? m_b.size() : static_cast<size_t>(m_partner[a]);
            if (a0 < a && b0 < b) look(a0, a, b0, b);
            a0 = a + 1;
            b0 = b + 1;
        }
    }
    const std::vector<Line>&m_a, &m_b;
    std::vector<int32_t> m_partner;
};

}  // namespace

std::string RunAlignment::words() const {
    if (identical()) return "identical";
    const std::string all = std::to_string(lines.size());
    return std::to_string(nDifferent) + " of " + all + (lines.size() == 1 ? " line" : " lines") +
           (nDifferent == 1 ? " differs" : " differ");
}

RunAlignment alignRuns(const RunData& first, const RunData& second) {
    const bool byText = first.header.modelHash != second.header.modelHash;
    const std::vector<uint64_t> a = tokensOf(first, byText), b = tokensOf(second, byText);
    const std::vector<Line> linesA = linesOf(first, a), linesB = linesOf(second, b);
    Pairing pairing(linesA, linesB);
    pairing.by([](const Line& line) { return line.whole; });
    pairing.by([](const Line& line) { return line.body; });
    pairing.by([](const Line& line) { return static_cast<uint64_t>(line.label + 1); });
    pairing.inOrder();

    RunAlignment result;
    result.ofFirst.assign(a.size(), -1);
    result.ofSecond.assign(b.size(), -1);
    const auto add = [&](StepRange x, StepRange y) {
        const auto tokens = [](const std::vector<uint64_t>& all, StepRange r) {
            return std::span(all).subspan(static_cast<size_t>(r.begin), static_cast<size_t>(r.end - r.begin));
        };
        const std::vector<int32_t> found = matchSequences(tokens(a, x), tokens(b, y));
        int32_t n = 0;
        for (size_t i = 0; i < found.size(); ++i) {
            if (found[i] < 0) continue;
            ++n;
            result.ofFirst[static_cast<size_t>(x.begin) + i] = y.begin + found[i];
            result.ofSecond[static_cast<size_t>(y.begin) + static_cast<size_t>(found[i])] =
                x.begin + static_cast<int32_t>(i);
        }
        const bool equal = n == x.end - x.begin && n == y.end - y.begin;
        result.nLeft[0] += x.end - x.begin - n;
        result.nLeft[1] += y.end - y.begin - n;
        result.nDifferent += equal ? 0 : 1;
        result.lines.push_back({x, y, equal});
    };
    size_t nextB = 0;
    const auto addOfSecondUpTo = [&](size_t end) {
        for (; nextB < end; ++nextB) {
            const int32_t at = linesA.empty() || result.lines.empty() ? 0 : result.lines.back().first.end;
            add({at, at}, linesB[nextB].steps);
        }
    };
    for (size_t i = 0; i < linesA.size(); ++i) {
        const int32_t partner = pairing.partners()[i];
        if (partner < 0) {
            const int32_t at = result.lines.empty() ? 0 : result.lines.back().second.end;
            add(linesA[i].steps, {at, at});
            continue;
        }
        addOfSecondUpTo(static_cast<size_t>(partner));
        add(linesA[i].steps, linesB[static_cast<size_t>(partner)].steps);
        nextB = static_cast<size_t>(partner) + 1;
    }
    addOfSecondUpTo(linesB.size());
    return result;
}

}  // namespace spanscope
