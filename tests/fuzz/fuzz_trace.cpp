// A recorded run: read, count what it says, write it again.
#include "engine/trace/trace.h"
#include "tests/fuzz/fuzz.h"

using namespace spanscope;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const fuzz::MemoryFile file(data, size);
    const auto trace = readTrace(file.path());
    if (!trace) {
        fuzz::checkError(trace.error());
        return 0;
    }
    for (const auto& run : trace->runs) {
        fuzz::require(run != nullptr);
        for (const StepRecord& step : run->steps) {
            fuzz::require(step.visible != nullptr);
            fuzz::keep(static_cast<uint64_t>(attendedTokens(*step.visible, step.position)));
            fuzz::require(step.segment >= -1 && step.segment < static_cast<int32_t>(run->segments.size()));
        }
        for (const Segment& segment : run->segments)
            for (const SpanRef& ref : segment.refs)
                fuzz::require(ref.segment >= -1 && ref.segment < static_cast<int32_t>(run->segments.size()));
    }
    return 0;
}
