// Live throughput: tokens per second of the declared and the dense lane over context length or time, KV tokens loaded
// below, predicted and ceiling as lines; a table of the same numbers. GUI thread.
#pragma once

#include <QTimer>
#include <QWidget>
#include <memory>

#include "ui/model/figure_table.h"
#include "ui/model/run_store.h"
#include "ui/model/selection.h"
#include "ui/views/throughput/throughput_plot.h"

class QAction;
class QCustomPlot;
class QLabel;
class QStackedWidget;
class QToolButton;

namespace spanscope {

/// The plot as a table: a row a step, both lanes.
class ThroughputTable : public FigureTable {
    Q_OBJECT
  public:
    enum Column { Step, Context, DeclaredRate, DenseRate, StepMs, Attended, Loaded, Causal, kColumns };
    ThroughputTable(const ThroughputSeries* declared, const ThroughputSeries* dense, QObject* parent);
    void setLaneNames(const QString& first, const QString& second);

  protected:
    int nRows() const override;
    QString cell(int row, int column) const override;
    double key(int row, int column) const override;  ///< not a number where there is none
    IndexRange steps(int row) const override;
    int rowOfStep(int step) const override { return step; }

  private:
    QString m_first, m_second;
    const ThroughputSeries* m_declared;
    const ThroughputSeries* m_dense;
};

class FigureTableView;

class ThroughputView : public QWidget {
    Q_OBJECT
  public:
    ThroughputView(RunStore* declared, RunStore* dense, Selection* selection, QWidget* parent = nullptr);
    ~ThroughputView() override;

    const ThroughputSeries& declaredSeries() const { return m_declared; }
    const ThroughputSeries& denseSeries() const { return m_dense; }
    ThroughputAxis axis() const { return m_axis; }
    QString csv() const;
    QCustomPlot* plot() const { return m_plot; }
    /// What the header says, as text.
    QString summary() const;
    QSize sizeHint() const override { return {560, 420}; }

  public slots:
    void setAxis(ThroughputAxis axis);
    void setTableShown(bool on);
    void setPredictionShown(bool on);
    /// Figures taken while inspecting are no measurement, and the view says so.
    void setInspecting(bool on);
    void copyCsv();
    void flush();  ///< draws now what waits for the next redraw

  protected:
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

  private:
    void makeActions();
    void refresh();  ///< takes new steps in, redraws
    void rebuild();
    void updateHeader();
    void showPage();
    void fitToSize();
    void onSelection();
    void applyTheme();

    RunStore *m_declaredStore, *m_denseStore;
    Selection* m_selection;
    ThroughputSeries m_declared, m_dense;
    BytesModel m_model;
    QCustomPlot* m_plot;
    std::unique_ptr<ThroughputPlot> m_painter;
    QStackedWidget* m_stack;
    QLabel* m_empty;
    FigureTableView* m_table;
    ThroughputTable* m_tableModel;
    QLabel *m_declaredLabel, *m_denseLabel, *m_speedUpLabel, *m_kvLabel, *m_modeLabel;
    QList<QToolButton*> m_buttons;
    QTimer m_redraw;
    ThroughputAxis m_axis = ThroughputAxis::Context;
    bool m_zoomed = false;
    QAction *m_timeAction, *m_tableAction, *m_predictionAction;
};

}  // namespace spanscope
