#include "ui/window/fetch_dialog.h"

#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QVBoxLayout>

#include "ui/model/format.h"
#include "ui/model/shown_text.h"

namespace spanscope {

namespace {

constexpr qsizetype kMessage = 1200;
constexpr int kFine = 1000;  // steps of the bar
constexpr int kBegun = 2;    // before that pip asks what there is

QLabel* plain(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    label->setTextFormat(Qt::PlainText);
    label->setWordWrap(true);
    label->setMinimumWidth(120);
    return label;
}

}  // namespace

FetchDialog::FetchDialog(const FetchInfo& model, const QString& wanted, QWidget* parent)
    : QDialog(parent), m_model(model), m_fetch(new ModelFetch(this)) {
    setWindowTitle(tr("Fetch a model"));
    setMinimumWidth(520);
    auto* head = plain(tr("%1 needs a model that is not on this machine yet.").arg(shownLine(wanted, 80)), this);
    auto* form = new QFormLayout;
    form->setHorizontalSpacing(16);
    form->addRow(tr("Model"), plain(shownLine(model.name), this));
    form->addRow(tr("Size"), plain(formatBytes(model.bytes), this));
    form->addRow(tr("Licence"), plain(shownLine(model.license), this));
    form->addRow(tr("From"), plain(tr("the Python package index, through pip"), this));
    auto* folder = plain(shownText(model.folder), this);
    folder->setTextInteractionFlags(Qt::TextSelectableByMouse);
    form->addRow(tr("Into"), folder);
    m_bar = new QProgressBar(this);
    m_bar->setRange(0, kFine);
    m_bar->setAccessibleName(tr("Fetched"));
    m_bar->hide();
    m_state = plain({}, this);
    m_state->setObjectName("fetchState");
    m_state->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_state->hide();
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_start = buttons->addButton(tr("Fetch"), QDialogButtonBox::ActionRole);
    m_start->setObjectName("fetchStart");
    m_start->setDefault(true);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(24, 24, 24, 16);
    column->setSpacing(16);
    column->addWidget(head);
    column->addLayout(form);
    column->addWidget(m_bar);
    column->addWidget(m_state);
    column->addStretch(1);
    column->addWidget(buttons);
    connect(m_start, &QPushButton::clicked, this, &FetchDialog::start);
    connect(buttons, &QDialogButtonBox::rejected, this, &FetchDialog::reject);
    connect(m_fetch, &ModelFetch::progress, this, &FetchDialog::onProgress);
    connect(m_fetch, &ModelFetch::done, this, &QDialog::accept);
    connect(m_fetch, &ModelFetch::ended, this, &FetchDialog::onEnded);
}

void FetchDialog::start() {
    m_start->setEnabled(false);
    m_bar->setRange(0, 0);  // until the first figure
    m_bar->show();
    m_state->setText(tr("Asking the package index"));
    m_state->show();
    m_fetch->start(m_model);
}

void FetchDialog::onProgress(double fraction) {
    const int value = qRound(fraction * kFine);
    if (m_closing || value < kBegun || value == m_bar->value()) return;
    m_bar->setRange(0, kFine);
    m_bar->setValue(value);
    const quint64 bytes = quint64(fraction * double(m_model.bytes));
    m_state->setText(value < kFine ? tr("%1 of %2").arg(formatBytes(bytes), formatBytes(m_model.bytes))
                                   : tr("Checking that all of it is right"));
}

void FetchDialog::onEnded(const QString& why) {
    if (m_closing) return QDialog::reject();
    m_bar->hide();
    m_state->setText(shownText(QStringLiteral("⚠ ") + why, kMessage));
    m_start->setText(tr("Try again"));
    m_start->setEnabled(true);
}

void FetchDialog::reject() {
    if (!m_fetch->isRunning()) return QDialog::reject();
    m_closing = true;
    m_state->setText(tr("Stopping"));
    m_fetch->cancel();
}

}  // namespace spanscope
