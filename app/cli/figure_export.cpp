#include "app/cli/figure_export.h"

namespace spanscope::cli {

struct FigureExport::Impl {};

FigureExport::FigureExport(double scale, bool dark) : m_scale(scale), m_dark(dark) {}
FigureExport::~FigureExport() = default;

Status FigureExport::write(const RunData&, const std::string& path, Kind) {
    return Error{ErrorCode::Unsupported, "images need the window's part of the program, which this build leaves out", path,
                 {}, {}, {}};
}

std::string FigureExport::pngBytes(const RunData&) { return {}; }

}  // namespace spanscope::cli
