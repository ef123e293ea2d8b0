// Mask pixels from interval lists. The pixel rule, the same on screen and in every export: a pixel shows the highest
// state (MaskState order) of all cells it stands for (MaskAxis::cellsAt), so a single attended token never disappears.
//
// Cost of a pixel row: for every run of steps that share one list, one fill per interval. Steps of a phase share their
// list, and what a later step of a run attends to contains what an earlier one does, so a run counts once however long.
#pragma once

#include <QImage>
#include <cstdint>
#include <vector>

#include "ui/views/mask/mask_geometry.h"
#include "ui/views/mask/mask_rows.h"
#include "ui/views/palette.h"

namespace spanscope {

/// State and, where attended, phase of a pooled pixel in one byte, or how many of the heads attend; higher wins.
using MaskCode = uint8_t;
constexpr MaskCode maskCode(MaskState state, Phase phase = Phase::Prompt) {
    return static_cast<MaskCode>(state == MaskState::Attended ? 3 + static_cast<int>(phase) : static_cast<int>(state));
}
/// quarters: 1 to kHeadQuarters.
constexpr MaskCode headsCode(int quarters) { return static_cast<MaskCode>(2 + kPhases + quarters); }
inline constexpr int kMaskCodes = 3 + kPhases + kHeadQuarters;
constexpr int quartersOf(MaskCode code) { return code > 2 + kPhases ? code - 2 - kPhases : 0; }  ///< 0: by phase
constexpr MaskState stateOf(MaskCode code) { return code >= 3 ? MaskState::Attended : static_cast<MaskState>(code); }
constexpr Phase phaseOf(MaskCode code) {
    return code >= 3 && code < 3 + kPhases ? static_cast<Phase>(code - 3) : Phase::Prompt;
}

/// The state of one cell, straight from visibility.h.
MaskState maskCell(const MaskRow& row, int column);

/// Which cells the pixels [first, first + n) of an axis stand for; made once for a tile.
struct PixelCells {
    PixelCells(const MaskAxis& axis, int64_t first, int n);
    std::vector<int> begin, end;  ///< (n) each, ascending
};

/// Raises to `code` every pixel that stands for a cell of [first, last).
void markPixels(const PixelCells& pixels, int first, int last, MaskCode code, MaskCode* codes);

/// codes: (columns.begin.size()), overwritten: the rows [rows.begin, rows.end) pooled into one pixel row.
void poolRows(const MaskRows& mask, CellRange rows, const PixelCells& columns, MaskCode* codes);

struct MaskStyle {
    bool dark = false;
    bool byPhase = true;     ///< attended cells in the colour of their phase; false: one colour
    bool showLoaded = true;  ///< false: page rounding is drawn as not read
    int pattern = 1;         ///< pixels to a pattern dot
    bool highContrast = false;
    const Palette& palette() const { return Palette::of(dark, highContrast); }
    bool operator==(const MaskStyle&) const = default;
};

/// RGB32 image of the pixels [x, x + width) x [y, y + height) of the whole picture.
QImage rasterMask(const MaskRows& mask, const MaskAxis& xAxis, const MaskAxis& yAxis, int64_t x, int64_t y, int width,
                  int height, const MaskStyle& style);

}  // namespace spanscope
