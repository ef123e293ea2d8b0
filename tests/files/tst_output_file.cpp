// Files that appear whole or not at all, in folders where others write too.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <QDir>
#include <QtTest>
#include <array>
#include <csignal>
#include <set>
#include <thread>

#include "engine/files/output_file.h"
#include "engine/trace/trace.h"
#include "tests/model/tiny_model.h"
#include "tests/trace/sample_run.h"

using namespace spanscope;
using spanscope::test::readFile;

namespace {

QStringList filesIn(const std::string& folder) {
    return QDir(QString::fromStdString(folder))
        .entryList(QDir::Files | QDir::Hidden | QDir::System | QDir::NoDotAndDotDot, QDir::Name);
}

mode_t modeOf(const std::string& path) {
    struct stat s {};
    return lstat(path.c_str(), &s) == 0 ? s.st_mode & 07777 : 0;
}

/// In a child process; its exit status.
template <class F>
int inChild(F body) {
    const pid_t pid = fork();
    if (pid == 0) _exit(body());
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

class TestOutputFile : public QObject {
    Q_OBJECT
    std::unique_ptr<test::ScratchFolder> m_folder;
    const RunData run = test::sampleRun();
    std::string file(const std::string& name) const { return m_folder->file(name); }

  private slots:
    void init() { m_folder = std::make_unique<test::ScratchFolder>(); }

    /// Links under every name that the temporary could be guessed to have; what they lead to is somebody else's.
    void plantedLinksAreNotFollowed() {
        QVERIFY(test::writeFile(file("treasure"), "mine"));
        for (const char* name : {"out.csv.part", ".out.csv.part", "out.csv.tmp", "out.csv~"})
            QCOMPARE(symlink(file("treasure").c_str(), file(name).c_str()), 0);
        QVERIFY(writeFile(file("out.csv"), "theirs").ok());
        QCOMPARE(readFile(file("treasure")), std::string("mine"));
        QCOMPARE(readFile(file("out.csv")), std::string("theirs"));
        QVERIFY(QFileInfo(QString::fromStdString(file("out.csv.part"))).isSymLink());
    }

    /// A file that happens to be called like a temporary is the user's own.
    void aPartFileOfTheUsersOwnStays() {
        QVERIFY(test::writeFile(file("out.csv.part"), "a download that goes on tomorrow"));
        QVERIFY(writeFile(file("out.csv"), "x").ok());
        {
            auto given = OutputFile::create(file("out.csv"));  // given up
            QVERIFY(given.ok());
            given->write("half");
        }
        QCOMPARE(readFile(file("out.csv.part")), std::string("a download that goes on tomorrow"));
        QCOMPARE(readFile(file("out.csv")), std::string("x"));
        QCOMPARE(filesIn(m_folder->path()).size(), 2);
    }

    void everyTemporaryHasAnotherName() {
        std::set<std::string> names;
        std::vector<OutputFile> open;
        for (int i = 0; i < 50; ++i) {
            auto made = OutputFile::create(file("same"));
            QVERIFY(made.ok());
            names.insert(made->temporaryPath());
            QVERIFY(QString::fromStdString(made->temporaryPath()).endsWith(".part"));
            open.push_back(std::move(*made));
        }
        QCOMPARE(names.size(), size_t{50});
        open.clear();
        QCOMPARE(filesIn(m_folder->path()).size(), 0);
    }

    /// Two recordings with one target: the last to end is there, whole; neither holds a line of the other.
    void twoWritersOfOneTraceDoNotMeet() {
        const std::string path = file("both.spantrace");
        RunData first = test::sampleRun(), second = test::sampleRun();
        first.answer = "first";
        second.answer = "second";
        auto a = TraceWriter::create(path), b = TraceWriter::create(path);
        QVERIFY(a.ok() && b.ok());
        std::thread one([&] { (void)(*a)->end(first); }), two([&] { (void)(*b)->end(second); });
        one.join();
        two.join();
        QVERIFY((*a)->close().ok());
        auto read = readTrace(path);
        QVERIFY(read.ok() && read->damage.empty());
        QCOMPARE(read->runs[0]->answer, std::string("first"));
        QVERIFY((*b)->close().ok());
        read = readTrace(path);
        QVERIFY(read.ok() && read->damage.empty() && read->runs.size() == 1);
        QCOMPARE(read->runs[0]->answer, std::string("second"));
        QCOMPARE(filesIn(m_folder->path()).size(), 1);
    }

    void manyWritersAtOnceLeaveOneWholeFile() {
        const std::string path = file("target");
        std::vector<std::thread> threads;
        std::atomic<int> nFailed{0};
        for (int t = 0; t < 8; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i < 20; ++i)
                    if (!writeFile(path, std::string(20000, static_cast<char>('a' + t))).ok()) ++nFailed;
            });
        for (std::thread& t : threads) t.join();
        QCOMPARE(nFailed.load(), 0);
        const std::string text = readFile(path);
        QCOMPARE(text.size(), size_t{20000});
        QCOMPARE(text, std::string(20000, text[0]));
        QCOMPARE(filesIn(m_folder->path()).size(), 1);
    }

    /// Killed at any moment: the target is the old file or the new one, and a recording that was not closed can be
    /// read.
    void aKillLeavesOldOrNew() {
        const std::string path = file("kept.spantrace"), before = "old";
        for (int i = 0; i < 30; ++i) {
            QVERIFY(test::writeFile(path, before));
            const pid_t pid = fork();
            if (pid == 0) {
                for (;;) (void)writeTrace(path, {&run});
            }
            usleep(static_cast<useconds_t>(500 + 700 * i));
            kill(pid, SIGKILL);
            int status = 0;
            waitpid(pid, &status, 0);
            const std::string text = readFile(path);
            if (text == before) continue;
            const auto read = readTrace(path);
            QVERIFY2(read.ok() && read->damage.empty(), "the target is neither the old file nor a whole new one");
        }
    }

    void aCrashLeavesAReadablePart() {
        const std::string path = file("crashed.spantrace");
        QCOMPARE(inChild([&] {
                     auto writer = TraceWriter::create(path);
                     if (!writer || !(*writer)->append(run)) return 1;
                     raise(SIGKILL);
                     return 0;
                 }),
                 128 + SIGKILL);
        const QStringList left = filesIn(m_folder->path());
        QCOMPARE(left.size(), 1);
        QVERIFY2(left[0].startsWith("crashed.spantrace.") && left[0].endsWith(".part"),
                 qPrintable(left[0]));  // what `info` and the window go by
        const auto read = readTrace(file(left[0].toStdString()));
        QVERIFY(read.ok());
        QCOMPARE(read->runs[0]->steps.size(), run.steps.size());
    }

    void namesAsLongAsNamesMayBe() {
        QString cut;
        for (const QString& stem :
             {QString(255, 'n'), QString("\u00fc").repeated(127), QString("\U0001F600").repeated(63) + "abc"}) {
            const std::string path = file(stem.toStdString());
            QVERIFY2(writeFile(path, "x").ok(), qPrintable(stem));
            QCOMPARE(readFile(path), std::string("x"));
            auto open = OutputFile::create(path);
            QVERIFY(open.ok());
            const std::string name = QFileInfo(QString::fromStdString(open->temporaryPath())).fileName().toStdString();
            QVERIFY(name.size() <= 255);
            QVERIFY2(QString::fromStdString(name).toStdString() == name, "cut inside a character");
        }
        // One byte more is refused before the work, not after it.
        const auto tooLong = OutputFile::create(file(std::string(256, 'n')));
        QVERIFY(!tooLong.ok());
        QVERIFY(QString::fromStdString(tooLong.error().toString()).contains("too long"));
    }

    void rightsAreWhatTheUmaskSays() {
        const mode_t before = umask(0027);
        const bool ok = writeFile(file("shared"), "x").ok();
        umask(0077);
        const bool alsoOk = writeFile(file("private"), "x").ok();
        umask(before);
        QVERIFY(ok && alsoOk);
        QCOMPARE(modeOf(file("shared")), mode_t{0640});
        QCOMPARE(modeOf(file("private")), mode_t{0600});
    }

    void descriptorsAreNotInherited() {
        auto open = OutputFile::create(file("x"));
        QVERIFY(open.ok());
        const std::string want = open->temporaryPath();
        for (const QFileInfo& entry :
             QDir("/proc/self/fd").entryInfoList(QDir::AllEntries | QDir::System | QDir::NoDotAndDotDot)) {
            if (entry.symLinkTarget().toStdString() != want) continue;
            QVERIFY(fcntl(entry.fileName().toInt(), F_GETFD) & FD_CLOEXEC);
            return;
        }
        QFAIL("the temporary is not open");
    }

    void whatCannotBeWrittenSaysWhyAndLeavesNothing() {
        QCOMPARE(mkdir(file("locked").c_str(), 0555), 0);
        // Root writes everywhere: another user then.
        const int code = inChild([&] {
            if (geteuid() == 0 && (chmod(m_folder->path().c_str(), 0755) != 0 || setresuid(65534, 65534, 65534) != 0))
                return 77;
            const auto made = OutputFile::create(file("locked/x"));
            return !made.ok() && QString::fromStdString(made.error().toString()).contains("Permission denied") ? 0 : 1;
        });
        if (code == 77) QSKIP("root, and cannot become another user");
        QCOMPARE(code, 0);
        QCOMPARE(filesIn(file("locked")).size(), 0);
        // A full disk is known at the latest when the file is closed; what is there is removed.
        const Status full = writeFile("/dev/full", std::string(100000, 'x'));
        QVERIFY(!full.ok());
        QVERIFY(QString::fromStdString(full.error().toString()).contains("No space left"));
        QVERIFY(QFileInfo::exists("/dev/full") && !QFileInfo("/dev/full").isFile());
    }

    void aFullDiskLeavesTheOldFile() {
        const std::string disk = file("disk");
        QCOMPARE(mkdir(disk.c_str(), 0755), 0);
        if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0) QSKIP("no right to mount a small disk");
        const bool old = writeFile(disk + "/x", "old").ok();
        const Status tooMuch = writeFile(disk + "/x", std::string(1 << 20, 'x'));
        auto early = OutputFile::create(disk + "/x");
        const bool saysEarly = early.ok() && !early->checkRoomFor(1 << 20).ok() && early->checkRoomFor(1 << 10).ok();
        if (early.ok()) { OutputFile given = std::move(*early); }
        const std::string text = readFile(disk + "/x");
        const int nFiles = static_cast<int>(filesIn(disk).size());
        umount2(disk.c_str(), MNT_DETACH);
        QVERIFY(old && !tooMuch.ok());
        QVERIFY(QString::fromStdString(tooMuch.error().toString()).contains("No space left"));
        QCOMPARE(text, std::string("old"));
        QCOMPARE(nFiles, 1);
        QVERIFY(saysEarly);
    }

    /// /tmp: a link that another user put where we write is not ours to follow, as for open() of the kernel.
    void aLinkOfAnotherUserInAFolderForAllIsRefused() {
        if (geteuid() != 0) QSKIP("needs a second user");
        const std::string forAll = file("tmp");
        QCOMPARE(mkdir(forAll.c_str(), 0755), 0);
        QCOMPARE(chmod(forAll.c_str(), 01777), 0);
        QVERIFY(test::writeFile(file("treasure"), "mine"));
        QCOMPARE(symlink(file("treasure").c_str(), (forAll + "/out.csv").c_str()), 0);
        QVERIFY(writeFile(forAll + "/out.csv", "by my own link").ok());
        QCOMPARE(readFile(file("treasure")), std::string("by my own link"));
        QCOMPARE(lchown((forAll + "/out.csv").c_str(), 65534, 65534), 0);
        const Status refused = writeFile(forAll + "/out.csv", "by theirs");
        QVERIFY(!refused.ok());
        QVERIFY(QString::fromStdString(refused.error().toString()).contains("link that another user"));
        QCOMPARE(readFile(file("treasure")), std::string("by my own link"));
    }

    /// What a signal handler does at the end of the process.
    void unfinishedFilesAreRemovedAndRecordingsKept() {
        auto table = OutputFile::create(file("table.csv"));
        auto trace = TraceWriter::create(file("run.spantrace"));
        QVERIFY(table.ok() && trace.ok());
        QCOMPARE(filesIn(m_folder->path()).size(), 2);
        OutputFile::removeUnfinished();
        const QStringList left = filesIn(m_folder->path());
        QCOMPARE(left.size(), 1);
        QVERIFY(left[0].startsWith("run.spantrace."));
    }

    /// A signal that ends the process comes while the disk makes or removes the file: most of this child's time.
    void noMomentLeavesAFile() {
        for (int i = 0; i < 300; ++i) {
            std::array<int, 2> ready{};
            QCOMPARE(pipe(ready.data()), 0);
            const pid_t pid = fork();
            if (pid == 0) {
                std::signal(SIGTERM, [](int) {
                    OutputFile::removeUnfinished();
                    _exit(0);
                });
                if (write(ready[1], "", 1) != 1) _exit(1);
                for (;;) static_cast<void>(OutputFile::create(file("out.csv")));
            }
            char byte = 1;
            QCOMPARE(read(ready[0], &byte, 1), ssize_t{1});
            for (const int end : ready) close(end);
            usleep(static_cast<useconds_t>(37 * i % 1000));
            ::kill(pid, SIGTERM);
            int status = 0;
            QCOMPARE(waitpid(pid, &status, 0), pid);
            QVERIFY(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            QCOMPARE(filesIn(m_folder->path()).join(' '), QString());
        }
    }
};

QTEST_GUILESS_MAIN(TestOutputFile)
#include "tst_output_file.moc"
