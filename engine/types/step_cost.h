// What a decode step reads, and how long that takes by its bytes alone: weights once for all sequences, keys and values
// of the pages loaded for each of them, over a rate of memory, and a fixed part. The one rule behind the panel What if,
// its figure and its table, `spanscope-cli whatif` and the exports. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/types/layer_windows.h"
#include "engine/types/records.h"
#include "engine/types/result.h"

namespace spanscope {

inline constexpr int32_t kMostPageTokens = 4096, kMostCostContext = 1 << 22, kMostCostBatch = 4096;
inline constexpr double kLeastGBPerS = 0.1, kMostGBPerS = 1e6, kMostFixedUs = 1e7;

/// Bytes of one value of a KV cache of that type: "F32", "F16", "BF16"; 0 for any other name.
int32_t kvValueBytes(const std::string& kvType);

/// What of a model the bytes of a step follow from.
struct StepBytes {
    int64_t weightBytes = 0;       ///< read by every step, once however many sequences it decodes
    int64_t kvValuesPerToken = 0;  ///< keys and values of one token, all layers
    LayerWindows windows;          ///< empty: every layer reads the whole list
    bool known() const { return weightBytes > 0 && kvValuesPerToken > 0; }
};

/// Of the model that made a run; not known() where the recording does not tell.
StepBytes stepBytesOf(const RunData& run);

/// How the spans of a run are thought on to a context of another length.
enum class SpanScaling : uint8_t {
    Share,   ///< they stay the same share of it: more spans of the same kind, in as many pages a token
    Tokens,  ///< they stay as many tokens, however long it is; at most all of it
};

/// Under which conditions a step is predicted. A 0, and a negative fixedUs, stand for what the run had (RunCost).
struct WhatIf {
    int32_t pageTokens = 0;  ///< of a page of the KV cache, 1 .. kMostPageTokens
    int32_t context = 0;     ///< tokens that a dense step may read, its own among them
    int32_t batch = 0;       ///< sequences decoded together, each with a cache of its own
    double gbPerS = 0;       ///< of memory, 1e9 bytes
    double fixedUs = -1;     ///< of a step, whatever it reads: launches, sampling, arithmetic that hides behind no read
    int32_t valueBytes = 0;  ///< of a value of the KV cache: 4 or 2
    SpanScaling scaling = SpanScaling::Share;
    /// For exports of a run that does not tell: of the same model, with the type of its KV cache.
    StepBytes bytes{};
    std::string kvType{};
};

/// One predicted step, of all its sequences together.
struct StepTime {
    double loadedTokens = 0;  ///< of one sequence: whole pages, mean over layers
    double weightBytes = 0, kvBytes = 0;
    double weightNs = 0, kvNs = 0, fixedNs = 0;
    int32_t batch = 1;
    double ns() const { return weightNs + kvNs + fixedNs; }
    double tokensPerS() const { return ns() > 0 ? batch * 1e9 / ns() : 0; }
};

/// loadedTokens: of one sequence, mean over layers. how: every value given.
StepTime stepTime(const StepBytes& bytes, double loadedTokens, const WhatIf& how);

/// What the spans of a run load in whole pages of some size: means over its steps, for each kind of layer.
struct SpanLoad {
    struct Kind {
        LayerWindow layers;
        double loaded = 0;
    };
    std::vector<Kind> kinds;
    double causal = 0;  ///< what the same steps may read
    int32_t pageTokens = 0;
    int32_t nSteps = 0;  ///< 0: there are none
};
/// Over all steps, or evenly chosen ones where these are more than 4,096 or have more than four million intervals.
SpanLoad spanLoad(const RunData& run, int32_t pageTokens);

/// Tokens loaded by a dense step: mean over layers.
double denseLoad(const LayerWindows& windows, int32_t context, int32_t pageTokens);
/// Tokens loaded by a step with such spans in a context of that length: mean over layers, in each at most the dense
/// ones.
double scaledLoad(const SpanLoad& spans, int32_t context, SpanScaling scaling);

/// The median step of a stretch of a run.
struct MeasuredStep {
    double context = 0, loaded = 0;  ///< means over the stretch
    double ns = 0;
    int32_t nSteps = 0;
};
/// At most `most` stretches of at least eight steps; none of a lossless run, whose steps share passes.
std::vector<MeasuredStep> measuredSteps(const RunData& run, int32_t most);

/// A rate of memory and a fixed part that a run's own step times speak for.
struct RunRate {
    double gbPerS = 0, fixedUs = 0;  ///< 0: nothing was measured
    int32_t nSteps = 0;
    bool fitted = false;       ///< both from a straight line over the bytes; else the one rate that fits best
    std::string text() const;  ///< "32.1 GB/s and 204 us fixed, a line through 812 steps"
};
/// measured: of runs of the same model on the same machine; medians, so that what else took the machine moves little.
RunRate runRate(const StepBytes& bytes, double kvBytesPerToken, const std::vector<MeasuredStep>& measured);

/// What predictions take from a run, computed once.
struct RunCost {
    StepBytes bytes{};
    RunRate rate;
    int32_t valueBytes = 0;
    int32_t context = 0;                          ///< of the longest step
    std::vector<MeasuredStep> spans, dense;       ///< dense: of maybeDense, or of the run where it is dense itself
    bool isDense = false;                         ///< the run named no spans
    bool known() const { return bytes.known(); }  ///< else nothing can be predicted
    /// Every value given, within its bounds.
    WhatIf resolved(WhatIf asked) const;
};
/// maybeRun null, or without steps: of a model alone. otherwise, kvType: the model's, where the run does not tell.
RunCost runCost(const RunData* maybeRun, const RunData* maybeDense, const StepBytes& otherwise = {},
                const std::string& kvType = {});

/// Why nothing can be predicted of a recording.
Error untoldBytes();

/// Dense, spans and nothing of the context read, under the same conditions.
struct CostComparison {
    StepTime dense, spans, nothing;
    bool hasSpans = false;
    double speedUp() const { return hasSpans ? dense.ns() / spans.ns() : 1; }
    double ceiling() const { return dense.ns() / nothing.ns(); }
    /// "Weights are 87% of what a dense step reads here, so even reading nothing of the context gives at most 1.15×;
    /// ..."
    std::string sentence() const;
};
/// how: resolved. spans: of how.pageTokens; with nSteps 0 there are none.
CostComparison compareCost(const StepBytes& bytes, const SpanLoad& spans, const WhatIf& how, int32_t context);

/// Context lengths of a curve up to `most`, evenly, the last one included.
std::vector<int32_t> curveContexts(int32_t most);
/// So far a curve goes: beyond what was asked and what was measured.
int32_t curveEnd(const RunCost& cost, const WhatIf& how);

/// A line of the table: what is predicted for a context, or what was measured there.
struct CostRow {
    const char* attention = "";  ///< "dense", "spans", "nothing"
    bool measured = false;
    double context = 0;
    StepTime time{};  ///< of a measured one the loaded tokens only
    double measuredNs = 0;
    double ns() const { return measured ? measuredNs : time.ns(); }
    double tokensPerS() const { return measured ? 1e9 / measuredNs : time.tokensPerS(); }
};
/// Along the curve, how.context among it, then what was measured.
std::vector<CostRow> costRows(const RunCost& cost, const SpanLoad& spans, const WhatIf& how);

/// costRows() as kind,attention,context_tokens,loaded_tokens,weight_bytes,kv_bytes,weight_ms,kv_ms,fixed_ms,step_ms,
/// tokens_per_s ('.' decimals; what was not measured is empty).
std::string costCsv(const RunCost& cost, const SpanLoad& spans, const WhatIf& how);

/// Memory whose rate is known.
struct MemoryRate {
    const char *id, *name;
    double gbPerS;
    const char* source;  ///< where the number is from
};
const std::vector<MemoryRate>& memoryRates();

}  // namespace spanscope
