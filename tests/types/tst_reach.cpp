// What could have acted on a step: interval lists against powers of the matrix of who reads whom, position by position.
#include <QtTest>

#include <random>

#include "engine/types/interval_algebra.h"
#include "engine/types/reach.h"

using namespace spanscope;

namespace {

SharedIntervals list(IntervalList l) { return std::make_shared<const IntervalList>(normalised(std::move(l))); }

/// A run of nothing but lists.
RunData runOf(size_t nPrompt, const std::vector<SharedIntervals>& lists, int32_t nLayers) {
    RunData run;
    run.header.nLayers = nLayers;
    for (size_t i = 0; i < lists.size(); ++i) {
        if (i < nPrompt) {
            run.header.prompt.push_back({});
            run.header.promptVisible.push_back(lists[i]);
        } else {
            StepRecord s;
            s.index = static_cast<int32_t>(i - nPrompt);
            s.position = static_cast<int32_t>(i);
            s.visible = lists[i];
            run.steps.push_back(s);
        }
    }
    return run;
}

/// Hops from each position to each: the least power of the matrix that holds the pair, 0 where none up to `most` does.
std::vector<std::vector<int>> hopsByMatrix(const std::vector<SharedIntervals>& lists, int most) {
    const size_t n = lists.size();
    std::vector<std::vector<char>> reads(n, std::vector<char>(n)), power;
    for (size_t q = 0; q < n; ++q)
        for (size_t k = 0; k < n; ++k)
            reads[q][k] = !lists[q] ? k <= q : mayRead(*lists[q], static_cast<int32_t>(q), static_cast<int32_t>(k));
    std::vector<std::vector<int>> hops(n, std::vector<int>(n, 0));
    power = reads;
    for (int h = 1; h <= most; ++h) {
        for (size_t q = 0; q < n; ++q)
            for (size_t k = 0; k < n; ++k)
                if (power[q][k] && hops[q][k] == 0) hops[q][k] = h;
        std::vector<std::vector<char>> next(n, std::vector<char>(n));
        for (size_t q = 0; q < n; ++q)
            for (size_t m = 0; m < n; ++m)
                if (power[q][m])
                    for (size_t k = 0; k < n; ++k) next[q][k] = next[q][k] || reads[m][k];
        power = std::move(next);
    }
    return hops;
}

}  // namespace

class TestReach : public QObject {
    Q_OBJECT
  private slots:
    /// Small enough to follow by hand: 0 1 | 2 3 4, where 4 reads itself and 3, 3 itself and 1, and 1 itself alone.
    void aChain() {
        const RunData run = runOf(
            2, {list({{0, 1}}), list({{1, 2}}), list({{0, 1}, {2, 3}}), list({{1, 2}, {3, 4}}), list({{3, 5}})}, 8);
        const Reach reach = reachOf(run, 2);
        QCOMPARE(reach.step, 2);
        QCOMPARE(reach.position, 4);
        QCOMPARE(reach.hops.size(), size_t{2});
        QVERIFY(reach.hops[0] == (IntervalList{{3, 5}}));
        QVERIFY(reach.hops[1] == (IntervalList{{1, 2}}));
        QVERIFY(reach.never == (IntervalList{{0, 1}, {2, 3}}));
        QCOMPARE(reach.between(4), 0);
        QCOMPARE(reach.between(1), 1);
        QCOMPARE(reach.between(0), -1);
    }

    /// One hop a layer: what would take more is never there in time.
    void layersAreTheLimit() {
        std::vector<SharedIntervals> lists;
        for (int32_t i = 0; i < 10; ++i) lists.push_back(list({{std::max(0, i - 1), i + 1}}));
        for (int32_t nLayers = 1; nLayers < 10; ++nLayers) {
            const Reach reach = reachOf(runOf(3, lists, nLayers), 6);
            QCOMPARE(static_cast<int32_t>(reach.hops.size()), nLayers);
            QCOMPARE(nTokens(reach.never), int64_t{9 - nLayers});
        }
        QVERIFY(reachOf(runOf(3, lists, 0), 6).never.empty());
    }

    void equalsPowersOfTheMatrix() {
        std::mt19937 random(17);
        const auto below = [&](int32_t n) { return static_cast<int32_t>(random() % static_cast<uint32_t>(n)); };
        for (int round = 0; round < 300; ++round) {
            const int32_t nTokensAll = 2 + below(38), nPrompt = below(nTokensAll), nLayers = below(7);
            std::vector<SharedIntervals> lists;
            SharedIntervals last;
            for (int32_t at = 0; at < nTokensAll; ++at) {
                // Neighbours share a list, lists come back, some end open, some prompt tokens have none.
                if (last && below(3) > 0) {
                    IntervalList l = *last;
                    if (mayRead(l, at, at)) {
                        lists.push_back(last);
                        continue;
                    }
                }
                if (at < nPrompt && below(6) == 0) {
                    lists.push_back(nullptr);
                    continue;
                }
                IntervalList l{{at, below(2) ? kOpenEnd : at + 1}};
                for (int32_t n = below(4); n > 0 && at > 0; --n) {
                    const int32_t begin = below(at);
                    l.push_back({begin, std::min(at, begin + 1 + below(5))});
                }
                last = list(std::move(l));
                lists.push_back(last);
            }
            const auto hops = hopsByMatrix(lists, nLayers > 0 ? nLayers : nTokensAll);
            const RunData run = runOf(static_cast<size_t>(nPrompt), lists, nLayers);
            for (int32_t step = 0; step < nTokensAll - nPrompt; ++step) {
                const Reach reach = reachOf(run, step);
                const int32_t query = nPrompt + step;
                int64_t n = nTokens(reach.never);
                QVERIFY(isNormalised(reach.never));
                for (const IntervalList& h : reach.hops) {
                    QVERIFY(isNormalised(h) && !h.empty());
                    n += nTokens(h);
                }
                QCOMPARE(n, int64_t{query} + 1);
                for (int32_t at = 0; at <= query; ++at)
                    QCOMPARE(reach.between(at), hops[static_cast<size_t>(query)][static_cast<size_t>(at)] - 1);
            }
        }
    }

    /// A million steps under a window, each with a list of its own: the hops are known in closed form.
    void aLongRun() {
        constexpr int32_t kSteps = 1'000'000, kWindow = 512;
        RunData run;
        run.steps.resize(kSteps);
        for (int32_t i = 0; i < kSteps; ++i) {
            StepRecord& s = run.steps[static_cast<size_t>(i)];
            s.position = i;
            s.visible = std::make_shared<const IntervalList>(IntervalList{{std::max(0, i - kWindow + 1), i + 1}});
        }
        const Reach reach = reachOf(run, kSteps - 1);
        QVERIFY(reach.never.empty());
        QCOMPARE(reach.hops.size(), size_t{(kSteps - 2) / (kWindow - 1) + 1});
        for (const int32_t at : {0, 1, 511, 77'777, kSteps - 513, kSteps - 512, kSteps - 2, kSteps - 1})
            QCOMPARE(reach.between(at), std::max(0, (kSteps - 2 - at) / (kWindow - 1)));
        run.header.nLayers = 30;
        const Reach thirty = reachOf(run, kSteps - 1);
        QCOMPARE(nTokens(thirty.never), int64_t{kSteps} - 30 * (kWindow - 1) - 1);
    }

    void nothingToSay() {
        const RunData run = runOf(1, {list({{0, 1}}), list({{0, 2}})}, 2);
        QCOMPARE(reachOf(run, -1).step, -1);
        QCOMPARE(reachOf(run, 1).step, -1);
        QCOMPARE(reachOf({}, 0).step, -1);
        std::vector<SharedIntervals> lists;
        for (int32_t i = 0; i < 10'000; ++i) lists.push_back(list({{std::max(0, i - 1), i + 1}}));
        const std::atomic<bool> stop{true};
        QCOMPARE(reachOf(runOf(0, lists, 0), 9'999, &stop).step, -1);
    }
};

QTEST_APPLESS_MAIN(TestReach)
#include "tst_reach.moc"
