// Mapping between mask cells and pixels, as values. Pixels here are device pixels of the whole picture laid out at
// one scale, counted from the corner of cell (0, 0); what is on screen is a window into that.
#pragma once

#include <QRectF>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace spanscope {

struct CellRange {
    int begin = 0;
    int end = 0;  ///< exclusive
    bool operator==(const CellRange&) const = default;
};

/// One direction. Zoomed out (cellsPerPixel > 1) a pixel stands for every cell it overlaps; zoomed in, for the one
/// under its centre, so that cell edges are sharp.
struct MaskAxis {
    double cellsPerPixel = 1;
    bool operator==(const MaskAxis&) const = default;

    CellRange cellsAt(int64_t pixel) const {
        const double p = static_cast<double>(pixel);
        if (cellsPerPixel <= 1) {
            const int cell = static_cast<int>(std::floor((p + 0.5) * cellsPerPixel));
            return {cell, cell + 1};
        }
        const int first = static_cast<int>(std::floor(p * cellsPerPixel));
        return {first, std::max(first + 1, static_cast<int>(std::ceil((p + 1) * cellsPerPixel)))};
    }
    int cellAt(double pixel) const { return static_cast<int>(std::floor(pixel * cellsPerPixel)); }
    double pixelOf(double cell) const { return cell / cellsPerPixel; }
    double pixelsPerCell() const { return 1 / cellsPerPixel; }
    int64_t pixels(int nCells) const { return static_cast<int64_t>(std::ceil(nCells / cellsPerPixel - 1e-6)); }
};

/// A window of `extent` pixels on an axis of nCells cells, its first pixel at `origin`.
struct MaskWindow {
    static constexpr double kMaxPixelsPerCell = 48;

    MaskAxis axis;
    double origin = 0;
    int extent = 1;
    int nCells = 0;

    void fit(int cells) {
        axis.cellsPerPixel = std::max(1.0 * std::max(1, cells) / std::max(1, extent), 1 / kMaxPixelsPerCell);
        origin = 0;
    }
    /// Keeps the window on the picture; a picture smaller than the window stays at its start.
    void clamp() {
        const double rest = static_cast<double>(axis.pixels(nCells)) - extent;
        origin = std::clamp(origin, 0.0, std::max(0.0, rest));
    }
    /// factor > 1 zooms in; the cell under `pixel` (of the window) stays there.
    void zoomAt(double pixel, double factor) {
        const double cell = (origin + pixel) * axis.cellsPerPixel;
        const double most = std::max(1.0 * std::max(1, nCells) / std::max(1, extent), 1 / kMaxPixelsPerCell);
        axis.cellsPerPixel = std::clamp(axis.cellsPerPixel / factor, 1 / kMaxPixelsPerCell, most);
        origin = std::round(cell / axis.cellsPerPixel - pixel);
        clamp();
    }
    /// The scale and place of another window, as far as they fit this one.
    void follow(const MaskWindow& other) {
        axis = other.axis;
        origin = other.origin;
        clamp();
    }
    /// Shows exactly the cells [first, last), with a little room on both sides.
    void show(int first, int last) {
        const double n = std::max(1, last - first) * 1.08;
        axis.cellsPerPixel = std::max(n / std::max(1, extent), 1 / kMaxPixelsPerCell);
        origin = std::round((first + last) / 2.0 / axis.cellsPerPixel - extent / 2.0);
        clamp();
    }
    /// Scrolls as little as needed to have the cell inside.
    void reveal(int cell) {
        const double begin = axis.pixelOf(cell), end = axis.pixelOf(cell + 1);
        if (begin < origin) origin = std::floor(begin);
        if (end > origin + extent) origin = std::ceil(end - extent);
        clamp();
    }
    CellRange visibleCells() const {
        return {std::max(0, axis.cellAt(origin)),
                std::min(nCells, axis.cellsAt(static_cast<int64_t>(origin) + extent - 1).end)};
    }
    /// Cell under a pixel of the window, -1 outside.
    int cellAtWindow(double pixel) const {
        const int cell = axis.cellAt(origin + pixel);
        return pixel < 0 || pixel >= extent || cell < 0 || cell >= nCells ? -1 : cell;
    }
};

/// Where a note of `size` on the cell at `at` stands: in a corner of the plot, the upper right first, which is the
/// future and empty; never over the cell, and inside `bounds` as far as it fits.
QRectF cardPlace(QSizeF size, const QRectF& bounds, const QRectF& plot, QPointF at);

/// Room to grow while a run is live: the next of 64 * 2^(k/4), so the scale changes seldom.
inline int cellsWithRoom(int n) {
    double room = 64;
    while (room < n) room *= 1.189207115002721;
    return static_cast<int>(std::ceil(room));
}

struct MaskTick {
    int cell = 0;
    bool major = false;
};
/// Round numbers (1, 2, 5 times a power of ten) at least minPixels apart; five minor ones between where they fit.
std::vector<MaskTick> niceTicks(CellRange cells, double pixelsPerCell, double minPixels);

}  // namespace spanscope
