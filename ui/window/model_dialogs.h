// Before a model is loaded: will it fit? After: what is it?
#pragma once

#include <QDialog>

#include "ui/model/payloads.h"

class QComboBox;
class QLabel;
class QPushButton;
class QSpinBox;
class QTextBrowser;

namespace spanscope {

/// Weights, KV cache and workspace against free memory, for a context and an adapter that the person chooses. Asks for
/// a new forecast by signal when they change.
class ForecastDialog : public QDialog {
    Q_OBJECT
  public:
    ForecastDialog(const ForecastInfo& forecast, Device device, QWidget* parent);
    void show(const ForecastInfo& forecast);
    LoadRequest request() const;
    QString path() const { return m_forecast.path; }
    /// folder: empty: none.
    void setAdapter(const QString& folder);
    /// The adapter that was asked about cannot be used: says why, and goes back to none.
    void refuseAdapter(const ErrorInfo& error);

  signals:
    void changed();

  private:
    void chooseAdapter(int index);
    ForecastInfo m_forecast;
    QSpinBox* m_context;
    QComboBox* m_device;
    QComboBox* m_adapter;
    QString m_chosenAdapter;
    bool m_refused = false;  ///< an adapter, and the forecast without it is still to come
    QLabel* m_table;
    QLabel* m_verdict;
    QWidget* m_bar;
    QPushButton* m_load;
};

class ModelCardDialog : public QDialog {
    Q_OBJECT
  public:
    ModelCardDialog(const ModelInfo& model, QWidget* parent);

  private:
    void addParts(int most);
    QTextBrowser* m_text = nullptr;
    QStringList m_parts;  ///< of the card, still to come
};

}  // namespace spanscope
