// The lesson's words follow the run; a replayed run holds nothing that has not been told.
#include <QtTest>

#include "tests/ui/sample_run.h"
#include "ui/model/class_replay.h"
#include "ui/model/lesson.h"
#include "ui/model/shown_text.h"

using namespace spanscope;

namespace {

/// Two lines "7+1=8" and "8*2=16", the second of which names the first; then one that names both and writes neither.
RunData threeLines() {
    sample::Builder b(MaskPolicySpec::declared());
    b.prompt("<bos>", true);
    const auto line = [&](int label, const std::vector<int>& named, const std::string& body) {
        const int s = b.open(SegmentKind::Out, label);
        const Interval own{b.position(), kOpenEnd};
        for (const char* piece : {"<out>", "n", "<:>"}) b.step(piece, Phase::Declare, s, {{0, 1}, own}, true);
        for (const int target : named) {
            const Segment& t = b.run.segments[size_t(target)];
            b.run.segments[size_t(s)].refs.push_back(
                {SegmentKind::Out, t.label, target, b.position(), {t.begin, t.end}});
            b.step("<:>", Phase::Declare, s, {{0, 1}, own}, true);
        }
        b.step("</attend>", Phase::Declare, s, {{0, b.position()}, own}, true);
        b.run.segments[size_t(s)].bodyBegin = b.position();
        for (const char c : body) b.step(std::string(1, c), Phase::Focus, s, {{0, 1}, own});
        b.step("\n", Phase::Close, s, {{0, 1}, own});
        b.close(s);
        return s;
    };
    const int one = line(1, {}, "7+1=8");
    const int two = line(2, {one}, "8*2=16");
    line(3, {two, one}, "5-5=0");
    return b.run;
}

}  // namespace

class TestLesson : public QObject {
    Q_OBJECT
  private slots:
    void theLineIsOneThatWritesWhatItNamed() {
        const RunData run = threeLines();
        const LessonPlace place = lessonPlace(run);
        QCOMPARE(place.segment, 1);  // line 3 names more, but what it writes is in neither
        QCOMPARE(place.reference, 0);
        QCOMPARE(run.steps[size_t(place.step)].token.text, std::string("</attend>"));
        QCOMPARE(run.steps[size_t(place.step) + 1].token.text, std::string("8"));
        QCOMPARE(lessonPlace(RunData{}).step, -1);
    }

    void everyPageSpeaksOfTheRun() {
        const RunData run = threeLines();
        LessonFacts facts;
        facts.place = lessonPlace(run);
        facts.step = facts.place.step + 1;
        facts.weightBytes = 1 << 20;
        const StepRecord& at = run.steps[size_t(facts.step)];
        const auto text = [&](LessonPage page) { return withoutMarkup(lessonText(page, run, facts)); };
        QVERIFY(text(LessonPage::Attention)
                    .contains(QString("At “8” it read %1 of the %2 tokens").arg(at.attended).arg(at.causal)));
        QVERIFY(text(LessonPage::Dense).contains(QString("Here that would be %1 tokens").arg(at.causal)));
        QVERIFY(text(LessonPage::Dense).contains(QString("it adds up to %1 looks").arg(run.stats.causalTokens)));
        QVERIFY(text(LessonPage::Named).contains("Before it writes out 2, it names out 1"));
        QVERIFY(text(LessonPage::Remove).contains("next it writes “8”. Take out 1 away"));
        QVERIFY(text(LessonPage::Cost).contains("Run it with “Compare with dense”"));
        RunData twin = run;
        twin.stats.decodeNs = 2 * run.stats.decodeNs;
        facts.dense = &twin.stats;
        QVERIFY2(text(LessonPage::Cost).endsWith("2.00×.") || text(LessonPage::Cost).endsWith("2×."),
                 qPrintable(text(LessonPage::Cost)));
        for (int page = 0; page < kLessonPages; ++page) {
            const QString plain = withoutMarkup(lessonText(LessonPage(page), RunData{}, {}));
            QVERIFY2(!plain.isEmpty() && !plain.contains("%1") && !plain.contains("%2") && !plain.contains("nan"),
                     qPrintable(plain));
        }
    }

    void whatWasTakenAwayIsSaidAsItIs() {
        const RunData run = threeLines();
        LessonFacts facts;
        facts.place = lessonPlace(run);
        StepEdit edit;
        edit.topBefore = {{8, "8", 0}};
        edit.topAfter = {{2, "2", std::log(0.5f)}};
        edit.beforeToAfter.klNats = 16.5;
        facts.removed = &edit;
        const QString other = withoutMarkup(lessonText(LessonPage::Remove, run, facts));
        QVERIFY2(other.contains("Without out 1 the model goes on with “2” (50") && other.contains("16.5 nats"),
                 qPrintable(other));
        edit.topAfter = edit.topBefore;
        QVERIFY(withoutMarkup(lessonText(LessonPage::Remove, run, facts)).contains("The same: "));
    }

    /// Tokens of a recording are text, whatever they look like.
    void tokensAreNoMarkup() {
        RunData run = threeLines();
        run.steps[3].token.text = "<img src=x>&amp;";
        LessonFacts facts;
        facts.step = 3;
        const QString text = lessonText(LessonPage::Attention, run, facts);
        QVERIFY2(!text.contains("<img") && withoutMarkup(text).contains("<img src=x>&amp;"), qPrintable(text));
    }

    void piecesAreNamesThenWords() {
        const RunData run = threeLines();
        const auto stops = replayStops(run);
        QCOMPARE(stops.size(), size_t{6});
        for (size_t i = 0; i < stops.size(); ++i) {
            QCOMPARE(stops[i].named, i % 2 == 0);
            QCOMPARE(stops[i].segment, int(i / 2));
            QVERIFY(i == 0 || stops[i].nSteps > stops[i - 1].nSteps);
        }
        QCOMPARE(stops.back().nSteps, int(run.steps.size()));
        QVERIFY(replayStops(RunData{}).empty());
        QVERIFY(replayStops(sample::large(kMaxReplaySteps + 1, 64)).empty());
        RunData free;  // a model without the protocol
        for (int i = 0; i < 20; ++i) free.steps.emplace_back();
        QCOMPARE(replayStops(free).size(), size_t{3});
    }

    void nothingAheadIsThere() {
        const RunData run = sample::sheet(12);
        const int nPrompt = int(run.header.prompt.size()), nSteps = int(run.steps.size());
        for (int n = 0; n <= nSteps; n += 1 + n % 3) {
            const RunData told = runUntil(run, n);
            QCOMPARE(int(told.steps.size()), n);
            if (n == nSteps) break;
            QVERIFY(told.answer.empty() && told.stats.stop == StopReason::Running);
            int64_t attended = 0;
            for (const StepRecord& step : told.steps) attended += step.attended;
            QCOMPARE(told.stats.attendedTokens, attended);
            for (const Segment& segment : told.segments) {
                QVERIFY(segment.begin < nPrompt + n);
                QVERIFY(segment.end <= nPrompt + n || segment.end == kOpenEnd);
                QVERIFY(segment.bodyBegin <= nPrompt + n);
                for (const SpanRef& ref : segment.refs) QVERIFY(ref.position < nPrompt + n);
            }
        }
    }
};

QTEST_GUILESS_MAIN(TestLesson)
#include "tst_lesson.moc"
