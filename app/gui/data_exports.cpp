#include "app/gui/data_exports.h"

#include "engine/trace/export.h"
#include "engine/trace/export_probe.h"
#include "engine/trace/trace.h"
#include "ui/export/figure.h"

namespace spanscope {

namespace {

using Write = std::function<Status(const FigureSource&, const std::string&)>;

Write alone(Status (*write)(const RunData&, const std::string&)) {
    return [write](const FigureSource& source, const std::string& path) { return write(*source.run, path); };
}

Write both(Status (*write)(const RunData&, const RunData&, const std::string&)) {
    return [write](const FigureSource& source, const std::string& path) {
        return write(*source.run, *source.other, path);
    };
}

Status html(const FigureSource& source, const std::string& path) {
    const auto png = figurePng(FigureKind::Mask, {source.run}, {});
    return exportHtml(*source.run, source.other, png ? *png : std::string(), path);
}

Status trace(const FigureSource& source, const std::string& path) {
    std::vector<const RunData*> runs{source.run};
    if (source.other) runs.push_back(source.other);
    return writeTrace(path, runs);
}

}  // namespace

QVector<DataExport> dataExports() {
    return {
        {"Mask as NumPy array", "npy",
         "uint8, a row for each step, a column for each context position: 0 future, 1 allowed but skipped, 2 read.",
         alone(exportMaskNpy), ExportNeeds::Nothing},
        {"Mask with tokens as NumPy archive", "npz",
         "The mask, token ids, positions, attended and read counts, and what the run was, in one file.",
         alone(exportMaskNpz), ExportNeeds::Nothing},
        {"Spans as CSV", "csv", "A line for each step and interval that it could read.", alone(exportSpansCsv),
         ExportNeeds::Nothing},
        {"Segments as CSV", "segments.csv", "A line for each segment: references, tokens, attended, read, violations.",
         alone(exportSegmentsCsv), ExportNeeds::Nothing},
        {"Intervals as JSON", "json", "The interval list of every step.", alone(exportIntervalsJson),
         ExportNeeds::Nothing},
        {"Transcript as Markdown", "md", "Prompt and response with the figures of the run.",
         alone(exportTranscriptMarkdown), ExportNeeds::Nothing},
        {"Report as HTML", "html", "One page that needs no network: transcript with reach, mask, table, figures.", html,
         ExportNeeds::Nothing},
        {"Trace", "spantrace", "The recorded run, to open here again or to work on by script.", trace,
         ExportNeeds::Nothing},
        {"Difference as NumPy array", "difference.npy",
         "uint8, a row for each step of both runs: 0 future, 1 read by neither, 2 by both, 3 by the second only, 4 by "
         "the first only.",
         both(exportDifferenceNpy), ExportNeeds::Other},
        {"Difference as CSV", "difference.csv",
         "A line for each step and stretch of positions that only one of the two runs could read.",
         both(exportDifferenceCsv), ExportNeeds::Other},
        {"Attention of a step as CSV", "attention.csv",
         "The inspected step: a line for each context position, in the span or not, attention dense and declared.",
         [](const FigureSource& s, const std::string& path) { return exportAttentionCsv(*s.run, *s.probe, path); },
         ExportNeeds::Probe},
        {"Mass kept as CSV", "heads.csv",
         "The inspected step: a line for each layer and head, share of the dense attention mass inside the span.",
         [](const FigureSource& s, const std::string& path) { return exportHeadsCsv(*s.probe, path); },
         ExportNeeds::Probe},
        {"Divergence as CSV", "divergence.csv",
         "A line for each step: KL(dense \u2016 declared) in nats, and what each would choose.",
         [](const FigureSource& s, const std::string& path) { return exportDivergenceCsv(*s.run, *s.curve, path); },
         ExportNeeds::Curve},
    };
}

}  // namespace spanscope
