// Which panel stands where in an arrangement of the window, as a value: the text at the left, its figures and tables
// behind tabs below it, the mask at the right over the whole height. Any thread.
#pragma once

#include <QList>
#include <QRect>
#include <QStringList>
#include <Qt>

namespace spanscope {

/// Panels behind each other's tabs, in the order of the tabs.
struct DockGroup {
    Qt::DockWidgetArea area = Qt::RightDockWidgetArea;
    QStringList ids;
    QString front;      ///< empty: none of them is shown
    QStringList away;   ///< of ids: at hand in the menu, not shown
    double share = 1;   ///< of the height of what stands above each other in the right area
};

struct DockArrangement {
    QList<DockGroup> groups;  ///< of the right area from top to bottom, then of the bottom
    double column = 0.45;     ///< of the window's width for the text
    double foot = 0.36;       ///< of the window's height for what stands below the text

    const DockGroup* groupOf(const QString& id) const;  ///< nullptr: it is in none
};

/// How many lines of text a window is high; an arrangement keeps what a person made of it for each class.
enum class DockRoom { Low, Usual, Tall };
DockRoom dockRoom(int height, int lineHeight);

/// preset: "demo", "analysis", "inspect" or "presentation"; any other name is "demo". Each holds the same panels.
DockArrangement dockArrangement(const QString& preset, DockRoom room);

/// The text is no wider than this: longer lines are hard to follow. zoom: of the text.
int widestColumn(double zoom, bool sideBySide);

/// `window` moved, and made smaller where it must be, so that all of it is on one of the screens: the one that shows
/// most of it, the first where none does. screens: what each has free, one at least.
QRect fittedToScreens(const QRect& window, const QList<QRect>& screens);

}  // namespace spanscope
