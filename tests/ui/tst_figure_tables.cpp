// Every figure's table twin: its cells against the run, sorting, copying, the shared selection, and what screen readers
// are told of the figure itself.
#include <QAbstractItemModelTester>
#include <QAccessible>
#include <QAction>
#include <QClipboard>
#include <QRegularExpression>
#include <QtTest>

#include "engine/types/run_diff.h"
#include "tests/ui/sample_run.h"
#include "ui/model/run_store.h"
#include "ui/views/graph/graph_table.h"
#include "ui/views/graph/graph_view.h"
#include "ui/views/mask/mask_table.h"
#include "ui/views/mask/mask_view.h"
#include "ui/views/probe/probe_twins.h"
#include "ui/views/reach/reach_table.h"
#include "ui/views/table_twin.h"
#include "ui/views/timeline/timeline_table.h"
#include "ui/views/timeline/timeline_view.h"

using namespace spanscope;

namespace {

/// A million rows that count what is asked of them.
class CountingTable : public FigureTable {
  public:
    CountingTable() : FigureTable("Many", {{"Number", {}, false}, {"=Word", {}, true}}, nullptr) { rebuild(); }
    mutable int nCells = 0;

  protected:
    int nRows() const override { return 1'000'000; }
    QString cell(int row, int column) const override {
        ++nCells;
        return column == 0 ? QString::number(row) : QStringLiteral("=%1\tx").arg(row);
    }
    double key(int row, int column) const override { return column == 0 ? -row : row % 10; }
    IndexRange steps(int row) const override { return {row, row}; }
    int rowOfStep(int step) const override { return step; }
};

QString at(const FigureTable& table, int row, int column) { return table.index(row, column).data().toString(); }

/// "0 to 5, 9" as positions.
QSet<int> positions(const QString& words) {
    QSet<int> set;
    static const QRegularExpression range("(\\d+)(?: to (\\d+))?");
    for (auto i = range.globalMatch(words); i.hasNext();) {
        const auto m = i.next();
        for (int p = m.captured(1).toInt(); p <= (m.captured(2).isEmpty() ? m.captured(1) : m.captured(2)).toInt(); ++p)
            set.insert(p);
    }
    return set;
}

TableTwin* twinOf(const QWidget& figure) { return figure.findChild<TableTwin*>("tableTwin"); }

}  // namespace

class TestFigureTables : public QObject {
    Q_OBJECT
    RunData m_run = sample::sheet(8);

  private slots:
    void initTestCase() { qputenv("QT_ACCESSIBILITY", "1"); }

    void maskRowsSayWhatStepsAttendTo() {
        RunStore store;
        store.load(m_run);
        MaskTable table(&store);
        QAbstractItemModelTester tester(&table);
        QCOMPARE(table.rowCount(), int(m_run.steps.size()));
        for (int row = 0; row < table.rowCount(); ++row) {
            const StepRecord& step = m_run.steps[size_t(row)];
            QCOMPARE(at(table, row, MaskTable::Step), QString::number(row));
            QCOMPARE(at(table, row, MaskTable::PhaseName), QString(phaseName(step.phase)));
            QCOMPARE(at(table, row, MaskTable::Attended), QString::number(step.attended));
            const QSet<int> said = positions(intervalWords(step.visible, step.position, 1000));
            for (int p = 0; p <= step.position; ++p)
                QCOMPARE(said.contains(p), mayRead(*step.visible, step.position, p));
            QCOMPARE(int(said.size()), step.attended);
            const QString reads = at(table, row, MaskTable::Reads);
            if (step.phase == Phase::Local) QCOMPARE(reads, QString("part of prompt, itself"));
        }
        QCOMPARE(intervalWords(std::make_shared<const IntervalList>(IntervalList{{0, 1}, {3, 5}, {7, kOpenEnd}}), 8),
                 QString("0, 3 to 4, 7 to 8"));
        QCOMPARE(intervalWords(std::make_shared<const IntervalList>(IntervalList{{0, 1}, {3, 4}, {5, 6}}), 9, 2),
                 QString("0, 3, and 1 more"));
        QCOMPARE(intervalWords(nullptr, 9), QString("nothing"));
    }

    void readWordsNameSegments() {
        const RunData dense = sample::sheet(3, MaskPolicySpec::dense());
        QCOMPARE(readWords(dense, 4), QString("everything before it"));
        for (const StepRecord& step : m_run.steps) {
            if (step.phase != Phase::Focus) continue;
            const Segment& own = m_run.segments[size_t(step.segment)];
            QStringList expected{"prompt"};
            std::vector<SpanRef> refs = own.refs;
            std::sort(refs.begin(), refs.end(), [](auto& a, auto& b) { return a.tokens.begin < b.tokens.begin; });
            for (const SpanRef& ref : refs) expected << QString("%1 %2").arg(segmentKindName(ref.kind)).arg(ref.label);
            QCOMPARE(readWords(m_run, step.index), expected.join(", ") + ", itself");
        }
        // A recording with hundreds of them.
        const RunData large = sample::large(400, 30'000);
        RunData all = large;
        all.steps.back().visible = std::make_shared<const IntervalList>(IntervalList{{1, kOpenEnd}});
        all.steps.back().attended = all.steps.back().position;
        const QString words = readWords(all, int(all.steps.size()) - 1);
        QVERIFY2(words.endsWith("and more") && words.startsWith("part of prompt, in 1,"), qPrintable(words));
        QCOMPARE(int(words.count(',')), 8);
    }

    void graphRowsSayUsesAndUsers() {
        RunStore store;
        store.load(m_run);
        GraphTable table(&store);
        QAbstractItemModelTester tester(&table);
        QCOMPARE(table.rowCount(), int(m_run.segments.size()));
        std::vector<QStringList> users(m_run.segments.size());
        for (const Segment& s : m_run.segments)
            for (const SpanRef& ref : s.refs) users[size_t(ref.segment)] << QString("out %1").arg(s.label);
        int nUsed = 0;
        for (int row = 0; row < table.rowCount(); ++row) {
            QCOMPARE(at(table, row, GraphTable::UsedBy), users[size_t(row)].join(", "));
            QCOMPARE(at(table, row, GraphTable::Uses).isEmpty(), m_run.segments[size_t(row)].refs.empty());
            nUsed += !users[size_t(row)].isEmpty();
        }
        QVERIFY(nUsed > 8);
        // The same when it comes piece by piece.
        RunStore live;
        live.begin(std::make_shared<const RunHeader>(m_run.header), {});
        GraphTable grown(&live);
        QAbstractItemModelTester growing(&grown);
        for (size_t from = 0; from < m_run.steps.size(); from += 17) {
            auto batch = std::make_shared<RunBatch>();
            const size_t to = std::min(m_run.steps.size(), from + 17);
            batch->runId = m_run.header.runId;
            batch->steps.assign(m_run.steps.begin() + long(from), m_run.steps.begin() + long(to));
            for (const Segment& s : m_run.segments)
                if (s.begin <= m_run.steps[to - 1].position) {
                    batch->segments.push_back(s);
                    auto& refs = batch->segments.back().refs;
                    std::erase_if(refs, [&](const SpanRef& r) { return r.position > m_run.steps[to - 1].position; });
                }
            live.append(batch);
        }
        QCOMPARE(grown.rowCount(), table.rowCount());
        for (int row = 0; row < table.rowCount(); ++row)
            for (const int c : {GraphTable::Uses, GraphTable::UsedBy}) QCOMPARE(at(grown, row, c), at(table, row, c));
        QVERIFY(grown.words(int(m_run.segments.size()) - 1).startsWith("out 8 uses in 8"));
    }

    void otherFiguresHaveTheirNumbers() {
        RunStore store, dense;
        store.load(m_run);
        dense.load(sample::sheet(8, MaskPolicySpec::dense()));
        StepTimes times, denseTimes;
        times.update(store.data());
        denseTimes.update(dense.data());
        TimelineTable timeline(&store, times, &dense, denseTimes);
        QCOMPARE(timeline.rowCount(), store.nSteps());
        timeline.sort(TimelineTable::Takes, Qt::DescendingOrder);
        const int slowest = timeline.source(0);
        for (int i = 0; i < times.size(); ++i)
            QVERIFY(times.endNs(i) - times.beginNs(i) <= times.endNs(slowest) - times.beginNs(slowest));

        const Reach reach = reachOf(m_run, int(m_run.steps.size()) - 1);
        ReachTable reaches(m_run, reach);
        QCOMPARE(reaches.rowCount(), reach.position + 1);
        QMap<QString, qint64> counted;
        for (int row = 0; row < reaches.rowCount(); ++row) ++counted[at(reaches, row, ReachTable::How)];
        QCOMPARE(counted.value("read directly"), qint64(m_run.steps.back().attended));
        qint64 never = 0;
        for (const Interval& i : reach.never) never += i.end - i.begin;
        QCOMPARE(counted.value("never reaches the step"), never);

        const StepProbe probe = sample::probeOf(m_run, 60);
        AttentionTable attention(m_run, probe);
        QCOMPARE(attention.rowCount(), int(probe.dense.size()));
        int nInSpan = 0;
        for (int row = 0; row < attention.rowCount(); ++row)
            nInSpan += at(attention, row, AttentionTable::InSpan) == "yes";
        QCOMPARE(nInSpan, m_run.steps[60].attended);
        HeadsTable heads(probe);
        QCOMPARE(heads.rowCount(), 6);
        QCOMPARE(at(heads, 4, HeadsTable::Layer) + at(heads, 4, HeadsTable::Head), QString("11"));
        QCOMPARE(at(heads, 4, HeadsTable::Kept), QString("75.0 %"));
        const DivergenceCurve curve = sample::curveOf(m_run);
        DivergenceTable divergence(m_run, curve);
        QCOMPARE(at(divergence, 7, DivergenceTable::Choice), QString("another one"));
        QCOMPARE(at(divergence, 8, DivergenceTable::Choice), QString("the same"));

        const MaskDiff diff = diffRuns(m_run, dense.data());
        MaskDiffTable compared(m_run, diff);
        QCOMPARE(compared.rowCount(), int(diff.rows.size()));
        for (int row = 0; row < compared.rowCount(); ++row) {
            const StepRecord& step = m_run.steps[size_t(row)];
            QCOMPARE(at(compared, row, MaskDiffTable::Both).toInt(), step.attended);
            QCOMPARE(at(compared, row, MaskDiffTable::OnlyFirst).toInt(), 0);
            QCOMPARE(at(compared, row, MaskDiffTable::OnlySecond).toInt(), step.causal - step.attended);
        }
        for (FigureTable* table :
             std::initializer_list<FigureTable*>{&timeline, &reaches, &attention, &heads, &divergence, &compared}) {
            QAbstractItemModelTester tester(table);
            for (int c = 0; c < table->columnCount(); ++c) {
                QVERIFY(!table->headerData(c, Qt::Horizontal, Qt::ToolTipRole).toString().isEmpty());
                for (const auto order : {Qt::AscendingOrder, Qt::DescendingOrder}) {
                    table->sort(c, order);
                    QSet<int> sources;
                    for (int row = 0; row < table->rowCount(); ++row) sources.insert(table->source(row));
                    QCOMPARE(int(sources.size()), table->rowCount());
                }
            }
        }
    }

    /// Opening makes the cells that are in sight, sorting none; both are what they would be in any table.
    void aMillionRowsOpenAtOnce() {
        QWidget figure;
        Selection selection;
        auto* table = new CountingTable;
        TableTwin twin(table, &selection, &figure);
        twin.setAttribute(Qt::WA_DeleteOnClose, false);
        twin.show();
        QVERIFY(QTest::qWaitForWindowExposed(&twin));
        (void)twin.grab();
        QVERIFY2(table->nCells < 2000, qPrintable(QString::number(table->nCells)));
        const int before = table->nCells;
        const QPersistentModelIndex kept = table->index(17, 0);
        table->sort(0);
        QCOMPARE(table->source(0), 999'999);
        QCOMPARE(kept.row(), 999'982);
        table->sort(1, Qt::DescendingOrder);  // ties stay in the order of the run
        QCOMPARE(table->source(0), 9);
        QCOMPARE(table->source(1), 19);
        QVERIFY(table->nCells < before + 2000);
        QCOMPARE(table->rowOf(19), 1);
        table->sort(-1);
        QCOMPARE(table->source(5), 5);
        // Of all of them a part is copied.
        QCOMPARE(int(table->tabbed({{0, 999'999}}).count('\n')), FigureTable::kMostCopied + 1);
    }

    void rowsAndSelectionAreOne() {
        QWidget figure;
        Selection selection;
        auto* table = new CountingTable;
        TableTwin twin(table, &selection, &figure);
        twin.setAttribute(Qt::WA_DeleteOnClose, false);
        twin.show();
        FigureTableView* view = twin.view();
        selection.lockRange(12, 12);
        QCOMPARE(view->currentIndex().row(), 12);
        QTest::keyClick(view, Qt::Key_Down);
        QCOMPARE(selection.locked(), 13);
        QTest::keyClick(view, Qt::Key_Down, Qt::ShiftModifier);
        QCOMPARE(selection.locked(), 13);
        QCOMPARE(selection.lockedEnd(), 14);
        table->sort(0);
        selection.lockRange(40, 40);
        QCOMPARE(view->currentIndex().row(), 999'959);
        QTest::keyClick(view, Qt::Key_Up);
        QCOMPARE(selection.locked(), 41);
        QTest::keyClick(view, Qt::Key_C, Qt::ControlModifier);
        // Nothing that a spreadsheet would run, and no tab inside a cell.
        QCOMPARE(QGuiApplication::clipboard()->text(), QString("Number\t'=Word\n41\t'=41 x\n"));
        selection.clear();
        QVERIFY(!view->selectionModel()->hasSelection());
        QTest::keyClick(view, Qt::Key_Tab);
        QVERIFY(twin.focusWidget() != view);
    }

    void figuresOpenTheirTableByKeyAndByName() {
        RunStore store;
        Selection selection;
        MaskView mask(&store, &selection);
        GraphView graph(&store, &selection);
        TimelineView timeline(&store, &selection);
        store.load(m_run);
        for (QWidget* figure : std::initializer_list<QWidget*>{&mask, &graph, &timeline}) {
            figure->resize(600, 400);
            figure->show();
            figure->activateWindow();
            QVERIFY(QTest::qWaitForWindowActive(figure));
            figure->setFocus();
            QVERIFY(!twinOf(*figure));
            QTest::keyClick(figure, Qt::Key_T);
            QPointer<TableTwin> twin = twinOf(*figure);
            QVERIFY2(twin && twin->isVisible(), qPrintable(figure->objectName()));
            QVERIFY(twin->view()->table()->rowCount() > 8);
            QTest::keyClick(twin->view(), Qt::Key_Escape);
            QTRY_VERIFY(!twin);
            QAccessibleInterface* access = QAccessible::queryAccessibleInterface(figure);
            QVERIFY(access);
            QCOMPARE(access->role(), QAccessible::Chart);
            QVERIFY(access->actionInterface()->actionNames().contains("Show as table"));
            access->actionInterface()->doAction("Show as table");
            QVERIFY(twinOf(*figure));
            access->actionInterface()->doAction("Show as table");
            QCOMPARE(figure->findChildren<TableTwin*>().size(), 1);
            figure->hide();
        }
    }

    void describedAsWhatTheyShow() {
        RunStore store;
        Selection selection;
        MaskView mask(&store, &selection);
        GraphView graph(&store, &selection);
        TimelineView timeline(&store, &selection);
        QCOMPARE(mask.accessibleDescription(), QString("No run yet."));
        QCOMPARE(graph.accessibleDescription(), QString("No segments yet."));
        QCOMPARE(timeline.accessibleDescription(), QString("No steps yet."));
        store.load(m_run);
        const int n = int(m_run.steps.size());
        QVERIFY2(mask.accessibleDescription().startsWith(
                     QString("%1 steps, %2 context positions.").arg(n).arg(store.nContext())),
                 qPrintable(mask.accessibleDescription()));
        QVERIFY(!mask.accessibleDescription().contains("Selected"));
        const int step = n - 3;
        selection.lockRange(step, step);
        const StepRecord& record = m_run.steps[size_t(step)];
        QVERIFY2(mask.accessibleDescription().contains(QString("Selected: step %1, ").arg(step)) &&
                     mask.accessibleDescription().contains(
                         QString("attends to %1 of %2 tokens").arg(record.attended).arg(record.causal)),
                 qPrintable(mask.accessibleDescription()));
        QVERIFY2(graph.accessibleDescription().contains("Selected: out 8 uses in 8"),
                 qPrintable(graph.accessibleDescription()));
        QVERIFY2(timeline.accessibleDescription().contains(QString("step %1 of %2").arg(step).arg(n)),
                 qPrintable(timeline.accessibleDescription()));
        store.clear();
        QCOMPARE(mask.accessibleDescription(), QString("No run yet."));
        QCOMPARE(graph.accessibleDescription(), QString("No segments yet."));
    }
};

QTEST_MAIN(TestFigureTables)
#include "tst_figure_tables.moc"
