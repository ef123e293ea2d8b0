// The window under a source of 20,000 steps a second, batched 60 times a second as the runner does: the GUI thread is
// never away from its event loop for more than 50 ms, and memory does not grow after the warm-up.
// SPANSCOPE_SOAK_S sets the seconds (60 by default); SPANSCOPE_SOAK_MS the bound where a machine is shared.
#include <QFile>
#include <QSettings>
#include <QStandardPaths>
#include <QtTest>
#include <atomic>
#include <thread>

#include "tests/ui/sample_run.h"
#include "ui/window/dock_layout.h"
#include "ui/window/main_window.h"
#include "ui/window/model_loader.h"

using namespace spanscope;

namespace {

constexpr int kStepsPerS = 20000;
constexpr int kRunSteps = 16384;

qint64 residentKiB() {
    QFile statm("/proc/self/statm");
    if (!statm.open(QIODevice::ReadOnly)) return 0;
    return statm.readAll().split(' ').value(1).toLongLong() * 4;
}

/// CPU time that this thread used: what a busy machine takes away is not the window's fault.
qint64 threadCpuNs() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return qint64(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

class TestWindowSoak : public QObject {
    Q_OBJECT
  private slots:
    void staysFluidAndBounded() {
        QStandardPaths::setTestModeEnabled(true);
        QApplication::setOrganizationName("spanscope-test");
        QApplication::setApplicationName("tst_window_soak");
        QSettings().clear();
        const int seconds =
            qEnvironmentVariableIsSet("SPANSCOPE_SOAK_S") ? qEnvironmentVariableIntValue("SPANSCOPE_SOAK_S") : 60;
        const double bound =
            qEnvironmentVariableIsSet("SPANSCOPE_SOAK_MS") ? qEnvironmentVariableIntValue("SPANSCOPE_SOAK_MS") : 50;
        MainWindow::Setup setup;
        setup.tasks = {{"expression", "Expression", {"1+2"}}};
        MainWindow window(setup);
        window.resize(1440, 900);
        window.docks()->setPreset("analysis");
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        ModelInfo model;
        model.path = "/m";
        model.name = "m";
        window.models()->onModelReady(model);

        const RunData script = sample::large(kRunSteps, 8192);
        qint64 runId = 0;
        size_t sent = 0;
        double worst = 0;
        qint64 nSteps = 0, warmKiB = 0;
        const auto begin = [&] {
            window.action("run")->trigger();  // as a person would, over and over
            runId = window.runs()->lastRunId();
            RunHeader header = script.header;
            header.runId = runId;
            window.runs()->onStarted(runId, std::make_shared<const RunHeader>(header), {});
            sent = 0;
        };
        QElapsedTimer clock, sinceBatch;
        clock.start();
        sinceBatch.start();
        begin();
        while (clock.elapsed() < seconds * 1000) {
            const qint64 before = threadCpuNs();
            if (sinceBatch.elapsed() >= 16) {
                const size_t n =
                    std::min<size_t>(script.steps.size() - sent, size_t(sinceBatch.elapsed() * kStepsPerS / 1000));
                sinceBatch.restart();
                auto batch = std::make_shared<RunBatch>();
                batch->runId = runId;
                batch->steps.assign(script.steps.begin() + std::ptrdiff_t(sent),
                                    script.steps.begin() + std::ptrdiff_t(sent + n));
                sent += n;
                nSteps += qint64(n);
                const int position = batch->steps.empty() ? 0 : batch->steps.back().position;
                for (const Segment& s : script.segments)
                    if (s.begin <= position) batch->segments.push_back(s);
                batch->stats = script.stats;
                batch->finished = sent == script.steps.size();
                const qint64 start = threadCpuNs();
                window.runs()->onBatch(batch);
                if (batch->finished) {
                    window.runs()->onFinished(runId, StopReason::TokenLimit);
                    window.runs()->onIdle();
                    begin();
                }
                worst = std::max(worst, double(threadCpuNs() - start) / 1e6);
            }
            // One event loop turn is one span in which the window does not answer.
            const qint64 start = threadCpuNs();
            QApplication::processEvents(QEventLoop::AllEvents);
            worst = std::max(worst, double(threadCpuNs() - start) / 1e6);
            if (threadCpuNs() - before < 1'000'000) QThread::usleep(500);
            window.selection()->hover(int(nSteps % kRunSteps) / 2);
            if (!warmKiB && clock.elapsed() > seconds * 500) warmKiB = residentKiB();
        }
        const qint64 endKiB = residentKiB();
        qInfo("%lld steps in %d s, longest turn %.1f ms of CPU, resident %lld MiB at half time, %lld MiB at the end",
              nSteps, seconds, worst, warmKiB / 1024, endKiB / 1024);
        QVERIFY2(nSteps > qint64(seconds) * kStepsPerS / 2, "the window could not take the steps in");
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        return;  // a sanitizer's own memory and time count
#endif
        QVERIFY2(endKiB - warmKiB < 48 * 1024,
                 qPrintable(QString("grew by %1 KiB in the second half").arg(endKiB - warmKiB)));
        QVERIFY2(worst < bound, qPrintable(QString("%1 ms").arg(worst)));
    }
};

QTEST_MAIN(TestWindowSoak)
#include "tst_window_soak.moc"
