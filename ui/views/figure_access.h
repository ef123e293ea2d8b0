// What screen readers are told of a painted view: that it is a chart and not a filler, and what can be done with it.
// Its accessible name and description say the rest and follow what is shown. GUI thread.
#pragma once

class QWidget;

namespace spanscope {

/// In the constructor of the widget or of what it is part of.
void describeAsFigure(QWidget* figure);
bool isFigure(const QWidget* widget);

}  // namespace spanscope
