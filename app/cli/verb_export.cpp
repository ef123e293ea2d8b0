// export: what a recorded run can become. Data exports are the engine's, images the window's own figure code, so
// that both programs write the same bytes.
#include <functional>

#include "app/cli/figure_export.h"
#include "app/cli/locate.h"
#include "app/cli/model_setup.h"
#include "app/cli/verbs.h"
#include "engine/decode/inspect.h"
#include "engine/trace/export.h"
#include "engine/trace/export_probe.h"
#include "engine/trace/trace.h"

namespace spanscope::cli {

namespace {

using SharedRun = std::shared_ptr<const RunData>;

constexpr uint64_t kLargeMask = uint64_t{1} << 30;  ///< whose size is said

SharedRun firstWith(const TraceFile& file, const MaskPolicySpec& attention, const SharedRun& notThis) {
    for (const auto& run : file.runs) {
        if (run != notThis && run->header.settings.attention == attention) return run;
    }
    return nullptr;
}

SharedRun chosenRun(const TraceFile& file, int64_t index) {
    if (index >= 0)
        return static_cast<size_t>(index) < file.runs.size() ? SharedRun(file.runs[static_cast<size_t>(index)])
                                                             : nullptr;
    if (SharedRun declared = firstWith(file, MaskPolicySpec::declared(), nullptr)) return declared;
    return file.runs.empty() ? nullptr : SharedRun(file.runs.front());
}

/// Inspect mode without a window: the run replayed beside a dense reading.
struct Inspection {
    StepProbe probe;
    DivergenceCurve curve;
};

Result<Inspection> inspectRun(const SharedRun& run, const ExportOptions& o, const Log& log) {
    ModelOptions model = o.model;
    model.bundled = bundledFor(run->header.settings.task);
    auto opened = openModelFor(model, log);
    if (!opened) return opened.error();
    const auto nTokens = static_cast<int32_t>(run->header.prompt.size() + run->steps.size()) + 1;
    if (Status fits = checkMemory(model, *opened->model, {nTokens, 2}, log); !fits) return fits.error();
    auto backend = makeBackendFor(opened->model->weights(), model,
                                  {int64_t{2} * nTokens + 2 * kPageTokens, 2, model.nThreads}, log);
    if (!backend) return backend.error();
    auto inspector = Inspector::create(opened->model, **backend, run);
    if (!inspector) return inspector.error();
    Status replayed = (*inspector)->replay(nullptr, [&](int32_t done, int32_t total) {
        log.progress("replaying " + std::to_string(done) + " of " + std::to_string(total) + " steps");
    });
    log.endProgress();
    if (!replayed) return replayed.error();
    ProbeSettings settings;
    settings.layer = o.layer;
    settings.head = o.head;
    auto probe = (*inspector)->probe(o.step >= 0 ? o.step : static_cast<int32_t>(run->steps.size()) - 1, settings);
    if (!probe) return probe.error();
    return Inspection{std::move(*probe), (*inspector)->curve()};
}

}  // namespace

int exportVerb(const ExportOptions& o, const Log& log) {
    auto file = readTrace(o.trace);
    if (!file) return log.fail(file.error());
    if (!file->damage.empty()) log.info(o.trace + ": damaged: " + file->damage + "; exporting what came before");
    const SharedRun run = chosenRun(*file, o.run);
    if (!run)
        return log.fail({ErrorCode::NotFound, "the trace has no such run", o.trace, "--run", std::to_string(o.run),
                         std::to_string(file->runs.size()) + " runs"});
    const auto nSteps = static_cast<int32_t>(run->steps.size());
    for (const auto& [option, step] : {std::pair{"--first-step", o.firstStep}, std::pair{"--step", o.step}})
        if (step > 0 && step >= nSteps)
            return log.fail({ErrorCode::InvalidArgument, "the run has no such step", o.trace, option,
                             std::to_string(step), "0 to " + std::to_string(nSteps - 1)});
    if (o.lastStep >= 0 && o.lastStep < o.firstStep)
        return log.fail({ErrorCode::InvalidArgument,
                         "lies before --first-step",
                         {},
                         "--last-step",
                         std::to_string(o.lastStep),
                         std::to_string(o.firstStep) + " or more"});
    // A comparison belongs to the same prompt only.
    SharedRun other = firstWith(*file, MaskPolicySpec::dense(), run);
    if (other && other->header.formattedPrompt != run->header.formattedPrompt) other = nullptr;
    if (!o.against.empty()) {
        auto against = readTrace(o.against);
        if (!against) return log.fail(against.error());
        other = chosenRun(*against, -1);
        if (!other) return log.fail({ErrorCode::NotFound, "the trace has no run", o.against, "--against", {}, {}});
    }
    ExportInput input{run.get(), other.get(), nullptr, nullptr};
    const bool difference = o.figure == "difference" || !o.differenceNpy.empty() || !o.differenceCsv.empty();
    if (difference && !other)
        return log.fail({ErrorCode::InvalidArgument,
                         "a difference needs a second run; name one with --against",
                         o.trace,
                         {},
                         {},
                         {}});
    Inspection inspection;
    if (o.figure == "attention" || o.figure == "heads" || o.figure == "divergence" || !o.attentionCsv.empty() ||
        !o.headsCsv.empty() || !o.divergenceCsv.empty()) {
        auto found = inspectRun(run, o, log);
        if (!found) return log.fail(found.error());
        inspection = std::move(*found);
        input.probe = &inspection.probe;
        input.curve = &inspection.curve;
    }

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
    const auto packed = [&](const char* what, const std::string& path, auto make) {
        if (maskNpyBytes(*run) >= kLargeMask) log.info(path + ": a mask of " + mebibytes(maskNpyBytes(*run)));
        const Status ok = make(*run, path, progressOn(log, what));
        log.endProgress();
        return ok;
    };
    using Make = Status (*)(const RunData&, const std::string&, const ProgressFn&);
    write(o.npy, [&] { return packed("writing the mask", o.npy, Make(exportMaskNpy)); });
    write(o.npz, [&] { return packed("packing the mask", o.npz, Make(exportMaskNpz)); });
    write(o.csv, [&] { return exportSpansCsv(*run, o.csv); });
    write(o.segmentsCsv, [&] { return exportSegmentsCsv(*run, o.segmentsCsv); });
    write(o.json, [&] { return exportIntervalsJson(*run, o.json); });
    write(o.markdown, [&] { return exportTranscriptMarkdown(*run, o.markdown); });

    write(o.differenceNpy, [&] { return exportDifferenceNpy(*run, *other, o.differenceNpy); });
    write(o.differenceCsv, [&] { return exportDifferenceCsv(*run, *other, o.differenceCsv); });
    write(o.attentionCsv, [&] { return exportAttentionCsv(*run, inspection.probe, o.attentionCsv); });
    write(o.headsCsv, [&] { return exportHeadsCsv(inspection.probe, o.headsCsv); });
    write(o.divergenceCsv, [&] { return exportDivergenceCsv(*run, inspection.curve, o.divergenceCsv); });

    FigureExport figures(o);
    write(o.png, [&] { return figures.write(input, o.png, FigureExport::Kind::Png); });
    write(o.svg, [&] { return figures.write(input, o.svg, FigureExport::Kind::Svg); });
    write(o.pdf, [&] { return figures.write(input, o.pdf, FigureExport::Kind::Pdf); });
    write(o.html, [&] { return exportHtml(*run, other.get(), figures.pngBytes(*run), o.html); });
    if (exitCode == kOk && nWritten == 0)
        return log.fail({ErrorCode::InvalidArgument,
                         "nothing to export was asked for; see spanscope-cli export --help",
                         {},
                         {},
                         {},
                         {}});
    return exitCode;
}

}  // namespace spanscope::cli
