#include "ui/window/banner.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QStyle>
#include <QTimer>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/model/shown_text.h"

namespace spanscope {

namespace {
constexpr qsizetype kMessage = 800;  // characters; it stands over the work
}

Banner::Banner(QWidget* parent)
    : QFrame(parent),
      m_title(new QLabel(this)),
      m_text(new QLabel(this)),
      m_detail(new QLabel(this)),
      m_details(new QToolButton(this)),
      m_close(new QToolButton(this)),
      m_offers(new QHBoxLayout) {
    setObjectName("banner");
    setAccessibleName(tr("Message"));
    m_title->setObjectName("bannerTitle");
    m_title->setWordWrap(true);
    m_text->setObjectName("bannerText");
    m_text->setWordWrap(true);
    m_text->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_detail->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_detail->setWordWrap(true);
    m_detail->setContentsMargins(0, 4, 0, 0);
    m_details->setText(tr("Details"));
    m_details->setCheckable(true);
    m_details->setToolTip(tr("File, field, what was found and what was expected"));
    m_close->setText(tr("Dismiss"));
    m_close->setToolTip(tr("Close this message"));
    for (QLabel* l : {m_title, m_text, m_detail}) {
        l->setTextFormat(Qt::PlainText);  // quotes files
        l->setMinimumWidth(120);          // wraps; the window never grows for a message
    }
    auto* column = new QVBoxLayout;
    column->setSpacing(4);
    column->addWidget(m_title);
    column->addWidget(m_text);
    column->addWidget(m_detail);
    m_offers->setSpacing(8);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(16, 12, 12, 12);
    row->setSpacing(16);
    row->addLayout(column, 1);
    row->addLayout(m_offers);
    row->addWidget(m_details, 0, Qt::AlignVCenter);
    row->addWidget(m_close, 0, Qt::AlignVCenter);
    connect(m_details, &QToolButton::toggled, this, [this](bool on) {
        m_detail->setVisible(on);
        emit sizeWanted();
    });
    connect(m_close, &QToolButton::clicked, this, &Banner::dismiss);
    hide();
}

QString Banner::title() const { return m_title->text(); }
QString Banner::text() const { return m_text->text() + '\n' + m_detail->text(); }
void Banner::dismiss() { hide(); }

int Banner::heightFor(int width) const {
    layout()->activate();
    return layout()->hasHeightForWidth() ? layout()->totalHeightForWidth(width) : sizeHint().height();
}

void Banner::changeEvent(QEvent* event) {
    QFrame::changeEvent(event);
    if (event->type() == QEvent::FontChange && isVisible())  // the labels' sizes follow with the next events
        QTimer::singleShot(0, this, &Banner::sizeWanted);
}

void Banner::setTone(const char* tone) {
    setProperty("tone", tone);
    style()->unpolish(this);
    style()->polish(this);
}

void Banner::showError(const ErrorInfo& error, const QVector<Offer>& offers) {
    setTone("error");
    show_(QStringLiteral("⚠ "), error.title, error.text, error.detail, offers);
}

void Banner::showNotice(const QString& title, const QString& text, const QVector<Offer>& offers) {
    setTone("notice");
    show_({}, title, text, {}, offers);
}

void Banner::show_(const QString& mark, const QString& title, const QString& text, const QString& detail,
                   const QVector<Offer>& offers) {
    m_title->setText(mark + shownText(title, kShownLine));
    m_text->setText(shownText(text, kMessage));
    m_text->setVisible(!text.isEmpty());
    m_detail->setText(shownText(detail, kMessage));
    m_detail->setVisible(false);
    m_details->setChecked(false);
    m_details->setVisible(!detail.isEmpty());
    setAccessibleDescription(m_title->text() + QStringLiteral(". ") + m_text->text());
    while (QLayoutItem* item = m_offers->takeAt(0)) {
        delete item->widget();
        delete item;
    }
    for (const Offer& offer : offers) {
        auto* button = new QPushButton(offer.text, this);
        // Later: the action may dismiss this very banner.
        connect(
            button, &QPushButton::clicked, this,
            [this, action = offer.action] {
                dismiss();
                action();
            },
            Qt::QueuedConnection);
        m_offers->addWidget(button);
    }
    show();
    emit sizeWanted();
}

}  // namespace spanscope
