// Runs kept from start to start: what is written comes back, whoever wrote it; and recordings of programs that ended,
// which are told from those of programs that run by a lock and not by a process id.
#include <QtTest>

#include "app/gui/recovery_folder.h"
#include "app/runner/run_archive.h"
#include "tests/patience.h"
#include "tests/trace/sample_run.h"

using namespace spanscope;

namespace {

KeptRun keptRun(const QString& file, qint64 number, bool withDense = false) {
    KeptRun run;
    run.file = file;
    run.run = std::make_shared<const RunData>(test::sampleRun(2 * number));
    if (withDense)
        run.dense = std::make_shared<const RunData>(test::sampleRun(2 * number + 1, MaskPolicySpec::dense()));
    run.label = {number, "name " + std::to_string(number), "notes", 1000 + number};
    return run;
}

/// What another program would find.
QVector<KeptRun> found(const QString& folder, const RunArchive::Limits& limits = {}) {
    RunArchive archive(folder, limits);
    QVector<KeptRun> runs;
    QObject::connect(&archive, &RunArchive::restored, &archive, [&](const KeptRun& run) { runs << run; });
    QSignalSpy ended(&archive, &RunArchive::restoreEnded);
    archive.restore();
    if (!ended.wait(test::patience(10000))) qFatal("restore");
    return runs;
}

QStringList filesOf(const QVector<KeptRun>& runs) {
    QStringList names;
    for (const KeptRun& run : runs) names << run.file;
    return names;
}

void write(const QString& path, const QByteArray& bytes) {
    QDir().mkpath(QFileInfo(path).path());
    QFile file(path);
    if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size()) qFatal("write");
}

}  // namespace

class TestRunArchive : public QObject {
    Q_OBJECT

  private slots:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void whatIsKeptComesBackTheNewestFirst() {
        const QString folder = m_folder->filePath("runs");
        QVERIFY(found(folder).isEmpty());
        {
            RunArchive archive(folder, {});  // its end waits for what is being written
            archive.keep(keptRun("20260101-a.spantrace", 1));
            archive.keep(keptRun("20260102-a.spantrace", 2, true));
        }
        const QVector<KeptRun> runs = found(folder);
        QCOMPARE(filesOf(runs), (QStringList{"20260102-a.spantrace", "20260101-a.spantrace"}));
        QCOMPARE(runs[0].label, (RunLabel{2, "name 2", "notes", 1002}));
        QVERIFY(runs[0].dense && runs[0].dense->header.settings.attention.isDense());
        QVERIFY(!runs[1].dense);
        QCOMPARE(runs[1].run->steps.size(), test::sampleRun().steps.size());
        QCOMPARE(runs[1].run->header.label, runs[1].label);
    }

    void twoProgramsShareTheFolder() {
        const QString folder = m_folder->filePath("runs");
        {
            RunArchive first(folder, {}), second(folder, {});
            first.keep(keptRun("20260101-1-1.spantrace", 1));
            second.keep(keptRun("20260101-2-1.spantrace", 2));
            KeptRun renamed = keptRun("20260101-1-1.spantrace", 1);
            renamed.label.name = "another name";
            first.keep(renamed);
        }
        const QVector<KeptRun> runs = found(folder);
        QCOMPARE(runs.size(), 2);
        QCOMPARE(runs[1].label.name, std::string("another name"));
        QCOMPARE(runs[0].label.name, std::string("name 2"));
    }

    void theOldestGo() {
        const QString folder = m_folder->filePath("runs");
        QStringList names;
        for (int i = 1; i <= 5; ++i) names << QStringLiteral("2026010%1.spantrace").arg(i);
        {
            RunArchive archive(folder, {3, 1 << 30, 1 << 20});
            for (int i = 0; i < 5; ++i) archive.keep(keptRun(names[i], i + 1));
        }
        QCOMPARE(filesOf(found(folder)), (QStringList{names[4], names[3], names[2]}));
        const qint64 size = QFileInfo(folder + '/' + names[4]).size();
        {
            RunArchive archive(folder, {100, 2 * size + size / 2, 1 << 20});  // room for two and a half
            archive.keep(keptRun(names[2], 3));
        }
        QCOMPARE(filesOf(found(folder)), (QStringList{names[4], names[2]}));
        RunArchive tight(folder, {100, size / 2, 1 << 20});
        QSignalSpy refused(&tight, &RunArchive::notKept);
        tight.keep(keptRun("20270101.spantrace", 9));
        QVERIFY(refused.wait(test::patience(10000)));
        QVERIFY(!QFile::exists(folder + "/20270101.spantrace"));
        QCOMPARE(found(folder, {1, 1 << 30, 1 << 20}).size(), 1);
    }

    void whatCannotBeReadStaysAndIsPassedOver() {
        const QString folder = m_folder->filePath("runs");
        {
            RunArchive archive(folder, {});
            archive.keep(keptRun("20260101.spantrace", 1));
        }
        write(folder + "/20260102.spantrace", "no trace at all\n");
        write(folder + "/20260103.spantrace.abcdef.part", "half");
        QCOMPARE(filesOf(found(folder)), QStringList{"20260101.spantrace"});
        QVERIFY(QFile::exists(folder + "/20260102.spantrace"));
        RunArchive archive(folder, {});
        archive.clear();
        QTRY_VERIFY_WITH_TIMEOUT(QDir(folder).entryList({"*.spantrace"}).isEmpty(), test::patience(10000));
    }

    void aFolderThatCannotBeMade() {
        write(m_folder->filePath("file"), "x");
        RunArchive archive(m_folder->filePath("file/runs"), {});
        QSignalSpy refused(&archive, &RunArchive::notKept);
        archive.keep(keptRun("20260101.spantrace", 1));
        QVERIFY(refused.wait(test::patience(10000)));
        QCOMPARE(refused[0][0].toString(), QString("20260101.spantrace"));
    }

    /// Both programs have this process's id, as a program has in a container that is started again.
    void recordingsOfAProgramThatRunsAreItsOwn() {
        const QString folder = m_folder->filePath("recovery");
        auto running = std::make_unique<RecoveryFolder>(folder);
        QTest::qWait(2);  // names have milliseconds
        RecoveryFolder later(folder);
        QVERIFY(!running->own().isEmpty() && running->own() != later.own());
        write(running->own() + "/1.spantrace.abcdef.part", "recording");
        write(later.own() + "/2.spantrace.abcdef.part", "recording");
        QVERIFY(later.takeInterrupted().isEmpty());
        const QString left = running->own();
        running.reset();  // as if it had been killed: the recording is still there
        QVERIFY(QFile::exists(left + "/1.spantrace.abcdef.part"));
        const QStringList taken = later.takeInterrupted();
        QCOMPARE(taken.size(), 1);
        QVERIFY(QFile::exists(taken.front()) && taken.front().endsWith("1.spantrace.abcdef.part"));
        QVERIFY(!QFile::exists(left));
        QVERIFY(later.takeInterrupted().isEmpty());  // once
        QVERIFY(QFile::exists(taken.front()));
    }

    void recordingsOfEarlierVersions() {
        const QString folder = m_folder->filePath("recovery");
        const QString ours = QString::number(QCoreApplication::applicationPid());
        for (const QString& name : {ours + "-1.spantrace.abcdef.part", QString("1-1.spantrace.abcdef.part"),
                                    QString("4194305-1.spantrace.abcdef.part")})
            write(folder + '/' + name, "recording");  // of this id, of another program's, of nobody's
        RecoveryFolder recovery(folder);
        QCOMPARE(recovery.takeInterrupted().size(), 3);
        QVERIFY(recovery.takeInterrupted().isEmpty());
    }

    void nothingIsLeftWhereThereWasNothing() {
        const QString folder = m_folder->filePath("recovery");
        { RecoveryFolder recovery(folder); }
        QVERIFY(QDir(folder).entryList(QDir::AllEntries | QDir::NoDotAndDotDot).isEmpty());
    }

  private:
    std::unique_ptr<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TestRunArchive)
#include "tst_run_archive.moc"
