// How far runs are from dense: nothing for what reads everything; for lists what inspect mode finds by another way; and
// where heads choose, the run that is read again is the one that was recorded.
#include <QtTest>
#include <cmath>
#include <numeric>

#include "engine/decode/distance.h"
#include "engine/decode/inspect.h"
#include "engine/decode/session.h"
#include "engine/policy/policies.h"
#include "kernels/backends.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

constexpr int64_t kCache = 1024;

std::unique_ptr<Backend> backendOf(const Model& model, bool reference) {
    const BackendOptions o{.nThreads = 1, .kvTokens = kCache, .kvType = DType::F32};
    auto made = reference ? makeReferenceBackend(model.weights(), o, true) : makeCpuBackend(model.weights(), o);
    if (!made) qFatal("%s", made.error().toString().c_str());
    return std::move(*made);
}

std::shared_ptr<const RunData> runOf(const std::shared_ptr<const Model>& model, Backend& backend,
                                     const std::string& attention) {
    RunSettings s;
    s.task = "sheet";
    s.promptText = "64-71\n$1*3\n$1+$2\n7*7\n$4-$1\n12+8\n$6*$5";
    s.attention = parseMaskPolicy(attention).value();
    s.maxTokens = 40;
    auto session = Session::create(model, backend, s, 1);
    if (!session) qFatal("%s", session.error().toString().c_str());
    if (auto ok = (*session)->prefill(nullptr, {}); !ok) qFatal("%s", ok.error().toString().c_str());
    for (;;) {
        auto more = (*session)->step();
        if (!more) qFatal("%s", more.error().toString().c_str());
        if (!*more) return std::make_shared<const RunData>((*session)->takeData());
    }
}

double meanOf(const std::vector<float>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

class TestDistance : public QObject {
    Q_OBJECT
  private slots:
    void whatReadsEverythingIsDense_data() {
        QTest::addColumn<QString>("attention");
        for (const char* name :
             {"dense", "streaming=100%", "quest=100%", "triforce=100%", "snapkv=100%", "oracle=100%"})
            QTest::newRow(name) << name;
    }
    void whatReadsEverythingIsDense() {
        QFETCH(QString, attention);
        const auto model = tinyModel({});
        const auto backend = backendOf(*model, false);
        const auto run = runOf(model, *backend, attention.toStdString());
        const auto curve = distanceFromDense(*model, *backend, *run, nullptr, {});
        QVERIFY2(curve.ok(), curve.ok() ? "" : curve.error().toString().c_str());
        QCOMPARE(curve->klNats.size(), run->steps.size());
        QCOMPARE(curve->massKept.size(), run->steps.size());
        QCOMPARE(curve->firstDifferent, -1);
        for (size_t i = 0; i < run->steps.size(); ++i) {
            QVERIFY2(curve->klNats[i] < 1e-5f, qPrintable(QString::number(double(curve->klNats[i]))));
            QVERIFY2(std::abs(curve->massKept[i] - 1) < 1e-4f, qPrintable(QString::number(double(curve->massKept[i]))));
        }
    }

    /// A replay in chunks and a probe of each step say the same.
    void listsAreAsInspectModeFindsThem_data() {
        QTest::addColumn<QString>("attention");
        for (const char* name : {"declared", "streaming=25%", "random"}) QTest::newRow(name) << name;
    }
    void listsAreAsInspectModeFindsThem() {
        QFETCH(QString, attention);
        const auto model = tinyModel({});
        const auto backend = backendOf(*model, false);
        const auto run = runOf(model, *backend, attention.toStdString());
        const auto curve = distanceFromDense(*model, *backend, *run, nullptr, {});
        QVERIFY(curve.ok());
        QVERIFY(meanOf(curve->klNats) > 1e-3);  // it does hide something
        auto inspector = Inspector::create(model, *backend, run);
        QVERIFY(inspector.ok());
        QVERIFY((*inspector)->replay(nullptr, {}).ok());
        const DivergenceCurve& other = (*inspector)->curve();
        QCOMPARE(curve->sameTop, other.sameTop);
        QCOMPARE(curve->topDense, other.topDense);
        QCOMPARE(curve->topRestricted, other.topRestricted);
        QCOMPARE(curve->firstDifferent, other.firstDifferent);
        for (size_t i = 0; i < run->steps.size(); ++i) {
            QVERIFY(std::abs(curve->klNats[i] - other.klNats[i]) < 1e-4f);
            const auto probe = (*inspector)->probe(static_cast<int32_t>(i), {});
            QVERIFY(probe.ok());
            QVERIFY2(std::abs(double(curve->massKept[i]) - meanOf(probe->massKept)) < 1e-4,
                     qPrintable(QString("step %1: %2").arg(i).arg(double(curve->massKept[i]))));
        }
    }

    /// Greedy runs: what the second reading would say next is what the run said next.
    void headsChooseAgainWhatTheyChose_data() {
        QTest::addColumn<QString>("attention");
        QTest::addColumn<bool>("reference");
        for (const char* name : {"quest", "quest=25%", "triforce", "triforce=32", "snapkv=40", "oracle", "oracle=32"})
            for (const bool reference : {false, true})
                QTest::addRow("%s, %s", name, reference ? "reference" : "cpu") << QString(name) << reference;
    }
    void headsChooseAgainWhatTheyChose() {
        QFETCH(QString, attention);
        QFETCH(bool, reference);
        const auto model = tinyModel({});
        const auto backend = backendOf(*model, reference);
        const auto run = runOf(model, *backend, attention.toStdString());
        QVERIFY(run->stats.headAttendedTokens > 0);
        const auto curve = distanceFromDense(*model, *backend, *run, nullptr, {});
        QVERIFY2(curve.ok(), curve.ok() ? "" : curve.error().toString().c_str());
        for (size_t i = 0; i + 1 < run->steps.size(); ++i)
            QCOMPARE(curve->topRestricted[i], run->steps[i + 1].token.id);
        for (size_t i = 0; i < run->steps.size(); ++i) {
            QVERIFY(curve->massKept[i] > 0 && curve->massKept[i] <= 1);
            QVERIFY(run->steps[i].heads);
            QCOMPARE(run->steps[i].heads->nAll, run->header.nLayers * run->header.nHeads);
        }
    }

    /// The best pages of each head keep more than as many drawn at random.
    void bestPagesKeepMore() {
        const auto model = tinyModel({});
        const auto backend = backendOf(*model, false);
        const auto best = distanceFromDense(*model, *backend, *runOf(model, *backend, "oracle=32"), nullptr, {});
        const auto drawn = distanceFromDense(*model, *backend, *runOf(model, *backend, "random=32"), nullptr, {});
        QVERIFY(best.ok() && drawn.ok());
        QVERIFY(meanOf(best->massKept) > meanOf(drawn->massKept) + 0.02);
        QVERIFY(meanOf(drawn->massKept) < 0.95);
    }

    void stopsAndGivesItsRoomBack() {
        const auto model = tinyModel({});
        const auto backend = backendOf(*model, false);
        const auto run = runOf(model, *backend, "oracle=32");
        std::atomic<bool> stop{false};
        int nTold = 0;
        const auto curve = distanceFromDense(*model, *backend, *run, &stop, [&](int32_t done, int32_t total) {
            QVERIFY(done <= total);
            if (++nTold == 5) stop = true;
        });
        QVERIFY(!curve.ok());
        QCOMPARE(curve.error().code, ErrorCode::Cancelled);
        QCOMPARE(nTold, 5);
        const auto all = backend->createSequence(static_cast<int32_t>(kCache));
        QVERIFY(all.ok());
        backend->freeSequence(*all);
    }

    void runsOfOthersAreRefused() {
        const auto model = tinyModel({});
        const auto backend = backendOf(*model, false);
        RunData run = *runOf(model, *backend, "declared");
        run.header.modelHash = "another";
        QCOMPARE(distanceFromDense(*model, *backend, run, nullptr, {}).error().code, ErrorCode::InvalidArgument);
        run.header.modelHash = model->hash();
        run.steps[3].token.id = model->weights().shape.vocab;
        QCOMPARE(distanceFromDense(*model, *backend, run, nullptr, {}).error().code, ErrorCode::InvalidArgument);
        run = *runOf(model, *backend, "oracle=32");
        run.header.settings.attention = {"best-of-all", 4, false};
        QCOMPARE(distanceFromDense(*model, *backend, run, nullptr, {}).error().code, ErrorCode::Unsupported);
    }
};

QTEST_GUILESS_MAIN(TestDistance)
#include "tst_distance.moc"
