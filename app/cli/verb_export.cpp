// export: what a recorded run can become. Data exports are the engine's, figures the window's own code (figures.h), so
// that both programs write the same bytes.
#include <algorithm>
#include <filesystem>

#include "app/cli/chosen_run.h"
#include "app/cli/figures.h"
#include "app/cli/locate.h"
#include "app/cli/model_setup.h"
#include "app/cli/verbs.h"
#include "engine/decode/inspect.h"
#include "engine/files/output_file.h"
#include "engine/trace/exports/exports.h"
#include "engine/trace/trace.h"

namespace spanscope::cli {

namespace {

constexpr uint64_t kLargeFile = uint64_t{1} << 30;  ///< whose size is said

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

/// A figure's error names what it was for; one of the module names the module.
Error withFile(Error error, const std::string& path) {
    if (error.file.empty()) error.file = path;
    return error;
}

/// Every figure that the source has, and what they show, how the run was made and how they are made again.
Status writeAllFigures(Figures& figures, const ExportOptions& o, const ExportSource& source, const Log& log) {
    std::error_code failed;
    std::filesystem::create_directories(o.allFigures, failed);
    if (failed) return Error{ErrorCode::Io, "the folder cannot be made: " + failed.message(), o.allFigures};
    FigureOptions drawing = o.drawing;
    drawing.title.clear();  // of one figure
    drawing.caption.clear();
    const PictureFormat format = *pictureNamed(o.format);
    std::vector<FigureFile> written;
    for (const FigureInfo& info : kFigures) {
        if (!hasWhatIsNeeded(source, info.needs)) continue;
        const std::string name = std::string(info.name) + "." + o.format;
        const std::string path = (std::filesystem::path(o.allFigures) / name).string();
        const auto bytes = figures.draw(info.kind, format, source, drawing);
        if (!bytes && bytes.error().code == ErrorCode::InvalidArgument) continue;  // nothing to draw
        if (!bytes) return withFile(bytes.error(), path);
        if (const Status done = writeFile(path, *bytes); !done) return done;
        written.push_back({info.kind, name});
        log.detail(path);
    }
    const std::string path = (std::filesystem::path(o.allFigures) / "captions.md").string();
    log.detail(path);
    return writeFile(path, figures.captions(written, format, source, drawing, o.trace, o.allFigures));
}

/// Of every file that is asked for; a picture stands for its figure.
std::vector<ExportNeeds> neededFor(const ExportOptions& o) {
    std::vector<ExportNeeds> needs;
    for (size_t i = 0; i < o.data.size(); ++i)
        if (!o.data[i].empty()) needs.push_back(dataExports()[i].needs);
    for (const std::string& path : o.pictures)
        if (!path.empty()) needs.push_back(figureInfo(*figureNamed(o.figure)).needs);
    return needs;
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
    for (const auto& [option, step] : {std::pair{"--first-step", o.drawing.firstStep}, std::pair{"--step", o.step}})
        if (step > 0 && step >= nSteps)
            return log.fail({ErrorCode::InvalidArgument, "the run has no such step", o.trace, option,
                             std::to_string(step), "0 to " + std::to_string(nSteps - 1)});
    if (o.drawing.lastStep >= 0 && o.drawing.lastStep < o.drawing.firstStep)
        return log.fail({ErrorCode::InvalidArgument,
                         "lies before --first-step",
                         {},
                         "--last-step",
                         std::to_string(o.drawing.lastStep),
                         std::to_string(o.drawing.firstStep) + " or more"});
    if (o.drawing.lastPosition >= 0 && o.drawing.lastPosition < o.drawing.firstPosition)
        return log.fail({ErrorCode::InvalidArgument,
                         "lies before --first-position",
                         {},
                         "--last-position",
                         std::to_string(o.drawing.lastPosition),
                         std::to_string(o.drawing.firstPosition) + " or more"});
    SharedRun other = denseTwin(*file, run);  // a comparison belongs to the same prompt only
    if (!o.against.empty()) {
        auto against = readTrace(o.against);
        if (!against) return log.fail(against.error());
        other = chosenRun(*against, -1);
        if (!other) return log.fail({ErrorCode::NotFound, "the trace has no run", o.against, "--against"});
    }
    ExportSource source{run.get(), other.get(), nullptr, nullptr, o.step, o.whatIf};
    const std::vector<ExportNeeds> needs = neededFor(o);
    const auto needed = [&needs](ExportNeeds what) {
        return std::find(needs.begin(), needs.end(), what) != needs.end();
    };
    if (needs.empty() && o.allFigures.empty())
        return log.fail({ErrorCode::InvalidArgument,
                         "nothing to export was asked for; see spanscope-cli export --help",
                         {},
                         {},
                         {},
                         {}});
    if (needed(ExportNeeds::Other) && !other)
        return log.fail({ErrorCode::InvalidArgument,
                         "a difference needs a second run; name one with --against",
                         o.trace,
                         {},
                         {},
                         {}});
    Figures figures;
    const auto isAskedFor = [](const std::string& path) { return !path.empty(); };
    if (!o.allFigures.empty() ||
        std::any_of(o.pictures.begin(), o.pictures.end(), isAskedFor))  // before a replay that would be for nothing
        if (const Status opened = figures.open(); !opened) return log.fail(opened.error());
    Inspection inspection;
    const bool mustReplay = needed(ExportNeeds::Probe) || needed(ExportNeeds::Curve);
    if (mustReplay || !o.allFigures.empty()) {
        auto found = inspectRun(run, o, log);
        if (!found && mustReplay) return log.fail(found.error());
        if (found) {
            inspection = std::move(*found);
            source.probe = &inspection.probe;
            source.curve = &inspection.curve;
        } else {  // of all figures those without a replay
            log.info("without the figures that need a replay: " + found.error().toString());
        }
    }

    ExportTools tools;
    tools.maskPng = [&](const RunData& r) {
        const auto png = figures.draw(FigureKind::Mask, PictureFormat::Png, {&r}, o.drawing);
        return png ? *png : std::string();
    };
    for (size_t i = 0; i < o.data.size(); ++i) {
        const std::string& path = o.data[i];
        if (path.empty()) continue;
        tools.progress = progressOn(log, "writing " + path);
        tools.onSize = [&](uint64_t nBytes) {
            if (nBytes >= kLargeFile) log.info(path + ": a mask of " + mebibytes(nBytes));
        };
        const Status written = dataExports()[i].write(source, path, tools);
        log.endProgress();
        if (!written) return log.fail(written.error());
        log.detail(path);
    }
    for (size_t i = 0; i < o.pictures.size(); ++i) {
        const std::string& path = o.pictures[i];
        if (path.empty()) continue;
        const auto bytes = figures.draw(*figureNamed(o.figure), kPictures[i].format, source, o.drawing);
        if (!bytes) return log.fail(withFile(bytes.error(), path));
        if (const Status written = writeFile(path, *bytes); !written) return log.fail(written.error());
        log.detail(path);
    }
    if (!o.allFigures.empty())
        if (const Status written = writeAllFigures(figures, o, source, log); !written) return log.fail(written.error());
    return kOk;
}

}  // namespace spanscope::cli
