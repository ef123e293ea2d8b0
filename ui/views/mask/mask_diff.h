// The difference of two masks as pixels. Values; any thread.
#pragma once

#include <QImage>

#include "engine/types/run_diff.h"
#include "ui/views/mask/mask_raster.h"

namespace spanscope {

QRgb diffPixel(DiffState state, const Palette& palette, int x, int y, int pattern);
QImage rasterDiff(const MaskDiff& diff, const MaskAxis& xAxis, const MaskAxis& yAxis, int64_t x, int64_t y, int width,
                  int height, const Palette& palette, int pattern);

}  // namespace spanscope
