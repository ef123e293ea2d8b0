// What bench reports, not how fast: names, counts, definitions, output forms.
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QtTest>

#include "engine/bench/bench.h"
#include "engine/bench/random_weights.h"
#include "engine/model/step_bytes.h"
#include "kernels/backends.h"
#include "kernels/bandwidth.h"
#include "tests/kernels/random_model.h"

using namespace spanscope;
using namespace spanscope::test;

class TestBench : public QObject {
    Q_OBJECT

  private slots:
    void rows() {
        RandomModel m({});
        BenchPlan plan;
        plan.promptSizes = {20};
        plan.predictSizes = {9};
        plan.promptThenPredict = {{20, 9}};
        plan.depths = {0, 100};
        plan.batches = {1, 3};
        plan.attention = {MaskPolicySpec::dense(), {"keep", 32}, {"scatter", 32}};
        plan.repetitions = 2;
        auto backend = makeCpuBackend(
            m.weights, {.nThreads = 1, .maxBatch = benchMaxBatch(plan), .kvTokens = benchSequences(plan).kvTokens()});
        QVERIFY(backend.ok());
        int nProbes = 0;
        const BenchSubject subject{"tiny", "F32", DType::F32, [&] { return ++nProbes, 10.0; }};
        std::vector<BenchRow> rows;
        const Status ran = runBench(**backend, m.weights, subject, plan, nullptr, rows);
        QVERIFY2(ran.ok(), ran.ok() ? "" : ran.error().toString().c_str());
        QCOMPARE(rows.size(), size_t(2 * 3 * (1 + 2 + 1)));
        QStringList names;
        for (size_t i = 0; i < 12; i += 3) names << QString::fromStdString(rows[i].test);
        QCOMPARE(names, QStringList({"pp20", "tg9", "tg9", "pp20+tg9"}));
        names.clear();
        for (size_t i = 0; i < 3; ++i) names << QString::fromStdString(rows[i].attention);
        QCOMPARE(names, QStringList({"dense", "keep=32", "scatter=32"}));
        QCOMPARE(nProbes, 2 * 2 * (1 + 2 * 3));  // depths, batches; before the first repetition and after each
        for (const BenchRow& r : rows) {
            QVERIFY(r.avgTs > 0 && r.stddevTs >= 0);
            QCOMPARE(r.gflops > 0, r.test == "pp20");
            if (r.test != "tg9") continue;
            QVERIFY(r.attentionUs > 0 && r.stepUs > r.attentionUs);
            // GB/s is bytes per step times steps per second; steps, not tokens: a batch reads the weights once.
            const ModelShape& s = m.weights.shape;
            const double kvBytes = 2.0 * s.nLayers * s.nKvHeads * s.headDim * 4 * r.loadedTokens * r.nBatch;
            const double bytes = double(weightBytesPerStep(m.weights)) + kvBytes;
            const double stepsPerS = r.avgTs / r.nBatch;
            QVERIFY(std::abs(r.gbps / (bytes * stepsPerS / 1e9) - 1) < 1e-9);
            QCOMPARE(r.readGBps, 10.0);
            QVERIFY(std::abs(r.bandwidthFraction - r.gbps / 10.0) < 1e-9);  // the median of two is their mean
            if (r.nDepth == 100 && r.attention == "dense") QCOMPARE(r.loadedTokens, 105.0);  // mean of 101 .. 109
            if (r.nDepth == 100 && r.attention != "dense") QVERIFY(r.loadedTokens < 70);
        }
        for (const BenchRow& r : rows) QVERIFY(r.nDepth == 0 || r.nDepth == 100);
        // Everything was given back.
        QVERIFY((*backend)->createSequence(int32_t(benchSequences(plan).kvTokens())).ok());
    }

    void outputs() {
        BenchRow r;
        r.model = "a, \"b\"";
        r.test = "tg128";
        r.nDepth = 512;
        r.attention = "keep=64";
        r.avgTs = 12.5;
        r.stddevTs = 0.25;
        r.gbps = 3;
        r.bandwidthFraction = 0.875;
        const QByteArray json = QByteArray::fromStdString(*formatBench({r, r}, "json"));
        const QJsonArray list = QJsonDocument::fromJson(json).array();
        QCOMPARE(list.size(), 2);
        const QJsonObject o = list[0].toObject();
        QCOMPARE(o["test"].toString(), QString("tg128"));
        QCOMPARE(o["n_depth"].toInt(), 512);
        QCOMPARE(o["attention"].toString(), QString("keep=64"));
        QCOMPARE(o["avg_ts"].toDouble(), 12.5);
        QCOMPARE(o["stddev_ts"].toDouble(), 0.25);
        QCOMPARE(o["gbps"].toDouble(), 3.0);
        QCOMPARE(o["bandwidth_fraction"].toDouble(), 0.875);
        const QString csv = QString::fromStdString(*formatBench({r}, "csv"));
        QCOMPARE(csv.count('\n'), 2);
        QVERIFY(csv.contains("\"a, \"\"b\"\"\""));
        QCOMPARE(QString::fromStdString(*formatBench({r, r}, "jsonl")).count('\n'), 2);
        const QString md = QString::fromStdString(*formatBench({r}, "md"));
        QVERIFY(md.contains("| tg128 | 512 |") && md.contains("12.50 ± 0.25") && md.contains("87.5%"));
        QVERIFY(!formatBench({r}, "xml").ok());
        r.peakBytes = 3 << 20, r.neededBytes = 2 << 20;
        QVERIFY(formatBench({r}, "md")->find("Peak memory 3 MiB, of which weights and KV cache 2 MiB") !=
                std::string::npos);
        r.neededBytes = 4 << 20;
        QVERIFY(formatBench({r}, "md")->find("Peak memory 3 MiB; weights and the whole KV cache are 4 MiB") !=
                std::string::npos);
    }

    void refusals() {
        RandomModel m({});
        auto backend = makeCpuBackend(m.weights, {.nThreads = 1, .kvTokens = 64});
        std::vector<BenchRow> rows;
        BenchPlan plan;
        plan.predictSizes = {0};
        QVERIFY(!runBench(**backend, m.weights, {}, plan, nullptr, rows).ok());
        plan.predictSizes = {4};
        plan.attention = {MaskPolicySpec::declared()};
        QVERIFY(!runBench(**backend, m.weights, {}, plan, nullptr, rows).ok());
        plan.attention = {MaskPolicySpec::dense()};
        plan.depths = {4096};
        QCOMPARE(runBench(**backend, m.weights, {}, plan, nullptr, rows).error().code, ErrorCode::OutOfMemory);
        plan.depths = {0};
        const std::atomic<bool> stop{true};
        QCOMPARE(runBench(**backend, m.weights, {}, plan, &stop, rows).error().code, ErrorCode::Cancelled);
        QVERIFY(rows.empty());
        // What was measured before a stop is there: the second test stops before it begins.
        plan.predictSizes = {4, 5};
        plan.repetitions = 1;
        std::atomic<bool> stopLater{false};
        const auto atSecond = [&](const std::string& what) { stopLater = what.starts_with("tg5"); };
        QCOMPARE(runBench(**backend, m.weights, {}, plan, &stopLater, rows, atSecond).error().code,
                 ErrorCode::Cancelled);
        QCOMPARE(rows.size(), size_t{1});
        QCOMPARE(rows[0].test, std::string("tg4"));
        QVERIFY((*backend)->createSequence(64).ok());  // nothing was left behind
        QVERIFY(!RandomWeights::create("llama-3b", DType::BF16).ok());
        const auto tooLarge = RandomWeights::create("llama-160m", DType::BF16, 1, 64 << 20);
        QVERIFY(!tooLarge.ok());
        QCOMPARE(tooLarge.error().code, ErrorCode::OutOfMemory);
    }

    void drawnWeights() {
        auto a = RandomWeights::create("llama-160m", DType::Q4_0, 7);
        auto b = RandomWeights::create("llama-160m", DType::Q4_0, 7);
        QVERIFY(a.ok() && b.ok());
        const TensorView& q = (*a)->weights().layers[3].q;
        QCOMPARE(QByteArrayView(static_cast<const char*>(q.data), qsizetype(q.nBytes())),
                 QByteArrayView(static_cast<const char*>((*b)->weights().layers[3].q.data), qsizetype(q.nBytes())));
        QVERIFY(makeCpuBackend((*a)->weights(), {.nThreads = 1, .kvTokens = 16}).ok());  // shapes agree
        // Head and layers of the 162 M shape, 18 bytes for 32 values, plus norms.
        const double values = 12.0 * (4 * 768 * 768 + 3 * 768 * 3072) + 32000.0 * 768;
        QVERIFY(std::abs(double(weightBytesPerStep((*a)->weights())) / (values * 18 / 32) - 1) < 1e-3);
        const StepBytes bytes = stepBytesOf((*a)->weights());
        QCOMPARE(bytes.weightBytes, int64_t(weightBytesPerStep((*a)->weights())));
        QCOMPARE(bytes.kvValuesPerToken, int64_t{2} * 12 * 768);  // keys and values of 12 layers of 12 heads of 64
        QCOMPARE(kvBytesPerToken((*a)->weights().shape, DType::BF16), int64_t{2} * 12 * 768 * 2);
    }

    void bandwidthIsPositive() { QVERIFY(ReadProbe(1, 16 << 20).measureGBps() > 0); }
};

QTEST_GUILESS_MAIN(TestBench)
#include "tst_bench.moc"
