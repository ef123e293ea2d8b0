// Throughput, timeline and dependency graph: the values behind them first, then the widgets with keys and clicks.
#include <QAbstractItemModelTester>
#include <QAction>
#include <QSignalSpy>
#include <QStackedWidget>
#include <QtTest>
#include <cmath>
#include <random>
#include <set>

#include "tests/ui/sample_run.h"
#include "ui/views/graph/graph_view.h"
#include "ui/views/throughput/throughput_view.h"
#include "ui/views/timeline/timeline_view.h"

using namespace spanscope;

namespace {

StepRecord stepOf(int index, int64_t wallNs, int loaded = 100) {
    StepRecord s;
    s.index = index;
    s.position = 100 + index;
    s.causal = s.position + 1;
    s.loaded = loaded;
    s.attended = loaded / 2;
    s.wallNs = wallNs;
    s.atNs = (index + 1) * wallNs;
    return s;
}

SharedBatch batchOf(const RunData& run, int first, int last, bool finished) {
    auto b = std::make_shared<RunBatch>();
    b->runId = run.header.runId;
    b->steps.assign(run.steps.begin() + first, run.steps.begin() + last);
    b->segments = run.segments;
    b->stats = run.stats;
    b->finished = finished;
    return b;
}

void hit(QWidget* w, int key, Qt::KeyboardModifiers m = {}) { QTest::keyClick(w, Qt::Key(key), m); }

void ready(QWidget& w) {
    w.resize(700, 420);
    w.show();
    w.activateWindow();
    (void)QTest::qWaitForWindowActive(&w);
    w.setFocus();
}

}  // namespace

class TestPlots : public QObject {
    Q_OBJECT
    RunData m_declared = sample::sheet(8), m_dense = sample::sheet(8, MaskPolicySpec::dense());

  private slots:
    void rateIsTokenWeighted() {
        ThroughputSeries s;
        for (int i = 0; i < 31; ++i) s.append(stepOf(i, 1'000'000));
        QVERIFY(std::isnan(s.points().back().tokensPerS));  // 31 steps, 31 ms: no full window yet
        QCOMPARE(s.lastTokensPerS(), 0.0);
        s.append(stepOf(31, 1'000'000));
        QCOMPARE(s.lastTokensPerS(), 1000.0);
        s.append(stepOf(32, 33'000'000));  // one slow step weighs its time: 32 steps in 31 + 33 ms
        QVERIFY(std::abs(s.lastTokensPerS() - 32 / 0.064) < 1e-6);
        ThroughputSeries slow;  // 0.5 s are full before 32 steps are
        slow.append(stepOf(0, 200'000'000));
        slow.append(stepOf(1, 200'000'000));
        QVERIFY(std::isnan(slow.points().back().tokensPerS));
        slow.append(stepOf(2, 200'000'000));
        QVERIFY(std::abs(slow.lastTokensPerS() - 5) < 1e-9);
    }
    void windowEqualsBruteForce() {
        std::mt19937 random(2);
        ThroughputSeries s;
        std::vector<StepRecord> steps;
        for (int i = 0; i < 501; ++i) {
            steps.push_back(stepOf(i, 1'000'000 + int64_t(random() % 60'000'000), int(random() % 500)));
            s.append(steps.back());
            int64_t ns = 0, loaded = 0;
            int n = 0;
            for (int k = i; k >= 0 && ns < ThroughputSeries::kWindowNs && n < ThroughputSeries::kWindowSteps;
                 --k, ++n) {
                ns += steps[size_t(k)].wallNs;
                loaded += steps[size_t(k)].loaded;
            }
            const ThroughputPoint& p = s.points().back();
            if (ns < ThroughputSeries::kWindowNs && n < ThroughputSeries::kWindowSteps) {
                QVERIFY(std::isnan(p.tokensPerS));
            } else {
                QVERIFY(std::abs(p.tokensPerS - n * 1e9 / double(ns)) < 1e-6);
                QVERIFY(std::abs(p.meanLoaded - double(loaded) / n) < 1e-9);
            }
        }
    }
    void bucketsKeepEveryPeak() {
        ThroughputSeries s;
        std::mt19937 random(9);
        int most = 0;
        for (int i = 0; i < 100'000; ++i) {
            const int loaded = i == 77'777 ? 9999 : int(random() % 500);
            most = std::max(most, loaded);
            s.append(stepOf(i, 1'000'000 + int64_t(random() % 1000), loaded));
        }
        QVERIFY(s.buckets().size() <= ThroughputSeries::kMaxBuckets &&
                s.buckets().size() > ThroughputSeries::kMaxBuckets / 3);
        int next = 0, peak = 0;
        for (const ThroughputBucket& b : s.buckets()) {
            QCOMPARE(b.first, next);
            next = b.last + 1;
            peak = std::max(peak, b.loadedMax);
        }
        QCOMPARE(next, 100'000);
        QCOMPARE(peak, 9999);
    }
    void bytesModelFindsTheLine() {
        std::vector<StepRecord> steps;
        for (int i = 0; i < 200; ++i) steps.push_back(stepOf(i, 500'000 + 300 * (100 + i), 100 + i));
        steps[50].wallNs = 80'000'000;  // another program had the machine
        const BytesModel m = fitBytes(steps);
        QVERIFY(m.valid);
        QVERIFY(std::abs(m.fixedNs - 500'000) < 1);
        QVERIFY(std::abs(m.nsPerToken - 300) < 1e-3);
        QCOMPARE(m.nSteps, 199);
        QVERIFY(std::abs(m.ceiling() - 2000) < 0.01);
        QVERIFY(std::abs(m.tokensPerS(1000) - 1e9 / 800'000) < 0.01);
        for (StepRecord& s : steps) s.loaded = 64;
        QVERIFY(!fitBytes(steps).valid);  // nothing to learn from
        QVERIFY(!fitBytes({}).valid);
    }
    void numbersHaveThreeDigits() {
        QCOMPARE(threeDigits(0), std::string("0"));
        QCOMPARE(threeDigits(123456), std::string("123000"));
        QCOMPARE(threeDigits(1930.4), std::string("1930"));
        QCOMPARE(threeDigits(45.678), std::string("45.7"));
        QCOMPARE(threeDigits(0.0123456), std::string("0.0123"));
        QCOMPARE(threeDigits(99.96), std::string("100.0"));
        QCOMPARE(threeDigits(std::nan("")), std::string("-"));
    }

    void throughputViewLive() {
        RunStore declared, dense;
        Selection selection;
        ThroughputView view(&declared, &dense, &selection);
        QAbstractItemModelTester tester(view.findChild<ThroughputTable*>(),
                                        QAbstractItemModelTester::FailureReportingMode::QtTest);
        ready(view);
        declared.begin(std::make_shared<const RunHeader>(m_declared.header), {});
        dense.begin(std::make_shared<const RunHeader>(m_dense.header), {});
        const int n = int(m_declared.steps.size());
        for (int i = 0; i < n; i += 50) {
            declared.append(batchOf(m_declared, i, std::min(n, i + 50), i + 50 >= n));
            dense.append(batchOf(m_dense, i, std::min(n, i + 50), i + 50 >= n));
            view.flush();
        }
        QCOMPARE(int(view.declaredSeries().points().size()), n);
        QCOMPARE(view.findChild<ThroughputTable*>()->rowCount(), n);
        QVERIFY(view.summary().contains("declared"));
        QVERIFY(view.summary().contains("speed-up"));
        const QString csv = view.csv();
        QCOMPARE(csv.count('\n'), 2 * n + 1);
        QVERIFY(csv.startsWith("lane,step,context_tokens,"));
        QVERIFY(csv.contains("\ndense,0,"));
        // Table and series agree.
        auto* table = view.findChild<ThroughputTable*>();
        QCOMPARE(table->data(table->index(40, ThroughputTable::Loaded)).toInt(), m_declared.steps[40].loaded);
        hit(&view, Qt::Key_T);
        QCOMPARE(view.findChild<QStackedWidget*>()->currentIndex(), 1);
        hit(&view, Qt::Key_T);
        hit(&view, Qt::Key_X);
        QCOMPARE(view.axis(), ThroughputAxis::Time);
        declared.clear();
        QCOMPARE(view.declaredSeries().points().size(), size_t(0));
    }
    /// A run too short for a rate says so instead of showing an empty scale.
    void throughputOfAShortRun() {
        RunStore declared, dense;
        Selection selection;
        ThroughputView view(&declared, &dense, &selection);
        ready(view);
        declared.begin(std::make_shared<const RunHeader>(m_declared.header), {});
        declared.append(batchOf(m_declared, 0, ThroughputSeries::kWindowSteps - 8, false));
        view.flush();
        QVERIFY2(view.summary().contains("needs 32 tokens"), qPrintable(view.summary()));
        declared.append(batchOf(m_declared, ThroughputSeries::kWindowSteps - 8, 100, true));
        view.flush();
        QVERIFY2(!view.summary().contains("Too short"), qPrintable(view.summary()));
    }

    /// A dense run on show is called that, and another declared run beside it makes no speed-up.
    void throughputNamesItsLanes() {
        RunStore shown, beside;
        Selection selection;
        ThroughputView view(&shown, &beside, &selection);
        ready(view);
        shown.load(m_dense);
        view.flush();
        QVERIFY(view.summary().startsWith("dense "));
        QVERIFY(!view.summary().contains("declared"));
        QVERIFY(view.csv().contains("\ndense,0,") && !view.csv().contains("declared"));
        shown.load(m_declared);
        beside.load(m_declared);
        view.flush();
        QVERIFY2(view.summary().contains("other declared"), qPrintable(view.summary()));
        QVERIFY(!view.summary().contains("speed-up"));
    }
    void throughputSelects() {
        RunStore declared, dense;
        Selection selection;
        ThroughputView view(&declared, &dense, &selection);
        declared.load(m_declared);
        ready(view);
        view.flush();
        auto* plot = view.findChild<QWidget*>("throughputPlot");
        const QPoint middle(plot->width() / 2, plot->height() / 3);
        QTest::mouseClick(plot, Qt::LeftButton, {}, middle);
        QVERIFY(selection.isLocked());
        const int step = selection.locked();
        QVERIFY(step > int(m_declared.steps.size()) / 4 && step < int(m_declared.steps.size()) * 3 / 4);
        QTest::mouseClick(plot, Qt::LeftButton, Qt::ShiftModifier, middle + QPoint(80, 0));
        QVERIFY(selection.lockedEnd() > step);
        plot->setFocus();
        hit(plot, Qt::Key_Home);
        QCOMPARE(selection.locked(), 0);
        hit(plot, Qt::Key_Right);
        QCOMPARE(selection.locked(), 1);
        hit(plot, Qt::Key_Escape);
        QVERIFY(!selection.isLocked());
    }

    void clockPlaysAtSpeed() {
        StepTimes times;
        RunData run;
        for (int i = 0; i < 10; ++i) run.steps.push_back(stepOf(i, 10'000'000));
        run.steps[5].atNs = 3;  // damaged: times never run backwards
        times.update(run);
        QCOMPARE(times.totalNs(), int64_t(100'000'000));
        QCOMPARE(times.finishedBy(35'000'000), 3);
        QCOMPARE(times.at(35'000'000), 3);
        QCOMPARE(times.finishedBy(0), 0);
        QCOMPARE(times.finishedBy(1'000'000'000), 10);
        run.steps.resize(4);  // another, shorter run
        times.clear();
        times.update(run);
        QCOMPARE(times.totalNs(), int64_t(40'000'000));
        run.steps.clear();
        for (int i = 0; i < 10; ++i) run.steps.push_back(stepOf(i, 10'000'000));
        times.clear();
        times.update(run);
        PlayClock clock;
        clock.setSpeed(0.5);
        clock.play(times.totalNs());
        QVERIFY(clock.advance(60'000'000, times.totalNs()));
        QCOMPARE(clock.nowNs(), int64_t(30'000'000));
        QVERIFY(!clock.advance(200'000'000, times.totalNs()));
        QCOMPARE(clock.nowNs(), times.totalNs());
        clock.play(times.totalNs());  // again from the start
        QCOMPARE(clock.nowNs(), int64_t(0));
        PlayClock empty;
        empty.play(0);
        QVERIFY(!empty.isPlaying());
    }
    /// Taken in as the run grows, and drawn as notches in the lane's lower edge.
    void rejectedDraftsAreNotched() {
        RunData run = sample::sheet(3);
        RejectedDrafts rejected;
        rejected.update(run);
        QVERIFY(rejected.all().empty());
        const auto nSteps = int(run.steps.size());
        const StepRecord last = run.steps.back();
        run.steps.pop_back();
        run.steps[2].draft = DraftFate::Accepted;
        run.steps[4].draft = run.steps[7].draft = DraftFate::Rejected;
        rejected.clear();
        rejected.update(run);
        QCOMPARE(rejected.all(), (std::vector<int>{4, 7}));
        run.steps.push_back(last);
        run.steps.back().draft = DraftFate::Rejected;
        rejected.update(run);
        rejected.update(run);
        QCOMPARE(rejected.all(), (std::vector<int>{4, 7, nSteps - 1}));

        const auto picture = [](const RunData& shown) {
            RunStore store;
            store.load(shown);
            Selection selection;
            TimelineView view(&store, &selection);
            view.resize(700, 160);
            auto* lanes = view.findChild<TimelineLanes*>();
            lanes->refreshData();
            return lanes->grab().toImage();
        };
        const QImage with = picture(run);
        for (StepRecord& step : run.steps) step.draft = DraftFate::None;
        const QImage without = picture(run);
        int changed = 0;
        for (int x = 0; x < with.width(); ++x)
            for (int y = 0; y < with.height(); ++y) changed += with.pixel(x, y) != without.pixel(x, y) ? 1 : 0;
        QVERIFY2(changed >= 3 * 4 && changed <= 3 * 40, qPrintable(QString::number(changed)));
    }

    void timelineStepsScrubsPlays() {
        RunStore store, dense;
        Selection selection;
        TimelineView view(&store, &dense, &selection);
        ready(view);
        view.grab();
        hit(&view, Qt::Key_Space);  // nothing to play
        QVERIFY(!view.isPlaying());
        store.load(m_declared);
        dense.load(m_dense);
        hit(&view, Qt::Key_Right);
        QCOMPARE(selection.locked(), 0);
        hit(&view, Qt::Key_Right);
        hit(&view, Qt::Key_Right, Qt::ShiftModifier);
        QCOMPARE(selection.locked(), 11);
        hit(&view, Qt::Key_Left);
        QCOMPARE(selection.locked(), 10);
        hit(&view, Qt::Key_End);
        QCOMPARE(selection.locked(), store.nSteps() - 1);
        hit(&view, Qt::Key_Home);
        QCOMPARE(selection.locked(), 0);
        // Scrub: the step under the pointer, by its recorded time.
        TimelineLanes* lanes = view.lanes();
        const int wanted = store.nSteps() / 2;
        const QPoint at(int((lanes->xOf(wanted) + lanes->xOf(wanted + 1)) / 2), 16);
        QTest::mouseClick(lanes, Qt::LeftButton, {}, at);
        QVERIFY(std::abs(selection.locked() - wanted) <= 1);
        // Play: after t of wall time at 1x both lanes stand at t of their own clocks.
        hit(&view, Qt::Key_Home);
        view.setSpeed(1);
        QSignalSpy playing(&view, &TimelineView::playingChanged);
        hit(&view, Qt::Key_Space);
        QVERIFY(view.isPlaying());
        const int64_t from = view.clock().nowNs();
        view.advance(20'000'000);
        QCOMPARE(view.clock().nowNs(), from + 20'000'000);
        QCOMPARE(selection.locked(), lanes->times().finishedBy(from + 20'000'000) - 1);
        QVERIFY(lanes->denseTimes().finishedBy(from + 20'000'000) < lanes->times().finishedBy(from + 20'000'000));
        hit(&view, Qt::Key_Space);
        QVERIFY(!view.isPlaying());
        hit(&view, Qt::Key_Space);
        view.advance(int64_t(1e12));
        QVERIFY(!view.isPlaying());  // stops at the end by itself
        QCOMPARE(selection.locked(), store.nSteps() - 1);
        QCOMPARE(playing.count(), 4);
        view.grab();
        store.clear();
        view.grab();
    }

    void graphIsTheDeclaredDependencies() {
        const GraphLayout g = layoutGraph(m_declared);
        std::set<std::pair<int, int>> wanted, found;
        int nOut = 0;
        for (int i = 0; i < int(m_declared.segments.size()); ++i) {
            nOut += m_declared.segments[size_t(i)].kind == SegmentKind::Out;
            for (const SpanRef& r : m_declared.segments[size_t(i)].refs) wanted.emplace(r.segment, i);
        }
        for (const GraphEdge& e : g.edges) {
            QVERIFY(!e.broken);
            found.emplace(g.nodes[size_t(e.from)].segment, g.nodes[size_t(e.to)].segment);
            QVERIFY(g.nodes[size_t(e.from)].layer < g.nodes[size_t(e.to)].layer);
        }
        QVERIFY(found == wanted);
        QVERIFY(nOut == 8);
        for (size_t a = 0; a < g.nodes.size(); ++a) {
            QVERIFY(QRectF(QPointF(0, 0), g.size).contains(g.nodes[a].rect));
            for (size_t b = a + 1; b < g.nodes.size(); ++b) QVERIFY(!g.nodes[a].rect.intersects(g.nodes[b].rect));
        }
        for (const GraphEdge& e : g.edges)  // no edge runs behind a node it has nothing to do with
            for (size_t k = 0; k + 1 < e.via.size(); k += 2)
                for (const GraphNode& n : g.nodes)
                    QVERIFY(!n.rect.adjusted(1, 1, -1, -1)
                                 .intersects(QRectF(e.via[k] - QPointF(0, 1), e.via[k + 1] + QPointF(0, 1))));
        const GraphLayout part = layoutGraph(m_declared, 3);
        QCOMPARE(part.nLeftOut, 5);
        QVERIFY(part.nodeOf(int(m_declared.segments.size()) - 1) >= 0);
        RunData broken = m_declared;
        for (Segment& s : broken.segments)
            if (s.kind == SegmentKind::Out && !s.refs.empty()) {
                s.refs[0].segment = -1;
                s.refs.push_back({SegmentKind::Out, 9, 1 << 20, 0, {}});  // a damaged trace
                break;
            }
        int nBroken = 0;
        for (const GraphEdge& e : layoutGraph(broken).edges) nBroken += e.broken;
        QCOMPARE(nBroken, 2);
        QVERIFY(layoutGraph(RunData{}).nodes.empty());
    }
    /// In little room a large graph starts at the answer and can be read; all of it is one key away.
    void graphStartsReadableAtTheAnswer() {
        RunStore store;
        Selection selection;
        GraphView view(&store, &selection);
        view.resize(420, 220);
        store.load(sample::sheet(60));
        view.flush();
        QVERIFY(view.graph().size.width() * view.readableZoom() > view.width());
        QCOMPARE(view.zoom(), view.readableZoom());
        QVERIFY(view.zoom() * 8.5 * 96 / 72 >= 9);  // px of its text
        const auto seen = [&](size_t node) {
            const QRectF& rect = view.graph().nodes[node].rect;
            return QRectF(view.rect())
                .contains(QRectF(view.toWidget(rect.topLeft()), view.toWidget(rect.bottomRight())));
        };
        QVERIFY(seen(view.graph().nodes.size() - 1));
        QVERIFY(!seen(0));
        view.fit();
        for (size_t i = 0; i < view.graph().nodes.size(); ++i) QVERIFY(seen(i));
    }
    void graphSelectsSteps() {
        RunStore store;
        Selection selection;
        GraphView view(&store, &selection);
        ready(view);
        view.grab();
        store.load(m_declared);
        const int node = int(view.graph().nodes.size()) - 1;
        const GraphNode& n = view.graph().nodes[size_t(node)];
        QCOMPARE(n.kind, SegmentKind::Out);
        QTest::mouseClick(&view, Qt::LeftButton, {}, view.toWidget(n.rect.center()).toPoint());
        const Segment& s = m_declared.segments[size_t(n.segment)];
        const int offset = store.nPrompt();
        QCOMPARE(selection.locked(), s.begin - offset);
        QCOMPARE(selection.lockedEnd(), s.end - offset - 1);
        QCOMPARE(view.currentSegment(), n.segment);
        hit(&view, Qt::Key_Up);
        QCOMPARE(view.graph().nodeOf(view.currentSegment()), node - 1);
        hit(&view, Qt::Key_Escape);
        QVERIFY(!selection.isLocked());
        QVERIFY(view.text().contains("out 1 named in 1"));
        for (QAction* a : view.actions()) QVERIFY(!a->toolTip().isEmpty() && !a->shortcut().isEmpty());
        view.grab();
    }
};

QTEST_MAIN(TestPlots)
#include "tst_plots.moc"
