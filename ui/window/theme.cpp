#include "ui/window/theme.h"

#include <QApplication>
#include <QPainter>
#include <QPainterPath>
#include <QStyleFactory>

#include "ui/model/check_words.h"
#include "ui/model/tint.h"
#include "ui/views/palette.h"

namespace spanscope {

namespace {

/// Widgets take their colours from the same table as the plots.
QPalette paletteOf(const Palette& t) {
    const QColor button = mix(t.panel, t.dark ? t.ink : t.ground, t.dark ? 0.08 : 0.6);
    QPalette p;
    p.setColor(QPalette::Window, t.panel);
    p.setColor(QPalette::WindowText, t.ink);
    p.setColor(QPalette::Base, t.ground);
    p.setColor(QPalette::AlternateBase, mix(t.ground, t.panel, 0.6));
    p.setColor(QPalette::Text, t.ink);
    p.setColor(QPalette::Button, button);
    p.setColor(QPalette::ButtonText, t.ink);
    p.setColor(QPalette::BrightText, t.ground);
    p.setColor(QPalette::Highlight, t.declared);
    p.setColor(QPalette::HighlightedText, t.ground);
    p.setColor(QPalette::Link, t.declared);
    p.setColor(QPalette::LinkVisited, t.dense);
    p.setColor(QPalette::ToolTipBase, t.dark ? button : t.ground);
    p.setColor(QPalette::ToolTipText, t.ink);
    p.setColor(QPalette::PlaceholderText, mix(t.ground, t.ink, 0.5));
    p.setColor(QPalette::Light, mix(button, t.ground, t.dark ? 0.0 : 0.5));
    p.setColor(QPalette::Midlight, mix(button, t.ink, 0.08));
    p.setColor(QPalette::Mid, mix(button, t.ink, 0.22));
    p.setColor(QPalette::Dark, mix(button, t.ink, 0.35));
    p.setColor(QPalette::Shadow, mix(button, t.dark ? t.ground : t.ink, 0.6));
    const QColor faint = mix(t.panel, t.ink, 0.42);
    for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        p.setColor(QPalette::Disabled, role, faint);
    p.setColor(QPalette::Disabled, QPalette::Highlight, mix(t.panel, t.ink, 0.18));
    p.setColor(QPalette::Disabled, QPalette::HighlightedText, faint);
    return p;
}

QString styleSheet(const QPalette& p) {
    const QColor window = p.color(QPalette::Window), base = p.color(QPalette::Base), text = p.color(QPalette::Text);
    const QColor accent = p.color(QPalette::Highlight), onAccent = p.color(QPalette::HighlightedText);
    QString sheet = QStringLiteral(R"(
QToolTip { border: 1px solid @line; padding: 6px 8px; background: @tip; color: @tipText; }
QToolBar { border: 0; border-bottom: 1px solid @line; padding: 6px 12px; spacing: 8px; background: @window; }
QMainWindow::separator { background: @line; width: 1px; height: 1px; margin: 0; }
QDockWidget { titlebar-close-icon: none; titlebar-normal-icon: none; }
QStatusBar { border-top: 1px solid @line; background: @window; }
QStatusBar::item { border: 0; }
QToolButton { border: 1px solid transparent; border-radius: 6px; padding: 5px 10px; background: transparent; }
QWidget#timelineView QToolButton, QWidget#throughputView QToolButton { padding: 5px 6px; }
QToolButton:hover, QToolButton:checked { background: @soft; }
QToolButton:pressed, QToolButton:open { background: @softer; }
QToolButton:focus { border-color: @accent; }
QToolButton::menu-indicator { image: none; }
QToolButton#runButton, QToolButton#sendButton { background: @accent; color: @onAccent; font-weight: 600; padding: 6px 16px; }
QToolButton#runButton:hover, QToolButton#sendButton:hover { background: @accentHover; }
QToolButton#runButton:focus, QToolButton#sendButton:focus { border-color: @text; }
QToolButton#runButton:disabled, QToolButton#sendButton:disabled { background: @soft; color: @faint; }
QToolButton#stopButton { border-color: @line; padding: 6px 14px; }
QToolButton#stopButton:enabled { border-color: @quiet; }
QLabel#sectionTitle { font-weight: 600; color: @quiet; }
QLabel#laneTitle { font-weight: 600; color: @quiet; }
QTabBar#runTabs { background: @base; }
QTabBar#runTabs::tab { padding: 4px 10px; }
QLabel#dockTitle { font-weight: 600; color: @quiet; padding: 0; }
QLabel#promptMessage { border-radius: 6px; padding: 8px 12px; background: @soft; }
QLabel#promptMessage[tone="error"] { background: @wrongSoft; border-left: 3px solid @wrong; }
QLabel#figureCaption { color: @quiet; }
QLabel#figureValue { font-weight: 600; }
QLabel#modeBadge { border: 1px solid @line; border-radius: 9px; padding: 2px 10px; }
QFrame#banner { background: @banner; border: 0; border-bottom: 1px solid @line; }
QFrame#banner[tone="error"] { background: @wrongSoft; border-bottom: 2px solid @wrong; }
QLabel#bannerTitle { font-weight: 600; }
QWidget#transcriptHead, QWidget#promptHead, QWidget#page { background: @base; }
QFrame#hairline { background: @line; border: 0; }
QHeaderView::section { background: @base; color: @quiet; border: 0; border-bottom: 1px solid @line; padding: 6px 4px; font-weight: 600; }
QTableView { background: @base; alternate-background-color: @alternate; selection-background-color: @selected; selection-color: @text; }
QTabBar::tab { border: 0; border-top: 2px solid transparent; padding: 6px 12px; background: transparent; color: @quiet; }
QTabBar::tab:selected { border-top-color: @accent; color: @text; }
QTabBar::tab:hover { background: @soft; }
QTabBar { qproperty-drawBase: 0; }
QComboBox { min-height: 24px; }
QSplitter::handle { background: @line; }
QProgressBar#loadProgress { border: 0; background: @soft; max-height: 3px; min-height: 3px; }
QProgressBar#loadProgress::chunk { background: @accent; }
QPlainTextEdit#prompt, QPlainTextEdit#chatView, QPlainTextEdit#systemText { background: @base; selection-background-color: @selected; selection-color: @text; }
QMenu { padding: 4px; }
QWidget#tourCard, QFrame[card="true"] { background: @base; border: 1px solid @line; border-radius: 8px; }
QLabel#tourTitle { font-weight: 600; }
)");
    const QVector<QPair<QString, QColor>> names{{"accentHover", mix(accent, text, 0.14)},
                                                {"onAccent", onAccent},
                                                {"accent", accent},
                                                {"window", window},
                                                {"alternate", p.color(QPalette::AlternateBase)},
                                                {"base", base},
                                                {"tipText", p.color(QPalette::ToolTipText)},
                                                {"tip", p.color(QPalette::ToolTipBase)},
                                                {"text", text},
                                                {"line", hairline(p)},
                                                {"softer", mix(window, text, 0.14)},
                                                {"soft", mix(window, text, 0.07)},
                                                {"quiet", quietText(p)},
                                                {"faint", mix(window, text, 0.42)},
                                                {"banner", mix(window, accent, 0.12)},
                                                {"wrongSoft", mix(window, verdictColour(Verdict::Wrong, p), 0.12)},
                                                {"wrong", verdictColour(Verdict::Wrong, p)},
                                                {"selected", mix(base, accent, 0.24)}};
    for (const auto& [name, color] : names) sheet.replace('@' + name, color.name());
    return sheet;
}

}  // namespace

QPalette lightPalette() { return paletteOf(Palette::light()); }
QPalette darkPalette() { return paletteOf(Palette::darkOne()); }

bool isDark(const QPalette& palette) {
    return palette.color(QPalette::Window).lightness() < palette.color(QPalette::WindowText).lightness();
}

void applyTheme(QApplication& app, bool dark, double pointSize) {
    if (QStyle* style = QStyleFactory::create("Fusion")) app.setStyle(style);
    const QPalette palette = dark ? darkPalette() : lightPalette();
    app.setPalette(palette);
    // Sizes through the sheet: with one set, QApplication::setFont no longer reaches every widget.
    app.setStyleSheet(styleSheet(palette) + QStringLiteral("* { font-size: %1pt; }\n").arg(pointSize));
}

QIcon glyphIcon(Glyph glyph, const QPalette& palette, bool accent) {
    QIcon icon;
    const auto draw = [&](const QColor& color, QIcon::Mode mode) {
        for (const int scale : {1, 2, 3}) {
            QPixmap pixmap(16 * scale, 16 * scale);
            pixmap.fill(Qt::transparent);
            QPainter p(&pixmap);
            p.setRenderHint(QPainter::Antialiasing);
            p.scale(scale, scale);
            QPen pen(color, 1.6, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin);
            p.setPen(pen);
            switch (glyph) {
                case Glyph::Run: {
                    QPainterPath path;
                    path.moveTo(4.5, 3);
                    path.lineTo(13, 8);
                    path.lineTo(4.5, 13);
                    path.closeSubpath();
                    p.fillPath(path, color);
                    p.drawPath(path);
                    break;
                }
                case Glyph::Stop:
                    p.setBrush(color);
                    p.drawRoundedRect(QRectF(4, 4, 8, 8), 1, 1);
                    break;
                case Glyph::Repeat:
                    p.drawArc(QRectF(3, 3, 10, 10), 60 * 16, 285 * 16);
                    p.drawPolyline(QPolygonF{{7.4, 1.6}, {10.6, 3.6}, {8.6, 6.6}});
                    break;
                case Glyph::Open:
                    p.drawPolyline(QPolygonF{{2, 12.5}, {2, 4}, {6, 4}, {7.5, 5.5}, {13, 5.5}, {13, 7.5}});
                    p.drawPolygon(QPolygonF{{2, 12.5}, {4, 7.5}, {15, 7.5}, {13, 12.5}});
                    break;
                case Glyph::Save:
                    p.drawPolyline(QPolygonF{{8, 2}, {8, 10}});
                    p.drawPolyline(QPolygonF{{4.8, 7}, {8, 10.2}, {11.2, 7}});
                    p.drawPolyline(QPolygonF{{2.5, 11}, {2.5, 13.5}, {13.5, 13.5}, {13.5, 11}});
                    break;
                case Glyph::Sliders:
                    for (const double y : {4.0, 8.0, 12.0}) p.drawLine(QPointF(2.5, y), QPointF(13.5, y));
                    p.setBrush(color);
                    p.drawEllipse(QPointF(10, 4), 1.6, 1.6);
                    p.drawEllipse(QPointF(5.5, 8), 1.6, 1.6);
                    p.drawEllipse(QPointF(9, 12), 1.6, 1.6);
                    break;
                case Glyph::Model:
                    p.drawRoundedRect(QRectF(2.5, 2.5, 11, 11), 2, 2);
                    p.drawLine(QPointF(2.5, 6.5), QPointF(13.5, 6.5));
                    p.drawLine(QPointF(6.5, 6.5), QPointF(6.5, 13.5));
                    break;
                case Glyph::Find:
                    p.drawEllipse(QPointF(7, 7), 4, 4);
                    p.drawLine(QPointF(10.2, 10.2), QPointF(13.5, 13.5));
                    break;
                case Glyph::Close:
                    p.drawLine(QPointF(4.5, 4.5), QPointF(11.5, 11.5));
                    p.drawLine(QPointF(11.5, 4.5), QPointF(4.5, 11.5));
                    break;
                case Glyph::Help:
                    p.drawEllipse(QPointF(8, 8), 6, 6);
                    p.drawText(QRectF(2, 2, 12, 12), Qt::AlignCenter, "?");
                    break;
            }
            p.end();
            pixmap.setDevicePixelRatio(scale);
            icon.addPixmap(pixmap, mode);
        }
    };
    draw(palette.color(accent ? QPalette::HighlightedText : QPalette::ButtonText), QIcon::Normal);
    draw(palette.color(QPalette::Disabled, QPalette::ButtonText), QIcon::Disabled);
    return icon;
}

}  // namespace spanscope
