#include <QtTest>
#include <random>
#include <set>

#include "engine/span/interval_algebra.h"

using namespace spanscope;

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
    void unitesAndClips() {
        QCOMPARE(unite({{0, 4}, {8, 9}}, {{3, 6}}), (IntervalList{{0, 6}, {8, 9}}));
        QCOMPARE(clip({{0, 4}, {8, kOpenEnd}}, 2, 10), (IntervalList{{2, 4}, {8, 10}}));
        QVERIFY(clip({{0, 4}}, 4, 10).empty());
    }
    void countsAttendedAndRead() {
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
