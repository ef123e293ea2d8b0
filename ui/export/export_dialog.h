// Export with preview: figures (drawn here) and data (a table that app/ passes in, since the window links no engine).
// GUI thread.
#pragma once

#include <QDialog>
#include <QTimer>
#include <span>

#include "engine/types/data_export.h"
#include "ui/export/figure.h"
#include "ui/export/figure_presets.h"
#include "ui/model/mailbox.h"
#include "ui/model/run_store.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QListWidget;
class QPushButton;
class QDoubleSpinBox;
class QStackedWidget;

namespace spanscope {

class ExportDialog : public QDialog {
    Q_OBJECT
  public:
    ExportDialog(RunStore* store, RunStore* beside, QWidget* parent = nullptr);

    /// After the figures in the list. The rows outlive the dialog and its files that are still being written.
    void setDataExports(std::span<const DataExport> exports);
    void choose(FigureKind kind);
    void chooseData(const QString& ending);
    /// What inspect mode found about this run, copied; empty parts: it was not asked.
    void setInspection(const StepProbe& probe, const DivergenceCurve& curve);
    /// How far the two runs are from dense, copied; null: not measured.
    void setDistances(const DivergenceCurve* maybeRun, const DivergenceCurve* maybeBeside);
    /// What is exported is the run beside, and the one on show is the other one.
    void chooseBeside(bool beside);
    /// Conditions of a predicted step.
    void setWhatIf(const WhatIf& whatIf);
    /// Steps that "selected steps" stands for; -1 none. The last one is what figures of one step are about.
    void setSelectedSteps(int first, int last);
    /// What the mask in the window shows: steps and context positions, the last ones included.
    void setVisibleRegion(int firstStep, int lastStep, int firstPosition, int lastPosition);
    /// As it was left the last time; exports from here on are remembered.
    void rememberSettings();
    FigureOptions options() const;
    void setOptions(const FigureOptions& options);
    QString suggestedName() const;
    /// Writes what is chosen; false and a message in the dialog where that fails.
    bool exportTo(const QString& path);
    /// The same; a data file, which may be large, is written in another thread while the window lives.
    void startExport(const QString& path);
    /// Every figure that this run has, the recording and one file of captions. Beside the window, as startExport().
    void startAllFigures(const QString& folder);
    QString message() const;

  public slots:
    void exportAs();      ///< asks for the file
    void exportAllAs();   ///< asks for the folder
    void savePreset();    ///< asks for the name
    void deletePreset();  ///< the one that is chosen
    void copyImage();
    void refreshPreview();

  protected:
    void resizeEvent(QResizeEvent* event) override;

  private:
    bool isFigure() const { return !dataRow(); }
    FigureKind kind() const;
    const DataExport* dataRow() const;  ///< what is chosen; null: a figure
    PictureFormat format() const;
    void fillList();
    void makeForm();
    void fillPresets();
    void usePreset(int index);
    void setFormat(PictureFormat format);
    void showWidthUnit();
    void refreshRegions();
    void keepSettings() const;
    QString baseName() const;
    void onChosen();
    void showPreview();
    void say(const QString& text, bool bad);
    ExportSource source() const;
    ExportNeeds needs() const;
    QString missing() const;  ///< why what is chosen cannot be made yet; empty: it can

    void takeRuns();
    bool ofBeside() const;
    const DivergenceCurve& curve() const { return ofBeside() ? m_besideCurve : m_curve; }
    StepProbe probe() const { return ofBeside() ? StepProbe() : m_probe; }  ///< is of the run on show
    bool isLong() const;                                                    ///< drawn in another thread
    void startPreview(const FigureOptions& options);
    void sayWritten(const QString& path, const Status& status);

    RunStore *m_store, *m_beside;
    SharedRun m_run, m_other;          ///< what is exported: whole, even while a long recording still comes on show
    std::shared_ptr<Mailbox> m_inbox;  ///< outlives the dialog where a file is being written
    bool m_writing = false, m_drawing = false;
    int m_generation = 0;  ///< of the preview
    std::span<const DataExport> m_data;
    QListWidget* m_list;
    QComboBox* m_of;  ///< the run on show, the one beside it
    QWidget* m_ofRow;
    QComboBox *m_preset, *m_format, *m_scale, *m_theme, *m_unit, *m_family, *m_region;
    QDoubleSpinBox *m_width, *m_points;
    QLineEdit *m_title, *m_caption;
    QCheckBox *m_legend, *m_byPhase, *m_loaded, *m_time, *m_noFirst;
    QPushButton *m_savePreset, *m_deletePreset;
    QWidget* m_form;
    QLabel *m_preview, *m_about, *m_message, *m_size;
    QPushButton *m_export, *m_copy, *m_all;
    QTimer m_timer;
    QImage m_image;
    int m_first = -1, m_last = -1;  ///< selected steps
    FigureOptions m_visible;        ///< its region
    bool m_hasVisible = false, m_remember = false;
    StepProbe m_probe;
    DivergenceCurve m_curve, m_besideCurve;
    WhatIf m_whatIf;
};

}  // namespace spanscope
