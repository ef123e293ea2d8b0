#include <map>
#include <optional>

#include "engine/files/output_file.h"
#include "engine/trace/trace.h"
#include "engine/trace/trace_json.h"

namespace spanscope {

using trace::OutJson;

namespace {

struct ByContent {
    bool operator()(const IntervalList& a, const IntervalList& b) const {
        return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](Interval x, Interval y) {
            return x.begin != y.begin ? x.begin < y.begin : x.end < y.end;
        });
    }
};

/// What of one run stands in the file already.
struct Written {
    std::map<IntervalList, int32_t, ByContent> masks;
    const IntervalList* lastMask = nullptr;
    int32_t lastMaskId = -1;
    int32_t nHeads = 0;  ///< lines of how many heads read what
    const HeadCounts* lastHeads = nullptr;
    size_t nSteps = 0;
    size_t nViolations = 0, nChanges = 0;
    std::vector<std::string> segments;  ///< their lines, to see which changed; closed ones cannot
    size_t firstOpenSegment = 0;
    bool prefilled = false;
};

}  // namespace

struct TraceWriter::Impl {
    std::optional<OutputFile> file;
    std::map<int64_t, Written> runs;

    void line(OutJson object) { file->write(trace::toLine(object) + "\n"); }

    static OutJson tagged(const char* type, int64_t runId, const OutJson& fields) {
        OutJson object{{"t", type}, {"run", runId}};
        object.update(fields);
        return object;
    }

    /// The list's id; writes the list where it is new.
    int32_t maskId(int64_t runId, Written& w, const SharedIntervals& list) {
        if (list.get() == w.lastMask && w.lastMaskId >= 0) return w.lastMaskId;
        const auto [it, isNew] = w.masks.try_emplace(*list, static_cast<int32_t>(w.masks.size()));
        if (isNew) line(tagged("mask", runId, {{"mask", it->second}, {"intervals", trace::intervalsJson(*list)}}));
        w.lastMask = list.get();
        w.lastMaskId = it->second;
        return it->second;
    }

    /// The id of the counts; writes them where they are not those of the step before.
    int32_t headsId(int64_t runId, Written& w, int32_t mask, const SharedHeadCounts& counts) {
        if (counts.get() == w.lastHeads) return w.nHeads - 1;
        OutJson fields{{"heads", w.nHeads}, {"mask", mask}};
        fields.update(trace::headsJson(*counts));
        line(tagged("heads", runId, fields));
        w.lastHeads = counts.get();
        return w.nHeads++;
    }

    void segments(int64_t runId, Written& w, const std::vector<Segment>& all) {
        for (size_t i = w.firstOpenSegment; i < all.size(); ++i) {
            OutJson fields{{"i", i}};
            fields.update(trace::segmentJson(all[i]));
            const std::string text = trace::toLine(tagged("segment", runId, fields));
            if (i < w.segments.size() && w.segments[i] == text) continue;
            w.segments.resize(std::max(w.segments.size(), i + 1));
            w.segments[i] = text;
            file->write(text + "\n");
        }
        // The last one may still change even where it looks closed.
        while (w.firstOpenSegment + 1 < all.size() && all[w.firstOpenSegment].end != kOpenEnd) {
            w.segments[w.firstOpenSegment].clear();
            ++w.firstOpenSegment;
        }
    }
};

TraceWriter::TraceWriter() : m_impl(std::make_unique<Impl>()) {}
TraceWriter::~TraceWriter() = default;

Result<std::unique_ptr<TraceWriter>> TraceWriter::create(const std::string& path, bool keepPart) {
    auto file = OutputFile::create(path);
    if (!file) return file.error();
    std::unique_ptr<TraceWriter> writer(new TraceWriter);
    writer->m_impl->file.emplace(std::move(*file));
    if (keepPart) writer->m_impl->file->keepTemporary();
    writer->m_impl->line({{"spantrace", kTraceVersion}, {"min_reader", 2}});
    writer->m_impl->file->flush();
    return writer;
}

Status TraceWriter::begin(const RunHeader& header) {
    auto [it, isNew] = m_impl->runs.try_emplace(header.runId);
    if (!isNew)
        return Error{ErrorCode::InvalidArgument, "two runs with one id in a trace", m_impl->file->path(), "run",
                     std::to_string(header.runId)};
    m_impl->line(Impl::tagged("run", header.runId, trace::headerJson(header)));
    OutJson visible = OutJson::array();
    for (size_t i = 0; i < header.promptVisible.size();) {
        size_t end = i + 1;
        while (end < header.promptVisible.size() && header.promptVisible[end] == header.promptVisible[i]) ++end;
        visible.push_back({end - i, m_impl->maskId(header.runId, it->second, header.promptVisible[i])});
        i = end;
    }
    m_impl->line(Impl::tagged("prompt_visible", header.runId, {{"runs", std::move(visible)}}));
    m_impl->file->flush();
    return {};
}

Status TraceWriter::append(const RunData& data) {
    const int64_t id = data.header.runId;
    if (!m_impl->runs.contains(id)) {
        if (auto ok = begin(data.header); !ok) return ok;
    }
    Written& w = m_impl->runs[id];
    if (!w.prefilled && data.stats.prefillNs > 0) {
        m_impl->line(Impl::tagged("stats", id, trace::statsJson(data.stats)));
        w.prefilled = true;
    }
    m_impl->segments(id, w, data.segments);
    for (; w.nSteps < data.steps.size(); ++w.nSteps) {
        const StepRecord& step = data.steps[w.nSteps];
        OutJson fields = trace::stepJson(step);
        const int32_t mask = m_impl->maskId(id, w, step.visible);
        fields["mask"] = mask;
        if (step.heads) fields["heads"] = m_impl->headsId(id, w, mask, step.heads);
        m_impl->line(Impl::tagged("step", id, fields));
    }
    for (; w.nViolations < data.violations.size(); ++w.nViolations)
        m_impl->line(Impl::tagged("violation", id, trace::violationJson(data.violations[w.nViolations])));
    for (; w.nChanges < data.changes.size(); ++w.nChanges)
        m_impl->line(Impl::tagged("change", id, trace::changeJson(data.changes[w.nChanges])));
    m_impl->file->flush();
    return {};
}

Status TraceWriter::end(const RunData& data) {
    if (auto ok = append(data); !ok) return ok;
    m_impl->line(
        Impl::tagged("end", data.header.runId, {{"stats", trace::statsJson(data.stats)}, {"answer", data.answer}}));
    m_impl->file->flush();
    return {};
}

Status TraceWriter::close() { return m_impl->file->commit(); }
const std::string& TraceWriter::temporaryPath() const { return m_impl->file->temporaryPath(); }

Status writeTrace(const std::string& path, const std::vector<const RunData*>& runs, const RunLabel* label) {
    auto writer = TraceWriter::create(path, false);
    if (!writer) return writer.error();
    if (label && !runs.empty()) {
        RunHeader header = runs.front()->header;
        header.label = *label;
        if (auto ok = (*writer)->begin(header); !ok) return ok;
    }
    for (const RunData* run : runs) {
        if (auto ok = (*writer)->end(*run); !ok) return ok;
    }
    return (*writer)->close();
}

}  // namespace spanscope
