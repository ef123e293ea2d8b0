// The run on show and the one beside it, aligned: which token of one corresponds to which of the other, and a selection
// for the second that follows the first's through the alignment, and the other way round. GUI thread; long runs are
// aligned in another one, once both have ended.
#pragma once

#include <QObject>
#include <QTimer>
#include <memory>

#include "engine/types/run_alignment.h"
#include "ui/model/mailbox.h"
#include "ui/model/run_store.h"
#include "ui/model/selection.h"

namespace spanscope {

class RunComparison : public QObject {
    Q_OBJECT
  public:
    enum class Side { First, Second };

    /// All three outlive this. selection: of the first.
    RunComparison(RunStore* first, RunStore* second, Selection* selection, QObject* parent = nullptr);

    RunStore* first() const { return m_first; }
    RunStore* second() const { return m_second; }
    Selection* selection() const { return m_selection; }
    Selection* secondSelection() { return &m_secondSelection; }

    /// Empty until both runs are there. Of runs that grow it may lag behind.
    const RunAlignment& alignment() const { return m_alignment; }
    /// A step that the other run has no partner for. False where that is not known.
    bool differs(Side side, int step) const;
    /// The step of the other run, -1 for none; the same index where it is not known yet.
    int partner(Side side, int step) const;
    /// "identical", "1 of 5 lines differs"; empty where there is nothing to compare.
    QString words() const;

  signals:
    void changed();

  private:
    void forget();
    void align();
    void take(RunAlignment alignment);
    void pass(Side from);
    const std::vector<int32_t>& partners(Side side) const {
        return side == Side::First ? m_alignment.ofFirst : m_alignment.ofSecond;
    }

    RunStore *m_first, *m_second;
    Selection* m_selection;
    Selection m_secondSelection;
    RunAlignment m_alignment;
    QTimer m_due;
    std::shared_ptr<Mailbox> m_inbox;
    int m_generation = 0;
    bool m_passing = false;
};

}  // namespace spanscope
