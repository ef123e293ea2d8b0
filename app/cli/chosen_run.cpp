#include "app/cli/chosen_run.h"

namespace spanscope::cli {

namespace {
SharedRun firstWith(const TraceFile& file, const MaskPolicySpec& attention, const SharedRun& notThis) {
    for (const auto& run : file.runs) {
        if (run != notThis && run->header.settings.attention == attention) return run;
    }
    return nullptr;
}
}  // namespace

SharedRun chosenRun(const TraceFile& file, int64_t index) {
    if (index >= 0)
        return static_cast<size_t>(index) < file.runs.size() ? SharedRun(file.runs[static_cast<size_t>(index)])
                                                             : nullptr;
    if (SharedRun declared = firstWith(file, MaskPolicySpec::declared(), nullptr)) return declared;
    return file.runs.empty() ? nullptr : SharedRun(file.runs.front());
}

SharedRun denseTwin(const TraceFile& file, const SharedRun& run) {
    SharedRun other = firstWith(file, MaskPolicySpec::dense(), run);
    if (other && other->header.formattedPrompt != run->header.formattedPrompt) other = nullptr;
    return other;
}

}  // namespace spanscope::cli
