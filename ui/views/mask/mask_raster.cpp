#include "ui/views/mask/mask_raster.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace spanscope {

QRectF cardPlace(QSizeF size, const QRectF& bounds, const QRectF& plot, QPointF at) {
    constexpr double kGap = 8, kClear = 14;  // to the edge of the plot, to the cell
    const double left = plot.left() + kGap, right = plot.right() - kGap - size.width();
    const double top = plot.top() + kGap, bottom = plot.bottom() - kGap - size.height();
    const auto inside = [&](QPointF corner) {
        QRectF box(corner, size);
        box.moveLeft(std::max(bounds.left(), std::min(box.left(), bounds.right() - size.width())));
        box.moveTop(std::max(bounds.top(), std::min(box.top(), bounds.bottom() - size.height())));
        return box;
    };
    const QRectF cell(at - QPointF(kClear, kClear), QSizeF(2 * kClear, 2 * kClear));
    for (const QPointF corner :
         {QPointF(right, top), QPointF(left, bottom), QPointF(right, bottom), QPointF(left, top)})
        if (const QRectF box = inside(corner); !box.intersects(cell)) return box;
    return inside({at.x() + kClear, at.y() - kClear - size.height()});  // larger than the plot: beside the cell
}

std::vector<MaskTick> niceTicks(CellRange cells, double pixelsPerCell, double minPixels) {
    std::vector<MaskTick> ticks;
    if (cells.end <= cells.begin || pixelsPerCell <= 0) return ticks;
    int64_t step = 1;
    for (int64_t decade = 1;; decade *= 10) {
        bool found = false;
        for (const int64_t factor : {1, 2, 5}) {
            step = decade * factor;
            if (static_cast<double>(step) * pixelsPerCell >= minPixels) {
                found = true;
                break;
            }
        }
        if (found || decade > 1'000'000'000) break;
    }
    const int64_t minor = step % 5 == 0 && static_cast<double>(step) * pixelsPerCell >= 30 ? step / 5 : step;
    for (int64_t cell = (cells.begin + minor - 1) / minor * minor; cell < cells.end; cell += minor)
        ticks.push_back({static_cast<int>(cell), cell % step == 0});
    return ticks;
}

MaskState maskCell(const MaskRow& row, int column) {
    if (column < 0 || column > row.position) return MaskState::Future;
    if (!row.visible) return MaskState::NotRead;
    if (mayRead(*row.visible, row.position, column)) return MaskState::Attended;
    const int page = column / kPageTokens;
    for (const Interval& interval : *row.visible) {
        const Interval c = clipToQuery(interval, row.position);
        if (c.begin < c.end && c.begin / kPageTokens <= page && page <= (c.end - 1) / kPageTokens)
            return MaskState::Loaded;
    }
    return MaskState::NotRead;
}

PixelCells::PixelCells(const MaskAxis& axis, int64_t first, int n) {
    begin.resize(static_cast<size_t>(n));
    end.resize(static_cast<size_t>(n));
    for (int i = 0; i < n; ++i) {
        const CellRange cells = axis.cellsAt(first + i);
        begin[static_cast<size_t>(i)] = cells.begin;
        end[static_cast<size_t>(i)] = cells.end;
    }
}

void markPixels(const PixelCells& px, int first, int last, MaskCode code, MaskCode* codes) {
    if (first >= last || last <= px.begin.front() || first >= px.end.back()) return;
    const auto a = std::upper_bound(px.end.begin(), px.end.end(), first) - px.end.begin();
    const auto b = std::lower_bound(px.begin.begin(), px.begin.end(), last) - px.begin.begin();
    for (auto i = a; i < b; ++i) codes[i] = std::max(codes[i], code);
}

namespace {

void markList(const IntervalList& list, int query, MaskCode code, const PixelCells& px, MaskCode* codes) {
    // Lists can be long (a token-wise policy): start at the first interval whose page reaches into the pixels.
    const int from = px.begin.front() - kPageTokens;
    auto it = std::partition_point(list.begin(), list.end(), [from](const Interval& i) { return i.end <= from; });
    for (; it != list.end() && it->begin < px.end.back() + kPageTokens; ++it) {
        const Interval c = clipToQuery(*it, query);
        if (c.begin >= c.end) continue;
        const int64_t pageEnd = (static_cast<int64_t>(c.end - 1) / kPageTokens + 1) * kPageTokens;
        markPixels(px, c.begin / kPageTokens * kPageTokens, static_cast<int>(std::min<int64_t>(pageEnd, query + 1)),
                   maskCode(MaskState::Loaded), codes);
        markPixels(px, c.begin, c.end, code, codes);
    }
}

void markHeads(const HeadCounts& heads, int query, const PixelCells& px, MaskCode* codes) {
    const int from = px.begin.front();
    auto it = std::partition_point(heads.parts.begin(), heads.parts.end(),
                                   [from](const HeadCounts::Part& part) { return part.end <= from; });
    for (; it != heads.parts.end() && it->begin < px.end.back(); ++it)
        markPixels(px, it->begin, std::min(it->end, query + 1), headsCode(headQuarters(it->nHeads, heads.nAll)), codes);
}

}  // namespace

void poolRows(const MaskRows& mask, CellRange rows, const PixelCells& columns, MaskCode* codes) {
    std::memset(codes, 0, columns.begin.size());
    const int last = std::min(rows.end, mask.size());
    int row = std::max(0, rows.begin);
    int written = -1;  // newest position of any row
    while (row < last) {
        const MaskRow& run = mask[row];
        int query = run.position;
        for (++row; row < last && mask[row].visible == run.visible && mask[row].phase == run.phase &&
                    mask[row].heads == run.heads;
             ++row)
            query = std::max(query, mask[row].position);
        written = std::max(written, query);
        if (!run.visible) continue;
        const MaskCode attended = run.heads ? headsCode(1) : maskCode(MaskState::Attended, run.phase);
        markList(*run.visible, query, attended, columns, codes);
        if (run.heads) markHeads(*run.heads, query, columns, codes);
    }
    markPixels(columns, 0, written + 1, maskCode(MaskState::NotRead), codes);
}

QImage rasterMask(const MaskRows& mask, const MaskAxis& xAxis, const MaskAxis& yAxis, int64_t x, int64_t y, int width,
                  int height, const MaskStyle& style) {
    QImage image(width, height, QImage::Format_RGB32);
    if (image.isNull() || width <= 0 || height <= 0) return image;
    const Palette& palette = style.palette();
    const int pattern = std::max(1, style.pattern);
    const int period = 8 * pattern;

    // Colours of every code for the pattern's rows and columns.
    std::vector<QRgb> colours(static_cast<size_t>(kMaskCodes) * period * period);
    for (int code = 0; code < kMaskCodes; ++code) {
        const int quarters = quartersOf(static_cast<MaskCode>(code));
        MaskState state = stateOf(static_cast<MaskCode>(code));
        if (state == MaskState::Loaded && !style.showLoaded) state = MaskState::NotRead;
        for (int py = 0; py < period; ++py)
            for (int px = 0; px < period; ++px)
                colours[(static_cast<size_t>(code) * period + py) * period + px] =
                    quarters > 0 ? palette.headsPixel(quarters, px, py, pattern)
                                 : palette.maskPixel(state, phaseOf(static_cast<MaskCode>(code)), style.byPhase, px, py,
                                                     pattern);
    }

    const PixelCells columns(xAxis, x, width);
    std::vector<MaskCode> codes(static_cast<size_t>(width));
    CellRange pooled{-1, -1};
    for (int line = 0; line < height; ++line) {
        const CellRange rows = yAxis.cellsAt(y + line);
        if (rows != pooled) poolRows(mask, rows, columns, codes.data());
        pooled = rows;
        auto* out = reinterpret_cast<QRgb*>(image.scanLine(line));
        const QRgb* ofLine = colours.data() + static_cast<size_t>((y + line) % period) * period;
        size_t phase = static_cast<size_t>(x % period);
        for (int i = 0; i < width; ++i) {
            out[i] = ofLine[static_cast<size_t>(codes[static_cast<size_t>(i)]) * period * period + phase];
            if (++phase == static_cast<size_t>(period)) phase = 0;
        }
    }
    return image;
}

}  // namespace spanscope
