#include "app/cli/figure_export.h"

#ifdef SPANSCOPE_FIGURES
#include <optional>

#include "ui/export/figure.h"
#endif

namespace spanscope::cli {

#ifdef SPANSCOPE_FIGURES

struct FigureExport::Impl {
    FigureKind figure = FigureKind::Mask;
    FigureOptions options;
    std::optional<FigureApplication> application;  // made with the first image
};

FigureExport::FigureExport(const ExportOptions& o) : m_impl(std::make_unique<Impl>()) {
    figureKindFromName(o.figure, m_impl->figure);
    FigureOptions& f = m_impl->options;
    f.scale = o.scale;
    f.width = o.width;
    f.dark = o.dark;
    f.legend = !o.noLegend;
    f.byPhase = !o.oneColour;
    f.overTime = o.overTime;
    f.withoutFirst = !o.withFirst;
    f.firstStep = o.firstStep;
    f.lastStep = o.lastStep;
    f.title = o.title;
    f.caption = o.caption;
}
FigureExport::~FigureExport() = default;

Status FigureExport::write(const ExportInput& input, const std::string& path, Kind kind) {
    if (!m_impl->application) m_impl->application.emplace();
    FigureOptions o = m_impl->options;
    o.format = kind == Kind::Png ? FigureFormat::Png : kind == Kind::Svg ? FigureFormat::Svg : FigureFormat::Pdf;
    return renderFigure(m_impl->figure, {input.run, input.other, input.probe, input.curve}, o, path);
}

std::string FigureExport::pngBytes(const RunData& run) {
    if (!m_impl->application) m_impl->application.emplace();
    auto bytes = figurePng(FigureKind::Mask, {&run}, m_impl->options);
    return bytes ? std::move(bytes).value() : std::string();
}

#else

struct FigureExport::Impl {};

FigureExport::FigureExport(const ExportOptions&) {}
FigureExport::~FigureExport() = default;

Status FigureExport::write(const ExportInput&, const std::string& path, Kind) {
    return Error{ErrorCode::Unsupported, "images need the window's part of the program, which this build leaves out",
                 path};
}

std::string FigureExport::pngBytes(const RunData&) { return {}; }

#endif

}  // namespace spanscope::cli
