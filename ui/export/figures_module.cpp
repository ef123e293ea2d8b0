// The module's C entry. See figures_module.h.
#include "ui/export/figures_module.h"

#include "ui/export/figure.h"

namespace {

using namespace spanscope;

class OffscreenDrawer : public FigureDrawer {
  public:
    Result<std::string> draw(FigureKind kind, PictureFormat format, const ExportSource& source,
                             const FigureOptions& options) override {
        return figureBytes(kind, format, source, options);
    }
    std::string captions(const std::vector<FigureFile>& files, PictureFormat format, const ExportSource& source,
                         const FigureOptions& options, const std::string& trace, const std::string& folder) override {
        return captionFile(files, format, source, options, trace, folder);
    }

  private:
    FigureApplication m_application;
};

const FiguresModule kModule = figuresModuleOf([]() -> FigureDrawer* { return new OffscreenDrawer; });

}  // namespace

extern "C" __attribute__((visibility("default"))) const spanscope::FiguresModule* spanscopeFiguresModule() {
    return &kModule;
}
