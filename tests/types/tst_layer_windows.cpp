// What a step loads where layers differ in their window, against sets of pages.
#include <QtTest>

#include <random>
#include <set>

#include "engine/types/interval_sums.h"
#include "engine/types/layer_windows.h"
#include "kernels/backend.h"

using namespace spanscope;

namespace {

/// Tokens on pages with a token of the list that the query reads in such a layer.
int32_t byHand(const IntervalList& list, int32_t query, int32_t window) {
    std::set<int32_t> pages;
    for (int32_t k = 0; k <= query; ++k)
        if (mayRead(list, query, k) && inWindow(window, query, k)) pages.insert(k / kPageTokens);
    int32_t tokens = 0;
    for (const int32_t p : pages) tokens += std::min((p + 1) * kPageTokens, query + 1) - p * kPageTokens;
    return tokens;
}

}  // namespace

class TestLayerWindows : public QObject {
    Q_OBJECT
  private slots:
    void ofAModel() {
        ModelShape shape;
        shape.nLayers = 4;
        QCOMPARE(layerWindowsOf(shape), LayerWindows{});
        shape.layerKinds.resize(4);
        QCOMPARE(layerWindowsOf(shape), LayerWindows{});
        shape.layerKinds = {{.window = 512}, {.rope = -1}, {.window = 512}, {.rope = 1, .window = 64}};
        QCOMPARE(layerWindowsOf(shape), (LayerWindows{{0, 1}, {64, 1}, {512, 2}}));
        shape.layerKinds.assign(4, {.window = 512});
        QCOMPARE(layerWindowsOf(shape), (LayerWindows{{512, 4}}));
    }

    void meanOverLayers() {
        const IntervalList all{{0, kOpenEnd}};
        QCOMPARE(loadedTokens(all, 99, LayerWindows{}), 100);
        QCOMPARE(loadedTokens(all, 99, {{20, 1}}), 20);               // pages from 80 on, as far as tokens are stored
        QCOMPARE(loadedTokens(all, 99, {{0, 1}, {20, 3}}), 40);       // (100 + 3 * 20) / 4
        QCOMPARE(loadedTokens(all, 99, {{0, 1}, {20, 2}}), 47);       // 46.67
        QCOMPARE(loadedTokens({{0, 2}}, 99, {{0, 1}, {20, 2}}), 5);   // 16 in one of three layers
        QCOMPARE(loadedTokens({{0, 2}}, 99, {{0, 1}, {20, 31}}), 1);  // one half goes up
    }

    void equalsSetsOfPages() {
        std::mt19937 random(11);
        for (int round = 0; round < 2000; ++round) {
            IntervalList list;
            auto at = static_cast<int32_t>(random() % 20);
            for (size_t n = random() % 9; n > 0; --n) {
                const auto length = static_cast<int32_t>(1 + random() % (round % 3 == 0 ? 3 : 60));
                list.push_back({at, at + length});
                at += length + 1 + static_cast<int32_t>(random() % (round % 2 == 0 ? 3 : 70));
            }
            if (!list.empty() && random() % 3 == 0) list.back().end = kOpenEnd;
            const IntervalSums sums(list);
            const auto query = static_cast<int32_t>(random() % static_cast<uint32_t>(at + 40));
            for (const int32_t window : {0, 1, 2, 15, 16, 17, 40, 100, query, query + 1, query + 2, INT32_MAX}) {
                const int32_t want = byHand(list, query, window);
                QCOMPARE(loadedTokens(list.data(), static_cast<int32_t>(list.size()), query, window), want);
                QCOMPARE(sums.loaded(list, query, window), want);
            }
            const LayerWindows windows{{0, 2}, {1 + static_cast<int32_t>(random() % 50), 5}};
            QCOMPARE(loadedTokens(sums, list, query, windows), loadedTokens(list, query, windows));
        }
    }

    void largestNumbers() {
        const IntervalList list{{0, 1}, {3, kOpenEnd}};
        const IntervalSums sums(list);
        const int32_t query = INT32_MAX - 1;
        QCOMPARE(sums.loaded(list, query, INT32_MAX), INT32_MAX);
        QCOMPARE(sums.loaded(list, query, 1), 15);  // the last page lacks its last token
        QCOMPARE(loadedTokens(list, query, {{0, 4000}, {INT32_MAX, 96}}), INT32_MAX);
    }
};

QTEST_GUILESS_MAIN(TestLayerWindows)
#include "tst_layer_windows.moc"
