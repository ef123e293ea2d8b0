// Plain reading: the words that people see for what a model wrote, and that every token stays behind one of them.
#include <QtTest>
#include <random>

#include "engine/reading/plain_reading.h"
#include "engine/reading/written_step.h"
#include "engine/tasks/expression.h"
#include "engine/tasks/sheet.h"
#include "engine/trace/trace.h"
#include "engine/training/worked.h"
#include "tests/reading/written_run.h"

using namespace spanscope;

namespace {

const std::string kPrompt = "(12@1+7)@3*(3@2-8)\n";
const std::string kResponse =
    "<out>1<:><attend></attend>12+7<local>++27901010=19\n"
    "<out>2<:><attend></attend>3-8<local>-38-8350=-5\n"
    "<out>3<:><attend><out>1<:><out>2<:></attend>19*-5<local>*-95541590=-95\n";

std::string plain(const RunData& run) { return plainResponse(run, RunChecks::of(run)); }

std::string promptText(const RunData& run) {
    const RunChecks checks = RunChecks::of(run);
    PlainReader reader(run, checks, Reading::Plain);
    std::string out;
    for (int32_t at = 0; at < int32_t(run.header.prompt.size());) {
        const PlainBlock block = reader.at(at);
        at = block.tokens.end;
        for (const PlainPiece& p : block.pieces) {
            out += p.role == PlainRole::Mark    ? p.text + ' '
                   : p.role == PlainRole::Token ? tokenAt(run, p.first).text
                                                : p.text;
            if (p.endsLine && !out.ends_with('\n')) out += '\n';
        }
    }
    return out;
}

/// Blocks follow each other, and every token is in a piece of its block.
void holdsEveryToken(const RunData& run, Reading reading, bool open) {
    const RunChecks checks = RunChecks::of(run);
    PlainReader reader(run, checks, reading, [open](int32_t) { return open; });
    const auto n = int32_t(run.header.prompt.size() + run.steps.size());
    for (int32_t at = 0; at < n;) {
        const PlainBlock block = reader.at(at, 7);
        QCOMPARE(block.tokens.begin, at);
        QVERIFY(block.tokens.end > at && block.tokens.end <= n);
        QVERIFY(!block.pieces.empty());
        std::vector<bool> seen(size_t(block.tokens.end - at)), once(seen);
        for (const PlainPiece& p : block.pieces) {
            QVERIFY(p.first == p.end || (p.first >= at && p.end <= block.tokens.end && p.first < p.end));
            for (int32_t t = p.first; t < p.end; ++t) {
                if (p.role != PlainRole::Working && !p.below) QVERIFY2(!once[size_t(t - at)], p.text.c_str());
                if (p.role != PlainRole::Working && !p.below) once[size_t(t - at)] = true;
                seen[size_t(t - at)] = true;
            }
        }
        for (size_t i = 0; i < seen.size(); ++i)
            QVERIFY2(seen[i], (std::to_string(at + int32_t(i)) + " " + tokenAt(run, at + int32_t(i)).text).c_str());
        at = block.tokens.end;
    }
}

}  // namespace

class TestPlainReading : public QObject {
    Q_OBJECT
  private slots:
    void expressions() {
        const RunData run = written::run("expression", kPrompt, kResponse);
        QCOMPARE(plain(run), std::string("1: 12 + 7 = 19  \u2713\n"
                                         "2: 3 \u2212 8 = \u22125  \u2713\n"
                                         "3: 19 \u00d7 \u22125 = \u221295 (uses 1 and 2)  \u2713\n"));
        QCOMPARE(promptText(run), std::string("(12 +\u2081 7) \u00d7\u2083 (3 \u2212\u2082 8)\n"));
    }

    void mistakes() {
        std::string response = kResponse;
        response.replace(response.find("=-5"), 3, "=-6");
        QVERIFY(plain(written::run("expression", kPrompt, response))
                    .find("2: 3 \u2212 8 = \u22126  \u2717 3 \u2212 8 = \u22125\n") != std::string::npos);
    }

    void sheets() {
        const Sheet sheet = *parseSheet("64-71\n$1*3\n$2-$1");
        const auto e = *workSheet(sheet, 1, 3, 3);
        const RunData run = written::run("sheet", e.prompt, e.response);
        QCOMPARE(plain(run), std::string("1: 64 \u2212 71 = \u22127  \u2713\n"
                                         "2: \u22127 \u00d7 3 = \u221221 (uses 1)  \u2713\n"
                                         "3: \u221221 \u2212 \u22127 = \u221214 (uses 2 and 1)  \u2713\n"));
        QCOMPARE(promptText(run), std::string("Sheet of 3 lines\n1: 64 \u2212 71\n2: $1 \u00d7 3\n3: $2 \u2212 $1\n"));
    }

    void news() {
        const RunData run =
            written::run("news", "news 2 2\n<in>1<:>Harlow sold 12 mines.\n<in>2<:>Prices rose 4 pct.\n",
                         "<out>1<:><global><attend><in>1<:></attend>Harlow sells mines\n"
                         "<out>2<:><global><attend><in>1<:><in>2<:></attend>Prices rose 5 pct.\n");
        QCOMPARE(plain(run), std::string("Headline: Harlow sells mines [1]\n\u2022 Prices rose 5 pct. [1, 2]\n"));
        QCOMPARE(promptText(run), std::string("Article of 2 sentences; a headline and 1 key point are asked for\n"
                                              "1 Harlow sold 12 mines. \n2 Prices rose 4 pct. \n"));
        const RunChecks checks = RunChecks::of(run);
        std::string marked;
        plainResponse(run, checks, [&](const PlainPiece& p, const std::string& text) {
            if (p.role == PlainRole::Unsupported) marked += text;
            return text;
        });
        QCOMPARE(marked, std::string("5"));
    }

    /// What is not of the form is shown as it was written, and not hidden.
    void nonsenseStaysAsItIs() {
        for (const char* response :
             {"<out>1<:><attend></attend>twelve\n", "<out><:><attend></attend>12+7<local>++27901010=19\n",
              "<out>1<:>12+7<local>=19\n", "<out>1<:><attend><attend></attend>12+7<local>++27901010=19\n",
              "no markup 7\n", "<out>1<:><attend></attend>12+7<local>x<local>=19\n"}) {
            const RunData run = written::run("expression", kPrompt, response);
            std::string expected;
            for (const StepRecord& s : run.steps) expected += s.token.text;
            QCOMPARE(plain(run), expected);
        }
        const RunData unknown =
            written::run("expression", kPrompt, "<out>1<:><attend><out>9<:></attend>12+7<local>++27901010=19\n");
        QCOMPARE(plain(unknown), std::string("1: 12 + 7 = 19 (uses 9?)  \u2713\n"));
    }

    void everyTokenIsBehindAPiece() {
        std::vector<RunData> runs;
        for (const char* name : {"expression", "sheet", "news"}) {
            const auto trace = readTrace(std::string(SPANSCOPE_SOURCE_DIR "/resources/traces/") + name + ".spantrace");
            QVERIFY(trace.ok());
            for (const auto& run : trace->runs) runs.push_back(*run);
        }
        std::mt19937 random(3);
        for (int i = 0; i < 300; ++i) {  // text with pieces anywhere
            std::string response = kResponse;
            for (int k = 0; k < 3; ++k) {
                const size_t at = random() % response.size();
                if (random() % 2) response.erase(at, random() % 12);
                else response.insert(at, written::kPieces[random() % std::size(written::kPieces)]);
            }
            runs.push_back(written::run(i % 3 ? "expression" : "news", kPrompt, response));
        }
        for (const RunData& run : runs)
            for (const Reading reading : {Reading::Plain, Reading::Markup})
                for (const bool open : {false, true}) {
                    holdsEveryToken(run, reading, open);
                    if (QTest::currentTestFailed()) return;
                }
    }

    /// The digits of an opened working are pieces of their own, each of its token.
    void theWorkingIsLaidOut() {
        const RunData run = written::run("expression", kPrompt, kResponse);
        const RunChecks checks = RunChecks::of(run);
        PlainReader reader(run, checks, Reading::Plain, [](int32_t) { return true; });
        const PlainBlock block = reader.at(int32_t(run.header.prompt.size()));
        std::string cells;
        for (const PlainPiece& p : block.pieces) {
            if (!p.below) continue;
            cells += p.text + (p.endsLine ? "\n" : "");
            if (p.end == p.first + 1 && p.text != " ") QCOMPARE(tokenAt(run, p.first).text, p.text);
        }
        QCOMPARE(cells, std::string(" 12\n+ 7\n\u2500\u2500\u2500\n 19\n"));
    }

    /// While it is written, a segment reads as far as it goes.
    void growing() {
        RunData run = written::run("expression", kPrompt, "<out>1<:><attend></attend>12+7<local>++27");
        const RunChecks checks;
        PlainReader reader(run, checks, Reading::Plain);
        const PlainBlock block = reader.at(int32_t(run.header.prompt.size()));
        QVERIFY(!block.complete);
        std::string text;
        for (const PlainPiece& p : block.pieces) text += p.text;
        QCOMPARE(text, std::string("1: 12 + 7 \u2026"));
        // A run that stopped there reads the same.
        RunData stopped = run;
        stopped.segments.back().end = int32_t(run.header.prompt.size() + run.steps.size());
        stopped.stats.stop = StopReason::Cancelled;
        QCOMPARE(plain(stopped), std::string("1: 12 + 7 \u2026\n"));
        // What a line names is there before it is written.
        RunData named = written::run("expression", kPrompt, kResponse.substr(0, kResponse.find("19*-5")));
        RunChecks known;
        known.update(named, false);
        PlainReader later(named, known, Reading::Plain);
        text.clear();
        for (const PlainPiece& p : later.at(named.segments.back().begin).pieces) text += p.text;
        QCOMPARE(text, std::string("3: \u2026 (uses 1 and 2)"));
    }
};

QTEST_GUILESS_MAIN(TestPlainReading)
#include "tst_plain_reading.moc"
