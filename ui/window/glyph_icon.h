// The pictures on buttons: strokes in the palette's text colours, so that they follow light and dark and are sharp at
// every scale. GUI thread.
#pragma once

#include <QIcon>
#include <QPalette>

namespace spanscope {

enum class Glyph { Run, Stop, Repeat, Open, Save, Sliders, Model, Find, Close, Help };
/// accent: for use on a highlighted button.
QIcon glyphIcon(Glyph glyph, const QPalette& palette, bool accent = false);

}  // namespace spanscope
