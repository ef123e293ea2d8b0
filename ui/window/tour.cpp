#include "ui/window/tour.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QPainter>
#include <QPainterPath>
#include <QPushButton>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/model/shown_text.h"

namespace spanscope {

namespace {
constexpr int kGap = 16;  // between the place and the card
constexpr int kCardWidth = 360;
}  // namespace

Tour::Tour(const QVector<Stop>& stops, QWidget* window)
    : QWidget(window),
      m_stops(stops),
      m_card(new QWidget(this)),
      m_title(new QLabel(m_card)),
      m_text(new QLabel(m_card)),
      m_count(new QLabel(m_card)),
      m_back(new QPushButton(tr("Back"), m_card)),
      m_next(new QPushButton(tr("Next"), m_card)),
      m_skip(new QPushButton(tr("Skip"), m_card)) {
    setObjectName("tour");
    setAccessibleName(tr("Tour"));
    setFocusPolicy(Qt::StrongFocus);
    m_card->setObjectName("tourCard");
    m_card->setAttribute(Qt::WA_StyledBackground);
    m_title->setObjectName("tourTitle");
    m_text->setWordWrap(true);
    m_text->setTextFormat(Qt::RichText);  // the program's own words
    m_text->setMinimumWidth(kCardWidth - 48);
    m_count->setObjectName("sectionTitle");
    m_next->setObjectName("tourNext");
    m_skip->setObjectName("tourSkip");
    m_next->setDefault(true);
    m_back->setToolTip(tr("The step before"));
    m_next->setToolTip(tr("The next step"));
    m_skip->setToolTip(tr("End the tour"));
    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(8);
    buttons->addWidget(m_count);
    buttons->addStretch(1);
    buttons->addWidget(m_skip);
    buttons->addWidget(m_back);
    buttons->addWidget(m_next);
    auto* column = new QVBoxLayout(m_card);
    column->setContentsMargins(24, 24, 24, 16);
    column->setSpacing(8);
    column->addWidget(m_title);
    column->addWidget(m_text);
    column->addSpacing(8);
    column->addLayout(buttons);
    connect(m_next, &QPushButton::clicked, this, &Tour::next);
    connect(m_back, &QPushButton::clicked, this, &Tour::back);
    connect(m_skip, &QPushButton::clicked, this, &Tour::end);
    window->installEventFilter(this);
    setGeometry(window->rect());
    show();
    raise();
    show_(0);
}

QRect Tour::hole() const {
    const QWidget* target = m_current >= 0 ? m_stops[m_current].target.data() : nullptr;
    if (!target || !target->isVisible()) return {};
    return QRect(mapFromGlobal(target->mapToGlobal(QPoint(0, 0))), target->size());
}

void Tour::show_(int index) {
    m_current = index;
    const Stop& stop = m_stops[index];
    if (stop.prepare) stop.prepare();
    m_title->setText(stop.title);
    m_text->setText(stop.text);
    m_count->setText(tr("%1 of %2").arg(index + 1).arg(count()));
    m_back->setEnabled(index > 0);
    m_skip->setVisible(index + 1 < count());
    m_next->setText(index + 1 < count() ? tr("Next") : tr("Start"));
    setAccessibleDescription(stop.title + QStringLiteral(". ") + withoutMarkup(stop.text));
    placeCard();
    m_next->setFocus();
    update();
}

void Tour::placeCard() {
    m_card->setFixedWidth(kCardWidth);
    m_card->adjustSize();
    const QRect place = hole();
    const QSize size = m_card->size();
    QPoint at = rect().center() - QPoint(size.width() / 2, size.height() / 2);
    if (!place.isNull()) {
        const int y =
            std::clamp(place.center().y() - size.height() / 2, kGap, std::max(kGap, height() - size.height() - kGap));
        const int x =
            std::clamp(place.center().x() - size.width() / 2, kGap, std::max(kGap, width() - size.width() - kGap));
        if (place.right() + kGap + size.width() + kGap < width()) at = {place.right() + kGap, y};
        else if (place.left() - kGap - size.width() > kGap) at = {place.left() - kGap - size.width(), y};
        else if (place.bottom() + kGap + size.height() + kGap < height()) at = {x, place.bottom() + kGap};
        else at = {x, std::max(kGap, place.top() - kGap - size.height())};
    }
    m_card->move(at);
}

void Tour::next() {
    if (m_current + 1 < count()) show_(m_current + 1);
    else end();
}

void Tour::back() {
    if (m_current > 0) show_(m_current - 1);
}

void Tour::end() {
    hide();
    emit ended();
    deleteLater();
}

/// The window's own shortcuts wait while the tour is up.
bool Tour::event(QEvent* event) {
    if (event->type() == QEvent::ShortcutOverride) {
        event->accept();
        return true;
    }
    return QWidget::event(event);
}

bool Tour::focusNextPrevChild(bool next) {
    QVector<QPushButton*> buttons;
    for (QPushButton* button : {m_skip, m_back, m_next})
        if (button->isVisible() && button->isEnabled()) buttons << button;
    const qsizetype n = buttons.size(), now = buttons.indexOf(qobject_cast<QPushButton*>(window()->focusWidget()));
    if (n > 0)
        buttons[now < 0 ? 0 : (now + (next ? 1 : n - 1)) % n]->setFocus(next ? Qt::TabFocusReason
                                                                             : Qt::BacktabFocusReason);
    return true;
}

void Tour::keyPressEvent(QKeyEvent* event) {
    switch (event->key()) {
        case Qt::Key_Escape: end(); break;
        case Qt::Key_Right: next(); break;
        case Qt::Key_Left: back(); break;
        case Qt::Key_Return:
        case Qt::Key_Enter: next(); break;
        default: QWidget::keyPressEvent(event);
    }
}

/// The dimmed window is not there for now: a click on it leaves the keyboard with the button that goes on.
void Tour::mousePressEvent(QMouseEvent* event) {
    event->accept();
    m_next->setFocus(Qt::OtherFocusReason);
}

bool Tour::eventFilter(QObject* watched, QEvent* event) {
    if (watched == parentWidget() && event->type() == QEvent::Resize) {
        setGeometry(parentWidget()->rect());
        placeCard();
    }
    return QWidget::eventFilter(watched, event);
}

void Tour::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    QPainterPath shade;
    shade.addRect(rect());
    const QRect place = hole();
    if (!place.isNull()) {
        QPainterPath path;
        path.addRoundedRect(place, 6, 6);
        shade = shade.subtracted(path);
    }
    QColor dark = palette().color(QPalette::Shadow);
    dark.setAlphaF(0.55f);
    painter.fillPath(shade, dark);
    if (!place.isNull()) {
        painter.setPen(QPen(palette().color(QPalette::Highlight), 2));
        painter.drawRoundedRect(place, 6, 6);
    }
}

}  // namespace spanscope
