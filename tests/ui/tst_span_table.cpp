// Span table and run history: model rules, contents against the run, selection both ways.
#include <QAbstractItemModelTester>
#include <QHeaderView>
#include <QSortFilterProxyModel>
#include <QtTest>

#include "tests/reading/written_run.h"
#include "tests/ui/sample_run.h"
#include "ui/model/format.h"
#include "ui/model/run_history.h"
#include "ui/views/spans/span_table_model.h"
#include "ui/views/spans/span_table_view.h"

using namespace spanscope;

class TestSpanTable : public QObject {
    Q_OBJECT
  private slots:
    void modelKeepsTheRulesWhileGrowing() {
        RunStore store;
        SpanTableModel model(&store, nullptr);
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        const RunData run = sample::sheet(20);
        store.begin(std::make_shared<const RunHeader>(run.header), {});
        for (size_t at = 0; at < run.steps.size(); at += 13) {
            auto batch = std::make_shared<RunBatch>();
            batch->runId = run.header.runId;
            const size_t end = std::min(run.steps.size(), at + 13);
            batch->steps.assign(run.steps.begin() + std::ptrdiff_t(at), run.steps.begin() + std::ptrdiff_t(end));
            for (const Segment& s : run.segments)
                if (s.begin <= batch->steps.back().position) batch->segments.push_back(s);
            batch->finished = end == run.steps.size();
            store.append(batch);
        }
        QCOMPARE(model.rowCount(), 20);
        store.load(run);
        QCOMPARE(model.rowCount(), 20);
        store.clear();
        QCOMPARE(model.rowCount(), 0);
    }

    void cellsSayWhatTheRunDid() {
        RunStore store;
        const RunData run = sample::sheet(6);
        store.load(run);
        SpanTableModel model(&store, nullptr);
        for (int r = 0; r < model.rowCount(); ++r) {
            const int segment = model.index(r, 0).data(SpanTableModel::SegmentIndexRole).toInt();
            const Segment& s = run.segments[size_t(segment)];
            QCOMPARE(model.index(r, SpanTableModel::SegmentColumn).data().toString(), QString("out %1").arg(s.label));
            QStringList refs;
            for (const SpanRef& ref : s.refs) refs << QString("%1 %2").arg(segmentKindName(ref.kind)).arg(ref.label);
            QCOMPARE(model.index(r, SpanTableModel::RefsColumn).data().toString(), refs.join(", "));
        }
        QVERIFY(!model.headerData(0, Qt::Horizontal, Qt::ToolTipRole).toString().isEmpty());
    }

    void rowsSelectStepsAndStepsSelectRows() {
        RunStore store;
        store.load(sample::sheet(10));
        Selection selection;
        SpanTableView view(&store, &selection, nullptr);
        view.resize(900, 400);
        view.show();
        QVERIFY(QTest::qWaitForWindowExposed(&view));
        const QModelIndex third = view.model()->index(2, 0);
        QTest::mouseClick(view.viewport(), Qt::LeftButton, {}, view.visualRect(third).center());
        QCOMPARE(selection.locked(), third.data(SpanTableModel::FirstStepRole).toInt());
        QCOMPARE(selection.lockedEnd(), third.data(SpanTableModel::LastStepRole).toInt());
        const int step = view.model()->index(7, 0).data(SpanTableModel::FirstStepRole).toInt() + 1;
        selection.lock(step);
        QCOMPARE(view.selectionModel()->selectedRows().size(), 1);
        QCOMPARE(view.selectionModel()->selectedRows().front().row(), 7);
        selection.clear();
        QVERIFY(view.selectionModel()->selectedRows().isEmpty());
    }

    void sortsByNumberNotByText() {
        RunStore store;
        store.load(sample::sheet(12));
        Selection selection;
        SpanTableView view(&store, &selection, nullptr);
        view.sortByColumn(SpanTableModel::AttendedColumn, Qt::DescendingOrder);
        qint64 last = std::numeric_limits<qint64>::max();
        for (int r = 0; r < view.model()->rowCount(); ++r) {
            const qint64 value =
                view.model()->index(r, SpanTableModel::AttendedColumn).data(SpanTableModel::SortRole).toLongLong();
            QVERIFY(value <= last);
            last = value;
        }
    }

    /// In a narrow panel references give way; the figures stay whole and nothing needs scrolling sideways.
    void everyColumnIsInSight() {
        RunStore store;
        store.load(sample::sheet(30));
        Selection selection;
        SpanTableView view(&store, &selection, nullptr);
        for (const int width : {1200, 560, 430}) {
            view.resize(width, 300);
            view.show();
            QVERIFY(QTest::qWaitForWindowExposed(&view));
            QCOMPARE(view.horizontalHeader()->length(), view.viewport()->width());
            for (int c = SpanTableModel::TokensColumn; c < SpanTableModel::ColumnCount; ++c)
                for (int r = 0; r < view.model()->rowCount(); ++r)
                    QVERIFY(view.fontMetrics().horizontalAdvance(view.model()->index(r, c).data().toString()) <
                            view.columnWidth(c));
        }
    }

    void historyIsBounded() {
        RunHistory history(nullptr, 5000);
        QAbstractItemModelTester tester(&history, QAbstractItemModelTester::FailureReportingMode::QtTest);
        const auto run = std::make_shared<const RunData>(sample::sheet(20));
        const qint64 each = qint64(run->steps.size() + run->header.prompt.size());
        for (int i = 0; i < 20; ++i) {
            history.add({run, nullptr, {}});
            QVERIFY(history.rowCount() * each <= 5000 || history.rowCount() == 1);
        }
        QCOMPARE(history.rowCount(), int(5000 / each));
        QCOMPARE(history.index(0, RunHistory::AnswerColumn).data().toString(), QString("42"));
    }

    /// A wrong run never looks like a right one, and a stopped one has no answer.
    void historySaysWhatIsWrong() {
        RunHistory history(nullptr, 5000);
        RunData run = written::run("expression", "1@1+1\n", "<out>1<:><attend></attend>1+1<local>++1120=3\n");
        run.header.exactAnswer = "2";
        run.answer = "3";
        run.violations.resize(2);
        history.add({std::make_shared<const RunData>(run), nullptr, {}});
        const auto cell = [&](int column) { return history.index(0, column).data().toString(); };
        QCOMPARE(cell(RunHistory::CheckColumn), QString::fromUtf8("\u2717 0 of 1 line right"));
        QCOMPARE(cell(RunHistory::ViolationsColumn), QString("2"));
        run.stats.stop = StopReason::Cancelled;
        history.add({std::make_shared<const RunData>(run), nullptr, {}});
        QCOMPARE(cell(RunHistory::AnswerColumn), kNoValue);
        QVERIFY(cell(RunHistory::CheckColumn).startsWith(QString::fromUtf8("\u2717")));
    }
};

QTEST_MAIN(TestSpanTable)
#include "tst_span_table.moc"
