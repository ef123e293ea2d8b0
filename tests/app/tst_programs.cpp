// The programs as files: what the linker was told, and what they load when they are started in a folder that somebody
// else filled. In the build tree and installed. `tst_programs hardening | grep '^|'` prints the table.
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <QDir>
#include <QProcess>
#include <QtTest>
#include <cstdio>

#include "engine/trace/trace.h"
#include "tests/app/elf_file.h"
#include "tests/model/tiny_model.h"
#include "tests/patience.h"
#include "tests/trace/sample_run.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

struct Outcome {
    int exitCode = -1;
    QByteArray out, err;
};

}  // namespace

class TestPrograms : public QObject {
    Q_OBJECT
    ScratchFolder m_folder;
    QString m_model, m_trace, m_installed;

    QString file(const char* name) const { return QString::fromStdString(m_folder.file(name)); }

    static QStringList programsIn(const QString& folder) {
        QStringList found;
        for (const char* name : {"spanscope-cli", "spanscope", "libspanscope_cuda.so", "libspanscope_figures.so",
                                 "../lib/spanscope/libspanscope_figures.so"})
            if (QFileInfo(folder + '/' + name).isFile()) found << folder + '/' + name;
        return found;
    }
    static QString figuresModuleOf(const QString& bin) {
        for (const QString& path : programsIn(bin))
            if (path.endsWith("libspanscope_figures.so")) return path;
        return {};
    }

    Outcome start(const QString& program, const QStringList& arguments, const QString& folder,
                  const std::function<void()>& inChild = {}) {
        QProcess process;
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert("SPANSCOPE_CANARY", file("canary"));
        environment.insert("QT_QPA_PLATFORM", "offscreen");
        environment.insert("HOME", QString::fromStdString(m_folder.path()));
        for (const char* name : {"LD_LIBRARY_PATH", "QT_PLUGIN_PATH", "SPANSCOPE_CUDA_PLUGIN", "SPANSCOPE_MODELS"})
            environment.remove(name);
        process.setProcessEnvironment(environment);
        process.setWorkingDirectory(folder);
        if (inChild) process.setChildProcessModifier(inChild);
        process.start(program, arguments);
        if (!process.waitForFinished(patience(120000))) return {};
        return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -2, process.readAllStandardOutput(),
                process.readAllStandardError()};
    }

    /// A folder with everything in it that a program might pick up from where it is started.
    QString hostileFolder(const QStringList& programs) {
        const QString folder = file("hostile");
        QStringList names{"libspanscope_cuda.so",
                          "libspanscope_figures.so",
                          "libminizip.so.1",
                          "libsentencepiece.so.0",
                          "libz.so.1",
                          "libicudata.so.72",
                          "libQt6DBus.so.6",
                          "platforms/libqoffscreen.so",
                          "platforms/libqxcb.so",
                          "imageformats/libqsvg.so",
                          "imageformats/libqjpeg.so",
                          "iconengines/libqsvgicon.so",
                          "styles/libqgtk.so",
                          "platformthemes/libqgtk3.so",
                          "printsupport/libcupsprintersupport.so",
                          "plugins/platforms/libqoffscreen.so",
                          "lib/libspanscope_cuda.so",
                          "lib/libspanscope_figures.so",
                          "bin/libspanscope_figures.so",
                          "lib/spanscope/libspanscope_figures.so",
                          "bin/libspanscope_cuda.so",
                          "lib/spanscope/libspanscope_cuda.so"};
        for (const QString& program : programs) names << ElfFile::read(program).needed;
        for (const QString& name : names) {
            if (name.startsWith("ld-linux") || QFile::exists(folder + '/' + name)) continue;
            QDir().mkpath(QFileInfo(folder + '/' + name).path());
            if (!QFile::copy(SPANSCOPE_CANARY_LIBRARY, folder + '/' + name))
                qFatal("cannot plant %s", qPrintable(name));
        }
        QFile conf(folder + "/qt.conf");
        if (!conf.open(QIODevice::WriteOnly) || conf.write("[Paths]\nPrefix=.\nPlugins=.\nLibraries=.\n") < 0)
            qFatal("cannot plant qt.conf");
        return folder;
    }

    QString theCanary() const {
        QFile f(file("canary"));
        return f.open(QIODevice::ReadOnly) ? QString::fromUtf8(f.readAll()) : QString();
    }

  private slots:
    void initTestCase() {
        m_model = file("model");
        QVERIFY(writeTinyModel(m_model.toStdString()));
        const RunData run = sampleRun();
        m_trace = file("run.spantrace");
        QVERIFY(writeTrace(m_trace.toStdString(), {&run}).ok());
        m_installed = file("installed");
        QProcess install;
        install.start(SPANSCOPE_CMAKE, {"--install", SPANSCOPE_BUILD_DIR, "--prefix", m_installed});
        QVERIFY(install.waitForFinished(patience(120000)));
        QVERIFY2(install.exitCode() == 0, install.readAllStandardError().constData());
        QVERIFY(!programsIn(m_installed + "/bin").isEmpty());
    }

    /// The canary does sing: else the tests below could not fail.
    void theCanarySings() {
        QFile::remove(file("canary"));
        QDir().mkpath(file("path"));
        QProcess process;
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert("SPANSCOPE_CANARY", file("canary"));
        environment.insert("LD_PRELOAD", SPANSCOPE_CANARY_LIBRARY);
        process.setProcessEnvironment(environment);
        process.start(SPANSCOPE_CMAKE, {"--version"});
        QVERIFY(process.waitForFinished(patience(60000)));
        const bool sanitized = QByteArray(SPANSCOPE_SANITIZED).size() > 0;
        QVERIFY(sanitized || !theCanary().isEmpty());
        QFile::remove(file("canary"));
    }

    void hardening() {
        if (QByteArray(SPANSCOPE_SANITIZED).size() > 0) QSKIP("sanitizers replace these");
        ElfFile libc;  // whose start code the programs are linked with
        QFile maps("/proc/self/maps");
        if (maps.open(QIODevice::ReadOnly))
            for (const QByteArray& line : maps.readAll().split('\n'))
                if (line.endsWith("/libc.so.6")) libc = ElfFile::read(QString::fromUtf8(line.mid(line.indexOf('/'))));
        QVERIFY(libc.valid);
        std::printf(
            "| file | PIE | RELRO | stack protector | fortified functions | landing pads (endbr64) | marked IBT, SHSTK "
            "| stack | text relocations | run path |\n");
        std::printf("|---|---|---|---|--:|--:|---|---|---|---|\n");
        for (const QString& path : programsIn(SPANSCOPE_BIN_DIR) + programsIn(m_installed + "/bin")) {
            const ElfFile elf = ElfFile::read(path);
            QVERIFY2(elf.valid, qPrintable(path));
            const bool plugin = path.endsWith(".so");
            const auto word = [](bool yes) { return yes ? "yes" : "no"; };
            std::printf("| %s%s | %s | %s | %s | %d | %d | %s, %s | %s | %s | %s |\n",
                        path.startsWith(m_installed) ? "installed " : "", qPrintable(QFileInfo(path).fileName()),
                        plugin ? "library" : word(elf.pie),
                        elf.relro && elf.bindNow ? "full"
                        : elf.relro              ? "partial"
                                                 : "no",
                        word(elf.stackProtector), int(elf.fortified.size()), elf.landingPads,
                        word(elf.indirectBranchTracking), word(elf.shadowStack),
                        elf.stackIsData ? "not executable" : "executable", word(elf.textRelocations),
                        elf.runPath.isEmpty() ? "none" : qPrintable(elf.runPath.join(':')));
            std::fflush(stdout);
            for (const QString& entry : elf.runPath)
                QVERIFY2(entry.startsWith('/'),
                         qPrintable(path + ": the run path has an entry that is the current folder or below it: \"" +
                                    entry + '"'));
            QVERIFY2(plugin || elf.pie, qPrintable(path));
            QVERIFY2(elf.relro && elf.bindNow, qPrintable(path));
            QVERIFY2(elf.stackIsData && !elf.textRelocations && !elf.writableCode, qPrintable(path));
            QVERIFY2(elf.stackProtector, qPrintable(path));
            QVERIFY2(elf.fortified.size() >= (plugin ? 1 : 3), qPrintable(path));
#if defined(__x86_64__)
            QVERIFY2(elf.landingPads > (plugin ? 10 : 1000), qPrintable(path));  // compiled with -fcf-protection
            // The linker marks a program as made for it only where the system's own start code is: not on Debian 12.
            if (libc.indirectBranchTracking) QVERIFY2(plugin || elf.indirectBranchTracking, qPrintable(path));
            if (libc.shadowStack) QVERIFY2(plugin || elf.shadowStack, qPrintable(path));
#endif
        }
    }

    void aHostileFolder_data() {
        QTest::addColumn<QString>("bin");
        QTest::newRow("build tree") << QStringLiteral(SPANSCOPE_BIN_DIR);
        QTest::newRow("installed") << m_installed + "/bin";
    }

    /// Started there, by its full path: nothing of that folder is loaded, and all works.
    void aHostileFolder() {
        QFETCH(QString, bin);
        const QStringList programs = programsIn(bin);
        const QString folder = hostileFolder(programs);
        QFile::remove(file("canary"));
        const QString cli = bin + "/spanscope-cli";
        for (const QString& program : {cli, QDir(folder).relativeFilePath(cli)}) {
            const Outcome info = start(program, {"info", m_model}, folder);
            QVERIFY2(info.exitCode == 0 && info.out.contains("folder"), (info.err + info.out).constData());
            QVERIFY2(!info.out.contains("hostile"), info.out.constData());  // where the plugin was looked for
            const Outcome exported =
                start(program, {"export", m_trace, "--npz", file("m.npz"), "--csv", file("m.csv")}, folder);
            QVERIFY2(exported.exitCode == 0, exported.err.constData());
            if (!figuresModuleOf(bin).isEmpty()) {
                const Outcome figure =
                    start(program, {"export", m_trace, "--png", file("m.png"), "--svg", file("m.svg")}, folder);
                QVERIFY2(figure.exitCode == 0, figure.err.constData());
            }
        }
        if (QFile::exists(bin + "/spanscope")) {
            const Outcome window = start(bin + "/spanscope", {"--version"}, folder);
            QVERIFY2(window.exitCode == 0 && window.out.startsWith("spanscope "),
                     (window.out + window.err).constData());
        }
        QCOMPARE(theCanary(), QString());
    }

    /// Servers and containers have no X, no EGL and no Qt: the command line starts there.
    void theCommandLineLinksNoQt() {
        for (const QString& bin : {QStringLiteral(SPANSCOPE_BIN_DIR), m_installed + "/bin"}) {
            QProcess loader;
            QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
            environment.insert("LD_TRACE_LOADED_OBJECTS", "1");  // the loader's own list, as ldd prints it
            loader.setProcessEnvironment(environment);
            loader.start(bin + "/spanscope-cli", {});
            QVERIFY(loader.waitForFinished(patience(60000)));
            const QByteArray loaded = loader.readAllStandardOutput();
            QVERIFY2(loaded.contains("libc.so"), loaded.constData());
            for (const char* name : {"libQt", "libX11", "libxcb", "libEGL", "libGL", "libqcustomplot"})
                QVERIFY2(!loaded.contains(name), loaded.constData());
        }
    }

    /// Alone in its folder it exports data; a figure says what is missing, whatever lies where the module should.
    void figuresWithoutTheirModule() {
        const QString folder = file("alone"), cli = folder + "/spanscope-cli",
                      module = folder + "/libspanscope_figures.so";
        QVERIFY(QDir().mkpath(folder) && QFile::copy(SPANSCOPE_BIN_DIR "/spanscope-cli", cli));
        const auto figure = [&] { return start(cli, {"export", m_trace, "--png", file("alone.png")}, folder); };
        Outcome o = figure();
        QCOMPARE(o.exitCode, 3);
        QVERIFY2(o.err.contains("alone/libspanscope_figures.so") && o.err.contains("it is not there"),
                 o.err.constData());
        o = start(cli, {"export", m_trace, "--npy", file("a.npy"), "--html", file("a.html")}, folder);
        QVERIFY2(o.exitCode == 0 && QFileInfo(file("a.html")).size() > 1000, o.err.constData());
        QFile text(module);
        QVERIFY(text.open(QIODevice::WriteOnly) && text.write("no library") > 0);
        text.close();
        o = figure();
        QCOMPARE(o.exitCode, 3);
        QVERIFY2(o.err.contains("cannot be opened"), o.err.constData());
        QVERIFY(QFile::remove(module) && QFile::copy(SPANSCOPE_CANARY_LIBRARY, module));
        o = figure();
        QCOMPARE(o.exitCode, 3);
        QVERIFY2(o.err.contains("another version"), o.err.constData());
        QVERIFY(!QFile::exists(file("alone.png")));
        const QString built = figuresModuleOf(QStringLiteral(SPANSCOPE_BIN_DIR));
        if (built.isEmpty()) QSKIP("built without the window");
        QVERIFY(QFile::remove(module) && QFile::copy(built, module));
        o = figure();
        QVERIFY2(o.exitCode == 0 && QFileInfo(file("alone.png")).size() > 1000, o.err.constData());
    }

    /// Without /proc it is not known where the program is: then nothing is looked for, least of all here.
    void withoutProc() {
        const QString cli = QStringLiteral(SPANSCOPE_BIN_DIR "/spanscope-cli");
        const QString folder = hostileFolder({cli});
        QFile::remove(file("canary"));
        QDir().mkpath(folder +
                      "/resources/models");  // where a folder of models would be looked for, were this the program's
        QVERIFY(QFile::exists(folder + "/resources/models/arith") ||
                writeTinyModel((folder + "/resources/models/arith").toStdString()));
        const bool root = geteuid() == 0;
        const auto hideProc = [root] {
            if (unshare(CLONE_NEWNS | (root ? 0 : CLONE_NEWUSER)) != 0 ||
                mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                mount("none", "/proc", "tmpfs", 0, nullptr) != 0)
                _exit(77);
        };
        for (const QString& program : {cli, QDir(folder).relativeFilePath(cli)}) {
            const Outcome info = start(program, {"info", m_model}, folder, hideProc);
            if (info.exitCode == 77) QSKIP("no right to hide /proc");
            QVERIFY2(info.exitCode == 0 && info.out.contains("cuda"), (info.err + info.out).constData());
            const Outcome run =
                start(program, {"run", "-m", m_model, "-p", "1+1", "-n", "2", "-c", "64"}, folder, hideProc);
            QVERIFY2(run.exitCode == 0, run.err.constData());
            const Outcome bundled = start(program, {"info"}, folder, hideProc);
            QVERIFY2(!bundled.out.contains("hostile") && !bundled.err.contains("hostile"),
                     (bundled.err + bundled.out).constData());
            QVERIFY2(!bundled.out.contains("  folder    resources"), bundled.out.constData());
        }
        QCOMPARE(theCanary(), QString());
    }
};

QTEST_GUILESS_MAIN(TestPrograms)
#include "tst_programs.moc"
