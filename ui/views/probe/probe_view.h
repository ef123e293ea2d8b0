// Inspect mode: the run on show replayed beside dense attention. How far apart the two are at every step, whose
// attention the span kept, what it missed, and a span to edit. Asks by signal; never part of a measured run.
#pragma once

#include <QTimer>
#include <QWidget>

#include "engine/types/probe.h"
#include "ui/model/payloads.h"
#include "ui/model/run_store.h"
#include "ui/model/selection.h"
#include "ui/views/probe/probe_span_edit.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QListWidget;
class QListWidgetItem;
class QPushButton;
class QTabWidget;
class QTableWidget;

namespace spanscope {

class AttentionStrip;
class DivergenceStrip;
class HeadGrid;
class ProbeBranch;
class ProbeText;

class ProbeView : public QWidget {
    Q_OBJECT
  public:
    ProbeView(RunStore* store, Selection* selection, QWidget* parent);

    bool isInspecting() const { return m_ready; }
    HeadGrid* heads() const { return m_heads; }
    AttentionStrip* attention() const { return m_attention; }
    const SpanEditor& editor() const { return m_editor; }
    DivergenceStrip* divergence() const { return m_strip; }
    ProbeText* text() const { return m_text; }
    QTableWidget* massTable() const { return m_mass; }
    QTableWidget* missedTable() const { return m_missed; }
    QListWidget* editList() const { return m_segments; }
    const StepProbe& shownProbe() const { return m_probe; }  ///< without attention while nothing is inspected
    const DivergenceCurve& curve() const { return m_curve; }
    QString summary() const;
    QString editResult() const;
    QTableWidget* movedTable() const { return m_moved; }
    int shownStep() const { return m_editStep; }  ///< whose span can be edited; -1: none
    QSize sizeHint() const override { return {560, 480}; }

  public slots:
    void tryWithout(int segment);  ///< the step on show again, its span less this segment
    /// A model is there and nothing runs; else why not.
    void setAvailable(bool available, const QString& why);
    void onProgress(int done, int total);
    void onCurve(const spanscope::DivergenceCurve& curve);
    void onProbe(const spanscope::StepProbe& probe);
    void onEdit(const spanscope::StepEdit& edit);
    void onFailed(const spanscope::ErrorInfo& error);
    void leave();  ///< back to measuring: what was found is dropped

  signals:
    void inspectRequested();
    void probeRequested(int step, const spanscope::ProbeSettings& settings);
    void editRequested(int step, const spanscope::IntervalList& list);
    void inspectingChanged(bool inspecting);
    /// The run on show is to go on from a step in another way; `request` says how, not which run.
    void branchRequested(const spanscope::BranchRequest& request);
    void probed(int step);                           ///< its span is on show
    void figuresChanged();                           ///< curve() or shownProbe()
    void edited(const spanscope::StepEdit& result);  ///< of the step on show
    void failed(const QString& why);                 ///< the replay that was asked for

  private:
    void showContent();
    void requestProbe();
    void showProbe();
    void fillEdit();
    void requestEdit();
    void requestBranch(int step, std::vector<int32_t> tokens, const QString& text);
    void requestSpanBranch();
    void showTicks();
    void onTicked(QListWidgetItem* item);
    QString tokenText(int position) const;
    QString segmentAt(int position) const;
    void showChoices(const StepProbe& probe);
    void showMass();
    QWidget* makeEditor();

    RunStore* m_store;
    Selection* m_selection;
    QPushButton *m_start, *m_jump, *m_apply, *m_goOn;
    QLabel *m_status, *m_summary, *m_editText;
    QCheckBox* m_noSink;
    QComboBox* m_most;
    DivergenceStrip* m_strip;
    HeadGrid* m_heads;
    AttentionStrip* m_attention;
    ProbeText* m_text;
    QTabWidget* m_tabs;
    QTableWidget *m_mass, *m_missed, *m_wasted, *m_choices, *m_moved;
    ProbeBranch* m_branch = nullptr;
    QWidget *m_content, *m_empty;  ///< while inspecting; before
    QListWidget* m_segments;
    QTimer m_timer;
    DivergenceCurve m_curve;
    StepProbe m_probe;
    bool m_waiting = false;  ///< for the replay of the run on show
    bool m_ready = false;
    bool m_available = false;
    int m_editStep = -1;
    SpanEditor m_editor;
    bool m_filling = false;  // ticks follow the editor, not the other way round
};

}  // namespace spanscope
