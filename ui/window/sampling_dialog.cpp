#include "ui/window/sampling_dialog.h"

#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QDialogButtonBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QRegularExpressionValidator>
#include <QVBoxLayout>

namespace spanscope {

namespace {
QDoubleSpinBox* real(double value, double low, double high, double step, const QString& name, const QString& tip,
                     QWidget* parent) {
    auto* box = new QDoubleSpinBox(parent);
    box->setRange(low, high);
    box->setSingleStep(step);
    box->setDecimals(2);
    box->setValue(value);
    box->setAccessibleName(name);
    box->setToolTip(tip);
    return box;
}
QSpinBox* whole(int value, int low, int high, const QString& special, const QString& name, const QString& tip,
                QWidget* parent) {
    auto* box = new QSpinBox(parent);
    box->setRange(low, high);
    box->setSpecialValueText(special);
    box->setValue(value);
    box->setAccessibleName(name);
    box->setToolTip(tip);
    return box;
}
}  // namespace

QString samplerText(const SamplerSettings& s) {
    const QString penalty = s.repeatPenalty != 1 && s.repeatLastN != 0
                                ? QObject::tr(" · penalty %1").arg(double(s.repeatPenalty), 0, 'g', 3)
                                : QString();
    if (s.temperature <= 0) return QObject::tr("Greedy") + penalty;
    QString text = QObject::tr("T %1").arg(double(s.temperature), 0, 'g', 3);
    if (s.topK > 0) text += QObject::tr(" · top-k %1").arg(s.topK);
    if (s.topP < 1) text += QObject::tr(" · top-p %1").arg(double(s.topP), 0, 'g', 3);
    return text + penalty + QObject::tr(" · seed %1").arg(s.seed);
}

SamplingDialog::SamplingDialog(const SamplerSettings& s, int maxTokens, bool randomSeed, QWidget* parent)
    : QDialog(parent) {
    setWindowTitle(tr("Sampling"));
    auto* form = new QFormLayout;
    form->setHorizontalSpacing(16);
    form->setVerticalSpacing(8);
    m_temperature = real(double(s.temperature), 0, 2, 0.1, tr("Temperature"),
                         tr("0 takes the likeliest token every time (greedy)"), this);
    m_temperature->setSpecialValueText(tr("0 (greedy)"));
    m_topK = whole(s.topK, 0, 1000, tr("off"), tr("Top-k"), tr("Only the k likeliest tokens"), this);
    m_topP = real(double(s.topP), 0.01, 1, 0.05, tr("Top-p"),
                  tr("The smallest set of tokens with this much probability; 1 is off"), this);
    m_minP = real(double(s.minP), 0, 1, 0.01, tr("Min-p"),
                  tr("Tokens at least this likely, relative to the likeliest; 0 is off"), this);
    m_penalty = real(double(s.repeatPenalty), 1, 2, 0.05, tr("Repeat penalty"),
                     tr("Divides the odds of recent tokens; 1 is off"), this);
    m_lastN = whole(s.repeatLastN, 0, 4096, tr("off"), tr("Repeat window"),
                    tr("How many recent tokens the penalty looks at"), this);
    m_maxTokens = whole(maxTokens < 0 ? 0 : maxTokens, 0, 1'000'000, tr("no limit"), tr("Max tokens"),
                        tr("Stop after so many tokens of response"), this);
    m_seed = new QLineEdit(QString::number(s.seed), this);
    m_seed->setValidator(new QRegularExpressionValidator(QRegularExpression("[0-9]{1,19}"), m_seed));
    m_seed->setAccessibleName(tr("Seed"));
    m_seed->setToolTip(tr("The same seed, settings and device give the same tokens"));
    m_random = new QCheckBox(tr("New seed for each run"), this);
    m_random->setChecked(randomSeed);
    m_random->setToolTip(tr("The seed that a run used is shown with it and kept in its trace"));
    auto* copy = new QPushButton(tr("Copy"), this);
    copy->setToolTip(tr("Copy the seed"));
    copy->setAccessibleName(tr("Copy the seed"));
    connect(copy, &QPushButton::clicked, this, [this] { QApplication::clipboard()->setText(m_seed->text()); });
    auto* seedRow = new QHBoxLayout;
    seedRow->setSpacing(8);
    seedRow->addWidget(m_seed, 1);
    seedRow->addWidget(copy);
    form->addRow(tr("&Temperature"), m_temperature);
    form->addRow(tr("Top-&k"), m_topK);
    form->addRow(tr("Top-&p"), m_topP);
    form->addRow(tr("&Min-p"), m_minP);
    form->addRow(tr("&Repeat penalty"), m_penalty);
    form->addRow(tr("Repeat &window"), m_lastN);
    form->addRow(tr("M&ost tokens"), m_maxTokens);
    auto* seedLabel = new QLabel(tr("&Seed"), this);  // a row of two has no buddy of its own
    seedLabel->setBuddy(m_seed);
    form->addRow(seedLabel, seedRow);
    form->addRow(QString(), m_random);
    auto* buttons =
        new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel | QDialogButtonBox::RestoreDefaults, this);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(buttons->button(QDialogButtonBox::RestoreDefaults), &QPushButton::clicked, this, [this] {
        const SamplerSettings d;
        m_temperature->setValue(double(d.temperature));
        m_topK->setValue(d.topK);
        m_topP->setValue(double(d.topP));
        m_minP->setValue(double(d.minP));
        m_penalty->setValue(double(d.repeatPenalty));
        m_lastN->setValue(d.repeatLastN);
        m_maxTokens->setValue(0);
        m_random->setChecked(false);
        m_seed->setText("0");
    });
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(24, 24, 24, 16);
    column->setSpacing(16);
    column->addLayout(form);
    column->addWidget(buttons);
    connect(m_temperature, &QDoubleSpinBox::valueChanged, this, &SamplingDialog::refresh);
    connect(m_random, &QCheckBox::toggled, this, &SamplingDialog::refresh);
    refresh();
}

void SamplingDialog::refresh() {
    const bool sampled = m_temperature->value() > 0;
    for (QWidget* w : {static_cast<QWidget*>(m_topK), static_cast<QWidget*>(m_topP), static_cast<QWidget*>(m_minP),
                       static_cast<QWidget*>(m_random)})
        w->setEnabled(sampled);
    m_seed->setReadOnly(sampled && m_random->isChecked());
}

SamplerSettings SamplingDialog::sampler() const {
    SamplerSettings s;
    s.temperature = float(m_temperature->value());
    s.topK = m_topK->value();
    s.topP = float(m_topP->value());
    s.minP = float(m_minP->value());
    s.repeatPenalty = float(m_penalty->value());
    s.repeatLastN = m_lastN->value();
    s.seed = m_seed->text().toULongLong();
    return s;
}

int SamplingDialog::maxTokens() const { return m_maxTokens->value() == 0 ? -1 : m_maxTokens->value(); }
bool SamplingDialog::randomSeed() const { return m_random->isChecked(); }

}  // namespace spanscope
