// Every action of the window: text, shortcuts, tooltip. Menus and the shortcut sheet are made from the same table.
#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QMenu>
#include <QMenuBar>
#include <QToolButton>

#include "ui/model/shown_text.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/views/transcript/transcript_view.h"
#include "ui/window/help_dialogs.h"
#include "ui/window/main_window.h"

namespace spanscope {

QAction* MainWindow::add(const QString& id, const QString& text, const QList<QKeySequence>& keys, const QString& tip,
                         const std::function<void()>& run) {
    auto* action = new QAction(text, this);
    action->setObjectName(id);
    action->setShortcuts(keys);
    action->setToolTip(tip);
    action->setStatusTip(tip);
    if (run) connect(action, &QAction::triggered, this, run);
    addAction(action);
    m_actions.insert(id, action);
    return action;
}

void MainWindow::buildActions() {
    const auto key = [](const char* text) { return QList<QKeySequence>{QKeySequence(text)}; };
    // File
    add("openModel", tr("&Open model…"), {QKeySequence::Open}, tr("Open a model folder"),
        [this] { chooseModelFolder(); });
    add("openGguf", tr("Open &GGUF…"), key("Ctrl+Shift+G"), tr("Open a model in a .gguf file"),
        [this] { chooseGguf(); });
    add("openTrace", tr("Open &trace…"), key("Ctrl+Shift+O"), tr("Open a recorded run"), [this] { chooseTrace(); });
    add("saveTrace", tr("&Save trace…"), {QKeySequence::Save, QKeySequence("Ctrl+Shift+S")}, tr("Save the run on show"),
        [this] { saveTrace(); });
    add("exportImage", tr("Export &picture…"), key("Ctrl+Shift+E"),
        tr("Mask, throughput, timeline or dependencies as PNG, SVG or PDF"), [this] { askToExport({}); });
    add("exportData", tr("Export &data…"), key("Ctrl+E"), tr("Mask, spans, segments, transcript or report as files"),
        [this] { askToExport("npy"); });
    add("modelCard", tr("Model &card"), key("Ctrl+I"), tr("What the model is, was trained on, and its limits"),
        [this] { showModelCard(); });
    add("cancelLoad", tr("&Cancel loading"), key("Ctrl+."), tr("Stop loading the model and give its memory back"),
        [this] { emit loadCancelRequested(); });
    add("quit", tr("&Quit"), {QKeySequence("Ctrl+Q")}, tr("Close the program"), [this] { close(); });
    // Run
    add("run", tr("&Run"), {QKeySequence("Ctrl+Return"), QKeySequence("Ctrl+Enter")}, tr("Run the problem"),
        [this] { run(); });
    add("stop", tr("S&top"), key("Esc"), tr("Stop within one step; what was decoded stays"), [this] { stop(); });
    add("repeat", tr("R&epeat"), {QKeySequence("Ctrl+R"), QKeySequence("F5")},
        tr("The last run again, with the same settings and seed"), [this] { repeat(); });
    add("sampling", tr("&Sampling…"), key("Ctrl+,"), tr("Temperature, seed and limits of the next run"),
        [this] { editSampling(); });
    add("focusPrompt", tr("Go to &problem"), key("Ctrl+L"), tr("Put the cursor into the problem"),
        [this] { m_prompt->setFocus(); });
    add("attentionDeclared", tr("&Declared attention"), key("Alt+1"), tr("Each step attends to what the model named"),
        [this] { setAttention(Compare::Declared); });
    add("attentionDense", tr("De&nse attention"), key("Alt+2"), tr("Each step attends to everything"),
        [this] { setAttention(Compare::Dense); });
    add("attentionBoth", tr("&Compare with dense"), key("Alt+3"),
        tr("Both over the same prompt, in alternating slices"), [this] { setAttention(Compare::Both); });
    // Edit
    add("unlock", tr("&Unlock selection"), key("Esc"), tr("Light everything again"), [this] { m_selection->clear(); });
    add("nextStep", tr("&Next step"), key("Alt+Right"), tr("Select the next step"), [this] { findStep(1); });
    add("previousStep", tr("&Previous step"), key("Alt+Left"), tr("Select the step before"), [this] { findStep(-1); });
    add("copyTranscript", tr("&Copy transcript"), key("Ctrl+Shift+C"), tr("Prompt and response as text"),
        [this] { copyTranscript(); });
    add("find", tr("&Find…"), {QKeySequence::Find}, tr("Find text in the transcript"), [this] { openFind(); });
    add("findNext", tr("Find n&ext"), key("F3"), tr("The next place"), [this] { m_transcript->findNext(1); });
    add("findPrevious", tr("Find pre&vious"), key("Shift+F3"), tr("The place before"),
        [this] { m_transcript->findNext(-1); });
    add("closeFind", tr("C&lose find"), key("Ctrl+Shift+F"), tr("Close the find bar"), [this] {
        m_findBar->hide();
        m_transcript->find({});
    });
    // View
    add("zoomIn", tr("Zoom &in"), {QKeySequence::ZoomIn, QKeySequence("Ctrl+=")}, tr("Everything larger"),
        [this] { setZoom(m_zoom + 0.1); });
    add("zoomOut", tr("Zoom &out"), {QKeySequence::ZoomOut}, tr("Everything smaller"),
        [this] { setZoom(m_zoom - 0.1); });
    add("zoomReset", tr("&Actual size"), key("Ctrl+0"), tr("Text in its own size"), [this] { setZoom(1); });
    add("layoutDemo", tr("&Demo layout"), key("Ctrl+Shift+1"), tr("Transcript, mask and speed"),
        [this] { setLayoutPreset("demo"); });
    add("layoutAnalysis", tr("&Analysis layout"), key("Ctrl+Shift+2"), tr("Everything at once"),
        [this] { setLayoutPreset("analysis"); });
    add("layoutPresentation", tr("&Presentation layout"), key("Ctrl+Shift+3"), tr("Large text, transcript and mask"),
        [this] { setLayoutPreset("presentation"); });
    add("layoutInspect", tr("&Inspect layout"), key("Ctrl+Shift+4"), tr("Transcript and Inspect, the largest"),
        [this] { setLayoutPreset("inspect"); });
    add("sideBySide", tr("&Side by side"), key("Ctrl+D"),
        tr("The dense run, or another one, beside the transcript; differing tokens are dotted"),
        [this] { setSideBySide(action("sideBySide")->isChecked()); });
    action("sideBySide")->setCheckable(true);
    add("fullScreen", tr("&Full screen"), key("F11"), tr("The whole screen"),
        [this] { setWindowState(windowState() ^ Qt::WindowFullScreen); });
    m_themeGroup = new QActionGroup(this);
    const struct {
        const char *id, *text, *tip;
        ThemeChoice choice;
    } themes[] = {{"themeSystem", QT_TR_NOOP("Theme of the s&ystem"), QT_TR_NOOP("Light or dark as the desktop is"),
                   ThemeChoice::System},
                  {"themeLight", QT_TR_NOOP("&Light theme"), QT_TR_NOOP("Always light"), ThemeChoice::Light},
                  {"themeDark", QT_TR_NOOP("Dar&k theme"), QT_TR_NOOP("Always dark"), ThemeChoice::Dark}};
    for (const auto& theme : themes) {
        QAction* a = add(theme.id, tr(theme.text), {}, tr(theme.tip), [this, choice = theme.choice] {
            m_theme = choice;
            applyThemeChoice();
        });
        a->setCheckable(true);
        m_themeGroup->addAction(a);
    }
    action("themeSystem")->setChecked(true);
    // Help
    add("shortcuts", tr("&Keyboard and mouse"), {QKeySequence("?"), QKeySequence("Shift+F1")}, tr("All shortcuts"),
        [this] { showShortcuts(); });
    add("protocolHelp", tr("&How spans work"), {QKeySequence("F1")}, tr("The span protocol explained"),
        [this] { ProtocolHelp(this).exec(); });
    add("tour", tr("&Tour"), {}, tr("The window in three steps"), [this] { startTour(); });
    add("about", tr("&About Spanscope"), {}, tr("Version, devices, licences"),
        [this] { AboutDialog(m_setup.version, m_setup.devices, this).exec(); });
    action("quit")->setMenuRole(QAction::QuitRole);
    action("about")->setMenuRole(QAction::AboutRole);
}

void MainWindow::buildMenus() {
    const auto fill = [this](const QString& title, const QStringList& ids) {
        QMenu* menu = menuBar()->addMenu(title);
        menu->setToolTipsVisible(true);
        QStringList listed;
        for (const QString& id : ids) {
            if (id.isEmpty()) menu->addSeparator();
            else if (QAction* a = action(id)) {
                menu->addAction(a);
                listed << id;
            }
        }
        m_actionGroups.append({QString(title).remove('&'), listed});
        return menu;
    };
    QMenu* file = fill(tr("&File"), {"openModel", "openGguf", "modelCard", "cancelLoad", "", "openTrace", "saveTrace",
                                     "", "exportImage", "exportData", "", "quit"});
    m_recentMenu = new QMenu(tr("&Recent models"), this);
    QMenu* bundled = nullptr;
    if (!m_setup.bundledModels.isEmpty()) {
        bundled = new QMenu(tr("&Bundled models"), this);
        for (const BundledModel& model : m_setup.bundledModels) {
            QAction* a = bundled->addAction(menuText(model.name));
            a->setToolTip(plainToolTip(tr("%1\nTrained for: %2").arg(model.path, model.tasks.join(", "))));
            connect(a, &QAction::triggered, this, [this, path = model.path] { loadModel({path, 0, m_device}); });
        }
        bundled->setToolTipsVisible(true);
        m_idleMenus << bundled;
        file->insertMenu(action("modelCard"), bundled);
    }
    file->insertMenu(action("modelCard"), m_recentMenu);
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
    fill(tr("&Edit"), {"copyTranscript", "", "find", "findNext", "findPrevious", "closeFind", "", "nextStep",
                       "previousStep", "unlock"});
    fill(tr("&Run"), {"run", "stop", "repeat", "", "attentionDeclared", "attentionDense", "attentionBoth", "",
                      "sampling", "focusPrompt"});
    QStringList docks;
    for (const QString& id : m_actions.keys())
        if (id.startsWith("dock.")) docks << id;
    std::sort(docks.begin(), docks.end(), [this](const QString& a, const QString& b) {
        return action(a)->shortcut().toString() < action(b)->shortcut().toString();
    });
    fill(tr("&View"), QStringList{"zoomIn", "zoomOut", "zoomReset", "", "layoutDemo", "layoutAnalysis",
                                  "layoutPresentation", "layoutInspect", "", "sideBySide", ""} +
                          docks + QStringList{"", "themeSystem", "themeLight", "themeDark", "", "fullScreen"});
    fill(tr("&Help"), {"tour", "protocolHelp", "shortcuts", "", "about"});

    auto* menu = new QMenu(m_modelButton);
    menu->addAction(action("openModel"));
    menu->addAction(action("openGguf"));
    if (bundled) menu->addMenu(bundled);
    menu->addMenu(m_recentMenu);
    menu->addSeparator();
    menu->addAction(action("modelCard"));
    menu->addAction(action("cancelLoad"));
    m_modelButton->setMenu(menu);
    fillRecent();
}

void MainWindow::showShortcuts() {
    QVector<ShortcutSheet::Group> groups;
    for (const auto& [title, ids] : m_actionGroups) {
        ShortcutSheet::Group group{title, {}};
        for (const QString& id : ids) group.actions << action(id);
        groups << group;
    }
    ShortcutSheet(groups, this).exec();
}

}  // namespace spanscope
