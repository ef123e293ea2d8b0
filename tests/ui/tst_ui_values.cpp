// Value types of the window: numbers as text, live rate, summaries of segments. The program holds all of ui/model and
// QtGui, no widgets: what reached for one would not link.
#include <QtTest>
#include <random>

#include "tests/reading/written_run.h"
#include "tests/ui/sample_run.h"
#include "ui/model/check_words.h"
#include "ui/model/format.h"
#include "ui/model/live_rate.h"
#include "ui/model/run_comparison.h"
#include "ui/model/run_store.h"
#include "ui/model/segment_summary.h"

using namespace spanscope;

class TestUiValues : public QObject {
    Q_OBJECT
  private slots:
    void numbers_data() {
        QTest::addColumn<double>("value");
        QTest::addColumn<QString>("text");
        QTest::newRow("zero") << 0.0 << "0";
        QTest::newRow("nothing to speak of") << 1e-12 << "0";
        QTest::newRow("tiny") << 0.0000123 << "0.000012";
        QTest::newRow("small") << 0.00047 << "0.00047";
        QTest::newRow("thousandths") << 0.0126 << "0.013";
        QTest::newRow("one") << 1.276 << "1.28";
        QTest::newRow("rounds up a digit") << 9.999 << "10.0";
        QTest::newRow("ten") << 12.34 << "12.3";
        QTest::newRow("hundred") << 123.4 << "123";
        QTest::newRow("no exponent") << 123.6 << "124";
        QTest::newRow("grouped") << 1234567.0 << QString("1,234,567");
        QTest::newRow("negative") << -12.34 << "-12.3";
    }
    void numbers() {
        QFETCH(double, value);
        QFETCH(QString, text);
        QCOMPARE(formatNumber(value), text);
    }
    void units() {
        QCOMPARE(formatDuration(412'000), QStringLiteral("412 µs"));
        QCOMPARE(formatDuration(12'340'000), QStringLiteral("12.3 ms"));
        QCOMPARE(formatDuration(1'240'000'000), QStringLiteral("1.24 s"));
        QCOMPARE(formatBytes(512), QStringLiteral("512 B"));
        QCOMPARE(formatBytes(1536), QStringLiteral("1.50 KiB"));
        QCOMPARE(formatBytes(quint64(3) << 30), QStringLiteral("3.00 GiB"));
        QCOMPARE(formatRate(0), kNoValue);
        QCOMPARE(formatRate(81.25), QStringLiteral("81.3 t/s"));
        QCOMPARE(draftWords({}), QString());
        DraftStats draft;
        draft.drafted = 1280;
        draft.accepted = 1270;
        draft.rejected = 2;
        draft.passes = 128;
        QCOMPARE(draftWords(draft), QStringLiteral(" · drafted 1,280, accepted 1,270, rejected 2, 10.9 tokens a pass"));
        QCOMPARE(formatFactor(1.284), QStringLiteral("1.28×"));
        QCOMPARE(formatFactor(1), QStringLiteral("1×"));
        QCOMPARE(formatFactor(1.5), QStringLiteral("1.5×"));
        QCOMPARE(formatFactor(10), QStringLiteral("10×"));
        QCOMPARE(formatFactor(1930), QStringLiteral("1,930×"));
        QCOMPARE(formatFactor(0.01), QStringLiteral("1/100×"));
        QCOMPARE(formatFactor(0.939), QStringLiteral("0.939×"));
        QCOMPARE(formatFactor(0), kNoValue);
        QCOMPARE(formatPercent(0.123), QStringLiteral("12.3 %"));
        QCOMPARE(formatPercent(0), QStringLiteral("0 %"));
        QCOMPARE(formatPercent(8.4e-9), QStringLiteral("<0.001 %"));
        QCOMPARE(formatPoints(0.1234), QStringLiteral("+12.3 points"));
        QCOMPARE(formatPoints(-0.1234), QStringLiteral("−12.3 points"));
        QCOMPARE(formatPoints(4.1e-9), QStringLiteral("≈0"));
    }

    /// More steps than are aligned at once: in another thread, with the same result, and not of runs that are gone.
    void longRunsAreAlignedElsewhere() {
        RunStore a, b;
        Selection selection;
        RunComparison comparison(&a, &b, &selection);
        QSignalSpy changed(&comparison, &RunComparison::changed);
        const RunData run = sample::large(30'000, 100);
        RunData shorter = run;
        shorter.steps.resize(29'000);
        a.load(run);
        b.load(shorter);
        QVERIFY(comparison.alignment().lines.empty());
        QTRY_VERIFY(!comparison.alignment().lines.empty());
        const RunAlignment expected = alignRuns(run, shorter);
        QCOMPARE(comparison.words(), QString::fromStdString(expected.words()));
        QCOMPARE(comparison.alignment().ofFirst, expected.ofFirst);
        b.load(run);
        b.clear();
        QTest::qWait(0);
        QVERIFY(comparison.words().isEmpty());
        QVERIFY(!comparison.differs(RunComparison::Side::First, 5));
        QCOMPARE(comparison.partner(RunComparison::Side::First, 5), -1);
    }

    /// A wrong answer never reads like a right one, and what was stopped has none.
    void answersInWords() {
        RunData run = written::run("expression", "1@1+1\n", "<out>1<:><attend></attend>1+1<local>++1120=2\n");
        run.answer = run.header.exactAnswer = "2";
        AnswerWords words = answerWords(run);
        QVERIFY(words.text == "2" && words.verdict == Verdict::Right && words.note.isEmpty());
        run.answer = "3";
        words = answerWords(run);
        QVERIFY(words.text == "3" && words.verdict == Verdict::Wrong && words.note == "exact value: 2");
        run.stats.stop = StopReason::TokenLimit;
        words = answerWords(run);
        QVERIFY(words.text.isEmpty() && words.verdict == Verdict::Wrong);
        QCOMPARE(words.note, QString("no answer (limit); exact value: 2"));
        run.stats.stop = StopReason::Cancelled;
        words = answerWords(run);
        QVERIFY(words.text.isEmpty() && words.note == "stopped: no answer");
        run.stats.stop = StopReason::Running;
        QVERIFY(answerWords(run).text.isEmpty() && answerWords(run).note.isEmpty());
        RunData news = written::run("news", "news 1 2\n<in>1<:>A b.\n", "<out>1<:><attend><in>1<:></attend>A b\n");
        news.answer = "A b\nA b.";
        QVERIFY(answerWords(news).caption == "Headline" && answerWords(news).text == "A b");
    }

    void remarksSayWhatIsWrong() {
        RunData run = written::run("expression", "(1@1+1)@2*3\n",
                                   "<out>1<:><attend></attend>1+1<local>++1120=3\n"
                                   "<out>2<:><attend><out>1<:></attend>3*3<local>*+3390=9\n");
        QCOMPARE(remarks(run, RunChecks::of(run).counts()),
                 QStringList{"0 of 2 lines right (1 of the others only carried a wrong value on)"});
        run.violations.resize(3);
        run.header.warning = "Beyond 9,999.";
        QCOMPARE(remarks(run, RunChecks::of(run).counts()).mid(1), (QStringList{"3 violations", "Beyond 9,999."}));
        QVERIFY(violationWords(0).isEmpty());
        QCOMPARE(violationWords(1), QString("1 violation"));
    }

    /// A long recording comes in slices, which end anywhere in a line: its checks are those of the whole.
    void checksOfALongRecording() {
        std::string prompt = "sheet 2500\n", response;
        for (int k = 1; k <= 2500; ++k) {
            const std::string label = std::to_string(k), value = k % 7 ? "3" : "4";
            prompt += "<in>" + label + "<:>1+2\n";
            response += "<out>" + label + "<:><attend></attend>1+2<local>++1230=" + value + "\n";
        }
        const auto run = std::make_shared<const RunData>(written::run("sheet", prompt, response));
        RunStore store;
        store.show(run);
        QVERIFY(!store.isFinished());
        QTRY_VERIFY(store.isFinished());
        const RunChecks whole = RunChecks::of(*run);
        QCOMPARE(whole.counts().nLines, 2500);
        QCOMPARE(whole.counts().nRight, 2500 - 2500 / 7);
        QCOMPARE(store.checks().segments().size(), whole.segments().size());
        QCOMPARE(store.checks().counts().text(), whole.counts().text());
    }

    void liveRateNeedsHalfASecond() {
        std::vector<StepRecord> steps;
        for (int i = 0; i < 400; ++i) {
            StepRecord s;
            s.atNs = int64_t(i) * 1'000'000;  // 1000 a second
            steps.push_back(s);
            if (i < 500) QCOMPARE(liveTokensPerS(steps), 0.0);
        }
        while (steps.size() < 3000) {
            StepRecord s;
            s.atNs = steps.back().atNs + 1'000'000;
            steps.push_back(s);
        }
        QVERIFY(qAbs(liveTokensPerS(steps) - 1000) < 1e-6);
        // The last second counts, not the whole run.
        for (int i = 0; i < 250; ++i) {
            StepRecord s;
            s.atNs = steps.back().atNs + 4'000'000;
            steps.push_back(s);
        }
        QVERIFY(qAbs(liveTokensPerS(steps) - 250) < 1e-6);
    }

    /// Fed in random portions, the summaries equal sums made over the whole run.
    void summariesGrow() {
        const RunData whole = sample::sheet(30);
        RunData grown;
        grown.header = whole.header;
        SegmentSummaries summaries;
        std::mt19937 random(5);
        while (grown.steps.size() < whole.steps.size()) {
            const size_t n = std::min(whole.steps.size(), grown.steps.size() + 1 + random() % 17);
            grown.steps.assign(whole.steps.begin(), whole.steps.begin() + std::ptrdiff_t(n));
            grown.segments.clear();
            for (const Segment& s : whole.segments)
                if (s.begin <= grown.steps.back().position) grown.segments.push_back(s);
            summaries.update(grown);
        }
        QCOMPARE(summaries.rows().size(), size_t(30));
        for (const SegmentSummary& row : summaries.rows()) {
            qint64 attended = 0, loaded = 0, causal = 0;
            int first = -1, last = -1;
            for (const StepRecord& s : whole.steps) {
                if (s.segment != row.segment) continue;
                attended += s.attended;
                loaded += s.loaded;
                causal += s.causal;
                if (first < 0) first = s.index;
                last = s.index;
            }
            QCOMPARE(row.attended, attended);
            QCOMPARE(row.loaded, loaded);
            QCOMPARE(row.causal, causal);
            QCOMPARE(row.firstStep, first);
            QCOMPARE(row.lastStep, last);
            for (int step = first; step <= last; ++step)
                QCOMPARE(summaries.rowOfStep(step), summaries.rowOfSegment(row.segment));
        }
        QCOMPARE(summaries.rowOfStep(int(whole.steps.size())), -1);
        QCOMPARE(summaries.rowOfStep(-1), -1);
    }

    /// A batch costs what is new in it: records that are there are neither copied nor moved, however long the run
    /// grows.
    void appendingTouchesOnlyWhatIsNew() {
        constexpr int kBatches = 2000, kStepsEach = 5;
        auto header = std::make_shared<RunHeader>();
        header->runId = 1;
        header->settings.contextTokens = kBatches * kStepsEach + 8;
        header->prompt.resize(8);
        RunStore store;
        store.begin(header, {Segment{}});
        const StepRecord* steps = nullptr;
        const Segment* segments = nullptr;
        qint64 nCopied = 0, nMoved = 0;
        for (int b = 0; b < kBatches; ++b) {
            auto batch = std::make_shared<RunBatch>();
            batch->runId = 1;
            batch->firstSegment = store.data().segments.size() - 1;  // the newest again, and one more
            batch->segments = {store.data().segments.back(), Segment{}};
            batch->segments.back().begin = b;
            for (int i = 0; i < kStepsEach; ++i) {
                StepRecord step;
                step.index = b * kStepsEach + i;
                step.token.text = "a token's text that is too long to stand in the string itself";
                batch->steps.push_back(step);
            }
            store.append(batch);
            nCopied += qint64(batch->steps.size() + batch->segments.size());
            if (steps && store.data().steps.data() != steps) nMoved += store.nSteps();
            if (segments && store.data().segments.data() != segments) nMoved += qint64(store.data().segments.size());
            steps = store.data().steps.data();
            segments = store.data().segments.data();
        }
        QCOMPARE(store.nSteps(), kBatches * kStepsEach);
        QCOMPARE(store.data().segments.size(), size_t(kBatches + 1));
        for (int b = 0; b < kBatches; ++b) QCOMPARE(store.data().segments[size_t(b) + 1].begin, b);
        QCOMPARE(nCopied, qint64(kBatches) * (kStepsEach + 2));
        QVERIFY2(nMoved <= 4 * kBatches,
                 qPrintable(QString::number(nMoved)));  // segments double; steps stay where they are
    }

    void batchesThatDoNotFollowAreLeftOut() {
        auto header = std::make_shared<RunHeader>();
        header->runId = 1;
        RunStore store;
        store.begin(header, {Segment{}});
        auto batch = std::make_shared<RunBatch>();
        batch->runId = 1;
        batch->firstSegment = 2;  // the one before is missing
        batch->steps.resize(3);
        store.append(batch);
        QCOMPARE(store.nSteps(), 0);
        QCOMPARE(store.data().segments.size(), size_t{1});
    }

    void pages() {
        QCOMPARE(pagesOf({0, 1}, 100).count(), 1);
        QCOMPARE(pagesOf({15, 17}, 100).count(), 2);
        QCOMPARE(pagesOf({16, 32}, 100).count(), 1);
        QCOMPARE(pagesOf({16, kOpenEnd}, 33).count(), 2);
        QCOMPARE(pagesOf({40, kOpenEnd}, 33).count(), 0);
        QCOMPARE(pagesOf({5, 5}, 33).count(), 0);
    }
};

QTEST_GUILESS_MAIN(TestUiValues)
#include "tst_ui_values.moc"
