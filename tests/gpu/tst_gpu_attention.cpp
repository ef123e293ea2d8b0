// plan_step + span_attention against float64 on the host: the sizes the kernel contract names, every KV type, GQA, odd
// heads, ragged batches, lists that grow token by token. Outputs are poisoned before each launch.
#include <algorithm>
#include <limits>
#include <optional>

#include "kernels/cuda/attention/span_attention.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/step/plan_step.h"
#include "kernels/half.h"
#include "tests/gpu/check.h"

using namespace spanscope;
using namespace spanscope::cuda;

namespace {

struct Shape {
    int nHeads, nKvHeads, headDim;
};
/// What a layer does beside plain attention. 0: nothing.
struct Extra {
    float softcap = 0;
    int window = 0;
};
struct Row {
    int nTokens;  ///< query position + 1
    std::vector<Interval> list;
};

std::vector<Interval> makeList(const std::string& kind, int n, check::Random& random) {
    std::vector<Interval> list;
    if (kind == "dense") list.push_back({0, kOpenEnd});
    else if (kind == "sink") list.push_back({0, 1});
    else if (kind == "every page partly") {
        for (int p = 0; p * kPageTokens < n; ++p) {
            const int a = p * kPageTokens + 1 + random.below(7), b = a + 1 + random.below(7);
            if (a < n) list.push_back({a, b});
        }
        if (list.empty()) list.push_back({0, 1});
    } else if (kind == "scattered 64") {
        std::vector<int> at;
        for (int i = 0; i < 64; ++i) at.push_back(random.below(n));
        std::sort(at.begin(), at.end());
        at.erase(std::unique(at.begin(), at.end()), at.end());
        for (int t : at) {
            if (!list.empty() && list.back().end == t) list.back().end = t + 1;
            else list.push_back({t, t + 1});
        }
    } else if (kind == "spans") {
        int t = 0;
        list.push_back({0, 1});
        while (t < n) {
            const int a = t + 2 + random.below(90), b = a + 1 + random.below(60);
            if (a < n) list.push_back({a, b});
            t = b;
        }
    } else if (kind == "alternate") {  // many intervals in one page
        for (int t = 0; t < n; t += 2) list.push_back({t, t + 1});
    }
    return list;
}

uint16_t toBits(Element e, float v) { return e == Element::F16 ? floatToF16(v) : floatToBf16(v); }
float fromBits(Element e, uint16_t v) { return e == Element::F16 ? f16ToFloat(v) : bf16ToFloat(v); }

bool ok(cudaError_t status, const char* what) {
    check::that(status == cudaSuccess, std::string(what) + ": " + cudaGetErrorString(status), __FILE__, __LINE__);
    return status == cudaSuccess;
}

std::optional<SpanKernel> maybeOnly;  ///< --only NAME: where every kernel takes too long, as under a race checker

class Fixture {
  public:
    Fixture(const LaunchContext& ctx, Shape shape, Element kvType, std::vector<Row> rows, uint64_t seed,
            Extra extra = {})
        : m_ctx(ctx), m_shape(shape), m_type(kvType), m_extra(extra), m_rows(std::move(rows)), m_random(seed) {
        for (const Row& r : m_rows) m_nPages += (r.nTokens + kPageTokens - 1) / kPageTokens;
        m_order.resize(static_cast<size_t>(m_nPages));
        for (int i = 0; i < m_nPages; ++i) m_order[static_cast<size_t>(i)] = i;
        for (int i = m_nPages - 1; i > 0; --i)
            std::swap(m_order[static_cast<size_t>(i)], m_order[static_cast<size_t>(m_random.below(i + 1))]);
        const size_t n =
            static_cast<size_t>(m_nPages) * static_cast<size_t>(shape.nKvHeads * 2 * kPageTokens * shape.headDim);
        m_kv.resize(n);
        std::vector<uint16_t> bits(m_type == Element::F32 ? 0 : n);
        for (size_t i = 0; i < n; ++i) {
            float v = m_random.normal();
            if (m_type != Element::F32) {
                bits[i] = toBits(m_type, v);
                v = fromBits(m_type, bits[i]);
            }
            m_kv[i] = v;
        }
        m_q.resize(m_rows.size() * static_cast<size_t>(shape.nHeads * shape.headDim));
        for (float& v : m_q) v = m_random.normal();
        m_good = true;
        need(m_dKv.allocate("kv", n * elementBytes(m_type)));
        need(m_dQ.allocate("q", m_q.size() * 4));
        need(m_dOut.allocate("out", m_q.size() * 4));
        need(m_dTable.allocate("table", m_order.size() * 4));
        need(m_dKept.allocate("kept", m_order.size() * sizeof(KeptPage)));
        need(m_dState.allocate("state", m_rows.size() * sizeof(SequenceState)));
        need(m_dRows.allocate("rows", 2 * kMaxBatch * sizeof(BatchRow)));
        if (m_extra.window > 0) {
            need(m_dLogical.allocate("logical pages", m_order.size() * 4));
            m_windowPages = pagesOfWindow(m_extra.window, m_nPages);
            need(m_dWindowKept.allocate("pages of a window",
                                        m_rows.size() * static_cast<size_t>(m_windowPages) * sizeof(KeptPage)));
        }
        need(m_dX.allocate("x", kMaxBatch * 8 * 4));
        need(m_dRotation.allocate("rotation", kMaxBatch * 128 * 8));
        need(m_dFreq.allocate("freq", 128 * 8));
        need(m_items.allocate("items", kMaxBatch * sizeof(StepItem)));
        need(m_intervals.allocate("intervals", size_t{1} << 20));
        const SpanAttentionScratch s =
            spanAttentionScratch(ctx.nSm, kMaxBatch, 1, shape.nHeads, shape.nKvHeads, shape.headDim);
        need(m_dPartialO.allocate("partial", s.partialOBytes));
        need(m_dPartialMl.allocate("partial", s.partialMlBytes));
        need(m_dArrived.allocate("arrived", s.arrivedBytes));
        need(m_dWork.allocate("schedule", s.workBytes));
        if (!m_good) return;
        m_good =
            ok(cudaMemset(m_dArrived.as<>(), 0, s.arrivedBytes), "memset") &&
            ok(cudaMemset(m_dFreq.as<>(), 0, m_dFreq.nBytes()), "memset") &&
            ok(cudaMemset(m_dX.as<>(), 0, m_dX.nBytes()), "memset") &&
            ok(cudaMemcpy(m_dKv.as<>(), m_type == Element::F32 ? static_cast<const void*>(m_kv.data()) : bits.data(),
                          n * elementBytes(m_type), cudaMemcpyHostToDevice),
               "kv") &&
            ok(cudaMemcpy(m_dQ.as<>(), m_q.data(), m_q.size() * 4, cudaMemcpyHostToDevice), "q") &&
            ok(cudaMemcpy(m_dTable.as<>(), m_order.data(), m_order.size() * 4, cudaMemcpyHostToDevice), "table") &&
            ok(cudaDeviceSynchronize(), "set up");  // the test's stream does not wait for the default one
    }

    /// The lists as seen by queries at (nTokens - 1 - back). update: how the device gets to know.
    void run(const std::string& name, MaskUpdate update, int back, int minPages, double tolerance) {
        if (!m_good) return;
        StepItem* items = m_items.host<StepItem>();
        Interval* staged = m_intervals.host<Interval>();
        size_t nStaged = 0;
        int firstPage = 0;
        for (size_t r = 0; r < m_rows.size(); ++r) {
            const int position = m_rows[r].nTokens - 1 - back;
            StepItem item;
            item.token = 0;
            item.position = position;
            item.table = m_dTable.as<int32_t>() + firstPage;
            item.kept = m_dKept.as<KeptPage>() + firstPage;
            item.state = m_dState.as<SequenceState>() + r;
            if (m_extra.window > 0) item.logical = m_dLogical.as<int32_t>() + firstPage;
            if (update == MaskUpdate::Rebuild) {
                item.update = update;
                item.intervals = m_intervals.device<Interval>() + nStaged;
                for (const Interval& v : m_rows[r].list) {
                    const Interval c = clipToQuery(v, position);
                    if (c.begin < c.end) staged[nStaged++] = c, ++item.nIntervals;
                }
            } else {
                item.update =
                    mayRead(m_rows[r].list.data(), static_cast<int32_t>(m_rows[r].list.size()), position, position)
                        ? MaskUpdate::Extend
                        : MaskUpdate::Keep;
            }
            items[r] = item;
            firstPage += (m_rows[r].nTokens + kPageTokens - 1) / kPageTokens;
        }
        PlanStepParams plan;
        plan.items = m_items.device<StepItem>();
        plan.rows = m_dRows.as<BatchRow>();
        plan.x = m_dX.as<float>();
        plan.embedding.data = m_dFreq.as<>();
        plan.hidden = 8;
        plan.rotations = {m_dFreq.as<float2>(), 1, m_shape.headDim / 2, m_dRotation.as<float2>()};
        SpanAttentionParams p;
        p.rows = plan.rows;
        p.nRows = static_cast<int32_t>(m_rows.size());
        p.softcap = m_extra.softcap;
        if (m_extra.window > 0) {
            plan.nWindows = 1;
            plan.windows[0] = m_extra.window;
            plan.windowKept[0] = m_dWindowKept.as<KeptPage>();
            plan.windowPages[0] = m_windowPages;
            p.rows += p.nRows;
        }
        p.q = m_dQ.as<float>();
        p.kv = m_dKv.as<>();
        p.kvType = m_type;
        p.nHeads = m_shape.nHeads;
        p.nKvHeads = m_shape.nKvHeads;
        p.headDim = m_shape.headDim;
        p.scale = 1.f / std::sqrt(static_cast<float>(m_shape.headDim));
        p.out = m_dOut.as<>();
        p.minPages = minPages;
        p.work = m_dWork.as<BlockWork>();
        p.partialO = m_dPartialO.as<float>();
        p.partialMl = m_dPartialMl.as<float2>();
        p.arrived = m_dArrived.as<int32_t>();
        for (int time = 0; time < 2; ++time)  // twice: tuning repeats a step, and nothing may come of it
            if (!ok(launchPlanStep(m_ctx, plan, p.nRows), "plan_step")) return;
        std::vector<float> out(m_q.size());
        const bool hasOthers = m_ctx.bulkCopies && takesTensorCores({m_type, p.nRows, p.nHeads, p.nKvHeads, p.headDim});
        const SpanKernel kernels[] = {SpanKernel::Auto, SpanKernel::Plain,   SpanKernel::Direct,
                                      SpanKernel::Ring, SpanKernel::Cluster, SpanKernel::ClusterDeep};
        for (int round = 0; round < (hasOthers ? 12 : 2); ++round) {  // each twice: the counters must come back to zero
            p.kernel = kernels[round / 2];
            if (maybeOnly && p.kernel != *maybeOnly) continue;
            ok(cudaMemsetAsync(m_dOut.as<>(), 0xff, m_dOut.nBytes(), m_ctx.stream), "poison");
            if (!ok(launchSpanSchedule(m_ctx, p), "schedule") ||
                !ok(cudaStreamSynchronize(m_ctx.stream), "synchronize"))
                return;
            if (!ok(launchSpanAttention(m_ctx, p), "span_attention")) return;
            if (!ok(cudaStreamSynchronize(m_ctx.stream), "synchronize")) return;
            ok(cudaMemcpy(out.data(), m_dOut.as<>(), out.size() * 4, cudaMemcpyDeviceToHost), "out");
            compare(name + ", kernel " + std::to_string(static_cast<int>(p.kernel)) + (round % 2 ? " again" : ""), out,
                    back, tolerance);
        }
    }

    double worst() const { return m_worst; }

  private:
    void need(const Status& s) {
        if (!s.ok()) {
            check::that(false, s.error().toString(), __FILE__, __LINE__);
            m_good = false;
        }
    }
    void compare(const std::string& name, const std::vector<float>& out, int back, double tolerance) {
        if (back != m_wantBack) computeWant(back);
        const size_t width = static_cast<size_t>(m_shape.nHeads * m_shape.headDim);
        for (size_t r = 0; r < m_rows.size(); ++r) {
            const double error = check::relativeError(out.data() + r * width, m_want.data() + r * width, width);
            m_worst = std::max(m_worst, error);
            CHECK_THAT(error < tolerance, name + ", row " + std::to_string(r) + ", " +
                                              std::to_string(m_rows[r].nTokens - back) + " tokens: error " +
                                              std::to_string(error));
        }
    }
    void computeWant(int back) {
        m_wantBack = back;
        const int hd = m_shape.headDim, perKv = m_shape.nHeads / m_shape.nKvHeads;
        m_want.assign(m_q.size(), 0.0);
        int firstPage = 0;
        for (size_t r = 0; r < m_rows.size(); ++r) {
            const int position = m_rows[r].nTokens - 1 - back;
            for (int h = 0; h < m_shape.nHeads; ++h) {
                const size_t at =
                    (r * static_cast<size_t>(m_shape.nHeads) + static_cast<size_t>(h)) * static_cast<size_t>(hd);
                const float* q = m_q.data() + at;
                double* want = m_want.data() + at;
                std::vector<std::pair<double, const float*>> seen;
                double top = -std::numeric_limits<double>::infinity();
                for (const Interval& v : m_rows[r].list) {
                    const Interval c = clipToQuery(v, position);
                    for (int t = c.begin; t < c.end; ++t) {
                        if (!inWindow(m_extra.window, position, t)) continue;
                        const size_t page =
                            static_cast<size_t>(m_order[static_cast<size_t>(firstPage + t / kPageTokens)]);
                        const float* k =
                            m_kv.data() +
                            ((page * static_cast<size_t>(m_shape.nKvHeads) + static_cast<size_t>(h / perKv)) * 2 *
                                 kPageTokens +
                             static_cast<size_t>(t % kPageTokens)) *
                                static_cast<size_t>(hd);
                        double dot = 0;
                        for (int d = 0; d < hd; ++d) dot += static_cast<double>(q[d]) * static_cast<double>(k[d]);
                        dot /= std::sqrt(static_cast<double>(hd));
                        const double cap = static_cast<double>(m_extra.softcap);
                        if (cap > 0) dot = cap * std::tanh(dot / cap);
                        seen.emplace_back(dot, k + kPageTokens * hd);
                        top = std::max(top, dot);
                    }
                }
                double total = 0;
                for (const auto& s : seen) {
                    const double w = std::exp(s.first - top);
                    total += w;
                    for (int d = 0; d < hd; ++d) want[d] += w * static_cast<double>(s.second[d]);
                }
                for (int d = 0; d < hd; ++d)
                    if (total > 0) want[d] /= total;
            }
            firstPage += (m_rows[r].nTokens + kPageTokens - 1) / kPageTokens;
        }
    }

    LaunchContext m_ctx;
    Shape m_shape;
    Element m_type;
    Extra m_extra;
    std::vector<Row> m_rows;
    check::Random m_random;
    int m_nPages = 0, m_windowPages = 0;
    std::vector<int> m_order;
    std::vector<float> m_kv, m_q;
    bool m_good = false;
    double m_worst = 0;
    int m_wantBack = -1;
    std::vector<double> m_want;  ///< for queries m_wantBack before the end
    DeviceBuffer m_dKv, m_dQ, m_dOut, m_dTable, m_dKept, m_dState, m_dRows, m_dX, m_dRotation, m_dFreq, m_dWork,
        m_dPartialO, m_dPartialMl, m_dArrived, m_dLogical, m_dWindowKept;
    MappedBuffer m_items, m_intervals;
};

/// The contract's: 1e-2 for bf16 (8 bits of mantissa in Q, K, V, P), 1e-3 for float32; f16 has 11 bits.
double toleranceOf(Element e) { return e == Element::BF16 ? 1e-2 : e == Element::F16 ? 2e-3 : 1e-3; }
const char* nameOf(Element e) { return e == Element::BF16 ? "bf16" : e == Element::F16 ? "f16" : "f32"; }

/// Soft caps and windows, alone and together, under every kind of list; then lists that grow while old pages leave the
/// window.
double testExtras(const LaunchContext& ctx, Element type, bool shortRun, uint64_t& seed, double worst) {
    const char* kinds[] = {"dense", "sink", "every page partly", "spans", "alternate"};
    const Extra extras[] = {{0.8f, 0}, {0, 1}, {0, 16}, {1.5f, 100}, {0, 4096}};
    const Shape shapes[] = {{4, 2, 64}, {8, 1, 256}};
    for (const Shape& shape : shapes)
        for (const Extra& extra : extras) {
            if (shortRun && extra.window != 100) continue;
            const std::string name = std::string(nameOf(type)) + " x" + std::to_string(shape.headDim) + " cap " +
                                     std::to_string(extra.softcap) + " window " + std::to_string(extra.window);
            for (const char* kind : kinds) {
                check::Random random(++seed);
                const int n = shortRun ? 150 : 700 + random.below(100);
                Fixture f(ctx, shape, type, {{n, makeList(kind, n, random)}}, seed, extra);
                f.run(name + " " + kind, MaskUpdate::Rebuild, 0, 4, toleranceOf(type));
                worst = std::max(worst, f.worst());
            }
            check::Random random(++seed);
            std::vector<Row> rows;
            for (int r = 0; r < 7; ++r) {
                const int n = 60 + random.below(400);
                std::vector<Interval> list = makeList(kinds[r % 5], n - 50, random);
                while (!list.empty() && list.back().end >= n - 50) list.pop_back();
                if (r % 2) list.push_back({n - 50, kOpenEnd});  // else the query itself stays out
                if (list.empty()) list.push_back({0, 1});
                rows.push_back({n, list});
            }
            Fixture f(ctx, shape, type, rows, ++seed, extra);
            const int growth = shortRun ? 2 : extra.window == 16 || extra.window == 100 ? 34 : 3;
            f.run(name + " growing", MaskUpdate::Rebuild, growth, 4, toleranceOf(type));
            for (int back = growth - 1; back >= 0; --back)
                f.run(name + " growing", MaskUpdate::Extend, back, 4, toleranceOf(type));
            worst = std::max(worst, f.worst());
        }
    return worst;
}

}  // namespace

int main(int argc, char** argv) {
    if (!check::haveGpu()) return 0;
    const bool shortRun = check::isShort(argc, argv);
    for (int i = 1; i + 1 < argc; ++i) {
        if (std::string(argv[i]) != "--only") continue;
        const std::pair<const char*, SpanKernel> named[] = {
            {"direct", SpanKernel::Direct}, {"ring", SpanKernel::Ring}, {"cluster", SpanKernel::Cluster}};
        for (const auto& [name, kernel] : named)
            if (name == std::string(argv[i + 1])) maybeOnly = kernel;
        if (!maybeOnly) {
            std::printf("FAIL: --only %s: found no such kernel, expected direct, ring or cluster\n", argv[i + 1]);
            return 2;
        }
    }
    LaunchContext ctx;
    std::string device;
    if (const Status opened = openContext(0, ctx, device); !opened.ok()) {
        std::printf("FAIL: %s\n", opened.error().toString().c_str());
        return 1;
    }
    std::printf("%s, %d multiprocessors\n", device.c_str(), ctx.nSm);
    const std::vector<int> lengths =
        shortRun ? std::vector<int>{17, 161} : std::vector<int>{1, 15, 16, 17, 501, 2042, 8191};
    const std::vector<Shape> shapes = shortRun ? std::vector<Shape>{{4, 1, 128}, {2, 2, 40}, {2, 1, 256}}
                                               : std::vector<Shape>{{2, 2, 128}, {4, 1, 128}, {8, 1, 64}, {16, 1, 128},
                                                                    {8, 2, 32},  {4, 2, 80},  {4, 4, 96}, {4, 1, 256}};
    const char* kinds[] = {"dense", "sink", "every page partly", "scattered 64", "spans", "alternate", "nothing"};
    uint64_t seed = 1;
    for (Element type : {Element::BF16, Element::F16, Element::F32}) {
        double worst = 0;
        for (const Shape& shape : shapes)
            for (const char* kind : kinds)
                for (int n : lengths) {
                    check::Random random(++seed);
                    Fixture f(ctx, shape, type, {{n, makeList(kind, n, random)}}, seed);
                    const std::string name = std::string(nameOf(type)) + " " + std::to_string(shape.nHeads) + "/" +
                                             std::to_string(shape.nKvHeads) + "x" + std::to_string(shape.headDim) +
                                             " " + kind;
                    for (int minPages : shortRun ? std::vector<int>{1} : std::vector<int>{1, 4})
                        f.run(name, MaskUpdate::Rebuild, 0, minPages, toleranceOf(type));
                    worst = std::max(worst, f.worst());
                }
        std::printf("%s single rows: worst error %.2e\n", nameOf(type), worst);
        worst = 0;
        // Ragged batches with different lists, and the same lists growing over page borders without a rebuild.
        for (int nRows : shortRun ? std::vector<int>{3} : std::vector<int>{3, 17, 64}) {
            check::Random random(++seed);
            std::vector<Row> rows;
            for (int r = 0; r < nRows; ++r) {
                const int n = 40 + random.below(nRows > 20 ? 300 : 1500);
                std::vector<Interval> list = makeList(kinds[r % 7], n, random);
                if (r % 2) {  // an open tail from a little before the end, as a segment being written has
                    const int tail = n - 36;
                    while (!list.empty() && list.back().end >= tail) list.pop_back();
                    list.push_back({tail, kOpenEnd});
                }
                rows.push_back({n, list});
            }
            Fixture f(ctx, {8, 2, 64}, type, rows, ++seed);
            const std::string name = std::string(nameOf(type)) + " ragged " + std::to_string(nRows);
            const int growth = shortRun ? 4 : 35;
            f.run(name, MaskUpdate::Rebuild, growth, 4, toleranceOf(type));
            for (int back = growth - 1; back >= 0; --back)
                f.run(name + " growing", MaskUpdate::Extend, back, 4, toleranceOf(type));
            worst = std::max(worst, f.worst());
        }
        worst = testExtras(ctx, type, shortRun, seed, worst);
        if (type != Element::F32 && !shortRun) {  // many tasks, some cut, some whole, and full rings
            check::Random random(++seed);
            std::vector<Row> rows;
            for (int r = 0; r < 8; ++r) {
                const int n = 1700 + random.below(500);
                rows.push_back({n, makeList(r % 3 ? "dense" : "every page partly", n, random)});
            }
            Fixture f(ctx, {16, 16, 128}, type, rows, ++seed);
            f.run(std::string(nameOf(type)) + " long line", MaskUpdate::Rebuild, 0, 4, toleranceOf(type));
            worst = std::max(worst, f.worst());
        }
        std::printf("%s batches: worst error %.2e\n", nameOf(type), worst);
    }
    return check::finish("tst_gpu_attention");
}
