// Inspect mode against sums done here over what the reference backend's probe gives for sequences built by hand.
#include <QtTest>
#include <cmath>

#include "engine/decode/inspect.h"
#include "engine/decode/session.h"
#include "kernels/backends.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

std::unique_ptr<Backend> reference(const Model& model) {
    BackendOptions o;
    o.kvTokens = 4096;
    auto backend = makeReferenceBackend(model.weights(), o, true);
    return backend ? std::move(*backend) : nullptr;
}

std::shared_ptr<RunData> record(std::shared_ptr<const Model> model, Backend& backend, const MaskPolicySpec& attention) {
    RunSettings s;
    s.task = "sheet";
    s.promptText = "64-71\n$1*3\n$1+$2";
    s.attention = attention;
    s.maxTokens = 20;
    auto session = Session::create(std::move(model), backend, s, 7);
    if (!session || !(*session)->prefill(nullptr, {})) qFatal("session");
    while ((*session)->step().value()) {}
    return std::make_shared<RunData>((*session)->data());
}

double klOf(const std::vector<float>& a, const std::vector<float>& b) {
    double za = 0, zb = 0, kl = 0;
    for (float x : a) za += std::exp(double(x));
    for (float x : b) zb += std::exp(double(x));
    for (size_t i = 0; i < a.size(); ++i) {
        const double p = std::exp(double(a[i])) / za, q = std::exp(double(b[i])) / zb;
        kl += p * std::log(p / q);
    }
    return kl;
}

}  // namespace

class TestInspect : public QObject {
    Q_OBJECT

  private slots:
    void denseAgainstDenseIsNothing() {
        const auto model = tinyModel({});
        auto backend = reference(*model);
        auto inspector = Inspector::create(model, *backend, record(model, *backend, MaskPolicySpec::dense()));
        QVERIFY(inspector.ok());
        QVERIFY((*inspector)->replay(nullptr, {}).ok());
        const DivergenceCurve& curve = (*inspector)->curve();
        QCOMPARE(curve.klNats.size(), size_t{20});
        QCOMPARE(curve.firstDifferent, -1);
        for (float kl : curve.klNats) QVERIFY(kl < 1e-9F);
        const StepProbe p = (*inspector)->probe(5, {}).value();
        for (float kept : p.massKept) QVERIFY(std::abs(kept - 1) < 1e-5F);
        QVERIFY(p.missed.empty());
        QCOMPARE(p.topDense.front().id, p.topRestricted.front().id);
    }

    void probeIsTheSumDoneByHand() {
        const auto model = tinyModel({});
        auto backend = reference(*model);
        const auto run = record(model, *backend, {"keep", 5});
        auto inspector = Inspector::create(model, *backend, run);
        QVERIFY(inspector.ok() && (*inspector)->replay(nullptr, {}).ok());

        // The run again: dense and as recorded, one token at a time.
        auto byHand = reference(*model);
        const auto nPrompt = static_cast<int32_t>(run->header.prompt.size());
        const SequenceId dense = byHand->createSequence(nPrompt + 20).value(),
                         kept = byHand->createSequence(nPrompt + 20).value();
        const Interval all{0, kOpenEnd};
        std::vector<std::vector<float>> denseLogits, keptLogits;
        for (int32_t i = 0; i < nPrompt + 20; ++i) {
            const bool isStep = i >= nPrompt;
            const int32_t token = isStep ? run->steps[size_t(i - nPrompt)].token.id : run->header.prompt[size_t(i)].id;
            const IntervalList& list =
                isStep ? *run->steps[size_t(i - nPrompt)].visible : *run->header.promptVisible[size_t(i)];
            for (const auto& [sequence, visible, store] :
                 {std::tuple{dense, std::span<const Interval>(&all, 1), &denseLogits},
                  std::tuple{kept, std::span<const Interval>(list), &keptLogits}}) {
                std::vector<float> logits(size_t(model->weights().shape.vocab));
                int32_t argmax = 0;
                float logprob = 0;
                const DecodeItem item{sequence, token, i, visible, 0};
                QVERIFY(byHand->decode({&item, 1}, {{&argmax, 1}, {&logprob, 1}, logits}).ok());
                if (isStep) store->push_back(logits);
            }
        }
        const DivergenceCurve& curve = (*inspector)->curve();
        int32_t first = -1;
        for (size_t i = 0; i < 20; ++i) {
            QVERIFY(std::abs(curve.klNats[i] - klOf(denseLogits[i], keptLogits[i])) < 1e-5);
            auto top = [](const std::vector<float>& l) {
                return int32_t(std::max_element(l.begin(), l.end()) - l.begin());
            };
            QCOMPARE(curve.topDense[i], top(denseLogits[i]));
            QCOMPARE(curve.topRestricted[i], top(keptLogits[i]));
            QCOMPARE(curve.sameTop[i] != 0, top(denseLogits[i]) == top(keptLogits[i]));
            if (first < 0 && !curve.sameTop[i]) first = int32_t(i);
        }
        QCOMPARE(curve.firstDifferent, first);

        constexpr int32_t kStep = 13;
        const StepRecord& step = run->steps[kStep];
        const ProbeResult plain = byHand->probe({dense, step.token.id, step.position, {&all, 1}, {}}).value();
        const StepProbe p = (*inspector)->probe(kStep, {1, 2, 4, 3}).value();
        const size_t nKeys = size_t(step.position) + 1, nHeads = size_t(p.nHeads);
        QCOMPARE(p.massKept.size(), size_t(p.nLayers) * nHeads);
        for (size_t row = 0; row < p.massKept.size(); ++row) {
            double inside = 0;
            for (size_t k = 0; k < nKeys; ++k)
                if (mayRead(*step.visible, step.position, int32_t(k))) inside += plain.probabilities[row * nKeys + k];
            QVERIFY(std::abs(inside - p.massKept[row]) < 1e-5);
        }
        for (size_t k = 0; k < nKeys; ++k)
            QVERIFY(std::abs(p.dense[k] - plain.probabilities[(nHeads + 2) * nKeys + k]) < 1e-6F);
        // Of all heads the largest at each position.
        const StepProbe most = (*inspector)->probe(kStep, {-1, -1, 4, 3, true}).value();
        QVERIFY(most.most && !p.most);
        for (size_t k = 0; k < nKeys; ++k) {
            float largest = 0;
            for (size_t row = 0; row < p.massKept.size(); ++row)
                largest = std::max(largest, plain.probabilities[row * nKeys + k]);
            QVERIFY(std::abs(most.dense[k] - largest) < 1e-6F);
        }
        double sum = 0;
        for (size_t k = 0; k < nKeys; ++k) {
            sum += p.restricted[k];
            if (!mayRead(*step.visible, step.position, int32_t(k))) QCOMPARE(p.restricted[k], 0.0F);
        }
        QVERIFY(std::abs(sum - 1) < 1e-5);
        QCOMPARE(p.missed.size(), size_t{4});
        for (size_t i = 0; i < 4; ++i) {
            QVERIFY(!mayRead(*step.visible, step.position, p.missed[i].position));
            if (i) QVERIFY(p.missed[i].mass <= p.missed[i - 1].mass);
        }
        for (const PositionMass& w : p.wasted) QVERIFY(mayRead(*step.visible, step.position, w.position));
        QCOMPARE(p.topDense.size(), size_t{3});
        QVERIFY(std::abs(p.divergence.klNats - klOf(denseLogits[kStep], keptLogits[kStep])) < 1e-5);
    }

    void editMovesTheDistribution() {
        const auto model = tinyModel({});
        auto backend = reference(*model);
        const auto run = record(model, *backend, {"keep", 5});
        auto inspector = Inspector::create(model, *backend, run);
        QVERIFY(!(*inspector)->probe(0, {}).ok());  // not replayed
        QVERIFY((*inspector)->replay(nullptr, {}).ok());
        const StepRecord& step = run->steps[4];
        const StepEdit same = (*inspector)->edit(4, *step.visible).value();
        QVERIFY(same.beforeToAfter.klNats < 1e-12);
        QCOMPARE(same.attendedAfter, step.attended);
        const StepEdit wider = (*inspector)->edit(4, {{0, kOpenEnd}}).value();
        QVERIFY(wider.beforeToAfter.klNats > 0);
        QCOMPARE(wider.attendedAfter, step.causal);
        // The cache is as it was: the same question has the same answer.
        QVERIFY(std::abs((*inspector)->edit(4, {{0, kOpenEnd}}).value().beforeToAfter.klNats -
                         wider.beforeToAfter.klNats) < 1e-12);
        QVERIFY(!(*inspector)->edit(4, {{5, 3}}).ok());
        QVERIFY(!(*inspector)->edit(4, {{0, 2}}).ok());
        QVERIFY(!(*inspector)->edit(99, {{0, kOpenEnd}}).ok());
        QVERIFY(!(*inspector)->probe(4, {99, 0, 1, 1}).ok());
    }

    void anotherModelIsRefused() {
        const auto model = tinyModel({});
        TinyModelOptions o;
        o.seed = 2;
        const auto other = tinyModel(o);
        auto backend = reference(*model);
        const auto run = record(model, *backend, MaskPolicySpec::dense());
        auto otherBackend = reference(*other);
        QVERIFY(!Inspector::create(other, *otherBackend, run).ok());
    }

    void stops() {
        const auto model = tinyModel({});
        auto backend = reference(*model);
        auto inspector = Inspector::create(model, *backend, record(model, *backend, MaskPolicySpec::dense()));
        std::atomic<bool> stop{true};
        QCOMPARE((*inspector)->replay(&stop, {}).error().code, ErrorCode::Cancelled);
        stop = false;
        QVERIFY((*inspector)->replay(&stop, {}).ok());  // and can be taken up again
    }
};

QTEST_GUILESS_MAIN(TestInspect)
#include "tst_inspect.moc"
