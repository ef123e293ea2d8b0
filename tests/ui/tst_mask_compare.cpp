// Two runs compared: pixels against brute force, linked views, where the texts part.
#include <QAction>
#include <QLabel>
#include <QTableWidget>
#include <QtTest>

#include "tests/ui/sample_run.h"
#include "ui/views/mask/mask_compare.h"
#include "ui/views/mask/mask_view.h"

using namespace spanscope;

namespace {

bool in(const IntervalList& list, int p) {
    return std::any_of(list.begin(), list.end(), [p](const Interval& i) { return p >= i.begin && p < i.end; });
}

}  // namespace

class TestMaskCompare : public QObject {
    Q_OBJECT
    RunData m_declared = sample::sheet(8), m_dense = sample::sheet(8, MaskPolicySpec::dense());

  private slots:
    void differenceOfDenseAndDeclared() {
        const MaskDiff d = diffRuns(m_declared, m_dense);
        QVERIFY(d.why.empty());
        QCOMPARE(d.parting, -1);
        QCOMPARE(d.cellsOnlyFirst, int64_t(0));  // dense reads all that declared does
        QCOMPARE(d.cellsBoth, m_declared.stats.attendedTokens);
        QCOMPARE(d.cellsBoth + d.cellsOnlySecond, m_dense.stats.attendedTokens);
    }

    void pixelsKeepEveryDifference() {
        RunData other = m_declared;
        auto& step = other.steps[77];
        IntervalList list = *step.visible;
        list.insert(list.begin() + 1, {30, 31});  // one token more in one step
        const bool before = mayRead(*step.visible, step.position, 30);
        QVERIFY(!before);
        std::sort(list.begin(), list.end(), [](auto a, auto b) { return a.begin < b.begin; });
        step.visible = std::make_shared<const IntervalList>(list);
        const MaskDiff d = diffRuns(other, m_declared);
        QCOMPARE(d.cellsOnlyFirst, int64_t(1));
        QCOMPARE(diffCell(d.rows[77], 30), DiffState::OnlyFirst);
        const MaskAxis x{double(d.nColumns) / 40}, y{double(d.rows.size()) / 30};
        const QImage image = rasterDiff(d, x, y, 0, 0, 40, 30, Palette::light(), 1);
        for (int py = 0; py < 30; ++py)
            for (int px = 0; px < 40; ++px) {
                DiffState expected = DiffState::Future;
                const CellRange rows = y.cellsAt(py), columns = x.cellsAt(px);
                for (int r = rows.begin; r < std::min(rows.end, int(d.rows.size())); ++r)
                    for (int c = columns.begin; c < columns.end; ++c) {
                        const StepRecord &a = other.steps[size_t(r)], &b = m_declared.steps[size_t(r)];
                        DiffState s = DiffState::Future;
                        if (c <= a.position) {
                            const bool ra = in(*a.visible, c), rb = in(*b.visible, c);
                            s = ra && rb ? DiffState::Both
                                : ra     ? DiffState::OnlyFirst
                                : rb     ? DiffState::OnlySecond
                                         : DiffState::Neither;
                        }
                        expected = std::max(expected, s);
                    }
                QCOMPARE(image.pixel(px, py), diffPixel(expected, Palette::light(), px, py, 1));
            }
    }

    void differentPromptsAreSaidToBe() {
        RunData other = m_dense;
        other.header.prompt.pop_back();
        QVERIFY(!diffRuns(m_declared, other).why.empty());
        QVERIFY(diffRuns(RunData{}, RunData{}).rows.empty());
    }

    void viewLinksAndJumps() {
        RunStore a, b;
        Selection selection;
        RunComparison comparison(&a, &b, &selection);
        RunDistances distances;
        MaskCompareView view(&comparison, &distances);
        view.resize(1000, 700);
        view.show();
        (void)QTest::qWaitForWindowActive(&view);
        view.grab();
        a.load(m_declared);
        RunData other = m_dense;
        other.steps[100].token.id += 1;
        b.load(other);
        QCOMPARE(view.difference()->diff().parting, 100);
        QVERIFY(view.summary().contains("step 100"));
        QVERIFY2(view.summary().startsWith("Text: 1 of 8 lines differs."), qPrintable(view.summary()));
        QCOMPARE(view.findChild<QLabel*>("compareNameFirst")->text(), QString("declared"));
        QCOMPARE(view.findChild<QLabel*>("compareNameSecond")->text(), QString("dense"));
        view.firstView()->zoomBy(4, view.firstView()->centreOf(60, 50));
        QCOMPARE(view.secondView()->columns().axis.cellsPerPixel, view.firstView()->columns().axis.cellsPerPixel);
        QCOMPARE(view.secondView()->rows().origin, view.firstView()->rows().origin);
        view.secondView()->fit();
        QVERIFY(view.firstView()->isFitted());
        view.setLinked(false);
        view.firstView()->zoomBy(4, view.firstView()->centreOf(60, 50));
        QVERIFY(view.secondView()->isFitted());
        view.setLinked(true);
        QVERIFY(!view.secondView()->isFitted());
        view.firstView()->fit();
        view.jumpToParting();
        QCOMPARE(selection.locked(), 100);
        auto* table = view.findChild<QTableWidget*>("compareTable");
        QCOMPARE(table->item(0, 1)->text(), QString("declared"));
        QCOMPARE(table->item(0, 2)->text(), QString("dense"));
        QVERIFY(view.csv().startsWith("figure,first,second\n"));
        auto* pane = view.difference();
        QTest::mouseClick(pane, Qt::LeftButton, {}, pane->centreOf(30, 20).toPoint());
        QVERIFY(std::abs(selection.locked() - 30) <= 2);
        for (QAction* action : view.actions()) QVERIFY(!action->toolTip().isEmpty() && !action->shortcut().isEmpty());
        view.grab();
    }
};

QTEST_MAIN(TestMaskCompare)
#include "tst_mask_compare.moc"
