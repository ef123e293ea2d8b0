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

/// Fusion, but for the close box of a tab, which there is the loudest thing on the screen, for scroll bars, whose
/// handle there is paler than the groove it runs in, and for outlines, which there are too faint for a palette of high
/// contrast.
class QuietStyle : public QProxyStyle {
  public:
    QuietStyle() : QProxyStyle(QStringLiteral("Fusion")) {}

    void drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                       const QWidget* widget) const override {
        if (element == PE_IndicatorTabClose) return drawTabClose(option, painter);
        QProxyStyle::drawPrimitive(element, option, painter, widget);
        switch (element) {
            case PE_FrameLineEdit:
            case PE_FrameGroupBox:
            case PE_FrameTabWidget:
            case PE_IndicatorCheckBox:
            case PE_FrameMenu: outline(option, painter); break;
            case PE_PanelButtonCommand:
                outline(option, painter);
                if (option->state & State_HasFocus) ring(option, painter);
                break;
            default: break;
        }
    }

    void drawComplexControl(ComplexControl control, const QStyleOptionComplex* option, QPainter* painter,
                            const QWidget* widget) const override {
        const auto* bar = qstyleoption_cast<const QStyleOptionSlider*>(option);
        if (control == CC_ScrollBar && bar) return drawScrollBar(*bar, painter, widget);
        QProxyStyle::drawComplexControl(control, option, painter, widget);
        if (control == CC_ComboBox || control == CC_SpinBox) outline(option, painter);
    }

  private:
    static void outline(const QStyleOption* option, QPainter* painter) {
        if (!isHighContrast(option->palette)) return;
        const bool focused = option->state & State_HasFocus;
        painter->save();
        painter->setBrush(Qt::NoBrush);
        painter->setPen(
            QPen(focused ? option->palette.color(QPalette::Highlight)
                         : mix(option->palette.color(QPalette::Window), option->palette.color(QPalette::WindowText),
                               option->state & State_Enabled ? 0.8 : 0.5),
                 focused ? 3 : 1));
        painter->drawRect(QRectF(option->rect).adjusted(0.5, 0.5, -0.5, -0.5));
        painter->restore();
    }

    /// The default button of a dialog looks the same without.
    static void ring(const QStyleOption* option, QPainter* painter) {
        painter->save();
        painter->setBrush(Qt::NoBrush);
        painter->setPen(QPen(option->palette.color(QPalette::Highlight), 2));
        painter->drawRoundedRect(QRectF(option->rect).adjusted(2, 2, -2, -2), 3, 3);
        painter->restore();
    }

    void drawTabClose(const QStyleOption* option, QPainter* painter) const {
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
        painter->setPen(QPen(mix(ground, text, hovered ? 1 : 0.64), 1.4, Qt::SolidLine, Qt::RoundCap));
        const double r = std::min(box.width(), box.height()) / 2 - 5;
        painter->drawLine(box.center() - QPointF(r, r), box.center() + QPointF(r, r));
        painter->drawLine(box.center() - QPointF(r, -r), box.center() + QPointF(r, -r));
        painter->restore();
    }

    /// A groove like the ground, a handle and arrows that stand out from it.
    void drawScrollBar(const QStyleOptionSlider& bar, QPainter* painter, const QWidget* widget) const {
        const bool across = bar.orientation == Qt::Horizontal, works = bar.maximum > bar.minimum;
        painter->save();
        painter->fillRect(bar.rect, scrollGroove(bar.palette));
        painter->setRenderHint(QPainter::Antialiasing);
        painter->setPen(Qt::NoPen);
        const auto part = [&](SubControl which) {
            return QRectF(proxy()->subControlRect(CC_ScrollBar, &bar, which, widget)).intersected(QRectF(bar.rect));
        };
        const auto ink = [&](SubControl which) {
            const bool pointedAt = bar.state & State_Enabled && bar.activeSubControls & which;
            return scrollHandle(bar.palette, pointedAt && bar.state & (State_Sunken | State_MouseOver));
        };
        if (const QRectF handle = part(SC_ScrollBarSlider); works && !handle.isEmpty()) {
            const QRectF body = handle.adjusted(across ? 1 : 3, across ? 3 : 1, across ? -1 : -3, across ? -3 : -1);
            const double round = std::min(body.width(), body.height()) / 2;
            painter->setBrush(ink(SC_ScrollBarSlider));
            painter->drawRoundedRect(body, round, round);
        }
        for (const SubControl which : {SC_ScrollBarSubLine, SC_ScrollBarAddLine}) {
            const QRectF box = part(which);
            if (!works || box.isEmpty()) continue;
            const double r = std::min(box.width(), box.height()) / 5, way = which == SC_ScrollBarAddLine ? r : -r;
            const QPointF c = box.center();
            painter->setBrush(ink(which));
            painter->drawPolygon(
                across ? QPolygonF({c + QPointF(way / 2, 0), c + QPointF(-way / 2, r), c + QPointF(-way / 2, -r)})
                       : QPolygonF({c + QPointF(0, way / 2), c + QPointF(r, -way / 2), c + QPointF(-r, -way / 2)}));
        }
        painter->restore();
    }
};

/// Widgets take their colours from the same table as the plots.
QPalette paletteOf(const Palette& t) {
    const QColor button = mix(t.panel, t.dark && !t.highContrast ? t.ink : t.ground, t.dark ? 0.08 : 0.6);
    QPalette p;
    p.setColor(QPalette::Window, t.panel);
    p.setColor(QPalette::WindowText, t.ink);
    p.setColor(QPalette::Base, t.ground);
    p.setColor(QPalette::AlternateBase, t.highContrast ? mix(t.ground, t.ink, 0.08) : mix(t.ground, t.panel, 0.6));
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
    p.setColor(QPalette::PlaceholderText, mix(t.ground, t.ink, t.highContrast ? 0.8 : 0.64));
    p.setColor(QPalette::Light, mix(button, t.ground, t.dark ? 0.0 : 0.5));
    p.setColor(QPalette::Midlight, mix(button, t.ink, 0.08));
    p.setColor(QPalette::Mid, mix(button, t.ink, 0.22));
    p.setColor(QPalette::Dark, mix(button, t.ink, 0.35));
    p.setColor(QPalette::Shadow, mix(button, t.dark ? t.ground : t.ink, 0.6));
    const QColor faint = mix(t.panel, t.ink, t.highContrast ? 0.6 : 0.42);
    for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        p.setColor(QPalette::Disabled, role, faint);
    p.setColor(QPalette::Disabled, QPalette::Highlight, mix(t.panel, t.ink, 0.18));
    p.setColor(QPalette::Disabled, QPalette::HighlightedText, faint);
    return p;
}

QString styleSheet(const QPalette& p) {
    const QColor window = p.color(QPalette::Window), base = p.color(QPalette::Base), text = p.color(QPalette::Text);
    const QColor accent = p.color(QPalette::Highlight), onAccent = p.color(QPalette::HighlightedText);
    const bool high = isHighContrast(p);
    QString sheet = QStringLiteral(R"(
QToolTip { border: 1px solid @line; padding: 6px 8px; background: @tip; color: @tipText; }
QToolBar { border: 0; border-bottom: 1px solid @line; padding: 4px; spacing: 6px; background: @window; }
QMainWindow::separator { background: @line; width: 1px; height: 1px; margin: 0; }
QDockWidget { titlebar-close-icon: none; titlebar-normal-icon: none; }
QStatusBar { border-top: 1px solid @line; background: @window; }
QStatusBar::item { border: 0; }
QToolButton { border: 1px solid transparent; border-radius: 6px; padding: 5px 10px; background: transparent; }
QWidget#throughputView QToolButton, QWidget#maskBar QToolButton { padding: 3px 6px; }
QWidget#timelineView QToolButton { padding: 3px 4px; }
QFileDialog QToolButton, QTabBar QToolButton, QLineEdit QToolButton, QToolButton#qt_toolbar_ext_button { padding: 0; border-radius: 3px; }
QToolButton[toggle="true"] { border-color: @line; }
QToolButton[toggle="true"]:checked { background: @selected; color: @onSelected; border-color: @accent; }
QToolButton:hover, QToolButton:checked { background: @soft; }
QToolButton:pressed, QToolButton:open { background: @softer; }
QToolButton:focus, QToolButton[toggle="true"]:focus { border-color: @accent; }
QToolButton[toggle="true"]:checked:focus, QToolButton#stopButton:enabled:focus { border-color: @text; }
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
QLabel#promptMessage[tone="error"] { background: @wrongSoft; border-left: 3px solid @wrong; }
QLabel#figureCaption { color: @quiet; }
QLabel#modeBadge { border: 1px solid @dense; color: @text; border-radius: 9px; padding: 1px 10px; }
QFrame#banner { background: @banner; border: 1px solid @lineStrong; border-radius: 8px; }
QFrame#banner[tone="error"] { background: @wrongSoft; border-color: @wrong; }
QLabel#bannerTitle { font-weight: 600; }
QWidget#transcriptHead, QWidget#promptHead, QWidget#page { background: @base; }
QFrame#hairline { background: @line; border: 0; }
QHeaderView::section { background: @base; color: @quiet; border: 0; border-bottom: 1px solid @line; padding: 4px 4px; font-weight: normal; }
QTableView { background: @base; alternate-background-color: @alternate; selection-background-color: @selected; selection-color: @onSelected; }
QTabBar::tab { border: 0; border-top: 2px solid transparent; padding: 4px 12px; background: transparent; color: @quiet; }
QTabBar::tab:selected { border-top-color: @accent; color: @text; }
QTabBar::tab:hover { background: @soft; }
QTabBar { qproperty-drawBase: 0; }
QComboBox { min-height: 20px; }
QSplitter::handle { background: @line; }
QProgressBar#loadProgress { border: 0; background: @soft; max-height: 3px; min-height: 3px; }
QProgressBar#loadProgress::chunk { background: @accent; }
QPlainTextEdit#prompt, QPlainTextEdit#chatView, QPlainTextEdit#systemText { background: @base; selection-background-color: @selected; selection-color: @onSelected; }
QMenu { padding: 4px; }
QWidget#tourCard, QFrame[card="true"] { background: @base; border: 1px solid @line; border-radius: 8px; }
QLabel#tourTitle { font-weight: 600; }
QPushButton#tourNext { background: @accent; color: @onAccent; border: 1px solid @accent; border-radius: 6px; padding: 5px 18px; font-weight: 600; }
QPushButton#tourNext:focus { border-color: @text; }
QPushButton#tourSkip { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 5px 10px; color: @quiet; }
QPushButton#tourSkip:hover { background: @soft; }
QPushButton#tourSkip:focus { border-color: @accent; }
)");
    if (high)  // what stands out by its ground alone gets an outline
        sheet += QStringLiteral(R"(
QToolButton { border-color: @lineStrong; }
QToolButton:disabled { border-color: @line; }
QToolButton:focus, QToolButton[toggle="true"]:focus, QToolButton[toggle="true"]:checked:focus, QToolButton#runButton:focus, QToolButton#sendButton:focus, QToolButton#stopButton:enabled:focus { border: 3px double @text; padding: 3px 8px; }
QToolButton:hover, QToolButton:checked { border-color: @text; }
QHeaderView::section { border-bottom: 2px solid @text; color: @text; }
QTabBar::tab { border: 1px solid @line; border-top: 3px solid transparent; }
QTabBar::tab:selected { border-top-color: @accent; font-weight: 600; }
QMenu::item:selected { background: @accent; color: @onAccent; }
QSplitter::handle, QMainWindow::separator { background: @lineStrong; }
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
                                                {"focus", high ? accent : text},
                                                {"lineStrong", mix(window, text, high ? 0.7 : 0.3)},
                                                {"line", hairline(p)},
                                                {"softer", mix(window, text, 0.14)},
                                                {"soft", mix(window, text, 0.07)},
                                                {"quiet", quietText(p)},
                                                {"faint", mix(window, text, high ? 0.6 : 0.42)},
                                                {"banner", mix(window, accent, 0.12)},
                                                {"wrongSoft", mix(window, verdictColour(Verdict::Wrong, p), 0.12)},
                                                {"wrong", verdictColour(Verdict::Wrong, p)},
                                                {"dense", p.color(QPalette::LinkVisited)},
                                                {"selected", high ? accent : mix(base, accent, 0.24)},
                                                {"onSelected", high ? onAccent : text}};
    for (const auto& [name, color] : names) sheet.replace('@' + name, color.name());
    return sheet;
}

}  // namespace

QPalette themePalette(bool dark, bool highContrast) { return paletteOf(Palette::of(dark, highContrast)); }

bool isDark(const QPalette& palette) {
    return palette.color(QPalette::Window).lightness() < palette.color(QPalette::WindowText).lightness();
}

void applyTheme(QApplication& app, bool dark, bool highContrast, double pointSize) {
    app.setStyle(new QuietStyle);
    const QPalette palette = themePalette(dark, highContrast);
    app.setPalette(palette);
    // Sizes through the sheet: with one set, QApplication::setFont no longer reaches every widget.
    app.setStyleSheet(styleSheet(palette) + QStringLiteral("* { font-size: %1pt; }\n").arg(pointSize));
}

}  // namespace spanscope
