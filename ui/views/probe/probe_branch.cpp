#include "ui/views/probe/probe_branch.h"

#include <QHBoxLayout>
#include <QLineEdit>
#include <QPushButton>
#include <QTableWidget>

#include "engine/types/probe.h"

namespace spanscope {

namespace {
constexpr int kMostCharacters = 2000;
}

ProbeBranch::ProbeBranch(QTableWidget* choices, QWidget* parent)
    : QWidget(parent),
      m_choices(choices),
      m_text(new QLineEdit(this)),
      m_goOn(new QPushButton(tr("Edit token and go on"), this)) {
    m_text->setObjectName("branchText");
    m_text->setAccessibleName(tr("Text to go on with"));
    m_text->setMaxLength(kMostCharacters);
    m_goOn->setObjectName("branchToken");
    m_goOn->setToolTip(
        tr("A new run that keeps all before this token and goes on with the one chosen above, or with the "
           "text typed here; this run stays beside it"));
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(8, 4, 8, 8);
    row->addWidget(m_text, 1);
    row->addWidget(m_goOn);
    connect(m_text, &QLineEdit::textChanged, this, &ProbeBranch::refresh);
    connect(m_text, &QLineEdit::returnPressed, this, &ProbeBranch::goOn);
    connect(m_goOn, &QPushButton::clicked, this, &ProbeBranch::goOn);
    connect(m_choices, &QTableWidget::itemSelectionChanged, this, &ProbeBranch::refresh);
    connect(m_choices, &QTableWidget::cellActivated, this, [this] {
        m_text->clear();
        goOn();
    });
    refresh();
}

void ProbeBranch::setProbe(const StepProbe* probe) {
    m_probe = probe;
    refresh();
}

int ProbeBranch::chosenId() const {
    const int row = m_choices->currentRow();
    if (!m_probe || row < 0 || m_choices->selectedItems().isEmpty()) return -1;
    const auto& list = m_choices->currentColumn() < 2 ? m_probe->topDense : m_probe->topRestricted;
    return row < static_cast<int>(list.size()) ? list[static_cast<size_t>(row)].id : -1;
}

void ProbeBranch::refresh() {
    m_text->setEnabled(m_probe != nullptr);
    m_text->setPlaceholderText(
        m_probe ? tr("Choose a token above, or type what step %1 is to be").arg(m_probe->step + 1) : QString());
    m_goOn->setEnabled(m_probe && (!m_text->text().isEmpty() || chosenId() >= 0));
}

void ProbeBranch::goOn() {
    if (!m_goOn->isEnabled()) return;
    const int step = m_probe->step + 1;
    if (const QString text = m_text->text(); !text.isEmpty()) {
        m_text->clear();
        emit textTyped(step, text);
    } else {
        emit tokenChosen(step, chosenId());
    }
}

}  // namespace spanscope
