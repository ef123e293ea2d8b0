#include "engine/files/output_file.h"
#include "engine/trace/exports/exports.h"
#include "engine/types/step_cost.h"

namespace spanscope {

Status exportWhatIfCsv(const ExportSource& source, const std::string& path, const ExportTools&) {
    const RunCost cost = runCost(source.run, source.other, source.whatIf.bytes, source.whatIf.kvType);
    if (!cost.known()) return untoldBytes();
    const WhatIf how = cost.resolved(source.whatIf);
    return writeFile(path, costCsv(cost, spanLoad(*source.run, how.pageTokens), how));
}

}  // namespace spanscope
