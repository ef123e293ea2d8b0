// The attention of the inspected step over prompt and response: each token on a ground as dark as the mass it gets,
// underlined where the step could read it. Square-root scale, as in the plot; what the darkest ground stands for is
// written beside it. GUI thread.
#pragma once

#include <QWidget>

#include "engine/types/probe.h"
#include "ui/model/run_store.h"

class QComboBox;
class QLabel;

namespace spanscope {

class TokenText;

class ProbeText : public QWidget {
    Q_OBJECT
  public:
    ProbeText(RunStore* store, QWidget* parent);
    void setProbe(const StepProbe& probe, bool withoutFirst);
    TokenText* text() const { return m_text; }
    double shareAt(int position) const;  ///< of the darkest ground: 0 .. 1
    QString words(int position) const;

  signals:
    void stepClicked(int step);

  private:
    void refresh();
    const std::vector<float>& values() const;

    RunStore* m_store;
    StepProbe m_probe;
    bool m_withoutFirst = true;
    double m_most = 0;
    QComboBox* m_which;
    QLabel* m_scale;
    TokenText* m_text;
};

}  // namespace spanscope
