// The lesson in the window: its words (ui/model/lesson.h) on a card, and the window made ready for each page. The run,
// the pointer and Inspect stay the person's: a page follows what they do.
#pragma once

#include <QPointer>

#include "ui/model/lesson.h"
#include "ui/model/payloads.h"
#include "ui/window/floating_card.h"

class QPushButton;

namespace spanscope {

class DockLayout;
class ProbeView;
class PromptEditor;
class RunController;
class Workspace;

class LessonCard : public FloatingCard {
    Q_OBJECT
  public:
    struct Parts {
        Workspace* workspace;
        DockLayout* docks;
        ProbeView* probe;
        PromptEditor* prompt;
        RunController* runs;
    };
    LessonCard(const Parts& parts, QWidget* window);
    LessonPage page() const { return m_page; }
    bool hasTakenAway() const { return m_removed.has_value(); }
    bool hasGoneOn() const { return m_parent && m_doing == Doing::Nothing; }

  public slots:
    void next();
    void back();
    void takeAway();   ///< page Remove: the reference, by Inspect
    void goOn();       ///< then: the run from that step on, without it, as a branch
    void backToRun();  ///< then: the run that it goes on from, alone again

  signals:
    void wentBack();  ///< from a branch to the run

  private:
    void show_(LessonPage page);
    void refresh();
    void findPlace();
    void forget();  ///< another run is on show
    void act();     ///< what the button of page Remove is for
    QString actName() const;
    void say(const QString& busy);

    Parts m_parts;
    LessonPage m_page = LessonPage::Attention;
    LessonPlace m_place;
    std::optional<StepEdit> m_removed;
    QString m_busy;
    SharedRun m_parent;  ///< that the run on show goes on from; null: it is the lesson's run
    enum class Doing { Nothing, TakingAway, GoingOn } m_doing = Doing::Nothing;
    QPushButton *m_act, *m_back, *m_next;
};

}  // namespace spanscope
