// Tables for scripts: CSV as in RFC 4180, with a "." in numbers whatever the locale, and the intervals as JSON.
#include <algorithm>

#include "engine/files/csv_cell.h"
#include "engine/files/decimal.h"
#include "engine/files/output_file.h"
#include "engine/trace/export.h"
#include "engine/trace/segment_sums.h"
#include "engine/trace/trace_json.h"

namespace spanscope {

namespace {

/// Rows that steps and their intervals make together: many steps may share a list of many intervals.
uint64_t nRowsOf(const RunData& run) {
    uint64_t n = 0;
    for (const StepRecord& s : run.steps)
        n += static_cast<uint64_t>(std::upper_bound(s.visible->begin(), s.visible->end(), s.position,
                                                    [](int32_t q, const Interval& i) { return q < i.begin; }) -
                                   s.visible->begin());
    return n;
}

std::string labelText(int64_t label) { return label < 0 ? std::string() : std::to_string(label); }

}  // namespace

Status exportSpansCsv(const RunData& run, const std::string& path) {
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    constexpr uint64_t kLeastBytesOfARow = 40;
    if (auto room = file->checkRoomFor(nRowsOf(run) * kLeastBytesOfARow); !room) return room;
    file->write(
        "step,position,token_id,token,phase,segment,label,interval,begin,end,attended_tokens,loaded_tokens,"
        "causal_tokens,device_ns,wall_ns,at_ns,logprob\r\n");
    CsvRow row;
    for (const StepRecord& s : run.steps) {
        const std::string label =
            s.segment >= 0 ? labelText(run.segments[static_cast<size_t>(s.segment)].label) : std::string();
        int64_t n = 0;
        for (const Interval& i : *s.visible) {
            const Interval c = clipToQuery(i, s.position);
            if (c.begin >= c.end) continue;
            row << s.index << s.position << s.token.id << s.token.text << phaseName(s.phase) << s.segment << label
                << n++ << c.begin << c.end << s.attended << s.loaded << s.causal << s.deviceNs << s.wallNs << s.atNs
                << shortDecimal(static_cast<double>(s.logprob), 9);
            file->write(row.take());
        }
    }
    return file->commit();
}

Status exportSegmentsCsv(const RunData& run, const std::string& path) {
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    file->write(
        "segment,kind,label,begin,end,tokens,body_begin,refs,ref_tokens,fallback,steps,attended_tokens,loaded_tokens,"
        "causal_tokens,wall_ns,violations\r\n");
    const auto sums = sumBySegment(run);
    CsvRow row;
    for (size_t i = 0; i < run.segments.size(); ++i) {
        const Segment& s = run.segments[i];
        const SegmentSums& sum = sums[i];
        row << static_cast<int64_t>(i) << segmentKindName(s.kind) << labelText(s.label) << s.begin << sum.end
            << (sum.end - s.begin) << s.bodyBegin << refsText(s) << sum.refTokens << (s.fallback ? 1 : 0) << sum.nSteps
            << sum.attended << sum.loaded << sum.causal << sum.wallNs << sum.nViolations;
        file->write(row.take());
    }
    return file->commit();
}

Status exportIntervalsJson(const RunData& run, const std::string& path) {
    using trace::OutJson;
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    constexpr uint64_t kLeastBytesOfAnInterval = 6;
    if (auto room = file->checkRoomFor(nRowsOf(run) * kLeastBytesOfAnInterval); !room) return room;
    OutJson segments = OutJson::array();
    for (const Segment& s : run.segments) segments.push_back(trace::segmentJson(s));
    OutJson violations = OutJson::array();
    for (const ProtocolViolation& v : run.violations) violations.push_back(trace::violationJson(v));
    file->write("{\"format\": \"spanscope-intervals\", \"version\": 2,\n\"run\": ");
    file->write(trace::toLine(trace::headerJson(run.header)));
    file->write(",\n\"stats\": " + trace::toLine(trace::statsJson(run.stats)));
    file->write(",\n\"answer\": " + trace::toLine(run.answer));
    file->write(",\n\"segments\": " + trace::toLine(segments));
    file->write(",\n\"violations\": " + trace::toLine(violations) + ",\n\"steps\": [");
    const char* separator = "\n";
    for (const StepRecord& s : run.steps) {
        OutJson step = trace::stepJson(s);
        IntervalList clipped;  // closed, so that a reader needs no rule about open ends
        for (const Interval& i : *s.visible) {
            const Interval c = clipToQuery(i, s.position);
            if (c.begin < c.end) clipped.push_back(c);
        }
        step["intervals"] = trace::intervalsJson(clipped);
        file->write(separator + trace::toLine(step));
        separator = ",\n";
    }
    file->write("\n]}\n");
    return file->commit();
}

}  // namespace spanscope
