// What a run adds to its policy's lists: the model's sliding window, position by position, and ids of its own.
#include <QtTest>

#include "engine/decode/masks.h"
#include "engine/policy/declared_policy.h"
#include "engine/policy/dense_policy.h"
#include "engine/policy/keep_policy.h"
#include "engine/types/interval_algebra.h"

using namespace spanscope;

class TestMasks : public QObject {
    Q_OBJECT

  private slots:
    void windowCutsWhatIsTooOld() {
        const IntervalList lists[] = {{{0, kOpenEnd}}, {{0, 1}, {5, 9}, {20, kOpenEnd}}, {{0, 4}, {6, 7}}};
        for (const IntervalList& list : lists) {
            for (int32_t window : {0, 1, 5, 13, 64}) {
                RunMasks masks(std::make_unique<DeclaredPolicy>(), window, 1);
                for (int32_t position = 0; position < 50; ++position) {
                    const TokenView view{position, -1, Phase::Focus, std::make_shared<const IntervalList>(list), 3};
                    const QueryMask mask = masks.forStep(view);
                    QVERIFY(isNormalised(*mask.visible));
                    for (int32_t key = 0; key <= position; ++key) {
                        const bool inWindow = window == 0 || key > position - window;
                        QCOMPARE(mayRead(*mask.visible, position, key), inWindow && mayRead(list, position, key));
                    }
                }
            }
        }
    }

    void listsAreSharedWhileNothingChanges() {
        const auto mine = std::make_shared<const IntervalList>(IntervalList{{0, 1}, {4, kOpenEnd}});
        const TokenView view{9, -1, Phase::Focus, mine, 5};
        RunMasks declared(std::make_unique<DeclaredPolicy>(), 0, 1), other(std::make_unique<DeclaredPolicy>(), 0, 2);
        QCOMPARE(declared.forStep(view).visible, mine);
        QVERIFY(declared.forStep(view).id != other.forStep(view).id);  // ids of two runs never meet
        RunMasks dense(std::make_unique<DensePolicy>(), 0, 1);
        QCOMPARE(dense.forStep(view).visible, dense.forPrompt(view).visible);
        QVERIFY(dense.forStep(view).id != 0);
        RunMasks keep(std::make_unique<KeepPolicy>(3), 0, 1);
        QCOMPARE(keep.forStep(view).id, uint64_t{0});
        RunMasks window(std::make_unique<DeclaredPolicy>(), 4, 1);
        QCOMPARE(*window.forStep(view).visible, (IntervalList{{6, kOpenEnd}}));
        QCOMPARE(window.forStep(view).id, uint64_t{0});
    }
};

QTEST_GUILESS_MAIN(TestMasks)
#include "tst_masks.moc"
