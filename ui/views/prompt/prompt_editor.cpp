#include "ui/views/prompt/prompt_editor.h"

#include <QAction>
#include <QComboBox>
#include <QFontDatabase>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QPlainTextEdit>
#include <QStandardItemModel>
#include <QStyle>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/views/prompt/prompt_text.h"
#include "ui/views/tab_order.h"

namespace spanscope {

namespace {
constexpr int kSampleChars = 72;
constexpr qsizetype kMessage = 800;
constexpr int kLeastLines = 2, kMostLines = 10;  // of the text; it grows between them
constexpr int kMargin = 16;
// What the editor lays out within a frame: its cost grows with the square of a line, and by the line.
constexpr qsizetype kEditLine = 10'000, kEditText = 100'000, kEditLines = 10'000;
constexpr qsizetype kPartLine = 2'000, kPartText = 20'000;  // shown of a text beyond that

QString firstWords(const QString& sample) {
    const QString line = shownLine(sample.left(8 * kSampleChars).simplified(), kSampleChars - 1);
    const qsizetype nLines = sample.trimmed().count('\n') + 1;
    return nLines > 3 ? QObject::tr("%1   (%2 lines)").arg(line, QString::number(nLines)) : line;
}
bool canBeEdited(const QString& text) {
    if (text.size() > kEditText) return false;
    qsizetype nLines = 0;
    for (qsizetype from = 0; from >= 0 && from < text.size();) {
        const qsizetype end = text.indexOf('\n', from);
        if ((end < 0 ? text.size() : end) - from > kEditLine || ++nLines > kEditLines) return false;
        from = end < 0 ? end : end + 1;
    }
    return true;
}

/// The beginning of each line, as many lines as there is room for.
QString partOf(const QString& text) {
    QString part;
    qsizetype from = 0;
    while (from < text.size() && part.size() < kPartText) {
        const qsizetype newline = text.indexOf('\n', from), end = newline < 0 ? text.size() : newline;
        part += shownText(text.mid(from, std::min(end - from, kPartLine)), kPartLine);
        if (end - from > kPartLine)
            part += QObject::tr("… (%1 more characters)").arg(formatCount(end - from - kPartLine));
        if (newline >= 0) part += '\n';
        from = end + 1;
    }
    if (from < text.size()) part += QObject::tr("… (%1 more characters)").arg(formatCount(text.size() - from));
    return part;
}

/// What to type, for the tasks that the program brings; a model's own get the first.
QString hintOf(const QString& task) {
    if (task == "expression") return QObject::tr("Type a problem, for example (12+7)*(3-8)");
    if (task == "sheet") return QObject::tr("One calculation a line, for example 64-71. $1 is the result of line 1.");
    if (task == "news") return QObject::tr("Paste a news article");
    return QObject::tr("Type a text");
}

}  // namespace

PromptEditor::PromptEditor(const QVector<TaskInfo>& tasks, QWidget* parent)
    : QWidget(parent),
      m_tasks(tasks),
      m_head(new QWidget(this)),
      m_caption(new QLabel(m_head)),
      m_task(new QComboBox(m_head)),
      m_samples(new QToolButton(m_head)),
      m_menu(new QMenu(this)),
      m_edit(new PromptText(this)),
      m_message(new QLabel(this)),
      m_chatRow(new QWidget(this)),
      m_chatButtons(new QHBoxLayout(m_chatRow)),
      m_partRow(new QWidget(this)),
      m_part(new QLabel(m_partRow)) {
    m_edit->inserted = [this](const QString& text) { insert(text); };
    for (const TaskInfo& task : m_tasks) m_task->addItem(task.title, task.name);
    m_task->setAccessibleName(tr("Task"));
    m_task->setToolTip(tr("What kind of problem the text is; decides how it is put to the model"));
    m_task->setObjectName("task");
    m_task->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_task->setMinimumContentsLength(20);
    m_samples->setText(tr("Samples"));
    m_samples->setAccessibleName(tr("Samples"));
    m_samples->setToolTip(tr("Insert a sample problem"));
    m_samples->setPopupMode(QToolButton::InstantPopup);
    m_samples->setMenu(m_menu);
    m_samples->setObjectName("samples");
    m_edit->setAccessibleName(tr("Prompt"));
    m_edit->setTabChangesFocus(true);
    m_edit->setObjectName("prompt");
    m_edit->setFrameShape(QFrame::NoFrame);
    m_message->setWordWrap(true);
    m_message->setTextFormat(Qt::PlainText);  // quotes the prompt
    m_message->setMinimumWidth(120);
    m_message->setObjectName("promptMessage");
    m_message->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_message->hide();
    m_part->setWordWrap(true);
    m_part->setMinimumWidth(120);
    m_part->setObjectName("promptPart");
    auto* clear = new QToolButton(m_partRow);
    clear->setText(tr("Clear"));
    clear->setToolTip(tr("Empty the editor, for another problem"));
    connect(clear, &QToolButton::clicked, this, [this] {
        setText({});
        m_edit->setFocus();
    });
    auto* part = new QHBoxLayout(m_partRow);
    part->setContentsMargins(0, 0, 0, 0);
    part->addWidget(m_part, 1);
    part->addWidget(clear);
    m_partRow->hide();

    m_caption->setObjectName("pageTitle");
    m_chatButtons->setContentsMargins(0, 0, 0, 0);
    m_chatButtons->setSpacing(8);
    m_chatRow->hide();
    m_head->setObjectName("promptHead");
    m_head->setAttribute(Qt::WA_StyledBackground);
    auto* head = new QHBoxLayout(m_head);
    head->setContentsMargins(kMargin, 6, kMargin, 0);
    head->setSpacing(8);
    head->addWidget(m_caption);
    head->addStretch(1);
    head->addWidget(m_task);
    head->addWidget(m_samples);
    m_column = new QVBoxLayout;
    m_column->setContentsMargins(kMargin, 4, kMargin, 8);
    m_column->setSpacing(8);
    m_column->addWidget(m_edit, 1);
    m_column->addWidget(m_partRow);
    m_column->addWidget(m_message);
    m_column->addWidget(m_chatRow);
    auto* all = new QVBoxLayout(this);
    all->setContentsMargins(0, 0, 0, 0);
    all->setSpacing(0);
    all->addWidget(m_head);
    all->addLayout(m_column, 1);
    tabThrough({m_task, m_samples, m_edit, clear});

    connect(m_task, &QComboBox::currentIndexChanged, this, &PromptEditor::onTaskChanged);
    connect(m_edit, &QPlainTextEdit::textChanged, this, [this] {
        clearMessage();
        emit edited();
        emit heightWanted();
    });
    connect(m_task, &QComboBox::activated, this, [this] { emit taskChosen(task()); });
    updateHeight();
    onTaskChanged();
}

void PromptEditor::focusText() { m_edit->setFocus(); }

void PromptEditor::setConversationButtons(const QVector<QAction*>& left, const QVector<QAction*>& right) {
    const auto add = [this](QAction* action) {
        auto* button = new QToolButton(m_chatRow);
        button->setDefaultAction(action);
        button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
        button->setFocusPolicy(Qt::TabFocus);
        button->setVisible(action->isVisible());
        connect(action, &QAction::changed, button, [action, button] { button->setVisible(action->isVisible()); });
        m_chatButtons->addWidget(button);
        return button;
    };
    for (QAction* action : left) add(action);
    m_chatButtons->addStretch(1);
    QToolButton* last = nullptr;
    for (QAction* action : right) last = add(action);
    if (last) last->setObjectName("sendButton");
}

bool PromptEditor::isComposing() const { return m_edit->isComposing(); }

const TaskInfo* PromptEditor::info(const QString& task) const {
    for (const TaskInfo& one : m_tasks)
        if (one.name == task) return &one;
    return nullptr;
}

const TaskInfo* PromptEditor::current() const { return info(task()); }

QString PromptEditor::task() const { return m_task->currentData().toString(); }
QString PromptEditor::text() const { return isShownInPart() ? m_whole : m_edit->toPlainText(); }

void PromptEditor::setText(const QString& text) {
    const bool hides = hidesText(text), whole = canBeEdited(text) && !hides;
    m_whole = whole ? QString() : text;
    m_edit->setReadOnly(!whole);
    m_partRow->setVisible(!whole);
    if (!whole)
        m_part->setText(
            hides ? tr("ℹ %1 characters, some of which hide or reorder others: they are shown by their codes. It is "
                       "run as it is.")
                        .arg(formatCount(text.size()))
                  : tr("ℹ %1 characters: the beginning is shown, all of them are run.").arg(formatCount(text.size())));
    m_edit->setPlainText(whole ? text : partOf(text));
}

void PromptEditor::insert(const QString& text) {
    if (isShownInPart()) return;
    const QTextCursor cursor = m_edit->textCursor();
    const QString before = m_edit->toPlainText();
    const QString after = before.left(cursor.selectionStart()) + text + before.mid(cursor.selectionEnd());
    if (canBeEdited(after)) m_edit->insertPlainText(text);
    else setText(after);
}

bool PromptEditor::isOwn(const QString& text) const {
    return !text.trimmed().isEmpty() && text != m_kept && !(current() && current()->samples.contains(text));
}

void PromptEditor::put(const QString& text) {
    setText(text);
    QTextCursor cursor = m_edit->textCursor();
    cursor.movePosition(QTextCursor::End);
    if (!isOwn(text))
        cursor.movePosition(QTextCursor::Start, QTextCursor::KeepAnchor);  // backwards: the beginning stays in view
    m_edit->setTextCursor(cursor);
}

void PromptEditor::offer(const QString& task, const QString& text) {
    if (isConversation() || isRefused(task) || isOwn(this->text()) || text.isEmpty() || m_task->findData(task) < 0)
        return;
    if (info(task)->isConversation) return;  // its turns stand there already
    setTask(task);
    m_kept = text;
    put(text);
}

void PromptEditor::setTask(const QString& name) {
    const int index = m_task->findData(name);
    if (index >= 0) m_task->setCurrentIndex(index);
}

int PromptEditor::nSamples() const { return current() ? static_cast<int>(current()->samples.size()) : 0; }

void PromptEditor::useSample(int index) {
    const TaskInfo* task = current();
    if (!task || index < 0 || index >= task->samples.size()) return;
    put(task->samples[index]);
    m_edit->setFocus();
}

void PromptEditor::onTaskChanged() {
    if (!m_shownTask.isEmpty()) m_drafts[m_shownTask] = text();
    m_shownTask = task();
    fillSamples();
    const TaskInfo* now = current();
    const QString draft = m_drafts.value(m_shownTask);
    const bool chat = isConversation();
    put(draft.isEmpty() && now && !chat && !now->samples.isEmpty() ? now->samples.front() : draft);
    m_caption->setText(chat ? tr("Conversation") : tr("Problem"));
    m_edit->setAccessibleName(chat ? tr("Message") : tr("Prompt"));
    m_edit->setPlaceholderText(chat ? tr("Type a message") : hintOf(m_shownTask));
    m_edit->setNumbered(m_shownTask == "sheet");  // $1 is the result of line 1
    m_chatRow->setVisible(chat);
    clearMessage();
    emit taskShown(m_shownTask);
}

void PromptEditor::fillSamples() {
    m_menu->clear();
    const TaskInfo* task = current();
    m_samples->setEnabled(task && !task->samples.isEmpty());
    if (!task) return;
    for (int i = 0; i < task->samples.size(); ++i) {
        const QString words = firstWords(task->samples[i]);
        QAction* action = m_menu->addAction(menuText(words));
        action->setToolTip(plainToolTip(words));
        connect(action, &QAction::triggered, this, [this, i] { useSample(i); });
    }
}

void PromptEditor::setTrainedTasks(const QStringList& names, const QHash<QString, QString>& refused) {
    m_refused = refused;
    for (int i = 0; i < m_task->count(); ++i) {
        const QString name = m_task->itemData(i).toString(), why = refused.value(name);
        const bool known = names.isEmpty() || names.contains(name) || !why.isEmpty();
        m_task->setItemText(
            i, known ? m_tasks[i].title : tr("%1 (this model was not trained for it)").arg(m_tasks[i].title));
        m_task->setItemData(i,
                            !why.isEmpty() ? plainToolTip(why)
                            : known        ? QString()
                                           : tr("This model was not trained for it; it runs all the same"),
                            Qt::ToolTipRole);
    }
    enableTasks();
}

void PromptEditor::enableTasks() {
    auto* items = qobject_cast<QStandardItemModel*>(m_task->model());
    if (!items) return;
    for (int i = 0; i < m_task->count(); ++i)
        items->item(i)->setEnabled(!isRefused(m_task->itemData(i).toString()) ||
                                   (m_tasks[i].isConversation && m_conversationBegun));
}

QString PromptEditor::conversationTask() const {
    for (const TaskInfo& one : m_tasks)
        if (one.isConversation) return one.name;
    return {};
}

void PromptEditor::setConversationBegun(bool begun) {
    if (std::exchange(m_conversationBegun, begun) != begun) enableTasks();
}

void PromptEditor::showError(const ErrorInfo& error) {
    QString text = shownText(error.text, kMessage);
    if (error.column < 0 && !error.detail.isEmpty()) text += '\n' + shownText(error.detail, kMessage);
    m_message->setProperty("tone", "error");
    m_message->setText(QStringLiteral("⚠ ") + text);
    m_message->setAccessibleName(tr("Problem with the prompt: %1").arg(text));
    m_message->style()->unpolish(m_message);
    m_message->style()->polish(m_message);
    m_message->show();
    if (error.column < 1) return;
    m_edit->markError(error.line, error.column);
    m_edit->setFocus();
}

void PromptEditor::showWarning(const QString& warning) {
    const QString text = shownText(warning, kMessage);
    m_message->setProperty("tone", "warning");
    m_message->setText(QStringLiteral("ℹ ") + text);
    m_message->setAccessibleName(tr("Note on the prompt: %1").arg(text));
    m_message->style()->unpolish(m_message);
    m_message->style()->polish(m_message);
    m_message->show();
}

void PromptEditor::clearMessage() {
    m_message->hide();
    m_message->clear();
    m_edit->clearError();
}

QPlainTextEdit* PromptEditor::edit() const { return m_edit; }

void PromptEditor::updateHeight() {
    QFont mono = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    mono.setPointSizeF(font().pointSizeF() * 1.1);
    m_edit->setFont(mono);
    m_edit->setMinimumHeight(heightOf(kLeastLines));
    emit heightWanted();
}

int PromptEditor::heightOf(int nLines) const {
    const QMargins frame = m_edit->contentsMargins();
    return QFontMetrics(m_edit->font()).lineSpacing() * nLines + 2 * int(m_edit->document()->documentMargin()) +
           frame.top() + frame.bottom();
}

int PromptEditor::wantedHeight() const {
    const int nLines = std::clamp(int(std::ceil(m_edit->document()->size().height())), kLeastLines, kMostLines);
    int rest = 0;
    const int spacing = m_column->spacing(), width = this->width() - 2 * kMargin;
    for (const QWidget* below : {m_partRow, static_cast<QWidget*>(m_message), m_chatRow})
        if (!below->isHidden())
            rest += spacing + (below->hasHeightForWidth() ? below->heightForWidth(width) : below->sizeHint().height());
    const QMargins around = m_column->contentsMargins();
    return around.top() + heightOf(nLines) + rest + around.bottom();
}

/// A message under the text came or went.
bool PromptEditor::event(QEvent* event) {
    const bool done = QWidget::event(event);
    if (event->type() == QEvent::LayoutRequest) emit heightWanted();
    return done;
}

void PromptEditor::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    if (event->size().width() != event->oldSize().width()) emit heightWanted();  // lines break elsewhere
}

void PromptEditor::changeEvent(QEvent* event) {
    QWidget::changeEvent(event);
    if (event->type() == QEvent::FontChange) updateHeight();
}

}  // namespace spanscope
