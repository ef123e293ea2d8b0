// Runs whose heads choose what they read: with room for everything they say what dense says, with less they are counted
// as what they read, and what cannot be repeated from a recording is refused.
#include <QtTest>
#include <cmath>

#include "engine/decode/inspect.h"
#include "engine/decode/session.h"
#include "engine/policy/policies.h"
#include "engine/types/interval_algebra.h"
#include "kernels/backends.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

std::unique_ptr<Backend> backendOf(const Model& model, bool reference) {
    const BackendOptions o{.nThreads = 1, .kvTokens = 4096, .kvType = DType::F32};
    auto made = reference ? makeReferenceBackend(model.weights(), o, true) : makeCpuBackend(model.weights(), o);
    if (!made) qFatal("%s", made.error().toString().c_str());
    return std::move(*made);
}

RunData runOf(const std::shared_ptr<const Model>& model, const std::string& attention, bool reference) {
    const auto backend = backendOf(*model, reference);
    RunSettings s;
    s.task = "sheet";
    s.promptText = "64-71\n$1*3\n$1+$2\n7*7\n$4-$1\n12+8\n$6*$5";
    s.attention = parseMaskPolicy(attention).value();
    s.maxTokens = 24;
    auto session = Session::create(model, *backend, s, 1);
    if (!session) qFatal("%s", session.error().toString().c_str());
    if (auto ok = (*session)->prefill(nullptr, {}); !ok) qFatal("%s", ok.error().toString().c_str());
    for (;;) {
        auto more = (*session)->step();
        if (!more) qFatal("%s", more.error().toString().c_str());
        if (!*more) return (*session)->data();
    }
}

std::vector<int32_t> ids(const RunData& run) {
    std::vector<int32_t> list;
    for (const StepRecord& s : run.steps) list.push_back(s.token.id);
    return list;
}

/// What the step read, without an open end.
SharedIntervals clipped(const StepRecord& step) {
    return std::make_shared<const IntervalList>(clip(*step.visible, 0, step.position + 1));
}

}  // namespace

class TestChosen : public QObject {
    Q_OBJECT
  private slots:
    void withRoomForAllTheySayWhatDenseSays_data() {
        QTest::addColumn<QString>("attention");
        QTest::addColumn<bool>("reference");
        for (const char* name :
             {"quest", "triforce", "snapkv", "vegas", "oracle", "streaming", "streaming-reassigned", "random"})
            for (const bool reference : {false, true})
                QTest::addRow("%s, %s", name, reference ? "reference" : "cpu") << QString(name) + "=100%" << reference;
    }
    void withRoomForAllTheySayWhatDenseSays() {
        QFETCH(QString, attention);
        QFETCH(bool, reference);
        const auto model = tinyModel({});
        const RunData dense = runOf(model, "dense", reference),
                      chosen = runOf(model, attention.toStdString(), reference);
        QCOMPARE(ids(chosen), ids(dense));
        QCOMPARE(chosen.stats.attendedByHead(), dense.stats.attendedTokens);
        QCOMPARE(chosen.stats.attendedTokens, dense.stats.attendedTokens);
        for (size_t i = 0; i < dense.steps.size(); ++i)
            QVERIFY(std::abs(chosen.steps[i].logprob - dense.steps[i].logprob) < 1e-4f);
    }

    /// What is recorded is what any head read; what is counted, the mean of them.
    void whatIsReadIsCounted() {
        const auto model = tinyModel({});
        for (const char* attention :
             {"oracle=32", "triforce=32", "quest=25%", "snapkv=40", "vegas=32", "streaming-reassigned=32"}) {
            const RunData run = runOf(model, attention, false);
            QVERIFY2(run.stats.headAttendedTokens > 0, attention);
            QVERIFY2(run.stats.attendedByHead() <= run.stats.attendedTokens, attention);
            if (run.header.nLayers > 2 || run.header.settings.attention.name != "quest")  // two layers are dense there
                QVERIFY2(run.stats.attendedByHead() < run.stats.causalTokens, attention);
            for (const StepRecord& step : run.steps) {
                QVERIFY(mayRead(*step.visible, step.position, step.position));
                QCOMPARE(step.attended, attendedTokens(*step.visible, step.position));
            }
        }
        QCOMPARE(runOf(model, "random=32", false).stats.headAttendedTokens, int64_t{0});
        for (const char* attention : {"oracle=32", "vegas=32"})
            QCOMPARE(ids(runOf(model, attention, false)), ids(runOf(model, attention, true)));
    }

    /// As many tokens and the same ones; the sink stands nearer.
    void reassignedPositionsAreAnotherRun() {
        const auto model = tinyModel({});
        const RunData placed = runOf(model, "streaming=20", false),
                      near = runOf(model, "streaming-reassigned=20", false),
                      reference = runOf(model, "streaming-reassigned=20", true);
        QCOMPARE(near.stats.attendedByHead(), near.stats.attendedTokens);
        QVERIFY(std::abs(near.steps[1].logprob - placed.steps[1].logprob) > 1e-5f);
        QCOMPARE(ids(near), ids(reference));
        for (size_t i = 0; i < near.steps.size(); ++i) {
            QVERIFY(std::abs(near.steps[i].logprob - reference.steps[i].logprob) < 1e-4f);
            QCOMPARE(near.steps[i].attended, 20);
            QCOMPARE(*near.steps[i].visible, *clipped(placed.steps[i]));
        }
    }

    void whatCannotBeRepeatedIsRefused() {
        const auto model = tinyModel({});
        const auto run = std::make_shared<const RunData>(runOf(model, "oracle=32", false));
        const auto backend = backendOf(*model, false);
        const auto inspector = Inspector::create(model, *backend, run);
        QVERIFY(!inspector.ok());
        QCOMPARE(inspector.error().code, ErrorCode::Unsupported);
        const auto branch = Session::branch(model, *backend, *run, {.ofRun = 1, .step = 3}, {}, 2);
        QVERIFY(!branch.ok());
        QCOMPARE(branch.error().code, ErrorCode::Unsupported);
    }
};

QTEST_GUILESS_MAIN(TestChosen)
#include "tst_chosen.moc"
