// The command line as scripts use it: what stands on stdout, what on stderr, which exit code. On tiny random models;
// what the bundled ones answer is tst_cli_answers, what is exported tst_cli_exports.
#include <sched.h>
#include <signal.h>

#include <QtTest>

#include "engine/trace/trace.h"
#include "tests/app/cli_process.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;
using Json = nlohmann::json;

namespace {

/// The file that a trace grows in: run.spantrace.x7k2p9.part.
QString recordingOf(const QString& trace) {
    const QFileInfo target(trace);
    const QStringList found = target.dir().entryList({target.fileName() + ".*.part"}, QDir::Files);
    return found.isEmpty() ? QString() : target.dir().filePath(found.front());
}

}  // namespace

class TestCli : public CliTest {
    Q_OBJECT
  private slots:
    void initTestCase() { QVERIFY(makeModel()); }

    void helpSaysTheExitCodes() {
        const Outcome help = run({"--help"});
        QCOMPARE(help.exitCode, 0);
        QVERIFY(help.out.contains("Exit codes"));
        QVERIFY(help.err.isEmpty());
        for (const char* verb : {"run", "chat", "eval", "dataset", "export", "info", "bench", "leak", "diff"}) {
            QVERIFY(help.out.contains(verb));
            const Outcome one = run({verb, "--help"});
            QCOMPARE(one.exitCode, 0);
            QVERIFY(one.out.contains("Exit codes"));
        }
        QVERIFY(run({"--version"}).out.startsWith("spanscope-cli "));
        QCOMPARE(run({"help", "eval"}).out, run({"eval", "--help"}).out);
    }

    void wrongUsage_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("says");
        QTest::newRow("nothing") << QStringList{} << "say what to do";
        QTest::newRow("unknown verb") << QStringList{"fly"} << "fly";
        QTest::newRow("unknown option") << QStringList{"run", "--wings"} << "wings";
        QTest::newRow("attention") << QStringList{"run", "-p", "1+1", "--attention", "half"} << "half";
        QTest::newRow("keep") << QStringList{"run", "-p", "1+1", "--attention", "keep=0"} << "keep";
        QTest::newRow("two prompts") << QStringList{"run", "-p", "1", "--prompt-tokens", "1"} << "excludes";
        QTest::newRow("range") << QStringList{"dataset", "--task", "sheet", "--count", "1", "--lines", "9-2"} << "9-2";
        QTest::newRow("range names its option")
            << QStringList{"dataset", "--task", "sheet", "--count", "1", "--lines", "9-2"} << "--lines";
        QTest::newRow("endless problem") << QStringList{"eval", "--count", "1", "--operators", "100000000"}
                                         << "--operators";
        QTest::newRow("endless context") << QStringList{"run", "-p", "1+1", "-c", "2147483647"} << "--ctx-size";
        QTest::newRow("endless bench") << QStringList{"bench", "-n", "2147483647", "-d", "2147483647"} << "--n-gen";
        QTest::newRow("threads") << QStringList{"run", "-p", "1+1", "-t", "1000000"} << "--threads";
        QTest::newRow("a bench has no context of its own") << QStringList{"bench", "-c", "64"} << "-c";
        QTest::newRow("jobs") << QStringList{"eval", "--jobs", "1000000"} << "--jobs";
        QTest::newRow("a path that was not set")
            << QStringList{"run", "-m", "", "-p", "1+1"} << "--model: an empty path";
        QTest::newRow("a seed of 65 bits") << QStringList{"run", "-p", "1+1", "-s", "99999999999999999999"} << "--seed";
        QTest::newRow("only an option") << QStringList{"-q"} << "say what to do";
        QTest::newRow("no temperature") << QStringList{"run", "-p", "1", "--temp", ""} << "--temp";
        QTest::newRow("a secret in the news")
            << QStringList{"leak", "-m", m_model, "--task", "news"} << "sheet or expression";
        QTest::newRow("too few problems for a leak") << QStringList{"leak", "--count", "79"} << "--count";
        QTest::newRow("no ids") << QStringList{"run", "--prompt-tokens", ""} << "--prompt-tokens";
        QTest::newRow("no shape") << QStringList{"bench", "--random-weights", ""} << "--random-weights";
        QTest::newRow("a negative seed") << QStringList{"eval", "-s", "-1"} << "--seed";
        QTest::newRow("endless eval") << QStringList{"eval", "--count", "99999999999999999999"} << "--count";
        QTest::newRow("lines of an expression")
            << QStringList{"dataset", "--task", "expression", "--count", "1", "--lines", "3"} << "is for --task sheet";
        QTest::newRow("two models") << QStringList{"info", "-m", "a", "b"} << "excludes";
        QTest::newRow("diff of nothing") << QStringList{"diff"} << "first is required";
        QTest::newRow("endless data") << QStringList{"dataset", "--task", "sheet"} << "--count";
    }

    void wrongUsage() {
        QFETCH(QStringList, arguments);
        QFETCH(QString, says);
        const Outcome o = run(arguments);
        QCOMPARE(o.exitCode, 2);
        QVERIFY(o.out.isEmpty());
        QVERIFY2(QString(o.err).contains(says), o.err.constData());
        QVERIFY2(o.err.startsWith("spanscope-cli: ") && o.err.count('\n') == 1, o.err.constData());
    }

    void leakSaysWhatLaterPositionsTell() {
        const QStringList arguments{"leak", "-m", m_model, "--task", "sheet", "--count", "80", "--later", "1"};
        const Outcome table = run(arguments), again = run(arguments + QStringList{"--json"});
        QCOMPARE(table.exitCode, 0);
        QVERIFY(table.out.startsWith("read-out, right of 80 problems (95% interval); chance 10.0%\n"));
        QVERIFY(table.out.contains("own continuation"));
        const auto json = again.json();
        QCOMPARE(json["n"].get<int>(), 80);
        int nPrompt = 0;
        for (const auto& row : json["rows"]) {
            QCOMPARE(row["declared"]["n"].get<int>(), 80);
            QVERIFY(row["declared"]["low"] <= row["declared"]["share"]);
            if (row["phase"] != "prompt") continue;
            ++nPrompt;
            QCOMPARE(row["same_bits"].get<int>(), row["reads"].get<bool>() ? 0 : row["twins"].get<int>());
        }
        QCOMPARE(nPrompt, 2);
        QCOMPARE(json["answers"].size(), size_t{2});                      // after the secret's line and after the next
        QCOMPARE(run(arguments + QStringList{"--json"}).out, again.out);  // for its seed
    }

    void helpSaysTheDefaults() {
        const Outcome o = run({"run", "--help"});
        for (const char* says :
             {"auto, cpu, cuda or reference", "default: bf16, with f16 or quantised weights f16", "recent; -1 = all"})
            QVERIFY2(o.out.contains(says), says);
        // CLI11 before 2.4 writes "FLOAT=1", later ones "FLOAT [1]".
        for (const char* says : {"--top-p FLOAT(=1| \\[1\\])\\s", "--repeat-last-n INT(=64| \\[64\\])\\s"})
            QVERIFY2(QString(o.out).contains(QRegularExpression(says)), says);
        QVERIFY(!o.out.contains("[]"));
    }

    void whatCannotBeWrittenFails() {
        QProcess full;
        full.setStandardOutputFile("/dev/full");
        full.start(QStringLiteral(SPANSCOPE_BIN_DIR "/spanscope-cli"), {"info", m_model});
        QVERIFY(full.waitForFinished(60000));
        QCOMPARE(full.exitCode(), 3);
        QVERIFY(full.readAllStandardError().contains("stdout: cannot be written"));
        const QString folder = QString::fromStdString(m_folder.path());
        const Outcome trace = run({"run", "-m", m_model, "-p", "1+1", "-n", "3", "--trace", folder});
        QCOMPARE(trace.exitCode, 3);
        QVERIFY2(trace.err.contains("folder") && trace.out.isEmpty(),
                 trace.err.constData());  // before the work, not after it
        const Outcome failures =
            run({"eval", "-m", m_model, "--task", "expression", "--count", "1", "--failures", folder + "/missing/x"});
        QCOMPARE(failures.exitCode, 3);
        QVERIFY(failures.out.isEmpty());
    }

    void problemsThatCannotBeRunAreCounted() {
        const Outcome o =
            run({"eval", "-m", m_model, "--task", "expression", "--operators", "8", "--count", "2", "-c", "8"});
        QCOMPARE(o.exitCode, 6);
        QVERIFY2(o.err.contains("2 of 2 problems were not run; the first: "), o.err.constData());
    }

    void wrongPrompts() {
        auto says = [&](const QStringList& more) {
            const Outcome o = run(QStringList{"run", "-m", m_model, "--json"} + more);
            return o.exitCode == 2 && o.out.isEmpty() ? QString(o.err) : QString("exit code %1").arg(o.exitCode);
        };
        QVERIFY(says({"--task", "expression", "-p", "12+*3"}).contains("column 4"));
        QVERIFY(says({"--task", "poetry", "-p", "x"}).contains("poetry"));
        QVERIFY(says({"--prompt-tokens", "1,99999"}).contains("99999"));
        QVERIFY(says({}).contains("no prompt"));
        QVERIFY(says({"-p", "1+1", "--top-p", "7"}).contains("top-p"));
        QVERIFY(writeFile(m_folder.file("empty"), ""));
        QVERIFY(says({"-f", file("empty")}).contains("empty"));
    }

    void loadFailures() {
        const Outcome missing = run({"run", "-m", file("nobody"), "-p", "1+1", "--json"});
        QCOMPARE(missing.exitCode, 3);
        QVERIFY(missing.out.isEmpty());
        QVERIFY(missing.err.contains("nobody"));
        const QString broken = file("broken");
        QVERIFY(writeTinyModel(broken.toStdString()));
        QFile config(broken + "/config.json");
        QVERIFY(config.open(QIODevice::WriteOnly) && config.write("{\"hidden_size\": -3") > 0);
        config.close();
        const Outcome bad = run({"info", "-m", broken});
        QCOMPARE(bad.exitCode, 3);
        QVERIFY(bad.err.contains("config.json"));
        QCOMPARE(run({"export", file("nobody.spantrace"), "--npy", file("x.npy")}).exitCode, 3);
        QCOMPARE(run({"eval", "-m", m_model, "--file", file("nobody.jsonl")}).exitCode, 3);
        const QString folder = QString::fromStdString(m_folder.path());
        for (const QStringList& more : {QStringList{"eval", "-m", m_model, "--file"},
                                        QStringList{"run", "-m", m_model, "-f"}, QStringList{"dataset", "--encode"}}) {
            const Outcome o = run(more + QStringList{folder});
            QCOMPARE(o.exitCode, 3);
            QVERIFY2(o.err.contains("is a folder, not a file"), o.err.constData());
        }
    }

    /// What stands in a file cannot move the cursor, set a title or clear the screen.
    void foreignTextIsPrintedHarmlessly() {
        const QString foreign = file("foreign");
        QVERIFY(writeTinyModel(foreign.toStdString()));
        Json card = Json::parse(readFile(foreign.toStdString() + "/spanscope.json"));
        card["description"] = "line\nnext \x1b[2J\x07 na\u00efve \u009b1m";
        QVERIFY(writeFile(foreign.toStdString() + "/spanscope.json", card.dump()));
        const Outcome o = run({"info", foreign});
        QVERIFY2(o.out.contains("line\nnext \\x1b[2J\\x07 na\u00efve \\xc2\\x9b1m"), o.out.constData());
        QVERIFY(writeFile(m_folder.file("binary.spantrace"), "\x1b]0;title\x07\xff\n"));
        const Outcome trace = run({"info", file("binary.spantrace")});
        QCOMPARE(trace.exitCode, 3);
        QVERIFY2(trace.err.contains("\\x1b]0;title\\x07") && !trace.err.contains('\x1b') && !trace.err.contains('\xff'),
                 trace.err.constData());
    }

    void runPrintsOneObject() {
        const Outcome o = run({"run", "-m", m_model, "--task", "expression", "-p", "(12+7)*(3-8)", "-n", "24",
                               "--attention", "both", "--json", "-t", "2"});
        QCOMPARE(o.exitCode, 0);
        QCOMPARE(o.out.count('\n'), qsizetype{1});
        const Json json = o.json();
        QVERIFY(json.is_object());
        QCOMPARE(json["runs"].size(), size_t{2});
        QCOMPARE(json["runs"][0]["attention"], "dense");
        QCOMPARE(json["runs"][1]["attention"], "declared");
        for (const Json& r : json["runs"]) {
            for (const char* key : {"prompt_n", "prompt_ms", "predicted_n", "predicted_ms", "predicted_per_second",
                                    "ttft_ms", "attended_tokens", "loaded_tokens", "causal_tokens", "violations"})
                QVERIFY2(r[key].is_number(), key);
            for (const char* key : {"answer", "text", "stop_reason"}) QVERIFY2(r[key].is_string(), key);
            QCOMPARE(r["tokens"].size(), r["predicted_n"].get<size_t>());
            const double rate = (r["predicted_n"].get<double>() - 1) / r["predicted_ms"].get<double>() * 1000;
            QVERIFY(std::abs(rate / r["predicted_per_second"].get<double>() - 1) < 1e-6);
            QVERIFY(r["attended_tokens"] <= r["loaded_tokens"] && r["loaded_tokens"] <= r["causal_tokens"]);
        }
        QCOMPARE(json["runs"][0]["attended_tokens"], json["runs"][0]["causal_tokens"]);
    }

    /// Articles as they are: those that make examples are the problems; every response is written for reading.
    void evalReadsArticles() {
        QVERIFY(writeFile(
            m_folder.file("articles.jsonl"),
            "{\"title\": \"Weekly Newsletter\", \"body\": \"One rose. Two fell. Three stood. Four left. Five came.\"}\n"
            "{\"title\": \"Bell opens bridge in <b>Marstead</b>\", \"body\": \"Rep. Ann Bell opened a bridge in "
            "Marstead on "
            "Friday. The bridge cost $4.2 million and took two years. \u201CIt is a good day for Marstead,\u201D said "
            "Bell. "
            "The council approved the plan by 21 votes to 8. Work on a second bridge will begin in May.\"}\n"));
        for (const char* name : {"outputs.jsonl", "outputs.md"}) {
            const Outcome o = run({"eval", "-m", m_model, "--task", "news", "--file", file("articles.jsonl"),
                                   "--attention", "dense", "-n", "12", "--json", "--outputs", file(name)});
            QVERIFY2(o.exitCode == 0, o.err);
            const Json json = o.json();
            QCOMPARE(json["rows"][0]["n"], 1);
            for (const char* key : {"headline", "points", "lead_3_same_length", "faithfulness", "stop_reasons"})
                QVERIFY2(json["rows"][0].contains(key), key);
            QVERIFY(json["weight_bytes_per_step"] > 0 && json["kv_bytes_per_token"] > 0);
        }
        const Json written = Json::parse(readFile(m_folder.file("outputs.jsonl")));
        QCOMPARE(written["first_sentence"], "Rep. Ann Bell opened a bridge in Marstead on Friday.");
        QCOMPARE(written["title"], "Bell opens bridge in Marstead");
        QCOMPARE(written["stop_reason"], "limit");
        const QString read = QString::fromStdString(readFile(m_folder.file("outputs.md")));
        QVERIFY2(read.contains("## 1, dense") && read.contains("- title: Bell opens bridge in Marstead") &&
                     read.contains("- verdict:"),
                 read.toUtf8().constData());
        const Outcome none =
            run({"eval", "-m", m_model, "--task", "news", "--count", "1", "--outputs", file("missing/x.md")});
        QCOMPARE(none.exitCode, 3);
    }

    void speedUpIsOverTheStepsThatBothRunsHave() {
        if (!hasBundledModel()) QSKIP("the bundled model is not in this checkout");
        const QString trace = file("lengths.spantrace");
        // Hot enough that the two answers part and end at different lengths; the test looks whether they still do.
        const Outcome o = run({"run", "-p", "(12+7)*(3-8)", "--attention", "both", "--temp", "4", "-s", "1", "-n",
                               "200", "--json", "--trace", trace});
        QCOMPARE(o.exitCode, 0);
        const auto recorded = readTrace(trace.toStdString());
        QVERIFY(recorded.ok());
        QCOMPARE(recorded->runs.size(), size_t{2});
        const RunData &dense = *recorded->runs[0], &declared = *recorded->runs[1];
        const size_t n = std::min(dense.steps.size(), declared.steps.size());
        QVERIFY2(dense.steps.size() != declared.steps.size() && n > 1,
                 "the two runs ended at one length: choose another seed");
        const auto spanNs = [&](const RunData& r) { return double(r.steps[n - 1].atNs - r.steps[0].atNs); };
        QCOMPARE(o.json()["speed_up_steps"], n);
        QVERIFY(std::abs(o.json()["speed_up"].get<double>() / (spanNs(dense) / spanNs(declared)) - 1) < 1e-9);
        QVERIFY(o.err.contains(("x over the first " + std::to_string(n) + " steps, which both have").c_str()));
    }

    void sameTokensWhateverRunsThem() {
        auto tokens = [&](const QStringList& more) {
            const Outcome o = run(QStringList{"run", "-m", m_model, "--prompt-tokens", "1,17,250,33,8", "-n", "32",
                                              "--attention", "dense", "--json"} +
                                  more);
            return o.exitCode == 0 ? o.json()["runs"][0]["tokens"] : Json();
        };
        const Json one = tokens({"-t", "1"});
        QCOMPARE(one.size(), size_t{32});
        QCOMPARE(tokens({"-t", "2"}), one);
        QCOMPARE(tokens({"--backend", "reference"}), one);
        QCOMPARE(tokens({}), one);
        const QStringList sampled{"--temp", "0.9", "--top-k", "40", "--seed", "11"};
        const Json drawn = tokens(sampled);
        QVERIFY(drawn != one);
        QCOMPARE(tokens(sampled), drawn);
    }

    void randomSeedIsTold() {
        const Outcome o = run({"run", "-m", m_model, "-p", "1+1", "-n", "3", "--temp", "1", "-s", "-1", "--json"});
        QCOMPARE(o.exitCode, 0);
        QVERIFY(o.err.contains(("seed " + std::to_string(o.json()["runs"][0]["seed"].get<uint64_t>())).c_str()));
    }

    void promptFromFileAndStdin() {
        const QByteArray sheet = "1+2\n$1*3\n";
        QFile f(file("sheet.txt"));
        QVERIFY(f.open(QIODevice::WriteOnly) && f.write(sheet) > 0);
        f.close();
        const QStringList common{"run", "-m", m_model, "--task", "sheet", "-n", "5", "--json", "-f"};
        const Outcome a = run(common + QStringList{file("sheet.txt")}), b = run(common + QStringList{"-"}, sheet);
        QCOMPARE(a.exitCode, 0);
        QCOMPARE(a.json()["runs"][0]["tokens"], b.json()["runs"][0]["tokens"]);
        // As an editor of another system writes it.
        const Outcome c = run(common + QStringList{"-"},
                              "\xef\xbb\xbf"
                              "1+2\r\n$1*3\r\n");
        QVERIFY2(c.exitCode == 0, c.err.constData());
        QCOMPARE(a.json()["runs"][0]["tokens"], c.json()["runs"][0]["tokens"]);
        const Outcome endless = run(common + QStringList{"/dev/zero"});
        QCOMPARE(endless.exitCode, 2);
        QVERIFY2(endless.err.contains("more than 64 MiB"), endless.err.constData());
    }

    void memoryIsForecast() {
        const Outcome dry = run({"run", "-m", m_model, "-p", "1+1", "--dry-run", "--json"});
        QCOMPARE(dry.exitCode, 0);
        QVERIFY(dry.json()["forecast"]["weight_bytes"].get<int64_t>() > 0);
        const QStringList huge{"run",         "-m",
                               m_model,       "-p",
                               "1+1",         "-c",
                               "268435456",   "--json",  // the most there can be
                               "--attention", "dense,declared,keep=1,keep=2,keep=3,keep=4,keep=5"};
        const Outcome refused = run(huge);
        QCOMPARE(refused.exitCode, 4);
        QVERIFY(refused.out.isEmpty());
        QVERIFY(refused.err.contains(" free, expected ") && refused.err.contains("--force"));
        QCOMPARE(run(huge + QStringList{"--dry-run"}).exitCode, 4);
    }

    /// Every command that takes a model takes an adapter over it, and says which.
    void adapters() {
        const QString fixtures = SPANSCOPE_SOURCE_DIR "/tests/fixtures/";
        const QString base = fixtures + "golden/tied", folder = fixtures + "adapters/tied";
        const QStringList model{"-m", base, "--adapter", folder};
        const Outcome plain = run({"info", base, "--json"}), info = run(QStringList{"info", "--json"} + model);
        QVERIFY2(info.exitCode == 0, info.err.constData());
        QVERIFY(!plain.json().contains("adapter"));
        const Json adapter = info.json()["adapter"];
        QCOMPARE(adapter["name"], "tied");
        QCOMPARE(adapter["rank"], 2);
        QCOMPARE(adapter["base_hash"], plain.json()["hash"]);
        QVERIFY(info.json()["hash"] != plain.json()["hash"]);
        QVERIFY(run(QStringList{"info"} + model).out.contains("adapter   tied, rank 2"));

        const QString trace = file("adapted.spantrace");
        const QStringList ask{"--task", "text", "--prompt-tokens", "5,70,9", "-n", "3", "--json", "--trace", trace};
        const Outcome one = run(QStringList{"run"} + model + ask);
        QVERIFY2(one.exitCode == 0, one.err.constData());
        QCOMPARE(one.json()["adapter"], adapter);
        const auto recorded = readTrace(trace.toStdString());
        QVERIFY(recorded);
        QCOMPARE(recorded->runs[0]->header.adapter.hash, adapter["hash"].get<std::string>());
        QCOMPARE(recorded->runs[0]->header.adapter.rank, 2);
        const QString report = file("adapted.html");
        const Outcome html = run({"export", trace, "--html", report});
        QVERIFY2(html.exitCode == 0, html.err.constData());
        QVERIFY(readFile(report.toStdString()).find("tied, rank 2, hash ") != std::string::npos);

        const Outcome bench = run(QStringList{"bench", "-p", "0", "-n", "2", "-r", "1", "-o", "json"} + model);
        QVERIFY2(bench.exitCode == 0, bench.err.constData());
        QVERIFY2(bench.out.contains("tied + tied"), bench.out.constData());
        QCOMPARE(run({"bench", "--random-weights", "llama-160m", "--adapter", folder}).exitCode, 2);

        const Outcome other = run({"info", fixtures + "golden/gqa_8_2", "--adapter", folder});
        QCOMPARE(other.exitCode, 2);
        QVERIFY2(other.err.contains("made for another base"), other.err.constData());
        QCOMPARE(run({"info", base, "--adapter", file("none")}).exitCode, 3);
        QCOMPARE(run({"info", base, "--adapter", ""}).exitCode, 2);
    }

    /// What is advised where a context does not fit must work, so it is never beyond the model's own 4096.
    void adviceIsWithinTheModel() {
        // 64 KiB of keys and values a token: 100,000,000 of them are 6 TiB, 4096 a quarter of a GiB.
        const QString wide = file("wide");
        TinyModelOptions options;
        options.nLayers = 4, options.nHeads = 16, options.nKvHeads = 16, options.headDim = 128, options.hidden = 16;
        QVERIFY(writeTinyModel(wide.toStdString(), options));
        const QString own = "4096 tokens would, all that the model was trained for";
        const auto refused = [&](const QStringList& arguments) {
            const Outcome o = run(arguments);
            return o.exitCode == 4 ? QString(o.err) : QString("exit code %1: %2").arg(o.exitCode).arg(QString(o.err));
        };
        const QString one = refused({"run", "-m", wide, "-p", "1+1", "-c", "100000000"});
        QVERIFY2(one.contains("a context of 100000000 tokens does not fit") && one.contains(own + " (-c); --force"),
                 qPrintable(one));
        const QString two = refused({"run", "-m", wide, "-p", "1+1", "-c", "100000000", "--attention", "both"});
        QVERIFY2(
            two.contains("in each of 2 sequences") && two.contains(own + " (-c), or fewer sequences (--attention) may"),
            qPrintable(two));
        const QString bench = refused({"bench", "-m", wide, "-d", "100000000"});
        QVERIFY2(bench.contains(own + " (--n-depth"), qPrintable(bench));
        const QString eval = refused({"eval", "-m", wide, "--count", "1", "-c", "100000000", "-n", "100000000"});
        QVERIFY2(eval.contains(own + " (-c)"), qPrintable(eval));
        const Outcome info = run({"info", wide, "-c", "100000000", "--json"});
        QCOMPARE(info.json()["forecast"]["largest_context"].get<int>(), 4096);
        // A prompt that the context cannot hold is that, and no matter of memory.
        const Outcome prompt = run({"run", "-m", wide, "--task", "text", "-f", "-"}, QByteArray(5000, 'x'));
        QCOMPARE(prompt.exitCode, 2);
        QVERIFY2(prompt.err.contains("the prompt is longer than the context"), prompt.err.constData());
        // And a context beyond what the model was trained for says so where it does fit.
        QVERIFY(run({"run", "-m", m_model, "-p", "1+1", "-c", "5000", "--dry-run"}).err.contains("trained for 4096"));
    }

    void datasetIsDeterministic() {
        const QStringList a{"dataset", "--task", "expression", "--operators", "2-5",
                            "--count", "20",     "--seed",     "4",           "--text-only"};
        const Outcome one = run(a), two = run(a);
        QCOMPARE(one.exitCode, 0);
        QCOMPARE(one.out, two.out);
        QCOMPARE(one.out.count('\n'), qsizetype{20});
        const QString tokenizer = QString::fromStdString(tinyTokenizerPath());
        const Outcome masks = run({"dataset", "--task", "sheet", "--lines", "3", "--count", "2", "--tokenizer",
                                   tokenizer, "-o", file("d.jsonl")});
        QCOMPARE(masks.exitCode, 0);
        QVERIFY(masks.out.isEmpty());
        QFile f(file("d.jsonl"));
        QVERIFY(f.open(QIODevice::ReadOnly));
        const Json line = Json::parse(f.readLine().toStdString());
        for (const char* key : {"prompt", "response", "answer", "ids", "n_prompt", "views", "policy"})
            QVERIFY2(line.contains(key), key);
    }

    void evalCountsRight() {
        const QString problems = file("p.jsonl");
        QFile f(problems);
        QVERIFY(f.open(QIODevice::WriteOnly));
        f.write(
            "{\"prompt\":\"1+1\",\"answer\":\"2\"}\n{\"prompt\":\"2*3\",\"answer\":\"6\"}\n\n{\"prompt\":\"4-1\","
            "\"answer\":\"3\"}\n");
        f.close();
        const QStringList common{"eval",   "-m",     m_model, "--task", "expression",
                                 "--file", problems, "-n",    "30",     "--json"};
        const Json json = run(common).json();
        QCOMPARE(json["rows"].size(), size_t{2});
        for (const Json& row : json["rows"]) {
            QCOMPARE(row["n"], 3);
            QVERIFY(row["exact"].is_number());
            QVERIFY(row["attended_fraction"].get<double>() <= row["loaded_fraction"].get<double>());
            QVERIFY(row["tokens_per_second"].get<double>() > 0);
        }
        // What jobs and batches there are changes the time and nothing else.
        const Json other = run(common + QStringList{"--jobs", "1", "--batch", "1"}).json();
        for (size_t i = 0; i < 2; ++i) {
            for (const char* key :
                 {"exact", "n", "predicted_n", "attended_tokens", "loaded_tokens", "causal_tokens", "violations"})
                QCOMPARE(json["rows"][i][key], other["rows"][i][key]);
        }
        QVERIFY(f.open(QIODevice::WriteOnly) && f.write("{\"prompt\":\"1+1\",\"answer\":2}\n") > 0);
        f.close();
        const Outcome bad = run(common);
        QCOMPARE(bad.exitCode, 3);
        QVERIFY(bad.err.contains("line 1"));
    }

    void benchSaysWhatItMeasured() {
        const Outcome o = run({"bench", "-m", m_model, "-p", "32", "-n", "8", "-d", "64", "-r", "2", "--attention",
                               "dense,keep=16,declared", "-o", "json"});
        QVERIFY2(o.exitCode == 0, o.err.constData());
        const Json rows = o.json();
        QStringList names;
        for (const Json& row : rows) {
            names << QString::fromStdString(row["test"].get<std::string>() + " " + row["attention"].get<std::string>());
            QVERIFY(row["avg_ts"].get<double>() > 0);
            QVERIFY(row["n_depth"].get<int>() >= 64);
        }
        QCOMPARE(names, (QStringList{"pp32 dense", "pp32 keep=16", "tg8 dense", "tg8 keep=16", "tg8 declared"}));
        QCOMPARE(run({"bench", "--random-weights", "llama-160m", "--attention", "declared"}).exitCode, 2);
        QCOMPARE(run({"bench", "-m", m_model, "-p", "0", "-n", "0"}).exitCode, 2);
    }

    /// A problem nested so deep that parsing it costs the stack.
    void evalBoundsTheDepthOfItsFile() {
        QFile f(file("deep.jsonl"));
        QVERIFY(f.open(QIODevice::WriteOnly));
        f.write("{\"prompt\": \"1+1\", \"answer\": \"2\", \"more\": " + QByteArray(2000000, '[') +
                QByteArray(2000000, ']') + "}\n");
        f.close();
        const Outcome o = run({"eval", "-m", m_model, "--task", "expression", "--file", f.fileName()});
        QCOMPARE(o.exitCode, 3);
        QVERIFY2(o.err.contains("line 1: nested deeper than 64 levels"), o.err.constData());
    }

    /// taskset: as many threads as there are cores to run on.
    void threadsAreThoseThatMayRun() {
        QProcess process;
        process.setChildProcessModifier([] {
            cpu_set_t mine, one;
            CPU_ZERO(&one);
            if (sched_getaffinity(0, sizeof mine, &mine) != 0) return;
            for (int c = 0; c < CPU_SETSIZE; ++c)
                if (CPU_ISSET(c, &mine)) {
                    CPU_SET(c, &one);
                    break;
                }
            sched_setaffinity(0, sizeof one, &one);
        });
        process.start(QStringLiteral(SPANSCOPE_BIN_DIR "/spanscope-cli"),
                      {"run", "-m", m_model, "-p", "1+1", "-n", "2", "--json"});
        QVERIFY(process.waitForFinished(patience(60000)));
        const Json json = Json::parse(process.readAllStandardOutput().toStdString(), nullptr, false);
        QCOMPARE(json["runs"][0]["n_threads"], 1);
    }

    void ctrlCStopsInGoodOrder() {
        const QString trace = file("stopped.spantrace");
        QProcess process;
        process.start(QStringLiteral(SPANSCOPE_BIN_DIR "/spanscope-cli"),
                      {"run", "-m", m_model, "--task", "text", "-p", "abc", "-c", "200000", "--json", "--backend",
                       "reference", "--trace", trace});
        QVERIFY(process.waitForStarted());
        // Not before it works: the first lines of the trace say so.
        QTRY_VERIFY_WITH_TIMEOUT(!recordingOf(trace).isEmpty() && QFileInfo(recordingOf(trace)).size() > 4000,
                                 patience(60000));
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        QVERIFY(process.waitForFinished(patience(60000)));
        QCOMPARE(process.exitCode(), 5);
        const Json json = Json::parse(process.readAllStandardOutput().toStdString(), nullptr, false);
        QCOMPARE(json["runs"][0]["stop_reason"], "cancelled");
        const auto recorded = readTrace(trace.toStdString());
        QVERIFY(recorded.ok());
        QCOMPARE(recorded->runs[0]->stats.stop, StopReason::Cancelled);
        QVERIFY(!recorded->runs[0]->steps.empty());
    }

    /// Work before the work: weights drawn for a bench, problems made for an eval. Neither has anything to show yet.
    void ctrlCStopsWhatIsBeingPrepared() {
        for (const QStringList& arguments :
             {QStringList{"eval", "-m", m_model, "--task", "expression", "--operators", "900-1000", "--count",
                          "10000000"},
              QStringList{"bench", "--random-weights", "llama-1b", "--weight-type", "f32", "-p", "1", "--force"}}) {
            QProcess process;
            process.start(QStringLiteral(SPANSCOPE_BIN_DIR "/spanscope-cli"), arguments);
            QVERIFY(process.waitForStarted());
            QVERIFY(!process.waitForFinished(patience(300)));
            ::kill(static_cast<pid_t>(process.processId()), SIGINT);
            QVERIFY(process.waitForFinished(patience(10000)));
            QCOMPARE(process.exitCode(), 5);
            const QByteArray err = process.readAllStandardError();
            QVERIFY2(err.contains("stopped"), err.constData());
        }
    }
};

QTEST_GUILESS_MAIN(TestCli)
#include "tst_cli.moc"
