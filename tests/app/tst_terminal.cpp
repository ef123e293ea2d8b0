// Every verb on a terminal, with control characters in whatever it reads: what comes out may show them and never do
// them. And the same in a pipe, where data is passed on byte for byte.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <QDir>
#include <QtTest>
#include <nlohmann/json.hpp>

#include "engine/files/safe_text.h"
#include "engine/trace/trace.h"
#include "tests/model/tiny_model.h"
#include "tests/patience.h"
#include "tests/trace/sample_run.h"

using namespace spanscope;
using namespace spanscope::test;
using Json = nlohmann::json;

namespace {

/// Colours, the cursor, the title, the bell, C1 as UTF-8 and alone, delete, an override, a line that pretends.
const std::string kEvil = std::string(
    "\x1b[31mred\x1b]0;title\x07\r\x08\x7f\xc2\x9b"
    "1m\x9b"
    "2m\xe2\x80\xae gnp.exe \xe2\x81\xa6");
const char* const kShown = "\\x1b[31mred\\x1b]0;title\\x07";

struct Outcome {
    int exitCode = -1;
    std::string text;  ///< stdout and stderr as the terminal got them
};

QString cli() { return QStringLiteral(SPANSCOPE_BIN_DIR "/spanscope-cli"); }

/// stdin, stdout and stderr are a terminal; noColour: the value of NO_COLOR.
Outcome onTerminal(const QStringList& arguments, const char* noColour = "1", const char* kind = "xterm") {
    Outcome o;
    int terminal = -1;
    const pid_t pid = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (pid < 0) return o;
    if (pid == 0) {
        std::vector<std::string> texts{cli().toStdString()};
        for (const QString& a : arguments) texts.push_back(QFile::encodeName(a).toStdString());
        std::vector<char*> list;
        for (std::string& t : texts) list.push_back(t.data());
        list.push_back(nullptr);
        setenv("NO_COLOR", noColour, 1);
        setenv("TERM", kind, 1);
        execv(list[0], list.data());
        _exit(127);
    }
    char piece[4096];
    for (ssize_t n = 0; (n = read(terminal, piece, sizeof piece)) > 0;) o.text.append(piece, static_cast<size_t>(n));
    int status = 0;
    waitpid(pid, &status, 0);
    close(terminal);
    o.exitCode = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return o;
}

struct Piped {
    int exitCode = -1;
    QByteArray out, err;
};
Piped inPipe(const QStringList& arguments) {
    QProcess process;
    process.start(cli(), arguments);
    process.closeWriteChannel();
    if (!process.waitForFinished(patience(120000))) return {};
    return {process.exitCode(), process.readAllStandardOutput(), process.readAllStandardError()};
}

/// The first control character that is not the program's own: its progress line is a carriage return and "clear to the
/// end".
std::string controlIn(std::string text) {
    for (size_t at = 0; (at = text.find("\r\x1b[K", at)) != std::string::npos;) text.erase(at, 4);
    for (size_t at = 0; (at = text.find("\r\n", at)) != std::string::npos;)
        text.erase(at, 1);  // of the terminal's driver
    const std::string clean = terminalSafe(text);
    for (size_t i = 0; i < std::min(clean.size(), text.size()); ++i)
        if (clean[i] != text[i]) return clean.substr(i > 30 ? i - 30 : 0, 80);
    return {};
}

void replaceAll(std::string& text, const std::string& what, const std::string& with) {
    for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
        text.replace(at, what.size(), with);
}

}  // namespace

class TestTerminal : public QObject {
    Q_OBJECT
    ScratchFolder m_folder;
    QString m_model, m_trace, m_other, m_problems;

    QString file(const QString& name) const { return QString::fromStdString(m_folder.path()) + '/' + name; }

    /// A tiny model whose card and folder speak to the terminal; its vocabulary has a piece for every byte, and noise
    /// for weights says them all.
    void writeHostileModel(const QString& folder) {
        QVERIFY(writeTinyModel(folder.toStdString()));
        const std::string card = folder.toStdString() + "/spanscope.json";
        Json json = Json::parse(readFile(card));
        for (const char* field : {"name", "description", "license", "trained_on"})
            json[field] = "x\x1b[31mred\x1b]0;title\x07\r\x7f\xc2\x9b\xe2\x80\xae";
        QVERIFY(test::writeFile(card, json.dump()));
    }

  private slots:
    void initTestCase() {
        m_model = file("model\x1b[31mred\x1b]0;title\x07");
        writeHostileModel(m_model);
        RunData run = sampleRun();
        for (std::string* field :
             {&run.header.modelName, &run.header.machine, &run.header.device, &run.header.warning, &run.answer})
            *field = kEvil;
        for (StepRecord& s : run.steps) s.token.text = kEvil;
        RunData other = run;
        other.answer += "!";
        for (StepRecord& s : other.steps) s.token.id += 1;
        m_trace = file("run\x1b[31m.spantrace");
        m_other = file("other.spantrace");
        QVERIFY(writeTrace(m_trace.toStdString(), {&run}).ok());
        QVERIFY(writeTrace(m_other.toStdString(), {&other, &run}).ok());
        std::string cut = readFile(m_other.toStdString());
        cut.resize(cut.size() - 20);
        cut += kEvil + "\n";
        QVERIFY(test::writeFile(m_folder.file("cut.spantrace"), cut));
        m_problems = file("problems.jsonl");
        QVERIFY(
            test::writeFile(m_problems.toStdString(),
                            Json{{"task", "expression"}, {"prompt", "1+1"}, {"answer", "x\x1b[31mred"}}.dump() + "\n" +
                                Json{{"task", "x\x1b[31mred"}, {"prompt", "1\x1b+1"}, {"answer", "2"}}.dump() + "\n"));
    }

    /// Spans and marks have colours on a terminal that has them, for whoever wants them, and nothing else has.
    void coloursAreForTerminalsAlone() {
        const QStringList plain{"run", "-m", m_model, "-p", "12+3", "-n", "6"}, raw = plain + QStringList{"--raw"};
        for (const QStringList& arguments : {plain, raw}) {
            QVERIFY(onTerminal(arguments, "1").text.find("\x1b[3") == std::string::npos);
            QVERIFY(onTerminal(arguments, "", "dumb").text.find("\x1b[3") == std::string::npos);
            QVERIFY(!inPipe(arguments).out.contains('\x1b'));
        }
        // A run that ends at its limit has no answer, and says so in colour.
        const std::string coloured = onTerminal(plain, "").text;
        QVERIFY2(coloured.find("\x1b[4;33mNo answer: limit\x1b[0m") != std::string::npos, coloured.c_str());
    }

    /// Long work says on a terminal how much of it is left, and in a pipe nothing.
    void progressSaysWhatIsLeft() {
        const QStringList work{"dataset", "--task",      "expression", "--count",
                               "20000",   "--text-only", "--out",      file("d.jsonl")};
        const std::string text = onTerminal(work).text;
        QVERIFY2(text.find(" of 20000 problems, ") != std::string::npos && text.find(" left") != std::string::npos,
                 text.substr(0, 400).c_str());
        QVERIFY(!inPipe(work).err.contains("left"));
        const std::string eval = onTerminal({"eval", "-m", m_model, "--task", "expression", "--operators", "1",
                                             "--count", "3", "-n", "4", "--attention", "declared"})
                                     .text;
        QVERIFY2(eval.find("1 of 3, ") != std::string::npos && eval.find(" left") != std::string::npos, eval.c_str());
        const std::string bench =
            onTerminal({"bench", "-m", m_model, "-p", "8", "-n", "2,3", "-r", "1", "--no-warmup"}).text;
        QVERIFY2(bench.find("test 2 of 3: ") != std::string::npos, bench.c_str());
    }

    void everyVerb_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<bool>("shows");  ///< the text is in what is printed, as escapes
        const QString e = QString::fromStdString("\x1b[31mred\x1b]0;title\x07");
        QTest::newRow("run") << QStringList{"run", "-m", m_model,  "--task", "text", "-p", "12",
                                            "-n",  "40", "--temp", "1.5",    "-s",   "4"}
                             << false;
        QTest::newRow("run, two modes") << QStringList{"run",    "-m",  m_model, "-p", "12+3",        "-n",  "40",
                                                       "--temp", "1.5", "-s",    "4",  "--attention", "both"}
                                        << false;
        QTest::newRow("run --json") << QStringList{"run", "-m",         m_model, "--task", "text",
                                                   "-p",  "12\x1b[31m", "-n",    "20",     "--json"}
                                    << false;
        QTest::newRow("run, what cannot be read") << QStringList{"run", "-m", m_model, "-p", "1" + e + "+2"} << false;
        QTest::newRow("run -f") << QStringList{"run", "-m", m_model, "-f", file(e)} << true;
        QTest::newRow("run --task") << QStringList{"run", "-m", m_model, "-p", "1", "--task", e} << true;
        QTest::newRow("run --trace") << QStringList{"run", "-m",      m_model,          "-p", "1+1", "-n",
                                                    "2",   "--trace", file("none/" + e)}
                                     << true;
        QTest::newRow("run -m") << QStringList{"run", "-m", file(e), "-p", "1"} << true;
        QTest::newRow("run --dry-run") << QStringList{"run", "-m", m_model, "-p", "1", "--dry-run"} << false;
        QTest::newRow("info") << QStringList{"info", m_model} << true;
        QTest::newRow("info --json") << QStringList{"info", m_model, "--json"} << false;
        QTest::newRow("info of a trace") << QStringList{"info", m_trace} << true;
        QTest::newRow("info of a trace --json") << QStringList{"info", m_trace, "--json"} << false;
        QTest::newRow("info of a damaged trace") << QStringList{"info", file("cut.spantrace")} << true;
        QTest::newRow("info of nothing") << QStringList{"info", e} << true;
        QTest::newRow("diff") << QStringList{"diff", m_trace, m_other} << true;
        QTest::newRow("diff --json") << QStringList{"diff", m_trace, m_other, "--json"} << false;
        QTest::newRow("diff of a damaged trace") << QStringList{"diff", m_trace, file("cut.spantrace")} << true;
        QTest::newRow("export") << QStringList{"export", m_trace, "--csv", file("none/" + e)} << true;
        QTest::newRow("export to the terminal")
            << QStringList{"export", m_trace, "-v", "--npz", file(e + ".npz")} << true;
        QTest::newRow("eval") << QStringList{"eval", "-m",      m_model, "--task", "expression", "--operators",
                                             "1",    "--count", "2",     "-n",     "8",          "--json"}
                              << false;
        QTest::newRow("eval --file") << QStringList{"eval", "-m", m_model, "--file", m_problems} << false;
        QTest::newRow("eval --task") << QStringList{"eval", "-m", m_model, "--task", e} << true;
        QTest::newRow("bench") << QStringList{"bench", "-m", m_model, "-p", "8", "-n", "2", "-r", "1"} << true;
        QTest::newRow("bench -o csv") << QStringList{"bench", "-m", m_model, "-p", "8",  "-n",
                                                     "2",     "-r", "1",     "-o", "csv"}
                                      << true;
        QTest::newRow("bench -o json") << QStringList{"bench", "-m", m_model, "-p", "8",   "-n",
                                                      "2",     "-r", "1",     "-o", "json"}
                                       << false;
        QTest::newRow("dataset --encode") << QStringList{"dataset", "--encode", m_problems, "--text-only"} << false;
        QTest::newRow("dataset --task") << QStringList{"dataset", "--count", "1", "--task", e} << true;
        QTest::newRow("dataset --tokenizer")
            << QStringList{"dataset", "--count", "1", "--task", "expression", "--tokenizer", e} << true;
        QTest::newRow("dataset") << QStringList{"dataset",    "--count",     "2",    "--task",
                                                "expression", "--tokenizer", m_model}
                                 << false;
        QTest::newRow("usage") << QStringList{"run", "--attention", e} << true;
        QTest::newRow("no such verb") << QStringList{e} << true;
        QTest::newRow("no such option") << QStringList{"run", "--" + e} << true;
    }

    void everyVerb() {
        QFETCH(QStringList, arguments);
        QFETCH(bool, shows);
        const Outcome o = onTerminal(arguments);
        QVERIFY2(o.exitCode >= 0 && o.exitCode <= 6, std::to_string(o.exitCode).c_str());
        QVERIFY(!o.text.empty());
        const std::string control = controlIn(o.text);
        QVERIFY2(control.empty(), ("does something to the terminal: ... " + control + " ...").c_str());
        if (shows) QVERIFY2(o.text.find("\\x1b[31mred") != std::string::npos, terminalSafe(o.text).c_str());
    }

    /// JSON on a terminal is still that JSON.
    void jsonStaysJson() {
        const Outcome o = onTerminal({"info", m_trace, "--json"});
        const Piped piped = inPipe({"info", m_trace, "--json"});
        std::string text = o.text;
        replaceAll(text, "\r\n", "\n");
        const Json seen = Json::parse(text, nullptr, false),
                   sent = Json::parse(piped.out.toStdString(), nullptr, false);
        QVERIFY2(!seen.is_discarded() && seen == sent, terminalSafe(text).c_str());
        QVERIFY(piped.out.contains("\xe2\x80\xae"));  // data: as it is
        QVERIFY(text.find("\\u202e") != std::string::npos);
    }

    /// A response is data: what a script reads is what the model wrote.
    void aPipeGetsTheBytes() {
        const QStringList arguments{"run", "-m", m_model,  "--task", "text", "-p", "12",
                                    "-n",  "60", "--temp", "1.5",    "-s",   "4"};
        const Piped text = inPipe(arguments), object = inPipe(arguments + QStringList{"--json"});
        const std::string said = Json::parse(object.out.toStdString())["runs"][0]["text"];
        QVERIFY2(said != terminalSafe(said), "this model's answer has nothing to hide: the test would show nothing");
        QCOMPARE(text.out.toStdString(), said + "\n");
        const Outcome shown = onTerminal(arguments);
        QVERIFY(shown.text.find(terminalSafe(said).substr(0, 20)) != std::string::npos || said.find('\n') < 20);
    }

    /// What is for people is safe in a pipe as well: it may go on to a pager.
    void whatIsForPeopleIsSafeInAPipe() {
        for (const QStringList& arguments :
             {QStringList{"info", m_model}, QStringList{"info", m_trace}, QStringList{"diff", m_trace, m_other}}) {
            const Piped o = inPipe(arguments);
            QCOMPARE(controlIn((o.out + o.err).toStdString()), std::string());
            QVERIFY(o.out.contains("\\x1b[31mred"));
        }
    }

    /// A path or a name cannot write a line of its own into the messages.
    void aMessageIsOneLine() {
        const Piped o = inPipe({"info", file("x\nspanscope-cli: all is well, type your password")});
        QCOMPARE(o.exitCode, 3);
        QVERIFY2(o.err.count('\n') == 1 && o.err.contains("x\\x0aspanscope-cli"), o.err.constData());
    }

    void charactersInPieces() {
        QCOMPARE(terminalSafe("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\tb\n"),
                 std::string("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\tb\n"));
        QCOMPARE(terminalSafe(kEvil).substr(0, 26), std::string(kShown).substr(0, 26));
        QCOMPARE(terminalSafe("\xc2\x80\xc2\x9f\xc2\xa0"), std::string("\\xc2\\x80\\xc2\\x9f\xc2\xa0"));
        QCOMPARE(terminalSafe("\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf\xe2\x81\xa6\xe2\x81\xa9"),
                 std::string("\\xe2\\x80\\xaa\\xe2\\x80\\xae\xe2\x80\xaf\\xe2\\x81\\xa6\\xe2\\x81\\xa9"));
        QCOMPARE(terminalSafe("\xff\xc3", true), std::string("\\xff\\xc3"));
        QCOMPARE(terminalSafe("a\nb", true), std::string("a\\x0ab"));
        QCOMPARE(printableJson("{\"a\": \"\x7f\xc2\x9b\xe2\x80\xae\xc3\xa9\"}\n"),
                 std::string("{\"a\": \"\\u007f\\u009b\\u202e\xc3\xa9\"}\n"));
    }
};

QTEST_GUILESS_MAIN(TestTerminal)
#include "tst_terminal.moc"
