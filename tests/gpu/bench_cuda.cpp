// Measurements of the CUDA backend, one JSON object per line into the file named first. Groups (second argument):
//   limits     copy bandwidth, BF16 matrix product rate: what all else is a fraction of
//   attention  span_attention alone on the shapes of the peers' benchmarks, dense and with a kept fraction
//   matvec     the matrix-vector kernels and cuBLASLt on llama-7b's matrices
//   steps      whole decode steps of llama-7b (random BF16 weights) and a prompt of 2,048 tokens
//   small      decode steps of the bundled models' shape
// One file, though long: the groups share the timing, the random weights and the line writer, and a run on a device
// builds one program.
// Times are medians; device work is timed by events around graph replays whose data exceed the L2 cache.
#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>

#include "kernels/backends.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/elementwise.h"
#include "kernels/cuda/plan_step.h"
#include "kernels/cuda/skinny_gemm.h"
#include "kernels/half.h"
#include "tests/gpu/check.h"

using namespace spanscope;
using namespace spanscope::cuda;

namespace {

std::FILE* outFile = nullptr;

void emit(const std::string& name, std::initializer_list<std::pair<const char*, double>> values) {
    std::string line = "{\"case\": \"" + name + "\"";
    char text[64];
    for (const auto& [key, value] : values) {
        std::snprintf(text, sizeof(text), ", \"%s\": %.6g", key, value);
        line += text;
    }
    line += "}\n";
    std::fputs(line.c_str(), outFile);
    std::fflush(outFile);
    std::fputs(line.c_str(), stdout);
    std::fflush(stdout);
}

/// Measurements have no one to hand an error to: say it and end this group.
[[noreturn]] void stop(const std::string& why) {
    std::printf("STOPPED: %s\n", why.c_str());
    std::exit(1);
}
void need(cudaError_t s, const char* what) {
    if (s != cudaSuccess) stop(std::string(what) + ": " + cudaGetErrorString(s));
}
void need(const Status& s) {
    if (!s.ok()) stop(s.error().toString());
}
double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

LaunchContext makeContext() {
    LaunchContext ctx;
    std::string name;
    need(openContext(0, ctx, name));
    return ctx;
}

/// Microseconds of n calls of `round` on the stream.
double timedUs(const LaunchContext& ctx, int n, const std::function<void()>& round) {
    cudaEvent_t a = nullptr, b = nullptr;
    need(cudaEventCreate(&a), "event");
    need(cudaEventCreate(&b), "event");
    need(cudaEventRecord(a, ctx.stream), "record");
    for (int i = 0; i < n; ++i) round();
    need(cudaEventRecord(b, ctx.stream), "record");
    need(cudaEventSynchronize(b), "synchronize");
    float ms = 0;
    need(cudaEventElapsedTime(&ms, a, b), "elapsed");
    (void)cudaEventDestroy(a);
    (void)cudaEventDestroy(b);
    return static_cast<double>(ms) * 1e3;
}

/// Microseconds of one call of `enqueue` captured as a graph: seven samples, the median.
double graphUs(const LaunchContext& ctx, const std::function<void()>& enqueue, double sampleUs = 20e3) {
    enqueue();  // loads what is loaded lazily
    need(cudaStreamSynchronize(ctx.stream), "warm-up");
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t exec = nullptr;
    need(cudaStreamBeginCapture(ctx.stream, cudaStreamCaptureModeThreadLocal), "capture");
    enqueue();
    need(cudaStreamEndCapture(ctx.stream, &graph), "end of capture");
    need(cudaGraphInstantiate(&exec, graph, 0), "instantiate");
    const auto time = [&](int n) { return timedUs(ctx, n, [&] { need(cudaGraphLaunch(exec, ctx.stream), "launch"); }) / n; };
    time(2);
    const int n = std::max(1, static_cast<int>(sampleUs / std::max(1.0, time(2))));
    std::vector<double> samples;
    for (int i = 0; i < 7; ++i) samples.push_back(time(n));
    (void)cudaGraphExecDestroy(exec);
    (void)cudaGraphDestroy(graph);
    return median(samples);
}

void noise(const LaunchContext& ctx, void* to, Element type, int64_t n, uint32_t seed, float scale) {
    NoiseParams p;
    p.to = to;
    p.type = type;
    p.n = n;
    p.seed = seed;
    p.scale = scale;
    need(launchNoise(ctx, p), "noise");
}

void limits() {
    const LaunchContext ctx = makeContext();
    {
        const size_t bytes = size_t{4} << 30;
        DeviceBuffer a, b;
        need(a.allocate("copy", bytes));
        need(b.allocate("copy", bytes));
        noise(ctx, a.as<>(), Element::BF16, static_cast<int64_t>(bytes / 2), 1, 1.f);
        // The driver may leave a copy to a copy engine, which is slower than the multiprocessors: the better of its copy and
        // of one by a kernel, outside of a graph.
        const double moved = 2.0 * static_cast<double>(bytes);
        const auto best = [&](const std::function<void()>& copy) {
            timedUs(ctx, 2, copy);
            double us = timedUs(ctx, 4, copy) / 4;
            for (int i = 0; i < 4; ++i) us = std::min(us, timedUs(ctx, 4, copy) / 4);
            return us;
        };
        const double driver = best([&] { need(cudaMemcpyAsync(b.as<>(), a.as<>(), bytes, cudaMemcpyDeviceToDevice, ctx.stream), "copy"); });
        const double kernel = best([&] { need(launchCopy(ctx, b.as<>(), a.as<>(), bytes), "copy"); });
        emit("limit copy", {{"us", std::min(driver, kernel)}, {"GBps", moved / std::min(driver, kernel) / 1e3},
                            {"driverGBps", moved / driver / 1e3}, {"kernelGBps", moved / kernel / 1e3}});
    }
    const int n = 8192;
    DeviceBuffer w, x, y;
    for (DeviceBuffer* m : {&w, &x, &y}) need(m->allocate("matrix", size_t{2} * n * n));
    noise(ctx, w.as<>(), Element::BF16, int64_t{n} * n, 2, 1.f);
    noise(ctx, x.as<>(), Element::BF16, int64_t{n} * n, 3, 1.f);
    Gemm gemm;
    need(gemm.open());
    const GemmShape shape{n, n, n, Element::BF16, Element::BF16, false};
    const void* ws = w.as<>();
    need(gemm.tune(ctx, shape, {&ws, 1}, x.as<>(), y.as<>()));
    const double us = graphUs(ctx, [&] { need(gemm.run(ctx, shape, w.as<>(), x.as<>(), y.as<>())); });
    emit("limit gemm", {{"us", us}, {"TFLOPs", 2.0 * n * n * static_cast<double>(n) / us / 1e6}});
}

/// span_attention alone. `copies` sets of pages are visited in turn so that nothing is found in L2.
class AttentionBench {
  public:
    AttentionBench(const LaunchContext& ctx, int nHeads, int nKvHeads, int nRows, int nTokens, int copies)
        : m_ctx(ctx), m_nHeads(nHeads), m_nKvHeads(nKvHeads), m_nRows(nRows), m_nTokens(nTokens), m_copies(copies) {
        m_perRow = nTokens / kPageTokens;
        const int nPages = m_perRow * nRows * copies;
        const int64_t values = int64_t{nPages} * nKvHeads * 2 * kPageTokens * kHeadDim;
        need(m_kv.allocate("kv", static_cast<size_t>(values) * 2));
        noise(ctx, m_kv.as<>(), Element::BF16, values, 5, 1.f);
        need(m_q.allocate("q", static_cast<size_t>(nRows * nHeads * kHeadDim) * 4));
        noise(ctx, m_q.as<>(), Element::F32, int64_t{nRows} * nHeads * kHeadDim, 6, 1.f);
        need(m_out.allocate("out", static_cast<size_t>(nRows * nHeads * kHeadDim) * 4));
        std::vector<int32_t> table(static_cast<size_t>(nPages));
        check::Random random(9);
        for (int i = 0; i < nPages; ++i) table[static_cast<size_t>(i)] = i;
        for (int i = nPages - 1; i > 0; --i) std::swap(table[static_cast<size_t>(i)], table[static_cast<size_t>(random.below(i + 1))]);
        need(m_table.allocate("table", table.size() * 4));
        need(cudaMemcpy(m_table.as<>(), table.data(), table.size() * 4, cudaMemcpyHostToDevice), "table");
        need(m_kept.allocate("kept", table.size() * sizeof(KeptPage)));
        need(m_state.allocate("state", static_cast<size_t>(nRows * copies) * sizeof(SequenceState)));
        need(m_rows.allocate("rows", static_cast<size_t>(copies) * kMaxBatch * sizeof(BatchRow)));
        need(m_scratch.allocate("scratch", size_t{1} << 20));
        need(cudaMemset(m_scratch.as<>(), 0, m_scratch.nBytes()), "memset");
        need(m_items.allocate("items", kMaxBatch * sizeof(StepItem)));
        need(m_intervals.allocate("intervals", size_t{1} << 24));
        const SpanAttentionScratch s = spanAttentionScratch(ctx.nSm, kMaxBatch, nHeads, nKvHeads, kHeadDim);
        need(m_partialO.allocate("partial", s.partialOBytes));
        need(m_partialMl.allocate("partial", s.partialMlBytes));
        need(m_arrived.allocate("arrived", s.arrivedBytes));
        need(cudaMemset(m_arrived.as<>(), 0, s.arrivedBytes), "memset");
        need(cudaDeviceSynchronize(), "set up");
    }

    /// keep: tokens kept per row in runs of `run`, at random places; 0 = dense.
    void measure(const std::string& name, int keep, int run) {
        check::Random random(11);
        double pages = 0;
        for (int c = 0; c < m_copies; ++c) {
            size_t nStaged = 0;
            for (int r = 0; r < m_nRows; ++r) {
                StepItem item;
                const int at = (c * m_nRows + r) * m_perRow;
                item.token = 0;
                item.position = m_nTokens - 1;
                item.update = MaskUpdate::Rebuild;
                item.table = m_table.as<int32_t>() + at;
                item.kept = m_kept.as<KeptPage>() + at;
                item.state = m_state.as<SequenceState>() + c * m_nRows + r;
                item.intervals = m_intervals.device<Interval>() + nStaged;
                Interval* to = m_intervals.host<Interval>() + nStaged;
                if (keep == 0) {
                    to[item.nIntervals++] = {0, m_nTokens};
                } else {
                    const int nRuns = m_nTokens / run;
                    std::vector<int> order(static_cast<size_t>(nRuns));
                    for (int i = 0; i < nRuns; ++i) order[static_cast<size_t>(i)] = i;
                    for (int i = nRuns - 1; i > 0; --i) std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(random.below(i + 1))]);
                    order.resize(static_cast<size_t>(keep / run));
                    std::sort(order.begin(), order.end());
                    for (int i : order) {
                        if (item.nIntervals > 0 && to[item.nIntervals - 1].end == i * run) to[item.nIntervals - 1].end += run;
                        else to[item.nIntervals++] = {i * run, (i + 1) * run};
                    }
                }
                for (int i = 0; i < item.nIntervals; ++i) pages += (to[i].end - to[i].begin) / kPageTokens;
                nStaged += static_cast<size_t>(item.nIntervals);
                m_items.host<StepItem>()[r] = item;
            }
            PlanStepParams plan;
            plan.items = m_items.device<StepItem>();
            plan.rows = m_rows.as<BatchRow>() + c * kMaxBatch;
            plan.x = m_scratch.as<float>();
            plan.embedding.data = m_scratch.as<>();
            plan.hidden = 8;
            plan.halfDim = 8;
            plan.invFreq = m_scratch.as<float>();
            plan.rotation = m_scratch.as<float2>() + 4096;
            need(launchPlanStep(m_ctx, plan, m_nRows), "plan");
            need(cudaStreamSynchronize(m_ctx.stream), "plan");
        }
        const double bytes = pages / m_copies * m_nKvHeads * 2 * kPageTokens * kHeadDim * 2;
        const auto time = [&](SpanKernel kernel, bool overlap, double sampleUs) {
            LaunchContext ctx = m_ctx;
            ctx.overlap = overlap && m_ctx.overlap;
            const double us = graphUs(m_ctx, [&] {
                for (int c = 0; c < m_copies; ++c) need(launchSpanAttention(ctx, params(c, kernel)), "attention");
            }, sampleUs) / m_copies;
            return us;
        };
        for (bool overlap : {false, true}) {
            const double us = time(SpanKernel::Auto, overlap, 20e3);
            emit(name + (overlap ? " overlapped" : ""), {{"us", us}, {"bytes", bytes}, {"GBps", bytes / us / 1e3}});
        }
        struct Choice {
            SpanKernel kernel;
            const char* text;
        };
        std::vector<Choice> others{{SpanKernel::Direct, "direct"}, {SpanKernel::Ring, "ring"}};
        if (m_nRows == 1) {
            others.push_back({SpanKernel::Cluster, "cluster"});
            others.push_back({SpanKernel::ClusterDeep, "cluster deep"});
        }
        for (const Choice& other : others)
            for (bool overlap : {false, true}) {
                const double us = time(other.kernel, overlap, 8e3);
                emit(name + (overlap ? " overlapped" : "") + " kernel " + other.text, {{"us", us}, {"GBps", bytes / us / 1e3}});
            }
    }

  private:
    static constexpr int kHeadDim = 128;
    SpanAttentionParams params(int copy, SpanKernel kernel) const {
        SpanAttentionParams p;
        p.rows = m_rows.as<BatchRow>() + copy * kMaxBatch;
        p.nRows = m_nRows;
        p.q = m_q.as<float>();
        p.kv = m_kv.as<>();
        p.kvType = Element::BF16;
        p.nHeads = m_nHeads;
        p.nKvHeads = m_nKvHeads;
        p.headDim = kHeadDim;
        p.scale = 1.f / std::sqrt(static_cast<float>(kHeadDim));
        p.out = m_out.as<>();
        p.kernel = kernel;
        p.partialO = m_partialO.as<float>();
        p.partialMl = m_partialMl.as<float2>();
        p.arrived = m_arrived.as<int32_t>();
        return p;
    }
    LaunchContext m_ctx;
    int m_nHeads, m_nKvHeads, m_nRows, m_nTokens, m_copies, m_perRow = 0;
    DeviceBuffer m_kv, m_q, m_out, m_table, m_kept, m_state, m_rows, m_scratch, m_partialO, m_partialMl, m_arrived;
    MappedBuffer m_items, m_intervals;
};

void attention() {
    const LaunchContext ctx = makeContext();
    {
        AttentionBench b(ctx, 32, 32, 8, 16384, 2);
        b.measure("attention MHA 8x16K dense", 0, 0);
        for (int part : {2, 4, 8, 16}) b.measure("attention MHA 8x16K keep 1/" + std::to_string(part), 16384 / part, 16);
    }
    {
        AttentionBench b(ctx, 32, 8, 8, 32768, 2);
        b.measure("attention GQA 8x32K dense", 0, 0);
        for (int part : {2, 4, 8, 16}) b.measure("attention GQA 8x32K keep 1/" + std::to_string(part), 32768 / part, 16);
    }
    AttentionBench(ctx, 32, 32, 16, 2048, 2).measure("attention MHA 16x2K dense", 0, 0);
    AttentionBench(ctx, 32, 32, 32, 2048, 2).measure("attention MHA 32x2K dense", 0, 0);
    AttentionBench(ctx, 32, 32, 1, 2048, 16).measure("attention MHA 1x2K dense", 0, 0);
    AttentionBench(ctx, 32, 8, 1, 1024, 100).measure("attention GQA 1x1K dense", 0, 0);
    AttentionBench b(ctx, 32, 8, 1, 32768, 16);
    b.measure("attention GQA 1x32K dense", 0, 0);
    b.measure("attention GQA 1x32K keep 2048", 2048, 16);
}

void matvec() {
    const LaunchContext ctx = makeContext();
    struct Matrix {
        const char* name;
        int n, k;
        ProductRole role;
    };
    constexpr int kCopies = 6;
    Gemm gemm;
    need(gemm.open());
    DeviceBuffer w, x, x16, y, gain;
    const int64_t most = int64_t{22016} * 4096;
    need(w.allocate("weights", static_cast<size_t>(most) * 2 * kCopies));
    noise(ctx, w.as<>(), Element::BF16, most * kCopies, 1, 0.02f);
    need(x.allocate("x", size_t{64} * 11008 * 4));
    noise(ctx, x.as<>(), Element::F32, 64 * 11008, 2, 1.f);
    need(x16.allocate("x", size_t{64} * 11008 * 2));
    noise(ctx, x16.as<>(), Element::BF16, 64 * 11008, 3, 1.f);
    need(gain.allocate("gain", 11008 * 4));
    noise(ctx, gain.as<>(), Element::F32, 11008, 4, 1.f);
    need(y.allocate("y", size_t{64} * 32000 * 4));
    need(cudaMemset(y.as<>(), 0, y.nBytes()), "memset");
    need(cudaDeviceSynchronize(), "set up");
    for (const Matrix& m : {Matrix{"qkv", 12288, 4096, ProductRole::Plain}, Matrix{"o", 4096, 4096, ProductRole::Residual},
                            Matrix{"gateup", 22016, 4096, ProductRole::SiluMul}, Matrix{"down", 4096, 11008, ProductRole::Residual}}) {
        const double bytes = 2.0 * m.n * m.k;
        const auto weights = [&](int c) { return w.as<char>() + static_cast<size_t>(c) * static_cast<size_t>(most) * 2; };
        for (int rows : {1, 2, 4}) {
            GemvParams p;
            p.role = m.role;
            p.x = x.as<float>();
            p.gain = m.role == ProductRole::Residual ? nullptr : gain.as<float>();
            p.eps = 1e-5f;
            p.y = y.as<float>();
            p.yStride = m.n;
            p.m = rows;
            const bool takesAll = gemvTakesAllShared(ctx, MatrixFormat::Plain, Element::BF16, rows, 11008);  // as a step would
            const LaunchContext asStep = withShared(ctx, takesAll ? kSharedAll : kSharedMost);
            const double us = graphUs(ctx, [&] {
                for (int c = 0; c < kCopies; ++c) {
                    need(launchGemv(asStep, DeviceMatrix{weights(c), nullptr, m.n, m.k, MatrixFormat::Plain}, Element::BF16, p), "gemv");
                }
            }) / kCopies;
            emit(std::string("gemv ") + m.name + " rows " + std::to_string(rows), {{"us", us}, {"GBps", bytes / us / 1e3}});
        }
        for (int rows : {2, 4, 8, 16, 24, 32, 48, 64}) {
            const LaunchContext all = withShared(ctx, kSharedAll);
            const DeviceMatrix first{w.as<>(), nullptr, m.n, m.k, MatrixFormat::Plain};
            SkinnyParams p;
            p.role = m.role;
            p.x = x16.as<>();
            p.y = y.as<>();
            p.yType = m.role == ProductRole::SiluMul ? Element::BF16 : Element::F32;
            p.yStride = m.n;
            p.m = rows;
            const SkinnyPlan chosen = planSkinny(ctx, first, Element::BF16, rows);
            for (int cluster : {1, 2, 4, 8}) {
                for (int team : {2, 4, 8, 16}) {
                    for (int depth : {4, 8}) {
                        const SkinnyPlan plan = layoutSkinny(all, rows, m.k, cluster, team, depth);
                        if (plan.cluster == 0) continue;
                        const double us = graphUs(all, [&] {
                            for (int c = 0; c < kCopies; ++c)
                                need(launchSkinny(all, DeviceMatrix{weights(c), nullptr, m.n, m.k, MatrixFormat::Plain}, Element::BF16, plan, p), "skinny");
                        }, 2e3) / kCopies;
                        const bool isChosen = plan.cluster == chosen.cluster && plan.team == chosen.team && plan.depth == chosen.depth;
                        emit(std::string("skinny ") + m.name + " rows " + std::to_string(rows) + " cluster " + std::to_string(cluster) + " team " + std::to_string(team) + " depth " + std::to_string(depth),
                             {{"us", us}, {"GBps", bytes / us / 1e3}, {"chosen", isChosen}});
                    }
                }
            }
        }
        for (int rows : {8, 16, 32, 64}) {
            const GemmShape shape{rows, m.n, m.k, Element::BF16, Element::F32, m.role == ProductRole::Residual};
            std::vector<const void*> ws;
            for (int c = 0; c < kCopies; ++c) ws.push_back(weights(c));
            const auto run = [&] {
                for (const void* each : ws) need(gemm.run(ctx, shape, each, x16.as<>(), y.as<>()));
            };
            const double before = graphUs(ctx, run) / kCopies;
            need(gemm.tune(ctx, shape, ws, x16.as<>(), y.as<>()));
            const double us = graphUs(ctx, run) / kCopies;
            emit(std::string("gemm ") + m.name + " rows " + std::to_string(rows),
                 {{"us", us}, {"GBps", bytes / us / 1e3}, {"untunedUs", before}});
        }
    }
}

/// A model of a given shape with random BF16 weights; all layers share one layer's host memory (the device has copies).
struct RandomModel {
    ModelWeights weights;
    std::vector<std::vector<uint16_t>> matrices;
    std::vector<float> ones;
    TensorView matrix(int rows, int cols, check::Random& random) {
        matrices.emplace_back(static_cast<size_t>(rows) * static_cast<size_t>(cols));
        const float scale = 1.f / std::sqrt(static_cast<float>(cols));
        for (uint16_t& v : matrices.back())
            v = floatToBf16((static_cast<float>(random.next() >> 40) * 0x1p-23f - 1.f) * 1.7f * scale);
        TensorView t;
        t.data = matrices.back().data();
        t.dtype = DType::BF16;
        t.rows = rows;
        t.cols = cols;
        return t;
    }
    RandomModel(int nLayers, int nHeads, int nKvHeads, int headDim, int hidden, int ffn, int vocab) {
        check::Random random(42);
        ModelShape& s = weights.shape;
        s.nLayers = nLayers, s.nHeads = nHeads, s.nKvHeads = nKvHeads, s.headDim = headDim;
        s.hidden = hidden, s.ffn = ffn, s.vocab = vocab, s.maxSeqLen = 1 << 18;
        for (int i = 0; i < headDim / 2; ++i) s.ropeInvFreq.push_back(static_cast<float>(std::pow(10000.0, -2.0 * i / headDim)));
        ones.assign(static_cast<size_t>(hidden), 1.f);
        TensorView norm;
        norm.data = ones.data();
        norm.rows = 1;
        norm.cols = hidden;
        weights.embedding = matrix(vocab, hidden, random);
        weights.head = matrix(vocab, hidden, random);
        weights.finalNorm = norm;
        LayerWeights w;
        w.attnNorm = w.mlpNorm = norm;
        w.q = matrix(nHeads * headDim, hidden, random);
        w.k = matrix(nKvHeads * headDim, hidden, random);
        w.v = matrix(nKvHeads * headDim, hidden, random);
        w.o = matrix(hidden, nHeads * headDim, random);
        w.gate = matrix(ffn, hidden, random);
        w.up = matrix(ffn, hidden, random);
        w.down = matrix(hidden, ffn, random);
        weights.layers.assign(static_cast<size_t>(nLayers), w);
    }
    double weightBytes() const {
        const ModelShape& s = weights.shape;
        double n = static_cast<double>(s.vocab) * s.hidden;
        n += static_cast<double>(s.nLayers) * ((s.nHeads + 2.0 * s.nKvHeads) * s.headDim * s.hidden +
                                               1.0 * s.nHeads * s.headDim * s.hidden + 3.0 * s.ffn * s.hidden);
        return 2 * n;
    }
};

/// Decodes nSteps at `depth` with nRows sequences. keep: tokens read besides the tail of 32 (0 = dense), in runs of
/// 16; a new list every 20 steps, as phases change.
void decodeCase(CudaBackend& backend, const RandomModel& model, const std::string& name, int nRows, int depth, int keep, int nSteps) {
    check::Random random(3);
    std::vector<SequenceId> ids;
    for (int r = 0; r < nRows; ++r) {
        auto id = backend.createSequence(depth + nSteps + 8);
        if (!id.ok()) {
            std::printf("skipped %s: %s\n", name.c_str(), id.error().toString().c_str());
            for (SequenceId each : ids) backend.freeSequence(each);
            return;
        }
        ids.push_back(*id);
        need(backend.fillWithNoise(*id, depth, static_cast<uint32_t>(r + 1)));
    }
    const size_t rows = static_cast<size_t>(nRows);
    std::vector<std::vector<Interval>> lists(rows);
    std::vector<int32_t> tokens(rows, 1);
    std::vector<float> logprobs(rows);
    uint64_t maskId = 1;
    const auto newLists = [&](int position) {
        ++maskId;
        for (auto& list : lists) {
            list.clear();
            if (keep == 0) {
                list.push_back({0, kOpenEnd});
                continue;
            }
            list.push_back({0, 1});
            const int nRuns = (depth - 64) / 16;
            for (int i = 0; i < keep / 16; ++i) {  // evenly spread with a jitter: sorted as it is made
                const int lo = 1 + i * nRuns / (keep / 16), hi = 1 + (i + 1) * nRuns / (keep / 16);
                const int at = (lo + random.below(std::max(1, hi - lo))) * 16;
                if (list.back().end == at) list.back().end += 16;
                else list.push_back({at, at + 16});
            }
            list.push_back({position - 32, kOpenEnd});
        }
    };
    std::vector<double> wallUs, deviceUs, hostKeepUs, hostNewUs;
    const int kWarm = 4;
    double readPages = 0;
    for (int step = 0; step < nSteps; ++step) {
        const int position = depth + step;
        const bool fresh = step % 20 == 0;
        if (fresh) newLists(position);
        std::vector<DecodeItem> items(rows);
        for (size_t r = 0; r < rows; ++r) {
            items[r].sequence = ids[r];
            items[r].token = tokens[r];
            items[r].position = position;
            items[r].visible = lists[r];
            items[r].maskId = maskId * 1000 + r;
        }
        const auto begin = std::chrono::steady_clock::now();
        need(backend.decode(items, {tokens, logprobs, {}}));
        const double us = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
        if (step < kWarm) continue;
        wallUs.push_back(us);
        deviceUs.push_back(static_cast<double>(backend.lastDeviceNs()) * 1e-3);
        (fresh ? hostNewUs : hostKeepUs).push_back(static_cast<double>(backend.lastHostNs()) * 1e-3);
        for (const auto& list : lists) readPages += readTokens(list.data(), static_cast<int32_t>(list.size()), position);
    }
    const ModelShape& s = model.weights.shape;
    double total = 0;
    for (double us : wallUs) total += us;
    const double perStep = total / static_cast<double>(wallUs.size());  // the mean: steps with a new list are part of it
    const double bytes = model.weightBytes() + readPages / static_cast<double>(wallUs.size()) * 4 * s.nKvHeads * s.headDim * s.nLayers;
    emit(name, {{"us", perStep}, {"aheadMiB", static_cast<double>(backend.aheadBytes(bucketFor(nRows))) / (1 << 20)}, {"skinny", static_cast<double>(backend.nSkinny(bucketFor(nRows)))}, {"deviceUs", median(deviceUs)}, {"tokensPerS", 1e6 * nRows / perStep}, {"bytes", bytes},
                {"GBps", bytes / perStep / 1e3}, {"hostKeepUs", median(hostKeepUs)}, {"hostNewUs", hostNewUs.empty() ? 0 : median(hostNewUs)}});
    // Where the time goes: stages serialised, not a throughput.
    backend.resetStageTimes();
    backend.setProfiling(true);
    std::vector<DecodeItem> items(rows);
    for (size_t r = 0; r < rows; ++r) {
        items[r].sequence = ids[r];
        items[r].position = depth + nSteps;
        items[r].visible = lists[r];
        items[r].maskId = maskId * 1000 + r;
    }
    need(backend.decode(items, {tokens, {}, {}}));
    backend.setProfiling(false);
    const StageTimes t = backend.stageTimes();
    emit(name + " stages", {{"attentionUs", static_cast<double>(t.attentionNs) * 1e-3}, {"matmulUs", static_cast<double>(t.matmulNs) * 1e-3},
                            {"otherUs", static_cast<double>(t.otherNs) * 1e-3}});
    for (SequenceId id : ids) backend.freeSequence(id);
}

std::unique_ptr<CudaBackend> load(const RandomModel& model, int maxBatch, int64_t kvTokens) {
    BackendOptions options;
    options.maxBatch = maxBatch;
    options.kvTokens = kvTokens;
    options.kvType = DType::BF16;
    auto made = CudaBackend::create(model.weights, options, {});
    if (!made.ok()) stop(made.error().toString());
    return std::move(made.value());
}

/// What 2,048 tokens of prompt cost.
void prefillCase(CudaBackend& backend, const RandomModel& model) {
    check::Random random(8);
    std::vector<int32_t> tokens;
    for (int i = 0; i < 2048; ++i) tokens.push_back(random.below(32000));
    const std::vector<Interval> all{{0, kOpenEnd}};
    const QueryRun run{0, 2048, all};
    std::vector<float> logits(32000);
    std::vector<double> us;
    for (int i = 0; i < 7; ++i) {
        auto id = backend.createSequence(2048);
        if (!id.ok()) stop(id.error().toString());
        backend.resetStageTimes();
        backend.setProfiling(i == 6);
        need(backend.prefill(*id, tokens, {&run, 1}, logits));
        if (i > 0 && i < 6) us.push_back(static_cast<double>(backend.lastDeviceNs()) * 1e-3);
        backend.freeSequence(*id);
    }
    backend.setProfiling(false);
    const double flops = 2.0 * 2048 * (model.weightBytes() / 2 - 32000.0 * 4096) + 32.0 * 2 * 2048 * 2048 * 4096;
    emit("prefill 7b 2048", {{"us", median(us)}, {"tokensPerS", 2048e6 / median(us)}, {"TFLOPs", flops / median(us) / 1e6}});
    const StageTimes t = backend.stageTimes();
    emit("prefill 7b 2048 stages", {{"attentionUs", static_cast<double>(t.attentionNs) * 1e-3},
                                    {"matmulUs", static_cast<double>(t.matmulNs) * 1e-3},
                                    {"otherUs", static_cast<double>(t.otherNs) * 1e-3}});
}

/// Most important first: whoever runs this may have to stop it.
void steps() {
    size_t freeBytes = 0, totalBytes = 0;
    need(cudaMemGetInfo(&freeBytes, &totalBytes), "memory");
    const RandomModel model(32, 32, 32, 128, 4096, 11008, 32000);
    const double perToken = 524288;
    const double room = static_cast<double>(freeBytes) - model.weightBytes() - 4e9;
    const int64_t kvTokens = std::min<int64_t>(133000, static_cast<int64_t>(room / perToken));
    if (kvTokens < 4096) stop("too little device memory is free for a KV cache of 4,096 tokens");
    auto backend = load(model, 32, kvTokens);
    const std::string first = "step 7b batch 1 depth 512 dense";
    decodeCase(*backend, model, first, 1, 512, 0, 104);
    const int32_t rowsBig[] = {16, 32};
    for (int rows : rowsBig) {
        const std::string at = "step 7b batch " + std::to_string(rows) + " depth 1962 ";
        decodeCase(*backend, model, at + "dense", rows, 1962, 0, 64);
        decodeCase(*backend, model, at + "keep 1/4", rows, 1962, 480, 64);
        decodeCase(*backend, model, at + "keep 1/8", rows, 1962, 240, 64);
    }
    prefillCase(*backend, model);
    const int rows16 = kvTokens >= 8 * 16500 ? 8 : 4;
    const std::string at16 = "step 7b batch " + std::to_string(rows16) + " depth 16384 ";
    decodeCase(*backend, model, at16 + "dense", rows16, 16384, 0, 48);
    decodeCase(*backend, model, at16 + "keep 1/8", rows16, 16384, 2048, 48);
    decodeCase(*backend, model, at16 + "keep 1/16", rows16, 16384, 1024, 48);
    const int longest = static_cast<int>(std::min<int64_t>(131072, kvTokens / 16 * 16 - 256));
    decodeCase(*backend, model, "step 7b batch 1 depth 2048 keep 1024", 1, 2048, 1024, 64);
    decodeCase(*backend, model, "step 7b batch 1 depth " + std::to_string(longest / 1024) + "K keep 1024", 1, longest, 1024, 64);
    decodeCase(*backend, model, "step 7b batch 4 depth 512 dense", 4, 512, 0, 64);
    for (int64_t mib : {0, 4, 16}) {  // the measured choice, against fixed ones
        backend->setAheadBytes(mib << 20);
        decodeCase(*backend, model, first + " ahead " + std::to_string(mib) + " MiB", 1, 512, 0, 64);
    }
}

/// The bundled models' shape: bound by launches.
void small() {
    const RandomModel model(12, 4, 4, 64, 256, 704, 512);
    auto backend = load(model, 32, 65536);
    decodeCase(*backend, model, "step small batch 1 depth 512 dense", 1, 512, 0, 400);
    decodeCase(*backend, model, "step small batch 1 depth 512 keep 64", 1, 512, 64, 400);
    decodeCase(*backend, model, "step small batch 32 depth 512 dense", 32, 512, 0, 200);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::printf("usage: bench_cuda FILE limits|steps|attention|small|matvec\n");
        return 2;
    }
    if (!check::haveGpu()) return 0;
    outFile = std::fopen(argv[1], "a");
    if (!outFile) stop(std::string("cannot write ") + argv[1]);
    const std::string group = argv[2];
    if (group == "limits") limits();
    else if (group == "attention") attention();
    else if (group == "matvec") matvec();
    else if (group == "steps") steps();
    else if (group == "small") small();
    else stop("no group " + group);
    std::fclose(outFile);
    return 0;
}
