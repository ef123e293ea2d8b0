// A model's own description, written by whoever made the model: headings, lists and tables of its Markdown, and nothing
// that opens, loads or hides anything. GUI thread.
#pragma once

#include <QString>
#include <QStringList>

class QTextCursor;

namespace spanscope {

/// The beginning of `markdown` (128 K characters, a note says so) in parts that are laid out in tens of milliseconds
/// each, whatever stands in them: Qt's own cost of a text grows with its square. Whole paragraphs where they are short.
QStringList cardParts(const QString& markdown);
/// Inserts a part. HTML in it stands as text, pictures by name, links with the address they lead to; neither opens.
void insertCardPart(QTextCursor& cursor, const QString& part);

}  // namespace spanscope
