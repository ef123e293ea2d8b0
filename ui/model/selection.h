// The one selection that prompt, transcript, mask, tables, plots and timeline share. Hover previews, click
// locks, Esc unlocks, Shift+click makes a range. GUI thread.
#pragma once

#include <QObject>

namespace spanscope {

class Selection : public QObject {
    Q_OBJECT
  public:
    explicit Selection(QObject* parent = nullptr) : QObject(parent) {}

    int hovered() const { return m_hovered; }  ///< step index, -1 none
    int locked() const { return m_first; }     ///< first step of the locked range, -1 none
    int lockedEnd() const { return m_last; }   ///< last step of the locked range (inclusive), -1 none
    /// The step to show: the locked one if there is one, else the hovered one, else -1.
    int current() const { return m_first >= 0 ? m_last : m_hovered; }
    bool isLocked() const { return m_first >= 0; }

  public slots:
    void hover(int step);
    void lock(int step);      ///< the same step again unlocks
    void extendTo(int step);  ///< Shift+click: range from the locked step
    void lockRange(int first, int last);
    void clear();  ///< Esc

  signals:
    void changed();

  private:
    int m_hovered = -1;
    int m_first = -1;
    int m_last = -1;
    int m_anchor = -1;
};

}  // namespace spanscope
