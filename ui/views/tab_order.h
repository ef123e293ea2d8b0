// Tab goes through controls in the order of reading, whatever the order in which they were made. GUI thread.
#pragma once

#include <QWidget>
#include <initializer_list>

namespace spanscope {

/// From each to the next. A QTabWidget is named by its tabBar().
inline void tabThrough(std::initializer_list<QWidget*> widgets) {
    QWidget* before = nullptr;
    for (QWidget* widget : widgets) {
        if (before) QWidget::setTabOrder(before, widget);
        before = widget;
    }
}

}  // namespace spanscope
