#include "ui/window/main_tool_bar.h"

#include <QAction>
#include <QComboBox>
#include <QLabel>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QStandardItemModel>
#include <QToolButton>

#include "ui/model/shown_text.h"
#include "ui/window/glyph_icon.h"
#include "ui/window/model_loader.h"
#include "ui/window/run_controller.h"
#include "ui/window/sampling_dialog.h"
#include "ui/window/vocabulary_box.h"
#include "ui/window/window_actions.h"

namespace spanscope {

namespace {
constexpr qsizetype kModelName = 60;  // characters

using Compare = RunController::Compare;

QString attentionName(Compare choice, const RunController& runs) {
    switch (choice) {
        case Compare::Declared: return QObject::tr("Declared");
        case Compare::Dense: return QObject::tr("Dense");
        case Compare::Window: return QObject::tr("Window");
        case Compare::Keep: return QObject::tr("Sink and window");
        case Compare::Lossless: return QObject::tr("Lossless");
        case Compare::Policy: return QObject::tr("Compare with a policy");
        case Compare::Both: break;
    }
    if (runs.choices().contains(Compare::Declared)) return QObject::tr("Compare with dense");
    return runs.windowed().name == "keep" ? QObject::tr("Sink and window, compared with dense")
                                          : QObject::tr("Window, compared with dense");
}
}  // namespace

MainToolBar::MainToolBar(Workspace* workspace, RunController* runs, ModelLoader* models, const WindowActions& actions,
                         const QVector<VocabularyInfo>& vocabularies, QWidget* parent)
    : QToolBar(tr("Main"), parent), m_workspace(workspace), m_runs(runs), m_models(models), m_actions(actions) {
    setObjectName("mainToolBar");
    setMovable(false);
    setFloatable(false);
    toggleViewAction()->setEnabled(false);
    setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    setIconSize({16, 16});
    addButton("run", "runButton");
    addButton("stop", "stopButton");
    m_tags = new VocabularyBox(vocabularies, runs, this);
    m_tagsAction = addWidget(m_tags);
    m_tagsAction->setVisible(false);
    addAttention();
    addOther();
    m_sampling = addTextButton("samplingButton");
    connect(m_sampling, &QToolButton::clicked, m_actions.action("sampling"), &QAction::trigger);
    auto* space = new QWidget(this);
    space->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    addWidget(space);
    m_model = addTextButton("modelButton");
    m_model->setPopupMode(QToolButton::InstantPopup);

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

void MainToolBar::addAttention() {
    auto* label = new QLabel(tr("Attention"), this);
    label->setObjectName("sectionTitle");
    label->setContentsMargins(8, 0, 0, 0);
    addWidget(label);
    m_attention = new QComboBox(this);
    m_attention->setObjectName("attention");
    m_attention->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_attention->setAccessibleName(tr("Attention"));
    label->setBuddy(m_attention);
    addWidget(m_attention);
    m_window = new QSpinBox(this);
    m_window->setObjectName("window");
    m_window->setRange(1, RunController::kMostWindowTokens);
    m_window->setSingleStep(64);
    m_window->setKeyboardTracking(false);
    m_window->setSuffix(tr(" tokens"));
    m_window->setAccessibleName(tr("Tokens of the window"));
    m_window->setToolTip(tr("How many of the newest tokens each step of the answer attends to"));
    m_windowAction = addWidget(m_window);
    connect(m_attention, &QComboBox::currentIndexChanged, this,
            [this] { m_runs->setCompare(Compare(m_attention->currentData().toInt())); });
    connect(m_window, &QSpinBox::valueChanged, m_runs, &RunController::setWindowTokens);
}

void MainToolBar::addOther() {
    m_policy = new QComboBox(this);
    m_policy->setObjectName("otherPolicy");
    m_policy->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_policy->setAccessibleName(tr("Policy beside declared"));
    m_policyAction = addWidget(m_policy);
    m_share = new QSpinBox(this);
    m_share->setObjectName("otherShare");
    m_share->setSingleStep(5);
    m_share->setKeyboardTracking(false);
    m_share->setSuffix(tr(" %"));  // of the context, as its tooltip says
    m_share->setSpecialValueText(tr("as declared"));
    m_share->setAccessibleName(tr("What the policy may read"));
    m_share->setToolTip(
        tr("How many tokens each step may read under the policy beside declared: as many as the declared "
           "span of the same step has (0), or a share of the context"));
    m_shareAction = addWidget(m_share);
    connect(m_policy, &QComboBox::currentIndexChanged, this,
            [this] { m_runs->setOtherPolicy(m_policy->currentData().toString()); });
    connect(m_share, &QSpinBox::valueChanged, m_runs, &RunController::setOtherShare);
}

void MainToolBar::refreshOther(bool shown) {
    const QSignalBlocker quiet(m_policy), quietShare(m_share);
    const PolicyInfo* info = m_runs->otherInfo();
    m_policyAction->setVisible(shown && info);
    m_shareAction->setVisible(shown && info && info->budget != PolicyInfo::Budget::None);
    if (!shown || !info) return;
    m_policy->clear();
    for (const PolicyInfo& policy : m_workspace->model().policies) {
        m_policy->addItem(policy.name, policy.name);
        const int at = m_policy->count() - 1;
        m_policy->setItemData(at, plainToolTip(policy.lacking.isEmpty() ? policy.about : policy.lacking),
                              Qt::ToolTipRole);
        if (policy.lacking.isEmpty()) continue;
        if (auto* items = qobject_cast<QStandardItemModel*>(m_policy->model())) items->item(at)->setEnabled(false);
    }
    m_policy->setCurrentIndex(m_policy->findData(info->name));
    QString about = info->about + tr("\nA run that has written twice as much as the declared one is ended");
    if (info->perHead) about += tr("\nMade for comparing what is read: its tokens per second are no measure of it");
    m_policy->setToolTip(plainToolTip(about));
    const MaskPolicySpec other = m_runs->other();
    m_share->setRange(info->budget == PolicyInfo::Budget::AsDeclared ? 0 : 1, 100);
    m_share->setValue(other.percent ? other.n : 0);
}

void MainToolBar::showTags(bool shown) { m_tagsAction->setVisible(shown); }

void MainToolBar::setModelMenu(QMenu* menu) { m_model->setMenu(menu); }

void MainToolBar::refreshIcons(const QPalette& p) {
    m_sampling->setIcon(glyphIcon(Glyph::Sliders, p));
    m_model->setIcon(glyphIcon(Glyph::Model, p));
}

void MainToolBar::refreshAttention() {
    const QSignalBlocker quiet(m_attention), quietWindow(m_window);
    const QVector<Compare> choices = m_runs->choices();
    m_attention->clear();
    for (const Compare choice : choices) m_attention->addItem(attentionName(choice, *m_runs), int(choice));
    const Compare now = m_runs->compare();
    m_attention->setCurrentIndex(m_attention->findData(int(now)));
    const bool declares = choices.contains(Compare::Declared);
    m_attention->setToolTip(
        declares ? tr("Declared: each step attends to what the model named. Dense: everything. Lossless: drafted as "
                      "declared, and what dense attention says is kept. Compare: declared and dense, or declared and "
                      "a rule that reads as much, in alternating slices of 16 steps")
                 : tr("What each step of the response attends to. Dense: everything. Window: the newest tokens. Sink "
                      "and window: the first token, too. The prompt is read densely"));
    m_window->setValue(m_runs->windowed().n);
    m_windowAction->setVisible(!declares && now != Compare::Dense);
    refreshOther(now == Compare::Policy);
}

void MainToolBar::refresh() {
    m_tags->refresh();
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
