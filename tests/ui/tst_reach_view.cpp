// Reach in rows and words, and the panel that shows it: computed beside the window, of the step that is selected.
#include <QTableWidget>
#include <QtTest>

#include "engine/types/interval_algebra.h"
#include "tests/ui/sample_run.h"
#include "ui/views/palette.h"
#include "ui/views/plot_parts.h"
#include "ui/views/reach/reach_plot.h"
#include "ui/views/reach/reach_strip.h"
#include "ui/views/reach/reach_view.h"
#include "ui/views/tokens/token_text.h"

using namespace spanscope;

class TestReachView : public QObject {
    Q_OBJECT
    RunData m_run = sample::sheet(12);

    static Reach reach(std::vector<IntervalList> hops, IntervalList never, int32_t position) {
        Reach r;
        r.step = 0;
        r.position = position;
        r.hops = std::move(hops);
        r.never = std::move(never);
        return r;
    }

  private slots:
    void sentences() {
        QCOMPARE(reachSentence(reach({{{0, 1}}}, {}, 0)), QString("1 token read directly, 0 never."));
        QCOMPARE(reachSentence(reach({{{4, 10}}, {{0, 3}}}, {{3, 4}}, 9)),
                 QString("6 tokens read directly, 3 through one token in between, 1 never."));
        QCOMPARE(reachSentence(reach({{{4, 10}}, {{0, 2}}, {{2, 3}}}, {{3, 4}}, 9)),
                 QString("6 tokens read directly, 2 through one token in between, 1 through two, 1 never."));
        QCOMPARE(reachSentence(reach({{{9, 10}}, {{8, 9}}, {{7, 8}}, {{0, 7}}}, {}, 9)),
                 QString("1 token read directly, 1 through one token in between, 8 through two or three, 0 never."));
        QVERIFY(reachSentence({}).isEmpty());
    }

    void rowsAddUp() {
        IntervalList all;
        std::vector<IntervalList> hops;
        for (int32_t k = 0; k < 9; ++k) hops.push_back({{2 * k, 2 * k + 1}});
        const auto rows = reachRows(reach(hops, {{1, 2}}, 18));
        QCOMPARE(rows.size(), size_t{kReachRows + 1});
        QCOMPARE(rows[0].name, QString("read directly"));
        QCOMPARE(rows[1].name, QString("through 1 token"));
        QCOMPARE(rows[kReachRows - 1].name, QString("through %1 or more").arg(kReachRows - 1));
        QCOMPARE(rows[kReachRows - 1].nTokens, qint64{9 - kReachRows + 1});
        QVERIFY(isNormalised(rows[kReachRows - 1].tokens));
        QCOMPARE(rows.back().between, -1);
        QCOMPARE(rows.back().nTokens, qint64{1});
    }

    void segmentsAddUp() {
        for (const int step : {0, 70, int(m_run.steps.size()) - 1}) {
            const Reach r = reachOf(m_run, step);
            const auto rows = reachRows(r);
            std::vector<qint64> sums(rows.size(), 0);
            for (const ReachSegment& s : reachBySegment(m_run, r, rows)) {
                qint64 all = 0;
                for (size_t k = 0; k < rows.size(); ++k) {
                    QVERIFY(s.nTokens[k] >= 0);
                    sums[k] += s.nTokens[k];
                    all += s.nTokens[k];
                }
                QCOMPARE(all, s.nAll);
            }
            for (size_t k = 0; k < rows.size(); ++k) QCOMPARE(sums[k], rows[k].nTokens);
            QCOMPARE(rows[0].nTokens, qint64{m_run.steps[size_t(step)].attended});
        }
    }

    /// Every column of the picture has the colours of its position, in its row and nowhere else.
    void thePicture() {
        const Reach r = reachOf(m_run, 120);
        const auto rows = reachRows(r);
        const Palette& palette = Palette::light();
        const int n = r.position + 1;
        QImage image(int(ReachPlot::kNames + ReachPlot::kCounts) + 3 * n, 300, QImage::Format_RGB32);
        image.fill(Qt::white);
        const ReachPlot plot{m_run, r, rows, palette, QRectF(image.rect()), 1};
        {
            QPainter painter(&image);
            plot.paint(painter);
        }
        const QRectF p = plot.plot();
        QCOMPARE(p.width(), 3.0 * n);
        for (int at = 0; at < n; ++at) {
            const int x = int(p.left()) + 3 * at + 1;
            QCOMPARE(plot.positionAt(x), at);
            for (size_t k = 0; k + 1 < rows.size(); ++k) {
                const int y = int(p.top() + (double(k) + 0.5) * p.height() / double(rows.size()));
                const bool here = r.between(at) == rows[k].between;
                QCOMPARE(image.pixel(x, y) == reachColor(palette, rows[k].between).rgb(), here);
            }
        }
    }

    void thePanelFollowsTheSelection() {
        RunStore store;
        Selection selection;
        ReachView view(&store, &selection, nullptr);
        view.resize(700, 500);
        store.load(m_run);
        selection.lockRange(100, 100);
        QTest::qWait(100);
        QCOMPARE(view.reach().step, -1);  // not in sight: nothing is computed
        view.show();
        QTRY_COMPARE(view.reach().step, 100);
        QVERIFY(view.sentence().contains(reachSentence(reachOf(m_run, 100))));
        QVERIFY(view.table()->rowCount() > 2 && view.table()->isSortingEnabled());
        selection.lockRange(30, 30);
        QTRY_COMPARE(view.reach().step, 30);
        const RunData other = sample::sheet(4);
        store.load(other);  // another run: nothing of the first one stays
        selection.clear();
        QTRY_COMPARE(view.reach().step, -1);
        QCOMPARE(view.table()->rowCount(), 0);
        selection.lockRange(50, 50);
        QTRY_COMPARE(view.reach().step, 50);
        QVERIFY(view.sentence().contains(reachSentence(reachOf(other, 50))));
    }

    /// Runs come and go behind another panel without being laid out; what is current is in sight once it is shown.
    void aHiddenTextWaits() {
        RunStore store;
        store.load(sample::large(3000, 2000));
        TokenText text(&store, nullptr);
        text.resize(400, 160);
        text.setCurrent(2500);
        QTest::qWait(30);
        QVERIFY(!text.isLaidOut());
        text.show();
        QTRY_VERIFY(text.isLaidOut());
        QVERIFY(text.viewport()->rect().intersects(text.rectOf(2500).toRect()));
    }

    void theText() {
        RunStore store;
        TokenText text(&store, nullptr);
        text.resize(500, 300);
        text.show();
        store.load(m_run);
        QTRY_VERIFY(text.isLaidOut());
        for (const int at : {0, 3, 40, 41}) {
            const QRectF rect = text.rectOf(at);
            QVERIFY(rect.width() > 0);
            QCOMPARE(text.positionUnder(rect.center()), at);
        }
        text.setShades(
            [](int position) {
                return position == 3 ? TokenShade{QColor(0x14548f), false, {}} : TokenShade{};
            },
            [](int position) { return QString("position %1").arg(position); });
        const QImage image = text.viewport()->grab().toImage();
        const QRectF rect = text.rectOf(3);
        QCOMPARE(image.pixelColor((rect.topLeft() + QPointF(1, 1)).toPoint()), QColor(0x14548f));
        QSignalSpy clicked(&text, &TokenText::clicked);
        QTest::mouseClick(text.viewport(), Qt::LeftButton, {}, rect.center().toPoint());
        QCOMPARE(clicked.size(), 1);
        QCOMPARE(clicked[0][0].toInt(), 3);
        QTest::keyClick(&text, Qt::Key_Right);
        QVERIFY(text.accessibleDescription().startsWith("position"));
        // A long run is laid out in turns of the event loop.
        store.load(sample::large(30'000, 200));
        QVERIFY(!text.isLaidOut());
        QTRY_VERIFY(text.isLaidOut());
        text.setCurrent(30'100);
        QTRY_VERIFY(text.viewport()->rect().contains(text.rectOf(30'100).center().toPoint()));
    }
};

QTEST_MAIN(TestReachView)
#include "tst_reach_view.moc"
