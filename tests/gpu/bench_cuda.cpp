// Measurements of the CUDA backend, one JSON object per line into the file named first. Groups (second argument):
//   limits     copy bandwidth, BF16 matrix product rate: what all else is a fraction of
//   attention  span_attention alone on the shapes of the peers' benchmarks, dense and with a kept fraction
//   matvec     the matrix-vector kernels and cuBLASLt on llama-7b's matrices
//   steps      whole decode steps of llama-7b (random BF16 weights) and a prompt of 2,048 tokens
//   families   decode steps of Qwen3-8B's shape, with QK-norm, and of Gemma 3 1B's, with windows
//   small      decode steps of the bundled models' shape
//   lossless   drafted steps and passes over drafts, batch 8 at 16,384 tokens
// Times are medians; device work is timed by events around graph replays whose data exceed the L2 cache.
#include <algorithm>

#include "kernels/cuda/attention/span_attention.h"
#include "kernels/cuda/matrix/gemm.h"
#include "kernels/cuda/matrix/gemv.h"
#include "kernels/cuda/matrix/skinny_gemm.h"
#include "kernels/cuda/step/plan_step.h"
#include "tests/gpu/bench.h"

using namespace bench;

namespace {

void limits() {
    const LaunchContext ctx = makeContext();
    {
        const size_t bytes = size_t{4} << 30;
        DeviceBuffer a, b;
        need(a.allocate("copy", bytes));
        need(b.allocate("copy", bytes));
        noise(ctx, a.as<>(), Element::BF16, static_cast<int64_t>(bytes / 2), 1, 1.f);
        // The driver may leave a copy to a copy engine, which is slower than the multiprocessors: the better of its
        // copy and of one by a kernel, outside of a graph.
        const double moved = 2.0 * static_cast<double>(bytes);
        const auto best = [&](const std::function<void()>& copy) {
            timedUs(ctx, 2, copy);
            double us = timedUs(ctx, 4, copy) / 4;
            for (int i = 0; i < 4; ++i) us = std::min(us, timedUs(ctx, 4, copy) / 4);
            return us;
        };
        const double driver = best(
            [&] { need(cudaMemcpyAsync(b.as<>(), a.as<>(), bytes, cudaMemcpyDeviceToDevice, ctx.stream), "copy"); });
        const double kernel = best([&] { need(launchCopy(ctx, b.as<>(), a.as<>(), bytes), "copy"); });
        emit("limit copy", {{"us", std::min(driver, kernel)},
                            {"GBps", moved / std::min(driver, kernel) / 1e3},
                            {"driverGBps", moved / driver / 1e3},
                            {"kernelGBps", moved / kernel / 1e3}});
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
        for (int i = nPages - 1; i > 0; --i)
            std::swap(table[static_cast<size_t>(i)], table[static_cast<size_t>(random.below(i + 1))]);
        need(m_table.allocate("table", table.size() * 4));
        need(cudaMemcpy(m_table.as<>(), table.data(), table.size() * 4, cudaMemcpyHostToDevice), "table");
        need(m_kept.allocate("kept", table.size() * sizeof(KeptPage)));
        need(m_state.allocate("state", static_cast<size_t>(nRows * copies) * sizeof(SequenceState)));
        need(m_rows.allocate("rows", static_cast<size_t>(copies) * kMaxBatch * sizeof(BatchRow)));
        need(m_scratch.allocate("scratch", size_t{1} << 20));
        need(cudaMemset(m_scratch.as<>(), 0, m_scratch.nBytes()), "memset");
        need(m_items.allocate("items", kMaxBatch * sizeof(StepItem)));
        need(m_intervals.allocate("intervals", size_t{1} << 24));
        const SpanAttentionScratch s = spanAttentionScratch(ctx.nSm, kMaxBatch, 1, nHeads, nKvHeads, kHeadDim);
        need(m_partialO.allocate("partial", s.partialOBytes));
        need(m_partialMl.allocate("partial", s.partialMlBytes));
        need(m_arrived.allocate("arrived", s.arrivedBytes));
        m_workStride = s.workBytes / sizeof(BlockWork);
        need(m_work.allocate("shares", s.workBytes * static_cast<size_t>(copies)));
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
                    for (int i = nRuns - 1; i > 0; --i)
                        std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(random.below(i + 1))]);
                    order.resize(static_cast<size_t>(keep / run));
                    std::sort(order.begin(), order.end());
                    for (int i : order) {
                        if (item.nIntervals > 0 && to[item.nIntervals - 1].end == i * run)
                            to[item.nIntervals - 1].end += run;
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
            plan.rotations = {m_scratch.as<float2>(), 1, 8, m_scratch.as<float2>() + 4096};
            need(launchPlanStep(m_ctx, plan, m_nRows), "plan");
            need(cudaStreamSynchronize(m_ctx.stream), "plan");
        }
        const double bytes = pages / m_copies * m_nKvHeads * 2 * kPageTokens * kHeadDim * 2;
        const auto time = [&](SpanKernel kernel, bool overlap, double sampleUs) {
            LaunchContext ctx = m_ctx;
            ctx.dependentLaunch = overlap && m_ctx.dependentLaunch;
            for (int c = 0; c < m_copies; ++c) need(launchSpanSchedule(ctx, params(c, kernel)), "schedule");
            const double us = graphUs(
                                  m_ctx,
                                  [&] {
                                      for (int c = 0; c < m_copies; ++c)
                                          need(launchSpanAttention(ctx, params(c, kernel)), "attention");
                                  },
                                  sampleUs) /
                              m_copies;
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
                emit(name + (overlap ? " overlapped" : "") + " kernel " + other.text,
                     {{"us", us}, {"GBps", bytes / us / 1e3}});
            }
    }

  private:
    static constexpr int kHeadDim = 128;
    SpanAttentionParams params(int copy, SpanKernel kernel) const {
        SpanAttentionParams p;
        p.rows = m_rows.as<BatchRow>() + copy * kMaxBatch;
        p.work = m_work.as<BlockWork>() + static_cast<size_t>(copy) * m_workStride;
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
    DeviceBuffer m_kv, m_q, m_out, m_table, m_kept, m_state, m_rows, m_scratch, m_work, m_partialO, m_partialMl,
        m_arrived;
    size_t m_workStride = 0;  ///< entries
    MappedBuffer m_items, m_intervals;
};

void attention() {
    const LaunchContext ctx = makeContext();
    {
        AttentionBench b(ctx, 32, 32, 8, 16384, 2);
        b.measure("attention MHA 8x16K dense", 0, 0);
        for (int part : {2, 4, 8, 16})
            b.measure("attention MHA 8x16K keep 1/" + std::to_string(part), 16384 / part, 16);
    }
    {
        AttentionBench b(ctx, 32, 8, 8, 32768, 2);
        b.measure("attention GQA 8x32K dense", 0, 0);
        for (int part : {2, 4, 8, 16})
            b.measure("attention GQA 8x32K keep 1/" + std::to_string(part), 32768 / part, 16);
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
        Epilogue epilogue;
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
    for (const Matrix& m :
         {Matrix{"qkv", 12288, 4096, Epilogue::Store}, Matrix{"o", 4096, 4096, Epilogue::Residual},
          Matrix{"gateup", 22016, 4096, Epilogue::SiluMul}, Matrix{"down", 4096, 11008, Epilogue::Residual}}) {
        const double bytes = 2.0 * m.n * m.k;
        const auto weights = [&](int c) {
            return w.as<char>() + static_cast<size_t>(c) * static_cast<size_t>(most) * 2;
        };
        for (int rows : {1, 2, 4}) {
            GemvParams p;
            p.epilogue = m.epilogue;
            p.x = x.as<float>();
            p.gain = m.epilogue == Epilogue::Residual ? nullptr : gain.as<float>();
            p.eps = 1e-5f;
            p.y = y.as<float>();
            p.yStride = m.n;
            p.m = rows;
            const bool takesAll =
                gemvSuitsFullCarveout(ctx, MatrixFormat::Plain, Element::BF16, rows, 11008);  // as a step would
            const LaunchContext asStep = withCarveout(ctx, takesAll ? kCarveoutAll : kCarveoutMost);
            const double us =
                graphUs(ctx,
                        [&] {
                            for (int c = 0; c < kCopies; ++c) {
                                need(
                                    launchGemv(asStep, DeviceMatrix{weights(c), nullptr, m.n, m.k, MatrixFormat::Plain},
                                               Element::BF16, p),
                                    "gemv");
                            }
                        }) /
                kCopies;
            emit(std::string("gemv ") + m.name + " rows " + std::to_string(rows),
                 {{"us", us}, {"GBps", bytes / us / 1e3}});
        }
        for (int rows : {2, 4, 8, 16, 32}) {
            const LaunchContext all = withCarveout(ctx, kCarveoutAll);
            const auto matrix = [&](int c) { return DeviceMatrix{weights(c), nullptr, m.n, m.k, MatrixFormat::Plain}; };
            SkinnyParams p;
            p.epilogue = m.epilogue;
            p.x = x16.as<>();
            p.y = y.as<>();
            p.yType = m.epilogue == Epilogue::SiluMul ? Element::BF16 : Element::F32;
            p.yStride = m.n;
            p.m = rows;
            const SkinnyPlan plan = planSkinny(all, matrix(0), Element::BF16, rows);
            const double us = graphUs(all,
                                      [&] {
                                          for (int c = 0; c < kCopies; ++c)
                                              need(launchSkinny(all, matrix(c), Element::BF16, plan, p), "skinny");
                                      }) /
                              kCopies;
            emit(std::string("skinny ") + m.name + " rows " + std::to_string(rows),
                 {{"us", us}, {"GBps", bytes / us / 1e3}, {"cluster", plan.cluster}});
        }
        for (int rows : {8, 16, 32, 64}) {
            const GemmShape shape{rows, m.n, m.k, Element::BF16, Element::F32, m.epilogue == Epilogue::Residual};
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

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::printf("usage: bench_cuda FILE limits|steps|attention|families|small|lossless|matvec\n");
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
    else if (group == "families") families();
    else if (group == "small") small();
    else if (group == "lossless") lossless();
    else stop("no group " + group);
    std::fclose(outFile);
    return 0;
}
