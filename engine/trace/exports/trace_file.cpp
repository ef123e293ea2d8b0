#include "engine/trace/exports/exports.h"
#include "engine/trace/trace.h"

namespace spanscope {

Status exportTrace(const ExportSource& source, const std::string& path, const ExportTools&) {
    std::vector<const RunData*> runs{source.run};
    if (source.other) runs.push_back(source.other);
    return writeTrace(path, runs);
}

}  // namespace spanscope
