// Figures, drawn by the figures module (ui/export/figures_module.h): a library beside the program, opened when the
// first figure is asked for. Until then, and for data, nothing of Qt is loaded.
#pragma once

#include <memory>
#include <string>

#include "ui/export/figures_module.h"

namespace spanscope::cli {

class Figures {
  public:
    /// NotFound: the module is not there; Unsupported: it cannot be opened (what it links is missing) or belongs to
    /// another build.
    Status open();
    /// The bytes of the file; opens where that was not done. Errors as open() and FigureDrawer::draw() have them.
    Result<std::string> draw(FigureKind kind, PictureFormat format, const ExportSource& source,
                             const FigureOptions& options);

    /// Text of the file beside all figures; open() was well.
    std::string captions(const std::vector<FigureFile>& files, PictureFormat format, const ExportSource& source,
                         const FigureOptions& options, const std::string& trace, const std::string& folder);

  private:
    std::unique_ptr<FigureDrawer> m_drawer;  // null until open()
};

}  // namespace spanscope::cli
