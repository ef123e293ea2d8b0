#include "engine/files/csv_cell.h"
#include "engine/files/output_file.h"
#include "engine/reading/plain_reading.h"
#include "engine/trace/exports/exports.h"
#include "engine/trace/exports/segment_sums.h"

namespace spanscope {

Status exportSegmentsCsv(const ExportSource& source, const std::string& path, const ExportTools&) {
    const RunData& run = *source.run;
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write(
        "segment,kind,label,begin,end,tokens,body_begin,refs,ref_tokens,fallback,steps,attended_tokens,loaded_tokens,"
        "causal_tokens,wall_ns,violations,says,check,note,unsupported_words\r\n");
    const auto sums = sumBySegment(run);
    const RunChecks checks = RunChecks::of(run);
    CsvRow row;
    for (size_t i = 0; i < run.segments.size(); ++i) {
        const Segment& s = run.segments[i];
        const SegmentSums& sum = sums[i];
        row << static_cast<int64_t>(i) << (s.name.empty() ? segmentKindName(s.kind) : s.name) << labelText(s.label)
            << s.begin << sum.end << (sum.end - s.begin) << s.bodyBegin << refsText(s) << sum.refTokens
            << (s.fallback ? 1 : 0) << sum.nSteps << sum.attended << sum.loaded << sum.causal << sum.wallNs
            << sum.nViolations;
        const SegmentCheck* check = checks.ofSegment(static_cast<int32_t>(i));
        row << (check ? plainSegment(run, checks, check->segment) : std::string())
            << (check ? verdictName(check->verdict) : "") << (check ? check->note : std::string())
            << (check ? unsupportedWords(run, *check) : std::string());
        file->write(row.take());
    }
    return file->commit();
}

}  // namespace spanscope
