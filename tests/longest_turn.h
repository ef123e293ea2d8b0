// How long the window is away from its event loop while it takes something in: the longest turn, in CPU time of its
// thread, since what a busy machine takes away is not the window's fault. Meanwhile a repaint is asked for every 50 ms.
#pragma once

#include <QApplication>
#include <QElapsedTimer>
#include <QThread>
#include <QWidget>
#include <QtTest>
#include <algorithm>
#include <ctime>
#include <functional>

#include "tests/patience.h"

namespace spanscope::test {

/// Generous, so that a slow or shared machine passes; SPANSCOPE_HEAVY_MS sets another (./run soak).
inline double turnBoundMs() {
    return kSlowdown *
           (qEnvironmentVariableIsSet("SPANSCOPE_HEAVY_MS") ? qEnvironmentVariableIntValue("SPANSCOPE_HEAVY_MS") : 300);
}

inline double threadCpuMs() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return double(t.tv_sec) * 1e3 + double(t.tv_nsec) / 1e6;
}

/// From `start` until `done`, and 600 ms on, for the timers of the views. Ms. Fails where it is not done within a
/// minute.
inline double longestTurn(const std::function<void()>& start, const std::function<bool()>& done) {
    double worst = 0;
    const auto turn = [&](const std::function<void()>& what) {
        const double before = threadCpuMs();
        what();
        worst = std::max(worst, threadCpuMs() - before);
    };
    QElapsedTimer clock, sincePaint;
    clock.start();
    sincePaint.start();
    turn(start);
    bool ended = false;
    while (ended ? clock.elapsed() < 600 : clock.elapsed() < patience(60000)) {
        turn([] { QApplication::processEvents(QEventLoop::AllEvents); });
        if (sincePaint.elapsed() >= 50) {
            sincePaint.restart();
            for (QWidget* top : QApplication::topLevelWidgets())
                if (top->isVisible()) top->update();
        }
        if (!ended && done()) {
            ended = true;
            clock.restart();
        }
        QThread::usleep(200);
    }
    if (!ended) QTest::qFail("it was not taken in", __FILE__, __LINE__);
    return worst;
}

}  // namespace spanscope::test
