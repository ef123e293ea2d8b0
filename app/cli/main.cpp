#include <unistd.h>

#include <cstdio>
#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "app/cli/stop_signal.h"
#include "app/cli/verbs.h"
#include "engine/files/output_file.h"
#include "engine/model/mapped_file_guard.h"

namespace {

int dispatch(const spanscope::cli::Options& options, const spanscope::cli::Log& log) {
    using namespace spanscope::cli;
    switch (options.verb) {
        case Verb::Run: return runVerb(options.run, log);
        case Verb::Chat: return chatVerb(options.chat, log);
        case Verb::Eval: return evalVerb(options.eval, log);
        case Verb::Dataset: return datasetVerb(options.dataset, log);
        case Verb::Export: return exportVerb(options.exports, log);
        case Verb::Info: return infoVerb(options.info, log);
        case Verb::Bench: return benchVerb(options.bench, log);
        case Verb::Leak: return leakVerb(options.leak, log);
        case Verb::Diff: return diffVerb(options.diff, log);
        case Verb::WhatIf: return whatIfVerb(options.whatIf, log);
        case Verb::None: break;
    }
    return kUsage;
}

/// Out of memory is an exit code and a sentence, not a crash; so is a thread that the system does not give.
template <class Work>
int withinMemory(const spanscope::cli::Log& log, const Work& work) {
    using namespace spanscope::cli;
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return log.fail(noMemory());
    } catch (const std::length_error&) {  // more than any machine could hold
        return log.fail(noMemory());
    } catch (const std::system_error& e) {
        return log.fail({spanscope::ErrorCode::OutOfMemory,
                         std::string("a thread cannot be started: ") + e.what(),
                         {},
                         {},
                         {},
                         "fewer with -t"});
    }
}

/// The same in a thread of a library or of the engine, where nobody catches it.
[[noreturn]] void onTerminate() {
    try {
        if (std::exception_ptr thrown = std::current_exception()) std::rethrow_exception(thrown);
    } catch (const std::bad_alloc&) {
        static constexpr char kText[] = "spanscope-cli: there is not enough memory for this\n";
        if (write(STDERR_FILENO, kText, sizeof kText - 1) < 0) _exit(spanscope::cli::kOutOfMemory);
        spanscope::OutputFile::removeUnfinished();
        _exit(spanscope::cli::kOutOfMemory);
    } catch (...) {}
    std::abort();
}

}  // namespace

int main(int argc, char** argv) {
    using namespace spanscope::cli;
    std::set_terminate(onTerminate);
    Options options;
    std::optional<int> ended;
    if (const int code = withinMemory(Log(), [&] { return (ended = parseOptions(argc, argv, options)).value_or(kOk); });
        ended || code != kOk)
        return code;
    installStopSignal();
    spanscope::guardMappedFiles("spanscope-cli", kLoadFailure);
    const Log log(options.quiet ? Log::Level::Quiet : options.verbose ? Log::Level::Verbose : Log::Level::Normal);
    const int exitCode = withinMemory(log, [&] { return dispatch(options, log); });
    // A full disk or a closed pipe shows when the last bytes leave.
    const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
    if (!written && exitCode == kOk)
        return log.fail({spanscope::ErrorCode::Io, "cannot be written", "stdout", {}, {}, {}});
    return exitCode;
}
