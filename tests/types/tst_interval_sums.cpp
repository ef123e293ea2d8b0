// The sums against the rule itself (kernels/visibility.h), list by list and query by query.
#include <QtTest>

#include <random>

#include "engine/types/interval_algebra.h"
#include "engine/types/interval_sums.h"

using namespace spanscope;

class TestIntervalSums : public QObject {
    Q_OBJECT
  private slots:
    void equalsTheRule() {
        std::mt19937 random(11);
        for (int round = 0; round < 3000; ++round) {
            IntervalList list;
            int32_t at = static_cast<int32_t>(random() % 20);
            for (size_t n = random() % 9; n > 0; --n) {
                const auto length = static_cast<int32_t>(1 + random() % (round % 3 == 0 ? 3 : 60));
                list.push_back({at, at + length});
                at += length + 1 + static_cast<int32_t>(random() % (round % 2 == 0 ? 3 : 70));
            }
            if (!list.empty() && random() % 3 == 0) list.back().end = kOpenEnd;
            const IntervalSums sums(list);
            for (int32_t query = -1; query < at + 40; query += 1 + static_cast<int32_t>(random() % 3)) {
                QCOMPARE(sums.attended(list, query), attendedTokens(list, query));
                QCOMPARE(sums.loaded(list, query), loadedTokens(list, query));
            }
        }
    }

    /// A query below the first difference reads the same under both lists, and from there on not.
    void firstDifferenceOfTwoLists() {
        const auto seen = [](const IntervalList& list, int32_t query) {
            IntervalList out;
            for (const Interval& i : list)
                if (const Interval c = clipToQuery(i, query); c.begin < c.end) out.push_back(c);
            return out;
        };
        std::mt19937 random(5);
        for (int round = 0; round < 3000; ++round) {
            IntervalList lists[2];
            for (IntervalList& list : lists) {
                std::mt19937 same(round / 3);  // alike at first
                int32_t at = 0;
                for (int n = 0; n < 5; ++n) {
                    std::mt19937& from = n < 2 ? same : random;
                    const auto begin = at + static_cast<int32_t>(from() % 4),
                               end = begin + 1 + static_cast<int32_t>(from() % 4);
                    list.push_back({begin, end});
                    at = end + 1;
                }
                if (random() % 3 == 0) list.back().end = kOpenEnd;
                if (random() % 3 == 0) list.pop_back();
            }
            const int32_t first = firstDifference(lists[0], lists[1]);
            for (int32_t query = 0; query < 60; ++query)
                QCOMPARE(seen(lists[0], query) == seen(lists[1], query), query < first);
        }
        QCOMPARE(firstDifference({{0, 3}}, {{0, 3}}), INT32_MAX);
    }

    void largestNumbers() {
        const IntervalList list{{0, 1}, {3, kOpenEnd}};
        const IntervalSums sums(list);
        for (const int32_t query : {INT32_MAX - 1, INT32_MAX - 17, INT32_MAX - 2}) {
            QCOMPARE(sums.attended(list, query), attendedTokens(list, query));
            QCOMPARE(sums.loaded(list, query), query + 1);
        }
    }
};

QTEST_GUILESS_MAIN(TestIntervalSums)
#include "tst_interval_sums.moc"
