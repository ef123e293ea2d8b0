#include "app/gui/screenshots.h"

#include <QAction>
#include <QApplication>
#include <QDialog>
#include <QDir>
#include <QElapsedTimer>
#include <QImage>
#include <QPainter>
#include <QThread>
#include <cstdio>
#include <functional>

#include "ui/views/probe/probe_view.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/views/transcript/transcript_view.h"
#include "ui/window/banner.h"
#include "ui/window/dock_layout.h"
#include "ui/window/lesson_card.h"
#include "ui/window/main_window.h"
#include "ui/window/model_loader.h"
#include "ui/window/replay_card.h"
#include "ui/window/tour.h"

namespace spanscope {

namespace {

constexpr int kPatienceMs = 300'000;
constexpr QSize kWindow(1440, 900), kLessonFrame(1100, 690);

bool waitFor(const std::function<bool()>& done) {
    QElapsedTimer clock;
    clock.start();
    while (!done() && clock.elapsed() < kPatienceMs) {
        QApplication::processEvents(QEventLoop::AllEvents, 20);
        QThread::msleep(2);
    }
    return done();
}

void settle() {  // tiles and plots redraw on timers
    QElapsedTimer clock;
    clock.start();
    waitFor([&] { return clock.elapsed() > 600; });
}

bool saveImage(const QImage& image, const QString& path) {
    if (!image.isNull() && image.save(path)) return true;
    std::fprintf(stderr, "%s: cannot be written\n", qPrintable(path));
    return false;
}

/// The pages of the lesson one after the other, with what the model does without what it named. Null where a page did
/// not come.
QImage lessonStrip(MainWindow& window, LessonCard* lesson) {
    window.resize(kLessonFrame);
    QList<QImage> frames;
    const auto take = [&] {
        settle();
        frames << window.grab().toImage().scaled(kLessonFrame, Qt::IgnoreAspectRatio, Qt::SmoothTransformation);
        frames.back().setDevicePixelRatio(1);
    };
    for (int page = 0; page < kLessonPages; ++page) {
        if (page > 0) lesson->next();
        if (lesson->page() == LessonPage::Attention) window.selection()->hover(window.store()->nSteps() / 2);
        take();
        if (lesson->page() != LessonPage::Remove) continue;
        lesson->takeAway();
        if (!waitFor([&] { return lesson->hasTakenAway(); })) return {};
        take();
        lesson->goOn();
        if (!waitFor([&] { return lesson->hasGoneOn(); })) return {};
        take();
    }
    constexpr int kColumns = 2, kGap = 8;
    const int rows = (static_cast<int>(frames.size()) + kColumns - 1) / kColumns;
    const QSize cell = kLessonFrame + QSize(kGap, kGap);
    QImage strip(kColumns * cell.width() - kGap, rows * cell.height() - kGap, QImage::Format_RGB32);
    strip.fill(window.palette().color(QPalette::Mid));
    QPainter painter(&strip);
    for (int i = 0; i < frames.size(); ++i)
        painter.drawImage(i % kColumns * cell.width(), i / kColumns * cell.height(), frames[i]);
    return strip;
}

}  // namespace

bool takeScreenshots(MainWindow& window, const QString& folder) {
    QDir().mkpath(folder);
    bool ok = true;
    const auto save = [&](const QString& name) {
        settle();
        ok = saveImage(window.grab().toImage(), folder + '/' + name + ".png") && ok;
    };
    const auto run = [&](const QString& task, int sample, MainWindow::Compare mode) {
        window.promptEditor()->setTask(task);
        emit window.promptEditor()->taskChosen(task);
        waitFor([&] { return window.state() != MainWindow::State::Loading; });
        if (window.promptEditor()->task() != task) {  // it went back to one whose model is here
            std::fprintf(stderr, "%s: its model lacks its base, which ./run model brings\n", qPrintable(task));
            for (QDialog* dialog : window.findChildren<QDialog*>()) dialog->reject();
            window.banner()->dismiss();
            ok = false;
            return;
        }
        window.promptEditor()->useSample(sample);
        window.runs()->setCompare(mode);
        window.action("run")->trigger();
        if (!waitFor([&] { return window.state() == MainWindow::State::Ready; }) || window.store()->nSteps() == 0) {
            std::fprintf(stderr, "sample %d of %s did not run\n", sample, qPrintable(task));
            ok = false;
        }
        window.promptEditor()->edit();
    };
    /// The first step in focus phase of the last segment that declared something.
    const auto selectReader = [&](double where) {
        const RunData& data = window.store()->data();
        const int from = int(double(data.steps.size()) * where);
        for (size_t i = size_t(std::max(0, from)); i < data.steps.size(); ++i) {
            const StepRecord& step = data.steps[i];
            if (step.phase != Phase::Focus || step.segment < 0) continue;
            if (data.segments[size_t(step.segment)].refs.empty()) continue;
            window.selection()->lockRange(int(i) + 1, int(i) + 1);
            return;
        }
    };
    if (!waitFor([&] { return window.state() != MainWindow::State::Loading; }) ||
        window.state() == MainWindow::State::NoModel) {
        std::fprintf(stderr, "the model does not load\n");
        return false;
    }
    window.resize(kWindow);
    window.action("themeLight")->trigger();
    window.docks()->setPreset("demo");
    save("empty");
    run("expression", 3, MainWindow::Compare::Both);
    selectReader(0.6);
    save("expression");
    run("news", 7, MainWindow::Compare::Both);
    window.docks()->raise("graph");
    selectReader(0.45);
    save("news");
    window.docks()->raise("throughput");
    run("sheet", 2, MainWindow::Compare::Both);
    save("sheet");
    selectReader(0.7);
    save("selected");
    window.action("themeDark")->trigger();
    save("dark");
    window.docks()->setPreset("analysis");
    save("analysis-dark");
    window.action("themeLight")->trigger();
    save("analysis");
    window.setSideBySide(true);
    save("side-by-side");
    window.setSideBySide(false);
    window.docks()->setPreset("presentation");
    save("presentation");
    window.docks()->setPreset("inspect");
    emit window.probe()->inspectRequested();
    ok = waitFor([&] { return window.probe()->isInspecting(); }) && ok;
    selectReader(0.7);
    save("inspect");
    window.docks()->setPreset("demo");
    window.docks()->raise("mask");
    window.docks()->raise("graph");
    window.docks()->raise("inspector");
    save("dependencies");
    window.docks()->raise("throughput");
    window.docks()->raise("spans");
    window.startTour();
    save("tour");
    if (auto* tour = window.findChild<Tour*>("tour")) {
        tour->next();
        save("tour-2");
        tour->end();
    }
    run("expression", 3, MainWindow::Compare::Both);
    window.startLesson();
    save("lesson");
    if (auto* lesson = window.findChild<LessonCard*>("lesson")) {
        ok = saveImage(lessonStrip(window, lesson), folder + "/lesson-strip.png") && ok;
        lesson->end();
    }
    window.resize(kWindow);
    window.docks()->raise("mask");
    window.startReplay();
    if (auto* replay = window.findChild<ReplayCard*>("replay")) {
        for (int piece = 0; piece < 5; ++piece) replay->next();
        save("replay");
        replay->end();
    }
    window.promptEditor()->setTask("expression");
    window.promptEditor()->setText("12+*3");
    window.action("run")->trigger();
    ok = waitFor([&] { return window.state() == MainWindow::State::Ready; }) && ok;
    save("wrong-problem");
    window.promptEditor()->useSample(0);
    window.models()->load({folder, 0, Device::Auto});
    ok = waitFor([&] { return window.state() == MainWindow::State::Ready; }) && ok;
    save("broken-model");
    return ok;
}

}  // namespace spanscope
