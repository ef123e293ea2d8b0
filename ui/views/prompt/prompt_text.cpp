#include "ui/views/prompt/prompt_text.h"

#include <QInputMethodEvent>
#include <QMimeData>
#include <QPaintEvent>
#include <QPainter>
#include <QTextBlock>
#include <algorithm>

#include "ui/model/tint.h"
#include "ui/views/palette.h"

namespace spanscope {

/// The strip that the numbers stand in.
class PromptText::Numbers : public QWidget {
  public:
    explicit Numbers(PromptText* text) : QWidget(text), m_text(text) {}

  protected:
    void paintEvent(QPaintEvent* event) override {
        QPainter painter(this);
        m_text->paintNumbers(painter, event->rect());
    }

  private:
    PromptText* m_text;
};

PromptText::PromptText(QWidget* parent) : QPlainTextEdit(parent), m_numbers(new Numbers(this)) {
    m_numbers->hide();
    connect(this, &QPlainTextEdit::blockCountChanged, this, &PromptText::fitNumbers);
    connect(this, &QPlainTextEdit::updateRequest, this, [this](const QRect& rect, int dy) {
        if (dy) m_numbers->scroll(0, dy);
        else m_numbers->update(0, rect.y(), m_numbers->width(), rect.height());
    });
}

void PromptText::setNumbered(bool on) {
    if (m_numbered == on) return;
    m_numbered = on;
    m_numbers->setVisible(on);
    fitNumbers();
}

int PromptText::numbersWidth() const {
    if (!m_numbered) return 0;
    const int digits = std::max<int>(2, static_cast<int>(QString::number(blockCount()).size()));
    return fontMetrics().horizontalAdvance('0') * digits + 10;
}

void PromptText::fitNumbers() {
    const int width = numbersWidth();
    setViewportMargins(width, 0, 0, 0);
    const QRect inner = contentsRect();
    m_numbers->setGeometry(inner.left(), inner.top(), width, inner.height());
    m_numbers->update();
}

void PromptText::paintNumbers(QPainter& painter, const QRect& area) {
    painter.fillRect(area, palette().color(QPalette::Base));
    painter.setFont(font());
    const QColor quiet = quietText(palette()), error = Palette::of(palette()).error;
    for (QTextBlock block = firstVisibleBlock(); block.isValid(); block = block.next()) {
        const QRectF at = blockBoundingGeometry(block).translated(contentOffset());
        if (at.top() > area.bottom()) break;
        const bool wrong = block.blockNumber() + 1 == m_errorLine;
        painter.setPen(wrong ? error : quiet);
        painter.drawText(QRectF(0, at.top(), m_numbers->width() - 8, fontMetrics().height()),
                         Qt::AlignRight | Qt::AlignVCenter, QString::number(block.blockNumber() + 1));
        if (wrong) painter.fillRect(QRectF(0, at.top(), 3, at.height()), error);
    }
}

void PromptText::markError(int line, int column) {
    const QTextBlock block = document()->findBlockByNumber(std::max(0, line - 1));
    if (!block.isValid()) return;
    m_errorLine = block.blockNumber() + 1;
    const QColor error = Palette::of(palette()).error, ground = palette().color(QPalette::Base);
    QTextCursor cursor(block);
    if (column > 0) cursor.setPosition(block.position() + std::min(column - 1, static_cast<int>(block.length()) - 1));
    setTextCursor(cursor);
    QTextEdit::ExtraSelection row;
    row.cursor = cursor;
    row.format.setBackground(mix(ground, error, 0.1));
    row.format.setProperty(QTextFormat::FullWidthSelection, true);
    QList<QTextEdit::ExtraSelection> marks{row};
    if (column > 0) {
        QTextEdit::ExtraSelection mark;
        mark.cursor = cursor;
        const bool atEnd = cursor.position() >= block.position() + block.length() - 1;
        mark.cursor.movePosition(atEnd ? QTextCursor::PreviousCharacter : QTextCursor::NextCharacter,
                                 QTextCursor::KeepAnchor);
        mark.format.setUnderlineStyle(QTextCharFormat::WaveUnderline);
        mark.format.setUnderlineColor(error);
        mark.format.setBackground(mix(ground, error, 0.25));
        marks << mark;
    }
    setExtraSelections(marks);
    m_numbers->update();
}

void PromptText::clearError() {
    m_errorLine = -1;
    setExtraSelections({});
    m_numbers->update();
}

void PromptText::inputMethodEvent(QInputMethodEvent* event) {
    m_composing = !event->preeditString().isEmpty();
    QPlainTextEdit::inputMethodEvent(event);
}

void PromptText::insertFromMimeData(const QMimeData* source) {
    if (source->hasText()) inserted(source->text());
}

void PromptText::resizeEvent(QResizeEvent* event) {
    QPlainTextEdit::resizeEvent(event);
    fitNumbers();
}

void PromptText::changeEvent(QEvent* event) {
    QPlainTextEdit::changeEvent(event);
    if (event->type() == QEvent::FontChange) fitNumbers();
}

}  // namespace spanscope
