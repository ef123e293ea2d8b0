#include "ui/views/whatif/scaled_value.h"

#include <QDoubleSpinBox>
#include <QSignalBlocker>
#include <QSlider>
#include <cmath>

namespace spanscope {

ScaledValue::ScaledValue(const QString& name, const QString& tip, double least, double most, int perDoubling,
                         int decimals, QWidget* parent)
    : QObject(parent),
      m_least(least),
      m_perDoubling(perDoubling),
      m_slider(new QSlider(Qt::Horizontal, parent)),
      m_spin(new QDoubleSpinBox(parent)) {
    m_spin->setDecimals(decimals);
    m_spin->setRange(least, most);
    m_spin->setGroupSeparatorShown(true);
    m_spin->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
    m_spin->setKeyboardTracking(false);
    m_slider->setRange(0, stepOf(most));
    m_slider->setSingleStep(1);
    m_slider->setPageStep(perDoubling);
    m_slider->setMinimumWidth(60);
    for (QWidget* w : {static_cast<QWidget*>(m_slider), static_cast<QWidget*>(m_spin)}) {
        w->setAccessibleName(name);
        w->setToolTip(tip);
        w->setFocusPolicy(Qt::StrongFocus);
    }
    connect(m_slider, &QSlider::valueChanged, this, [this, decimals](int step) {
        double value = m_least * std::exp2(double(step) / m_perDoubling);
        if (decimals == 0) value = std::round(value);
        const QSignalBlocker quiet(m_spin);
        m_spin->setValue(value);
        emit edited(m_spin->value());
    });
    connect(m_spin, &QDoubleSpinBox::valueChanged, this, [this](double value) {
        const QSignalBlocker quiet(m_slider);
        m_slider->setValue(stepOf(value));
        emit edited(value);
    });
}

int ScaledValue::stepOf(double value) const {
    return qRound(std::log2(std::max(1.0, value / m_least)) * m_perDoubling);
}

double ScaledValue::value() const { return m_spin->value(); }

void ScaledValue::setValue(double value) {
    const QSignalBlocker quiet(m_slider), quietToo(m_spin);
    m_spin->setValue(value);
    m_slider->setValue(stepOf(value));
}

}  // namespace spanscope
