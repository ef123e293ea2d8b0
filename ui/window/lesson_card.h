// The lesson in the window: its words (ui/model/lesson.h) on a card, and the window made ready for each page. The run,
// the pointer and Inspect stay the person's: a page follows what they do.
#pragma once

#include <QPointer>

#include "ui/model/lesson.h"
#include "ui/window/floating_card.h"

class QPushButton;

namespace spanscope {

class DockLayout;
class ProbeView;
class PromptEditor;
class Workspace;

class LessonCard : public FloatingCard {
    Q_OBJECT
  public:
    struct Parts {
        Workspace* workspace;
        DockLayout* docks;
        ProbeView* probe;
        PromptEditor* prompt;
    };
    LessonCard(const Parts& parts, QWidget* window);
    LessonPage page() const { return m_page; }
    bool hasTakenAway() const { return m_removed.has_value(); }

  public slots:
    void next();
    void back();
    void takeAway();  ///< page Remove: the reference, by Inspect

  private:
    void show_(LessonPage page);
    void refresh();
    void findPlace();
    void say(const QString& busy);

    Parts m_parts;
    LessonPage m_page = LessonPage::Attention;
    LessonPlace m_place;
    std::optional<StepEdit> m_removed;
    QString m_busy;
    bool m_taking = false;  ///< it was asked for and is not there yet
    QPushButton *m_act, *m_back, *m_next;
};

}  // namespace spanscope
