// Interval lists as sets, against std::set and token by token.
#include <QtTest>
#include <random>
#include <set>

#include "engine/types/interval_algebra.h"

using namespace spanscope;

namespace {

/// Normalised, of at most 100 tokens; sometimes open.
IntervalList randomList(std::mt19937& random, int32_t limit) {
    IntervalList list;
    for (int32_t at = static_cast<int32_t>(random() % 6); at < limit;) {
        const int32_t end = at + 1 + static_cast<int32_t>(random() % 9);
        list.push_back({at, random() % 12 ? end : kOpenEnd});
        if (list.back().end == kOpenEnd) break;
        at = end + 1 + static_cast<int32_t>(random() % 9);
    }
    return list;
}

bool in(const IntervalList& list, int32_t p) {
    return std::any_of(list.begin(), list.end(), [p](const Interval& i) { return p >= i.begin && p < i.end; });
}

}  // namespace

class TestIntervals : public QObject {
    Q_OBJECT
  private slots:
    void normalises() {
        const IntervalList list = normalised({{5, 9}, {0, 1}, {9, 12}, {3, 3}, {20, kOpenEnd}, {7, 8}});
        QCOMPARE(list, (IntervalList{{0, 1}, {5, 12}, {20, kOpenEnd}}));
        QVERIFY(isNormalised(list));
        QVERIFY(!isNormalised({{0, 2}, {2, 3}}));
        QVERIFY(!isNormalised({{4, 4}}));
        QVERIFY(!isNormalised({{-1, 4}}));
    }
    void clips() {
        QCOMPARE(clip({{0, 4}, {8, kOpenEnd}}, 2, 10), (IntervalList{{2, 4}, {8, 10}}));
        QVERIFY(clip({{0, 4}}, 4, 10).empty());
    }
    void intersectsAndSubtracts() {
        QCOMPARE(intersect({{0, 5}, {8, kOpenEnd}}, {{3, 10}}), (IntervalList{{3, 5}, {8, 10}}));
        QCOMPARE(subtract({{0, kOpenEnd}}, {{0, 1}, {4, 6}}), (IntervalList{{1, 4}, {6, kOpenEnd}}));
        QCOMPARE(subtract({{2, 4}}, {{0, 10}}), IntervalList{});
        std::mt19937 random(1);
        for (int round = 0; round < 2000; ++round) {
            const IntervalList a = randomList(random, 80), b = randomList(random, 80);
            const IntervalList both = intersect(a, b), onlyA = subtract(a, b), cut = clip(a, 20, 60);
            for (const IntervalList& l : {both, onlyA, cut}) QVERIFY(isNormalised(l));
            for (int32_t p = 0; p < 100; ++p) {
                QCOMPARE(in(both, p), in(a, p) && in(b, p));
                QCOMPARE(in(onlyA, p), in(a, p) && !in(b, p));
                QCOMPARE(in(cut, p), in(a, p) && p >= 20 && p < 60);
            }
        }
    }
    void countsAttendedAndLoaded() {
        const IntervalList list{{0, 1}, {20, 24}, {30, kOpenEnd}};
        QCOMPARE(attendedTokens(list, 35), 1 + 4 + 6);
        // pages of 16: [0,16), [16,32), and of the third only what is stored: [32,36)
        QCOMPARE(loadedTokens(list, 35), 36);
        QCOMPARE(loadedTokens(IntervalList{{0, 1}, {40, 41}}, 100), 16 + 16);
        QCOMPARE(loadedTokens(IntervalList{{3, 5}, {9, 11}}, 100), 16);  // one page, counted once
        QCOMPARE(attendedTokens(IntervalList{}, 10), 0);
        QCOMPARE(loadedTokens(IntervalList{}, 10), 0);
    }
    void agreesWithSets() {
        std::mt19937 random(7);
        for (int round = 0; round < 2000; ++round) {
            IntervalList raw;
            std::set<int> keys;
            for (unsigned i = random() % 6; i > 0; --i) {
                const int b = static_cast<int>(random() % 100);
                const int e = b + static_cast<int>(random() % 30);
                raw.push_back({b, e});
                for (int k = b; k < e; ++k) keys.insert(k);
            }
            const IntervalList list = normalised(raw);
            QVERIFY(isNormalised(list));
            const int query = static_cast<int>(random() % 140);
            std::set<int> pages;
            int attended = 0;
            for (int k = 0; k <= query; ++k) {
                QCOMPARE(mayRead(list, query, k), keys.count(k) == 1);
                if (keys.count(k)) {
                    ++attended;
                    pages.insert(k / kPageTokens);
                }
            }
            int loaded = 0;
            for (int p : pages) loaded += std::min((p + 1) * kPageTokens, query + 1) - p * kPageTokens;
            QCOMPARE(attendedTokens(list, query), attended);
            QCOMPARE(loadedTokens(list, query), loaded);
        }
    }
};

QTEST_GUILESS_MAIN(TestIntervals)
#include "tst_intervals.moc"
