// One kind of data file that a run can become, as a row of a table (engine/trace/exports/). Plain values: the window
// and the command line list these rows without knowing what writes them.
#pragma once

#include <functional>
#include <string>

#include "engine/types/export_source.h"
#include "kernels/backend.h"
#include "kernels/result.h"

namespace spanscope {

/// What a writer may ask of the program; all of it may be empty.
struct ExportTools {
    ProgressFn progress;                                 ///< false stops: no file is left (Cancelled)
    std::function<void(uint64_t nBytes)> onSize;         ///< told before a file is written whose size is known
    std::function<std::string(const RunData&)> maskPng;  ///< PNG bytes of the mask figure; empty: none can be drawn
};

struct DataExport {
    const char* title;   ///< "Mask as NumPy array"
    const char* ending;  ///< of the file's name, without the dot: "npy", "segments.csv"
    const char* option;  ///< of the command line; several with commas between: "--md,--markdown"
    const char* about;   ///< what is in it, one line
    ExportNeeds needs;
    /// The source has what is needed. Written beside the target under a temporary name and renamed. Io: it cannot be
    /// written; others as the writer says.
    Status (*write)(const ExportSource& source, const std::string& path, const ExportTools& tools);
};

}  // namespace spanscope
