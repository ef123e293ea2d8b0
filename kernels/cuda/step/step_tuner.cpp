#include "kernels/cuda/step/step_tuner.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace spanscope::cuda {
namespace {
constexpr size_t kStaysInL2 = size_t{40} << 20;  // smaller models stay in L2 by themselves
constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int32_t kSkinnyFirst = 8;  // rows up to which skinny_gemm.h is the first guess
constexpr float kFasterBy = 0.998f;  // a choice is kept when its step takes less than this share of the best one's time
}  // namespace

StepChoice StepTuner::choice(const LaunchContext& ctx, int32_t bucket) const {
    StepChoice choice;
    const auto fits = [&](size_t which) { return m_launcher.skinnyFits(ctx, bucket, static_cast<StepMatrix>(which)); };
    if (const auto found = m_choices.find(bucket); found != m_choices.end()) choice = found->second;
    else if (bucket <= kSkinnyFirst)
        for (size_t which = 0; which < kNStepMatrices; ++which) choice.skinny[which] = fits(which);
    if (m_prefetchForced >= 0) choice.prefetchBytes = m_prefetchForced;
    if (m_skinnyForced >= 0)
        for (size_t which = 0; which < kNStepMatrices; ++which)
            choice.skinny[which] = m_skinnyForced > 0 && fits(which);
    return choice;
}

int32_t StepTuner::nOwnProducts(const LaunchContext& ctx, int32_t bucket) const {
    const StepChoice chosen = choice(ctx, bucket);
    if (m_launcher.usesGemv(ctx, bucket, chosen)) return kNStepMatrices;
    return static_cast<int32_t>(std::count(chosen.skinny.begin(), chosen.skinny.end(), true));
}

Status StepTuner::tuneGemms(const LaunchContext& ctx, int32_t bucket) {
    if (bucket <= kGemvMaxRows && nOwnProducts(ctx, bucket) == kNStepMatrices) return {};
    const auto tune = [&](const DeviceMatrix DeviceLayer::*matrix, const DeviceBuffer& x, const DeviceBuffer& y,
                          bool accumulate) -> Status {
        std::vector<const DeviceMatrix*> ofLayers;  // all of them, so that none stays in the cache
        for (const DeviceLayer& layer : m_model.weights.layers()) ofLayers.push_back(&(layer.*matrix));
        return m_products.tune(ctx, ofLayers, {bucket, x.as<>(), y.as<>(), Element::F32, accumulate});
    };
    const StepBuffers& b = m_buffers;
    SPANSCOPE_TRY(tune(&DeviceLayer::qkv, b.normed, b.qkv, false));
    // Where a norm follows a product, it is no sum with the residual stream.
    const DeviceLayer& layer = m_model.weights.layers().front();
    const auto tuneResidual = [&](const DeviceMatrix DeviceLayer::*matrix, const DeviceBuffer& x, bool normed) {
        return tune(matrix, x, normed ? b.projected : b.x, !normed);
    };
    SPANSCOPE_TRY(tuneResidual(&DeviceLayer::o, b.attended, layer.postAttnNorm != nullptr));
    SPANSCOPE_TRY(tune(&DeviceLayer::gateUp, b.normed, b.gateUp, false));
    SPANSCOPE_TRY(tuneResidual(&DeviceLayer::down, b.hidden, layer.postMlpNorm != nullptr));
    const DeviceMatrix* head = &m_model.weights.head();
    return m_products.tune(ctx, {&head, 1}, {bucket, b.normed.as<>(), b.logits.as<>(), Element::F32, false});
}

Status StepTuner::capture(const LaunchContext& ctx, int32_t bucket, const StepChoice& choice, GraphExec& graph) {
    const auto with = [&](const LaunchContext& each) {
        return graph.capture(each.stream, [&] { return m_launcher.enqueue(each, bucket, choice, {}); });
    };
    Status captured = with(ctx);
    if (!captured.ok() && ctx.dependentLaunch) {  // a driver that cannot capture dependent launches: plain edges
        (void)cudaGetLastError();
        captured = with(withoutDependentLaunch(ctx));
    }
    return captured;
}

Status StepTuner::timeGraphs(const LaunchContext& ctx, const GraphExec& a, const GraphExec& b, float& aMs, float& bMs) {
    constexpr float kLongMs = 8.f;
    const auto time = [&](const GraphExec& graph, float& bestMs) -> Status {
        SPANSCOPE_TRY(m_timer.begin(ctx.stream));
        SPANSCOPE_TRY(graph.launch(ctx.stream));
        SPANSCOPE_TRY(m_timer.end(ctx.stream));
        float ms = 0.f;
        SPANSCOPE_TRY(m_timer.elapsedMs(ms));
        bestMs = std::min(bestMs, ms);
        return {};
    };
    aMs = bMs = std::numeric_limits<float>::max();
    for (int round = 0; round < 3 && !(round == 2 && aMs > kLongMs); ++round) {
        SPANSCOPE_TRY(time(a, aMs));
        SPANSCOPE_TRY(time(b, bMs));
    }
    return {};
}

Status StepTuner::tuneStep(const LaunchContext& ctx, int32_t bucket, GraphExec& best) {
    const StepChoice first = choice(ctx, bucket);
    SPANSCOPE_TRY(capture(ctx, bucket, first, best));
    if (m_choices.count(bucket)) return {};
    StepChoice& chosen = m_choices[bucket] = first;
    const auto attempt = [&](const StepChoice& other) -> Status {  // keeps it where it is faster
        GraphExec graph;
        SPANSCOPE_TRY(capture(ctx, bucket, other, graph));
        float bestMs = 0.f, otherMs = 0.f;
        SPANSCOPE_TRY(timeGraphs(ctx, best, graph, bestMs, otherMs));
        if (otherMs < bestMs * kFasterBy) {
            best = std::move(graph);
            chosen = other;
        }
        return {};
    };
    for (size_t which = 0; bucket > kGemvMaxRows && m_skinnyForced < 0 && which < kNStepMatrices; ++which) {
        if (!m_launcher.skinnyFits(ctx, bucket, static_cast<StepMatrix>(which))) continue;
        StepChoice other = chosen;
        other.skinny[which] = !other.skinny[which];
        SPANSCOPE_TRY(attempt(other));
    }
    for (int64_t bytes : {4 * kMiB, 8 * kMiB, 16 * kMiB}) {
        if (!ctx.dependentLaunch || m_model.weights.nBytes() < kStaysInL2 || m_prefetchForced >= 0) break;
        StepChoice other = chosen;
        other.prefetchBytes = bytes;
        SPANSCOPE_TRY(attempt(other));
    }
    return {};
}

}  // namespace spanscope::cuda
