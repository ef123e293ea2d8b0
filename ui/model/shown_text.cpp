#include "ui/model/shown_text.h"

#include <QObject>
#include <algorithm>

#include "ui/model/format.h"

namespace spanscope {

namespace {

constexpr qsizetype kUnbroken = 60;  // characters without a place to break a line
constexpr qsizetype kToolTipLine = 90;
constexpr qsizetype kToolTip = 1000;

/// Has no shape of its own and changes what is around it: controls, overrides and marks of direction, invisible
/// operators, tags. Joiners are part of how some scripts and emoji are written.
bool mustBeWrittenOut(char32_t c) {
    if (c == 0x200c || c == 0x200d) return false;
    switch (QChar::category(c)) {
        case QChar::Other_Control:
        case QChar::Other_Format:
        case QChar::Other_Surrogate:
        case QChar::Separator_Line:
        case QChar::Separator_Paragraph: return true;
        default: return c == 0xfe0e || c == 0xfe0f ? false : QChar::isNonCharacter(c);
    }
}

QString shown(QStringView text, bool lines, const QString& rest) {
    QString out;
    out.reserve(text.size() + rest.size() + 16);
    qsizetype unbroken = 0;
    for (qsizetype i = 0; i < text.size(); ++i) {
        const QChar c = text[i];
        char32_t code = c.unicode();
        const bool pair = c.isHighSurrogate() && i + 1 < text.size() && text[i + 1].isLowSurrogate();
        if (pair) code = QChar::surrogateToUcs4(c, text[i + 1]);
        if (code == '\n' || code == '\t') {
            out += lines ? c : QChar(code == '\n' ? 0x21b5 : 0x21e5);
            unbroken = 0;
            continue;
        }
        if (code == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;  // one line end
        if (mustBeWrittenOut(code)) {
            out += QStringLiteral("\u2039U+%1\u203a").arg(static_cast<uint>(code), 4, 16, QChar('0')).toUpper();
            if (pair) ++i;
            unbroken += 8;
        } else {
            out += c;
            if (pair) out += text[++i];
            const bool breaks = c.isSpace() || c.isPunct() || c.isSymbol();
            unbroken = breaks ? 0 : unbroken + 1;
        }
        if (lines && unbroken >= kUnbroken) {
            out += QChar(0x200b);
            unbroken = 0;
        }
    }
    return out + rest;
}

QString shown(const QString& text, qsizetype most, bool lines) {
    if (text.size() <= most) return shown(QStringView(text), lines, {});
    if (text[most - 1].isHighSurrogate()) --most;
    QString rest(QChar(0x2026));
    if (text.size() > 4 * kShownText) rest += QObject::tr(" (%1 characters)").arg(formatCount(text.size()));
    return shown(QStringView(text).left(most), lines, rest);
}

/// Only what may be shown is decoded: four bytes a character at most.
QString shown(const std::string& text, qsizetype most, bool lines) {
    size_t bytes = std::min(text.size(), static_cast<size_t>(most) * 4);
    while (bytes > 0 && bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
    const QString part = QString::fromUtf8(text.data(), static_cast<qsizetype>(bytes));
    if (bytes == text.size()) return shown(part, most, lines);
    QString rest(QChar(0x2026));
    if (text.size() > 4 * static_cast<size_t>(kShownText))
        rest += QStringLiteral(" (%1)").arg(formatBytes(text.size()));
    qsizetype end = std::min(most, part.size());
    if (end > 0 && part[end - 1].isHighSurrogate()) --end;
    return shown(QStringView(part).left(end), lines, rest);
}

}  // namespace

QString shownLine(const QString& text, qsizetype most) { return shown(text, most, false); }
QString shownLine(const std::string& text, qsizetype most) { return shown(text, most, false); }
QString shownText(const QString& text, qsizetype most) { return shown(text, most, true); }
QString shownText(const std::string& text, qsizetype most) { return shown(text, most, true); }

QString shownWords(const std::string& text, qsizetype most) {
    const QString part =
        QString::fromUtf8(text.data(), static_cast<qsizetype>(std::min(text.size(), static_cast<size_t>(most) * 8)));
    QString words;  // of the characters that are blanks, not of those that only pass for one
    for (const QChar c : part) words += c == '\n' || c == '\r' || c == '\t' ? QChar(' ') : c;
    words = words.simplified();
    const bool more =
        static_cast<size_t>(most) * 8 < text.size() && words.size() <= most;  // the part was mostly blanks
    return more ? shownLine(words, most) + QChar(0x2026) : shownLine(words, most);
}

bool hidesText(const QString& text) {
    for (const QChar c : text) {
        const ushort u = c.unicode();
        if (u < 0x20 ? u != '\n' && u != '\t' && u != '\r' : u >= 0x7f && u < 0xa0) return true;
        if (u == 0x061c || u == 0x200e || u == 0x200f || (u >= 0x2028 && u <= 0x202e) || (u >= 0x2066 && u <= 0x2069))
            return true;
    }
    return false;
}

QString menuText(const QString& text, qsizetype most) {
    return shownLine(text, most).replace('&', QStringLiteral("&&"));
}

QString withoutMarkup(const QString& richText) {
    QString plain;
    bool inside = false;
    for (const QChar c : richText) {
        if (c == u'<') inside = true;
        else if (c == u'>') inside = false;
        else if (!inside) plain += c;
    }
    return plain.replace(QLatin1String("&lt;"), QLatin1String("<"))
        .replace(QLatin1String("&gt;"), QLatin1String(">"))
        .replace(QLatin1String("&quot;"), QLatin1String("\""))
        .replace(QLatin1String("&amp;"), QLatin1String("&"));
}

QString plainToolTip(const QString& text) {
    const QString plain = shownText(text, kToolTip);
    bool isShort = true;
    qsizetype from = 0;
    while (isShort && from < plain.size()) {
        const qsizetype end = plain.indexOf('\n', from);
        isShort = (end < 0 ? plain.size() : end) - from <= kToolTipLine;
        from = end < 0 ? plain.size() : end + 1;
    }
    if (isShort && !plain.contains('<') && !plain.contains('&')) return plain;
    return QStringLiteral("<qt><p style='white-space:pre-wrap'>%1</p></qt>").arg(plain.toHtmlEscaped());
}

}  // namespace spanscope
