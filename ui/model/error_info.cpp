#include "ui/model/error_info.h"

#include <QFileInfo>

namespace spanscope {

ErrorInfo toErrorInfo(const QString& title, const Error& error) {
    ErrorInfo info;
    info.title = title;
    info.text = QString::fromStdString((error.place().empty() ? "" : error.place() + ": ") + error.message);
    if (!error.file.empty())
        info.text.prepend(QFileInfo(QString::fromStdString(error.file)).fileName() + QStringLiteral(": "));
    else if (!info.text.isEmpty()) info.text[0] = info.text[0].toUpper();
    QStringList detail;
    if (!error.file.empty()) detail << QString("File: %1").arg(QString::fromStdString(error.file));
    if (!error.field.empty()) detail << QString("Field: %1").arg(QString::fromStdString(error.field));
    if (!error.found.empty()) detail << QString("Found: %1").arg(QString::fromStdString(error.found));
    if (!error.expected.empty()) detail << QString("Expected: %1").arg(QString::fromStdString(error.expected));
    info.detail = detail.join('\n');
    if (error.line > 0) info.line = error.line;
    if (error.column > 0) info.column = error.column;
    return info;
}

}  // namespace spanscope
