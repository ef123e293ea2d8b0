#include "engine/files/csv_cell.h"
#include "engine/files/output_file.h"
#include "engine/trace/exports/exports.h"
#include "engine/types/run_diff.h"

namespace spanscope {

Status exportDifferenceCsv(const ExportSource& source, const std::string& path, const ExportTools&) {
    const MaskDiff diff = diffRuns(*source.run, *source.other);
    if (!diff.why.empty()) return Error{ErrorCode::InvalidArgument, diff.why, path};
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write("step,position,same_text,only,begin,end\r\n");
    CsvRow row;
    for (size_t i = 0; i < diff.rows.size(); ++i) {
        const DiffRow& r = diff.rows[i];
        const bool same = diff.parting < 0 || static_cast<int64_t>(i) < diff.parting;
        for (const bool isFirst : {true, false})
            for (const Interval& interval : isFirst ? *r.onlyFirst : *r.onlySecond) {
                const Interval c = clipToQuery(interval, r.position);
                if (c.begin >= c.end) continue;
                row << static_cast<int64_t>(i) << r.position << (same ? 1 : 0) << (isFirst ? "first" : "second")
                    << c.begin << c.end;
                file->write(row.take());
            }
    }
    return file->commit();
}

}  // namespace spanscope
