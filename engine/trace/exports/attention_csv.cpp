#include "engine/files/csv_cell.h"
#include "engine/files/decimal.h"
#include "engine/files/output_file.h"
#include "engine/trace/exports/exports.h"
#include "engine/types/token_at.h"

namespace spanscope {

Status exportAttentionCsv(const ExportSource& source, const std::string& path, const ExportTools&) {
    const RunData& run = *source.run;
    const StepProbe& probe = *source.probe;
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write("step,layer,head,position,token_id,token,in_span,dense,declared\r\n");
    const std::string layer = probe.layer < 0 ? "mean" : std::to_string(probe.layer);
    const std::string head = probe.head < 0 ? "mean" : std::to_string(probe.head);
    CsvRow row;
    for (size_t i = 0; i < probe.dense.size(); ++i) {
        const auto position = static_cast<int32_t>(i);
        const TokenInfo* token = maybeTokenAt(run, position);
        const bool inside = probe.visible && mayRead(*probe.visible, probe.position, position);
        row << probe.step << layer << head << position << (token ? token->id : -1)
            << (token ? token->text : std::string()) << (inside ? 1 : 0) << shortDecimal(double(probe.dense[i]), 9)
            << shortDecimal(i < probe.restricted.size() ? double(probe.restricted[i]) : 0, 9);
        file->write(row.take());
    }
    return file->commit();
}

}  // namespace spanscope
