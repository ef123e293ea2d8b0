// The main states of the window over made-up runs, for pictures: the same on every machine, no model needed.
#pragma once

#include <QAction>
#include <QApplication>
#include <QElapsedTimer>
#include <QPlainTextEdit>
#include <QSettings>
#include <functional>

#include "tests/ui/sample_chat.h"
#include "tests/ui/sample_run.h"
#include "ui/views/mask/mask_view.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/views/reach/reach_view.h"
#include "ui/window/banner.h"
#include "ui/window/chat_controller.h"
#include "ui/window/chat_panel.h"
#include "ui/window/dock_layout.h"
#include "ui/window/main_window.h"
#include "ui/window/model_loader.h"

namespace spanscope::sample {

inline void settle(int ms) {
    QElapsedTimer clock;
    clock.start();
    while (clock.elapsed() < ms) QApplication::processEvents(QEventLoop::AllEvents, 10);
}

/// A conversation of two questions, the second one answered twice, by a model that reasons; a third is being answered.
inline void holdConversation(MainWindow& window) {
    ModelInfo model;
    model.path = "/models/tiny-instruct";
    model.name = "Tiny Instruct";
    model.backend = "cpu";
    model.device = "2 threads";
    window.models()->onModelReady(model);
    window.chatPanel()->systemEdit()->setPlainText("You answer in a few plain sentences.");
    const QString why = "Why is the sky blue, and why is it red in the evening?";
    const QString because =
        "Air scatters short waves of light more than long ones, so that blue light reaches us from all over the "
        "sky.\n\n"
        "In the evening sunlight passes through far more air: most of the blue has been scattered out of it on the "
        "way, "
        "and what is left is red.";
    const QString first = "By about ten times: scattering grows with the fourth power of the frequency.";
    ChatTurnInfo second = answer(2, "About 9.4 times as much, by the fourth power of 700/400.");
    second.reasoning = "700 nm over 400 nm is 1.75. Its fourth power is 9.378.";
    second.nReasoningTokens = 128;
    second.keptTokens = 412;
    second.readTokens = 18;
    second.nTokens = 151;
    second.tokensPerS = 84;
    const RunData run = chatRun(why + '\n' + because + "\nAnd on Mars?",
                                "There it is the other way round: fine dust scatters red light all over the sky, and "
                                "around the setting sun the sky is blue.",
                                window.runs()->beginElsewhere());
    const qint64 id = run.header.runId;
    ChatUpdate update;
    update.conversation = window.chat()->tree()->id();
    update.turns = {question(-1, why),
                    answer(0, because),
                    question(1, "By how much more? Wave lengths: 400 and 700 nm."),
                    answer(2, first),
                    second,
                    question(4, "And on Mars?")};
    for (ChatTurnInfo& turn : update.turns)
        if (!turn.isQuestion) turn.modelName = model.name;
    update.tip = 5;
    update.writing = id;
    window.chat()->onChatChanged(update);
    window.runs()->onStarted(id, std::make_shared<const RunHeader>(run.header), {});
    auto batch = std::make_shared<RunBatch>();
    batch->runId = id;
    batch->steps = run.steps;
    batch->stats = run.stats;
    window.runs()->onBatch(batch);
}

/// Calls shoot(name) with the window in each state.
inline void eachWindowState(const std::function<void(const QString&, MainWindow&)>& shoot, QSize size = {1440, 900}) {
    QSettings().clear();
    MainWindow::Setup setup;
    setup.tasks = {{"expression", "Arithmetic expression", {"(12+7)*(3-8)", "1+2"}},
                   {"sheet", "Sheet of calculations", {"64-71\n$1*3"}},
                   {"chat", "Chat", {"Why is the sky blue?"}, false, true}};
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
    window.banner()->dismiss();
    window.docks()->raise("reach");
    const auto* reach = window.findChild<ReachView*>();
    for (int tries = 0; tries < 200 && reach->reach().step != step; ++tries) settle(20);
    take("reach");
    window.docks()->raise("whatif");
    take("whatif");
    window.action("themeDark")->trigger();
    take("whatif-dark");
    window.action("themeLight")->trigger();
    window.docks()->reset();
    window.action("contrastHigh")->trigger();
    take("contrast");
    window.action("themeDark")->trigger();
    take("contrast-dark");
    window.action("contrastSystem")->trigger();
    window.action("themeLight")->trigger();
    holdConversation(window);
    take("chat");
    window.action("themeDark")->trigger();
    take("chat-dark");
}

}  // namespace spanscope::sample
