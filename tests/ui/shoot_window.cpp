// Pictures of the window's states for a person to look at: shoot_window FOLDER. No model: made-up runs.
#include <QAction>
#include <QApplication>
#include <QDir>
#include <QSettings>
#include <QStandardPaths>
#include <cstdio>

#include "tests/ui/sample_run.h"
#include "ui/views/prompt_editor.h"
#include "ui/window/banner.h"
#include "ui/window/main_window.h"

using namespace spanscope;

int main(int argc, char** argv) {
    QStandardPaths::setTestModeEnabled(true);
    QApplication app(argc, argv);
    QApplication::setApplicationName("spanscope-shoot");
    QApplication::setOrganizationName("spanscope-shoot");
    QSettings().clear();
    if (argc < 2) return std::fprintf(stderr, "usage: shoot_window FOLDER\n"), 2;
    const QString folder = argv[1];
    QDir().mkpath(folder);
    MainWindow::Setup setup;
    setup.tasks = {{"expression", "Arithmetic expression", {"(12+7)*(3-8)", "1+2"}}, {"sheet", "Sheet", {"64-71\n$1*3"}}};
    setup.version = "0.1.0";
    MainWindow window(setup);
    window.resize(1440, 900);
    window.show();
    const auto shoot = [&](const QString& name) {
        for (int i = 0; i < 20; ++i) QApplication::processEvents(QEventLoop::AllEvents, 20);
        window.grab().save(folder + '/' + name + ".png");
    };
    shoot("empty");
    ModelInfo model;
    model.path = "/models/arith";
    model.name = "arith";
    model.device = "CPU, 2 threads";
    model.tasks = QStringList{"expression", "sheet"};
    window.onModelReady(model);
    const RunData run = sample::sheet(24);
    const RunData dense = sample::sheet(24, AttentionMode::Dense);
    window.action("attentionBoth")->trigger();
    window.action("run")->trigger();
    RunHeader header = run.header, denseHeader = dense.header;
    header.runId = 1;
    denseHeader.runId = 2;
    window.onStarted(1, std::make_shared<const RunHeader>(header), {});
    window.onStarted(2, std::make_shared<const RunHeader>(denseHeader), {});
    for (const auto* data : {&run, &dense}) {
        auto batch = std::make_shared<RunBatch>();
        batch->runId = data == &run ? 1 : 2;
        batch->steps = data->steps;
        batch->segments = data->segments;
        batch->violations = data->violations;
        batch->stats = data->stats;
        batch->answer = "-42";
        batch->finished = true;
        window.onBatch(batch);
        window.onFinished(batch->runId, StopReason::EndOfText);
    }
    window.onIdle();
    shoot("finished");
    window.selection()->lock(int(run.steps.size()) / 2);
    shoot("selected");
    window.action("themeDark")->trigger();
    shoot("dark");
    window.action("layoutAnalysis")->trigger();
    shoot("analysis-dark");
    window.action("themeLight")->trigger();
    shoot("analysis");
    window.action("layoutPresentation")->trigger();
    shoot("presentation");
    window.action("layoutDemo")->trigger();
    ErrorInfo error;
    error.title = "The model could not be opened";
    error.text = "The header says more bytes than the file has.";
    error.detail = "File: model.safetensors\nField: header length\nFound: 99999999\nExpected: at most 1024";
    window.onModelFailed("/x", error);
    shoot("error");
    return 0;
}
