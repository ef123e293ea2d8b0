#include "engine/types/step_cost.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/files/decimal.h"
#include "engine/types/throughput_series.h"

namespace spanscope {

namespace {

constexpr size_t kMostSteps = 4096, kMostIntervals = size_t{4} << 20;
constexpr int32_t kLeastStretch = 8, kCurvePoints = 64, kShortestCurve = 256;

double toNs(double bytes, double gbPerS) { return bytes / gbPerS; }  // 1e9 bytes a second is a byte a nanosecond

/// Every layer reads the whole list where there are no windows.
LayerWindows kindsOf(const LayerWindows& windows) { return windows.empty() ? LayerWindows{{0, 1}} : windows; }

double meanOverLayers(const LayerWindows& windows, const auto& loadedIn) {
    double tokens = 0, nLayers = 0;
    for (const LayerWindow& kind : kindsOf(windows)) {
        tokens += kind.nLayers * loadedIn(kind.window);
        nLayers += kind.nLayers;
    }
    return nLayers > 0 ? tokens / nLayers : 0;
}

int32_t denseLoadIn(int32_t window, int32_t context, int32_t pageTokens) {
    const Interval all{0, kOpenEnd};
    return loadedTokens(&all, 1, context - 1, window, pageTokens);
}

double median(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

std::string percent(double share) { return threeDigits(100 * share) + "%"; }

}  // namespace

int32_t kvValueBytes(const std::string& kvType) {
    return kvType == "F32" ? 4 : kvType == "F16" || kvType == "BF16" ? 2 : 0;
}

StepBytes stepBytesOf(const RunData& run) {
    const int32_t each = kvValueBytes(run.header.kvType);
    return {run.header.weightBytesPerStep, each > 0 ? run.stats.kvBytesPerToken / each : 0, run.header.layerWindows};
}

StepTime stepTime(const StepBytes& bytes, double loadedTokens, const WhatIf& how) {
    StepTime time;
    time.batch = how.batch;
    time.loadedTokens = loadedTokens;
    time.weightBytes = static_cast<double>(bytes.weightBytes);
    time.kvBytes = how.batch * loadedTokens * static_cast<double>(bytes.kvValuesPerToken) * how.valueBytes;
    time.weightNs = toNs(time.weightBytes, how.gbPerS);
    time.kvNs = toNs(time.kvBytes, how.gbPerS);
    time.fixedNs = 1e3 * how.fixedUs;
    return time;
}

SpanLoad spanLoad(const RunData& run, int32_t pageTokens) {
    SpanLoad load;
    load.pageTokens = pageTokens;
    for (const LayerWindow& kind : kindsOf(run.header.layerWindows)) load.kinds.push_back({kind, 0});
    size_t nIntervals = 0;
    for (const StepRecord& step : run.steps) nIntervals += step.visible ? step.visible->size() : 0;
    const size_t stride = 1 + std::max(run.steps.size() / kMostSteps, nIntervals / kMostIntervals);
    for (size_t i = 0; i < run.steps.size(); i += stride) {
        const StepRecord& step = run.steps[i];
        if (!step.visible) continue;
        for (SpanLoad::Kind& kind : load.kinds)
            kind.loaded += loadedTokens(step.visible->data(), static_cast<int32_t>(step.visible->size()), step.position,
                                        kind.layers.window, pageTokens);
        load.causal += step.position + 1;
        ++load.nSteps;
    }
    if (load.nSteps == 0) return load;
    for (SpanLoad::Kind& kind : load.kinds) kind.loaded /= load.nSteps;
    load.causal /= load.nSteps;
    return load;
}

double denseLoad(const LayerWindows& windows, int32_t context, int32_t pageTokens) {
    return meanOverLayers(windows, [&](int32_t window) { return denseLoadIn(window, context, pageTokens); });
}

double scaledLoad(const SpanLoad& spans, int32_t context, SpanScaling scaling) {
    double tokens = 0, nLayers = 0;
    for (const SpanLoad::Kind& kind : spans.kinds) {
        const double wanted = scaling == SpanScaling::Share ? kind.loaded / spans.causal * context : kind.loaded;
        const double most = denseLoadIn(kind.layers.window, context, spans.pageTokens);
        tokens += kind.layers.nLayers * std::min(wanted, most);
        nLayers += kind.layers.nLayers;
    }
    return nLayers > 0 ? tokens / nLayers : 0;
}

std::vector<MeasuredStep> measuredSteps(const RunData& run, int32_t most) {
    std::vector<MeasuredStep> measured;
    const auto n = static_cast<int64_t>(run.steps.size());
    if (n == 0 || most < 1 || run.stats.draft.passes > 0) return measured;
    const int64_t nStretches = std::clamp<int64_t>(n / kLeastStretch, 1, most);
    std::vector<double> times;
    for (int64_t k = 0; k < nStretches; ++k) {
        MeasuredStep m;
        times.clear();
        for (int64_t i = n * k / nStretches; i < n * (k + 1) / nStretches; ++i) {
            const StepRecord& step = run.steps[static_cast<size_t>(i)];
            if (step.wallNs <= 0) continue;
            times.push_back(static_cast<double>(step.wallNs));
            m.context += step.causal;
            m.loaded += step.loaded;
        }
        if (times.empty()) continue;
        m.nSteps = static_cast<int32_t>(times.size());
        m.context /= m.nSteps;
        m.loaded /= m.nSteps;
        m.ns = median(times);
        measured.push_back(m);
    }
    return measured;
}

std::string RunRate::text() const {
    if (nSteps == 0) return {};
    const std::string rate = threeDigits(gbPerS) + " GB/s";
    const std::string steps = std::to_string(nSteps) + (nSteps == 1 ? " step" : " steps");
    return fitted ? rate + " and " + threeDigits(fixedUs) + " us fixed, a line through " + steps
                  : rate + ", bytes over time of " + steps;
}

RunRate runRate(const StepBytes& bytes, double kvBytesPerToken, const std::vector<MeasuredStep>& measured) {
    RunRate rate;
    if (!bytes.known() || measured.empty()) return rate;
    const auto weights = static_cast<double>(bytes.weightBytes);
    std::vector<LoadedAndNs> points;
    double squares = 0, products = 0;
    for (const MeasuredStep& m : measured) {
        const double read = weights + m.loaded * kvBytesPerToken;
        squares += read * read;
        products += read * m.ns;
        points.push_back({m.loaded, m.ns});
        rate.nSteps += m.nSteps;
    }
    const BytesModel line = fitLine(points);
    if (line.valid && line.nsPerToken > 3 * line.nsPerTokenError) {  // else the slope may be chance
        const double gbPerS = kvBytesPerToken / line.nsPerToken;
        const double fixedUs = (line.fixedNs - toNs(weights, gbPerS)) / 1e3;
        // Below zero keys and values took longer by the byte than weights: one rate for both says more.
        if (fixedUs >= 0 && gbPerS >= kLeastGBPerS && gbPerS <= kMostGBPerS)
            return {gbPerS, fixedUs, rate.nSteps, true};
    }
    rate.gbPerS = std::clamp(squares / products, kLeastGBPerS, kMostGBPerS);
    return rate;
}

RunCost runCost(const RunData* maybeRun, const RunData* maybeDense, const StepBytes& otherwise,
                const std::string& kvType) {
    constexpr int32_t kMostMarks = 48;
    RunCost cost;
    cost.bytes = otherwise;
    cost.valueBytes = kvValueBytes(kvType);
    if (!maybeRun || maybeRun->steps.empty()) return cost;
    const RunData& run = *maybeRun;
    if (const StepBytes own = stepBytesOf(run); own.known()) {
        cost.bytes = own;
        cost.valueBytes = kvValueBytes(run.header.kvType);
    }
    cost.isDense = run.header.settings.attention.isDense();
    cost.context = run.steps.back().causal;
    const RunData* dense = cost.isDense ? &run : maybeDense && !maybeDense->steps.empty() ? maybeDense : nullptr;
    if (dense) {
        cost.dense = measuredSteps(*dense, kMostMarks);
        cost.context = std::max(cost.context, dense->steps.back().causal);
    }
    if (!cost.isDense) cost.spans = measuredSteps(run, kMostMarks);
    std::vector<MeasuredStep> all = cost.dense;
    all.insert(all.end(), cost.spans.begin(), cost.spans.end());
    const auto perToken =
        run.stats.kvBytesPerToken > 0 ? run.stats.kvBytesPerToken : cost.bytes.kvValuesPerToken * cost.valueBytes;
    cost.rate = runRate(cost.bytes, static_cast<double>(perToken), all);
    return cost;
}

WhatIf RunCost::resolved(WhatIf asked) const {
    const auto given = [](auto& value, auto otherwise, auto least, auto most) {
        if (!(value > 0)) value = otherwise;
        value = std::clamp<std::remove_reference_t<decltype(value)>>(value, least, most);
    };
    given(asked.pageTokens, kPageTokens, 1, kMostPageTokens);
    given(asked.context, context > 0 ? context : 4096, 1, kMostCostContext);
    given(asked.batch, 1, 1, kMostCostBatch);
    // A rate that somebody names comes without the fixed part of another machine.
    if (!(asked.fixedUs >= 0)) asked.fixedUs = asked.gbPerS > 0 ? 0 : rate.fixedUs;
    asked.fixedUs = std::min(asked.fixedUs, kMostFixedUs);
    given(asked.gbPerS, rate.gbPerS > 0 ? rate.gbPerS : memoryRates().front().gbPerS, kLeastGBPerS, kMostGBPerS);
    if (asked.valueBytes != 2 && asked.valueBytes != 4) asked.valueBytes = valueBytes > 0 ? valueBytes : 2;
    return asked;
}

Error untoldBytes() {
    return {ErrorCode::InvalidArgument,
            "the recording does not tell how many bytes a step read; record the run again, or open its model",
            {},
            "model.weight_bytes_per_step, kv_type",
            {},
            {}};
}

CostComparison compareCost(const StepBytes& bytes, const SpanLoad& spans, const WhatIf& how, int32_t context) {
    CostComparison c;
    c.dense = stepTime(bytes, denseLoad(bytes.windows, context, how.pageTokens), how);
    c.nothing = stepTime(bytes, 0, how);
    c.hasSpans = spans.nSteps > 0;
    c.spans = c.hasSpans ? stepTime(bytes, scaledLoad(spans, context, how.scaling), how) : c.dense;
    return c;
}

std::string CostComparison::sentence() const {
    const double fixed = nothing.ns() / dense.ns();
    const bool onlyWeights = dense.fixedNs < 0.005 * dense.ns();
    std::string text;
    if (fixed >= 0.5)
        text = (onlyWeights ? "Weights are " + percent(fixed) + " of what a dense step reads here"
                            : "Weights and the fixed part are " + percent(fixed) + " of a dense step's time here") +
               ", so even reading nothing of the context gives at most ";
    else
        text = "Keys and values are " + percent(1 - fixed) +
               (onlyWeights ? " of what a dense step reads here" : " of a dense step's time here") +
               ", so there is something to save: reading nothing of the context would give ";
    text += threeDigits(ceiling()) + "\u00d7";
    if (!hasSpans || dense.loadedTokens <= 0) return text + ".";
    return text + "; these spans load " + percent(spans.loadedTokens / dense.loadedTokens) + " of it and give " +
           threeDigits(speedUp()) + "\u00d7.";
}

std::vector<int32_t> curveContexts(int32_t most) {
    std::vector<int32_t> contexts;
    const int64_t n = std::min(kCurvePoints, most);
    for (int64_t k = 1; k <= n; ++k) contexts.push_back(static_cast<int32_t>(most * k / n));
    return contexts;
}

int32_t curveEnd(const RunCost& cost, const WhatIf& how) {
    const int64_t most = std::max({how.context, cost.context, kShortestCurve});
    return static_cast<int32_t>(std::min<int64_t>(most + most / 5, kMostCostContext));
}

std::vector<CostRow> costRows(const RunCost& cost, const SpanLoad& spans, const WhatIf& how) {
    std::vector<CostRow> rows;
    std::vector<int32_t> contexts = curveContexts(curveEnd(cost, how));
    const auto at = std::lower_bound(contexts.begin(), contexts.end(), how.context);
    if (at == contexts.end() || *at != how.context) contexts.insert(at, how.context);
    for (const int32_t context : contexts) {
        const CostComparison c = compareCost(cost.bytes, spans, how, context);
        const auto tokens = static_cast<double>(context);
        rows.push_back({"dense", false, tokens, c.dense});
        if (c.hasSpans) rows.push_back({"spans", false, tokens, c.spans});
        rows.push_back({"nothing", false, tokens, c.nothing});
    }
    for (const auto& [attention, steps] : {std::pair{"dense", &cost.dense}, {"spans", &cost.spans}})
        for (const MeasuredStep& m : *steps) {
            rows.push_back({attention, true, m.context, {}, m.ns});
            rows.back().time.loadedTokens = m.loaded;
        }
    return rows;
}

std::string costCsv(const RunCost& cost, const SpanLoad& spans, const WhatIf& how) {
    std::string out =
        "kind,attention,context_tokens,loaded_tokens,weight_bytes,kv_bytes,weight_ms,kv_ms,fixed_ms,step_ms,"
        "tokens_per_s\n";
    for (const CostRow& row : costRows(cost, spans, how)) {
        const StepTime& t = row.time;
        out.append(row.measured ? "measured," : "predicted,").append(row.attention).append(",");
        out.append(decimal(row.context, row.measured ? 1 : 0)).append(",").append(decimal(t.loadedTokens, 2));
        for (const auto& [value, places] : {std::pair{t.weightBytes, 0},
                                            {t.kvBytes, 0},
                                            {t.weightNs / 1e6, 6},
                                            {t.kvNs / 1e6, 6},
                                            {t.fixedNs / 1e6, 6}})
            out.append(",").append(row.measured ? std::string() : decimal(value, places));
        out.append(",").append(decimal(row.ns() / 1e6, 6)).append(",");
        out.append(decimal(row.tokensPerS(), 3)).append("\n");
    }
    return out;
}

const std::vector<MemoryRate>& memoryRates() {
    static const std::vector<MemoryRate> rates{
        {"h200", "NVIDIA H200", 4800, "4.8 TB/s, NVIDIA H200 data sheet"},
        {"h100", "NVIDIA H100 SXM", 3350, "3.35 TB/s, NVIDIA H100 data sheet"},
        {"rtx4090", "NVIDIA RTX 4090", 1008, "384 bits at 21 Gbit/s a pin, NVIDIA Ada architecture white paper"},
        {"lpddr5x", "Laptop, LPDDR5X-8533, 128 bits", 136.5, "16 bytes at 8,533 MT/s, JEDEC JESD209-5C"},
        {"ddr5", "Laptop, DDR5-5600, two channels", 89.6, "2 channels of 8 bytes at 5,600 MT/s, JEDEC JESD79-5"},
        {"ddr4", "Desktop, DDR4-3200, two channels", 51.2, "2 channels of 8 bytes at 3,200 MT/s, JEDEC JESD79-4"},
    };
    return rates;
}

}  // namespace spanscope
