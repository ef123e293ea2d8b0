#include "engine/files/csv_cell.h"
#include "engine/files/decimal.h"
#include "engine/files/output_file.h"
#include "engine/trace/exports/exports.h"
#include "engine/trace/exports/mask_rows.h"
#include "engine/trace/exports/segment_sums.h"

namespace spanscope {

Status exportSpansCsv(const ExportSource& source, const std::string& path, const ExportTools&) {
    const RunData& run = *source.run;
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    constexpr uint64_t kLeastBytesOfARow = 40;
    if (auto room = file->checkRoomFor(trace::nRowsOf(run) * kLeastBytesOfARow); !room) return room;
    file->write(
        "step,position,token_id,token,phase,segment,label,interval,begin,end,attended_tokens,loaded_tokens,"
        "causal_tokens,device_ns,wall_ns,at_ns,logprob,heads_share\r\n");
    CsvRow row;
    for (const StepRecord& s : run.steps) {
        const std::string label =
            s.segment >= 0 ? labelText(run.segments[static_cast<size_t>(s.segment)].label) : std::string();
        int64_t n = 0;
        const auto add = [&](Interval part, double share) {
            const Interval c = clipToQuery(part, s.position);
            if (c.begin >= c.end) return;
            row << s.index << s.position << s.token.id << s.token.text << phaseName(s.phase) << s.segment << label
                << n++ << c.begin << c.end << s.attended << s.loaded << s.causal << s.deviceNs << s.wallNs << s.atNs
                << shortDecimal(static_cast<double>(s.logprob), 9) << shortDecimal(share, 6);
            file->write(row.take());
        };
        if (s.heads)
            for (const HeadCounts::Part& p : s.heads->parts) add({p.begin, p.end}, double(p.nHeads) / s.heads->nAll);
        else
            for (const Interval& interval : *s.visible) add(interval, 1);
    }
    return file->commit();
}

}  // namespace spanscope
