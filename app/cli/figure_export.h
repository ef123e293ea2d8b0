// The mask heatmap as an image, drawn by the window's own code on an offscreen platform. Nothing of Qt is started
// before the first image is asked for. Without the window's room in the build every call says so (Unsupported).
#pragma once

#include <memory>
#include <string>

#include "engine/types/records.h"
#include "engine/types/result.h"

namespace spanscope::cli {

class FigureExport {
  public:
    enum class Kind { Png, Svg, Pdf };
    FigureExport(double scale, bool dark);
    ~FigureExport();

    Status write(const RunData& run, const std::string& path, Kind kind);
    /// For reports; empty where images cannot be made.
    std::string pngBytes(const RunData& run);

  private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
    double m_scale;
    bool m_dark;
};

}  // namespace spanscope::cli
