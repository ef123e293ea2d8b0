// The main states of the window over made-up runs, for pictures: the same on every machine, no model needed.
#pragma once

#include <QAction>
#include <QApplication>
#include <QElapsedTimer>
#include <QSettings>
#include <functional>

#include "tests/ui/sample_run.h"
#include "ui/views/mask/mask_view.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/window/banner.h"
#include "ui/window/dock_layout.h"
#include "ui/window/main_window.h"
#include "ui/window/model_loader.h"

namespace spanscope::sample {

inline void settle(int ms) {
    QElapsedTimer clock;
    clock.start();
    while (clock.elapsed() < ms) QApplication::processEvents(QEventLoop::AllEvents, 10);
}

/// Calls shoot(name) with the window in each state.
inline void eachWindowState(const std::function<void(const QString&, MainWindow&)>& shoot, QSize size = {1440, 900}) {
    QSettings().clear();
    MainWindow::Setup setup;
    setup.tasks = {{"expression", "Arithmetic expression", {"(12+7)*(3-8)", "1+2"}},
                   {"sheet", "Sheet of calculations", {"64-71\n$1*3"}}};
    setup.version = "0.1.0";
    MainWindow window(setup);
    window.resize(size);
    window.show();
    window.docks()->setPreset("demo");  // for this size
    const auto take = [&](const QString& name) {
        settle(400);
        for (MaskView* mask : window.findChildren<MaskView*>()) mask->finishTiles();
        shoot(name, window);
    };
    window.action("themeLight")->trigger();
    take("empty");
    ModelInfo model;
    model.path = "/models/arith";
    model.name = "Arithmetic";
    model.backend = "cpu";
    model.device = "2 threads";
    model.tasks = QStringList{"expression", "sheet"};
    window.models()->onModelReady(model);
    const RunData run = sheet(24), dense = sheet(24, MaskPolicySpec::dense());
    window.action("attentionBoth")->trigger();
    window.action("run")->trigger();
    for (const auto& [data, id] : {std::pair{&run, 1}, std::pair{&dense, 2}}) {
        RunHeader header = data->header;
        header.runId = id;
        window.runs()->onStarted(id, std::make_shared<const RunHeader>(header), {});
    }
    for (const auto& [data, id] : {std::pair{&run, 1}, std::pair{&dense, 2}}) {
        auto batch = std::make_shared<RunBatch>();
        batch->runId = id;
        batch->steps = data->steps;
        batch->segments = data->segments;
        batch->violations = data->violations;
        batch->stats = data->stats;
        batch->answer = "-42";
        batch->finished = true;
        window.runs()->onBatch(batch);
        window.runs()->onFinished(id, StopReason::EndOfText);
    }
    window.runs()->onIdle();
    take("finished");
    const int step = static_cast<int>(run.steps.size()) / 2;
    window.selection()->lockRange(step, step);
    take("selected");
    window.action("themeDark")->trigger();
    take("selected-dark");
    window.action("layoutAnalysis")->trigger();
    take("analysis-dark");
    window.action("themeLight")->trigger();
    take("analysis");
    window.action("layoutPresentation")->trigger();
    take("presentation");
    window.action("layoutDemo")->trigger();
    ErrorInfo error;
    error.title = "The model could not be opened";
    error.text = "The header says more bytes than the file has.";
    error.detail = "File: model.safetensors\nField: header length\nFound: 99999999\nExpected: at most 1024";
    window.models()->onModelFailed("/x", error);
    take("error");
}

}  // namespace spanscope::sample
