// Colours as mixtures of palette roles, so that light, dark and a person's own scheme all stay legible.
#pragma once

#include <QColor>
#include <QPalette>
#include <algorithm>
#include <cmath>

namespace spanscope {

/// a at share 0, b at share 1.
inline QColor mix(const QColor& a, const QColor& b, double share) {
    const auto part = [share](float x, float y) { return float(x + (y - x) * share); };
    return QColor::fromRgbF(part(a.redF(), b.redF()), part(a.greenF(), b.greenF()), part(a.blueF(), b.blueF()));
}
/// From 1, none, to 21, black on white: as WCAG 2 has it, of opaque colours.
inline double contrastRatio(const QColor& a, const QColor& b) {
    const auto luminance = [](const QColor& c) {
        const auto linear = [](double v) { return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4); };
        return 0.2126 * linear(double(c.redF())) + 0.7152 * linear(double(c.greenF())) +
               0.0722 * linear(double(c.blueF()));
    };
    const double x = luminance(a), y = luminance(b);
    return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}
/// A palette for those who need strong contrast: its text is black on white, or white on black.
inline bool isHighContrast(const QPalette& palette) {
    return contrastRatio(palette.color(QPalette::Window), palette.color(QPalette::WindowText)) > 20;
}
/// Text of lesser weight on Base.
inline QColor quietText(const QPalette& palette) {
    return mix(palette.color(QPalette::Base), palette.color(QPalette::Text), isHighContrast(palette) ? 0.85 : 0.64);
}
/// Text that is out of the question at the moment, on Base.
inline QColor dimmedText(const QPalette& palette) {
    return mix(palette.color(QPalette::Base), palette.color(QPalette::Text), isHighContrast(palette) ? 0.7 : 0.34);
}
/// Hairlines.
inline QColor hairline(const QPalette& palette) {
    return mix(palette.color(QPalette::Window), palette.color(QPalette::WindowText),
               isHighContrast(palette) ? 0.55 : 0.16);
}

/// Of a scroll bar: what the handle runs in, and the handle itself, which is what has to be seen.
inline QColor scrollGroove(const QPalette& palette) {
    return mix(palette.color(QPalette::Base), palette.color(QPalette::Text), isHighContrast(palette) ? 0 : 0.05);
}
inline QColor scrollHandle(const QPalette& palette, bool pointedAt = false) {
    return mix(palette.color(QPalette::Base), palette.color(QPalette::Text),
               pointedAt || isHighContrast(palette) ? 0.8 : 0.56);
}

}  // namespace spanscope
