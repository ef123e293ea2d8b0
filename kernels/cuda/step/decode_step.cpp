// One decode step. The host writes one small item per row (and the intervals of a list that changed) into mapped
// memory, launches the bucket's captured graph, waits, and reads one token and its probability per row. What a step
// launches: enqueue_step.cpp.

#include <algorithm>
#include <chrono>

#include "kernels/checks.h"
#include "kernels/cuda/cuda_backend.h"

namespace spanscope::cuda {
namespace {

/// Does the list hold `position`? The last interval first: it is the one that grows.
bool holds(std::span<const Interval> list, int32_t position) {
    for (size_t i = list.size(); i-- > 0;) {
        if (position >= list[i].begin) return position < list[i].end;
    }
    return false;
}

int64_t nowNs() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace

Status CudaBackend::checkItems(std::span<const DecodeItem> items) {
    if (items.empty() || items.size() > static_cast<size_t>(m_options.maxBatch))
        return invalidArgument("rows of a decode step", std::to_string(items.size()),
                               "1 to " + std::to_string(m_options.maxBatch));
    for (size_t i = 0; i < items.size(); ++i) {
        const DecodeItem& item = items[i];
        Sequence* s = find(item.sequence);
        if (!s) return invalidArgument("unknown sequence", std::to_string(item.sequence.value));
        for (size_t j = 0; j < i; ++j)
            if (items[j].sequence == item.sequence)
                return invalidArgument("a sequence twice in one decode step", std::to_string(item.sequence.value));
        SPANSCOPE_TRY(checkTokens({&item.token, 1}, m_shape.vocab));
        if (item.position != s->stored)
            return invalidArgument("position of the next token", std::to_string(item.position),
                                   std::to_string(s->stored));
        if (item.position >= s->capacity)
            return invalidArgument("sequence is full", std::to_string(item.position + 1) + " tokens",
                                   "at most " + std::to_string(s->capacity));
        if (item.maskId == 0 || item.maskId != s->maskId) SPANSCOPE_TRY(checkIntervals(item.visible, "decode"));
    }
    return {};
}

Status CudaBackend::stageItem(const DecodeItem& item, Sequence& s, StepItem& out) {
    out = StepItem{};
    out.token = item.token;
    out.position = item.position;
    out.table = s.table;
    out.kept = s.kept;
    out.state = s.state;
    if (item.maskId != 0 && item.maskId == s.maskId && item.position == s.maskPosition + 1) {
        out.update = holds(item.visible, item.position) ? MaskUpdate::Extend : MaskUpdate::Keep;
    } else {
        Interval* to = m_intervals.host<Interval>() + m_nIntervalsUsed;
        int32_t n = 0;
        for (const Interval& v : item.visible) {
            const Interval c = clipToQuery(v, item.position);
            if (c.begin >= c.end) continue;
            if (n > 0 && to[n - 1].end == c.begin) to[n - 1].end = c.end;
            else to[n++] = c;
        }
        out.update = MaskUpdate::Rebuild;
        out.nIntervals = n;
        out.intervals = m_intervals.device<Interval>() + m_nIntervalsUsed;
        m_nIntervalsUsed += static_cast<size_t>(n);
    }
    s.maskId = item.maskId;
    s.maskPosition = item.position;
    return {};
}

Status CudaBackend::stageItems(std::span<const DecodeItem> items, int32_t bucket) {
    size_t nIntervals = 0;
    for (const DecodeItem& item : items) nIntervals += item.visible.size();
    if (nIntervals * sizeof(Interval) > m_intervals.nBytes())  // rare: longer lists than ever before
        SPANSCOPE_TRY(m_intervals.allocate("interval lists", 2 * nIntervals * sizeof(Interval)));
    m_nIntervalsUsed = 0;
    StepItem* rows = m_items.host<StepItem>();
    for (int32_t i = 0; i < bucket; ++i) {
        if (static_cast<size_t>(i) < items.size()) {
            const DecodeItem& item = items[static_cast<size_t>(i)];
            SPANSCOPE_TRY(stageItem(item, *find(item.sequence), rows[i]));
        } else {
            rows[i] = StepItem{};
        }
    }
    return {};
}

Status CudaBackend::decode(std::span<const DecodeItem> items, const DecodeOutput& output) {
    const int64_t beganNs = nowNs();
    if (m_lost) return m_lostError;
    SPANSCOPE_TRY(checkItems(items));
    const size_t n = items.size(), vocab = static_cast<size_t>(m_shape.vocab);
    if (!output.argmax.empty() && output.argmax.size() != n)
        return invalidArgument("size of argmax", std::to_string(output.argmax.size()), std::to_string(n));
    if (!output.argmaxLogprob.empty() && output.argmaxLogprob.size() != n)
        return invalidArgument("size of argmaxLogprob", std::to_string(output.argmaxLogprob.size()), std::to_string(n));
    if (!output.maybeLogits.empty() && output.maybeLogits.size() != n * vocab)
        return invalidArgument("size of the logits", std::to_string(output.maybeLogits.size()),
                               std::to_string(n * vocab));
    const int32_t bucket = bucketFor(static_cast<int32_t>(n));
    const auto graph = m_graphs.find(bucket);
    const bool direct = m_profiling || graph == m_graphs.end();
    const auto work = [&]() -> Status {
        if (direct && !m_profiling) SPANSCOPE_TRY(tuneGemms(bucket));
        SPANSCOPE_TRY(stageItems(items, bucket));
        m_lastHostNs = nowNs() - beganNs;
        m_markStages.clear();
        SPANSCOPE_CUDA_TRY(cudaEventRecord(m_begin, m_ctx.stream));
        if (direct) {
            LaunchContext ctx = m_ctx;
            ctx.overlap = ctx.overlap && !m_profiling;
            SPANSCOPE_TRY(enqueueStep(bucket, ctx, {}));
        } else {
            SPANSCOPE_CUDA_TRY(cudaGraphLaunch(graph->second, m_ctx.stream));
        }
        SPANSCOPE_CUDA_TRY(cudaEventRecord(m_end, m_ctx.stream));
        if (!output.maybeLogits.empty())
            SPANSCOPE_CUDA_TRY(cudaMemcpyAsync(output.maybeLogits.data(), m_logits.as<>(), n * vocab * sizeof(float),
                                               cudaMemcpyDeviceToHost, m_ctx.stream));
        SPANSCOPE_CUDA_TRY(cudaStreamSynchronize(m_ctx.stream));
        SPANSCOPE_TRY(finishTiming());
        for (size_t i = 0; i < n; ++i) {  // before the step may be repeated for measuring
            const StepResult& r = m_results.host<StepResult>()[i];
            if (!output.argmax.empty()) output.argmax[i] = r.argmax;
            if (!output.argmaxLogprob.empty()) output.argmaxLogprob[i] = r.logprob;
        }
        if (direct && !m_profiling) SPANSCOPE_TRY(captureBucket(bucket));  // the next step of this size
        return {};
    };
    if (Status done = guard(work()); !done) {
        for (const DecodeItem& item : items) find(item.sequence)->maskId = 0;  // the list on the device is unknown now
        return done;
    }
    for (const DecodeItem& item : items) find(item.sequence)->stored += 1;
    return {};
}

}  // namespace spanscope::cuda
