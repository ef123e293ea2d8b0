#include "ui/window/chat_panel.h"

#include <QAction>
#include <QCheckBox>
#include <QHBoxLayout>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QToolButton>
#include <QVBoxLayout>
#include <functional>

#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/views/chat/chat_view.h"
#include "ui/views/tab_order.h"
#include "ui/window/find_bar.h"

namespace spanscope {

namespace {
constexpr qsizetype kMostSystem = 20'000;  // characters: what is laid out within a frame even as one line
constexpr qsizetype kPreview = 80;         // characters

class SystemText : public QPlainTextEdit {
  public:
    using QPlainTextEdit::QPlainTextEdit;
    std::function<void(const QString& why)> refuse;

    void put(const QString& text) {
        if (text.size() + document()->characterCount() > kMostSystem)
            refuse(QObject::tr("The system text may have %1 characters; this one is longer and was left out")
                       .arg(formatCount(kMostSystem)));
        else if (hidesText(text))
            refuse(QObject::tr("The system text holds characters that hide or reorder others; it was left out"));
        else insertPlainText(text);
    }

  protected:
    void insertFromMimeData(const QMimeData* source) override {
        if (source->hasText()) put(source->text());
    }
};
}  // namespace

ChatPanel::ChatPanel(ChatTree* tree, RunStore* store, const WindowActions& actions, const QVector<QAction*>& buttons,
                     QWidget* parent)
    : QWidget(parent),
      m_view(new ChatView(tree, store, this)),
      m_find(new FindBar("chatFindEdit", tr("Find in the conversation"), actions, this)),
      m_thinking(new QCheckBox(tr("Reasoning"), this)),
      m_fold(new QToolButton(this)) {
    setObjectName("page");
    setAttribute(Qt::WA_StyledBackground);
    auto* system = new SystemText(this);
    system->refuse = [this](const QString& why) { emit refused(why); };
    m_system = system;
    m_system->setObjectName("systemText");
    m_system->setAccessibleName(tr("System text"));
    m_system->setPlaceholderText(tr("What the model is told before the conversation; holds from the next answer on"));
    m_system->setTabChangesFocus(true);
    m_system->setFrameShape(QFrame::NoFrame);
    m_system->hide();
    m_fold->setObjectName("systemFold");
    m_fold->setCheckable(true);
    m_fold->setFocusPolicy(Qt::TabFocus);
    m_fold->setToolTip(tr("What the model is told before the conversation"));
    m_thinking->setObjectName("thinking");
    m_thinking->setToolTip(tr("The model reasons before it answers, from the next message on (enable_thinking)"));
    m_thinking->hide();
    auto* row = new QHBoxLayout;
    row->setContentsMargins(8, 8, 16, 0);
    row->setSpacing(8);
    row->addWidget(m_fold);
    row->addStretch(1);
    row->addWidget(m_thinking);
    QWidget* before = m_thinking;
    setTabOrder(m_fold, before);
    for (QAction* action : buttons) {
        auto* button = new QToolButton(this);
        button->setDefaultAction(action);
        button->setFocusPolicy(Qt::TabFocus);
        row->addWidget(button);
        setTabOrder(before, button);
        before = button;
    }
    tabThrough({before, m_system, m_view});
    auto* inset = new QHBoxLayout;
    inset->setContentsMargins(16, 4, 16, 4);
    inset->addWidget(m_system);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(row);
    column->addLayout(inset);
    column->addWidget(m_find);
    column->addWidget(m_view, 1);
    connect(m_find, &FindBar::searched, this, [this](const QString& text) {
        m_view->findText(text);
        if (!text.isEmpty()) m_view->findNext(1);
    });
    connect(m_find, &FindBar::nextWanted, m_view, [this] { m_view->findNext(1); });
    connect(m_find, &FindBar::left, m_view, [this] { m_view->setFocus(); });
    connect(m_view, &ChatView::found, m_find, &FindBar::setCount);
    connect(m_fold, &QToolButton::toggled, this, [this](bool on) {
        m_system->setVisible(on);
        m_system->setFixedHeight(m_system->fontMetrics().lineSpacing() * 4 + 12);
        if (on) m_system->setFocus();
        refresh();
    });
    connect(m_system, &QPlainTextEdit::textChanged, this, &ChatPanel::refresh);
    refresh();
}

QString ChatPanel::systemText() const { return m_system->toPlainText(); }
void ChatPanel::offerThinking(std::optional<bool> byDefault) {
    m_thinking->setVisible(byDefault.has_value());
    m_thinking->setChecked(byDefault.value_or(false));
}

std::optional<bool> ChatPanel::thinking() const {
    return m_thinking->isHidden() ? std::nullopt : std::optional(m_thinking->isChecked());
}

void ChatPanel::openFind() { m_find->open(); }
void ChatPanel::closeFind() { m_find->close(); }

void ChatPanel::setSystemText(const QString& text) {
    m_system->clear();
    static_cast<SystemText*>(m_system)->put(text);
}
void ChatPanel::showSystemText(bool on) { m_fold->setChecked(on); }
bool ChatPanel::showsSystemText() const { return m_fold->isChecked(); }

void ChatPanel::refresh() {
    const QString text = systemText().trimmed();
    const QString words = m_fold->isChecked() ? QString() : shownWords(text.left(8 * kPreview).toStdString(), kPreview);
    m_fold->setText(menuText((m_fold->isChecked() ? QStringLiteral("▾ ") : QStringLiteral("▸ ")) +
                             (words.isEmpty() ? tr("System text") : tr("System text: %1").arg(words))));
    m_fold->setAccessibleName(
        tr("System text, %1").arg(text.isEmpty() ? tr("none") : tr("%1 characters").arg(text.size())));
}

}  // namespace spanscope
