#include "ui/views/mask_diff.h"

#include <algorithm>
#include <cstring>

namespace spanscope {

const char* diffStateName(DiffState state) {
    switch (state) {
        case DiffState::Future: return "future";
        case DiffState::Neither: return "read by neither";
        case DiffState::Both: return "read by both";
        case DiffState::OnlySecond: return "read by the second only";
        case DiffState::OnlyFirst: return "read by the first only";
    }
    return "";
}

IntervalList intersect(const IntervalList& a, const IntervalList& b) {
    IntervalList out;
    for (size_t i = 0, k = 0; i < a.size() && k < b.size();) {
        const int32_t begin = std::max(a[i].begin, b[k].begin), end = std::min(a[i].end, b[k].end);
        if (begin < end) out.push_back({begin, end});
        if (a[i].end < b[k].end) ++i;
        else ++k;
    }
    return out;
}

IntervalList subtract(const IntervalList& a, const IntervalList& b) {
    IntervalList out;
    size_t k = 0;
    for (const Interval& i : a) {
        int32_t at = i.begin;
        while (k < b.size() && b[k].end <= at) ++k;
        for (size_t j = k; j < b.size() && b[j].begin < i.end; ++j) {
            if (at < b[j].begin) out.push_back({at, b[j].begin});
            at = std::max(at, b[j].end);
            if (at >= i.end) break;
        }
        if (at < i.end) out.push_back({at, i.end});
    }
    return out;
}

MaskDiff diffRuns(const RunData& first, const RunData& second) {
    MaskDiff diff;
    const auto& p = first.header.prompt;
    const auto& q = second.header.prompt;
    if (p.size() != q.size() || !std::equal(p.begin(), p.end(), q.begin(), [](const TokenInfo& a, const TokenInfo& b) { return a.id == b.id; })) {
        diff.why = "The prompts differ, so their positions do not correspond.";
        return diff;
    }
    const size_t n = std::min(first.steps.size(), second.steps.size());
    SharedIntervals lastA, lastB;
    DiffRow row;
    static const IntervalList kNothing;
    for (size_t i = 0; i < n; ++i) {
        const StepRecord &a = first.steps[i], &b = second.steps[i];
        if (diff.parting < 0 && a.token.id != b.token.id) diff.parting = static_cast<int>(i);
        if (i == 0 || a.visible != lastA || b.visible != lastB) {  // phases share their lists: few rows compute
            const IntervalList &x = a.visible ? *a.visible : kNothing, &y = b.visible ? *b.visible : kNothing;
            row.both = std::make_shared<const IntervalList>(intersect(x, y));
            row.onlyFirst = std::make_shared<const IntervalList>(subtract(x, y));
            row.onlySecond = std::make_shared<const IntervalList>(subtract(y, x));
            lastA = a.visible;
            lastB = b.visible;
        }
        row.position = std::clamp(a.position, 0, 1 << 30);
        diff.nColumns = std::max(diff.nColumns, row.position + 1);
        if (diff.parting < 0) {
            diff.cellsBoth += attendedTokens(*row.both, row.position);
            diff.cellsOnlyFirst += attendedTokens(*row.onlyFirst, row.position);
            diff.cellsOnlySecond += attendedTokens(*row.onlySecond, row.position);
        }
        diff.rows.push_back(row);
    }
    return diff;
}

DiffState diffCell(const DiffRow& row, int column) {
    if (column < 0 || column > row.position) return DiffState::Future;
    if (mayRead(*row.onlyFirst, row.position, column)) return DiffState::OnlyFirst;
    if (mayRead(*row.onlySecond, row.position, column)) return DiffState::OnlySecond;
    return mayRead(*row.both, row.position, column) ? DiffState::Both : DiffState::Neither;
}

QRgb diffPixel(DiffState state, const Palette& palette, int x, int y, int pattern) {
    const int px = x / pattern, py = y / pattern;
    switch (state) {
        case DiffState::Future: return palette.future.rgb();
        case DiffState::Neither: return (maskPatternInk(MaskState::Skipped, px, py) ? palette.skippedLine : palette.skipped).rgb();
        case DiffState::Both: return palette.phase(Phase::Prompt).rgb();
        case DiffState::OnlySecond: return (((px - py) & 7) < 2 ? palette.ground : palette.dense).rgb();  // striped: not by colour alone
        case DiffState::OnlyFirst: return palette.declared.rgb();
    }
    return 0;
}

QImage rasterDiff(const MaskDiff& diff, const MaskAxis& xAxis, const MaskAxis& yAxis, int64_t x, int64_t y, int width, int height,
                  bool dark, int pattern) {
    QImage image(width, height, QImage::Format_RGB32);
    if (image.isNull()) return image;
    const Palette& palette = Palette::of(dark);
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
            out[i] = diffPixel(static_cast<DiffState>(codes[static_cast<size_t>(i)]), palette, static_cast<int>((x + i) % (8 * pattern)),
                               static_cast<int>((y + line) % (8 * pattern)), pattern);
    }
    return image;
}

}  // namespace spanscope
