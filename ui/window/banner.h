// A message over the work that blocks and moves nothing: what went wrong or is on offer, why, and what can be done.
#pragma once

#include <QFrame>
#include <functional>

#include "ui/model/payloads.h"

class QHBoxLayout;
class QLabel;
class QToolButton;

namespace spanscope {

class Banner : public QFrame {
    Q_OBJECT
  public:
    explicit Banner(QWidget* parent);
    struct Offer {
        QString text;
        std::function<void()> action;
    };
    void showError(const ErrorInfo& error, const QVector<Offer>& offers = {});
    void showNotice(const QString& title, const QString& text, const QVector<Offer>& offers = {});
    QString title() const;
    QString text() const;
    void dismiss();
    int heightFor(int width) const;

  signals:
    void sizeWanted();  ///< what it says has changed; whoever owns it puts it in its place

  protected:
    void changeEvent(QEvent* event) override;

  private:
    void setTone(const char* tone);  ///< an error looks like one
    void show_(const QString& mark, const QString& title, const QString& text, const QString& detail,
               const QVector<Offer>& offers);

    QLabel* m_title;
    QLabel* m_text;
    QLabel* m_detail;
    QToolButton* m_details;
    QToolButton* m_close;
    QHBoxLayout* m_offers;
};

}  // namespace spanscope
