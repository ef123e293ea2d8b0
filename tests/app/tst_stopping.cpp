// How the command line ends when it is told to, when nobody reads what it writes, and when there is no memory left:
// soon, with a documented code, and with every recording readable.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <QDir>
#include <QRandomGenerator>
#include <QtTest>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "engine/trace/trace.h"
#include "tests/model/tiny_model.h"
#include "tests/patience.h"
#include "tests/trace/sample_run.h"

using namespace spanscope;
using namespace spanscope::test;
using Json = nlohmann::json;

namespace {

const bool kSanitized = QByteArray(SPANSCOPE_SANITIZED).size() > 0;

struct Ended {
    int exitCode = -1;  ///< 128 + signal where one ended it
    std::string out, err;
    int64_t peakBytes = 0;
};

/// A process of the command line, without Qt between it and the signals.
class Cli {
  public:
    Cli(const QStringList& arguments, const std::string& out, const std::string& err,
        const std::function<void()>& inChild = {})
        : m_out(out), m_err(err) {
        std::vector<std::string> texts{SPANSCOPE_BIN_DIR "/spanscope-cli"};
        for (const QString& a : arguments) texts.push_back(a.toStdString());
        m_pid = fork();
        if (m_pid != 0) return;
        const int o = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600),
                  e = open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), i = open("/dev/null", O_RDONLY);
        dup2(i, 0);
        dup2(o, 1);
        dup2(e, 2);
        std::vector<char*> list;
        for (std::string& t : texts) list.push_back(t.data());
        list.push_back(nullptr);
        if (inChild) inChild();
        execv(list[0], list.data());
        _exit(127);
    }
    pid_t pid() const { return m_pid; }

    /// The program has come as far as to answer signals (before that they end it, as they end any program).
    bool listens() const {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (std::chrono::steady_clock::now() < end) {
            std::ifstream status("/proc/" + std::to_string(m_pid) + "/status");
            bool started = false;  // before exec() the child has this test's own handlers
            for (std::string line; std::getline(status, line);) {
                started = started || line == "Name:\tspanscope-cli";
                if (!started || line.rfind("SigCgt:", 0) != 0) continue;
                if (std::stoull(line.substr(7), nullptr, 16) >> (SIGTERM - 1) & 1) return true;
            }
            if (!status.eof()) return false;
            usleep(500);
        }
        return false;
    }

    Ended wait() {
        Ended e;
        int status = 0;
        rusage usage{};
        wait4(m_pid, &status, 0, &usage);
        e.exitCode = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        e.peakBytes = int64_t{usage.ru_maxrss} * 1024;
        e.out = readFile(m_out);
        e.err = readFile(m_err);
        return e;
    }

  private:
    std::string m_out, m_err;
    pid_t m_pid = -1;
};

/// Steps as a long run has them: a few lists shared by many.
RunData longRun(int32_t nSteps) {
    RunData run = sampleRun();
    run.violations.clear();
    run.changes.clear();
    run.segments.resize(1);
    const StepRecord first = run.steps[0];
    const auto all = std::make_shared<const IntervalList>(IntervalList{{0, kOpenEnd}});
    run.steps.clear();
    run.stats = {};
    run.stats.promptTokens = static_cast<int64_t>(run.header.prompt.size());
    for (int32_t i = 0; i < nSteps; ++i) {
        StepRecord s = first;
        s.index = i;
        s.position = first.position + i;
        s.visible = all;
        s.segment = -1;
        s.attended = s.loaded = s.causal = s.position + 1;
        run.steps.push_back(std::move(s));
    }
    return run;
}

/// A model of 1.6 GB that takes no place on the disk: zeros for weights, in a file with a hole.
bool writeLargeModel(const std::string& folder) {
    constexpr int64_t kHidden = 2048, kFfn = 8192, kLayers = 6;
    if (!writeTinyModel(folder, {.headDim = 128, .tiedHead = true})) return false;
    Json config = Json::parse(readFile(folder + "/config.json")), header;
    config.update({{"hidden_size", kHidden},
                   {"intermediate_size", kFfn},
                   {"num_hidden_layers", kLayers},
                   {"num_attention_heads", 16},
                   {"num_key_value_heads", 16}});
    int64_t nBytes = 0;
    const auto tensor = [&](const std::string& name, std::vector<int64_t> shape) {
        const int64_t begin = nBytes;
        nBytes += 4 * shape[0] * (shape.size() > 1 ? shape[1] : 1);
        header[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin, nBytes}}};
    };
    tensor("model.embed_tokens.weight", {config["vocab_size"].get<int64_t>(), kHidden});
    tensor("model.norm.weight", {kHidden});
    for (int64_t i = 0; i < kLayers; ++i) {
        const std::string layer = "model.layers." + std::to_string(i) + '.';
        for (const char* norm : {"input_layernorm", "post_attention_layernorm"})
            tensor(layer + norm + ".weight", {kHidden});
        for (const char* square : {"q_proj", "k_proj", "v_proj", "o_proj"})
            tensor(layer + "self_attn." + square + ".weight", {kHidden, kHidden});
        for (const char* up : {"gate_proj", "up_proj"}) tensor(layer + "mlp." + up + ".weight", {kFfn, kHidden});
        tensor(layer + "mlp.down_proj.weight", {kHidden, kFfn});
    }
    std::string text = header.dump();
    text.append(7 - (text.size() + 7) % 8, ' ');
    std::string length(8, '\0');
    for (size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(text.size() >> (8 * i) & 0xFF);
    const std::string weights = folder + "/model.safetensors";
    return test::writeFile(folder + "/config.json", config.dump()) && test::writeFile(weights, length + text) &&
           truncate(weights.c_str(), static_cast<off_t>(8 + text.size()) + nBytes) == 0;
}

}  // namespace

class TestStopping : public QObject {
    Q_OBJECT
    ScratchFolder m_folder;
    QString m_model, m_large, m_trace, m_shorter;

    QString file(const QString& name) const { return QString::fromStdString(m_folder.path()) + '/' + name; }
    std::string outFile() const { return m_folder.file("stdout"); }
    std::string errFile() const { return m_folder.file("stderr"); }
    Ended run(const QStringList& arguments, const std::function<void()>& inChild = {}) {
        return Cli(arguments, outFile(), errFile(), inChild).wait();
    }

    /// Recordings whose names begin so, finished or not.
    QStringList recordings(const QString& name) const {
        return QDir(QString::fromStdString(m_folder.path())).entryList({name + "*"}, QDir::Files);
    }

  private slots:
    void initTestCase() {
        m_model = file("model");
        QVERIFY(writeTinyModel(m_model.toStdString()));
        m_large = file("large");
        QVERIFY(writeLargeModel(m_large.toStdString()));
        m_trace = file("long.spantrace");
        m_shorter = file("shorter.spantrace");
        const RunData data = longRun(60000), shorter = longRun(6000);
        QVERIFY(writeTrace(m_trace.toStdString(), {&data}).ok());
        QVERIFY(writeTrace(m_shorter.toStdString(), {&shorter}).ok());
        const auto read = readTrace(m_trace.toStdString());
        QVERIFY2(read.ok() && read->damage.empty(), read.ok() ? read->damage.c_str() : "");
    }

    void anyMoment_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<int>("spreadMs");  ///< how long the program works at least, about
        QTest::newRow("info") << QStringList{"info", m_trace} << 150;
        QTest::newRow("diff") << QStringList{"diff", m_trace, m_trace} << 200;
        QTest::newRow("export") << QStringList{"export",       m_trace, "--csv",       file("e.csv"), "--json",
                                               file("e.json"), "--npz", file("e.npz"), "--html",      file("e.html")}
                                << 250;
        QTest::newRow("eval") << QStringList{"eval",    "-m",   m_model,  "--task",     "expression",
                                             "--count", "3000", "--json", "--failures", file("f.jsonl")}
                              << 150;
        QTest::newRow("bench") << QStringList{"bench", "-m", m_model, "-p", "512", "-n",
                                              "128",   "-r", "1000",  "-o", "json"}
                               << 150;
        QTest::newRow("info, a large model being opened") << QStringList{"info", m_large} << 150;
        QTest::newRow("bench, weights being drawn")
            << QStringList{"bench", "--random-weights", "llama-160m", "--weight-type", "f32", "-p", "1", "--force"}
            << 120;
        QTest::newRow("dataset") << QStringList{"dataset", "--task",        "sheet",       "--count", "100000000",
                                                "--out",   file("d.jsonl"), "--tokenizer", m_model}
                                 << 120;
        QTest::newRow("run") << QStringList{"run", "-m", m_model,  "--task", "text",    "-p",
                                            "abc", "-c", "200000", "--json", "--trace", file("r.spantrace")}
                             << 120;
    }

    /// SIGINT and SIGTERM at 50 moments of every verb.
    void anyMoment() {
        QFETCH(QStringList, arguments);
        QFETCH(int, spreadMs);
        constexpr int kMoments = 50;
        QRandomGenerator random(11);
        std::vector<double> seconds;
        int nStopped = 0;
        for (int i = 0; i < (kSanitized ? kMoments / 5 : kMoments); ++i) {
            Cli process(arguments, outFile(), errFile());
            QVERIFY2(process.listens(), readFile(errFile()).c_str());
            usleep(static_cast<useconds_t>(random.bounded(1000 * spreadMs)));
            const auto asked = std::chrono::steady_clock::now();
            ::kill(process.pid(), i % 2 ? SIGTERM : SIGINT);
            const Ended e = process.wait();
            seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count());
            QVERIFY2(e.exitCode == 5 || e.exitCode == 0,
                     (std::to_string(e.exitCode) + ": " + e.err).c_str());  // 0: it was done just then
            if (e.exitCode == 5) {
                ++nStopped;
                QVERIFY2(e.err.find("stopped") != std::string::npos, e.err.c_str());
            }
            // Where anything was printed as JSON it is whole.
            if (!e.out.empty() && (arguments.contains("--json") || arguments.contains("json")) &&
                arguments[0] != "export")
                QVERIFY2(!Json::parse(e.out, nullptr, false).is_discarded(), e.out.substr(0, 200).c_str());
            for (const QString& name : recordings("r.spantrace")) {
                const auto recorded = readTrace(file(name).toStdString());
                QVERIFY2(recorded.ok(), qPrintable(name));
                if (!name.endsWith(".part"))
                    QVERIFY2(recorded->damage.empty() && recorded->runs[0]->stats.stop == StopReason::Cancelled,
                             recorded->damage.c_str());
                QFile::remove(file(name));
            }
            const QStringList left = QDir(QString::fromStdString(m_folder.path())).entryList({"*.part"}, QDir::Files);
            QVERIFY2(left.isEmpty(), qPrintable(left.join(' ')));
        }
        QVERIFY2(nStopped > 0, "it was always done before: this test shows nothing");
        std::sort(seconds.begin(), seconds.end());
        qInfo("%d of %d stopped; median %.3f s, slowest %.3f s", nStopped, int(seconds.size()),
              seconds[seconds.size() / 2], seconds.back());
        // A fifth of a second on a quiet machine; the half of all moments even on a busy one.
        QVERIFY2(seconds[seconds.size() / 2] < 0.001 * patience(200),
                 std::to_string(seconds[seconds.size() / 2]).c_str());
        QVERIFY2(seconds.back() < 0.001 * patience(3000), std::to_string(seconds.back()).c_str());
    }

    /// One step of the work takes seconds: it is not waited for, and what is recorded so far can be read.
    void inTheMiddleOfALongStep() {
        if (kSanitized) QSKIP("a model of 1.6 GB");
        QString ids = "5";
        for (int i = 0; i < 1500; ++i) ids += ",6";
        Cli process({"run", "-m", m_large, "--task", "text", "--prompt-tokens", ids, "-n", "4", "--trace",
                     file("step.spantrace")},
                    outFile(), errFile());
        QVERIFY(process.listens());
        QTRY_VERIFY_WITH_TIMEOUT(!recordings("step.spantrace").isEmpty(), patience(60000));
        usleep(500000);
        const auto asked = std::chrono::steady_clock::now();
        ::kill(process.pid(), SIGINT);
        const Ended e = process.wait();
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count();
        QVERIFY2(e.exitCode == 5 && e.err.find("stopped") != std::string::npos,
                 (std::to_string(e.exitCode) + e.err).c_str());
        qInfo("%.3f s", seconds);
        QVERIFY2(seconds < 0.001 * patience(1000), std::to_string(seconds).c_str());  // a prefill of these takes longer
        const QStringList left = recordings("step.spantrace");
        QCOMPARE(left.size(), 1);
        const auto recorded = readTrace(file(left[0]).toStdString());
        QVERIFY2(recorded.ok() && recorded->runs.size() == 1, qPrintable(left[0]));
        QFile::remove(file(left[0]));
    }

    /// Nor are results lost that were complete before that step.
    void whatIsCompleteIsSaidBesideALongStep() {
        if (kSanitized) QSKIP("a model of 1.6 GB");
        for (int waitMs = 2000; waitMs < 60000; waitMs *= 2) {  // until the first of two tests is through
            Cli process({"bench", "-m", m_large, "-p", "1,2000", "-r", "1", "--no-warmup", "-o", "json"}, outFile(),
                        errFile());
            QVERIFY(process.listens());
            usleep(static_cast<useconds_t>(1000 * waitMs));
            ::kill(process.pid(), SIGTERM);
            const Ended e = process.wait();
            QVERIFY2(e.exitCode == 5 && e.err.find("stopped") != std::string::npos,
                     (std::to_string(e.exitCode) + e.err).c_str());
            if (e.out.empty()) continue;
            const Json rows = Json::parse(e.out, nullptr, false);
            QVERIFY2(rows.is_array() && rows.size() == 1 && rows[0]["test"] == "pp1", e.out.c_str());
            return;
        }
        QFAIL("no result was complete within a minute");
    }

    /// An export that was stopped leaves the old file.
    void whatWasThereStays() {
        QVERIFY(test::writeFile(m_folder.file("old.json"), "old"));
        Cli process({"export", m_trace, "--json", file("old.json")}, outFile(), errFile());
        QVERIFY(process.listens());
        ::kill(process.pid(), SIGTERM);
        QCOMPARE(process.wait().exitCode, 5);
        QCOMPARE(readFile(m_folder.file("old.json")), std::string("old"));
    }

    /// `run ... | head -c 1`: nobody reads on. A recording is finished all the same; without one there is nothing to go
    /// on for.
    void aReaderThatLeaves() {
        const auto piped = [&](const QStringList& arguments) {
            QProcess shell;
            const QString quoted =
                "'" + (QStringList{QStringLiteral(SPANSCOPE_BIN_DIR "/spanscope-cli")} + arguments).join("' '") + "'";
            shell.start("bash", {"-c", quoted + " 2>'" + QString::fromStdString(errFile()) +
                                           "' | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}"});
            return shell.waitForFinished(patience(60000)) ? shell.exitCode() : -1;
        };
        QStringList arguments{
            "run", "-m", m_model, "--task", "text", "-p", "abc", "-n", "300", "--trace", file("head.spantrace")};
        QCOMPARE(piped(arguments), 3);
        QVERIFY2(readFile(errFile()).find("stdout: cannot be written") != std::string::npos,
                 readFile(errFile()).c_str());
        QCOMPARE(recordings("head.spantrace"), QStringList{"head.spantrace"});
        const auto recorded = readTrace(m_folder.file("head.spantrace"));
        QVERIFY(recorded.ok() && recorded->damage.empty());
        QVERIFY(recorded->runs[0]->stats.stop == StopReason::TokenLimit ||
                recorded->runs[0]->stats.stop == StopReason::EndOfText);
        QCOMPARE(piped({"run", "-m", m_model, "--task", "text", "-p", "abc", "-c", "260000"}),
                 3);  // minutes, were it to go on
        for (const QStringList& verb : {QStringList{"dataset", "--task", "sheet", "--count", "1000000", "--text-only"},
                                        QStringList{"run", "-m", m_model, "-p", "1+1", "-n", "9", "--json"}}) {
            const int code = piped(verb);
            QVERIFY2(code == 3 || code == 0, std::to_string(code).c_str());  // 0: all of it was in the pipe before
        }
    }

    /// Under any limit of memory there is an answer, and it is never a crash.
    void littleMemory_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::newRow("info") << QStringList{"info", m_model};
        QTest::newRow("info of a trace") << QStringList{"info", m_trace};
        QTest::newRow("export") << QStringList{"export", m_shorter, "--npz", file("m.npz"), "--html", file("m.html")};
        QTest::newRow("diff") << QStringList{"diff", m_trace, m_trace};
        QTest::newRow("run") << QStringList{"run", "-m", m_model, "-p",      "1+1", "-n",
                                            "4",   "-c", "60000", "--force", "-t",  "4"};
        QTest::newRow("eval") << QStringList{"eval", "-m", m_model, "--task", "expression", "--count",
                                             "20",   "-n", "20",    "--jobs", "4"};
        QTest::newRow("bench") << QStringList{"bench", "--random-weights", "llama-160m", "-p", "8", "-n", "2", "-r",
                                              "1",     "--force"};
        QTest::newRow("dataset") << QStringList{"dataset", "--task", "sheet",       "--count", "4",
                                                "--lines", "3000",   "--tokenizer", m_model};
    }

    void littleMemory() {
        if (kSanitized) QSKIP("sanitizers need all addresses");
        QFETCH(QStringList, arguments);
        int nRefused = 0, nDone = 0;
        for (const int mib : {40, 60, 72, 84, 96, 110, 125, 150, 220, 400}) {
            const auto within = [mib] {
                const rlimit limit{rlim_t(mib) << 20, rlim_t(mib) << 20};
                setrlimit(RLIMIT_AS, &limit);
            };
            if (run({"--version"}, within).exitCode != 0)
                continue;  // the libraries themselves do not fit: nothing of ours has run
            const Ended e = run(arguments, within);
            QVERIFY2(e.exitCode == 0 || e.exitCode == 4,
                     (std::to_string(mib) + " MiB, exit " + std::to_string(e.exitCode) + ": " + e.err).c_str());
            if (e.exitCode == 4) {
                ++nRefused;
                QVERIFY2(e.err.find("memory") != std::string::npos || e.err.find("thread") != std::string::npos,
                         e.err.c_str());
            }
            nDone += e.exitCode == 0;
        }
        qInfo("%d refused, %d done", nRefused, nDone);
        QVERIFY(nRefused + nDone > 0);
        QCOMPARE(QDir(QString::fromStdString(m_folder.path())).entryList({"*.part"}, QDir::Files).size(), 0);
    }

    /// What is too long is refused from its length: not taken apart first.
    void longPromptsAreRefusedFromTheirLength_data() {
        QTest::addColumn<QString>("task");
        QTest::addColumn<QByteArray>("text");
        QTest::newRow("an expression of 1 MB") << "expression" << QByteArray("1+").repeated(500000) + "1";
        QTest::newRow("a sheet of 4 MB") << "sheet" << QByteArray("a = 1 + 2\n").repeated(400000);
        QTest::newRow("10 MB of text") << "text" << QByteArray("lorem ipsum ").repeated(850000);
        QTest::newRow("10 MB without a space") << "text" << QByteArray(10 << 20, 'x');
        QTest::newRow("10 MB of news") << "news" << QByteArray("A sentence of the news. ").repeated(430000);
    }

    void longPromptsAreRefusedFromTheirLength() {
        QFETCH(QString, task);
        QFETCH(QByteArray, text);
        QVERIFY(test::writeFile(m_folder.file("prompt.txt"), text.toStdString()));
        const Ended small = run({"run", "-m", m_model, "--task", task, "-p", "x", "-n", "1"});
        const Ended e = run({"run", "-m", m_model, "--task", task, "-f", file("prompt.txt")});
        QCOMPARE(e.exitCode, 2);
        QVERIFY2(
            e.err.find("longer than the context") != std::string::npos && e.err.find(" bytes") != std::string::npos,
            e.err.c_str());
        if (kSanitized) return;
        QVERIFY2(e.peakBytes < small.peakBytes + 8 * text.size() + (16 << 20),
                 std::to_string(e.peakBytes >> 20).c_str());
    }

    /// In a control group with little memory nothing is begun that would be killed there, and no more threads than its
    /// quota pays.
    void aControlGroupIsSeen() {
        if (kSanitized) QSKIP("sanitizers need more");
        const bool unified = QFile::exists("/sys/fs/cgroup/cgroup.controllers");
        const QString name = QString("spanscope-test-%1").arg(getpid());
        const QStringList groups = unified ? QStringList{"/sys/fs/cgroup/" + name}
                                           : QStringList{"/sys/fs/cgroup/memory/" + name, "/sys/fs/cgroup/cpu/" + name};
        const auto write = [](const QString& path, const QByteArray& text) {
            QFile f(path);
            return f.open(QIODevice::WriteOnly | QIODevice::Unbuffered) && f.write(text) == text.size();
        };
        const auto remove = [&] {
            for (const QString& group : groups) QDir().rmdir(group);
        };
        bool made = true;
        for (const QString& group : groups) made = made && QDir().mkdir(group);
        made = made &&
               (unified ? write(groups[0] + "/memory.max", "200M\n") && write(groups[0] + "/cpu.max", "50000 100000\n")
                        : write(groups[0] + "/memory.limit_in_bytes", "200M\n") &&
                              write(groups[1] + "/cpu.cfs_period_us", "100000\n") &&
                              write(groups[1] + "/cpu.cfs_quota_us", "50000\n"));
        if (!made) {
            remove();
            QSKIP("no control group with limits can be made here");
        }
        std::vector<std::string> doors;
        for (const QString& group : groups) doors.push_back((group + "/cgroup.procs").toStdString());
        const auto enter = [&doors] {
            for (const std::string& door : doors) {
                const int fd = open(door.c_str(), O_WRONLY);
                if (fd < 0 || ::write(fd, "0\n", 2) != 2) _exit(77);
                close(fd);
            }
        };
        const Ended big = run({"run", "-m", m_model, "-p", "1+1", "-c", "2000000"}, enter);
        const Ended smaller = run({"run", "-m", m_model, "-p", "1+1", "-n", "2", "-c", "64", "--json"}, enter);
        remove();
        if (big.exitCode == 77) QSKIP("no control group can be entered here");
        QVERIFY2(big.exitCode == 4 && big.err.find("does not fit into memory") != std::string::npos, big.err.c_str());
        QVERIFY2(smaller.exitCode == 0, smaller.err.c_str());
        QCOMPARE(Json::parse(smaller.out)["runs"][0]["n_threads"], 1);
    }
};

QTEST_GUILESS_MAIN(TestStopping)
#include "tst_stopping.moc"
