// One declaration from the tag as written to the pages that were loaded, and every violation with what was done
// about it. Shows the segment of the selected step, else the newest. Text is selectable.
#pragma once

#include "ui/model/run_store.h"
#include "ui/model/selection.h"
#include "ui/window/closed_browser.h"

namespace spanscope {

class SegmentInspector : public ClosedBrowser {
    Q_OBJECT
  public:
    SegmentInspector(RunStore* store, Selection* selection, QWidget* parent);

  protected:
    void changeEvent(QEvent* event) override;
    void showEvent(QShowEvent* event) override;

  private:
    void schedule();
    void refresh();
    QString html(int step) const;
    QString tagAsWritten(const Segment& segment) const;

    RunStore* m_store;
    Selection* m_selection;
    bool m_scheduled = false;
    QString m_shown;
};

}  // namespace spanscope
