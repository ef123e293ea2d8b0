// The tracker against the rule written again, and its invariants, on random streams: well formed, damaged, noise.
#include <QtTest>
#include <random>

#include "engine/types/interval_algebra.h"
#include "rule_written_again.h"
#include "symbols.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

class Streams {
  public:
    explicit Streams(unsigned seed) : m_random(seed) {}
    unsigned below(unsigned n) { return static_cast<unsigned>(m_random() % n); }
    std::string label() { return std::to_string(1 + below(4)); }
    std::string prompt() {
        std::string s = "^h\n";
        for (unsigned k = below(4); k > 0; --k) s += "I" + label() + ":ab\n";
        if (below(3) == 0) s += "q\n";
        return damage(s, 8);
    }
    std::string response() {
        if (below(5) == 0) return noise(2 + below(30));
        std::string s;
        for (unsigned k = 1 + below(4); k > 0; --k) {
            s += "O" + label() + ":";
            if (below(4) == 0) s += "Gz";
            s += "A";
            for (unsigned r = below(3); r > 0; --r) s += (below(2) ? "I" : "O") + label() + ":";
            s += "Ex";
            if (below(2)) s += "Ly";
            s += "\n";
        }
        return damage(s, 2);
    }
    std::string noise(unsigned n) {
        static const std::string alphabet = "IO:AELG\n0123x";
        std::string s;
        while (n--) s += alphabet[below(static_cast<unsigned>(alphabet.size()))];
        return s;
    }

  private:
    std::string damage(std::string s, unsigned oneIn) {
        while (below(oneIn) == 0 && !s.empty()) {
            const size_t at = 1 + below(static_cast<unsigned>(s.size()));
            const unsigned how = below(3);
            if (how == 0) s.insert(std::min(at, s.size()), noise(1));
            else if (how == 1 && at < s.size()) s.erase(at, 1);
            else if (at < s.size()) s[at] = noise(1)[0];
        }
        return s;
    }
    std::mt19937 m_random;
};

}  // namespace

class TestTrackerProperty : public QObject {
    Q_OBJECT
  private slots:
    void equalsTheRuleWrittenAgain() {
        Streams streams(11);
        int nCompared = 0;
        for (int round = 0; round < 20'000; ++round) {
            SpanPolicy policy;
            policy.heads = round % 2 == 0;
            policy.maxRefs = round % 3 == 0 ? 1 : 64;
            const std::string prompt = streams.prompt();
            const std::string response = streams.response();
            const Tracked t = track(prompt, response, policy);
            for (size_t i = 0; i < response.size(); ++i) {
                const TokenView& v = t.views[prompt.size() + i];
                const std::string prefix = response.substr(0, i + 1);
                const Keys expected = keysByTheDocument(prompt, prefix, policy);
                Keys found;
                for (int32_t k = 0; k <= v.position; ++k)
                    if (mayRead(*v.visible, v.position, k)) found.insert(k);
                if (found != expected)
                    qWarning() << "prompt" << prompt.c_str() << "prefix" << prefix.c_str() << reach(v).c_str();
                QVERIFY(found == expected);
                ++nCompared;
            }
        }
        QVERIFY(nCompared > 200'000);
    }

    void invariantsHoldOnAMillionStreams() {
        Streams streams(5);
        const PieceIds pieces = symbolPieces();
        for (int round = 0; round < 1'000'000; ++round) {
            SpanPolicy policy;
            policy.heads = round % 2 == 0;
            policy.prefill = round % 3 == 0 ? PrefillPolicy::Segmented : PrefillPolicy::Causal;
            policy.maxSegmentTokens = 20;
            SpanTracker tracker(pieces, policy);
            const std::string prompt = round % 7 == 0 ? streams.noise(1 + streams.below(12)) : streams.prompt();
            std::vector<TokenView> views = tracker.consumePrompt(ids(prompt));
            for (char c : streams.response()) views.push_back(tracker.consume(c));
            tracker.finish(StopReason::TokenLimit);
            const IntervalList* checked = nullptr;  // steps of a phase share their list: look at each once
            for (size_t i = 0; i < views.size(); ++i) {
                const TokenView& v = views[i];
                if (v.visible.get() != checked) {
                    checked = v.visible.get();
                    if (checked->empty() || !isNormalised(*checked)) QFAIL("list not normalised");
                    if (checked->front().begin != 0) QFAIL("sink missing");
                    if (checked->back().end != kOpenEnd) QFAIL("own segment not open");
                }
                if (v.position != static_cast<int32_t>(i)) QFAIL("positions are not consecutive");
                if (!mayRead(*v.visible, v.position, v.position)) QFAIL("a token must read itself");
                if (v.segment >= static_cast<int32_t>(tracker.segments().size())) QFAIL("segment out of range");
            }
            for (const Segment& s : tracker.segments())
                if (s.begin < 0 || s.begin > s.end || s.end > tracker.nTokens()) QFAIL("segment bounds");
        }
    }
};

QTEST_GUILESS_MAIN(TestTrackerProperty)
#include "tst_tracker_property.moc"
