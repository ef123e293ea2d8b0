#include "app/cli/stop_signal.h"
#include "app/cli/verbs.h"

namespace {

int dispatch(const spanscope::cli::Options& options, const spanscope::cli::Log& log) {
    using namespace spanscope::cli;
    switch (options.verb) {
        case Verb::Dataset: return datasetVerb(options.dataset, log);
        default: break;
    }
    log.error("this verb is not part of this build");
    return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace spanscope::cli;
    Options options;
    if (const auto exitCode = parseOptions(argc, argv, options)) return *exitCode;
    installStopSignal();
    const Log log(options.quiet ? Log::Level::Quiet : options.verbose ? Log::Level::Verbose : Log::Level::Normal);
    return dispatch(options, log);
}
