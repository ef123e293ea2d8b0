// What a person can ask of the window: every action with its shortcut and tooltip, and the menus they stand in.
#include <QAction>
#include <QActionGroup>
#include <QMenu>
#include <QSettings>
#include <algorithm>

#include "ui/model/shown_text.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/window/appearance.h"
#include "ui/window/chat_controller.h"
#include "ui/window/chat_panel.h"
#include "ui/window/dock_layout.h"
#include "ui/window/help_dialogs.h"
#include "ui/window/main_tool_bar.h"
#include "ui/window/main_window.h"
#include "ui/window/model_loader.h"
#include "ui/window/run_files.h"
#include "ui/window/run_session.h"
#include "ui/window/run_tabs.h"
#include "ui/window/transcript_panel.h"
#include "ui/window/window_actions.h"

namespace spanscope {

void MainWindow::addActions() {
    const auto add = [this](const QString& id, const QString& text, const QList<QKeySequence>& keys, const QString& tip,
                            const std::function<void()>& run) { return m_actions->add(id, text, keys, tip, run); };
    const auto key = [](const char* text) { return QList<QKeySequence>{QKeySequence(text)}; };
    // File
    add("openModel", tr("&Open model…"), {QKeySequence::Open}, tr("Open a model folder"),
        [this] { m_models->chooseFolder(); });
    add("openGguf", tr("Open &GGUF…"), key("Ctrl+Shift+G"), tr("Open a model in a .gguf file"),
        [this] { m_models->chooseGguf(); });
    add("openTrace", tr("Open &trace…"), key("Ctrl+Shift+O"), tr("Open a recorded run"),
        [this] { m_files->chooseTrace(); });
    add("saveTrace", tr("&Save trace…"), {QKeySequence::Save, QKeySequence("Ctrl+Shift+S")}, tr("Save the current run"),
        [this] { m_files->saveTrace(); });
    add("closeTab", tr("Close ta&b"), {QKeySequence("Ctrl+W")},
        tr("Close the tab of the run on show; the run stays in Runs"),
        [this] { m_transcripts->tabs()->closeCurrent(); });
    add("keepRuns", tr("&Keep runs"), {},
        tr("Finished runs come back at the next start: the newest 200, up to 200 MiB"),
        [this] { m_session->setKeeps(action("keepRuns")->isChecked()); });
    action("keepRuns")->setCheckable(true);
    add("clearRuns", tr("Delete kept runs…"), {}, tr("Forget what was kept from start to start"),
        [this] { m_session->clear(); });
    add("exportImage", tr("Export &picture…"), key("Ctrl+Shift+E"),
        tr("Mask, throughput, timeline or dependencies as PNG, SVG or PDF"), [this] { m_files->exportPicture(); });
    add("exportData", tr("Export &data…"), key("Ctrl+E"), tr("Mask, spans, segments, transcript or report as files"),
        [this] { m_files->exportData(); });
    add("modelCard", tr("Model &card"), key("Ctrl+I"), tr("What the model is, was trained on, and its limits"),
        [this] { m_models->showCard(); });
    add("cancelLoad", tr("&Cancel loading"), key("Ctrl+."), tr("Stop loading the model and give its memory back"),
        [this] { emit m_models->loadCancelRequested(); });
    add("quit", tr("&Quit"), {QKeySequence("Ctrl+Q")}, tr("Close the program"), [this] { close(); });
    // Run
    add("run", tr("&Run"), {QKeySequence("Ctrl+Return"), QKeySequence("Ctrl+Enter")}, tr("Run the problem"), [this] {
        if (!m_prompt->isConversation()) return m_runs->run();
        if (m_runs->teachesTags()) {  // a question by itself, looked at token by token
            action("chatTokens")->setChecked(true);
            m_runs->setSystemText(m_chatPanel->systemText());
            return m_runs->run();
        }
        action("chatTokens")->setChecked(false);  // of whatever was looked at before
        m_chat->send();
    });
    add("stop", tr("S&top"), key("Esc"), tr("Stop within one step; what was decoded stays"),
        [this] { m_runs->stop(); });
    add("repeat", tr("R&epeat"), {QKeySequence("Ctrl+R"), QKeySequence("F5")},
        tr("The last run again, with the same settings and seed"), [this] { m_runs->repeat(); });
    add("runLabel", tr("Name and n&otes…"), key("Ctrl+Shift+N"), tr("What you call the run on show; kept in its trace"),
        [this] { m_session->editLabel(history()->rowOf(store()->share().get())); });
    add("sampling", tr("&Sampling…"), key("Ctrl+,"), tr("Temperature, seed and limits of the next run"),
        [this] { m_runs->editSettings(this); });
    add("classReplay", tr("Replay for a &class"), key("Ctrl+Shift+K"),
        tr("The run on show piece by piece: first what it names, then what it writes"), [this] { startReplay(); });
    add("focusPrompt", tr("Go to &problem"), key("Ctrl+L"), tr("Put the cursor into the problem"),
        [this] { m_prompt->focusText(); });
    addAttentionActions();
    addChatActions();
    // Edit
    add("unlock", tr("Clear &selection"), key("Esc"), tr("Clear selection: nothing is dimmed any more"),
        [this] { selection()->clear(); });
    add("nextStep", tr("&Next step"), key("Alt+Right"), tr("Select the next step"), [this] { selectNeighbour(1); });
    add("previousStep", tr("&Previous step"), key("Alt+Left"), tr("Select the step before"),
        [this] { selectNeighbour(-1); });
    add("copyTranscript", tr("&Copy transcript"), key("Ctrl+Shift+C"), tr("Prompt and response as text"),
        [this] { copyTranscript(); });
    add("find", tr("&Find…"), {QKeySequence::Find}, tr("Find text in the transcript or the conversation"),
        [this] { showsConversation() ? m_chatPanel->openFind() : m_transcripts->openFind(); });
    add("findNext", tr("Find n&ext"), key("F3"), tr("Next match"), [this] { findNext(1); });
    add("findPrevious", tr("Find pre&vious"), key("Shift+F3"), tr("Previous match"), [this] { findNext(-1); });
    add("closeFind", tr("C&lose find"), key("Ctrl+Shift+F"), tr("Close the find bar"),
        [this] { showsConversation() ? m_chatPanel->closeFind() : m_transcripts->closeFind(); });
    // View
    add("zoomIn", tr("Zoom &in"), {QKeySequence::ZoomIn, QKeySequence("Ctrl+=")}, tr("Larger text"),
        [this] { m_appearance->setZoom(m_appearance->zoom() + 0.1); });
    add("zoomOut", tr("Zoom &out"), {QKeySequence::ZoomOut}, tr("Smaller text"),
        [this] { m_appearance->setZoom(m_appearance->zoom() - 0.1); });
    add("zoomReset", tr("Reset te&xt size"), key("Ctrl+0"), tr("Reset text size"),
        [this] { m_appearance->setZoom(1); });
    add("layoutDemo", tr("&Explore layout"), key("Ctrl+Shift+1"), tr("Transcript and mask; figures and tables in tabs"),
        [this] { m_docks->setPreset("demo"); });
    add("layoutAnalysis", tr("&Analysis layout"), key("Ctrl+Shift+2"), tr("Mask, speed, timeline and tables at once"),
        [this] { m_docks->setPreset("analysis"); });
    add("layoutPresentation", tr("&Presentation layout"), key("Ctrl+Shift+3"), tr("Large text, transcript and mask"),
        [this] { m_docks->setPreset("presentation"); });
    add("layoutInspect", tr("&Inspect layout"), key("Ctrl+Shift+4"), tr("Transcript and Inspect, the largest"),
        [this] { m_docks->setPreset("inspect"); });
    add("layoutReset", tr("&Reset layout"), key("Ctrl+Shift+0"),
        tr("Put the panels of this layout back in their places"), [this] {
            m_promptDragged = false;
            m_docks->reset();
            fitPrompt();
        });
    add("sideBySide", tr("&Side by side"), key("Ctrl+D"),
        tr("The dense run, or another one, beside the transcript; differences are underlined"),
        [this] { setSideBySide(action("sideBySide")->isChecked()); });
    action("sideBySide")->setCheckable(true);
    add("showMarkup", tr("Show &markup"), key("Ctrl+M"),
        tr("The transcript as the model wrote it, with its special pieces; otherwise in plain words"), [this] {
            const bool markup = action("showMarkup")->isChecked();
            m_transcripts->setReading(markup ? Reading::Markup : Reading::Plain);
            QSettings().setValue("transcript/markup", markup);
        });
    action("showMarkup")->setCheckable(true);
    action("showMarkup")->setIconText(tr("Markup"));
    add("showWorking", tr("Show &working"), key("Ctrl+Shift+M"),
        tr("The written-out working of the selected line as column arithmetic below it; again folds it"),
        [this] { m_transcripts->toggleWorking(); });
    add("fullScreen", tr("&Full screen"), key("F11"), tr("Full screen, and back"),
        [this] { setWindowState(windowState() ^ Qt::WindowFullScreen); });
    addThemeActions();
    // Help
    add("shortcuts", tr("&Keyboard and mouse"), {QKeySequence("?"), QKeySequence("Shift+F1")}, tr("All shortcuts"),
        [this] { m_actions->showShortcuts(); });
    add("protocolHelp", tr("&How spans work"), {QKeySequence("F1")}, tr("The span protocol explained"),
        [this] { ProtocolHelp(this).exec(); });
    add("lesson", tr("&Lesson"), {}, tr("What attention is, in six pages on the run on show"),
        [this] { startLesson(); });
    add("tour", tr("&Tour"), {}, tr("The window in three steps"), [this] { startTour(); });
    add("about", tr("&About Spanscope"), {}, tr("Version, devices, licences"),
        [this] { AboutDialog(m_setup.version, m_setup.devices, this).exec(); });
    action("quit")->setMenuRole(QAction::QuitRole);
    action("about")->setMenuRole(QAction::AboutRole);
}

void MainWindow::addAttentionActions() {
    const auto add = [this](const char* id, const QString& text, const char* key, const QString& tip, Compare mode) {
        m_actions->add(id, text, {QKeySequence(key)}, tip, [this, mode] { m_runs->setCompare(mode); });
    };
    add("attentionDeclared", tr("&Declared attention"), "Alt+1", tr("Each step attends to what the model named"),
        Compare::Declared);
    add("attentionDense", tr("De&nse attention"), "Alt+2", tr("Each step attends to everything"), Compare::Dense);
    add("attentionLossless", tr("Lo&ssless attention"), "Alt+6",
        tr("The dense run's own output, drafted under what the model named"), Compare::Lossless);
    add("attentionBoth", tr("&Compare with dense"), "Alt+3", tr("Both over the same prompt, in alternating slices"),
        Compare::Both);
    add("attentionPolicy", tr("Compare with a &policy"), "Alt+7",
        tr("Declared beside another way of choosing what is read: both masks, what each keeps of dense attention, both "
           "answers"),
        Compare::Policy);
    add("attentionWindow", tr("&Window of attention"), "Alt+4",
        tr("Each step of the response attends to the newest tokens; for models that declare nothing"), Compare::Window);
    add("attentionKeep", tr("Sin&k and window"), "Alt+5",
        tr("The same with the first token, on which models rest what attention they do not need"), Compare::Keep);
}

void MainWindow::addThemeActions() {
    auto* group = new QActionGroup(this);
    const struct {
        const char *id, *text, *tip;
        ThemeChoice choice;
    } themes[] = {{"themeSystem", QT_TR_NOOP("Theme of the s&ystem"), QT_TR_NOOP("Light or dark as the desktop is"),
                   ThemeChoice::System},
                  {"themeLight", QT_TR_NOOP("&Light theme"), QT_TR_NOOP("Always light"), ThemeChoice::Light},
                  {"themeDark", QT_TR_NOOP("Dar&k theme"), QT_TR_NOOP("Always dark"), ThemeChoice::Dark}};
    for (const auto& theme : themes) {
        QAction* a = m_actions->add(theme.id, tr(theme.text), {}, tr(theme.tip),
                                    [this, choice = theme.choice] { m_appearance->setTheme(choice); });
        a->setCheckable(true);
        group->addAction(a);
    }
    auto* contrasts = new QActionGroup(this);
    const struct {
        const char *id, *text, *tip;
        ContrastChoice choice;
    } choices[] = {{"contrastSystem", QT_TR_NOOP("Contrast of the syste&m"),
                    QT_TR_NOOP("High where the desktop asks for it"), ContrastChoice::System},
                   {"contrastUsual", QT_TR_NOOP("Us&ual contrast"), QT_TR_NOOP("Whatever the desktop asks for"),
                    ContrastChoice::Usual},
                   {"contrastHigh", QT_TR_NOOP("&High contrast"),
                    QT_TR_NOOP("Black and white, strong outlines and patterns, light or dark as the theme is"),
                    ContrastChoice::High}};
    for (const auto& contrast : choices) {
        QAction* a = m_actions->add(contrast.id, tr(contrast.text), {}, tr(contrast.tip),
                                    [this, choice = contrast.choice] { m_appearance->setContrast(choice); });
        a->setCheckable(true);
        contrasts->addAction(a);
    }
}

void MainWindow::addMenus() {
    QMenu* file =
        m_actions->addMenu(tr("&File"), {"openModel", "openGguf", "modelCard", "cancelLoad", "", "openTrace",
                                         "saveTrace", "closeTab", "", "openChat", "saveChat", "", "exportImage",
                                         "exportData", "", "keepRuns", "clearRuns", "", "quit"});
    QMenu *bundled = m_models->bundledMenu(), *recent = m_models->recentMenu();
    m_idleMenus << recent;
    if (bundled) {
        m_idleMenus << bundled;
        file->insertMenu(action("modelCard"), bundled);
    }
    file->insertMenu(action("modelCard"), recent);
    file->insertMenu(action("saveTrace"), m_files->recentMenu());
    m_idleMenus << m_files->recentMenu();
    if (!m_setup.sampleTraces.isEmpty()) {
        auto* samples = new QMenu(tr("Recorded &examples"), this);
        for (const QString& path : m_setup.sampleTraces) {
            QAction* a = samples->addAction(menuText(path.section('/', -1).section('.', 0, 0)));
            a->setToolTip(plainToolTip(path));
            connect(a, &QAction::triggered, this, [this, path] { openPath(path); });
        }
        file->insertMenu(action("saveTrace"), samples);
        m_idleMenus << samples;
    }
    m_actions->addMenu(tr("&Edit"), {"copyTranscript", "", "find", "findNext", "findPrevious", "closeFind", "",
                                     "nextStep", "previousStep", "unlock"});
    m_actions->addMenu(tr("&Run"), {"run", "stop", "repeat", "classReplay", "", "attentionDeclared", "attentionDense",
                                    "attentionLossless", "attentionBoth", "attentionPolicy", "attentionWindow",
                                    "attentionKeep", "", "runLabel", "sampling", "focusPrompt"});
    m_actions->addMenu(tr("&Chat"), {"chatNew", "chatSystem", "", "chatAgain", "chatEdit", "chatCancelEdit", "",
                                     "chatPreviousTurn", "chatNextTurn", "chatPreviousBranch", "chatNextBranch", "",
                                     "chatReasoning", "chatRun", "chatTokens"});
    QStringList panels;
    for (const QString& id : m_actions->ids())
        if (id.startsWith("dock.")) panels << id;
    std::sort(panels.begin(), panels.end(), [this](const QString& a, const QString& b) {
        return action(a)->shortcut().toString() < action(b)->shortcut().toString();
    });
    m_actions->addMenu(tr("&View"), QStringList{"zoomIn", "zoomOut", "zoomReset", "", "layoutDemo", "layoutAnalysis",
                                                "layoutPresentation", "layoutInspect", "layoutReset", "", "sideBySide",
                                                "showMarkup", "showWorking", ""} +
                                        panels +
                                        QStringList{"", "themeSystem", "themeLight", "themeDark", "", "contrastSystem",
                                                    "contrastUsual", "contrastHigh", "", "fullScreen"});
    m_actions->addMenu(tr("&Help"), {"tour", "lesson", "protocolHelp", "shortcuts", "", "about"});

    auto* menu = new QMenu(this);
    menu->addAction(action("openModel"));
    menu->addAction(action("openGguf"));
    if (bundled) menu->addMenu(bundled);
    menu->addMenu(recent);
    menu->addSeparator();
    menu->addAction(action("modelCard"));
    menu->addAction(action("cancelLoad"));
    m_toolBar->setModelMenu(menu);
}

}  // namespace spanscope
