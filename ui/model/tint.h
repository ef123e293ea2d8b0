// Colours as mixtures of palette roles, so that light, dark and a person's own scheme all stay legible.
#pragma once

#include <QColor>
#include <QPalette>

namespace spanscope {

/// a at share 0, b at share 1.
inline QColor mix(const QColor& a, const QColor& b, double share) {
    const auto part = [share](float x, float y) { return float(x + (y - x) * share); };
    return QColor::fromRgbF(part(a.redF(), b.redF()), part(a.greenF(), b.greenF()), part(a.blueF(), b.blueF()));
}
/// Text of lesser weight on Base.
inline QColor quietText(const QPalette& palette) {
    return mix(palette.color(QPalette::Base), palette.color(QPalette::Text), 0.62);
}
/// Hairlines.
inline QColor hairline(const QPalette& palette) {
    return mix(palette.color(QPalette::Window), palette.color(QPalette::WindowText), 0.16);
}

}  // namespace spanscope
