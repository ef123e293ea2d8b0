// A span under a person's hands: the editor against brute force on sets, then the strip with mouse and keys.
#include <QComboBox>
#include <QListWidget>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableWidget>
#include <QtTest>
#include <random>
#include <set>

#include "tests/ui/sample_run.h"
#include "ui/model/mass_by_segment.h"
#include "ui/views/probe/probe_plots.h"
#include "ui/views/probe/probe_text.h"
#include "ui/views/probe/probe_view.h"
#include "ui/views/tokens/token_text.h"

using namespace spanscope;

namespace {

std::set<int> tokens(const IntervalList& list) {
    std::set<int> s;
    for (const Interval& i : list)
        for (int p = i.begin; p < i.end; ++p) s.insert(p);
    return s;
}

}  // namespace

Q_DECLARE_METATYPE(spanscope::IntervalList)

class TestProbeView : public QObject {
    Q_OBJECT
    RunData m_run = sample::sheet(8);

    int stepIn(Phase phase) const {
        for (const StepRecord& s : m_run.steps)
            if (s.index > 100 && s.phase == phase && s.visible->size() >= 3) return s.index;
        return -1;
    }

  private slots:
    void editorKeepsSinkAndSelf() {
        SpanEditor e;
        e.reset({{0, 3}, {10, 14}, {20, kOpenEnd}}, 25);
        QCOMPARE(e.list(), (IntervalList{{0, 3}, {10, 14}, {20, 26}}));
        QVERIFY(!e.changed());
        QCOMPARE(e.nEdges(), 6);
        QVERIFY(e.isFixed(0) && e.isFixed(5) && !e.isFixed(1));
        QCOMPARE(e.edgeNear(10.4, 2), 2);
        QCOMPARE(e.edgeNear(0.0, 0.5), -1);
        QCOMPARE(e.moveEdge(2, 5), 5);
        QCOMPARE(e.moveEdge(2, -100), 3);  // not into its neighbour
        QCOMPARE(e.moveEdge(3, 1000), 20);
        QCOMPARE(e.moveEdge(1, -5), 1);    // the sink stays
        QCOMPARE(e.moveEdge(4, 100), 25);  // the step itself stays
        QCOMPARE(e.moveEdge(0, 2), 0);
        QVERIFY(e.changed());
        e.reset({}, 25);
        QCOMPARE(e.list(), (IntervalList{{0, 1}, {25, 26}}));
        e.moveEdge(1, 25);
        e.settle();
        QCOMPARE(e.list(), (IntervalList{{0, 26}}));
        e.reset({{-5, 0}, {90, 99}}, 0);
        QCOMPARE(e.list(), (IntervalList{{0, 1}}));
    }
    void ticksEqualSets() {
        std::mt19937 random(4);
        for (int round = 0; round < 500; ++round) {
            const int position = 40 + int(random() % 60);
            SpanEditor e;
            e.reset({{int(random() % 20), 20 + int(random() % 20)}}, position);
            std::set<int> wanted = tokens(e.list());
            for (int k = 0; k < 8; ++k) {
                const Interval i{int(random() % 100), int(random() % 100)};
                const bool on = random() % 2;
                e.setShown(i, on);
                for (int p = i.begin; p < std::min(i.end, position + 1); ++p)
                    on ? (void)wanted.insert(p) : (void)wanted.erase(p);
                wanted.insert(0);
                wanted.insert(position);
                QVERIFY(tokens(e.list()) == wanted);
                QCOMPARE(e.nShown({0, position + 1}), int(wanted.size()));
            }
            for (size_t i = 1; i < e.list().size(); ++i) QVERIFY(e.list()[i - 1].end < e.list()[i].begin);
        }
    }

    /// The table of mass: shares by segment against a sum over positions, all of it together.
    void massAddsUp() {
        std::mt19937 random(9);
        for (const int step : {0, 60, int(m_run.steps.size()) - 1}) {
            StepProbe probe = sample::probeOf(m_run, step);
            for (float& d : probe.dense) d = float(random() % 100) / 1000;
            for (const bool withoutFirst : {false, true}) {
                const auto sums = massBySegment(m_run, probe, withoutFirst);
                double dense = 0, declared = 0, all = 0;
                qint64 n = 0;
                for (size_t i = withoutFirst ? 1 : 0; i < probe.dense.size(); ++i) all += double(probe.dense[i]);
                for (const SegmentMass& s : sums) {
                    double own = 0, inside = 0;
                    for (int at = withoutFirst ? 1 : 0; at <= probe.position; ++at) {
                        const Segment* segment = s.segment < 0 ? nullptr : &m_run.segments[size_t(s.segment)];
                        if (!segment || at < segment->begin || at >= segment->end) continue;
                        own += double(probe.dense[size_t(at)]);
                        if (mayRead(*probe.visible, probe.position, at)) inside += double(probe.dense[size_t(at)]);
                    }
                    QVERIFY(std::abs(s.dense - own / all) < 1e-9 && std::abs(s.inside - inside / all) < 1e-9);
                    dense += s.dense;
                    declared += s.declared;
                    n += s.nTokens;
                }
                QVERIFY(std::abs(dense - 1) < 1e-9 && std::abs(declared - 1) < 1e-9);
                QCOMPARE(n, qint64{probe.position} + 1);
            }
        }
        QVERIFY(massBySegment(m_run, {}, true).empty());
    }

    /// The text is shaded by what the plot shows; the table sorts by what its cells stand for.
    void textAndTable() {
        RunStore store;
        Selection selection;
        ProbeView view(&store, &selection, nullptr);
        view.resize(760, 700);
        view.show();
        store.load(m_run);
        selection.lockRange(100, 100);
        emit view.inspectRequested();
        QSignalSpy probes(&view, &ProbeView::probeRequested);
        view.onCurve(sample::curveOf(m_run));
        StepProbe probe = sample::probeOf(m_run, 100);
        for (size_t i = 0; i < probe.dense.size(); ++i) probe.dense[i] = i == 40 ? 0.5F : 0.001F;
        view.onProbe(probe);
        QCOMPARE(view.text()->shareAt(40), 1.0);
        QVERIFY(std::abs(view.text()->shareAt(41) - std::sqrt(0.002)) < 1e-6);
        QCOMPARE(view.text()->shareAt(0), 0.0);  // the first token is left out
        QVERIFY(view.text()->words(40).contains("50"));
        QCOMPARE(view.text()->shareAt(probe.position + 1), 0.0);
        QTableWidget* table = view.massTable();
        QCOMPARE(table->rowCount(), int(massBySegment(m_run, probe, true).size()));
        QVERIFY(table->item(0, 0)->text().startsWith("in "));  // most dense mass first: position 40
        double before = 2;
        for (int r = 0; r < table->rowCount(); ++r) {
            const double mass = table->item(r, 2)->text().section(' ', 0, 0).toDouble();
            QVERIFY(mass <= before * 100 + 1e-9);
            before = mass / 100;
        }
        // Of several heads the largest: asked for again.
        const auto n = probes.size();
        view.findChild<QComboBox*>(QString(), Qt::FindDirectChildrenOnly)->setCurrentIndex(1);
        QCOMPARE(probes.size(), n + 1);
        QVERIFY(probes.last()[1].value<ProbeSettings>().most);
        // A click on a token of the response looks from there.
        TokenText* text = view.text()->text();
        text->setCurrent(m_run.steps[30].position);
        QTest::mouseClick(text->viewport(), Qt::LeftButton, {},
                          text->rectOf(m_run.steps[30].position).center().toPoint());
        QCOMPARE(selection.current(), 30);
        QVERIFY(view.summary().contains("reads"));
    }

    void dragTickAndKeys() {
        RunStore store;
        Selection selection;
        ProbeView view(&store, &selection, nullptr);
        view.resize(700, 640);
        view.show();
        (void)QTest::qWaitForWindowActive(&view);
        store.load(m_run);
        QSignalSpy edits(&view, &ProbeView::editRequested);
        DivergenceCurve curve;
        curve.runId = m_run.header.runId;
        curve.klNats.assign(m_run.steps.size(), 0.01f);
        curve.sameTop.assign(m_run.steps.size(), 1);
        const int step = stepIn(Phase::Focus);
        QVERIFY(step > 0);
        curve.sameTop[size_t(step)] = 0;
        curve.firstDifferent = step;
        selection.lockRange(step, step);
        view.onCurve(curve);  // of another run that had this id: nobody asked for it
        QVERIFY(!view.isInspecting());
        emit view.inspectRequested();
        view.onCurve(curve);
        QVERIFY(view.isInspecting());
        view.onProbe(sample::probeOf(m_run, step));
        QCOMPARE(view.missedTable()->rowCount(), 2);
        const IntervalList before = view.editor().list();
        QVERIFY(before.size() >= 2);

        // Drag the right edge of the first interval ten tokens on.
        AttentionStrip* strip = view.attention();
        const int from = before[0].end, to = std::min(from + 10, before[1].begin - 1);
        const auto at = [&](double position) {
            return QPoint(int(std::lround(strip->xOf(position))), strip->height() / 2);
        };
        QTest::mousePress(strip, Qt::LeftButton, {}, at(from));
        QVERIFY(strip->currentEdge() >= 0);
        QMouseEvent move(QEvent::MouseMove, at(to), strip->mapToGlobal(QPointF(at(to))), Qt::NoButton, Qt::LeftButton,
                         Qt::NoModifier);
        QApplication::sendEvent(strip, &move);
        QTest::mouseRelease(strip, Qt::LeftButton, {}, at(to));
        QCOMPARE(edits.count(), 1);
        QCOMPARE(edits[0][0].toInt(), step);
        QVERIFY(std::abs(view.editor().list()[0].end - to) <= 1);
        QVERIFY(view.editor().changed());

        // The keyboard does the same.
        strip->setFocus();
        const int end = view.editor().list()[0].end;
        QTest::keyClick(strip, Qt::Key_Down);
        QTest::keyClick(strip, Qt::Key_Left);
        QCOMPARE(view.editor().edge(strip->currentEdge()), end - 1);
        QTest::keyClick(strip, Qt::Key_Return);
        QCOMPARE(edits.count(), 2);

        // Ticks: a whole segment in, then out; part of one shows as partial.
        QListWidget* list = view.editList();
        bool ticked = false;
        for (int r = 0; r < list->count(); ++r) {
            QListWidgetItem* item = list->item(r);
            if (item->checkState() != Qt::Unchecked || !(item->flags() & Qt::ItemIsUserCheckable)) continue;
            const int n = int(tokens(view.editor().list()).size());
            item->setCheckState(Qt::Checked);
            const int more = int(tokens(view.editor().list()).size());
            QVERIFY(more > n);
            item->setCheckState(Qt::Unchecked);
            QCOMPARE(int(tokens(view.editor().list()).size()), n);
            ticked = true;
            break;
        }
        QVERIFY(ticked);
        view.grab();
        StepEdit edit;
        edit.runId = m_run.header.runId;
        edit.step = step;
        edit.attendedBefore = 10;
        edit.attendedAfter = 12;
        edit.topBefore = edit.topAfter = edit.topDense = {{1, "4", -0.1f}};
        view.onEdit(edit);
        QVERIFY(view.editResult().contains("12"));
        emit view.inspectRequested();
        view.leave();
        view.onCurve(curve);
        QVERIFY(!view.isInspecting());
        QTest::keyClick(strip, Qt::Key_Left);  // no editor: nothing happens
        view.grab();
    }
};

QTEST_MAIN(TestProbeView)
#include "tst_probe_view.moc"
