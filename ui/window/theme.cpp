#include "ui/window/theme.h"

#include <QApplication>
#include <QPainter>
#include <QProxyStyle>
#include <QStyleOption>
#include <algorithm>

#include "ui/model/check_words.h"
#include "ui/model/tint.h"
#include "ui/views/palette.h"

namespace spanscope {

namespace {

/// Fusion, but for the close box of a tab, which there is the loudest thing on the screen.
class QuietStyle : public QProxyStyle {
  public:
    QuietStyle() : QProxyStyle(QStringLiteral("Fusion")) {}
    void drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                       const QWidget* widget) const override {
        if (element != PE_IndicatorTabClose) return QProxyStyle::drawPrimitive(element, option, painter, widget);
        const QColor text = option->palette.color(QPalette::WindowText),
                     ground = option->palette.color(QPalette::Window);
        const bool hovered = option->state & State_MouseOver && option->state & State_Enabled;
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        const QRectF box(option->rect);
        if (hovered) {
            painter->setPen(Qt::NoPen);
            painter->setBrush(mix(ground, text, 0.14));
            painter->drawRoundedRect(box, 4, 4);
        }
        painter->setPen(QPen(mix(ground, text, hovered ? 1 : 0.55), 1.4, Qt::SolidLine, Qt::RoundCap));
        const double r = std::min(box.width(), box.height()) / 2 - 5;
        painter->drawLine(box.center() - QPointF(r, r), box.center() + QPointF(r, r));
        painter->drawLine(box.center() - QPointF(r, -r), box.center() + QPointF(r, -r));
        painter->restore();
    }
};

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

QString styleSheet(const QPalette& p, const QColor& error) {
    const QColor window = p.color(QPalette::Window), base = p.color(QPalette::Base), text = p.color(QPalette::Text);
    const QColor accent = p.color(QPalette::Highlight), onAccent = p.color(QPalette::HighlightedText);
    QString sheet = QStringLiteral(R"(
QToolTip { border: 1px solid @line; padding: 6px 8px; background: @tip; color: @tipText; }
QToolBar { border: 0; border-bottom: 1px solid @line; padding: 4px; spacing: 6px; background: @window; }
QMainWindow::separator { background: @line; width: 1px; height: 1px; margin: 0; }
QDockWidget { titlebar-close-icon: none; titlebar-normal-icon: none; }
QStatusBar { border-top: 1px solid @line; background: @window; }
QStatusBar::item { border: 0; }
QToolButton { border: 1px solid transparent; border-radius: 6px; padding: 5px 10px; background: transparent; }
QWidget#timelineView QToolButton, QWidget#throughputView QToolButton, QWidget#maskBar QToolButton { padding: 3px 6px; }
QFileDialog QToolButton, QTabBar QToolButton, QLineEdit QToolButton, QToolButton#qt_toolbar_ext_button { padding: 0; border-radius: 3px; }
QToolButton[toggle="true"] { border-color: @line; }
QToolButton[toggle="true"]:checked { background: @selected; border-color: @accent; }
QToolButton:hover, QToolButton:checked { background: @soft; }
QToolButton:pressed, QToolButton:open { background: @softer; }
QToolButton:focus { border-color: @accent; }
QToolButton::menu-indicator { image: none; }
QToolButton#runButton, QToolButton#sendButton { background: @accent; color: @onAccent; font-weight: 600; padding: 4px 14px; }
QToolButton#runButton:hover, QToolButton#sendButton:hover { background: @accentHover; }
QToolButton#runButton:focus, QToolButton#sendButton:focus { border-color: @text; }
QToolButton#runButton:disabled, QToolButton#sendButton:disabled { background: @soft; color: @faint; }
QToolButton#stopButton { border-color: @line; padding: 4px 12px; }
QToolButton#stopButton:enabled { border-color: @quiet; }
QLabel#sectionTitle { color: @quiet; }
QLabel#laneTitle { color: @quiet; }
QLabel#pageTitle { font-weight: 600; }
QTabBar#runTabs { background: @base; }
QTabBar#runTabs::tab { padding: 4px 10px; }
QLabel#dockTitle { color: @text; padding: 0; }
QLabel#promptMessage { border-radius: 6px; padding: 8px 12px; background: @soft; }
QLabel#promptMessage[tone="error"] { background: @errorSoft; border-left: 3px solid @error; }
QLabel#figureCaption { color: @quiet; }
QLabel#modeBadge { border: 1px solid @dense; color: @text; border-radius: 9px; padding: 1px 10px; }
QFrame#banner { background: @banner; border: 1px solid @lineStrong; border-radius: 8px; }
QFrame#banner[tone="error"] { background: @errorSoft; border-color: @error; }
QLabel#bannerTitle { font-weight: 600; }
QWidget#transcriptHead, QWidget#promptHead, QWidget#page { background: @base; }
QFrame#hairline { background: @line; border: 0; }
QHeaderView::section { background: @base; color: @quiet; border: 0; border-bottom: 1px solid @line; padding: 4px 4px; font-weight: normal; }
QTableView { background: @base; alternate-background-color: @alternate; selection-background-color: @selected; selection-color: @text; }
QTabBar::tab { border: 0; border-top: 2px solid transparent; padding: 4px 12px; background: transparent; color: @quiet; }
QTabBar::tab:selected { border-top-color: @accent; color: @text; }
QTabBar::tab:hover { background: @soft; }
QTabBar { qproperty-drawBase: 0; }
QComboBox { min-height: 20px; }
QSplitter::handle { background: @line; }
QProgressBar#loadProgress { border: 0; background: @soft; max-height: 3px; min-height: 3px; }
QProgressBar#loadProgress::chunk { background: @accent; }
QPlainTextEdit#prompt, QPlainTextEdit#chatView, QPlainTextEdit#systemText { background: @base; selection-background-color: @selected; selection-color: @text; }
QMenu { padding: 4px; }
QWidget#tourCard, QFrame[card="true"] { background: @base; border: 1px solid @line; border-radius: 8px; }
QLabel#tourTitle { font-weight: 600; }
QPushButton#tourNext { background: @accent; color: @onAccent; border: 1px solid @accent; border-radius: 6px; padding: 5px 18px; font-weight: 600; }
QPushButton#tourNext:focus { border-color: @text; }
QPushButton#tourSkip { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 5px 10px; color: @quiet; }
QPushButton#tourSkip:hover { background: @soft; }
QPushButton#tourSkip:focus { border-color: @accent; }
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
                                                {"lineStrong", mix(window, text, 0.3)},
                                                {"line", hairline(p)},
                                                {"softer", mix(window, text, 0.14)},
                                                {"soft", mix(window, text, 0.07)},
                                                {"quiet", quietText(p)},
                                                {"faint", mix(window, text, 0.42)},
                                                {"banner", mix(window, accent, 0.12)},
                                                {"errorSoft", mix(base, error, 0.12)},
                                                {"error", error},
                                                {"dense", p.color(QPalette::LinkVisited)},
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
    app.setStyle(new QuietStyle);
    const QPalette palette = dark ? darkPalette() : lightPalette();
    app.setPalette(palette);
    // Sizes through the sheet: with one set, QApplication::setFont no longer reaches every widget.
    app.setStyleSheet(styleSheet(palette, Palette::of(dark).error) +
                      QStringLiteral("* { font-size: %1pt; }\n").arg(pointSize));
}

}  // namespace spanscope
