// Shows a text and opens nothing that the text names: no picture, no style sheet, no link, whatever the scheme.
#pragma once

#include <QTextBrowser>

namespace spanscope {

class ClosedBrowser : public QTextBrowser {
    Q_OBJECT
  public:
    explicit ClosedBrowser(QWidget* parent) : QTextBrowser(parent) {
        setOpenLinks(false);
        setOpenExternalLinks(false);
        setUndoRedoEnabled(false);
    }
    /// Empty, but an answer: without one the document would read the file, or decode the data, itself.
    QVariant loadResource(int, const QUrl&) override { return QByteArray(""); }
};

}  // namespace spanscope
