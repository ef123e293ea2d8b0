#include "ui/window/find_bar.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QToolButton>

#include "ui/model/format.h"
#include "ui/window/window_actions.h"

namespace spanscope {

FindBar::FindBar(const QString& name, const QString& placeholder, const WindowActions& actions, QWidget* parent)
    : QWidget(parent), m_edit(new QLineEdit(this)), m_count(new QLabel(this)) {
    m_edit->setPlaceholderText(placeholder);
    m_edit->setAccessibleName(placeholder);
    m_edit->setClearButtonEnabled(true);
    m_edit->setObjectName(name);
    m_count->setObjectName(QString(name).replace("Edit", "Count"));
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(16, 4, 16, 4);
    row->addWidget(m_edit, 1);
    row->addWidget(m_count);
    for (const char* id : {"findPrevious", "findNext", "closeFind"}) {
        auto* button = new QToolButton(this);
        button->setDefaultAction(actions.action(id));
        row->addWidget(button);
    }
    hide();
    connect(m_edit, &QLineEdit::textChanged, this, [this](const QString& text) {
        if (text.isEmpty()) m_count->clear();
        emit searched(text);
    });
    m_edit->installEventFilter(this);
    connect(m_edit, &QLineEdit::returnPressed, this, &FindBar::nextWanted);
}

QString FindBar::text() const { return m_edit->text(); }
void FindBar::setCount(int n) { m_count->setText(tr("%1 found").arg(n)); }

void FindBar::open() {
    show();
    m_edit->setFocus();
    m_edit->selectAll();
    if (!m_edit->text().isEmpty()) emit searched(m_edit->text());
}

void FindBar::close() {
    hide();
    emit searched({});
}

/// Esc in the field closes the bar; elsewhere it stops the run or unlocks the selection.
bool FindBar::eventFilter(QObject* watched, QEvent* event) {
    const bool key = event->type() == QEvent::KeyPress || event->type() == QEvent::ShortcutOverride;
    if (watched != m_edit || !key || static_cast<QKeyEvent*>(event)->key() != Qt::Key_Escape)
        return QWidget::eventFilter(watched, event);
    event->accept();
    if (event->type() == QEvent::KeyPress) {
        close();
        emit left();
    }
    return true;
}

}  // namespace spanscope
