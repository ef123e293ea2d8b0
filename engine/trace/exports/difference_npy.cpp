#include <algorithm>

#include "engine/files/output_file.h"
#include "engine/trace/exports/exports.h"
#include "engine/trace/exports/npy_header.h"
#include "engine/types/run_diff.h"

namespace spanscope {

Status exportDifferenceNpy(const ExportSource& source, const std::string& path, const ExportTools&) {
    const MaskDiff diff = diffRuns(*source.run, *source.other);
    if (!diff.why.empty()) return Error{ErrorCode::InvalidArgument, diff.why, path};
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    if (Status room = file->checkRoomFor(uint64_t{diff.rows.size()} * static_cast<uint64_t>(diff.nColumns)); !room)
        return room;
    file->write(npyHeader("|u1", "(" + std::to_string(diff.rows.size()) + ", " + std::to_string(diff.nColumns) + ")"));
    std::string line(static_cast<size_t>(diff.nColumns), '\0');
    const auto mark = [&](const IntervalList& list, int32_t query, DiffState state) {
        for (const Interval& i : list) {
            const Interval c = clipToQuery(i, query);
            if (c.begin < c.end) std::fill(line.begin() + c.begin, line.begin() + c.end, static_cast<char>(state));
        }
    };
    for (const DiffRow& row : diff.rows) {
        std::fill(line.begin(), line.end(), static_cast<char>(DiffState::Future));
        mark({{0, row.position + 1}}, row.position, DiffState::Neither);
        mark(*row.both, row.position, DiffState::Both);
        mark(*row.onlySecond, row.position, DiffState::OnlySecond);
        mark(*row.onlyFirst, row.position, DiffState::OnlyFirst);
        file->write(line);
    }
    return file->commit();
}

}  // namespace spanscope
