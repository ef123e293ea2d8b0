// Sequences in a batch get the tokens they would get alone, whatever joins and leaves beside them.
#include <QtTest>

#include "engine/decode/batch.h"
#include "kernels/backends.h"
#include "tests/decode/recording_backend.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

std::vector<int32_t> ids(const RunData& run) {
    std::vector<int32_t> list;
    for (const StepRecord& s : run.steps) list.push_back(s.token.id);
    return list;
}

RunSettings request(int i) {
    RunSettings s;
    s.task = i % 3 == 0 ? "sheet" : "expression";
    s.promptText = i % 3 == 0 ? "1+2\n$1*3" : std::to_string(i) + "+(4-" + std::to_string(i * 7) + ")*3";
    s.attention = i % 2 ? MaskPolicySpec::declared() : MaskPolicySpec::dense();
    s.maxTokens = 5 + 7 * (i % 5);
    return s;
}

std::unique_ptr<Backend> reference(const Model& model, int64_t kvTokens, int32_t maxBatch) {
    BackendOptions o;
    o.nThreads = 1;
    o.kvTokens = kvTokens;
    o.maxBatch = maxBatch;
    auto backend = makeReferenceBackend(model.weights(), o, true);
    return backend ? std::move(*backend) : nullptr;
}

BatchNext requests(int n, int& next) {
    return [n, &next]() -> std::optional<std::pair<int64_t, RunSettings>> {
        if (next >= n) return std::nullopt;
        const int i = next++;
        return std::pair{int64_t{i}, request(i)};
    };
}

}  // namespace

class TestBatch : public QObject {
    Q_OBJECT

  private slots:
    void tokensAreThoseOfARunAlone_data() {
        QTest::addColumn<int>("maxBatch");
        QTest::addColumn<int>("kvTokens");
        QTest::newRow("one") << 1 << 4096;
        QTest::newRow("three") << 3 << 4096;
        QTest::newRow("all") << 32 << 4096;
        QTest::newRow("little memory") << 8 << 128;
    }

    void tokensAreThoseOfARunAlone() {
        QFETCH(int, maxBatch);
        QFETCH(int, kvTokens);
        constexpr int kRequests = 13;
        const auto model = tinyModel({});
        std::vector<std::vector<int32_t>> alone;
        auto single = reference(*model, 4096, 1);
        for (int i = 0; i < kRequests; ++i) {
            auto session = Session::create(model, *single, request(i), i);
            QVERIFY((*session)->prefill(nullptr, {}).ok());
            while ((*session)->step().value()) {}
            alone.push_back(ids((*session)->data()));
        }
        RecordingBackend backend(reference(*model, kvTokens, maxBatch));
        std::vector<std::vector<int32_t>> batched(kRequests);
        int next = 0, nDone = 0;
        const Status ok = runBatched(
            model, backend, maxBatch, requests(kRequests, next),
            [&](int64_t id, Result<RunData> run) {
                QVERIFY2(run.ok(), run.ok() ? "" : run.error().toString().c_str());
                QCOMPARE(run->header.runId, id);
                QVERIFY(run->stats.stop != StopReason::Running);
                batched[static_cast<size_t>(id)] = ids(*run);
                ++nDone;
            },
            nullptr);
        QVERIFY(ok.ok());
        QCOMPARE(nDone, kRequests);
        QCOMPARE(batched, alone);
        QCOMPARE(backend.nLive, 0);
        const size_t largest = *std::max_element(backend.batchSizes.begin(), backend.batchSizes.end());
        QVERIFY(largest <= static_cast<size_t>(maxBatch));
        if (maxBatch > 1) QVERIFY(largest > 1);
    }

    void aBadRequestDoesNotDisturbTheOthers() {
        const auto model = tinyModel({});
        auto backend = reference(*model, 4096, 4);
        int i = 0, good = 0, bad = 0;
        const Status ok = runBatched(
            model, *backend, 4,
            [&]() -> std::optional<std::pair<int64_t, RunSettings>> {
                if (i == 6) return std::nullopt;
                RunSettings s = request(i);
                if (i == 2) s.promptText = "1+";
                if (i == 4) s.maxTokens = 1 << 20;  // never fits
                if (i == 4) s.contextTokens = 1 << 20;
                return std::pair{int64_t{i++}, s};
            },
            [&](int64_t id, Result<RunData> run) {
                QCOMPARE(run.ok(), id != 2 && id != 4);
                ++(run.ok() ? good : bad);
            },
            nullptr);
        QVERIFY(ok.ok());
        QCOMPARE(good, 4);
        QCOMPARE(bad, 2);
    }

    void stopEndsIt() {
        const auto model = tinyModel({});
        auto backend = reference(*model, 4096, 4);
        std::atomic<bool> stop{false};
        int next = 0;
        const Status ok = runBatched(
            model, *backend, 4, requests(100, next), [&](int64_t, Result<RunData>) { stop = true; }, &stop);
        QVERIFY(!ok.ok());
        QCOMPARE(ok.error().code, ErrorCode::Cancelled);
        QVERIFY(next < 20);
    }
};

QTEST_GUILESS_MAIN(TestBatch)
#include "tst_batch.moc"
