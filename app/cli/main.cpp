#include <cstdio>

#include "app/cli/stop_signal.h"
#include "app/cli/verbs.h"
#include "engine/model/mapped_file_guard.h"

namespace {

int dispatch(const spanscope::cli::Options& options, const spanscope::cli::Log& log) {
    using namespace spanscope::cli;
    switch (options.verb) {
        case Verb::Run: return runVerb(options.run, log);
        case Verb::Eval: return evalVerb(options.eval, log);
        case Verb::Dataset: return datasetVerb(options.dataset, log);
        case Verb::Export: return exportVerb(options.exports, log);
        case Verb::Info: return infoVerb(options.info, log);
        case Verb::Bench: return benchVerb(options.bench, log);
        case Verb::Diff: return diffVerb(options.diff, log);
        case Verb::None: break;
    }
    return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace spanscope::cli;
    Options options;
    if (const auto exitCode = parseOptions(argc, argv, options)) return *exitCode;
    installStopSignal();
    spanscope::guardMappedFiles("spanscope-cli", kLoadFailure);
    const Log log(options.quiet ? Log::Level::Quiet : options.verbose ? Log::Level::Verbose : Log::Level::Normal);
    const int exitCode = dispatch(options, log);
    // A full disk or a closed pipe shows when the last bytes leave.
    const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
    if (!written && exitCode == kOk) return log.fail({spanscope::ErrorCode::Io, "cannot be written", "stdout", {}, {}, {}});
    return exitCode;
}
