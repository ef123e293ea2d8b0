// Sampling settings: few, well known, greedy by default. The seed a run will use is always shown and copyable.
#pragma once

#include <QDialog>

#include "engine/types/records.h"

class QCheckBox;
class QDoubleSpinBox;
class QLineEdit;
class QSpinBox;

namespace spanscope {

class SamplingDialog : public QDialog {
    Q_OBJECT
  public:
    SamplingDialog(const SamplerSettings& sampler, int maxTokens, bool randomSeed, QWidget* parent);
    SamplerSettings sampler() const;
    int maxTokens() const;  ///< -1: until the end
    bool randomSeed() const;

  private:
    void refresh();
    QDoubleSpinBox *m_temperature, *m_topP, *m_minP, *m_penalty;
    QSpinBox *m_topK, *m_lastN, *m_maxTokens;
    QLineEdit* m_seed;
    QCheckBox* m_random;
};

/// "Greedy", "Greedy · penalty 1.1" or "T 0.8 · top-k 40 · seed 17".
QString samplerText(const SamplerSettings& sampler);

}  // namespace spanscope
