// The tracker against the rule written again, and its invariants, on random streams: well formed, damaged, noise.
#include <QtTest>

#include "engine/types/interval_algebra.h"
#include "rule_written_again.h"
#include "streams.h"
#include "symbols.h"

using namespace spanscope;
using namespace spanscope::test;

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
            policy.prefill = round % 4 < 2 ? PrefillPolicy::Segmented : PrefillPolicy::Causal;
            const std::string prompt = streams.prompt();
            const std::string response = streams.response();
            const Tracked t = track(prompt, response, policy);
            const std::string all = prompt + response;
            for (size_t i = 0; i < all.size(); ++i) {
                const TokenView& v = t.views[i];
                const std::string prefix = all.substr(0, i + 1);
                const Keys expected = i < prompt.size()
                                          ? keysOfPromptByTheDocument(prompt, static_cast<int>(i), policy)
                                          : keysByTheDocument(prompt, prefix.substr(prompt.size()), policy);
                Keys found;
                for (int32_t k = 0; k <= v.position; ++k)
                    if (mayRead(*v.visible, v.position, k)) found.insert(k);
                if (found != expected)
                    qWarning() << "prompt" << prompt.c_str() << "so far" << prefix.c_str() << reach(v).c_str();
                QVERIFY(found == expected);
                ++nCompared;
            }
        }
        QVERIFY(nCompared > 400'000);
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
