// The mask view driven with real clicks, wheel and keys; its picture against the run's intervals.
#include <QAction>
#include <QScrollBar>
#include <QSignalSpy>
#include <QtTest>

#include "tests/ui/sample_run.h"
#include "ui/views/mask/mask_raster.h"
#include "ui/views/mask/mask_view.h"

using namespace spanscope;

namespace {

SharedBatch batchOf(const RunData& run, int first, int last, bool finished) {
    auto b = std::make_shared<RunBatch>();
    b->runId = run.header.runId;
    b->steps.assign(run.steps.begin() + first, run.steps.begin() + last);
    b->segments = run.segments;
    b->stats = run.stats;
    b->finished = finished;
    return b;
}

void wheel(QWidget* w, QPointF at, int notches, Qt::KeyboardModifiers modifiers) {
    QWheelEvent e(at, w->mapToGlobal(at), {}, QPoint(0, notches * 120), Qt::NoButton, modifiers, Qt::NoScrollPhase,
                  false);
    QApplication::sendEvent(w, &e);
}

}  // namespace

class TestMaskView : public QObject {
    Q_OBJECT
    RunData m_run = sample::sheet(8);

    struct Fixture {
        RunStore store;
        Selection selection;
        MaskView view{&store, &selection};
        Fixture() {
            view.resize(900, 600);
            view.show();
            view.activateWindow();
            (void)QTest::qWaitForWindowActive(&view);
            view.setFocus();
        }
        void point(QPointF at) {
            QMouseEvent e(QEvent::MouseMove, at, view.viewport()->mapToGlobal(at), Qt::NoButton, Qt::NoButton,
                          Qt::NoModifier);
            QApplication::sendEvent(view.viewport(), &e);
        }
    };

  private slots:
    void picturesTheIntervals() {
        Fixture f;
        f.store.load(m_run);
        QVERIFY(QTest::qWaitForWindowExposed(&f.view));
        f.view.finishTiles();
        const QImage image = f.view.viewport()->grab().toImage().convertToFormat(QImage::Format_RGB32);
        const Palette& p = Palette::of(f.view.palette());
        // Centres of cells, away from grid lines and rulers; every 7th to keep it short.
        int checked = 0;
        for (int step = 0; step < int(m_run.steps.size()); step += 7)
            for (int column = 0; column < f.store.nContext(); column += 5) {
                const QPoint at = f.view.centreOf(step, column).toPoint();
                const StepRecord& s = m_run.steps[size_t(step)];
                const QPoint cell = f.view.cellAt(at + QPointF(0.5, 0.5));
                const StepRecord& under = m_run.steps[size_t(cell.y())];
                const MaskState state = maskCell({under.visible, under.position, under.phase}, cell.x());
                const QRgb found = image.pixel(at);
                if (state == MaskState::Attended) {
                    // pooled rows may show a later phase of the pixel; the pixel must be some phase's colour
                    bool phase = false;
                    for (const QColor& c : p.phases) phase = phase || c.rgb() == found;
                    QVERIFY2(phase, qPrintable(QString("step %1 column %2").arg(s.index).arg(column)));
                    ++checked;
                }
                if (state == MaskState::Future && cell.x() > under.position + 4) QCOMPARE(found, p.future.rgb());
            }
        QVERIFY(checked > 50);
    }

    void hoverClickShiftEscape() {
        Fixture f;
        f.store.load(m_run);
        QSignalSpy sentences(&f.view, &MaskView::cursorChanged);
        f.point(f.view.centreOf(40, 3));
        QCOMPARE(f.selection.hovered(), 40);
        QCOMPARE(f.view.cursor().step, 40);
        QCOMPARE(f.view.cursor().column, 3);
        QVERIFY(sentences.count() > 0);
        QVERIFY(f.view.accessibleName().contains("step 40"));
        QVERIFY(f.view.accessibleName().contains("position 3"));
        QTest::mouseClick(f.view.viewport(), Qt::LeftButton, {}, f.view.centreOf(40, 3).toPoint());
        QCOMPARE(f.selection.locked(), 40);
        QTest::mouseClick(f.view.viewport(), Qt::LeftButton, Qt::ShiftModifier, f.view.centreOf(50, 3).toPoint());
        QCOMPARE(f.selection.locked(), 40);
        QCOMPARE(f.selection.lockedEnd(), 50);
        QTest::keyClick(&f.view, Qt::Key_Escape);
        QVERIFY(!f.selection.isLocked());
    }

    void keysWalkSteps() {
        Fixture f;
        f.store.load(m_run);
        QTest::keyClick(&f.view, Qt::Key_Home);
        QCOMPARE(f.selection.locked(), 0);
        QTest::keyClick(&f.view, Qt::Key_Down);
        QTest::keyClick(&f.view, Qt::Key_Down);
        QCOMPARE(f.selection.locked(), 2);
        QTest::keyClick(&f.view, Qt::Key_Down, Qt::ShiftModifier);
        QCOMPARE(f.selection.locked(), 2);
        QCOMPARE(f.selection.lockedEnd(), 3);
        QTest::keyClick(&f.view, Qt::Key_PageDown);
        QCOMPARE(f.selection.locked(), 13);
        QTest::keyClick(&f.view, Qt::Key_Right);
        const int column = f.view.cursor().column;
        QTest::keyClick(&f.view, Qt::Key_Left);
        QCOMPARE(f.view.cursor().column, column - 1);
        QTest::keyClick(&f.view, Qt::Key_End);
        QCOMPARE(f.selection.locked(), f.store.nSteps() - 1);
        QTest::keyClick(&f.view, Qt::Key_Down);  // stays at the end
        QCOMPARE(f.selection.locked(), f.store.nSteps() - 1);
    }

    void zoomPanFitSegment() {
        Fixture f;
        f.store.load(m_run);
        QVERIFY(f.view.isFitted());
        const QPointF at = f.view.centreOf(60, 40);
        wheel(f.view.viewport(), at, 4, Qt::ControlModifier);
        QVERIFY(!f.view.isFitted());
        const QPoint cell = f.view.cellAt(at);
        QVERIFY(std::abs(cell.x() - 40) <= 1 && std::abs(cell.y() - 60) <= 1);
        const double before = f.view.rows().origin;
        wheel(f.view.viewport(), at, -2, Qt::NoModifier);
        QVERIFY(f.view.rows().origin > before);
        const double left = f.view.columns().origin;
        QTest::keyClick(&f.view, Qt::Key_D);
        QVERIFY(f.view.columns().origin > left);
        QTest::keyClick(&f.view, Qt::Key_F);
        QVERIFY(f.view.isFitted());
        QCOMPARE(f.view.columns().visibleCells(), (CellRange{0, f.store.nContext()}));
        QTest::keyClick(&f.view, Qt::Key_W);
        QVERIFY(!f.view.isFitted());
        int segment = 0;
        while (m_run.segments[size_t(segment)].kind != SegmentKind::Out) ++segment;
        f.view.zoomToSegment(segment + 4);
        const Segment& s = m_run.segments[size_t(segment + 4)];
        const CellRange rows = f.view.rows().visibleCells();
        QVERIFY(rows.begin <= s.begin - f.store.nPrompt() && rows.end >= s.end - f.store.nPrompt());
        QVERIFY(rows.end - rows.begin < 2 * (s.end - s.begin));
        const CellRange columns = f.view.columns().visibleCells();
        for (const SpanRef& ref : s.refs) QVERIFY(columns.begin <= ref.tokens.begin && columns.end >= ref.tokens.end);
        f.view.zoomToSegment(-1);
        f.view.zoomToSegment(1 << 20);
    }

    void dragPans() {
        Fixture f;
        f.store.load(m_run);
        f.view.zoomBy(8, f.view.centreOf(60, 40));
        const double x = f.view.columns().origin, y = f.view.rows().origin;
        const QPoint from = f.view.plotRect().center(), to = from - QPoint(60, 40);
        QTest::mousePress(f.view.viewport(), Qt::LeftButton, {}, from);
        QMouseEvent move(QEvent::MouseMove, to, f.view.viewport()->mapToGlobal(QPointF(to)), Qt::NoButton,
                         Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(f.view.viewport(), &move);
        QTest::mouseRelease(f.view.viewport(), Qt::LeftButton, {}, to);
        QCOMPARE(f.view.columns().origin, x + 60);
        QCOMPARE(f.view.rows().origin, y + 40);
        QVERIFY(!f.selection.isLocked());  // a drag is no click
    }

    void followsUntilScrolledBack() {
        Fixture f;
        const RunData run = sample::sheet(40);
        f.store.begin(std::make_shared<const RunHeader>(run.header), run.segments);
        f.store.append(batchOf(run, 0, 400, false));
        f.view.zoomBy(20, f.view.plotRect().center());
        f.view.setFollowing(true);
        QSignalSpy following(&f.view, &MaskView::followingChanged);
        f.store.append(batchOf(run, 400, 500, false));
        QVERIFY(f.view.isFollowing());
        QCOMPARE(f.view.rows().visibleCells().end, 500);
        f.view.verticalScrollBar()->setValue(100);
        QVERIFY(!f.view.isFollowing());
        QCOMPARE(following.count(), 1);
        const CellRange rows = f.view.rows().visibleCells();
        f.store.append(batchOf(run, 500, 600, false));
        QCOMPARE(f.view.rows().visibleCells(), rows);  // stays where the person is
        QTest::keyClick(&f.view, Qt::Key_End);
        QVERIFY(f.view.isFollowing());
        QCOMPARE(f.view.rows().visibleCells().end, 600);
        f.store.append(batchOf(run, 600, int(run.steps.size()), true));
        QCOMPARE(f.view.rows().visibleCells().end, int(run.steps.size()));
    }

    void liveEqualsLoaded() {
        const RunData run = sample::sheet(20);
        Fixture live, loaded;
        live.store.begin(std::make_shared<const RunHeader>(run.header), run.segments);
        const int n = int(run.steps.size());
        for (int i = 0; i < n; i += 37) {
            live.store.append(batchOf(run, i, std::min(n, i + 37), i + 37 >= n));
            live.view.finishTiles();  // tiles drawn half, then grown
        }
        loaded.store.load(run);
        live.view.finishTiles();
        loaded.view.finishTiles();
        live.view.clearFocus();
        loaded.view.clearFocus();
        QCOMPARE(live.view.viewport()->grab().toImage(), loaded.view.viewport()->grab().toImage());
    }

    void everyActionHasTextKeyAndTip() {
        Fixture f;
        QVERIFY(f.view.actions().size() >= 9);
        QStringList keys;
        for (QAction* a : f.view.actions()) {
            QVERIFY(!a->text().isEmpty() && !a->toolTip().isEmpty() && !a->shortcut().isEmpty());
            keys << a->shortcut().toString();
        }
        QCOMPARE(keys.removeDuplicates(), 0);
    }

    void emptyAndHostileRuns() {
        Fixture f;
        f.view.grab();  // says why it is blank
        f.store.clear();
        RunData bad;
        StepRecord s;
        s.position = INT32_MAX;
        s.segment = 99;
        bad.steps.push_back(s);
        s.position = -5;
        s.visible = std::make_shared<const IntervalList>(IntervalList{{-9, 4}, {10, kOpenEnd}});
        bad.steps.push_back(s);
        f.store.load(bad);
        f.view.finishTiles();
        f.view.grab();
        f.point(f.view.plotRect().center());
        f.view.zoomToSegment(0);
        f.store.clear();
        f.view.grab();
    }
};

QTEST_MAIN(TestMaskView)
#include "tst_mask_view.moc"
