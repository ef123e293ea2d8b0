// A number over many powers of two, by slider and by typing: what one says the other shows. GUI thread.
#pragma once

#include <QObject>

class QDoubleSpinBox;
class QSlider;
class QWidget;

namespace spanscope {

class ScaledValue : public QObject {
    Q_OBJECT
  public:
    /// From least to most; the slider goes `perDoubling` steps for each doubling. decimals 0: whole numbers.
    ScaledValue(const QString& name, const QString& tip, double least, double most, int perDoubling, int decimals,
                QWidget* parent);
    QSlider* slider() const { return m_slider; }
    QDoubleSpinBox* spin() const { return m_spin; }
    double value() const;
    void setValue(double value);  ///< without a signal

  signals:
    void edited(double value);  ///< by a person

  private:
    int stepOf(double value) const;
    double m_least;
    int m_perDoubling;
    QSlider* m_slider;
    QDoubleSpinBox* m_spin;
};

}  // namespace spanscope
