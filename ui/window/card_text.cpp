#include "ui/window/card_text.h"

#include <QTextBlock>
#include <QTextCursor>
#include <QTextDocument>
#include <QTextDocumentFragment>
#include <algorithm>
#include <vector>

#include "ui/model/shown_text.h"

namespace spanscope {

namespace {

constexpr qsizetype kCard = 128 * 1024, kPart = 2048;  // characters
const QString kFence = QStringLiteral("```");

/// Reads no file and decodes no data: URL.
class ClosedDocument : public QTextDocument {
  protected:
    QVariant loadResource(int, const QUrl&) override { return QByteArray(""); }
};

struct Change {
    int position, length;
    QString text;
    bool picture;
};

/// Where pictures and links stand, and what is said of them.
std::vector<Change> changes(const QTextDocument& card) {
    std::vector<Change> found;
    for (QTextBlock block = card.begin(); block.isValid(); block = block.next())
        for (auto it = block.begin(); !it.atEnd(); ++it) {
            const QTextFragment part = it.fragment();
            const QTextCharFormat format = part.charFormat();
            if (format.isImageFormat()) {
                const QString name = shownLine(format.toImageFormat().name(), 120);
                found.push_back({part.position(), part.length(), QObject::tr("[picture: %1]").arg(name), true});
            } else if (format.isAnchor() && !format.anchorHref().isEmpty()) {
                const QString address = shownLine(format.anchorHref(), 120);
                found.push_back({part.position(), part.length(),
                                 part.text() == address ? QString() : QStringLiteral(" (%1)").arg(address), false});
            }
        }
    return found;
}

}  // namespace

QStringList cardParts(const QString& markdown) {
    const QString text = shownText(markdown, kCard);
    QStringList parts;
    QString part;
    bool fenced = false;
    const auto finish = [&] {
        if (fenced) part += '\n' + kFence;
        if (!part.trimmed().isEmpty()) parts << part;
        part = fenced ? kFence + '\n' : QString();
    };
    for (const QString& line : text.split('\n')) {
        if (part.size() + line.size() > kPart || (line.trimmed().isEmpty() && !fenced && part.size() > kPart / 2))
            finish();
        for (qsizetype at = 0; at == 0 || at < line.size(); at += kPart) {
            if (at) finish();
            part += line.mid(at, kPart);
        }
        part += '\n';
        if (line.startsWith(kFence)) fenced = !fenced;
    }
    finish();
    return parts;
}

void insertCardPart(QTextCursor& cursor, const QString& part) {
    ClosedDocument card;
    card.setMarkdown(part, QTextDocument::MarkdownNoHTML);
    std::vector<Change> all = changes(card);
    std::reverse(all.begin(), all.end());  // from the end, so that positions stay
    QTextCursor edit(&card);
    const QTextCharFormat plain;
    for (const Change& change : all) {
        edit.setPosition(change.position);
        edit.setPosition(change.position + change.length, QTextCursor::KeepAnchor);
        if (!change.picture) {
            edit.setCharFormat(plain);
            edit.setPosition(change.position + change.length);
        }
        edit.insertText(change.text, plain);
    }
    cursor.insertBlock(QTextBlockFormat(), QTextCharFormat());  // or it would go on with the line before
    cursor.insertFragment(QTextDocumentFragment(&card));
}

}  // namespace spanscope
