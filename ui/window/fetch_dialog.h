// A model that is not on this machine: what it is, where it will be put, and its way here.
#pragma once

#include <QDialog>

#include "ui/window/model_fetch.h"

class QLabel;
class QProgressBar;
class QPushButton;

namespace spanscope {

/// Fetches only when told to; accepted when the model is there.
class FetchDialog : public QDialog {
    Q_OBJECT
  public:
    /// wanted: what needs it, one line.
    FetchDialog(const FetchInfo& model, const QString& wanted, QWidget* parent);
    void reject() override;  ///< what is under way is stopped first, and the dialog stays until it has

  private:
    void start();
    void onProgress(double fraction);
    void onEnded(const QString& why);

    FetchInfo m_model;
    ModelFetch* m_fetch;
    QProgressBar* m_bar;
    QLabel* m_state;
    QPushButton* m_start;
    bool m_closing = false;
};

}  // namespace spanscope
