// Adapters beside the weights: the reference against matrices that hold the adapter themselves, the CPU backend against
// the reference in prefill, decode and probe, and what checkWeights() refuses.
#include <hwy/targets.h>
#include <QtTest>

#include "compiled_targets.h"
#include "kernels/checks.h"
#include "kernels/cpu/low_rank.h"
#include "kernels/reference/dequantize.h"
#include "played_backend.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

/// Two layers whose sizes fill no vector; ranks of 5 to 11.
RandomModelOptions adapted(DType type = DType::F32, DType adapterType = DType::F32) {
    RandomModelOptions o{.nHeads = 4, .nKvHeads = 2, .headDim = 20, .hidden = 37, .ffn = 61};
    if (isBlocked(type)) o = {.nHeads = 4, .nKvHeads = 2, .headDim = 64, .hidden = 256, .ffn = 512};
    o.type = type;
    o.adapterRank = 5;
    o.adapterType = adapterType;
    o.replacedRows = {0, 7, 8, 36};
    return o;
}

Prompt somePrompt(RandomModel& m) {
    Prompt p;
    p.add(70, kEverything);
    p.add(21, {{0, 9}, {66, kOpenEnd}});
    p.finish(m);
    // Replaced rows are read, the first and the last among them.
    for (size_t i = 0; i < p.tokens.size(); i += 5) p.tokens[i] = m.weights.embeddingRows.ids[i / 5 % 4];
    return p;
}

std::vector<float> floatsOf(const TensorView& t) {
    std::vector<float> all(size_t(t.rows * t.cols));
    for (int64_t r = 0; r < t.rows; ++r)
        dequantizeRow(t.dtype, static_cast<const uint8_t*>(t.data) + size_t(r) * rowBytes(t.dtype, t.cols), t.cols,
                      all.data() + r * t.cols);
    return all;
}

/// The same model without an adapter: its matrices hold what the adapter adds. F32.
struct MergedModel {
    std::deque<std::vector<float>> memory;
    ModelWeights weights;

    explicit MergedModel(const RandomModel& m) : weights(m.weights) {
        for (size_t l = 0; l < weights.layers.size(); ++l) {
            for (const AdaptedMatrix& part : kAdaptedMatrices) {
                TensorView& t = weights.layers[l].*part.matrix;
                const LowRank& delta = m.weights.adapters[l].*part.delta;
                if (!delta) continue;
                std::vector<float>& w = memory.emplace_back(floatsOf(t));
                const std::vector<float> a = floatsOf(delta.a), b = floatsOf(delta.b);
                const int64_t rank = delta.a.rows;
                for (int64_t r = 0; r < t.rows; ++r)
                    for (int64_t c = 0; c < t.cols; ++c) {
                        double sum = 0;
                        for (int64_t i = 0; i < rank; ++i)
                            sum += double(b[size_t(r * rank + i)]) * double(a[size_t(i * t.cols + c)]);
                        w[size_t(r * t.cols + c)] += float(double(delta.scale) * sum);
                    }
                t = {w.data(), DType::F32, t.rows, t.cols};
            }
        }
        TensorView& head = weights.head ? weights.head : (weights.head = weights.embedding);
        replace(weights.embedding, weights.embeddingRows);
        replace(head, weights.headRows);
        weights.adapters.clear();
        weights.embeddingRows = weights.headRows = {};
    }

  private:
    void replace(TensorView& t, const ReplacedRows& own) {
        std::vector<float>& w = memory.emplace_back(floatsOf(t));
        const std::vector<float> rows = floatsOf(own.rows);
        for (size_t i = 0; i < own.ids.size(); ++i)
            std::copy_n(rows.begin() + std::ptrdiff_t(i) * t.cols, t.cols, w.begin() + own.ids[i] * t.cols);
        t = {w.data(), DType::F32, t.rows, t.cols};
    }
};

}  // namespace

class TestAdapters : public QObject {
    Q_OBJECT

  private slots:
    void cleanup() { hwy::SetSupportedTargetsForTest(0); }

    void referenceEqualsMerged_data() {
        QTest::addColumn<bool>("tied");
        QTest::newRow("head of its own") << false;
        QTest::newRow("tied head") << true;
    }
    void referenceEqualsMerged() {
        QFETCH(bool, tied);
        RandomModelOptions o = adapted();
        o.tied = tied;
        RandomModel m(o);
        const MergedModel merged(m);
        const Prompt p = somePrompt(m);
        const std::vector<int32_t> next{7, 3, 36};
        const BackendOptions options{.kvTokens = 256, .kvType = DType::F32};
        auto plain = makeReferenceBackend(merged.weights, options, true);
        QVERIFY(plain);
        const Trace want = play(**plain, p, next, hardLists(91));
        // 1e-5: the merged matrices are rounded to F32.
        compare(play(*make(m, options, true), p, next, hardLists(91)), want, 1e-5);
        // The adapter matters: without it the logits are others.
        RandomModel without(o);
        without.weights.adapters.clear();
        without.weights.embeddingRows = without.weights.headRows = {};
        const Trace base = play(*make(without, options, true), p, next, hardLists(91));
        QVERIFY(relativeError(base.prefillLogits, want.prefillLogits) > 0.1);
    }

    void everyMatrixMatters_data() {
        QTest::addColumn<int>("part");
        for (int i = 0; i < 7; ++i) QTest::addRow("matrix %d", i) << i;
    }
    /// One matrix adapted alone, on both backends.
    void everyMatrixMatters() {
        QFETCH(int, part);
        RandomModelOptions o = adapted();
        o.adapted = 1u << part;
        o.replacedRows = {5};
        RandomModel m(o), without(o);
        without.weights.adapters.clear();
        Prompt p;
        p.add(40, kEverything);
        p.finish(m);
        const BackendOptions options{.nThreads = 2, .kvTokens = 256};
        const Trace want = play(*make(m, options, true), p, {1, 5}, {kEverything});
        compare(play(*make(m, options, false), p, {1, 5}, {kEverything}), want, 1e-4);
        const Trace base = play(*make(without, options, true), p, {1, 5}, {kEverything});
        QVERIFY(relativeError(base.prefillLogits, want.prefillLogits) > 1e-2);
        QVERIFY(relativeError(base.stepLogits[0], want.stepLogits[0]) > 1e-2);
    }

    void cpu_data() {
        QTest::addColumn<int>("type");
        QTest::addColumn<int>("adapterType");
        QTest::addColumn<qint64>("target");
        const auto add = [](DType type, DType adapterType, int64_t target) {
            QTest::addRow("%s, adapter %s, %s", dtypeName(type), dtypeName(adapterType),
                          target ? targetName(target) : "any instructions")
                << int(type) << int(adapterType) << qint64(target);
        };
        for (const DType adapterType : {DType::F32, DType::F16, DType::BF16}) {
            for (const int64_t bit : eachCompiledTarget()) add(DType::F32, adapterType, bit);
            for (const DType type : {DType::BF16, DType::Q8_0, DType::Q4_1, DType::Q4_K}) add(type, adapterType, 0);
        }
    }
    void cpu() {
        QFETCH(int, type);
        QFETCH(int, adapterType);
        QFETCH(qint64, target);
        hwy::SetSupportedTargetsForTest(target);
        RandomModel m(adapted(DType(type), DType(adapterType)));
        const Prompt p = somePrompt(m);
        const BackendOptions options{.nThreads = 2, .kvTokens = 256};
        // Block formats round the inputs of decode steps to 16 bits; else float32 against float64, as in
        // tst_cpu_backend.
        compare(play(*make(m, options, false), p, {7, 3, 36, 0}, hardLists(91)),
                play(*make(m, options, true), p, {7, 3, 36, 0}, hardLists(91)), isBlocked(DType(type)) ? 1e-3 : 1e-4);
    }

    void mixedTypesAndNorms() {
        RandomModelOptions o = adapted(DType::F32, DType::F16);
        o.postNorms = o.biases = o.tied = true;
        o.logitSoftcap = 2;
        RandomModel m(o);
        for (LayerAdapter& a : m.weights.adapters) {  // one A of another type than its neighbours', one absent
            a.k.a = m.matrix(DType::BF16, a.k.a.rows, a.k.a.cols);
            a.gate = {};
        }
        const Prompt p = somePrompt(m);
        const BackendOptions options{.nThreads = 3, .kvTokens = 256};
        compare(play(*make(m, options, false), p, {7, 3}, hardLists(91)),
                play(*make(m, options, true), p, {7, 3}, hardLists(91)), 1e-4);
    }

    void sameForAnyThreadsAndBatch() {
        RandomModel m(adapted(DType::BF16, DType::BF16));
        const Prompt p = somePrompt(m);
        const Trace one = play(*make(m, {.nThreads = 1, .kvTokens = 256}, false), p, {7, 3}, {kEverything});
        const Trace three = play(*make(m, {.nThreads = 3, .kvTokens = 256}, false), p, {7, 3}, {kEverything});
        QCOMPARE(three.prefillLogits, one.prefillLogits);
        QCOMPARE(three.stepLogits, one.stepLogits);
        const int32_t n = 5;
        auto batched = make(m, {.nThreads = 2, .maxBatch = n, .kvTokens = 1024}, false);
        std::vector<DecodeItem> items;
        for (int32_t i = 0; i < n; ++i) {
            items.push_back({*batched->createSequence(100), 7, int32_t(p.tokens.size()), kEverything, 0});
            QVERIFY(batched->prefill(items.back().sequence, p.tokens, p.runs, {}).ok());
        }
        const auto vocab = size_t(m.weights.shape.vocab);
        std::vector<float> logits(vocab * size_t(n));
        QVERIFY(batched->decode(items, {{}, {}, logits}).ok());
        for (size_t i = 0; i < size_t(n); ++i)
            QCOMPARE(std::vector<float>(logits.begin() + std::ptrdiff_t(i * vocab),
                                        logits.begin() + std::ptrdiff_t((i + 1) * vocab)),
                     one.stepLogits[0]);
    }

    void probe() {
        RandomModel m(adapted());
        const Prompt p = somePrompt(m);
        const auto n = int32_t(p.tokens.size());
        const List list{{0, 30}, {60, kOpenEnd}};
        ProbeResult results[2];
        for (const bool reference : {false, true}) {
            auto b = make(m, {.nThreads = 2, .kvTokens = 256}, reference);
            const SequenceId seq = *b->createSequence(n + 1);
            QVERIFY(b->prefill(seq, p.tokens, p.runs, {}).ok());
            auto r = b->probe({seq, 36, n - 10, list, {}});
            QVERIFY(r);
            results[reference] = std::move(*r);
        }
        QVERIFY(relativeError(results[0].logits, results[1].logits) < 1e-4);
        QVERIFY(relativeError(results[0].probabilities, results[1].probabilities) < 1e-4);
    }

    void refusals() {
        RandomModel m(adapted());
        QVERIFY(checkWeights(m.weights).ok());
        const auto refused = [&](auto change) {
            ModelWeights w = m.weights;
            change(w);
            return !checkWeights(w).ok();
        };
        QVERIFY(refused([](ModelWeights& w) { w.adapters.pop_back(); }));
        QVERIFY(refused([](ModelWeights& w) { w.adapters[1].up.b = {}; }));
        QVERIFY(refused([](ModelWeights& w) { w.adapters[1].up.a = {}; }));
        QVERIFY(refused([](ModelWeights& w) { w.adapters[0].q.a.cols = 36; }));
        QVERIFY(refused([](ModelWeights& w) { w.adapters[0].q.b.rows = 79; }));
        QVERIFY(refused([](ModelWeights& w) { w.adapters[0].q.a.rows = 4; }));
        QVERIFY(refused([](ModelWeights& w) { w.adapters[0].q.a.dtype = DType::Q8_0; }));
        QVERIFY(refused([](ModelWeights& w) { std::swap(w.headRows.ids[0], w.headRows.ids[1]); }));
        QVERIFY(refused([](ModelWeights& w) { w.embeddingRows.ids.back() = 37; }));
        QVERIFY(refused([](ModelWeights& w) { w.embeddingRows.ids.pop_back(); }));
        QVERIFY(refused([](ModelWeights& w) { w.embeddingRows.rows.cols = 36; }));
    }

    /// The adapter's copies are counted.
    void bytesHeld() {
        RandomModelOptions o = adapted();
        o.replacedRows = {};
        RandomModel with(o);
        o.adapterRank = 0;
        RandomModel without(o);
        // Blocks of 16 rows, of columns two by two: A of the matrices that share an input together, each B by itself.
        const auto blocks = [](int64_t rows, int64_t cols) {
            return size_t((rows + 15) / 16 * 16 * ((cols + 1) / 2 * 2)) * sizeof(float);
        };
        size_t adapter = 0;
        for (const LayerAdapter& a : with.weights.adapters) {
            adapter += blocks(a.q.a.rows + a.k.a.rows + a.v.a.rows, 37) + blocks(a.o.a.rows, 80) +
                       blocks(a.gate.a.rows + a.up.a.rows, 37) + blocks(a.down.a.rows, 61);
            for (const AdaptedMatrix& part : kAdaptedMatrices) {
                const LowRank& d = a.*part.delta;
                adapter += blocks(d.b.rows, d.b.cols);
            }
        }
        const size_t activations = (32 + 10 + 10) * sizeof(float);  // of gate and up: two blocks of sums, and A x
        QCOMPARE(make(with, {.nThreads = 1}, false)->bytesHeld(),
                 make(without, {.nThreads = 1}, false)->bytesHeld() + adapter + activations);
    }
};

QTEST_GUILESS_MAIN(TestAdapters)
#include "tst_adapters.moc"
