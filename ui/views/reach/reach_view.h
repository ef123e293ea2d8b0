// What could have acted on the selected step, from the intervals alone: positions by the tokens in between, over the
// context, over the text and by segment. "Not read" is not "no influence"; this panel shows the difference. Computed in
// another thread for the step that is selected, of a run that has ended. GUI thread.
#pragma once

#include <QTimer>
#include <QWidget>
#include <atomic>
#include <memory>

#include "ui/model/mailbox.h"
#include "ui/model/reach_rows.h"
#include "ui/model/run_store.h"
#include "ui/model/selection.h"

class QLabel;
class QTableWidget;

namespace spanscope {

class TokenText;

class ReachStrip;

class ReachView : public QWidget {
    Q_OBJECT
  public:
    ReachView(RunStore* store, Selection* selection, QWidget* parent);
    ~ReachView() override;

    const Reach& reach() const { return m_reach; }
    QString sentence() const;
    QTableWidget* table() const { return m_table; }
    TokenText* text() const { return m_text; }
    QSize sizeHint() const override { return {560, 420}; }

  signals:
    void reached();  ///< what is shown is of the selected step
    void changed();  ///< it is another one's, or nothing

  protected:
    void showEvent(QShowEvent* event) override;

  private:
    struct Found;
    void ask();
    void take(const std::shared_ptr<const Found>& found);
    void clear(const QString& why);
    void fillTable(const Found& found);
    QString words(int position) const;

    RunStore* m_store;
    Selection* m_selection;
    std::shared_ptr<Mailbox> m_inbox;
    std::shared_ptr<std::atomic<bool>> m_stop;  ///< of what is being computed
    QTimer m_timer;
    int m_asked = -1;  ///< step
    Reach m_reach;
    std::vector<ReachRow> m_rows;
    QLabel *m_sentence, *m_note;
    ReachStrip* m_strip;
    TokenText* m_text;
    QTableWidget* m_table;
};

}  // namespace spanscope
