// What a run wrote against exact arithmetic: worked problems are right throughout, each kind of mistake is found where
// it was made, and a run that grows is checked as one that is whole.
#include <QtTest>
#include <random>

#include "engine/reading/answer_check.h"
#include "engine/reading/column_arithmetic.h"
#include "engine/reading/run_checks.h"
#include "engine/reading/written_step.h"
#include "engine/tasks/expression.h"
#include "engine/tasks/sheet.h"
#include "engine/trace/trace.h"
#include "engine/training/arithmetic_work.h"
#include "engine/training/worked.h"
#include "tests/reading/written_run.h"

using namespace spanscope;
using Verdict = SegmentCheck::Verdict;

namespace {

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    const size_t at = text.find(what);
    if (at == std::string::npos) throw std::runtime_error("not there: " + what);
    return text.replace(at, what.size(), by);
}

const std::string kPrompt = "(12@1+7)@3*(3@2-8)\n";
const std::string kResponse =
    "<out>1<:><attend></attend>12+7<local>++27901010=19\n"
    "<out>2<:><attend></attend>3-8<local>-38-8350=-5\n"
    "<out>3<:><attend><out>1<:><out>2<:></attend>19*-5<local>*-95541590=-95\n";

std::vector<Verdict> verdicts(const RunChecks& checks) {
    std::vector<Verdict> out;
    for (const SegmentCheck& c : checks.segments()) out.push_back(c.verdict);
    return out;
}

/// The rows as lines of text; a wrong cell is followed by "!".
std::string drawn(const std::string& equation) {
    const size_t local = equation.find('|');
    const RunData run = written::run(
        "expression", "1@1+1\n",
        "<out>1<:><attend></attend>" + equation.substr(0, local) + "<local>" + equation.substr(local + 1) + "\n");
    const auto step = readWrittenStep(run, int32_t(run.segments.size()) - 1);
    if (!step) return "no step";
    const auto columns = columnArithmetic(*step);
    if (!columns) return "no columns";
    std::string out;
    for (const WorkRow& row : columns->rows) {
        for (const WorkCell& cell : row.cells) out += cell.text + (cell.wrong.empty() ? "" : "!");
        out += row.about.empty() ? "\n" : "  " + row.about + "\n";
    }
    return out;
}

}  // namespace

class TestRunChecks : public QObject {
    Q_OBJECT
  private slots:
    void workedProblemsAreRight() {
        for (const std::string& typed : expressionTask().samples()) {
            const auto e = *workExpression(*parseExpression(typed, false));
            const RunChecks checks = RunChecks::of(written::run("expression", e.prompt, e.response));
            QVERIFY(checks.counts().nLines > 0);
            QCOMPARE(checks.counts().nRight, checks.counts().nLines);
        }
        for (const std::string& typed : sheetTask().samples()) {
            const Sheet sheet = *parseSheet(typed);
            const auto e = *workSheet(sheet, 1, int32_t(sheet.size()), int32_t(sheet.size()));
            const RunChecks checks = RunChecks::of(written::run("sheet", e.prompt, e.response));
            QCOMPARE(checks.counts().nLines, int32_t(sheet.size()));
            QCOMPARE(checks.counts().nRight, checks.counts().nLines);
        }
    }

    void recordingsAreChecked() {
        for (const char* name : {"expression", "sheet"}) {
            const auto runs = readTrace(std::string(SPANSCOPE_SOURCE_DIR "/resources/traces/") + name + ".spantrace");
            QVERIFY(runs.ok());
            for (const auto& recorded : runs->runs) {
                const RunData& run = *recorded;
                const CheckCounts counts = RunChecks::of(run).counts();
                QVERIFY(counts.nLines > 5);
                QCOMPARE(counts.nRight, counts.nLines);
                QVERIFY(checkAnswer(run).verdict == AnswerCheck::Verdict::Right);
            }
        }
    }

    void mistakesAreFoundWhereTheyAreMade() {
        using V = std::vector<Verdict>;
        const auto check = [](const std::string& response) {
            return RunChecks::of(written::run("expression", kPrompt, response));
        };
        QCOMPARE(verdicts(check(kResponse)), (V{Verdict::Right, Verdict::Right, Verdict::Right}));
        {
            const RunChecks c = check(replaced(kResponse, "=-95", "=-94"));
            QCOMPARE(verdicts(c), (V{Verdict::Right, Verdict::Right, Verdict::WrongValue}));
            QCOMPARE(c.segments()[2].note, std::string("19 \u00d7 \u22125 = \u221295"));
            QCOMPARE(c.counts().text(), std::string("2 of 3 lines right"));
        }
        {  // the mistake is the first step's; the last is right with what it was given, and not the true value
            const RunChecks c =
                check(replaced(replaced(replaced(kResponse, "=19", "=18"), "19*-5", "18*-5"), "=-95", "=-90"));
            QCOMPARE(verdicts(c), (V{Verdict::WrongValue, Verdict::Right, Verdict::Carried}));
            QCOMPARE(c.segments()[2].note, std::string("true value \u221295; a line that it uses is wrong"));
            QCOMPARE(c.counts().nCarried, 1);
        }
        {
            const RunChecks c = check(replaced(replaced(kResponse, "19*-5", "19*5"), "=-95", "=95"));
            QCOMPARE(verdicts(c), (V{Verdict::Right, Verdict::Right, Verdict::WrongOperands}));
            QCOMPARE(c.segments()[2].note, std::string("should be 19 \u00d7 \u22125"));
        }
        {  // both at once
            const RunChecks c = check(replaced(kResponse, "12+7<local>++27901010=19", "12+8<local>++27901010=19"));
            QVERIFY(c.segments()[0].verdict == Verdict::WrongOperands);
            QCOMPARE(c.segments()[0].note, std::string("should be 12 + 7; 12 + 8 = 20"));
        }
        {
            const RunChecks c = check(kResponse + "<out>4<:><attend></attend>1+1<local>++1120=2\n");
            QVERIFY(c.segments()[3].verdict == Verdict::WrongOperands);
            QCOMPARE(c.segments()[3].note, std::string("the problem has no line 4"));
        }
        QCOMPARE(verdicts(check("<out>1<:><attend></attend>no sum\n")), (V{Verdict::None}));
        QCOMPARE(verdicts(check(replaced(kResponse, "=19", "=019"))),
                 (V{Verdict::WrongValue, Verdict::Right, Verdict::WrongOperands}));
    }

    void wordsThatStandInNoSource() {
        const std::string prompt =
            "news 2 2\n<in>1<:>Harlow Corp sold 12 mines in Brackenfield.\n<in>2<:>Prices rose 4 pct.\n";
        const RunData run =
            written::run("news", prompt,
                         "<out>1<:><global><attend><in>1<:></attend>Harlow sold 13 mines\n"
                         "<out>2<:><global><attend><in>2<:></attend>Prices in Brackenfield rose 4 pct.\n");
        const RunChecks checks = RunChecks::of(run);
        std::vector<std::string> words;
        for (const SegmentCheck& c : checks.segments()) {
            QVERIFY(c.verdict == Verdict::None);
            for (const Interval& i : c.unsupported) {
                words.emplace_back();
                for (int32_t t = i.begin; t < i.end; ++t) words.back() += tokenAt(run, t).text;
            }
        }
        QCOMPARE(words, (std::vector<std::string>{"13", "Brackenfield"}));
        QCOMPARE(checks.counts().nUnsupported, 2);
    }

    void aRunThatGrowsIsCheckedAsOneThatIsWhole() {
        RunData whole = written::run("expression", kPrompt, replaced(kResponse, "=-5", "=-6"));
        const RunChecks expected = RunChecks::of(whole);
        RunData growing = whole;
        growing.steps.clear();
        growing.segments.clear();
        RunChecks checks;
        size_t nKnown = 0;
        for (const StepRecord& step : whole.steps) {
            growing.steps.push_back(step);
            growing.segments.clear();
            for (Segment s : whole.segments) {
                if (s.begin > step.position) break;
                if (s.end > step.position + 1) s.end = kOpenEnd;
                growing.segments.push_back(s);
            }
            const int first = checks.update(growing, false);
            QCOMPARE(first, checks.segments().size() > nKnown ? int(nKnown) : -1);
            nKnown = checks.segments().size();
        }
        QCOMPARE(verdicts(checks), verdicts(expected));
        QCOMPARE(checks.counts().text(), expected.counts().text());
    }

    void stoppedRunsHaveNoAnswer() {
        RunData run = written::run("expression", kPrompt, kResponse);
        run.answer = run.header.exactAnswer = "-95";
        QCOMPARE(shownAnswer(run), std::string("-95"));
        for (const StopReason stop :
             {StopReason::Running, StopReason::Cancelled, StopReason::Failed, StopReason::TokenLimit}) {
            run.stats.stop = stop;
            QVERIFY(shownAnswer(run).empty());
            QVERIFY(checkAnswer(run).verdict != AnswerCheck::Verdict::Right);
        }
    }

    /// Recordings from before exact answers had more than 64 bits.
    void longAnswersAreChecked() {
        RunData run = written::run("sheet", "sheet 1\n<in>1<:>999999999999*999999999999\n", "");
        run.header.uncheckable = "an intermediate result leaves the range of 64-bit integers";
        run.answer = "999999999998000000000001";
        QVERIFY(checkAnswer(run).verdict == AnswerCheck::Verdict::Right);
        run.answer = "5104";
        QCOMPARE(checkAnswer(run).note, std::string("wrong: the exact value is 999999999998000000000001"));
    }

    void problemsOfStrangers() {
        for (const char* bad :
             {"", "1", "(1@1+2", "1@1+2)", "1@2+2\n", "1@1/2\n", "(1@1+2)@2*", "1@1+2\nmore", "1@0+2\n"})
            QVERIFY(!ArithmeticProblem::read("expression", bad));
        for (const char* bad : {"sheet 1\n", "sheet 2\n<in>1<:>1+1\n", "sheet 1\n<in>1<:>$1+1\n",
                                "sheet 1\n<in>2<:>1+1\n", "sheet 1\n<in>1<:>1+1"})
            QVERIFY(!ArithmeticProblem::read("sheet", bad));
        QVERIFY(!ArithmeticProblem::read("news", "1@1+2\n"));
        QVERIFY(!ArithmeticProblem::read("expression", std::string(1 << 20, '(')));
        QCOMPARE(ArithmeticProblem::read("expression", "3@1--5\n")->answer()->text(), std::string("8"));
    }

    void columnsAsAPupilWritesThem() {
        QCOMPARE(drawn("27+15|++75212140=42"), std::string(" 1 \n 27\n+15\n\u2500\u2500\u2500\n 42\n"));
        QCOMPARE(drawn("95+15|++55019111=110"), std::string("  1 \n  95\n+ 15\n\u2500\u2500\u2500\u2500\n 110\n"));
        QCOMPARE(drawn("3-8|-38-8350=-5"), std::string("3<8\n 8\n\u22123\n\u2500\u2500\n\u22125\n"));
        QCOMPARE(drawn("7245-7240|-77224450+5050440022007700=5"),
                 std::string("7=7 2=2 4=4 5>0\n 7245\n\u22127240\n\u2500\u2500\u2500\u2500\u2500\n    5\n"));
        QCOMPARE(drawn("23*45|*+35512511*34212490+505012301901=1035"),
                 std::string("   23\n\u00d7  45\n\u2500\u2500\u2500\u2500\u2500\n   1 \n  115  23 \u00d7 5\n  1  \n+ "
                             "92   23 \u00d7 4\n"
                             "\u2500\u2500\u2500\u2500\u2500\n 1035\n"));
        QCOMPARE(drawn("19*-5|*-95541590=-95"), std::string(" 19\n\u00d7 5\n\u2500\u2500\u2500\n 4 \n\u221295\n"));
        QCOMPARE(drawn("19*-5|*-95441590=-95"), std::string(" 19\n\u00d7 5\n\u2500\u2500\u2500\n 4 \n\u221294!\n"));
        QCOMPARE(drawn("19*-5|no=-95"), std::string("no columns"));
    }

    /// Whatever the numbers, the working that is right has no marks, and one digit changed is marked.
    void wrongDigitsAreMarkedAndNoOthers() {
        std::mt19937 random(21);
        for (int i = 0; i < 3000; ++i) {
            const auto draw = [&] {
                return int64_t(random() % (random() % 3 ? 100 : 10'000)) * (random() % 4 ? 1 : -1);
            };
            const int64_t a = draw(), b = draw();
            const char op = "+-*"[random() % 3];
            std::string work = writeWork(a, op, b);
            work.resize(work.find('='));
            RunData run = written::run(
                "expression", "1@1+1\n",
                "<out>1<:><attend></attend>" + std::to_string(a) + op + std::to_string(b) + "<local>" + work + "=0\n");
            const auto columnsOf = [&] {
                return columnArithmetic(*readWrittenStep(run, int32_t(run.segments.size()) - 1));
            };
            const auto right = columnsOf();
            QVERIFY2(right, work.c_str());
            QVERIFY2(right->nWrong == 0, (std::to_string(a) + op + std::to_string(b) + work).c_str());
            const auto step = readWrittenStep(run, int32_t(run.segments.size()) - 1);
            const size_t at = random() % work.size();
            if (work[at] < '0') continue;
            const size_t token = size_t(step->workingTokens[at]) - run.header.prompt.size();
            run.steps[token].token.text = std::string(1, char('0' + (work[at] - '0' + 1 + int(random() % 9)) % 10));
            const auto wrong = columnsOf();
            QVERIFY(wrong);
            QVERIFY2(wrong->nWrong > 0,
                     (std::to_string(a) + op + std::to_string(b) + work + " at " + std::to_string(at)).c_str());
        }
    }
};

QTEST_GUILESS_MAIN(TestRunChecks)
#include "tst_run_checks.moc"
