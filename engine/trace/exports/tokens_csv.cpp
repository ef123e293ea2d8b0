#include "engine/files/csv_cell.h"
#include "engine/files/decimal.h"
#include "engine/files/output_file.h"
#include "engine/trace/exports/exports.h"
#include "engine/trace/exports/segment_sums.h"
#include "engine/types/segment_name.h"

namespace spanscope {

Status exportTokensCsv(const ExportSource& source, const std::string& path, const ExportTools&) {
    const RunData& run = *source.run;
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write("position,step,token_id,token,special,phase,segment,name,attended_tokens,loaded_tokens,logprob\r\n");
    const auto name = [&](int32_t segment) {
        return segment >= 0 && static_cast<size_t>(segment) < run.segments.size()
                   ? segmentName(run.segments[static_cast<size_t>(segment)])
                   : std::string();
    };
    CsvRow row;
    int32_t segment = 0;
    const auto nSegments = static_cast<int32_t>(run.segments.size());
    for (int32_t p = 0; p < static_cast<int32_t>(run.header.prompt.size()); ++p) {
        while (segment < nSegments && run.segments[static_cast<size_t>(segment)].end <= p) ++segment;
        const bool inside = segment < nSegments && run.segments[static_cast<size_t>(segment)].begin <= p;
        const TokenInfo& token = run.header.prompt[static_cast<size_t>(p)];
        row << p << "" << token.id << token.text << (token.special ? 1 : 0) << phaseName(Phase::Prompt)
            << (inside ? std::to_string(segment) : std::string()) << name(inside ? segment : -1) << ""
            << ""
            << "";
        file->write(row.take());
    }
    for (const StepRecord& s : run.steps) {
        row << s.position << s.index << s.token.id << s.token.text << (s.token.special ? 1 : 0) << phaseName(s.phase)
            << (s.segment >= 0 ? std::to_string(s.segment) : std::string()) << name(s.segment) << s.attended << s.loaded
            << shortDecimal(static_cast<double>(s.logprob), 9);
        file->write(row.take());
    }
    return file->commit();
}

}  // namespace spanscope
