// Synthetic lists and the sliding window against their definitions, position by position.
#include <QtTest>

#include "engine/decode/masks.h"
#include "engine/decode/session.h"

using namespace spanscope;

namespace {

bool wellFormed(const IntervalList& list) {
    int64_t previousEnd = -1;
    for (const Interval& i : list) {
        if (i.begin <= previousEnd || i.end <= i.begin) return false;
        previousEnd = i.end;
    }
    return true;
}

}  // namespace

class TestMasks : public QObject {
    Q_OBJECT

  private slots:
    void keepIsSinkAndTheLast() {
        for (int32_t keep : {1, 2, 16, 37}) {
            for (int32_t position = 0; position < 80; ++position) {
                const IntervalList list = keepIntervals(keep, position);
                QVERIFY(wellFormed(list));
                for (int32_t key = 0; key <= position + 2; ++key) {
                    const bool expected = key <= position && (key == 0 || key > position - keep);
                    QCOMPARE(mayRead(list, position, key), expected);
                }
            }
        }
    }

    void windowCutsWhatIsTooOld() {
        const IntervalList lists[] = {{{0, kOpenEnd}}, {{0, 1}, {5, 9}, {20, kOpenEnd}}, {{0, 4}, {6, 7}}};
        for (const IntervalList& list : lists) {
            for (int32_t window : {0, 1, 5, 13, 64}) {
                for (int32_t position = 0; position < 50; ++position) {
                    const IntervalList folded = foldWindow(list, window, position);
                    QVERIFY(wellFormed(folded));
                    for (int32_t key = 0; key <= position; ++key) {
                        const bool inWindow = window == 0 || key > position - window;
                        QCOMPARE(mayRead(folded, position, key), inWindow && mayRead(list, position, key));
                    }
                }
            }
        }
    }

    void listsAreSharedWhileNothingChanges() {
        const auto mine = std::make_shared<const IntervalList>(IntervalList{{0, 1}, {4, kOpenEnd}});
        const TokenView view{9, -1, Phase::Focus, mine, 5};
        const MaskPolicy declared(AttentionMode::Declared, 0, 0, 1), other(AttentionMode::Declared, 0, 0, 2);
        QCOMPARE(declared.forStep(view).visible, mine);
        QVERIFY(declared.forStep(view).id != other.forStep(view).id);  // ids of two runs never meet
        const MaskPolicy dense(AttentionMode::Dense, 0, 0, 1);
        QCOMPARE(*dense.forStep(view).visible, (IntervalList{{0, kOpenEnd}}));
        QCOMPARE(dense.forStep(view).visible, dense.forPrompt(view).visible);
        QVERIFY(dense.forStep(view).id != 0);
        const MaskPolicy keep(AttentionMode::Keep, 3, 0, 1);
        QCOMPARE(*keep.forStep(view).visible, (IntervalList{{0, 1}, {7, kOpenEnd}}));
        QCOMPARE(*keep.forPrompt(view).visible, (IntervalList{{0, kOpenEnd}}));
        QCOMPARE(keep.forStep(view).id, uint64_t{0});
        const MaskPolicy window(AttentionMode::Declared, 0, 4, 1);
        QCOMPARE(*window.forStep(view).visible, (IntervalList{{6, kOpenEnd}}));
        QCOMPARE(window.forStep(view).id, uint64_t{0});
    }
};

QTEST_GUILESS_MAIN(TestMasks)
#include "tst_masks.moc"
