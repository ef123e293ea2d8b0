// whatif: the time of a step under other conditions, from a recorded run: pages, context, batch, memory, type of the KV
// cache. The numbers of the window's panel.
#include <algorithm>

#include "app/cli/chosen_run.h"
#include "app/cli/exit_codes.h"
#include "app/cli/run_json.h"
#include "app/cli/terminal.h"
#include "app/cli/verbs.h"
#include "engine/files/decimal.h"
#include "engine/trace/trace.h"
#include "engine/types/step_cost.h"
#include "engine/types/throughput_series.h"
#include "kernels/bandwidth.h"

namespace spanscope::cli {

namespace {

using Json = nlohmann::ordered_json;

Json timeJson(const StepTime& t) {
    return {{"loaded_tokens", t.loadedTokens}, {"weight_bytes", t.weightBytes},
            {"kv_bytes", t.kvBytes},           {"weight_ms", t.weightNs / 1e6},
            {"kv_ms", t.kvNs / 1e6},           {"fixed_ms", t.fixedNs / 1e6},
            {"step_ms", t.ns() / 1e6},         {"tokens_per_second", t.tokensPerS()}};
}

Json measuredJson(const char* attention, const std::vector<MeasuredStep>& steps) {
    Json list = Json::array();
    for (const MeasuredStep& m : steps)
        list.push_back({{"attention", attention},
                        {"context_tokens", m.context},
                        {"loaded_tokens", m.loaded},
                        {"step_ms", m.ns / 1e6},
                        {"steps", m.nSteps}});
    return list;
}

const char* kvTypeText(int32_t valueBytes) { return valueBytes == 4 ? "F32" : "16 bits"; }

struct Row {
    int32_t context = 0;
    WhatIf how;
    CostComparison cost;
};

void printRows(const RunCost& cost, const std::vector<Row>& rows) {
    const WhatIf& how = rows.front().how;
    printFormat("pages of %d tokens, KV cache of %s, %s GB/s and %s us fixed; spans %s\n", how.pageTokens,
                kvTypeText(how.valueBytes), threeDigits(how.gbPerS).c_str(), threeDigits(how.fixedUs).c_str(),
                how.scaling == SpanScaling::Share ? "the same share of any context" : "as long in any context");
    if (cost.rate.nSteps > 0) printFormat("this run: %s\n", cost.rate.text().c_str());
    printFormat("%9s %6s %12s %12s %12s %9s %9s\n", "context", "batch", "dense ms", "spans ms", "nothing ms",
                "speed-up", "at most");
    for (const Row& r : rows)
        printFormat("%9d %6d %12s %12s %12s %9s %9s\n", r.context, r.how.batch,
                    threeDigits(r.cost.dense.ns() / 1e6).c_str(), threeDigits(r.cost.spans.ns() / 1e6).c_str(),
                    threeDigits(r.cost.nothing.ns() / 1e6).c_str(), threeDigits(r.cost.speedUp()).c_str(),
                    threeDigits(r.cost.ceiling()).c_str());
    print(rows.back().cost.sentence() + "\n");
    for (const auto& [name, steps] : {std::pair{"dense", &cost.dense}, {"spans", &cost.spans}})
        if (!steps->empty())
            printFormat("measured, %s: %s ms a step at %s tokens of context, %s ms at %s\n", name,
                        threeDigits(steps->front().ns / 1e6).c_str(), decimal(steps->front().context, 0).c_str(),
                        threeDigits(steps->back().ns / 1e6).c_str(), decimal(steps->back().context, 0).c_str());
}

}  // namespace

int whatIfVerb(const WhatIfOptions& o, const Log& log) {
    auto file = readTrace(o.trace);
    if (!file) return log.fail(file.error());
    if (!file->damage.empty()) log.info(o.trace + ": damaged: " + file->damage);
    const SharedRun run = chosenRun(*file, o.run);
    if (!run)
        return log.fail({ErrorCode::NotFound, "the trace has no such run", o.trace, "--run", std::to_string(o.run),
                         std::to_string(file->runs.size()) + " runs"});
    const SharedRun dense = denseTwin(*file, run);
    const RunCost cost = runCost(run.get(), dense.get());
    if (!cost.known()) {
        Error e = untoldBytes();
        e.file = o.trace;
        return log.fail(e);
    }
    WhatIf asked = o.how;
    if (o.measure) {
        asked.gbPerS = ReadProbe(0).measureGBps();
        if (!(asked.gbPerS > 0))
            return log.fail({ErrorCode::OutOfMemory, "no memory to measure with", {}, "--measure"});
    }
    std::vector<Row> rows;
    SpanLoad spans;
    for (const int32_t context : o.contexts.empty() ? std::vector<int32_t>{0} : o.contexts)
        for (const int32_t batch : o.batches.empty() ? std::vector<int32_t>{0} : o.batches) {
            asked.context = context;
            asked.batch = batch;
            const WhatIf how = cost.resolved(asked);
            if (spans.pageTokens == 0) spans = spanLoad(*run, how.pageTokens);
            rows.push_back({how.context, how, compareCost(cost.bytes, spans, how, how.context)});
        }
    if (!o.json) {
        printRows(cost, rows);
        return kOk;
    }
    const WhatIf& how = rows.front().how;
    Json list = Json::array();
    for (const Row& r : rows)
        list.push_back({{"context_tokens", r.context},
                        {"batch", r.how.batch},
                        {"dense", timeJson(r.cost.dense)},
                        {"spans", timeJson(r.cost.spans)},
                        {"nothing", timeJson(r.cost.nothing)},
                        {"speed_up", r.cost.speedUp()},
                        {"ceiling", r.cost.ceiling()},
                        {"sentence", r.cost.sentence()}});
    Json measured = measuredJson("dense", cost.dense);
    for (Json& row : measuredJson("spans", cost.spans)) measured.push_back(std::move(row));
    printJson({{"page_tokens", how.pageTokens},
               {"kv_value_bytes", how.valueBytes},
               {"gb_per_second", how.gbPerS},
               {"fixed_us", how.fixedUs},
               {"spans", how.scaling == SpanScaling::Share ? "share" : "tokens"},
               {"weight_bytes_per_step", cost.bytes.weightBytes},
               {"kv_values_per_token", cost.bytes.kvValuesPerToken},
               {"run",
                {{"gb_per_second", cost.rate.gbPerS},
                 {"fixed_us", cost.rate.fixedUs},
                 {"steps", cost.rate.nSteps},
                 {"fitted", cost.rate.fitted}}},
               {"rows", std::move(list)},
               {"measured", std::move(measured)}});
    return kOk;
}

}  // namespace spanscope::cli
