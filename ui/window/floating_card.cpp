#include "ui/window/floating_card.h"

#include <QAccessible>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QMouseEvent>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/model/shown_text.h"

namespace spanscope {

namespace {
constexpr int kWidth = 420, kMargin = 16;
constexpr int kFoot = 64;  // the status bar's figures stay in sight
}  // namespace

FloatingCard::FloatingCard(QWidget* window)
    : QFrame(window),
      m_title(new QLabel(this)),
      m_text(new QLabel(this)),
      m_count(new QLabel(this)),
      m_row(new QHBoxLayout) {
    setAttribute(Qt::WA_StyledBackground);
    setAttribute(Qt::WA_DeleteOnClose);
    setProperty("card", true);
    setCursor(Qt::SizeAllCursor);
    setFixedWidth(kWidth);
    m_title->setObjectName("tourTitle");
    m_text->setWordWrap(true);
    m_text->setTextFormat(Qt::RichText);  // the program's own words; what stands in a run is escaped
    m_text->setCursor(Qt::ArrowCursor);
    m_count->setObjectName("sectionTitle");
    auto* close = new QToolButton(this);
    close->setText(QStringLiteral("×"));
    close->setAutoRaise(true);
    close->setCursor(Qt::ArrowCursor);
    close->setToolTip(tr("Close"));
    close->setAccessibleName(tr("Close"));
    connect(close, &QToolButton::clicked, this, &FloatingCard::end);
    auto* head = new QHBoxLayout;
    head->addWidget(m_title, 1);
    head->addWidget(close);
    m_row->setSpacing(8);
    m_row->addWidget(m_count);
    m_row->addStretch(1);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(20, 12, 12, 14);
    column->setSpacing(8);
    column->addLayout(head);
    column->addWidget(m_text);
    column->addSpacing(4);
    column->addLayout(m_row);
    window->installEventFilter(this);
}

QPushButton* FloatingCard::addButton(const QString& text, const QString& tip) {
    auto* button = new QPushButton(text, this);
    button->setToolTip(tip);
    addToRow(button);
    return button;
}

void FloatingCard::addToRow(QWidget* widget) {
    widget->setCursor(Qt::ArrowCursor);
    m_row->addWidget(widget);
}

void FloatingCard::setContent(const QString& title, const QString& richText) {
    if (m_title->text() == title && m_text->text() == richText) return raise();
    m_title->setText(title);
    m_text->setText(richText);
    setAccessibleName(title);
    setAccessibleDescription(withoutMarkup(richText));
    QAccessibleEvent changed(this, QAccessible::DescriptionChanged);
    QAccessible::updateAccessibility(&changed);
    keepInside();
}

QString FloatingCard::title() const { return m_title->text(); }
QString FloatingCard::text() const { return withoutMarkup(m_text->text()); }

void FloatingCard::end() {
    emit ended();
    close();
}

/// As high as its text needs; its foot stays where it is, so that buttons do not move under the pointer.
void FloatingCard::keepInside() {
    const QRect room = parentWidget()->rect().adjusted(kMargin, kMargin, -kMargin, -kMargin);
    const int foot = m_placed ? y() + height() : room.bottom() - kFoot;
    layout()->activate();
    const int tall = layout()->hasHeightForWidth() ? layout()->totalHeightForWidth(width()) : sizeHint().height();
    resize(width(), tall);
    const int left = m_placed ? x() : room.left();
    move(std::clamp(left, room.left(), std::max(room.left(), room.right() - width())),
         std::clamp(foot - height(), room.top(), std::max(room.top(), room.bottom() - height())));
    m_placed = true;
    raise();  // a panel that was brought to the front is above everything
}

void FloatingCard::showEvent(QShowEvent* event) {
    QFrame::showEvent(event);
    keepInside();
}

void FloatingCard::mousePressEvent(QMouseEvent* event) { m_grip = event->pos(); }

void FloatingCard::mouseMoveEvent(QMouseEvent* event) {
    if (!(event->buttons() & Qt::LeftButton)) return;
    move(mapToParent(event->pos() - m_grip));
    keepInside();
}

bool FloatingCard::eventFilter(QObject* watched, QEvent* event) {
    if (watched == parentWidget() && event->type() == QEvent::Resize) keepInside();
    return QFrame::eventFilter(watched, event);
}

}  // namespace spanscope
