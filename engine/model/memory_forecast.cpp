// What a model will need, from its shape alone, against what the machine has left.
#include <algorithm>

#include "engine/model/model.h"
#include "engine/model/step_bytes.h"
#include "kernels/backends.h"
#include "kernels/process_limits.h"

namespace spanscope {

namespace {

/// At most kMostBytes, which no machine has, so that sums of three of them stay within 64 bits.
constexpr uint64_t kMostBytes = uint64_t{1} << 60;

uint64_t kvBytesFor(const ModelShape& shape, int64_t tokens, int32_t nSequences, DType kvType) {
    const int64_t paged = (tokens + kPageTokens - 1) / kPageTokens * kPageTokens;
    const int64_t perToken = kvBytesPerToken(shape, kvType);
    const double about = double(paged) * double(nSequences) * double(perToken);
    if (about > double(kMostBytes)) return kMostBytes;
    return static_cast<uint64_t>(paged * nSequences * perToken);
}

}  // namespace

MemoryForecast forecastMemory(const ModelShape& shape, uint64_t weightBytes, int32_t contextTokens, DType kvType,
                              int32_t nSequences) {
    MemoryForecast forecast;
    forecast.contextTokens = contextTokens > 0 ? contextTokens : shape.maxSeqLen;
    forecast.nSequences = std::max(1, nSequences);
    forecast.modelContext = shape.maxSeqLen;
    forecast.weightBytes = weightBytes;
    const auto kvBytes = [&](int64_t tokens) { return kvBytesFor(shape, tokens, forecast.nSequences, kvType); };
    const int32_t nThreads = usableThreads();
    const uint64_t copies = cpuCopiedBytes(weightBytes);
    const auto workspace = [&](int64_t tokens) {
        return copies + cpuWorkspaceBytes(shape, tokens * forecast.nSequences, nThreads);
    };
    forecast.kvBytes = kvBytes(forecast.contextTokens);
    forecast.workspaceBytes = workspace(forecast.contextTokens);
    forecast.freeBytes = freeMemoryBytes();
    // A context beyond the model's own may be asked for, but is nothing to advise.
    int64_t low = 0;  // in pages
    int64_t high = (int64_t{shape.maxSeqLen} + kPageTokens - 1) / kPageTokens;
    while (low < high) {
        const int64_t middle = (low + high + 1) / 2;
        const int64_t tokens = middle * kPageTokens;
        if (weightBytes + kvBytes(tokens) + workspace(tokens) <= forecast.freeBytes) low = middle;
        else high = middle - 1;
    }
    forecast.largestContext = static_cast<int32_t>(std::min<int64_t>(low * kPageTokens, shape.maxSeqLen));
    return forecast;
}

}  // namespace spanscope
