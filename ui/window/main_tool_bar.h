// The bar at the top: run and stop, which attention, how tokens are drawn, which model. Shows what is set; what is
// chosen here goes to the run controller and to the window's actions. GUI thread.
#pragma once

#include <QToolBar>

#include "ui/model/payloads.h"

class QComboBox;
class QMenu;
class QSpinBox;
class QToolButton;

namespace spanscope {

class ModelLoader;
class RunController;
class WindowActions;
class VocabularyBox;
class Workspace;

class MainToolBar : public QToolBar {
    Q_OBJECT
  public:
    MainToolBar(Workspace* workspace, RunController* runs, ModelLoader* models, const WindowActions& actions,
                const QVector<VocabularyInfo>& vocabularies, QWidget* parent);
    VocabularyBox* vocabularyBox() const { return m_tags; }
    void showTags(bool shown);  ///< of a chat with a model that can be taught
    void refreshAttention();    ///< as RunController has it for the task and the model
    void setModelMenu(QMenu* menu);
    void refreshIcons(const QPalette& palette);  ///< of the window: the bar follows a change later

  private:
    void refresh();
    void addAttention();
    void addOther();  ///< the policy beside declared
    void refreshOther(bool shown);
    QToolButton* addButton(const char* id, const char* name);
    QToolButton* addTextButton(const char* name);  ///< one that says what is set

    Workspace* m_workspace;
    RunController* m_runs;
    ModelLoader* m_models;
    const WindowActions& m_actions;
    QComboBox* m_attention = nullptr;
    QSpinBox* m_window = nullptr;       ///< tokens, where the choice has a number
    QAction* m_windowAction = nullptr;  ///< shows and hides it
    VocabularyBox* m_tags = nullptr;
    QAction* m_tagsAction = nullptr;
    QComboBox* m_policy = nullptr;  ///< beside declared
    QSpinBox* m_share = nullptr;    ///< what it may read, percent of the context; 0: as declared
    QAction *m_policyAction = nullptr, *m_shareAction = nullptr;
    QToolButton *m_sampling, *m_model;
};

}  // namespace spanscope
