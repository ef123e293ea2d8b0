// Data exports of a run: bytes that scripts read, the same from the window and from the command line. Pictures are the
// window's business (ui/export/). Any thread.
#pragma once

#include <span>
#include <string>

#include "engine/trace/exports/export_list.h"
#include "engine/types/data_export.h"

namespace spanscope {

// exportMaskNpy(), exportSpansCsv(), ...: one for each row of the list, as DataExport::write says.
#define SPANSCOPE_DATA_EXPORT(write, title, ending, option, about, needs) \
    Status write(const ExportSource& source, const std::string& path, const ExportTools& tools = {});
SPANSCOPE_DATA_EXPORTS(SPANSCOPE_DATA_EXPORT)
#undef SPANSCOPE_DATA_EXPORT

/// All rows, in the order of the list.
std::span<const DataExport> dataExports();

}  // namespace spanscope
