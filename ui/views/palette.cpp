#include "ui/views/palette.h"

#include <QLineF>
#include <QPainter>
#include <QPalette>
#include <QVector>
#include <algorithm>
#include <cmath>

#include "ui/model/tint.h"

namespace spanscope {

const char* maskStateName(MaskState state) {
    switch (state) {
        case MaskState::Future: return "future";
        case MaskState::NotRead: return "not read";
        case MaskState::Loaded: return "loaded, not attended";
        case MaskState::Attended: return "attended";
    }
    return "";
}

const Palette& Palette::light() {
    static const Palette palette = [] {
        Palette p;
        p.ground = QColor(0xffffff);
        p.panel = QColor(0xf6f7f9);
        p.ink = QColor(0x1d232b);
        p.inkSoft = QColor(0x66707c);
        p.grid = QColor(0xe3e7ec);
        p.accent = QColor(0xc2185b);
        p.future = QColor(0xffffff);
        p.notRead = QColor(0xf1f4f7);
        p.notReadLine = QColor(0xd5dce5);
        p.loaded = QColor(0xdfeaf6);
        p.loadedDot = QColor(0x5d87b5);
        p.attended = QColor(0x14548f);
        p.declared = QColor(0x1666a8);
        p.dense = QColor(0xc66a00);
        p.scaffold = QColor(0xeef0f3);
        p.in = QColor(0xd3e5f5);
        p.out = QColor(0xd9dee5);
        // prompt, declare, global, focus, local, close, free
        p.phases = {QColor(0x868f9c), QColor(0xc07d00), QColor(0xc5481c), QColor(0x1f6fb5),
                    QColor(0x10937a), QColor(0xb5669f), QColor(0x6f7885)};
        return p;
    }();
    return palette;
}

const Palette& Palette::darkOne() {
    static const Palette palette = [] {
        Palette p;
        p.dark = true;
        p.ground = QColor(0x14171c);
        p.panel = QColor(0x1b1f26);
        p.ink = QColor(0xe6eaf0);
        p.inkSoft = QColor(0x98a2b0);
        p.grid = QColor(0x2b313b);
        p.accent = QColor(0xff7eb0);
        p.future = QColor(0x14171c);
        p.notRead = QColor(0x1e232b);
        p.notReadLine = QColor(0x353e4b);
        p.loaded = QColor(0x20344a);
        p.loadedDot = QColor(0x5581ad);
        p.attended = QColor(0x7cc0ff);
        p.declared = QColor(0x6ab4f5);
        p.dense = QColor(0xf2a33c);
        p.scaffold = QColor(0x232830);
        p.in = QColor(0x203a52);
        p.out = QColor(0x3a424e);
        p.phases = {QColor(0x6f7a88), QColor(0xf3bd55), QColor(0xf0805a), QColor(0x6cb2f2),
                    QColor(0x4fcfae), QColor(0xdb9fcb), QColor(0x9aa4b2)};
        return p;
    }();
    return palette;
}

const Palette& Palette::lightHighContrast() {
    static const Palette palette = [] {
        Palette p;
        p.highContrast = true;
        p.ground = p.panel = p.future = p.notRead = p.loaded = QColor(0xffffff);
        p.ink = QColor(Qt::black);
        p.inkSoft = QColor(0x333333);
        p.grid = QColor(0x8c8c8c);
        p.accent = QColor(0x9b0040);
        p.notReadLine = QColor(0x767676);
        p.loadedDot = QColor(0x14548f);
        p.attended = QColor(0x00335c);
        p.declared = QColor(0x003f7a);
        p.dense = QColor(0x7a3d00);
        p.scaffold = QColor(0xeeeeee);
        p.in = QColor(0xcfe3f7);
        p.out = QColor(0xd8d8d8);
        p.phases = {QColor(0x6b6b6b), QColor(0x8a5a00), QColor(0xa02c00), QColor(0x0b4f91),
                    QColor(0x00604e), QColor(0x8a2f73), QColor(0x333a44)};
        return p;
    }();
    return palette;
}

const Palette& Palette::darkHighContrast() {
    static const Palette palette = [] {
        Palette p;
        p.dark = p.highContrast = true;
        p.ground = p.panel = p.future = p.notRead = p.loaded = QColor(Qt::black);
        p.ink = QColor(0xffffff);
        p.inkSoft = QColor(0xd6d6d6);
        p.grid = QColor(0x6e6e6e);
        p.accent = QColor(0xff8fbf);
        p.notReadLine = QColor(0x707070);
        p.loadedDot = QColor(0x6aa6e8);
        p.attended = QColor(0x9fd2ff);
        p.declared = QColor(0x8ccaff);
        p.dense = QColor(0xffbe5c);
        p.scaffold = QColor(0x262626);
        p.in = QColor(0x0e3557);
        p.out = QColor(0x3a3a3a);
        p.phases = {QColor(0xa8a8a8), QColor(0xffd166), QColor(0xff8f66), QColor(0x7fc4ff),
                    QColor(0x5fe3c0), QColor(0xf0a8dc), QColor(0xd0d7e0)};
        return p;
    }();
    return palette;
}

const Palette& Palette::of(bool dark, bool highContrast) {
    if (highContrast) return dark ? darkHighContrast() : lightHighContrast();
    return dark ? darkOne() : light();
}

const Palette& Palette::of(const QPalette& widget) {
    return of(widget.color(QPalette::Window).lightness() < 128, isHighContrast(widget));
}

const QColor& Palette::segment(SegmentKind kind) const {
    switch (kind) {
        case SegmentKind::In: return in;
        case SegmentKind::Out: return out;
        case SegmentKind::Scaffold: break;
    }
    return scaffold;
}

QRgb Palette::maskPixel(MaskState state, Phase ofPhase, bool byPhase, int x, int y, int pattern) const {
    switch (state) {
        case MaskState::Future: return future.rgb();
        case MaskState::NotRead: return (maskPatternInk(state, x / pattern, y / pattern) ? notReadLine : notRead).rgb();
        case MaskState::Loaded: return (maskPatternInk(state, x / pattern, y / pattern) ? loadedDot : loaded).rgb();
        case MaskState::Attended: break;
    }
    return (byPhase ? phase(ofPhase) : attended).rgb();
}

QRgb Palette::headsPixel(int quarters, int x, int y, int pattern) const {
    // A pattern of 2 x 2: one, two on the diagonal, three, all of four.
    constexpr std::array<int, 4> kFilledFrom{1, 4, 3, 2};  // quarters from which (x, y) of it is filled
    const size_t at = static_cast<size_t>((y / pattern) & 1) * 2 + static_cast<size_t>((x / pattern) & 1);
    return (quarters >= kFilledFrom[at] ? attended : notRead).rgb();
}

void fillPhase(QPainter& painter, const QRectF& rect, Phase phase, const Palette& palette) {
    painter.fillRect(rect, palette.phase(phase));
    if (phase == Phase::Focus || rect.width() < 4 || rect.height() < 4) return;
    constexpr double kStep = 5;
    const double l = rect.left(), t = rect.top(), r = rect.right(), b = rect.bottom();
    QVector<QLineF> lines;
    const auto rising = [&] {  // x + y = k, cut to the rectangle by hand: SVG knows no clipping
        for (double k = std::ceil((l + t) / kStep) * kStep; k < r + b; k += kStep) {
            const double x0 = std::max(l, k - b), x1 = std::min(r, k - t);
            if (x1 > x0) lines.append({x0, k - x0, x1, k - x1});
        }
    };
    const auto falling = [&] {  // x - y = k
        for (double k = std::ceil((l - b) / kStep) * kStep; k < r - t; k += kStep) {
            const double x0 = std::max(l, k + t), x1 = std::min(r, k + b);
            if (x1 > x0) lines.append({x0, x0 - k, x1, x1 - k});
        }
    };
    const auto dots = [&](double step) {
        for (double y = std::ceil(t / step) * step; y < b - 1; y += step)
            for (double x = std::ceil(l / step) * step; x < r - 1; x += step) lines.append({x, y, x + 1, y});
    };
    switch (phase) {
        case Phase::Declare: rising(); break;
        case Phase::Global:
            rising();
            falling();
            break;
        case Phase::Local:
            for (double x = std::ceil(l / 4) * 4; x < r; x += 4) lines.append({x, t, x, b});
            break;
        case Phase::Close: dots(3); break;
        case Phase::Free:
            for (double y = std::ceil(t / 4) * 4; y < b; y += 4) lines.append({l, y, r, y});
            break;
        case Phase::Prompt: dots(6); break;
        case Phase::Focus: break;
    }
    painter.save();
    const QColor line = palette.highContrast ? palette.ground
                        : palette.dark       ? QColor(0, 0, 0, 100)
                                             : QColor(255, 255, 255, 130);
    painter.setPen(QPen(line, 1, Qt::SolidLine, Qt::FlatCap));
    painter.drawLines(lines);
    painter.restore();
}

}  // namespace spanscope
