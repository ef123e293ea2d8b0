// Pictures of a run as files: PNG (1-4x), SVG, PDF, with title, axes, legend, caption and metadata, light or dark. The
// same functions serve the export dialog and the command line; no window is needed, a QApplication is
// (FigureApplication makes one where there is none). One thread at a time, the one that owns the application.
//
// Pixel rule of the mask figure: maskFigureLayout() says where the cells lie; inside that rectangle nothing but cells
// is drawn, each pixel in Palette::maskPixel of the highest state of all cells it stands for (mask_raster.h).
#pragma once

#include <QImage>
#include <QRect>
#include <memory>
#include <optional>
#include <string>

#include "engine/types/result.h"
#include "ui/export/figure_list.h"
#include "ui/views/mask/mask_geometry.h"
#include "ui/views/mask/mask_raster.h"

namespace spanscope {

/// Where the cells of a mask figure lie, in device pixels of a PNG.
struct MaskFigureLayout {
    QSize size;  ///< of the whole picture
    QRect plot;
    MaskAxis x, y;  ///< pixel (plot.left() + i, plot.top() + j) stands for x.cellsAt(firstPixel + i), y.cellsAt(j)
    int64_t firstPixel = 0;  ///< where the region's first position begins on the axis
    int firstStep = 0;       ///< row 0
    int nSteps = 0;
    int firstColumn = 0, nColumns = 0;
    double unit = 1;                                    ///< page units to a pixel
    double left() const { return plot.left() * unit; }  ///< on the page
    double top() const { return plot.top() * unit; }
    double width() const { return plot.width() * unit; }
    double height() const { return plot.height() * unit; }
    MaskStyle style;
};
MaskFigureLayout maskFigureLayout(const RunData& run, const FigureOptions& options);

/// The bytes of a file. InvalidArgument: nothing to draw (and what is missing), no application; OutOfMemory: the
/// picture is too large.
Result<std::string> figureBytes(FigureKind kind, PictureFormat format, const ExportSource& source,
                                const FigureOptions& options);
/// The same in a file, written beside the target and renamed. Without a format the path's ending says it.
/// InvalidArgument also: unknown ending; Io: the file cannot be written.
Status renderFigure(FigureKind kind, const ExportSource& source, const FigureOptions& options, const std::string& path,
                    std::optional<PictureFormat> format = std::nullopt);
/// What the preview shows; null where there is nothing to draw.
QImage figureImage(FigureKind kind, const ExportSource& source, const FigureOptions& options);

/// A QApplication on the offscreen platform for programs without a window; nothing if there is one already. Needs no
/// display and prints nothing.
class FigureApplication {
  public:
    FigureApplication();
    ~FigureApplication();

  private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

}  // namespace spanscope
