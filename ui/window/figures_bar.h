// The line of figures at the foot of the window: time to first token, rates, speed-up, KV stored and KV read, each
// with its definition on hover, and whether what is shown was measured or inspected.
#pragma once

#include <QWidget>

#include "ui/model/run_store.h"
#include "ui/model/selection.h"

class QLabel;

namespace spanscope {

/// Declared over dense decode rate, over the steps both have; 0 while there is too little.
double speedUp(const RunData& declared, const RunData& dense);

class FiguresBar : public QWidget {
    Q_OBJECT
  public:
    FiguresBar(RunStore* store, RunStore* dense, Selection* selection, QWidget* parent);
    enum Figure { Ttft, Decode, Useful, SpeedUp, KvStored, KvRead, FigureCount };
    QString value(Figure figure) const;
    void setInspecting(bool inspecting);

  private:
    void refresh();
    void set(Figure figure, const QString& value);

    RunStore* m_store;
    RunStore* m_dense;
    Selection* m_selection;
    QLabel* m_values[FigureCount] = {};
    QLabel* m_mode;
    bool m_scheduled = false;
};

}  // namespace spanscope
