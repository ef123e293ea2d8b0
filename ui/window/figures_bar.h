// The line of figures at the foot of the window: time to first token, rates, speed-up, KV stored and KV loaded, each
// with its definition on hover, and a badge where they are no measurement.
#pragma once

#include <QWidget>
#include <array>

#include "ui/model/run_store.h"
#include "ui/model/selection.h"

class QLabel;

namespace spanscope {

class FiguresBar : public QWidget {
    Q_OBJECT
  public:
    FiguresBar(RunStore* store, RunStore* beside, Selection* selection, QWidget* parent);
    enum Figure { Ttft, Decode, Useful, SpeedUp, KvStored, KvLoaded, FigureCount };
    QString value(Figure figure) const;
    void setInspecting(bool inspecting);
    /// In a narrow window the lesser figures go, the mode never.
    void fit(int width);

  private:
    std::array<QWidget*, FigureCount> m_cells{};
    void refresh();
    void set(Figure figure, const QString& value);
    QString toolTipOf(Figure figure, const QString& note = {}) const;

    RunStore* m_store;
    RunStore* m_beside;
    Selection* m_selection;
    QLabel* m_values[FigureCount] = {};
    QLabel* m_mode;
    int m_width = 0;  ///< of the room it was fitted to
    bool m_scheduled = false;
};

}  // namespace spanscope
