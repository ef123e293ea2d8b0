// Frame times of the real mask widget at 16,384 steps x 32,768 positions: pan, zoom, live append. A program, not a
// test:  bench_mask_view [steps [prompt [width height]]]   prints one JSON line: median, 95th percentile and
// maximum of a frame, which is an action handled, painted, and the tiles that came in painted once more.
#include <time.h>
#include <QApplication>
#include <QElapsedTimer>
#include <QScrollBar>
#include <QWheelEvent>

#include <algorithm>
#include <cstdio>

#include "tests/ui/sample_run.h"
#include "ui/views/mask/mask_view.h"

using namespace spanscope;

namespace {

/// Wall time is what a person waits for; processor time of the GUI thread is the same on a busy machine.
struct Times {
    std::vector<double> wall, cpu;
    static double at(std::vector<double>& v, double q) {
        std::sort(v.begin(), v.end());
        return v.empty() ? 0 : v[std::min(v.size() - 1, size_t(q * double(v.size())))];
    }
};

double cpuMs() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return double(t.tv_sec) * 1e3 + double(t.tv_nsec) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
    if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication app(argc, argv);
    const auto arg = [&](int i, int fallback) { return argc > i ? std::atoi(argv[i]) : fallback; };
    const int nSteps = arg(1, 16384), nPrompt = arg(2, 16384);
    const RunData run = sample::large(nSteps, nPrompt);

    RunStore store;
    Selection selection;
    MaskView view(&store, &selection);
    view.resize(arg(3, 1000), arg(4, 800));
    view.show();
    QApplication::processEvents();
    QElapsedTimer timer;

    // What a person waits for: one action handled, painted, and whatever the tiles bring in with it.
    const auto frame = [&](Times& times, auto&& act) {
        timer.start();
        const double before = cpuMs();
        act();
        view.viewport()->repaint();
        QApplication::processEvents();  // tiles that came in, and the repaint they ask for
        times.cpu.push_back(cpuMs() - before);
        times.wall.push_back(double(timer.nsecsElapsed()) / 1e6);
    };

    Times append, pan, zoom, hover;
    store.begin(std::make_shared<const RunHeader>(run.header), run.segments);
    const int rowsAFrame = 64;
    for (int i = 0; i < nSteps; i += rowsAFrame) {
        auto batch = std::make_shared<RunBatch>();
        batch->steps.assign(run.steps.begin() + i, run.steps.begin() + std::min(nSteps, i + rowsAFrame));
        batch->runId = run.header.runId;
        batch->segments = run.segments;
        batch->finished = i + rowsAFrame >= nSteps;
        frame(append, [&] { store.append(batch); });
    }
    timer.start();
    view.fit();
    view.finishTiles();
    const double fullMs = double(timer.nsecsElapsed()) / 1e6;

    const auto wheel = [&](int notches, Qt::KeyboardModifiers modifiers) {
        const QPointF at(view.width() * 0.45, view.height() * 0.55);
        QWheelEvent e(at, view.mapToGlobal(at), {}, QPoint(0, notches * 120), Qt::NoButton, modifiers,
                      Qt::NoScrollPhase, false);
        QApplication::sendEvent(view.viewport(), &e);
    };
    for (int i = 0; i < 40; ++i) frame(zoom, [&] { wheel(1, Qt::ControlModifier); });
    for (int i = 0; i < 200; ++i) frame(pan, [&] { wheel(i % 40 < 20 ? -1 : 1, Qt::NoModifier); });
    for (int i = 0; i < 200; ++i)
        frame(pan, [&] {
            view.horizontalScrollBar()->setValue(view.horizontalScrollBar()->value() + (i % 60 < 30 ? 37 : -37));
        });
    for (int i = 0; i < 40; ++i) frame(zoom, [&] { wheel(-1, Qt::ControlModifier); });
    view.fit();
    for (int i = 0; i < 200; ++i)
        frame(hover, [&] {
            const QPointF at(120 + i * 3.7, 60 + i * 3.1);
            QMouseEvent e(QEvent::MouseMove, at, view.viewport()->mapToGlobal(at), Qt::NoButton, Qt::NoButton,
                          Qt::NoModifier);
            QApplication::sendEvent(view.viewport(), &e);
        });

    const auto print = [](const char* name, Times& t) {
        std::printf("\"%s\":{\"frames\":%zu,\"wall_ms\":[%.2f,%.2f,%.2f],\"cpu_ms\":[%.2f,%.2f,%.2f]},", name,
                    t.wall.size(), t.at(t.wall, 0.5), t.at(t.wall, 0.95), t.at(t.wall, 1), t.at(t.cpu, 0.5),
                    t.at(t.cpu, 0.95), t.at(t.cpu, 1));
    };
    std::printf("{\"steps\":%d,\"positions\":%d,\"width\":%d,\"height\":%d,", nSteps, store.nContext(), view.width(),
                view.height());
    print("append", append);
    print("pan", pan);
    print("zoom", zoom);
    print("hover", hover);
    std::printf("\"all_tiles_ms\":%.1f}\n", fullMs);
    return 0;
}
