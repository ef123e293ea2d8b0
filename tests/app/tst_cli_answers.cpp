// What the command line answers and says of its answers: the bundled models where they are there, the table of shapes.
#include <QtTest>

#include "engine/trace/trace.h"
#include "tests/app/cli_process.h"

using namespace spanscope;
using namespace spanscope::test;
using Json = nlohmann::json;

class TestCliAnswers : public CliTest {
    Q_OBJECT
  private slots:
    void initTestCase() { QVERIFY(makeModel()); }

    void theBundledModelAnswers() {
        if (!hasBundledModel()) QSKIP("the bundled model is not in this checkout");
        const Outcome o = run({"run", "-p", "(12+7)*(3-8)", "--attention", "both", "--json"});
        QCOMPARE(o.exitCode, 0);
        const Json json = o.json();
        for (const Json& r : json["runs"]) {
            QCOMPARE(r["answer"], "-95");
            QCOMPARE(r["stop_reason"], "eos");
            QCOMPARE(r["violations"], 0);
        }
        const Json& declared = json["runs"][1];
        QVERIFY(declared["attended_tokens"] < declared["causal_tokens"]);
        const Outcome eval =
            run({"eval", "--task", "expression", "--operators", "1-4", "--count", "12", "--seed", "900100", "--json"});
        const Json result = eval.json();
        for (const Json& row : result["rows"]) QVERIFY(row["exact"].get<double>() >= 0.9);
    }

    void aWrongAnswerIsShownAsWrong() {
        // A model of drawn weights answers nothing right; the program knows what would be.
        const Outcome o = run({"run", "-m", m_model, "--task", "expression", "-p", "123456789+1", "-n", "8", "--json"});
        QCOMPARE(o.exitCode, 0);
        const Json r = o.json()["runs"][0];
        QCOMPARE(r["checked"], false);
        QCOMPARE(r["exact_answer"], "123456790");
        QVERIFY2(r["check"].get<std::string>().find("the exact value is 123456790") != std::string::npos,
                 r.dump().c_str());
        QVERIFY2(o.err.contains("is wrong") && o.err.contains("123456790"), o.err);
        const Outcome beyond =
            run({"run", "-m", m_model, "--task", "sheet", "-p", "999999999999*999999999999", "-n", "8", "--json"});
        QCOMPARE(beyond.json()["runs"][0]["checked"], false);
        QCOMPARE(beyond.json()["runs"][0]["exact_answer"], "999999999998000000000001");
        const Outcome endless = run({"run", "-m", m_model, "--task", "sheet", "-p",
                                     "999999999999*999999999999\n$1*$1\n$2*$2\n$3*$3\n$4*$4", "-n", "8", "--json"});
        QCOMPARE(endless.json()["runs"][0]["checked"], false);
        QVERIFY(!endless.json()["runs"][0].contains("exact_answer"));
        QVERIFY2(endless.err.contains("not checked: an intermediate result has more than 200 digits"), endless.err);
        const Outcome text = run({"run", "-m", m_model, "--task", "text", "-p", "1+1", "-n", "3", "--json"});
        QVERIFY(!text.json()["runs"][0].contains("checked"));
        if (!hasBundledModel()) QSKIP("the bundled model is not in this checkout");
        for (const char* typed : {"2541-2541", "7245-7240", "1-(2-(3-(4-(5-(6-(7-(8-(9-(10-11)))))))))"}) {
            const Outcome right = run({"run", "-p", typed, "--json"});
            QCOMPARE(right.json()["runs"][0]["checked"], true);
            QVERIFY2(!right.err.contains("warning"), right.err);
        }
        const Outcome warned = run({"run", "-p", "123456789+1", "-n", "4"});
        QVERIFY2(warned.err.contains("The number 123456789 is beyond 9999"), warned.err);
        const Outcome reference = run({"run", "--task", "sheet", "-p", "1+2\n3*($5-1)"});
        QCOMPARE(reference.exitCode, 2);
        QVERIFY2(reference.err.contains("line 2, column 4: $5 must refer to an earlier line"), reference.err);
    }

    /// Without --json a person reads the steps in plain words, each checked, and the answer; --raw is what was written.
    void runPrintsAPlainAnswer() {
        if (!hasBundledModel()) QSKIP("the bundled model is not in this checkout");
        const Outcome plain = run({"run", "-p", "(12+7)*(3-8)"});
        QCOMPARE(QString::fromUtf8(plain.out),
                 QString::fromUtf8("1: 12 + 7 = 19  \u2713\n"
                                   "2: 3 \u2212 8 = \u22125  \u2713\n"
                                   "3: 19 \u00d7 \u22125 = \u221295 (uses 1 and 2)  \u2713\n"
                                   "Answer: \u221295 \u2713\n"));
        const Outcome raw = run({"run", "-p", "(12+7)*(3-8)", "--raw"});
        QVERIFY2(raw.out.startsWith("<out>1<:><attend></attend>12+7<local>++27901010=19\n"), raw.out);
        QVERIFY(!raw.out.contains("Answer"));
        const Outcome both = run({"run", "-p", "1+2", "--attention", "both"});
        QVERIFY2(both.out.startsWith("dense:\n1: 1 + 2 = 3") && both.out.contains("\ndeclared:\n1: 1 + 2 = 3"),
                 both.out);
        const Outcome stopped = run({"run", "-p", "(12+7)*(3-8)", "-n", "9"});
        QVERIFY2(stopped.out.contains("No answer: limit") && !stopped.out.contains("Answer:"), stopped.out);
        const Json json = run({"run", "-p", "(12+7)*(3-8)", "--json"}).json()["runs"][0];
        QCOMPARE(json["checks"]["lines"], 3);
        QCOMPARE(json["checks"]["right"], 3);
        QVERIFY(json["checks"]["wrong"].empty());
        QCOMPARE(json["prompt_tokens"].size(), json["prompt_n"]);
    }

    /// Lossless says what dense says, with how much of it was drafted, and eval counts the problems where it did.
    void losslessIsDense() {
        const Outcome random = run({"run", "-m", m_model, "--task", "sheet", "-p", "1+2\n$1*3", "-n", "40",
                                    "--attention", "dense,lossless=3", "--json"});
        QCOMPARE(random.exitCode, 0);
        const Json runs = random.json()["runs"];
        QCOMPARE(runs[1]["attention"], "lossless=3");
        QCOMPARE(runs[1]["tokens"], runs[0]["tokens"]);
        QVERIFY(!runs[0].contains("drafted"));
        QVERIFY(runs[1]["accepted"] > 10);
        QVERIFY(runs[1]["drafted"] >= runs[1]["accepted"].get<int64_t>() + runs[1]["rejected"].get<int64_t>());
        const Json rejected = runs[1].value("rejected_list", Json::array());
        QCOMPARE(rejected.size(), runs[1]["rejected"].get<size_t>());
        QVERIFY(random.err.contains("tokens a pass"));
        const Json rows = run({"eval", "-m", m_model, "--task", "expression", "--count", "5", "--operators", "1-4",
                               "-n", "30", "--attention", "dense,declared,lossless", "--json"})
                              .json()["rows"];
        QCOMPARE(rows[2]["n_same_as_dense"], 5);
        QVERIFY(!rows[1].contains("n_same_as_dense"));
        QVERIFY(rows[2]["verify_passes"] > 0);
        const Outcome text = run({"run", "-m", m_model, "--task", "text", "-p", "1", "--attention", "lossless"});
        QCOMPARE(text.exitCode, 3);
        QVERIFY2(text.err.contains("no span protocol"), text.err);
        const Outcome bench = run({"bench", "-m", m_model, "-p", "0", "-n", "2", "--attention", "lossless"});
        QCOMPARE(bench.exitCode, 2);
    }

    void shapesFillEveryCell() {
        const QStringList common{"eval", "-m",          m_model, "--shapes", "--count", "1",           "-n",
                                 "2",    "--operators", "1-4",   "--lines",  "1-4",     "--attention", "declared"};
        const Json json = run(common + QStringList{"--json"}).json();
        QVERIFY2(json["cells"].size() > 40, json.dump().c_str());
        for (const Json& cell : json["cells"]) {
            for (const char* key : {"task", "shape", "size", "digits"}) QVERIFY(cell[key].is_string());
            QCOMPARE(cell["declared"]["n"], 1);
        }
        QCOMPARE(json["declared"]["n"], json["cells"].size());
        const Outcome table = run(common + QStringList{"--markdown", file("shapes.md")});
        QVERIFY(table.out.startsWith("| task | shape | size | digits |"));
        QCOMPARE(static_cast<size_t>(table.out.count('\n')), json["cells"].size() + 2);
        QFile written(file("shapes.md"));
        QVERIFY(written.open(QIODevice::ReadOnly));
        QCOMPARE(written.readAll(), table.out);
        QCOMPARE(run({"eval", "-m", m_model, "--shapes", "--shape", "left"}).exitCode, 2);
        QCOMPARE(run({"eval", "-m", m_model, "--shapes", "--task", "expression", "--operators", "900"}).exitCode, 2);
        QCOMPARE(run({"dataset", "--task", "expression", "--shape", "round", "--count", "1", "--text-only"}).exitCode,
                 2);
        const Outcome covered = run({"dataset", "--task", "sheet", "--count", "3", "--text-only", "--coverage",
                                     file("c.json"), "-o", file("c.jsonl")});
        QVERIFY2(covered.err.contains("covers ") && covered.err.contains("empty: "), covered.err);
    }

    void memoryIsWeightsKvAndLittleMore() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        QSKIP("a sanitizer's own memory counts");
#endif
        constexpr int64_t kMore = 64 << 20;
        QList<QStringList> runs{{"run", "-m", SPANSCOPE_SOURCE_DIR "/tests/fixtures/golden/Q4_0.gguf", "--task", "text",
                                 "--prompt-tokens", "1,17,25", "-n", "32", "--json"}};
        if (hasBundledModel())
            runs << QStringList{
                "run",         "--task", "sheet", "-f", SPANSCOPE_SOURCE_DIR "/resources/samples/sheet.txt",
                "--attention", "both",   "--json"};
        for (const QStringList& arguments : runs) {
            const Outcome o = run(arguments);
            QVERIFY2(o.exitCode == 0, o.err);
            const Json m = o.json()["memory"];
            const int64_t peak = m["peak_rss_bytes"],
                          needed = m["weight_bytes"].get<int64_t>() + m["kv_bytes"].get<int64_t>();
            QVERIFY2(peak > needed / 2 && peak <= needed + kMore, m.dump().c_str());
            QVERIFY(m["anon_bytes"].get<int64_t>() + m["file_bytes"].get<int64_t>() <= peak);
        }
        const Outcome o = run({"bench", "--random-weights", "llama-160m", "-p", "128", "-n", "4", "-r", "1",
                               "--no-warmup", "-o", "json"});
        QVERIFY2(o.exitCode == 0, o.err);
        const Json row = o.json()[0];
        const int64_t peak = row["peak_rss_bytes"], needed = row["needed_bytes"];
        QVERIFY2(peak > needed / 2 && peak <= needed + kMore, row.dump().c_str());
    }

    /// The news task picks the news model by itself, and every point of the sample is drawn from what it declares.
    void theBundledNewsModelSummarises() {
        if (!hasBundledModel()) QSKIP("the bundled models are not in this checkout");
        const Outcome o = run({"run", "--task", "news", "-f", SPANSCOPE_SOURCE_DIR "/resources/traces/news.txt",
                               "--attention", "both", "--json"});
        if (o.exitCode == 3 && o.err.contains("./run model"))
            QSKIP("the base of the news model is not here; ./run model smollm2 brings it");
        QCOMPARE(o.exitCode, 0);
        const Json json = o.json();
        for (const Json& r : json["runs"]) {
            QCOMPARE(r["stop_reason"], "eos");
            QVERIFY(r["violations"].get<int64_t>() <= 1);  // a small model may write a piece where none belongs
            QVERIFY(QString::fromStdString(r["answer"].get<std::string>()).count('\n') >= 3);
        }
        QVERIFY(json["runs"][1]["attended_tokens"] < json["runs"][1]["causal_tokens"]);
        const Outcome eval =
            run({"eval", "--task", "news", "--count", "8", "--seed", "900100", "--attention", "declared", "--json"});
        const Json result = eval.json();
        const Json& row = result["rows"][0];
        QCOMPARE(row["valid_declarations"], 1.0);
        // The reports have signs, quotations and fields that the bundled weights never saw.
        QVERIFY(row["span_recall"].get<double>() >= 0.6);
        QVERIFY(row["faithfulness"].get<double>() >= 0.8);
        int64_t items = 0, supported = 0, points = 0;
        for (const Json& place : row["faithfulness_by_place"]) {
            items += place["items"].get<int64_t>();
            supported += place["supported"].get<int64_t>();
            points += place["points"].get<int64_t>();
            QVERIFY(place["faithful"] <= place["points"]);
        }
        QVERIFY(points >= 16);
        QCOMPARE(items, row["items"].get<int64_t>());
        QCOMPARE(supported, row["items_supported"].get<int64_t>());
    }
};

QTEST_GUILESS_MAIN(TestCliAnswers)
#include "tst_cli_answers.moc"
