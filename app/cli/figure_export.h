// Figures as images, drawn by the window's own code on an offscreen platform. Nothing of Qt is started
// before the first image is asked for. Without the window's room in the build every call says so (Unsupported).
#pragma once

#include <memory>
#include <string>

#include "app/cli/options.h"
#include "engine/types/probe.h"
#include "engine/types/records.h"
#include "kernels/result.h"

namespace spanscope::cli {

/// What there is to export: the run, another one to compare with, what inspect mode found. Null: not there.
struct ExportInput {
    const RunData* run = nullptr;
    const RunData* other = nullptr;
    const StepProbe* probe = nullptr;
    const DivergenceCurve* curve = nullptr;
};

class FigureExport {
  public:
    enum class Kind { Png, Svg, Pdf };
    explicit FigureExport(const ExportOptions& options);
    ~FigureExport();

    /// The figure that the options name.
    Status write(const ExportInput& input, const std::string& path, Kind kind);
    /// The mask, for reports; empty where images cannot be made.
    std::string pngBytes(const RunData& run);

  private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

}  // namespace spanscope::cli
