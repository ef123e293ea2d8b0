// All plots of the window on one growing run, 20,000 steps a second for a while: how long the GUI thread is held at
// most. A program, not a test:  soak_views [seconds [stepsPerS [views: letters of mtlg]]]   prints one JSON line.
#include <time.h>
#include <QApplication>
#include <QElapsedTimer>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include "tests/ui/sample_run.h"
#include "ui/views/graph/graph_view.h"
#include "ui/views/mask/mask_view.h"
#include "ui/views/throughput/throughput_view.h"
#include "ui/views/timeline/timeline_view.h"

using namespace spanscope;

namespace {

double residentMiB() {
    std::ifstream file("/proc/self/statm");
    long total = 0, resident = 0;
    file >> total >> resident;
    return double(resident) * 4096 / (1024 * 1024);
}

/// Processor time of this thread: what the views cost, whatever else the machine does.
double cpuMs() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return double(t.tv_sec) * 1e3 + double(t.tv_nsec) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
    if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication app(argc, argv);
    const double seconds = argc > 1 ? std::atof(argv[1]) : 20;
    const int perSecond = argc > 2 ? std::atoi(argv[2]) : 20'000;

    RunStore store, dense;
    Selection selection;
    const std::string which = argc > 3 ? argv[3] : "mtlg";
    std::vector<std::unique_ptr<QWidget>> views;
    for (const char c : which) {
        if (c == 'm') views.push_back(std::make_unique<MaskView>(&store, &selection));
        if (c == 't') views.push_back(std::make_unique<ThroughputView>(&store, &dense, &selection));
        if (c == 'l') views.push_back(std::make_unique<TimelineView>(&store, &dense, &selection));
        if (c == 'g') views.push_back(std::make_unique<GraphView>(&store, &selection));
        views.back()->resize(800, 500);
        views.back()->show();
    }
    QApplication::processEvents();

    sample::Builder source(MaskPolicySpec::declared());
    for (int i = 0; i < 512; ++i) source.prompt("p");
    store.begin(std::make_shared<const RunHeader>(source.run.header), {});

    QElapsedTimer clock, part;
    std::vector<double> held, cpu;
    int segment = -1, sent = 0, inSegment = 0;
    double appendMs = 0, appendCpuMs = 0;
    clock.start();
    while (clock.elapsed() < seconds * 1000) {
        const int wanted = int(double(clock.elapsed()) / 1000 * perSecond);
        auto batch = std::make_shared<RunBatch>();
        while (int(source.run.steps.size()) < wanted) {
            if (segment < 0 || inSegment == 64) {
                if (segment >= 0) source.close(segment);
                segment = source.open(SegmentKind::Out, int64_t(source.run.segments.size()) + 1);
                if (segment > 0)
                    source.run.segments.back().refs.push_back({SegmentKind::Out,
                                                               segment,
                                                               segment - 1,
                                                               source.position(),
                                                               {source.run.segments[size_t(segment) - 1].begin,
                                                                source.run.segments[size_t(segment) - 1].end}});
                inSegment = 0;
            }
            const Interval own{source.run.segments.back().begin, kOpenEnd};
            const Phase phase = inSegment < 12 ? Phase::Declare : inSegment < 30 ? Phase::Focus : Phase::Local;
            source.step("x", phase, segment,
                        phase == Phase::Focus ? std::vector<Interval>{{0, 16}, {100, 140}, own}
                                              : std::vector<Interval>{{0, 16}, own});
            ++inSegment;
        }
        batch->runId = source.run.header.runId;
        batch->steps.assign(source.run.steps.begin() + sent, source.run.steps.end());
        batch->segments = source.run.segments;
        batch->stats = source.run.stats;
        sent = int(source.run.steps.size());
        part.start();
        const double before = cpuMs();
        store.append(batch);
        appendCpuMs = std::max(appendCpuMs, cpuMs() - before);
        appendMs = std::max(appendMs, double(part.nsecsElapsed()) / 1e6);
        while (part.nsecsElapsed() < 16'000'000) {
            QElapsedTimer turn;
            turn.start();
            const double cpuBefore = cpuMs();
            QApplication::processEvents(QEventLoop::AllEvents);
            held.push_back(double(turn.nsecsElapsed()) / 1e6);
            cpu.push_back(cpuMs() - cpuBefore);
            if (turn.nsecsElapsed() < 200'000) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
    std::sort(held.begin(), held.end());
    std::sort(cpu.begin(), cpu.end());
    std::printf(
        "{\"seconds\":%.0f,\"steps\":%d,\"turns\":%zu,\"held_p99_ms\":%.2f,\"held_max_ms\":%.2f,\"cpu_p50_ms\":%.2f,"
        "\"cpu_max_ms\":%.2f,\"append_max_ms\":%.2f,\"append_cpu_max_ms\":%.2f,\"resident_mib\":%.0f}\n",
        seconds, sent, held.size(), held[size_t(double(held.size() - 1) * 0.99)], held.back(), cpu[cpu.size() / 2],
        cpu.back(), appendMs, appendCpuMs, residentMiB());
    return 0;
}
