#include "engine/files/output_file.h"
#include "engine/trace/exports/exports.h"
#include "engine/trace/exports/mask_rows.h"

namespace spanscope {

Status exportMaskNpy(const ExportSource& source, const std::string& path, const ExportTools& tools) {
    const RunData& run = *source.run;
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    const uint64_t nBytes = trace::maskNpyBytes(run);
    if (tools.onSize) tools.onSize(nBytes);
    if (Status room = file->checkRoomFor(nBytes); !room) return room;
    file->write(trace::maskHeader(run));
    std::string row;
    for (size_t i = 0; i < run.steps.size() && !file->failed(); ++i) {
        if (!trace::goOn(tools.progress, i, run.steps.size())) return trace::exportStopped(path);
        row.clear();
        trace::forEachMaskRun(run.steps[i], trace::contextTokens(run),
                              [&](uint8_t state, size_t n) { row.append(n, static_cast<char>(state)); });
        file->write(row);
    }
    return file->commit();
}

}  // namespace spanscope
