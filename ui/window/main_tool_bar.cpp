#include "ui/window/main_tool_bar.h"

#include <QAction>
#include <QComboBox>
#include <QLabel>
#include <QSignalBlocker>
#include <QToolButton>

#include "ui/model/shown_text.h"
#include "ui/window/model_loader.h"
#include "ui/window/run_controller.h"
#include "ui/window/sampling_dialog.h"
#include "ui/window/theme.h"
#include "ui/window/window_actions.h"

namespace spanscope {

namespace {
constexpr qsizetype kModelName = 60;  // characters
}

MainToolBar::MainToolBar(Workspace* workspace, RunController* runs, ModelLoader* models, const WindowActions& actions,
                         QWidget* parent)
    : QToolBar(tr("Main"), parent), m_workspace(workspace), m_runs(runs), m_models(models), m_actions(actions) {
    using Compare = RunController::Compare;
    setObjectName("mainToolBar");
    setMovable(false);
    setFloatable(false);
    toggleViewAction()->setEnabled(false);
    setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    addButton("run", "runButton");
    addButton("stop", "stopButton");
    auto* label = new QLabel(tr("Attention"), this);
    label->setObjectName("sectionTitle");
    label->setContentsMargins(16, 0, 0, 0);
    addWidget(label);
    m_attention = new QComboBox(this);
    m_attention->setObjectName("attention");
    m_attention->addItem(tr("Declared"), int(Compare::Declared));
    m_attention->addItem(tr("Dense"), int(Compare::Dense));
    m_attention->addItem(tr("Compare with dense"), int(Compare::Both));
    m_attention->setAccessibleName(tr("Attention"));
    setAttention(true);
    label->setBuddy(m_attention);
    addWidget(m_attention);
    m_sampling = addTextButton("samplingButton");
    connect(m_sampling, &QToolButton::clicked, m_actions.action("sampling"), &QAction::trigger);
    auto* space = new QWidget(this);
    space->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    addWidget(space);
    m_model = addTextButton("modelButton");
    m_model->setPopupMode(QToolButton::InstantPopup);

    connect(m_attention, &QComboBox::currentIndexChanged, this,
            [this] { m_runs->setCompare(Compare(m_attention->currentData().toInt())); });
    connect(m_runs, &RunController::settingsChanged, this, &MainToolBar::refresh);
    connect(m_workspace, &Workspace::changed, this, &MainToolBar::refresh);
    refresh();
}

QToolButton* MainToolBar::addButton(const char* id, const char* name) {
    QAction* action = m_actions.action(id);
    auto* button = new QToolButton(this);
    button->setDefaultAction(action);
    button->setObjectName(name);
    button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    button->setFocusPolicy(Qt::TabFocus);
    button->setAccessibleName(action->text().remove('&'));
    addWidget(button);
    return button;
}

QToolButton* MainToolBar::addTextButton(const char* name) {
    auto* button = new QToolButton(this);
    button->setObjectName(name);
    button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    button->setFocusPolicy(Qt::TabFocus);
    addWidget(button);
    return button;
}

void MainToolBar::setAttention(bool available) {
    m_attention->setEnabled(available);
    refreshAttention();
    m_attention->setToolTip(
        available ? tr("Declared: each step attends to what the model named. Dense: everything. Compare: both, in "
                       "alternating slices of 16 steps")
                  : tr("In a conversation each step attends to everything"));
}

void MainToolBar::setModelMenu(QMenu* menu) { m_model->setMenu(menu); }

void MainToolBar::refreshIcons(const QPalette& p) {
    m_sampling->setIcon(glyphIcon(Glyph::Sliders, p));
    m_model->setIcon(glyphIcon(Glyph::Model, p));
}

void MainToolBar::refreshAttention() {
    const QSignalBlocker quiet(m_attention);
    const auto shown = m_attention->isEnabled() ? m_runs->compare() : RunController::Compare::Dense;
    m_attention->setCurrentIndex(m_attention->findData(int(shown)));
}

void MainToolBar::refresh() {
    refreshAttention();
    m_sampling->setText(samplerText(m_runs->settings().sampler));
    m_sampling->setAccessibleName(tr("Sampling: %1").arg(m_sampling->text()));
    m_sampling->setToolTip(m_actions.action("sampling")->toolTip());
    const ModelInfo& model = m_workspace->model();
    QString text;
    switch (m_workspace->state()) {
        case Workspace::State::NoModel: text = tr("No model"); break;
        case Workspace::State::Loading:
            text = tr("Loading %1").arg(shownLine(m_models->loadingPath().section('/', -1), kModelName));
            break;
        case Workspace::State::Ready:
            text = tr("%1 · %2").arg(
                shownLine(model.name, kModelName),
                shownLine(model.backend == "cuda" ? model.device : model.backend.toUpper() + ' ' + model.device,
                          kModelName));
            break;
        case Workspace::State::Running:
        case Workspace::State::Stopping: return;  // the model stays the same
    }
    m_model->setText(menuText(text));
    m_model->setAccessibleName(tr("Model: %1").arg(text));
    m_model->setToolTip(model.path.isEmpty()
                            ? tr("Open a model")
                            : plainToolTip(model.path + '\n' + model.format + tr("\nKV cache %1").arg(model.kvType)));
}

}  // namespace spanscope
