// export: what a recorded run can become. Data exports are the engine's, images the window's own figure code, so
// that both programs write the same bytes.
#include <functional>

#include "app/cli/figure_export.h"
#include "app/cli/verbs.h"
#include "engine/trace/export.h"
#include "engine/trace/trace.h"

namespace spanscope::cli {

namespace {

const RunData* firstWith(const TraceFile& file, AttentionMode mode, const RunData* notThis) {
    for (const auto& run : file.runs) {
        if (run.get() != notThis && run->header.settings.attention == mode) return run.get();
    }
    return nullptr;
}

const RunData* chosenRun(const TraceFile& file, int64_t index) {
    if (index >= 0) return static_cast<size_t>(index) < file.runs.size() ? file.runs[static_cast<size_t>(index)].get() : nullptr;
    if (const RunData* declared = firstWith(file, AttentionMode::Declared, nullptr)) return declared;
    return file.runs.empty() ? nullptr : file.runs.front().get();
}

}  // namespace

int exportVerb(const ExportOptions& o, const Log& log) {
    auto file = readTrace(o.trace);
    if (!file) return log.fail(file.error());
    if (!file->damage.empty()) log.info(o.trace + ": damaged: " + file->damage + "; exporting what came before");
    const RunData* run = chosenRun(*file, o.run);
    if (!run)
        return log.fail({ErrorCode::NotFound, "the trace has no such run", o.trace, "--run", std::to_string(o.run),
                         std::to_string(file->runs.size()) + " runs"});
    // A comparison belongs to the same prompt only.
    const RunData* dense = firstWith(*file, AttentionMode::Dense, run);
    if (dense && dense->header.formattedPrompt != run->header.formattedPrompt) dense = nullptr;

    int nWritten = 0;
    int exitCode = kOk;
    auto write = [&](const std::string& path, const std::function<Status()>& make) {
        if (path.empty() || exitCode != kOk) return;
        if (auto ok = make(); !ok) {
            exitCode = log.fail(ok.error());
            return;
        }
        ++nWritten;
        log.detail(path);
    };
    write(o.npy, [&] { return exportMaskNpy(*run, o.npy); });
    write(o.npz, [&] { return exportMaskNpz(*run, o.npz); });
    write(o.csv, [&] { return exportSpansCsv(*run, o.csv); });
    write(o.segmentsCsv, [&] { return exportSegmentsCsv(*run, o.segmentsCsv); });
    write(o.json, [&] { return exportIntervalsJson(*run, o.json); });
    write(o.markdown, [&] { return exportTranscriptMarkdown(*run, o.markdown); });

    FigureExport figures(o);
    write(o.png, [&] { return figures.write(*run, dense, o.png, FigureExport::Kind::Png); });
    write(o.svg, [&] { return figures.write(*run, dense, o.svg, FigureExport::Kind::Svg); });
    write(o.pdf, [&] { return figures.write(*run, dense, o.pdf, FigureExport::Kind::Pdf); });
    write(o.html, [&] { return exportHtml(*run, dense, figures.pngBytes(*run), o.html); });
    if (exitCode == kOk && nWritten == 0)
        return log.fail({ErrorCode::InvalidArgument, "nothing to export was asked for; see spanscope-cli export --help", {}, {}, {}, {}});
    return exitCode;
}

}  // namespace spanscope::cli
