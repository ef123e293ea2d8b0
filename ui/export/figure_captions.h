// The file that lies beside all figures of a run: what each shows, what the run was, and the command lines that make
// the figures and the run again. Markdown that is also read as plain text. One thread at a time, as figure.h.
#pragma once

#include <string>
#include <vector>

#include "ui/export/figure_list.h"

namespace spanscope {

struct FigureFile {
    FigureKind kind;
    std::string name;  ///< of the file, without its folder
};

/// trace, folder: the recording and where the figures go, as a command line is to name them; no trace: there is none.
std::string captionFile(const std::vector<FigureFile>& files, PictureFormat format, const ExportSource& source,
                        const FigureOptions& options, const std::string& trace, const std::string& folder);

/// `spanscope-cli export ... --all-figures FOLDER` with every option that is not as it is by default.
std::string figuresCommand(PictureFormat format, const ExportSource& source, const FigureOptions& options,
                           const std::string& trace, const std::string& folder);
/// `spanscope-cli run ...` with the settings of the run, and of its dense twin where there is one. Empty where the
/// prompt has more than a few thousand characters.
std::string runCommand(const ExportSource& source, const std::string& trace);

/// A word of a command line for bash, on one line whatever is in it.
std::string shellWord(const std::string& text);

}  // namespace spanscope
