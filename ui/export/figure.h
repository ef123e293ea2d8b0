// Pictures of a run as files: PNG (1-4x), SVG, PDF, with title, axes, legend, caption and metadata, light or dark. The
// same functions serve the export dialog and the command line; no window is needed, a QApplication is
// (FigureApplication makes one where there is none). One thread at a time, the one that owns the application.
//
// Pixel rule of the mask figure: maskFigureLayout() says where the cells lie; inside that rectangle nothing but cells
// is drawn, each pixel in Palette::maskPixel of the highest state of all cells it stands for (mask_raster.h).
#pragma once

#include <QImage>
#include <QRect>
#include <QString>
#include <memory>
#include <string>

#include "engine/types/probe.h"
#include "engine/types/records.h"
#include "kernels/result.h"
#include "ui/views/mask/mask_geometry.h"
#include "ui/views/mask/mask_raster.h"

class QPainter;

namespace spanscope {

/// Difference needs two runs of one prompt; Attention and Heads a probe, Divergence a replay (inspect mode).
enum class FigureKind { Mask, Throughput, Timeline, Graph, Difference, Attention, Heads, Divergence };
const char* figureKindName(FigureKind kind);  ///< "mask", "throughput", ...
bool figureKindFromName(const std::string& name, FigureKind& kind);

enum class FigureFormat { FromName, Png, Svg, Pdf };

struct FigureOptions {
    FigureFormat format = FigureFormat::FromName;  ///< of the file; FromName: its ending says so
    int scale = 2;    ///< device pixels to a unit of the page, 1 .. 4 (PNG; cells of a mask in SVG and PDF)
    int width = 900;  ///< of the page at most, units of 1/96 inch, 320 .. 4000; a mask closes up around its cells
    int height = 0;   ///< 0: what fits
    bool dark = false;
    bool legend = true;
    bool byPhase = true;       ///< mask: read cells in the colour of their phase
    bool showLoaded = true;    ///< mask: page rounding told from plain skipping
    bool withoutFirst = true;  ///< attention, heads: the first token left out, which often takes most of the mass
    bool overTime = false;     ///< throughput: time along the axis instead of context length
    int firstStep = 0;         ///< mask: steps [firstStep, lastStep]
    int lastStep = -1;         ///< -1: to the end
    std::string title;         ///< empty: made from the run; "-": none
    std::string caption;       ///< empty: made from the run; "-": none
};

/// What a figure is drawn from; null where there is none. All outlive the call.
struct FigureSource {
    const RunData* run = nullptr;
    const RunData* other = nullptr;  ///< the dense twin, or another run of the same prompt
    const StepProbe* probe = nullptr;
    const DivergenceCurve* curve = nullptr;
};

/// Where the cells of a mask figure lie, in device pixels of a PNG at options.scale.
struct MaskFigureLayout {
    QSize size;  ///< of the whole picture
    QRect plot;
    MaskAxis x, y;      ///< pixel (plot.left() + i, plot.top() + j) stands for x.cellsAt(i), y.cellsAt(j)
    int firstStep = 0;  ///< row 0
    int nSteps = 0;
    int nColumns = 0;
    MaskStyle style;
};
MaskFigureLayout maskFigureLayout(const RunData& run, const FigureOptions& options);

/// Written beside the target and renamed. InvalidArgument: unknown ending, nothing to draw (and what is missing), no
/// application; Io: the file cannot be written.
Status renderFigure(FigureKind kind, const FigureSource& source, const FigureOptions& options, const std::string& path);
Status renderMask(const RunData& run, const FigureOptions& options, const std::string& path);
Status renderThroughput(const RunData& declared, const RunData* maybeDense, const FigureOptions& options,
                        const std::string& path);
Status renderTimeline(const RunData& run, const RunData* maybeDense, const FigureOptions& options,
                      const std::string& path);
Status renderGraph(const RunData& run, const FigureOptions& options, const std::string& path);

/// The bytes of the PNG that renderFigure would write.
Result<std::string> figurePng(FigureKind kind, const FigureSource& source, const FigureOptions& options);
/// What the preview shows; null where there is nothing to draw.
QImage figureImage(FigureKind kind, const FigureSource& source, const FigureOptions& options);

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
