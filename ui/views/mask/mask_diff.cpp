#include "ui/views/mask/mask_diff.h"

#include <algorithm>
#include <cstring>

namespace spanscope {

QRgb diffPixel(DiffState state, const Palette& palette, int x, int y, int pattern) {
    const int px = x / pattern, py = y / pattern;
    switch (state) {
        case DiffState::Future: return palette.future.rgb();
        case DiffState::Neither:
            return (maskPatternInk(MaskState::NotRead, px, py) ? palette.notReadLine : palette.notRead).rgb();
        case DiffState::Both: return palette.phase(Phase::Prompt).rgb();
        case DiffState::OnlySecond:
            return (((px - py) & 7) < 2 ? palette.ground : palette.dense).rgb();  // striped: not by colour alone
        case DiffState::OnlyFirst: return palette.declared.rgb();
    }
    return 0;
}

QImage rasterDiff(const MaskDiff& diff, const MaskAxis& xAxis, const MaskAxis& yAxis, int64_t x, int64_t y, int width,
                  int height, const Palette& palette, int pattern) {
    QImage image(width, height, QImage::Format_RGB32);
    if (image.isNull()) return image;
    const PixelCells columns(xAxis, x, width);
    std::vector<MaskCode> codes(static_cast<size_t>(width));
    const auto mark = [&](const SharedIntervals& list, int query, DiffState state) {
        for (const Interval& interval : *list) {
            const Interval c = clipToQuery(interval, query);
            if (c.begin < c.end) markPixels(columns, c.begin, c.end, static_cast<MaskCode>(state), codes.data());
        }
    };
    for (int line = 0; line < height; ++line) {
        const CellRange rows = yAxis.cellsAt(y + line);
        std::memset(codes.data(), 0, codes.size());
        const int end = std::min(rows.end, static_cast<int>(diff.rows.size()));
        for (int r = rows.begin; r < end; ++r) {
            const DiffRow& row = diff.rows[static_cast<size_t>(r)];
            // Rows of one pair of lists hold what the earlier ones of the pair hold: only the last counts.
            if (r + 1 < end && diff.rows[static_cast<size_t>(r) + 1].both == row.both) continue;
            markPixels(columns, 0, row.position + 1, static_cast<MaskCode>(DiffState::Neither), codes.data());
            mark(row.both, row.position, DiffState::Both);
            mark(row.onlySecond, row.position, DiffState::OnlySecond);
            mark(row.onlyFirst, row.position, DiffState::OnlyFirst);
        }
        auto* out = reinterpret_cast<QRgb*>(image.scanLine(line));
        for (int i = 0; i < width; ++i)
            out[i] = diffPixel(static_cast<DiffState>(codes[static_cast<size_t>(i)]), palette,
                               static_cast<int>((x + i) % (8 * pattern)), static_cast<int>((y + line) % (8 * pattern)),
                               pattern);
    }
    return image;
}

}  // namespace spanscope
