// The CPU backend against the float64 reference, on seeded random models: every instruction set this machine has,
// every weight and cache format, odd lengths, hard lists. Nothing here is timed; cost is counted in pages.
#include <hwy/targets.h>
#include <QtTest>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "compiled_targets.h"
#include "kernels/cpu/cpu_backend.h"
#include "played_backend.h"

using namespace spanscope;
using namespace spanscope::test;
using cpu::BestLogit;
using cpu::bestLogit;
using cpu::kLogitRange;
using cpu::LogitRange;
using cpu::logitRange;

namespace {

/// One format of every decode path.
void someFormats() {
    QTest::addColumn<int>("type");
    for (DType t :
         {DType::BF16, DType::Q8_0, DType::Q4_0, DType::Q4_1, DType::Q5_0, DType::Q2_K, DType::Q4_K, DType::IQ4_XS})
        QTest::newRow(dtypeName(t)) << int(t);
}

}  // namespace

class TestCpuBackend : public QObject {
    Q_OBJECT

  private slots:
    void cleanup() { hwy::SetSupportedTargetsForTest(0); }

    void lengths_data() {
        QTest::addColumn<int>("length");
        QTest::addColumn<qint64>("target");
        QTest::addColumn<int>("kvHeads");
        const int64_t targets = compiledTargets();
        for (int n : {1, 15, 16, 17, 37, 127, 501}) QTest::addRow("%d tokens", n) << n << qint64(targets) << 2;
        QTest::addRow("2042 tokens") << 2042 << qint64(targets) << 1;
        for (int64_t bit : eachCompiledTarget()) {
            QTest::addRow("127 tokens, %s", targetName(bit)) << 127 << qint64(bit) << 4;
            QTest::addRow("37 tokens, %s", targetName(bit)) << 37 << qint64(bit) << 1;
        }
    }
    void lengths() {
        QFETCH(int, length);
        QFETCH(qint64, target);
        QFETCH(int, kvHeads);
        hwy::SetSupportedTargetsForTest(target);
        RandomModel m({.nLayers = length > 1000 ? 1 : 2,
                       .nHeads = 4,
                       .nKvHeads = kvHeads,
                       .headDim = 18,
                       .hidden = 37,
                       .ffn = 61,
                       .biases = true,
                       .seed = uint32_t(length)});
        Prompt p;
        p.add(length, kEverything);
        p.finish(m);
        const BackendOptions o{.nThreads = 2, .kvTokens = 4096};
        const std::vector<int32_t> next = m.tokens(7);
        const auto want = play(*make(m, o, true), p, next, hardLists(length));
        // 1e-4: float32 sums of up to 2042 terms against float64.
        compare(play(*make(m, o, false), p, next, hardLists(length)), want, 1e-4);
    }

    void shapes_data() {
        QTest::addColumn<int>("heads");
        QTest::addColumn<int>("kvHeads");
        QTest::addColumn<int>("headDim");
        QTest::addColumn<bool>("biases");
        QTest::addColumn<bool>("tied");
        QTest::addColumn<bool>("interleaved");
        QTest::newRow("bundled model's heads") << 4 << 4 << 64 << false << true << false;
        QTest::newRow("gqa 8:1") << 8 << 1 << 32 << false << false << false;
        QTest::newRow("gqa 6:2, biased") << 6 << 2 << 16 << true << false << false;
        QTest::newRow("gqa 7:1, tied, pairs") << 7 << 1 << 80 << false << true << true;
        QTest::newRow("one head of two") << 1 << 1 << 2 << true << true << true;
        QTest::newRow("wide head") << 2 << 1 << 128 << false << false << false;
    }
    void shapes() {
        QFETCH(int, heads);
        QFETCH(int, kvHeads);
        QFETCH(int, headDim);
        QFETCH(bool, biases);
        QFETCH(bool, tied);
        QFETCH(bool, interleaved);
        RandomModel m({.nHeads = heads,
                       .nKvHeads = kvHeads,
                       .headDim = headDim,
                       .hidden = 64,
                       .ffn = 96,
                       .vocab = 101,
                       .biases = biases,
                       .tied = tied,
                       .interleaved = interleaved,
                       .seed = uint32_t(headDim)});
        Prompt p;
        p.add(90, kEverything);
        p.finish(m);
        const BackendOptions o{.nThreads = 2, .kvTokens = 256};
        const std::vector<int32_t> next = m.tokens(7);
        compare(play(*make(m, o, false), p, next, hardLists(90)), play(*make(m, o, true), p, next, hardLists(90)),
                1e-4);
    }

    void weightFormats_data() {
        QTest::addColumn<int>("type");
        QTest::addColumn<qint64>("target");
        for (DType t : kDTypes)
            for (int64_t bit : eachCompiledTarget())
                QTest::addRow("%s, %s", dtypeName(t), targetName(bit)) << int(t) << qint64(bit);
    }
    void weightFormats() {
        QFETCH(int, type);
        QFETCH(qint64, target);
        hwy::SetSupportedTargetsForTest(target);
        RandomModel m({.nHeads = 4,
                       .nKvHeads = 2,
                       .headDim = 64,
                       .hidden = 256,
                       .ffn = 512,
                       .vocab = 127,
                       .type = DType(type),
                       .seed = uint32_t(type + 1)});
        Prompt p;
        p.add(20, kEverything);
        p.finish(m);
        const BackendOptions o{.nThreads = 2, .kvTokens = 64};
        const std::vector<int32_t> next = m.tokens(3);
        // Block formats: decode rounds its inputs to 16 bits for each 32 values (gemv_blocks-inl.h), a tenth or less
        // of the formats' own step; here some 2e-4 after two layers whose attention sharpens every difference.
        compare(play(*make(m, o, false), p, next, {kEverything}), play(*make(m, o, true), p, next, {kEverything}),
                isBlocked(DType(type)) ? 1e-3 : 1e-4);
    }

    void cacheFormats_data() {
        QTest::addColumn<int>("type");
        QTest::addColumn<qint64>("target");
        for (DType t : {DType::F16, DType::BF16})
            for (int64_t bit : eachCompiledTarget())
                QTest::addRow("%s, %s", dtypeName(t), targetName(bit)) << int(t) << qint64(bit);
    }
    void cacheFormats() {
        QFETCH(int, type);
        QFETCH(qint64, target);
        hwy::SetSupportedTargetsForTest(target);
        RandomModel m({.nHeads = 4, .nKvHeads = 2, .headDim = 20, .hidden = 37});
        Prompt p;
        p.add(70, kEverything);
        p.finish(m);
        const BackendOptions o{.nThreads = 2, .kvTokens = 128, .kvType = DType(type)};
        const std::vector<int32_t> next = m.tokens(7);
        // A value on the edge between two 16-bit neighbours may round either way: a step of the format, then diluted.
        compare(play(*make(m, o, false), p, next, hardLists(70)), play(*make(m, o, true), p, next, hardLists(70)),
                DType(type) == DType::BF16 ? 4e-3 : 5e-4);
    }

    void segmentedPrompt() {
        RandomModel m({.nHeads = 4, .nKvHeads = 2, .headDim = 16});
        Prompt p;
        p.add(5, kEverything);  // scaffold
        int32_t at = 5;
        for (int i = 0; i < 60; ++i) {
            const int32_t n = 1 + (i * 5) % 23;
            p.add(n, {{0, 5}, {at, kOpenEnd}});
            at += n;
        }
        p.add(9, {});  // sees nothing at all
        p.add(3, {{0, 1}, {at + 9, kOpenEnd}});
        p.finish(m);
        QVERIFY(p.tokens.size() > 512);  // more than one chunk
        const BackendOptions o{.nThreads = 2, .kvTokens = 1024};
        const std::vector<int32_t> next = m.tokens(2);
        compare(play(*make(m, o, false), p, next, hardLists(at)), play(*make(m, o, true), p, next, hardLists(at)),
                1e-4);
    }

    void sameForAnyThreadsBatchAndChunks_data() { someFormats(); }
    void sameForAnyThreadsBatchAndChunks() {
        QFETCH(int, type);
        RandomModel m({.nHeads = 4, .nKvHeads = 2, .headDim = 64, .hidden = 256, .ffn = 768, .type = DType(type)});
        Prompt p;
        p.add(700, kEverything);
        p.finish(m);
        const std::vector<int32_t> next = m.tokens(6);
        const Trace one = play(*make(m, {.nThreads = 1, .kvTokens = 1024}, false), p, next, hardLists(700));
        for (int threads : {2, 3, 5}) {
            const Trace t = play(*make(m, {.nThreads = threads, .kvTokens = 1024}, false), p, next, hardLists(700));
            QCOMPARE(t.prefillLogits, one.prefillLogits);
            QCOMPARE(t.stepLogits, one.stepLogits);
        }
        // The same prompt in two calls of odd length.
        auto b = make(m, {.nThreads = 2, .kvTokens = 1024}, false);
        const SequenceId seq = *b->createSequence(700);
        std::vector<float> logits(size_t(m.weights.shape.vocab));
        const std::span<const int32_t> tokens(p.tokens);
        const std::vector<QueryRun> first{{0, 333, kEverything}}, second{{0, 367, kEverything}};
        QVERIFY(b->prefill(seq, tokens.first(333), first, {}).ok());
        QVERIFY(b->prefill(seq, tokens.subspan(333), second, logits).ok());
        const std::vector<float> whole(one.prefillLogits.end() - m.weights.shape.vocab, one.prefillLogits.end());
        QCOMPARE(logits, whole);
    }

    void batchEqualsSingle_data() { someFormats(); }
    void batchEqualsSingle() {
        QFETCH(int, type);
        RandomModel m({.nHeads = 4, .nKvHeads = 4, .headDim = 64, .hidden = 256, .ffn = 768, .type = DType(type)});
        const int32_t n = 11;
        auto batched = make(m, {.nThreads = 2, .maxBatch = n, .kvTokens = 4096}, false);
        std::vector<SequenceId> ids;
        std::vector<std::vector<float>> want;
        std::vector<std::vector<List>> lists;
        std::vector<int32_t> token, position;
        for (int32_t i = 0; i < n; ++i) {
            Prompt p;
            p.add(1 + 29 * i, kEverything);
            p.finish(m);
            token.push_back(m.tokens(1)[0]);
            position.push_back(1 + 29 * i);
            lists.push_back(hardLists(position.back()));
            const List& list = lists.back()[size_t(i) % lists.back().size()];
            want.push_back(play(*make(m, {.nThreads = 1}, false), p, {token.back()}, {list}).stepLogits[0]);
            ids.push_back(*batched->createSequence(position.back() + 1));
            QVERIFY(batched->prefill(ids.back(), p.tokens, p.runs, {}).ok());
        }
        std::vector<DecodeItem> items;
        for (int32_t i = 0; i < n; ++i) {
            const auto at = size_t(i);
            items.push_back({ids[at], token[at], position[at], lists[at][at % lists[at].size()], 0});
        }
        const auto vocab = size_t(m.weights.shape.vocab);
        std::vector<float> logits(vocab * size_t(n)), logprob(size_t(n), 1.0f);
        std::vector<int32_t> best(size_t(n), -1);
        QVERIFY(batched->decode(items, {best, logprob, logits}).ok());
        for (size_t i = 0; i < size_t(n); ++i) {
            const std::vector<float> row(logits.begin() + std::ptrdiff_t(i * vocab),
                                         logits.begin() + std::ptrdiff_t((i + 1) * vocab));
            QCOMPARE(row, want[i]);
            QCOMPARE(best[i], int32_t(std::max_element(row.begin(), row.end()) - row.begin()));
            double sum = 0;
            for (float v : row) sum += std::exp(double(v));
            QVERIFY(std::abs(logprob[i] - (row[size_t(best[i])] - std::log(sum))) < 1e-5);
        }
    }

    /// Several tokens of one sequence in a call get the bits of as many calls, whatever each reads, and leave the same
    /// cache behind. Other sequences stand before and after them.
    void tokensOfOneSequenceEqualSingles_data() {
        QTest::addColumn<int>("type");
        QTest::addColumn<int>("kvType");
        QTest::addColumn<int>("heads");
        QTest::addColumn<int>("kvHeads");
        QTest::addColumn<int>("headDim");
        QTest::addColumn<qint64>("target");
        const auto all = qint64(compiledTargets());
        for (DType t :
             {DType::BF16, DType::Q8_0, DType::Q4_0, DType::Q4_1, DType::Q5_0, DType::Q2_K, DType::Q4_K, DType::IQ4_XS})
            QTest::addRow("weights %s", dtypeName(t)) << int(t) << int(DType::F32) << 4 << 4 << 64 << all;
        for (DType t : {DType::F32, DType::F16, DType::BF16})
            for (int64_t bit : eachCompiledTarget())
                QTest::addRow("cache %s, %s", dtypeName(t), targetName(bit))
                    << int(DType::F32) << int(t) << 9 << 3 << 64 << qint64(bit);
        QTest::addRow("group of 7") << int(DType::F32) << int(DType::F32) << 7 << 1 << 18 << all;
        QTest::addRow("group of 2") << int(DType::F32) << int(DType::BF16) << 4 << 2 << 80 << all;
    }
    void tokensOfOneSequenceEqualSingles() {
        QFETCH(int, type);
        QFETCH(int, kvType);
        QFETCH(int, heads);
        QFETCH(int, kvHeads);
        QFETCH(int, headDim);
        QFETCH(qint64, target);
        hwy::SetSupportedTargetsForTest(target);
        RandomModel m(
            {.nHeads = heads, .nKvHeads = kvHeads, .headDim = headDim, .hidden = 256, .ffn = 768, .type = DType(type)});
        constexpr int32_t kRows = 17, kOthers = 1;
        const BackendOptions o{
            .nThreads = 2, .maxBatch = kRows + 2 * kOthers, .kvTokens = 4096, .kvType = DType(kvType)};
        const auto vocab = size_t(m.weights.shape.vocab);
        // 1: across a border of pages; 250: across one of chunks of 256 tokens.
        for (const int32_t length : {1, 250}) {
            std::vector<std::vector<List>> cases{std::vector<List>(kRows, kEverything),
                                                 std::vector<List>(kRows, List{{0, 1}, {3, 40}, {100, kOpenEnd}})};
            cases.push_back({});  // each its own
            for (int32_t i = 0; i < kRows; ++i) {
                const std::vector<List> hard = hardLists(length + i);
                cases.back().push_back(hard[size_t(i) % hard.size()]);
            }
            Prompt p;
            p.add(length, kEverything);
            p.finish(m);
            const std::vector<int32_t> next = m.tokens(kRows + 1);
            auto single = make(m, o, false), many = make(m, o, false);
            std::vector<SequenceId> ids[2];
            for (int32_t i = 0; i < 2 * kOthers + 1; ++i)
                for (Backend* b : {single.get(), many.get()}) {
                    ids[b == many.get()].push_back(*b->createSequence(length + kRows + 1));
                    QVERIFY(b->prefill(ids[b == many.get()].back(), p.tokens, p.runs, {}).ok());
                }
            for (const std::vector<List>& lists : cases) {
                for (const SequenceId id : ids[0]) single->truncate(id, length);
                for (const SequenceId id : ids[1]) many->truncate(id, length);
                std::vector<float> want;
                const auto one = [&](SequenceId id, int32_t token, int32_t position, const List& list) {
                    const DecodeItem item{id, token, position, list, 0};
                    std::vector<float> logits(vocab);
                    if (!single->decode({&item, 1}, {{}, {}, logits})) qFatal("decode");
                    want.insert(want.end(), logits.begin(), logits.end());
                };
                std::vector<DecodeItem> items{{ids[1][0], next[0], length, kEverything, 0}};
                one(ids[0][0], next[0], length, kEverything);
                for (int32_t i = 0; i < kRows; ++i) {
                    const auto at = size_t(i);
                    items.push_back({ids[1][1], next[at], length + i, lists[at], 0});
                    one(ids[0][1], next[at], length + i, lists[at]);
                }
                items.push_back({ids[1][2], next[1], length, kEverything, 0});
                one(ids[0][2], next[1], length, kEverything);
                std::vector<float> got(items.size() * vocab);
                QVERIFY(many->decode(items, {{}, {}, got}).ok());
                QCOMPARE(got, want);
                QCOMPARE(many->storedTokens(ids[1][1]), length + kRows);
                // What was stored: the next token reads all of it.
                const DecodeItem after{ids[1][1], next[kRows], length + kRows, kEverything, 0};
                got.resize(vocab);
                QVERIFY(many->decode({&after, 1}, {{}, {}, got}).ok());
                want.clear();
                one(ids[0][1], next[kRows], length + kRows, kEverything);
                QCOMPARE(got, want);
                // A draft is rejected: the same rows again, after others stood in their places.
                many->truncate(ids[1][1], length);
                std::vector<int32_t> wrong = m.tokens(kRows);
                std::vector<DecodeItem> again(items.begin() + 1, items.begin() + 1 + kRows), drafted = again;
                for (size_t i = 0; i < size_t(kRows); ++i) drafted[i].token = wrong[i];
                QVERIFY(many->decode(drafted, {}).ok());
                many->truncate(ids[1][1], length);
                QVERIFY(many->decode(again, {}).ok());
                QVERIFY(many->decode({&after, 1}, {{}, {}, got}).ok());
                QCOMPARE(got, want);
            }
        }
    }

    /// A pass over several tokens of a sequence loads each page once, not once for each of them.
    void pagesOfOneSequenceAreReadOnce() {
        RandomModel m({.nLayers = 3, .nHeads = 4, .nKvHeads = 2, .headDim = 16});
        auto b = make(m, {.nThreads = 2, .maxBatch = 17, .kvTokens = 4128}, false);
        auto& cpuBackend = static_cast<cpu::CpuBackend&>(*b);
        const SequenceId seq = *b->createSequence(4128);
        Prompt p;
        p.add(4096, kEverything);
        p.finish(m);
        QVERIFY(b->prefill(seq, p.tokens, p.runs, {}).ok());
        const std::vector<int32_t> next = m.tokens(17);
        for (const int32_t n : {1, 2, 8, 17}) {
            std::vector<DecodeItem> items;
            for (int32_t i = 0; i < n; ++i) items.push_back({seq, next[size_t(i)], 4096 + i, kEverything, 0});
            const uint64_t before = cpuBackend.kvPagesLoaded();
            QVERIFY(b->decode(items, {}).ok());
            QCOMPARE(cpuBackend.kvPagesLoaded() - before, uint64_t(257 + (n > 16 ? 1 : 0)) * 3 * 2);
            b->truncate(seq, 4096);
        }
    }

    /// At 4,096 tokens of context and 64 attended, attention loads the pages of the list and no others.
    void pagesReadFollowTheList() {
        RandomModel m({.nLayers = 3, .nHeads = 4, .nKvHeads = 2, .headDim = 16});
        auto b = make(m, {.nThreads = 2, .kvTokens = 4112}, false);
        auto& cpuBackend = static_cast<cpu::CpuBackend&>(*b);
        const SequenceId seq = *b->createSequence(4112);
        Prompt p;
        p.add(4096, {{0, 16}});  // cheap to prefill
        p.finish(m);
        QVERIFY(b->prefill(seq, p.tokens, p.runs, {}).ok());
        const auto pagesOf = [&](const List& list) {
            const uint64_t before = cpuBackend.kvPagesLoaded();
            const DecodeItem item{seq, 1, 4096, list, 0};
            const bool ok = b->decode({&item, 1}, {}).ok();
            b->truncate(seq, 4096);
            const uint64_t perHead = (cpuBackend.kvPagesLoaded() - before) / (3 * 2);  // layers, KV heads
            // What the program reports as read is what was loaded.
            const int32_t reported = loadedTokens(list.data(), int32_t(list.size()), 4096);
            const bool agrees = uint64_t(reported + 15) / 16 == perHead;
            return ok && agrees ? int(perHead) : -1;
        };
        QCOMPARE(pagesOf(kEverything), 257);
        QCOMPARE(pagesOf({{0, 1}, {2048, 2096}, {4082, kOpenEnd}}), 1 + 3 + 2);  // 64 attended
        QCOMPARE(pagesOf({{2047, 2049}}), 2);
        List scattered;
        for (int32_t i = 0; i < 64; ++i) scattered.push_back({i * 64 + 5, i * 64 + 6});
        QCOMPARE(pagesOf(scattered), 64);
        QCOMPARE(pagesOf({{0, 1}, {3, 5}, {9, 10}, {15, 17}}), 2);  // four intervals, two pages
        QCOMPARE(pagesOf({}), 0);
    }

    void truncateBranches() {
        RandomModel m({});
        Prompt p;
        p.add(50, kEverything);
        p.finish(m);
        auto b = make(m, {.nThreads = 2, .kvTokens = 128}, false);
        const SequenceId seq = *b->createSequence(64);
        QVERIFY(b->prefill(seq, p.tokens, p.runs, {}).ok());
        const auto step = [&](int32_t token, int32_t position) {
            std::vector<float> logits(size_t(m.weights.shape.vocab));
            const DecodeItem item{seq, token, position, kEverything, 0};
            return b->decode({&item, 1}, {{}, {}, logits}).ok() ? logits : std::vector<float>{};
        };
        const auto first = step(3, 50);
        const auto other = step(5, 51);
        b->truncate(seq, 50);
        QCOMPARE(b->storedTokens(seq), 50);
        QVERIFY(step(7, 50) != first);
        b->truncate(seq, 50);
        QCOMPARE(step(3, 50), first);
        QCOMPARE(step(5, 51), other);
    }

    void probe_data() {
        QTest::addColumn<int>("kvHeads");
        QTest::addColumn<int>("kvType");
        QTest::newRow("mha") << 4 << int(DType::F32);
        QTest::newRow("gqa") << 2 << int(DType::F32);
        QTest::newRow("gqa bf16") << 1 << int(DType::BF16);
    }
    void probe() {
        QFETCH(int, kvHeads);
        QFETCH(int, kvType);
        RandomModel m({.nLayers = 3, .nHeads = 4, .nKvHeads = kvHeads, .headDim = 16});
        Prompt p;
        p.add(700, kEverything);  // more than one chunk of pages
        p.finish(m);
        const BackendOptions o{.nThreads = 2, .kvTokens = 1024, .kvType = DType(kvType)};
        std::unique_ptr<Backend> both[2] = {make(m, o, true), make(m, o, false)};
        ProbeResult results[2];
        std::vector<float> after[2];
        for (size_t i = 0; i < 2; ++i) {
            const SequenceId seq = *both[i]->createSequence(701);
            QVERIFY(both[i]->prefill(seq, p.tokens, p.runs, {}).ok());
            const std::vector<int32_t> layers{2, 0};
            const List list{{0, 3}, {100, 160}, {650, kOpenEnd}};
            auto r = both[i]->probe({seq, 9, 680, list, layers});
            QVERIFY(r.ok());
            results[i] = *r;
            QCOMPARE(both[i]->storedTokens(seq), 700);
            QVERIFY(!both[i]->probe({seq, 9, 700, list, {}}).ok());
            after[i].resize(size_t(m.weights.shape.vocab));
            const DecodeItem item{seq, 1, 700, kEverything, 0};
            QVERIFY(both[i]->decode({&item, 1}, {{}, {}, after[i]}).ok());
        }
        const double tolerance = DType(kvType) == DType::F32 ? 1e-4 : 4e-3;
        QVERIFY(relativeError(results[1].logits, results[0].logits) < tolerance);
        QVERIFY(relativeError(results[1].probabilities, results[0].probabilities) < 2 * tolerance);
        QVERIFY(relativeError(after[1], after[0]) < tolerance);  // the cache is as it was
        QCOMPARE(results[1].probabilities.size(), size_t(2 * 4 * 681));
        for (size_t row = 0; row < 8; ++row) {
            double sum = 0;
            for (size_t k = 0; k < 681; ++k) {
                const float v = results[1].probabilities[row * 681 + k];
                sum += v;
                const bool visible = k < 3 || (k >= 100 && k < 160) || k >= 650;
                QVERIFY(visible ? v > 0 : v == 0);
            }
            QVERIFY(std::abs(sum - 1) < 1e-5);
        }
    }

    /// The likeliest token of rows longer than a range, against float64; the first of equals, also in another range.
    void likeliestToken_data() {
        QTest::addColumn<qint64>("target");
        for (int64_t bit : eachCompiledTarget()) QTest::newRow(targetName(bit)) << qint64(bit);
    }
    void likeliestToken() {
        QFETCH(qint64, target);
        hwy::SetSupportedTargetsForTest(target);
        constexpr auto kNone = -std::numeric_limits<float>::infinity();
        std::mt19937 random(7);
        std::normal_distribution<float> draw(0, 4);
        for (const int64_t n : {int64_t{1}, int64_t{37}, kLogitRange, kLogitRange + 1, 3 * kLogitRange - 5}) {
            std::vector<float> row(static_cast<size_t>(n));
            for (int round = 0; round < 4; ++round) {
                for (float& x : row) x = draw(random);
                if (round == 1) row.front() = row.back() = 40;  // the first of two counts
                if (round == 2) row.back() = 40;
                if (round == 3 && n > kLogitRange) std::fill_n(row.begin(), kLogitRange, kNone);
                const auto best = static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
                double sum = 0;
                for (const float x : row) sum += std::exp(double(x) - row[best]);
                std::vector<LogitRange> ranges;
                for (int64_t first = 0; first < n; first += kLogitRange)
                    ranges.push_back(logitRange(row.data(), first, std::min(kLogitRange, n - first)));
                const BestLogit found = bestLogit(ranges);
                QCOMPARE(found.index, int32_t(best));
                // Up to 8,192 terms are added in float32.
                QVERIFY2(std::abs(found.logprob + std::log(sum)) < 1e-4, qPrintable(QString::number(found.logprob)));
            }
        }
    }

    void refusals() {
        RandomModel m({});
        QCOMPARE(makeCpuBackend(m.weights, {.kvType = DType::Q8_0}).error().code, ErrorCode::Unsupported);
        QVERIFY(!makeCpuBackend(m.weights, {.maxBatch = 0}).ok());
        QVERIFY(!makeCpuBackend(m.weights, {.kvTokens = 0}).ok());
        QCOMPARE(makeCpuBackend(m.weights, {.kvTokens = 1 << 22}).ok(), true);  // reserved, not touched
        auto b = make(m, {.nThreads = 2, .maxBatch = 2, .kvTokens = 64}, false);
        auto big = make(m, {.nThreads = 2, .maxBatch = 3, .kvTokens = 64}, false);
        const SequenceId a = *b->createSequence(33);
        QCOMPARE(b->createSequence(17).error().code, ErrorCode::OutOfMemory);
        const SequenceId c = *b->createSequence(16);
        b->freeSequence(a);
        QVERIFY(b->createSequence(48).ok());
        QVERIFY(!b->prefill(a, std::vector<int32_t>{1}, std::vector<QueryRun>{{0, 1, {}}}, {}).ok());
        const List bad{{3, 3}};
        DecodeItem item{c, 0, 0, bad, 0};
        QVERIFY(!b->decode({&item, 1}, {}).ok());
        item.visible = {};
        item.token = m.weights.shape.vocab;
        QVERIFY(!b->decode({&item, 1}, {}).ok());
        item.token = 0;
        item.position = 1;
        QVERIFY(!b->decode({&item, 1}, {}).ok());
        item.position = 0;
        const DecodeItem twice[2] = {item, item};
        QVERIFY(!b->decode(twice, {}).ok());
        DecodeItem apart[3] = {item, {*big->createSequence(16), 0, 0, {}, 0}, item};
        apart[0].sequence = apart[2].sequence = *big->createSequence(16);
        apart[2].position = 1;
        QVERIFY(!big->decode(apart, {}).ok());
        std::swap(apart[1], apart[2]);
        QVERIFY(big->decode(apart, {}).ok());
        QCOMPARE(b->storedTokens(c), 0);
        for (int32_t i = 0; i < 16; ++i) {
            item.position = i;
            QVERIFY(b->decode({&item, 1}, {}).ok());
        }
        item.position = 16;
        QVERIFY(!b->decode({&item, 1}, {}).ok());  // full
    }

    void stageTimesOnlyWhenAsked() {
        RandomModel m({});
        auto b = make(m, {.nThreads = 2, .kvTokens = 64}, false);
        const SequenceId seq = *b->createSequence(64);
        const std::vector<int32_t> tokens = m.tokens(20);
        QVERIFY(b->prefill(seq, tokens, std::vector<QueryRun>{{0, 20, kEverything}}, {}).ok());
        const auto total = [&] {
            const StageTimes t = b->stageTimes();
            return t.attentionNs + t.matmulNs + t.otherNs;
        };
        QCOMPARE(total(), int64_t{0});
        b->setProfiling(true);
        const DecodeItem item{seq, 1, 20, kEverything, 0};
        QVERIFY(b->decode({&item, 1}, {}).ok());
        QVERIFY(b->stageTimes().attentionNs > 0 && b->stageTimes().matmulNs > 0);
        QCOMPARE(total(), b->lastDeviceNs());  // the stages are the whole step
        b->resetStageTimes();
        QCOMPARE(total(), int64_t{0});
    }
};

QTEST_GUILESS_MAIN(TestCpuBackend)
#include "tst_cpu_backend.moc"
