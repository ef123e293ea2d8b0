// The runner with a real engine and a tiny random model: order of signals, bounds, stopping, errors, traces.
#include <sys/resource.h>
#include <unistd.h>

#include <QDir>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QThread>
#include <QtTest>
#include <map>

#include "app/runner/runner.h"
#include "engine/trace/trace.h"
#include "tests/model/tiny_model.h"
#include "tests/patience.h"
#include "tests/trace/sample_run.h"

using namespace spanscope;

class TestRunner : public QObject {
    Q_OBJECT
  private slots:
    void initTestCase() { QVERIFY(test::writeTinyModel(m_folder.path())); }

    void init() {
        m_runner = std::make_unique<Runner>();
        m_events.clear();
        m_batches.clear();
        m_finished.clear();
        m_failed.clear();
        Runner* r = m_runner.get();
        connect(r, &Runner::started, this, [this](qint64 id) { m_events << QString("started %1").arg(id); });
        connect(r, &Runner::batch, this, [this](const SharedBatch& b) { m_batches[b->runId].push_back(b); });
        connect(r, &Runner::finished, this, [this](qint64 id, StopReason why) {
            m_events << QString("finished %1").arg(id);
            m_finished[id] = why;
        });
        connect(r, &Runner::failed, this, [this](qint64 id, const ErrorInfo& e) { m_failed[id] = e; });
    }
    void cleanup() { m_runner.reset(); }

    void loadSaysWhatTheModelIs() {
        const ModelInfo info = load();
        QCOMPARE(info.path, folder());
        QCOMPARE(info.nLayers, 2);
        QCOMPARE(info.nKvHeads, 2);
        QVERIFY(info.tasks.contains("expression"));
        QVERIFY(info.loadNs > 0);
        QVERIFY(info.weightBytes > 0);
        QCOMPARE(info.contextTokens, info.maxContext);  // a small model's whole context is there
    }

    void brokenFolderNamesTheFile() {
        QTemporaryDir broken;
        QDir(broken.path()).mkdir("m");
        QSignalSpy failed(m_runner.get(), &Runner::modelFailed);
        m_runner->openModel({broken.path() + "/m", 0, Device::Cpu});
        QVERIFY(failed.wait(test::patience(10000)));
        const auto error = failed.front()[1].value<ErrorInfo>();
        QVERIFY2(error.detail.contains("config.json") || error.text.contains("config.json"),
                 qPrintable(error.text + error.detail));
        // A model that was in use stays in use.
        load();
        m_runner->openModel({broken.path() + "/m", 0, Device::Cpu});
        QVERIFY(failed.wait(test::patience(10000)));
        run(1, 8);
        QCOMPARE(nSteps(1), 8);
    }

    void runDeliversEveryStepOnce() {
        load();
        run(7, 200);
        QCOMPARE(m_events, QStringList({"started 7", "finished 7"}));
        int next = 0;
        for (const SharedBatch& b : m_batches[7]) {
            QVERIFY(!b->finished || b == m_batches[7].back());
            for (const StepRecord& s : b->steps) QCOMPARE(s.index, next++);
        }
        QVERIFY(m_batches[7].back()->finished);
        QCOMPARE(next, m_batches[7].back()->stats.responseTokens);
        QCOMPARE(m_finished[7], StopReason::TokenLimit);
    }

    /// A run of many segments: all batches together carry each segment about once, not every segment in every batch.
    void batchesCarryWhatIsNew() {
        QSignalSpy ready(m_runner.get(), &Runner::modelReady), idle(m_runner.get(), &Runner::idle);
        m_runner->openModel({SPANSCOPE_SOURCE_DIR "/resources/models/arith", 0, Device::Cpu});
        QVERIFY(ready.wait(test::patience(60000)));
        RunRequest request = requestOf(1, -1);
        request.settings.promptText = "1+2-3+4-5+6-7+8-9+10-11+12";
        RunStore store;
        connect(m_runner.get(), &Runner::started, &store,
                [&](qint64, const SharedHeader& h, const std::vector<Segment>& s) { store.begin(h, s); });
        connect(m_runner.get(), &Runner::batch, &store, &RunStore::append);
        m_runner->run(request);
        QVERIFY(idle.wait(test::patience(60000)));
        size_t nSegments = 0, nSteps = 0;
        for (const SharedBatch& b : m_batches[1]) {
            nSegments += b->segments.size();
            nSteps += b->steps.size();
        }
        const RunData& run = store.data();
        QCOMPARE(run.steps.size(), nSteps);
        QVERIFY(run.segments.size() >= 12 && m_batches[1].size() > 3);
        QVERIFY2(nSegments <= run.segments.size() + m_batches[1].size(),
                 qPrintable(QString("%1 for %2").arg(nSegments).arg(run.segments.size())));
        for (const Segment& s : run.segments)
            QVERIFY(s.end != kOpenEnd && s.begin < s.end);  // none was left as it stood half-written
        QVERIFY(!run.answer.empty());
    }

    void compareRunsBothOverOnePrompt() {
        load();
        RunRequest request = requestOf(3, 100);
        request.twinRunId = 4;
        QSignalSpy idle(m_runner.get(), &Runner::idle);
        m_runner->run(request);
        QVERIFY(idle.wait(test::patience(60000)));
        QCOMPARE(nSteps(3), 100);
        QCOMPARE(nSteps(4), 100);
        for (const SharedBatch& b : m_batches[4])
            for (const StepRecord& s : b->steps) QCOMPARE(s.attended, s.causal);  // dense reads everything
        qint64 attended = 0, causal = 0;
        for (const SharedBatch& b : m_batches[3])
            for (const StepRecord& s : b->steps) {
                attended += s.attended;
                causal += s.causal;
            }
        QVERIFY(attended <= causal);
    }

    /// A window that takes nothing for a while finds one batch waiting (and the closing one), not a queue of them.
    void atMostOneBatchInFlight() {
        load();
        m_runner->run(requestOf(1, 3000));
        QThread::msleep(400);
        QCoreApplication::processEvents();
        QVERIFY2(m_batches[1].size() <= 2, qPrintable(QString::number(m_batches[1].size())));
        QVERIFY(!m_batches[1].empty());
        m_runner->stop();
        QTRY_VERIFY_WITH_TIMEOUT(!m_runner->isRunning(), test::patience(10000));
    }

    void atMostSixtyBatchesASecond() {
        load();
        QElapsedTimer clock;
        clock.start();
        run(1, 2000);
        const double seconds = double(clock.elapsed()) / 1000;
        QVERIFY2(double(m_batches[1].size()) <= seconds * 63 + 3,
                 qPrintable(QString("%1 in %2 s").arg(m_batches[1].size()).arg(seconds)));
    }

    void stopInTheMiddleKeepsWhatWasDecoded() {
        load();
        QSignalSpy idle(m_runner.get(), &Runner::idle);
        // At the first batch, not after a wait: a fast machine would be done by then.
        QElapsedTimer clock;
        const auto stopAtOnce = connect(m_runner.get(), &Runner::batch, this, [&] {
            if (clock.isValid()) return;
            clock.start();
            m_runner->stop();
        });
        m_runner->run(requestOf(1, 4000));
        QVERIFY(idle.wait(test::patience(20000)));
        disconnect(stopAtOnce);
        QVERIFY(nSteps(1) > 0);
        QVERIFY2(clock.elapsed() < 1000, "a stop takes effect within one step");
        QCOMPARE(m_finished[1], StopReason::Cancelled);
        QVERIFY(nSteps(1) < 4000);
        QVERIFY(m_batches[1].back()->finished);
        run(2, 5);  // and the next run is not hit by that stop
        QCOMPARE(nSteps(2), 5);
    }

    void stopBeforeTheFirstStep() {
        load();
        QSignalSpy idle(m_runner.get(), &Runner::idle);
        m_runner->run(requestOf(1, 4000));
        m_runner->stop();
        QVERIFY(idle.wait(test::patience(10000)));
        QCOMPARE(m_finished[1], StopReason::Cancelled);
        QVERIFY(nSteps(1) < 4000);
    }

    void aNewRunStopsTheOld() {
        load();
        QSignalSpy idle(m_runner.get(), &Runner::idle);
        m_runner->run(requestOf(1, 4000));
        m_runner->run(requestOf(2, 6));
        QVERIFY(idle.wait(test::patience(20000)));
        QCOMPARE(idle.size(), 1);
        QCOMPARE(m_finished[1], StopReason::Cancelled);
        QCOMPARE(nSteps(2), 6);
    }

    void wrongPromptSaysTheColumn() {
        load();
        RunRequest request = requestOf(1, 10);
        request.settings.promptText = "12+*3";
        QSignalSpy idle(m_runner.get(), &Runner::idle);
        m_runner->run(request);
        QVERIFY(idle.wait(test::patience(10000)));
        QCOMPARE(m_failed[1].column, 4);
        QVERIFY(m_events.isEmpty());
    }

    void runWithoutModelFails() {
        QSignalSpy idle(m_runner.get(), &Runner::idle);
        m_runner->run(requestOf(1, 10));
        QVERIFY(idle.wait(test::patience(10000)));
        QVERIFY(m_failed[1].text.contains("no model", Qt::CaseInsensitive));
    }

    void loadCanBeCancelled() {
        load();
        m_runner->run(requestOf(1, 4000));  // keeps the thread busy until openModel stops it
        QSignalSpy failed(m_runner.get(), &Runner::modelFailed), ready(m_runner.get(), &Runner::modelReady);
        m_runner->openModel({folder(), 0, Device::Cpu});
        m_runner->cancelLoad();
        QVERIFY(failed.wait(test::patience(10000)));
        QVERIFY(failed.front()[1].value<ErrorInfo>().text.contains("cancel", Qt::CaseInsensitive));
        QCOMPARE(failed.front()[1].value<ErrorInfo>().title, QString("The model was not opened"));
        QCOMPARE(ready.size(), 0);
    }

    /// A load that a newer one replaces is no error, whatever it came to; the newer one answers.
    void aReplacedLoadSaysNothing() {
        load();
        QTemporaryDir empty;
        for (const QString& first : {folder(), empty.path()}) {
            m_runner->run(requestOf(1, 4000));  // keeps the thread busy until openModel stops it
            QSignalSpy failed(m_runner.get(), &Runner::modelFailed), ready(m_runner.get(), &Runner::modelReady);
            m_runner->openModel({first, 0, Device::Cpu});
            m_runner->openModel({folder(), 0, Device::Cpu});
            QVERIFY(ready.wait(test::patience(10000)));
            QCOMPARE(failed.size(), 0);
        }
        // One that had failed already, and was replaced before anybody was told, is as silent.
        QSignalSpy failed(m_runner.get(), &Runner::modelFailed), ready(m_runner.get(), &Runner::modelReady);
        m_runner->openModel({empty.path(), 0, Device::Cpu});
        QThread::msleep(50);
        m_runner->openModel({folder(), 0, Device::Cpu});
        QVERIFY(ready.wait(test::patience(10000)));
        QCOMPARE(failed.size(), 0);
    }

    void everyEventIsPassedOn() { QCOMPARE(m_runner->notPassedOn(), QStringList()); }

    void forecastComesFromHeaders() {
        QSignalSpy ready(m_runner.get(), &Runner::forecastReady);
        m_runner->forecast({folder(), 1000});
        QVERIFY(ready.wait(test::patience(10000)));
        const auto info = ready.front()[0].value<ForecastInfo>();
        QCOMPARE(info.contextTokens, 1000);
        QVERIFY(info.weightBytes > 0 && info.kvBytes > 0 && info.fits);
        QSignalSpy failed(m_runner.get(), &Runner::forecastFailed);
        m_runner->forecast({folder() + "/none", 1000});
        QVERIFY(failed.wait(test::patience(10000)));
        QCOMPARE(failed.front()[0].toString(), folder() + "/none");
    }

    /// A dialog asks once for each step of its context box; the first question alone, of context 0, reads the headers.
    void forecastReadsHeadersOnce() {
        test::ScratchFolder scratch;
        QVERIFY(test::writeTinyModel(scratch.path()));
        const QString path = QString::fromStdString(scratch.path());
        QSignalSpy ready(m_runner.get(), &Runner::forecastReady), failed(m_runner.get(), &Runner::forecastFailed);
        m_runner->forecast({path, 0});
        QVERIFY(ready.wait(test::patience(10000)));
        QVERIFY(QFile::remove(path + "/config.json"));
        m_runner->forecast({path, 256});
        QVERIFY(ready.wait(test::patience(10000)));
        QCOMPARE(ready.back()[0].value<ForecastInfo>().contextTokens, 256);
        m_runner->forecast({path, 0});
        QVERIFY(failed.wait(test::patience(10000)));
    }

    void tracesComeBackAsTheyWere() {
        load();
        run(5, 60);
        auto data = std::make_shared<RunData>();
        // What the window would hold.
        QSignalSpy started(m_runner.get(), &Runner::started);
        RunStore store;
        connect(m_runner.get(), &Runner::started, &store,
                [&](qint64, const SharedHeader& h, const std::vector<Segment>& s) { store.begin(h, s); });
        connect(m_runner.get(), &Runner::batch, &store, &RunStore::append);
        run(6, 60);
        *data = store.data();
        QTemporaryDir folder;
        const QString path = folder.path() + "/a.spantrace";
        QSignalSpy saved(m_runner.get(), &Runner::traceSaved), opened(m_runner.get(), &Runner::traceOpened);
        m_runner->saveTrace(path, {data});
        QVERIFY(saved.wait(test::patience(10000)));
        m_runner->openTrace(path);
        QVERIFY(opened.wait(test::patience(10000)));
        const auto runs = opened.front()[1].value<RunList>();
        QCOMPARE(runs.size(), 1);
        QCOMPARE(runs[0]->steps.size(), data->steps.size());
        for (size_t i = 0; i < data->steps.size(); ++i) {
            QCOMPARE(runs[0]->steps[i].token.id, data->steps[i].token.id);
            QVERIFY(*runs[0]->steps[i].visible == *data->steps[i].visible);
            QCOMPARE(runs[0]->steps[i].loaded, data->steps[i].loaded);
        }
        QVERIFY(opened.front()[2].toString().isEmpty());
        QSignalSpy failed(m_runner.get(), &Runner::traceFailed);
        m_runner->openTrace(folder.path() + "/none.spantrace");
        QVERIFY(failed.wait(test::patience(10000)));
    }

    /// A file that takes more memory than there is fails like any other; the thread goes on, and so does the window.
    void withoutMemoryARequestFails() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        QSKIP("sanitizers need all addresses");
#endif
        RunData run = test::sampleRun();
        run.violations.clear();
        run.segments.resize(1);
        const StepRecord first = run.steps[0];
        run.steps.clear();
        for (int i = 0; i < 400000; ++i) {
            StepRecord s = first;
            s.index = i;
            s.position += i;
            s.segment = -1;
            s.attended = s.loaded = s.causal = s.position + 1;
            s.visible = run.header.promptVisible[0];
            run.steps.push_back(s);
        }
        run.stats = {};
        const QString path = folder() + "/large.spantrace";
        QVERIFY(writeTrace(path.toStdString(), {&run}).ok());
        run.steps = {};
        QSignalSpy failed(m_runner.get(), &Runner::traceFailed), opened(m_runner.get(), &Runner::traceOpened);
        m_runner->openTrace(folder() + "/none.spantrace");  // the thread has what a thread needs
        QVERIFY(failed.wait(test::patience(10000)));
        rlimit before{};
        QCOMPARE(getrlimit(RLIMIT_AS, &before), 0);
        QFile statm("/proc/self/statm");
        QVERIFY(statm.open(QIODevice::ReadOnly));
        const rlim_t now = statm.readAll().split(' ')[0].toULongLong() * rlim_t(sysconf(_SC_PAGE_SIZE));
        const rlimit tight{now + (24 << 20), before.rlim_max};
        QCOMPARE(setrlimit(RLIMIT_AS, &tight), 0);
        m_runner->openTrace(path);
        const bool told = failed.wait(test::patience(60000));
        setrlimit(RLIMIT_AS, &before);
        QVERIFY(told && opened.isEmpty());
        QVERIFY2(failed.back()[1].value<ErrorInfo>().text.contains("memory"),
                 qPrintable(failed.back()[1].value<ErrorInfo>().text));
        m_runner->openTrace(path);
        QVERIFY(opened.wait(test::patience(60000)));
        QCOMPARE(opened.front()[1].value<RunList>()[0]->steps.size(), size_t{400000});
    }

    /// While a run goes there is a file that a crash would leave; when it has ended there is none.
    void recoveryFileLivesAsLongAsTheRun() {
        QTemporaryDir folder;
        m_runner->setRecoveryFolder(folder.path());
        load();
        const QString copy = folder.path() + "/crashed.spantrace.copy";
        QFileInfoList files;
        bool copied = false;
        const auto atFirstBatch = connect(m_runner.get(), &Runner::batch, this, [&] {
            if (!files.isEmpty()) return;
            files = QDir(folder.path()).entryInfoList(QDir::Files | QDir::Hidden);
            copied = files.size() == 1 && QFile::copy(files[0].filePath(), copy);
            m_runner->stop();
        });
        m_runner->run(requestOf(1, 4000));
        QTRY_VERIFY_WITH_TIMEOUT(!files.isEmpty(), test::patience(20000));
        disconnect(atFirstBatch);
        QVERIFY(copied);
        QTRY_VERIFY_WITH_TIMEOUT(!m_runner->isRunning(), test::patience(10000));
        QVERIFY(!QFile::exists(files[0].filePath()));
        QSignalSpy opened(m_runner.get(), &Runner::traceOpened);
        m_runner->openTrace(copy);  // what a crash would have left opens
        QVERIFY(opened.wait(test::patience(10000)));
        const auto runs = opened.front()[1].value<RunList>();
        QCOMPARE(runs.size(), 1);
    }

    void twoHundredRunsAndStops() {
        load();
        QSignalSpy idle(m_runner.get(), &Runner::idle);
        for (int i = 0; i < 200; ++i) {
            const int before = static_cast<int>(idle.size());
            RunRequest request = requestOf(10 + 2 * i, 500);
            if (i % 3 == 0) request.twinRunId = 11 + 2 * i;
            m_runner->run(request);
            if (i % 4) QThread::usleep(unsigned(i) * 20);
            m_runner->stop();
            QTRY_COMPARE_WITH_TIMEOUT(int(idle.size()), before + 1, test::patience(10000));
            QCOMPARE(int(m_finished.count(10 + 2 * i)), 1);
        }
    }

  private:
    QString folder() const { return QString::fromStdString(m_folder.path()); }
    ModelInfo load() {
        QSignalSpy ready(m_runner.get(), &Runner::modelReady);
        m_runner->openModel({folder(), 0, Device::Cpu});
        if (!ready.wait(test::patience(20000))) qFatal("the tiny model does not load");
        return ready.front()[0].value<ModelInfo>();
    }
    static RunRequest requestOf(qint64 id, int maxTokens) {
        RunRequest request;
        request.runId = id;
        request.settings.task = "expression";
        request.settings.promptText = "(12+7)*(3-8)";
        request.settings.maxTokens = maxTokens;
        return request;
    }
    void run(qint64 id, int maxTokens) {
        QSignalSpy idle(m_runner.get(), &Runner::idle);
        m_runner->run(requestOf(id, maxTokens));
        QVERIFY(idle.wait(test::patience(60000)));
    }
    int nSteps(qint64 id) {
        size_t n = 0;
        for (const SharedBatch& b : m_batches[id]) n += b->steps.size();
        return static_cast<int>(n);
    }

    test::ScratchFolder m_folder;
    std::unique_ptr<Runner> m_runner;
    QStringList m_events;
    std::map<qint64, std::vector<SharedBatch>> m_batches;
    std::map<qint64, StopReason> m_finished;
    std::map<qint64, ErrorInfo> m_failed;
};

QTEST_GUILESS_MAIN(TestRunner)
#include "tst_runner.moc"
