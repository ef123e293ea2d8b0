// Export with preview: figures (drawn here) and data (a table that app/ passes in, since the window links no engine).
// GUI thread.
#pragma once

#include <QDialog>
#include <QTimer>
#include <span>

#include "engine/types/data_export.h"
#include "ui/export/figure.h"
#include "ui/model/mailbox.h"
#include "ui/model/run_store.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QListWidget;
class QPushButton;
class QSpinBox;
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
    /// Steps that "selected steps only" stands for; -1 none.
    void setSelectedSteps(int first, int last);
    FigureOptions options() const;
    void setOptions(const FigureOptions& options);
    QString suggestedName() const;
    /// Writes what is chosen; false and a message in the dialog where that fails.
    bool exportTo(const QString& path);
    /// The same; a data file, which may be large, is written in another thread while the window lives.
    void startExport(const QString& path);
    QString message() const;

  public slots:
    void exportAs();  ///< asks for the file
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
    void onChosen();
    void showPreview();
    void say(const QString& text, bool bad);
    ExportSource source() const;
    ExportNeeds needs() const;
    QString missing() const;  ///< why what is chosen cannot be made yet; empty: it can

    void takeRuns();
    bool isLong() const;  ///< drawn in another thread
    void startPreview(const FigureOptions& options);
    void sayWritten(const QString& path, const Status& status);

    RunStore *m_store, *m_beside;
    SharedRun m_run, m_other;          ///< what is exported: whole, even while a long recording still comes on show
    std::shared_ptr<Mailbox> m_inbox;  ///< outlives the dialog where a file is being written
    bool m_writing = false, m_drawing = false;
    int m_generation = 0;  ///< of the preview
    std::span<const DataExport> m_data;
    QListWidget* m_list;
    QComboBox *m_format, *m_scale, *m_theme;
    QSpinBox* m_width;
    QLineEdit *m_title, *m_caption;
    QCheckBox *m_legend, *m_byPhase, *m_loaded, *m_selected, *m_time, *m_noFirst;
    QWidget* m_form;
    QLabel *m_preview, *m_about, *m_message, *m_size;
    QPushButton *m_export, *m_copy;
    QTimer m_timer;
    QImage m_image;
    int m_first = -1, m_last = -1;
    StepProbe m_probe;
    DivergenceCurve m_curve;
};

}  // namespace spanscope
