#include <algorithm>

#include "engine/files/csv_cell.h"
#include "engine/files/output_file.h"
#include "engine/trace/exports/exports.h"
#include "engine/types/reach.h"
#include "engine/types/segment_name.h"
#include "engine/types/token_at.h"

namespace spanscope {

Status exportReachCsv(const ExportSource& source, const std::string& path, const ExportTools&) {
    const RunData& run = *source.run;
    const Reach reach = reachOf(run, source.chosenStep());
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write("step,position,token_id,token,segment,reach,in_between\r\n");
    // Of each position: tokens in between, -1 never.
    std::vector<int32_t> between(static_cast<size_t>(reach.position + 1), -1);
    for (size_t k = 0; k < reach.hops.size(); ++k)
        for (const Interval& i : reach.hops[k])
            std::fill(between.begin() + i.begin, between.begin() + i.end, static_cast<int32_t>(k));
    size_t segment = 0;
    CsvRow row;
    for (int32_t at = 0; at <= reach.position; ++at) {
        const TokenInfo* token = maybeTokenAt(run, at);
        while (segment < run.segments.size() && run.segments[segment].end <= at) ++segment;
        const bool inside = segment < run.segments.size() && run.segments[segment].begin <= at;
        const int32_t k = between[static_cast<size_t>(at)];
        row << reach.step << at << (token ? token->id : -1) << (token ? token->text : std::string())
            << (inside ? segmentName(run.segments[segment]) : std::string())
            << (k < 0    ? "never"
                : k == 0 ? "direct"
                         : "indirect")
            << (k < 0 ? std::string() : std::to_string(k));
        file->write(row.take());
    }
    return file->commit();
}

}  // namespace spanscope
