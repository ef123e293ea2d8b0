#include "app/gui/data_exports.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>

#include "engine/trace/export.h"
#include "engine/trace/trace.h"
#include "ui/export/figure.h"

namespace spanscope {

namespace {

std::function<Status(const RunData&, const RunData*, const std::string&)> alone(Status (*write)(const RunData&, const std::string&)) {
    return [write](const RunData& run, const RunData*, const std::string& path) { return write(run, path); };
}

Status html(const RunData& run, const RunData* dense, const std::string& path) {
    QTemporaryDir scratch;
    const QString png = scratch.filePath("mask.png");
    std::string bytes;
    if (renderMask(run, FigureOptions{}, png.toStdString())) {
        QFile file(png);
        if (file.open(QIODevice::ReadOnly)) bytes = file.readAll().toStdString();
    }
    return exportHtml(run, dense, bytes, path);
}

Status trace(const RunData& run, const RunData* dense, const std::string& path) {
    std::vector<const RunData*> runs{&run};
    if (dense) runs.push_back(dense);
    return writeTrace(path, runs);
}

}  // namespace

QVector<DataExport> dataExports() {
    return {
        {"Mask as NumPy array", "npy", "uint8, a row for each step, a column for each context position: 0 future, 1 allowed but skipped, 2 read.", alone(exportMaskNpy)},
        {"Mask with tokens as NumPy archive", "npz", "The mask, token ids, positions, attended and read counts, and what the run was, in one file.", alone(exportMaskNpz)},
        {"Spans as CSV", "csv", "A line for each step and interval that it could read.", alone(exportSpansCsv)},
        {"Segments as CSV", "segments.csv", "A line for each segment: references, tokens, attended, read, violations.", alone(exportSegmentsCsv)},
        {"Intervals as JSON", "json", "The interval list of every step.", alone(exportIntervalsJson)},
        {"Transcript as Markdown", "md", "Prompt and response with the figures of the run.", alone(exportTranscriptMarkdown)},
        {"Report as HTML", "html", "One page that needs no network: transcript with reach, mask, table, figures.", html},
        {"Trace", "spantrace", "The recorded run, to open here again or to work on by script.", trace},
    };
}

}  // namespace spanscope
