// The CPU backend against the float64 reference in all that model families differ in: each feature by itself and
// families together, in prefill, decode and probe, with span lists, batches and every cache type.
#include <hwy/targets.h>
#include <QtTest>
#include <map>

#include "compiled_targets.h"
#include "family_models.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/elementwise.h"
#include "played_backend.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

/// A scaffold, spans that read it and themselves, one that reads nothing, and a question that reads everything.
Prompt spans(RandomModel& m) {
    Prompt p;
    p.add(5, kEverything);
    int32_t at = 5;
    for (const int32_t n : {31, 1, 58, 16}) {
        p.add(n, {{0, 5}, {at, kOpenEnd}});
        at += n;
    }
    p.add(3, {});
    p.add(9, {{2, 3}, {40, 41}, {64, kOpenEnd}});
    p.add(17, kEverything);
    p.finish(m);
    return p;
}

void familyRows() {
    QTest::addColumn<int>("family");
    int i = 0;
    for (const NamedModel& family : familyModels()) QTest::newRow(family.name) << i++;
}

void compareWithReference(RandomModel& m, const BackendOptions& o, double tolerance) {
    const Prompt p = spans(m);
    const auto n = int32_t(p.tokens.size());
    const std::vector<int32_t> next = m.tokens(9);
    compare(play(*make(m, o, false), p, next, hardLists(n)), play(*make(m, o, true), p, next, hardLists(n)), tolerance);
}

}  // namespace

class TestCpuFamilies : public QObject {
    Q_OBJECT
    std::map<int, Trace> m_wanted;  ///< of each family: the reference takes longer than all instruction sets together

  private slots:
    void cleanup() { hwy::SetSupportedTargetsForTest(0); }

    void features_data() {
        QTest::addColumn<int>("feature");
        int i = 0;
        for (const NamedModel& feature : featureModels()) QTest::newRow(feature.name) << i++;
    }
    void features() {
        QFETCH(int, feature);
        RandomModel m(featureModels()[size_t(feature)].options);
        // 1e-4: float32 against float64, as in tst_cpu_backend.
        compareWithReference(m, {.nThreads = 2, .kvTokens = 256}, 1e-4);
    }

    /// A model with the feature computes something else than one without: else its row above would prove nothing.
    void everyFeatureMatters_data() { features_data(); }
    void everyFeatureMatters() {
        QFETCH(int, feature);
        const RandomModelOptions with = featureModels()[size_t(feature)].options;
        RandomModel m(with), without(with);
        ModelShape& s = without.weights.shape;
        const ModelShape plain;
        s.ropes = {Rope::plain(10000, s.headDim)};
        s.layerKinds.clear();
        s.activation = plain.activation;
        s.qkNorm = plain.qkNorm;
        s.embeddingScale = plain.embeddingScale;
        s.attentionScale = plain.attentionScale;
        s.attentionSoftcap = s.logitSoftcap = 0;
        for (LayerWeights& w : without.weights.layers)
            w.qNorm = w.kNorm = w.postAttnNorm = w.postMlpNorm = TensorView{};
        const Prompt p = spans(m);
        const auto a = play(*make(m, {.nThreads = 2, .kvTokens = 256}, false), p, {}, {});
        const auto b = play(*make(without, {.nThreads = 2, .kvTokens = 256}, false), p, {}, {});
        QVERIFY(relativeError(a.prefillLogits, b.prefillLogits) > 1e-2);
    }

    void families_data() {
        QTest::addColumn<int>("family");
        QTest::addColumn<qint64>("target");
        int i = 0;
        for (const NamedModel& family : familyModels()) {
            for (int64_t bit : eachCompiledTarget())
                QTest::addRow("%s, %s", family.name, targetName(bit)) << i << qint64(bit);
            ++i;
        }
    }
    void families() {
        QFETCH(int, family);
        QFETCH(qint64, target);
        hwy::SetSupportedTargetsForTest(target);
        RandomModel m(familyModels()[size_t(family)].options);
        const Prompt p = spans(m);
        const auto n = int32_t(p.tokens.size());
        const std::vector<int32_t> next = m.tokens(9);
        const BackendOptions o{.nThreads = 2, .kvTokens = 256};
        if (!m_wanted.contains(family)) m_wanted[family] = play(*make(m, o, true), p, next, hardLists(n));
        compare(play(*make(m, o, false), p, next, hardLists(n)), m_wanted[family], 1e-4);
    }

    void cacheTypes_data() {
        QTest::addColumn<int>("family");
        QTest::addColumn<int>("type");
        int i = 0;
        for (const NamedModel& family : familyModels()) {
            for (DType t : {DType::F16, DType::BF16}) QTest::addRow("%s, %s", family.name, dtypeName(t)) << i << int(t);
            ++i;
        }
    }
    void cacheTypes() {
        QFETCH(int, family);
        QFETCH(int, type);
        RandomModel m(familyModels()[size_t(family)].options);
        // As in tst_cpu_backend, where a value on the edge between two 16-bit neighbours may round either way, but up
        // to four layers instead of two.
        compareWithReference(m, {.nThreads = 2, .kvTokens = 256, .kvType = DType(type)},
                             DType(type) == DType::BF16 ? 8e-3 : 2e-3);
    }

    void sameForAnyThreadsAndChunks_data() { familyRows(); }
    void sameForAnyThreadsAndChunks() {
        QFETCH(int, family);
        RandomModel m(familyModels()[size_t(family)].options);
        Prompt p;
        p.add(300, kEverything);
        p.finish(m);
        const std::vector<int32_t> next = m.tokens(6);
        const Trace one = play(*make(m, {.nThreads = 1, .kvTokens = 512}, false), p, next, hardLists(300));
        const Trace three = play(*make(m, {.nThreads = 3, .kvTokens = 512}, false), p, next, hardLists(300));
        QCOMPARE(three.prefillLogits, one.prefillLogits);
        QCOMPARE(three.stepLogits, one.stepLogits);
        // The same prompt in calls of odd length: other tiles of queries, and so other pages before their windows.
        auto b = make(m, {.nThreads = 2, .kvTokens = 512}, false);
        const SequenceId seq = *b->createSequence(306);
        std::vector<float> logits(size_t(m.weights.shape.vocab));
        const std::span<const int32_t> tokens(p.tokens);
        int32_t at = 0;
        for (const int32_t n : {77, 1, 133, 89}) {
            const std::vector<QueryRun> run{{0, n, kEverything}};
            QVERIFY(b->prefill(seq, tokens.subspan(size_t(at), size_t(n)), run, logits).ok());
            at += n;
        }
        const std::vector<float> whole(one.prefillLogits.end() - m.weights.shape.vocab, one.prefillLogits.end());
        QCOMPARE(logits, whole);
    }

    void batchEqualsSingle_data() { familyRows(); }
    void batchEqualsSingle() {
        QFETCH(int, family);
        RandomModel m(familyModels()[size_t(family)].options);
        const auto vocab = size_t(m.weights.shape.vocab);
        for (const int32_t n : {2, 5, 11}) {
            auto batched = make(m, {.nThreads = 2, .maxBatch = n, .kvTokens = 2048}, false);
            std::vector<std::vector<float>> want;
            std::vector<List> lists;
            std::vector<DecodeItem> items;
            for (int32_t i = 0; i < n; ++i) {
                Prompt p;
                const int32_t position = 1 + 23 * i;
                p.add(position, kEverything);
                p.finish(m);
                const int32_t token = m.tokens(1)[0];
                const std::vector<List> hard = hardLists(position);
                lists.push_back(hard[size_t(i) % hard.size()]);
                want.push_back(play(*make(m, {.nThreads = 1}, false), p, {token}, {lists.back()}).stepLogits[0]);
                items.push_back({*batched->createSequence(position + 1), token, position, {}, 0});
                QVERIFY(batched->prefill(items.back().sequence, p.tokens, p.runs, {}).ok());
            }
            for (size_t i = 0; i < items.size(); ++i) items[i].visible = lists[i];
            std::vector<float> logits(vocab * size_t(n));
            QVERIFY(batched->decode(items, {{}, {}, logits}).ok());
            for (size_t i = 0; i < size_t(n); ++i) {
                const auto row = logits.begin() + std::ptrdiff_t(i * vocab);
                QCOMPARE(std::vector<float>(row, row + std::ptrdiff_t(vocab)), want[i]);
            }
        }
    }

    /// Several tokens of one sequence in a call, each of them at the end of another window.
    void tokensOfOneSequenceEqualSingles_data() { familyRows(); }
    void tokensOfOneSequenceEqualSingles() {
        QFETCH(int, family);
        RandomModel m(familyModels()[size_t(family)].options);
        constexpr int32_t kRows = 17;
        const Prompt p = spans(m);
        const auto n = int32_t(p.tokens.size());
        const std::vector<int32_t> next = m.tokens(kRows);
        const auto vocab = size_t(m.weights.shape.vocab);
        // Windowed plans have room for one token of each sequence at first: the small cache makes them grow.
        auto single = make(m, {.nThreads = 1, .kvTokens = 256}, false);
        auto many = make(m, {.nThreads = 2, .maxBatch = kRows, .kvTokens = n + kRows}, false);
        std::vector<std::vector<List>> cases(2, std::vector<List>(kRows, kEverything));
        for (int32_t i = 0; i < kRows; ++i) cases[1][size_t(i)] = hardLists(n + i)[size_t(i) % 7];
        const SequenceId a = *single->createSequence(n + kRows), b = *many->createSequence(n + kRows);
        QVERIFY(single->prefill(a, p.tokens, p.runs, {}).ok() && many->prefill(b, p.tokens, p.runs, {}).ok());
        for (const std::vector<List>& lists : cases) {
            single->truncate(a, n);
            many->truncate(b, n);
            std::vector<DecodeItem> items;
            std::vector<float> want, got(vocab * kRows);
            for (int32_t i = 0; i < kRows; ++i) {
                DecodeItem item{a, next[size_t(i)], n + i, lists[size_t(i)], 0};
                std::vector<float> logits(vocab);
                QVERIFY(single->decode({&item, 1}, {{}, {}, logits}).ok());
                want.insert(want.end(), logits.begin(), logits.end());
                item.sequence = b;
                items.push_back(item);
            }
            QVERIFY(many->decode(items, {{}, {}, got}).ok());
            QCOMPARE(got, want);
        }
    }

    /// Layers of windows 0, 48 and 20 at a position in the middle of a page: pages outside a window are not read.
    void pagesReadFollowTheWindow() {
        RandomModel m({.nLayers = 4, .layerKinds = {{.window = 20}, {}, {.window = 48}, {.window = 20}}});
        auto b = make(m, {.nThreads = 2, .kvTokens = 1024}, false);
        auto& cpuBackend = static_cast<cpu::CpuBackend&>(*b);
        const SequenceId seq = *b->createSequence(1000);
        Prompt p;
        p.add(900, {{0, 16}});
        p.finish(m);
        QVERIFY(b->prefill(seq, p.tokens, p.runs, {}).ok());
        const auto pagesOf = [&](const List& list) {
            const uint64_t before = cpuBackend.kvPagesLoaded();
            const DecodeItem item{seq, 1, 900, list, 0};
            if (!b->decode({&item, 1}, {}).ok()) return -1;
            b->truncate(seq, 900);
            const auto n = int(cpuBackend.kvPagesLoaded() - before) / m.weights.shape.nKvHeads;
            // What the program reports as read is what was loaded.
            int reported = 0;
            for (const LayerKind& kind : m.weights.shape.layerKinds)
                reported += (loadedTokens(list.data(), int32_t(list.size()), 900, kind.window) + 15) / 16;
            return n == reported ? n : -1;
        };
        // Token 900 lies on page 56. The window of 20 begins at 881 on page 55, that of 48 at 853 on page 53.
        QCOMPARE(pagesOf(kEverything), 57 + 4 + 2 * 2);
        QCOMPARE(pagesOf({{0, 1}, {100, 130}, {896, kOpenEnd}}), 1 + 3 + 1 + 3 * 1);
        QCOMPARE(pagesOf({{0, 860}}), 54 + 1);
        QCOMPARE(pagesOf({{5, 7}}), 1);  // nothing of it in any window
        QCOMPARE(pagesOf({}), 0);
    }

    void probe_data() { familyRows(); }
    void probe() {
        QFETCH(int, family);
        RandomModel m(familyModels()[size_t(family)].options);
        const Prompt p = spans(m);
        const auto n = int32_t(p.tokens.size());
        const int32_t position = n - 12;
        const List list{{0, 3}, {60, position - 30}, {position - 13, kOpenEnd}};
        const ModelShape& s = m.weights.shape;
        std::unique_ptr<Backend> both[2] = {make(m, {.kvTokens = 256}, true),
                                            make(m, {.nThreads = 2, .kvTokens = 256}, false)};
        ProbeResult results[2];
        std::vector<float> after[2];
        for (size_t i = 0; i < 2; ++i) {
            const SequenceId seq = *both[i]->createSequence(n + 1);
            QVERIFY(both[i]->prefill(seq, p.tokens, p.runs, {}).ok());
            auto r = both[i]->probe({seq, 9, position, list, {}});
            QVERIFY(r.ok());
            results[i] = *r;
            after[i].resize(size_t(s.vocab));
            const DecodeItem item{seq, 1, n, kEverything, 0};
            QVERIFY(both[i]->decode({&item, 1}, {{}, {}, after[i]}).ok());
        }
        QVERIFY(relativeError(results[1].logits, results[0].logits) < 1e-4);
        QVERIFY(relativeError(results[1].probabilities, results[0].probabilities) < 2e-4);
        QVERIFY(relativeError(after[1], after[0]) < 1e-4);  // the cache is as it was
        const auto nKeys = size_t(position + 1);
        QCOMPARE(results[1].probabilities.size(), size_t(s.nLayers * s.nHeads) * nKeys);
        for (int32_t row = 0; row < s.nLayers * s.nHeads; ++row) {
            const int32_t window = s.layerKind(row / s.nHeads).window;
            double sum = 0;
            for (int32_t k = 0; k <= position; ++k) {
                const float v = results[1].probabilities[size_t(row) * nKeys + size_t(k)];
                sum += double(v);
                const bool visible = (k < 3 || (k >= 60 && k < position - 30) || k >= position - 13) &&
                                     (window == 0 || k > position - window);
                QVERIFY(visible ? v > 0 : v == 0);
            }
            QVERIFY(std::abs(sum - 1) < 1e-5);
        }
    }

    /// Both kinds in one batch: the angles are chosen by what a sequence has room for, not by its length.
    void longRopeFollowsTheCapacity() {
        RandomModel m({.ropes = {longRope(16)}, .longRopeAbove = 100});
        Prompt p;
        p.add(40, kEverything);
        p.finish(m);
        std::vector<float> logits[2];
        for (size_t i = 0; i < 2; ++i) {
            auto b = make(m, {.nThreads = 2, .maxBatch = 2, .kvTokens = 256}, i == 0);
            const SequenceId ids[2] = {*b->createSequence(100), *b->createSequence(101)};
            for (const SequenceId id : ids) QVERIFY(b->prefill(id, p.tokens, p.runs, {}).ok());
            const DecodeItem items[2] = {{ids[0], 3, 40, kEverything, 0}, {ids[1], 3, 40, kEverything, 0}};
            logits[i].resize(size_t(2 * m.weights.shape.vocab));
            QVERIFY(b->decode(items, {{}, {}, logits[i]}).ok());
        }
        QVERIFY(relativeError(logits[1], logits[0]) < 1e-4);
        const auto middle = logits[1].begin() + m.weights.shape.vocab;
        QVERIFY(relativeError({logits[1].begin(), middle}, {middle, logits[1].end()}) > 1e-2);
    }

    void curves_data() {
        QTest::addColumn<qint64>("target");
        for (int64_t bit : eachCompiledTarget()) QTest::newRow(targetName(bit)) << qint64(bit);
    }
    /// The activations and the cap value by value, with a last part that fills no vector.
    void curves() {
        QFETCH(qint64, target);
        hwy::SetSupportedTargetsForTest(target);
        std::vector<float> x;
        for (int i = -1203; i <= 1204; ++i) x.push_back(float(i) / 60.0f);
        for (const float v : {-3e4f, -300.0f, 300.0f, 3e4f, 0.0f, 1e-30f, -1e-8f}) x.push_back(v);
        const std::vector<float> up(x.size(), 0.75f);
        std::vector<float> silu = x, gelu = x, capped = x;
        cpu::siluMul(silu.data(), up.data(), int64_t(x.size()));
        cpu::geluTanhMul(gelu.data(), up.data(), int64_t(x.size()));
        cpu::softcap(capped.data(), int64_t(x.size()), 30.0f);
        for (size_t i = 0; i < x.size(); ++i) {
            const double v = double(x[i]);
            const double inner = std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v);
            // A sigmoid's argument t is right to a few parts in 1e7, and exp(t) to t times as much.
            const auto close = [&](float got, double want, double t) {
                return std::abs(double(got) - want) <= 5e-7 * (1 + std::abs(t)) * std::abs(want) + 1e-33;
            };
            QVERIFY(close(silu[i], 0.75 * v / (1 + std::exp(-v)), v));
            // 1 + tanh loses what is left of it below -9; the same number without that loss:
            QVERIFY2(close(gelu[i], 0.75 * v / (1 + std::exp(-2 * inner)), 2 * inner), qPrintable(QString::number(v)));
            QVERIFY(std::abs(double(capped[i]) - 30 * std::tanh(v / 30)) <= 5e-7 * std::min(30.0, std::abs(v)));
        }
    }
};

QTEST_GUILESS_MAIN(TestCpuFamilies)
#include "tst_cpu_families.moc"
