// What if: the time of a step predicted from the bytes that it reads, under conditions that a person moves, dense and
// with the spans of the run on show, beside what was measured. What nobody moved is as the run had it. GUI thread.
#pragma once

#include <QTimer>
#include <QWidget>
#include <memory>

#include "ui/model/payloads.h"
#include "ui/model/run_store.h"
#include "ui/views/whatif/whatif_plot.h"

class QComboBox;
class QDoubleSpinBox;
class QLabel;
class QPushButton;
class QCustomPlot;

namespace spanscope {

class ScaledValue;

class WhatIfView : public QWidget {
    Q_OBJECT
  public:
    WhatIfView(RunStore* store, RunStore* beside, QWidget* parent);
    ~WhatIfView() override;

    /// What a person moved, for exports; the model that is open stands in where the run does not tell.
    WhatIf asked() const;
    const WhatIf& conditions() const { return m_how; }  ///< all of them, as they are predicted with
    const RunCost& cost() const { return m_cost; }
    CostComparison compared() const;  ///< at the context that is asked for
    int nMarks() const { return m_painter->nMarks(); }
    QString summary() const;  ///< what is shown, as text
    QSize sizeHint() const override { return {640, 560}; }

  public slots:
    /// The model that is open; one without a path: none.
    void setModel(const spanscope::ModelInfo& model);
    void onReadRate(double gbPerS);  ///< the answer to measureRequested(); 0: it could not be measured
    void asTheRunWas();              ///< nothing is moved any more
    void copyCsv();

  signals:
    void measureRequested();
    void changed();  ///< what is predicted

  protected:
    void showEvent(QShowEvent* event) override;
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

  private:
    QWidget* makeControls();
    void fillMemory();
    void onMemory(int index);
    void rebuild();  ///< the run changed
    void refresh();  ///< a condition changed
    void showConditions();
    void applyTheme();

    RunStore *m_store, *m_beside;
    ModelInfo m_model;
    WhatIf m_asked, m_how;
    RunCost m_cost;
    SpanLoad m_spans;
    std::vector<CostRow> m_rows;
    double m_measuredGBPerS = 0;
    bool m_stale = true;
    ScaledValue *m_page, *m_context, *m_batch, *m_rate;
    QDoubleSpinBox* m_fixed;
    QComboBox *m_memory, *m_type, *m_scaling;
    QPushButton *m_measure, *m_reset;
    QLabel *m_sentence, *m_times, *m_note, *m_empty;
    QWidget* m_body;
    QCustomPlot* m_plot;
    std::unique_ptr<WhatIfPlot> m_painter;
    QTimer m_timer;
};

}  // namespace spanscope
