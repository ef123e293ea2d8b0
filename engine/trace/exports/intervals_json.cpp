#include "engine/files/output_file.h"
#include "engine/reading/run_checks.h"
#include "engine/trace/exports/exports.h"
#include "engine/trace/exports/mask_rows.h"
#include "engine/trace/trace_json.h"

namespace spanscope {

Status exportIntervalsJson(const ExportSource& source, const std::string& path, const ExportTools&) {
    const RunData& run = *source.run;
    using trace::OutJson;
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    constexpr uint64_t kLeastBytesOfAnInterval = 6;
    if (auto room = file->checkRoomFor(trace::nRowsOf(run) * kLeastBytesOfAnInterval); !room) return room;
    OutJson segments = OutJson::array();
    for (const Segment& s : run.segments) segments.push_back(trace::segmentJson(s));
    OutJson violations = OutJson::array();
    for (const ProtocolViolation& v : run.violations) violations.push_back(trace::violationJson(v));
    file->write("{\"format\": \"spanscope-intervals\", \"version\": 2,\n\"run\": ");
    file->write(trace::toLine(trace::headerJson(run.header)));
    file->write(",\n\"stats\": " + trace::toLine(trace::statsJson(run.stats)));
    file->write(",\n\"answer\": " + trace::toLine(run.answer));
    const RunChecks checks = RunChecks::of(run);
    OutJson checked = OutJson::array();
    for (const SegmentCheck& c : checks.segments())
        if (c.isArithmetic() || !c.unsupported.empty())
            checked.push_back({{"segment", c.segment},
                               {"verdict", verdictName(c.verdict)},
                               {"note", c.note},
                               {"unsupported", trace::intervalsJson(c.unsupported)}});
    file->write(",\n\"checks\": " + trace::toLine(checked));
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
