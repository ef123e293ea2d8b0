// Every text that a window shows, found by walking its widgets and looking at what they paint, each held to what text
// from outside may look like on show. tst_foreign_text says what is fed in.
#pragma once

#include <QAbstractButton>
#include <QAbstractItemView>
#include <QAction>
#include <QApplication>
#include <QComboBox>
#include <QGroupBox>
#include <QHelpEvent>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QPaintEngine>
#include <QPlainTextEdit>
#include <QProgressBar>
#include <QTabBar>
#include <QTextBlock>
#include <QTextBrowser>
#include <QTextDocument>
#include <QToolTip>
#include <set>

namespace spanscope::test {

inline constexpr qsizetype kMost = 4096;  // characters of one text on show

inline bool mayBeShown(QChar c, bool lines) {
    if (c == '\n' || c == '\t') return lines;
    if (c == QChar(0x200b)) return lines;  // where a long run of letters may be broken
    const ushort u = c.unicode();
    if (u < 0x20 || (u >= 0x7f && u < 0xa0)) return false;
    return !(u >= 0x200e && u <= 0x200f) && !(u >= 0x2028 && u <= 0x202e) && !(u >= 0x2060 && u <= 0x206f) &&
           u != 0xfeff;
}

/// Counts what it is asked to open, and opens nothing.
class WatchedDocument : public QTextDocument {
  public:
    int asked = 0;

  protected:
    QVariant loadResource(int, const QUrl& name) override {
        if (!name.toString().startsWith("qrc")) ++asked;
        return QByteArray("");
    }
};

inline QString withoutMnemonics(QString text) {
    QString out;
    for (qsizetype i = 0; i < text.size(); ++i) {
        if (text[i] == '&' && ++i >= text.size()) break;
        out += text[i];
    }
    return out;
}

/// Everything that is drawn as text.
class TextEngine : public QPaintEngine {
  public:
    TextEngine() : QPaintEngine(AllFeatures) {}
    bool begin(QPaintDevice*) override { return true; }
    bool end() override { return true; }
    Type type() const override { return User; }
    void updateState(const QPaintEngineState&) override {}
    void drawPixmap(const QRectF&, const QPixmap&, const QRectF&) override {}
    void drawImage(const QRectF&, const QImage&, const QRectF&, Qt::ImageConversionFlags) override {}
    void drawPath(const QPainterPath&) override {}
    void drawPolygon(const QPointF*, int, PolygonDrawMode) override {}
    void drawTextItem(const QPointF&, const QTextItem& item) override { texts << item.text(); }
    QStringList texts;
};

class TextDevice : public QPaintDevice {
  public:
    explicit TextDevice(QSize size) : m_size(size) {}
    QPaintEngine* paintEngine() const override { return &m_engine; }
    QStringList texts() const { return m_engine.texts; }

  protected:
    int metric(PaintDeviceMetric m) const override {
        switch (m) {
            case PdmWidth: return m_size.width();
            case PdmHeight: return m_size.height();
            case PdmDpiX:
            case PdmDpiY:
            case PdmPhysicalDpiX:
            case PdmPhysicalDpiY: return 96;
            case PdmDepth: return 32;
            case PdmDevicePixelRatio: return 1;
            case PdmDevicePixelRatioScaled: return int(devicePixelRatioFScale());
            default: return 0;
        }
    }

  private:
    QSize m_size;
    mutable TextEngine m_engine;
};

class Walk {
  public:
    QStringList faults;
    int seen = 0;  ///< texts that quote what was fed in

    void everything() {
        for (QWidget* widget : QApplication::allWidgets()) walk(widget);
    }

    void walk(QWidget* w) {
        if (w->inherits("QTipLabel")) return;  // shows what was looked at already, as Qt shows tooltips
        const QString where = QString("%1 \"%2\"").arg(w->metaObject()->className(), w->objectName());
        tip(w->toolTip(), where + " tooltip");
        tip(w->statusTip(), where + " status tip");
        tip(w->whatsThis(), where + " what's this");
        text(w->accessibleName(), where + " accessible name", true);
        text(w->accessibleDescription(), where + " accessible description", true);
        text(w->windowTitle(), where + " title", false);
        for (QAction* a : w->actions()) action(a, where);
        if (const auto* label = qobject_cast<QLabel*>(w)) {
            if (label->textFormat() == Qt::RichText) rich(label->text(), where);
            else if (label->textFormat() != Qt::PlainText && label->testAttribute(Qt::WA_WState_Polished))
                fault(where + " guesses the format of: " + label->text().left(60));
            else text(label->text(), where, true);
        } else if (const auto* button = qobject_cast<QAbstractButton*>(w)) {
            text(withoutMnemonics(button->text()), where, false);
        } else if (const auto* group = qobject_cast<QGroupBox*>(w)) {
            text(withoutMnemonics(group->title()), where, false);
        } else if (const auto* tabs = qobject_cast<QTabBar*>(w)) {
            for (int i = 0; i < tabs->count(); ++i) {
                text(withoutMnemonics(tabs->tabText(i)), where, false);
                tip(tabs->tabToolTip(i), where + " tab tooltip");
                tip(tabs->tabWhatsThis(i), where + " tab what's this");
            }
        } else if (const auto* box = qobject_cast<QComboBox*>(w)) {
            model(box->model(), where);
        } else if (const auto* view = qobject_cast<QAbstractItemView*>(w)) {
            model(view->model(), where);
        } else if (const auto* menu = qobject_cast<QMenu*>(w)) {
            text(withoutMnemonics(menu->title()), where, false);
        } else if (const auto* line = qobject_cast<QLineEdit*>(w)) {
            text(line->text(), where, false);
            text(line->placeholderText(), where, false);
        } else if (const auto* plain = qobject_cast<QPlainTextEdit*>(w)) {
            // Longer than what is only shown, since a person may edit it; no line that takes its time to lay out.
            for (QTextBlock b = plain->document()->begin(); b.isValid(); b = b.next())
                if (b.length() > 20000) fault(where + QString(" has a line of %1 characters").arg(b.length()));
                else text(b.text(), where, true);
        } else if (const auto* rich_ = qobject_cast<QTextEdit*>(w)) {
            document(rich_->document(), where);
        } else if (const auto* bar = qobject_cast<QProgressBar*>(w)) {
            text(bar->text(), where, false);
        }
        if (const auto* browser = qobject_cast<QTextBrowser*>(w))
            if (browser->openLinks() || browser->openExternalLinks()) fault(where + " opens links");
        if (const auto* label = qobject_cast<QLabel*>(w))
            if (label->openExternalLinks()) fault(where + " opens links");
        if (!w->isVisible()) return;
        painted(w, where);
        pointed(w, where);
    }

    void text(const QString& t, const QString& where, bool lines) {
        if (t.size() > kMost && !where.startsWith("spanscope::PromptText") && !where.startsWith("QPlainTextEdit"))
            fault(where + QString(" shows %1 characters").arg(t.size()));
        for (const QChar c : t.left(kMost))
            if (!mayBeShown(c, lines)) {
                fault(where + QString(" shows U+%1 in: ").arg(int(c.unicode()), 4, 16, QChar('0')) + t.left(80));
                break;
            }
        written(t, where);
    }

    /// Where QToolTip and friends guess.
    void tip(const QString& t, const QString& where) {
        if (Qt::mightBeRichText(t)) rich(t, where);
        else text(t, where, true);
    }

    void rich(const QString& t, const QString& where) {
        if (t.size() > 4 * kMost) fault(where + QString(" shows %1 characters of markup").arg(t.size()));
        WatchedDocument doc;
        doc.setHtml(t.left(8 * kMost));
        doc.size();
        if (doc.asked) fault(where + " opens what its text names");
        document(&doc, where);
    }

    void document(const QTextDocument* doc, const QString& where) {
        for (QTextBlock b = doc->begin(); b.isValid(); b = b.next()) {
            text(b.text().replace(QChar::LineSeparator, '\n').remove(QChar::ObjectReplacementCharacter), where, true);
            for (auto it = b.begin(); !it.atEnd(); ++it) {
                const QTextCharFormat format = it.fragment().charFormat();
                if (format.isImageFormat())
                    fault(where + " holds a picture: " + format.toImageFormat().name().left(80));
                if (format.isAnchor() && !format.anchorHref().isEmpty())
                    fault(where + " holds a link: " + format.anchorHref().left(80));
            }
        }
    }

    void action(const QAction* a, const QString& where) {
        text(withoutMnemonics(a->text()), where + " action", false);
        tip(a->toolTip(), where + " action tooltip");
        tip(a->statusTip(), where + " action status tip");
        tip(a->whatsThis(), where + " action what's this");
    }

    void model(const QAbstractItemModel* m, const QString& where) {
        if (!m) return;
        const auto cell = [&](auto&& data, const QString& place) {
            text(data(Qt::DisplayRole).toString(), place, false);
            for (const int role : {Qt::ToolTipRole, Qt::StatusTipRole, Qt::WhatsThisRole})
                tip(data(role).toString(), place + " tip");
            for (const int role : {Qt::AccessibleTextRole, Qt::AccessibleDescriptionRole})
                text(data(role).toString(), place + " accessible", true);
        };
        for (int c = 0; c < m->columnCount(); ++c) {
            cell([&](int role) { return m->headerData(c, Qt::Horizontal, role); }, where + " header");
            for (int r = 0; r < std::min(m->rowCount(), 300); ++r)
                cell([&](int role) { return m->index(r, c).data(role); },
                     QString("%1 cell %2, %3").arg(where).arg(r).arg(c));
        }
    }

    void painted(QWidget* w, const QString& where) {
        if (qobject_cast<QPlainTextEdit*>(w) || (w->parentWidget() && qobject_cast<QPlainTextEdit*>(w->parentWidget())))
            return;
        TextDevice device(w->size());
        w->render(&device, {}, {}, QWidget::DrawWindowBackground);
        for (const QString& t : device.texts()) text(t, where + " paints", true);
    }

    /// Tooltips that are made when the pointer rests.
    void pointed(QWidget* w, const QString& where) {
        if (w->width() < 4 || w->height() < 4) return;
        std::set<QString> had;
        for (int y = 1; y < 8; ++y)
            for (int x = 1; x < 8; ++x) {
                const QPoint at(w->width() * x / 8, w->height() * y / 8);
                if (w->hasMouseTracking()) {
                    QMouseEvent move(QEvent::MouseMove, at, w->mapToGlobal(at), Qt::NoButton, Qt::NoButton,
                                     Qt::NoModifier);
                    QApplication::sendEvent(w, &move);
                    text(w->accessibleDescription(), where + " hovered", true);
                    text(w->accessibleName(), where + " hovered", true);
                    if (const QWidget* up = w->parentWidget()) text(up->accessibleName(), where + " hovered", true);
                    tip(w->toolTip(), where + " hovered");
                }
                QHelpEvent help(QEvent::ToolTip, at, w->mapToGlobal(at));
                QApplication::sendEvent(w, &help);
                if (QToolTip::isVisible() && had.insert(QToolTip::text()).second)
                    tip(QToolTip::text(), where + " pointed at");
                QToolTip::hideText();
            }
        if (w->hasMouseTracking()) painted(w, where + " hovered");
    }

  private:
    /// A quoted mark stands as it was written.
    void written(const QString& t, const QString& where) {
        if (!t.contains(QLatin1String("FO")) && !t.contains(QLatin1String("RG"))) return;
        ++seen;
        QString flat = t;
        flat.remove(QChar(0x200b));
        for (qsizetype i = flat.indexOf("RG"); i >= 0; i = flat.indexOf("RG", i + 1))
            if (i == 0 || flat[i - 1] != '&') fault(where + " loses an ampersand: " + flat.left(80));
            else if (i + 2 < flat.size() && flat[i + 2] != '%' && flat[i + 2] != QChar(0x2026))
                fault(where + " fills in what its text asks for: " + flat.left(80));
        for (qsizetype i = flat.indexOf("FO"); i >= 0; i = flat.indexOf("FO", i + 1))
            if (i < 3 || QStringView(flat).mid(i - 3, 3).compare(QLatin1String("<b>"), Qt::CaseInsensitive) != 0)
                fault(where + " takes its text as markup: " + flat.left(80));
    }
    void fault(const QString& what) {
        QString line = what;
        for (QChar& c : line)
            if (!c.isPrint()) c = '?';
        if (!faults.contains(line)) faults << line;
    }
};

}  // namespace spanscope::test
