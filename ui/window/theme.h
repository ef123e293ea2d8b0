// The palettes of the widgets, light and dark, each in usual and in high contrast, from the same colours as the plots
// (ui/views/palette.h), and the few rules of style that go with them. Everything else mixes palette roles. GUI thread.
#pragma once

#include <QPalette>

class QApplication;

namespace spanscope {

enum class ThemeChoice { System, Light, Dark };
enum class ContrastChoice { System, Usual, High };

QPalette themePalette(bool dark, bool highContrast);
/// Sets style, palette, style sheet and text size of the application.
void applyTheme(QApplication& app, bool dark, bool highContrast, double pointSize);
bool isDark(const QPalette& palette);

}  // namespace spanscope
