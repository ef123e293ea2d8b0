// Reads what TraceWriter wrote, and what is left of it after a crash, a full disk or somebody's editor. A line
// that cannot be believed ends the reading; everything before it is shown.
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "engine/files/json_read.h"
#include "engine/trace/trace.h"
#include "engine/trace/trace_json.h"
#include "engine/types/interval_algebra.h"
#include "engine/types/interval_sums.h"

namespace spanscope {

using trace::Fields;
using trace::InJson;

namespace {

// The header of a run with a million prompt tokens takes about 20 MB and two million values; parsing what these
// limits allow takes a few hundred MB at the very most.
constexpr size_t kMaxLineBytes = size_t{32} << 20;
constexpr size_t kMaxLineValues = size_t{4} << 20;
constexpr size_t kDeepest = 64;
// A run costs thousands of bytes however short its lines are; a batch has at most this many.
constexpr size_t kMaxRuns = 4096;

enum class LineState { Whole, Truncated, TooLong, End };

/// std::getline, but bounded and aware of a missing last newline.
LineState nextLine(std::istream& in, std::string& line) {
    line.clear();
    std::streambuf* buffer = in.rdbuf();
    for (;;) {
        const int c = buffer->sbumpc();
        if (c == std::char_traits<char>::eof()) return line.empty() ? LineState::End : LineState::Truncated;
        if (c == '\n') return LineState::Whole;
        if (line.size() >= kMaxLineBytes) return LineState::TooLong;
        line.push_back(static_cast<char>(c));
    }
}

struct Mask {
    SharedIntervals list;
    IntervalSums sums;
};

struct Heads {
    SharedHeadCounts counts;
    const IntervalList* list = nullptr;  ///< of the mask that the counts belong to
};

struct ReadRun {
    std::shared_ptr<RunData> data = std::make_shared<RunData>();
    std::vector<Mask> masks;
    std::vector<Heads> heads;
    int64_t wallNs = 0;  ///< of all steps
    bool ended = false;
};

class Reader {
  public:
    explicit Reader(int version) : m_version(version) {}
    /// "" or what is wrong with this line.
    std::string take(const InJson& object);
    std::vector<std::shared_ptr<RunData>> finish(std::string& damage);

  private:
    std::string takeRun(const InJson& object, int64_t id);
    static std::string takePromptVisible(const InJson& object, ReadRun& run);
    static std::string takeMask(const InJson& object, ReadRun& run);
    static std::string takeHeads(const InJson& object, ReadRun& run);
    static std::string takeSegment(const InJson& object, ReadRun& run);
    std::string takeStep(const InJson& object, ReadRun& run);
    static std::string takeViolation(const InJson& object, ReadRun& run);
    static std::string takeChange(const InJson& object, ReadRun& run);
    std::string takeEnd(const InJson& object, ReadRun& run);
    static std::string maskOf(const InJson& value, const ReadRun& run, const Mask*& mask);

    int m_version;  ///< of the file
    std::map<int64_t, ReadRun> m_runs;
    std::vector<int64_t> m_order;
};

std::string Reader::take(const InJson& object) {
    if (!object.is_object()) return "expected an object";
    Fields f(object);
    const std::string type = f.text("t");
    const int64_t id = f.integer("run", 0, trace::kLargestRunId, 0);
    if (!f.ok()) return f.problem();
    if (type == "run") return takeRun(object, id);
    const auto it = m_runs.find(id);
    const bool known = type == "prompt_visible" || type == "mask" || type == "heads" || type == "segment" ||
                       type == "step" || type == "violation" || type == "change" || type == "stats" || type == "end";
    if (!known) return {};  // a later version's business
    if (it == m_runs.end()) return "\"" + type + "\" of run " + std::to_string(id) + " before its header";
    ReadRun& run = it->second;
    if (type == "prompt_visible") return takePromptVisible(object, run);
    if (type == "mask") return takeMask(object, run);
    if (type == "heads") return takeHeads(object, run);
    if (type == "segment") return takeSegment(object, run);
    if (type == "step") return takeStep(object, run);
    if (type == "violation") return takeViolation(object, run);
    if (type == "change") return takeChange(object, run);
    if (type == "stats") return trace::readStats(object, m_version, run.data->stats);
    return takeEnd(object, run);
}

std::string Reader::takeRun(const InJson& object, int64_t id) {
    if (m_order.size() >= kMaxRuns) return "more than the " + std::to_string(kMaxRuns) + " runs that a trace may have";
    if (m_runs.contains(id)) return "a second header of run " + std::to_string(id);
    ReadRun run;
    run.data->header.runId = id;
    if (std::string problem = trace::readHeader(object, run.data->header); !problem.empty()) return problem;
    run.data->stats.promptTokens = static_cast<int32_t>(run.data->header.prompt.size());
    m_runs.emplace(id, std::move(run));
    m_order.push_back(id);
    return {};
}

std::string Reader::maskOf(const InJson& value, const ReadRun& run, const Mask*& mask) {
    if (!value.is_number_integer() || value.get<int64_t>() < 0 ||
        value.get<int64_t>() >= static_cast<int64_t>(run.masks.size()))
        return "names a mask that was not written before";
    mask = &run.masks[value.get<size_t>()];
    return {};
}

std::string Reader::takePromptVisible(const InJson& object, ReadRun& run) {
    Fields f(object);
    const InJson* runs = f.array("runs");
    if (!runs) return "prompt_visible: expected a list of runs";
    auto& lists = run.data->header.promptVisible;
    const size_t nPrompt = run.data->header.prompt.size();
    if (!lists.empty()) return "prompt_visible: written twice";
    std::vector<SharedIntervals> read;
    for (const InJson& pair : *runs) {
        if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_unsigned() ||
            pair[0].get<uint64_t>() > nPrompt - read.size())
            return "prompt_visible: does not fit the prompt's " + std::to_string(nPrompt) + " tokens";
        const Mask* mask = nullptr;
        if (std::string problem = maskOf(pair[1], run, mask); !problem.empty()) return "prompt_visible: " + problem;
        read.insert(read.end(), pair[0].get<size_t>(), mask->list);
    }
    if (read.size() != nPrompt) return "prompt_visible: does not cover the prompt";
    lists = std::move(read);
    return {};
}

std::string Reader::takeMask(const InJson& object, ReadRun& run) {
    Fields f(object);
    const int32_t id = f.requiredInt32("mask", 0, INT32_MAX);
    const InJson* intervals = f.array("intervals");
    if (!f.ok() || !intervals) return f.ok() ? "intervals: missing" : f.problem();
    if (static_cast<size_t>(id) != run.masks.size())
        return "mask " + std::to_string(id) + " where " + std::to_string(run.masks.size()) + " was next";
    IntervalList list;
    if (std::string problem = trace::readIntervals(*intervals, list); !problem.empty()) return problem;
    IntervalSums sums(list);
    run.masks.push_back({std::make_shared<const IntervalList>(std::move(list)), std::move(sums)});
    return {};
}

/// That the counts are of the mask's tokens is looked at here, once, however many steps name them.
std::string Reader::takeHeads(const InJson& object, ReadRun& run) {
    Fields f(object);
    const int32_t id = f.requiredInt32("heads", 0, INT32_MAX);
    if (!f.ok()) return f.problem();
    if (static_cast<size_t>(id) != run.heads.size())
        return "heads " + std::to_string(id) + " where " + std::to_string(run.heads.size()) + " was next";
    const auto named = object.find("mask");
    if (named == object.end()) return "mask: missing";
    const Mask* mask = nullptr;
    if (std::string problem = maskOf(*named, run, mask); !problem.empty()) return "mask: " + problem;
    HeadCounts counts;
    if (std::string problem = trace::readHeads(object, counts); !problem.empty()) return problem;
    IntervalList any;
    any.reserve(counts.parts.size());
    for (const HeadCounts::Part& part : counts.parts) any.push_back({part.begin, part.end});
    if (normalised(std::move(any)) != *mask->list) return "parts: not the tokens of the mask";
    run.heads.push_back({std::make_shared<const HeadCounts>(std::move(counts)), mask->list.get()});
    return {};
}

std::string Reader::takeSegment(const InJson& object, ReadRun& run) {
    Fields f(object);
    auto& segments = run.data->segments;
    const int32_t index = f.requiredInt32("i", 0, INT32_MAX);
    if (!f.ok()) return f.problem();
    if (static_cast<size_t>(index) > segments.size()) return "segment " + std::to_string(index) + " leaves a gap";
    Segment segment;
    if (std::string problem = trace::readSegment(object, segment); !problem.empty()) return problem;
    for (const SpanRef& ref : segment.refs) {
        if (ref.segment >= index) return "refs: a segment refers to one that comes after it";
    }
    if (static_cast<size_t>(index) == segments.size()) {
        segments.push_back(std::move(segment));
    } else {
        segments[static_cast<size_t>(index)] = std::move(segment);
    }
    return {};
}

std::string Reader::takeStep(const InJson& object, ReadRun& run) {
    StepRecord step;
    if (std::string problem = trace::readStep(object, m_version, step); !problem.empty()) return problem;
    const RunData& data = *run.data;
    if (static_cast<size_t>(step.index) != data.steps.size())
        return "step " + std::to_string(step.index) + " where " + std::to_string(data.steps.size()) + " was next";
    if (static_cast<size_t>(step.position) != data.header.prompt.size() + data.steps.size())
        return "step " + std::to_string(step.index) + ": position does not follow the prompt";
    if (step.segment >= static_cast<int64_t>(data.segments.size()))
        return "step " + std::to_string(step.index) + ": names a segment that was not written before";
    const auto named = object.find("mask");
    if (named == object.end()) return "mask: missing";
    const Mask* mask = nullptr;
    if (std::string problem = maskOf(*named, run, mask); !problem.empty()) return "mask: " + problem;
    step.visible = mask->list;
    if (step.attended != mask->sums.attended(*mask->list, step.position) ||
        step.loaded != loadedTokens(mask->sums, *mask->list, step.position, data.header.layerWindows))
        return "step " + std::to_string(step.index) + ": attended or loaded does not follow from its intervals";
    if (object.contains("heads")) {
        const int32_t id = Fields(object).int32("heads", 0, INT32_MAX, -1);
        if (id < 0 || static_cast<size_t>(id) >= run.heads.size()) return "heads: not written before";
        if (run.heads[static_cast<size_t>(id)].list != mask->list.get()) return "heads: of another mask";
        step.heads = run.heads[static_cast<size_t>(id)].counts;
    }
    if (step.wallNs > trace::kLongestNs - run.wallNs)
        return "step " + std::to_string(step.index) + ": wall_ns adds up to more than any run takes";
    run.wallNs += step.wallNs;
    run.data->steps.push_back(std::move(step));
    return {};
}

std::string Reader::takeViolation(const InJson& object, ReadRun& run) {
    ProtocolViolation violation;
    if (std::string problem = trace::readViolation(object, violation); !problem.empty()) return problem;
    if (violation.segment >= static_cast<int64_t>(run.data->segments.size())) return "violation: unknown segment";
    run.data->violations.push_back(std::move(violation));
    return {};
}

std::string Reader::takeChange(const InJson& object, ReadRun& run) {
    SpanChange change;
    if (std::string problem = trace::readChange(object, change); !problem.empty()) return problem;
    if (static_cast<size_t>(change.segment) >= run.data->segments.size()) return "change: unknown segment";
    run.data->changes.push_back(change);
    return {};
}

std::string Reader::takeEnd(const InJson& object, ReadRun& run) {
    Fields f(object);
    const InJson* stats = f.object("stats");
    run.data->answer = f.text("answer");
    if (!f.ok() || !stats) return f.ok() ? "stats: missing" : f.problem();
    if (std::string problem = trace::readStats(*stats, m_version, run.data->stats); !problem.empty()) return problem;
    run.ended = true;
    return {};
}

/// A run without an end line: its sums are taken from its steps.
void sumUp(RunData& data) {
    RunStats& s = data.stats;
    s.responseTokens = static_cast<int32_t>(data.steps.size());
    s.attendedTokens = s.headAttendedTokens = s.loadedTokens = s.causalTokens = 0;
    for (const StepRecord& step : data.steps) {
        s.attendedTokens += step.attended;
        if (step.heads) s.headAttendedTokens += std::llround(step.heads->mean());
        s.loadedTokens += step.loaded;
        s.causalTokens += step.causal;
    }
    if (data.steps.size() > 1 && s.ttftNs > 0)
        s.decodeNs = std::max<int64_t>(0, data.steps[data.steps.size() - 2].atNs - s.ttftNs);
    s.stop = StopReason::Failed;
}

std::vector<std::shared_ptr<RunData>> Reader::finish(std::string& damage) {
    std::vector<std::shared_ptr<RunData>> runs;
    for (int64_t id : m_order) {
        ReadRun& run = m_runs.at(id);
        RunData& data = *run.data;
        if (data.header.promptVisible.size() != data.header.prompt.size()) {
            data.header.promptVisible.assign(data.header.prompt.size(), std::make_shared<const IntervalList>());
            if (damage.empty()) damage = "run " + std::to_string(id) + " lacks what its prompt could read";
        }
        if (!run.ended) {
            sumUp(data);
            if (damage.empty()) damage = "run " + std::to_string(id) + " has no end: the program stopped while it ran";
        }
        runs.push_back(run.data);
    }
    return runs;
}

Error formatError(const std::string& path, std::string message, std::string field = {}, std::string found = {},
                  std::string expected = {}) {
    return Error{ErrorCode::Format, std::move(message), path, std::move(field), std::move(found), std::move(expected)};
}

/// The value of a line, or nothing and why.
std::optional<InJson> parseLine(const std::string& line, std::string& problem) {
    JsonProblem why;
    auto value = readJson(line, why, {kDeepest, kMaxLineValues});
    if (value) return value;
    problem = (why.byte > 0 ? "column " + std::to_string(why.byte + 1) + ": " : "") + why.message;
    if (!why.key.empty()) problem += ": \"" + why.key + "\"";
    return value;
}

/// The version that the first line names.
Result<int> checkHeader(const std::string& path, const std::string& line) {
    std::string problem;
    const auto header = parseLine(line, problem);
    if (!header || !header->is_object() || !header->contains("spantrace"))
        return formatError(path, "not a Spanscope trace", "line 1", line.substr(0, 40), "{\"spantrace\": ...");
    Fields f(*header);
    const int32_t version = f.requiredInt32("spantrace", 1, INT32_MAX);
    const int32_t reader = f.requiredInt32("min_reader", 1, INT32_MAX);
    if (!f.ok()) return formatError(path, f.problem(), "line 1");
    if (reader > kTraceVersion) {
        Error e = formatError(path, "the trace was written by a newer version of the program", "min_reader",
                              std::to_string(reader), "at most " + std::to_string(kTraceVersion));
        e.code = ErrorCode::Unsupported;
        return e;
    }
    return version;
}

}  // namespace

Result<TraceFile> readTrace(const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) return Error{ErrorCode::Io, "is a folder, not a trace", path};
    std::ifstream in(path, std::ios::binary);
    if (!in)
        return Error{errno == ENOENT ? ErrorCode::NotFound : ErrorCode::Io,
                     std::string("cannot be read: ") + std::strerror(errno), path};
    TraceFile file;
    file.path = path;
    std::string line;
    const LineState first = nextLine(in, line);
    if (first == LineState::End) return formatError(path, "the file is empty", {}, "0 bytes", "a Spanscope trace");
    if (first == LineState::TooLong) return formatError(path, "not a Spanscope trace", "line 1", "a very long line");
    const auto version = checkHeader(path, line);
    if (!version) return version.error();

    Reader reader(*version);
    for (int64_t number = 2; file.damage.empty(); ++number) {
        const LineState state = nextLine(in, line);
        if (state == LineState::End) break;
        const std::string where = "line " + std::to_string(number) + ": ";
        if (state == LineState::TooLong) {
            file.damage =
                where + "longer than the " + std::to_string(kMaxLineBytes >> 20) + " MiB that a line may have";
            break;
        }
        std::string problem;
        const auto object = parseLine(line, problem);
        if (!object && state == LineState::Truncated) problem = "cut off in the middle";
        if (object) problem = reader.take(*object);
        if (!problem.empty()) file.damage = where + problem;
    }
    file.runs = reader.finish(file.damage);
    return file;
}

}  // namespace spanscope
