// The door of the figures module: a library that draws figures for programs without a window, opened with dlopen when
// the first figure is asked for, so that nothing else needs Qt. One C function returns the table below; the program
// refuses it when version or type sizes differ from its own. No Qt in this header.
#pragma once

#include <cstdint>
#include <string>

#include "engine/types/result.h"
#include "ui/export/figure_captions.h"
#include "ui/export/figure_list.h"

namespace spanscope {

inline constexpr uint32_t kFiguresModuleVersion = 2;
inline constexpr const char* kFiguresModuleEntry = "spanscopeFiguresModule";
inline constexpr const char* kFiguresModuleFile = "libspanscope_figures.so";

/// Draws on Qt's offscreen platform: no display, nothing printed. One for a program, used by the thread that made it.
class FigureDrawer {
  public:
    virtual ~FigureDrawer() = default;
    /// The bytes of the file; the caller writes them. Errors as figureBytes() has them (figure.h).
    virtual Result<std::string> draw(FigureKind kind, PictureFormat format, const ExportSource& source,
                                     const FigureOptions& options) = 0;
    /// captionFile() of figure_captions.h.
    virtual std::string captions(const std::vector<FigureFile>& files, PictureFormat format, const ExportSource& source,
                                 const FigureOptions& options, const std::string& trace, const std::string& folder) = 0;
};

struct FiguresModule {
    uint32_t version = 0;       ///< kFiguresModuleVersion of the module's build
    uint32_t tableBytes = 0;    ///< sizeof(FiguresModule)
    uint32_t runBytes = 0;      ///< sizeof(RunData); this and the next four catch a stale module
    uint32_t stepBytes = 0;     ///< sizeof(StepRecord)
    uint32_t probeBytes = 0;    ///< sizeof(StepProbe)
    uint32_t optionsBytes = 0;  ///< sizeof(FigureOptions)
    uint32_t sourceBytes = 0;   ///< sizeof(ExportSource)
    uint32_t nFigures = 0;      ///< rows of SPANSCOPE_FIGURES
    /// The caller owns it.
    FigureDrawer* (*create)() = nullptr;
};

inline constexpr FiguresModule figuresModuleOf(FigureDrawer* (*create)()) {
    return {kFiguresModuleVersion, sizeof(FiguresModule), sizeof(RunData),
            sizeof(StepRecord),    sizeof(StepProbe),     sizeof(FigureOptions),
            sizeof(ExportSource),  kFigures.size(),       create};
}

/// Everything but `create` is the same in both.
inline bool sameBuild(const FiguresModule& a, const FiguresModule& b) {
    return a.version == b.version && a.tableBytes == b.tableBytes && a.runBytes == b.runBytes &&
           a.stepBytes == b.stepBytes && a.probeBytes == b.probeBytes && a.optionsBytes == b.optionsBytes &&
           a.sourceBytes == b.sourceBytes && a.nFigures == b.nFigures;
}

}  // namespace spanscope
