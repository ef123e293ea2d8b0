#include "ui/window/dock_title.h"

#include <QDockWidget>
#include <QHBoxLayout>
#include <QLabel>
#include <QToolButton>

namespace spanscope {

DockTitle::DockTitle(const QString& title, QDockWidget* dock)
    : QWidget(dock), m_label(new QLabel(title, this)), m_close(new QToolButton(this)) {
    setObjectName("page");
    setAttribute(Qt::WA_StyledBackground);
    m_label->setObjectName("dockTitle");
    m_close->setText(QStringLiteral("×"));
    m_close->setToolTip(tr("Hide %1").arg(title));
    m_close->setAccessibleName(tr("Hide %1").arg(title));
    m_close->setFocusPolicy(Qt::NoFocus);
    m_close->setAutoRaise(true);
    connect(m_close, &QToolButton::clicked, dock, &QDockWidget::close);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(12, 2, 6, 2);
    row->addWidget(m_label);
    row->addStretch(1);
    row->addWidget(m_close);
}

void DockTitle::setSlim(bool slim) {
    if (m_slim == slim) return;
    m_slim = slim;
    m_label->setHidden(slim);
    m_close->setHidden(slim);
    layout()->setContentsMargins(slim ? QMargins() : QMargins(12, 2, 6, 2));
    updateGeometry();
}

QSize DockTitle::sizeHint() const { return m_slim ? QSize(0, 0) : QWidget::sizeHint(); }
QSize DockTitle::minimumSizeHint() const { return m_slim ? QSize(0, 0) : QWidget::minimumSizeHint(); }

}  // namespace spanscope
