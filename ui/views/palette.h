// Colours and patterns of every picture: mask, timeline, plots, graph, exports. Colour-blind safe (Okabe-Ito hues,
// lightness apart), and nothing is told by colour alone: each state and phase has a pattern of its own. Values; any
// thread.
#pragma once

#include <QColor>
#include <QRgb>
#include <array>

#include "engine/types/records.h"

class QPainter;
class QPalette;
class QRectF;

namespace spanscope {

inline constexpr int kPhases = 7;

/// Steps in which the share of heads that read a token is drawn.
inline constexpr int kHeadQuarters = 4;
/// Of nAll heads, rounded up: 1 to kHeadQuarters.
constexpr int headQuarters(int32_t nHeads, int32_t nAll) {
    const int64_t quarters = nAll > 0 ? (int64_t{nHeads} * kHeadQuarters + nAll - 1) / nAll : 1;
    return quarters < 1 ? 1 : quarters > kHeadQuarters ? kHeadQuarters : static_cast<int>(quarters);
}

/// What one cell of the mask is, in the order of max-pooling: of all cells under a pixel the highest wins.
enum class MaskState : uint8_t {
    Future = 0,  ///< not written yet when the step ran
    NotRead =
        1,  ///< neither attended nor loaded: causality allows it, the list does not have it, nor any token of its page
    Loaded = 2,    ///< not attended, but on a KV page that holds a token that is
    Attended = 3,  ///< in the interval list
};
const char* maskStateName(MaskState state);

struct Palette {
    bool dark = false, highContrast = false;
    QColor ground, panel, ink, inkSoft, grid, accent;
    QColor future, notRead, notReadLine, loaded, loadedDot, attended;
    QColor declared, dense;    ///< the two lanes of every comparison
    QColor scaffold, in, out;  ///< segment kinds, as ribbons behind ink; what is written is neutral, phases are not
    std::array<QColor, kPhases> phases;

    static const Palette& light();
    static const Palette& darkOne();
    /// For those who need it: text at 7:1 and more, marks and lines at 3:1, on plain white or black.
    static const Palette& lightHighContrast();
    static const Palette& darkHighContrast();
    static const Palette& of(bool dark, bool highContrast = false);
    /// The one for a widget's own palette, so that a change of theme is a repaint.
    static const Palette& of(const QPalette& widget);

    const QColor& phase(Phase p) const { return phases[static_cast<size_t>(p)]; }
    const QColor& segment(SegmentKind kind) const;
    /// The colour of a mask pixel at (x, y) of its image; pattern: scale of the 8 x 8 pattern, 1 or more.
    QRgb maskPixel(MaskState state, Phase phase, bool byPhase, int x, int y, int pattern) const;
    /// Of a token that so many quarters of the heads read: so much of the pixels has the colour of attended cells.
    QRgb headsPixel(int quarters, int x, int y, int pattern) const;
};

/// Fills with the phase's colour and its pattern: declare diagonals, global a lattice, focus plain, local uprights,
/// close dots, free levels, prompt sparse dots. Lines, not brushes: vector formats and scaled pages keep them.
void fillPhase(QPainter& painter, const QRectF& rect, Phase phase, const Palette& palette);

/// True on the lines of the pattern of `state` (NotRead: diagonals, Loaded: dots; Attended and Future are plain).
constexpr bool maskPatternInk(MaskState state, int x, int y) {
    if (state == MaskState::NotRead) return ((x + y) & 7) == 0;
    if (state == MaskState::Loaded) return (x & 3) == 1 && (y & 3) == (((x >> 2) & 1) ? 3 : 1);
    return false;
}

}  // namespace spanscope
