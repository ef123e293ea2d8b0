// Attention whose heads choose for themselves (kernels/key_selector.h): what a selector is shown, and that what it
// answers is what is read, on the CPU and in the reference.
#include <QtTest>
#include <cmath>

#include "kernels/backends.h"
#include "random_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

constexpr int kLength = 37;

/// Another list for each layer and head, the same for each backend; notes what it is shown.
class Chooser : public KeySelector {
  public:
    bool same = false;  ///< every head the list of head 0, layer 0
    std::vector<Interval> listOf(int32_t layer, int32_t head, int32_t position) const {
        const int32_t at = same ? 0 : layer * 5 + head * 3;
        return {{0, 1}, {3 + at % 7, 5 + at % 11 + at % 7}, {position - 2, kOpenEnd}};
    }
    std::span<const Interval> select(const HeadQuery& query) override {
        seen.push_back({query.query.begin(), query.query.end()});
        keys.push_back({query.keys.begin(), query.keys.end()});
        order.push_back({query.layer, query.head});
        position = query.position;
        nLayers = query.nLayers;
        m_list = listOf(query.layer, query.head, query.position);
        return m_list;
    }
    std::vector<std::vector<float>> seen, keys;
    std::vector<std::pair<int32_t, int32_t>> order;
    int32_t position = -1, nLayers = 0;

  private:
    std::vector<Interval> m_list;
};

/// One list for every head, its positions re-assigned or not.
class Lister : public KeySelector {
  public:
    Lister(std::vector<Interval> list, bool reassigns) : m_list(std::move(list)), m_reassigns(reassigns) {}
    std::span<const Interval> select(const HeadQuery&) override { return m_list; }
    bool reassignsPositions() const override { return m_reassigns; }

  private:
    std::vector<Interval> m_list;
    bool m_reassigns;
};

struct Run {
    std::unique_ptr<Backend> backend;
    SequenceId sequence;
};

Run prefilled(const RandomModel& m, bool reference) {
    const BackendOptions o{.nThreads = 2, .kvTokens = 256, .kvType = DType::F32};
    Run run;
    auto made = reference ? makeReferenceBackend(m.weights, o, true) : makeCpuBackend(m.weights, o);
    if (!made) qFatal("%s", made.error().toString().c_str());
    run.backend = std::move(*made);
    run.sequence = run.backend->createSequence(128).value();
    std::vector<int32_t> tokens;
    for (int32_t i = 0; i < kLength; ++i) tokens.push_back(i * 11 % m.weights.shape.vocab);
    const Interval all{0, kOpenEnd};
    const QueryRun whole{0, kLength, {&all, 1}};
    if (!run.backend->prefill(run.sequence, tokens, {&whole, 1}, {})) qFatal("prefill");
    return run;
}

std::vector<float> decoded(Run& run, const RandomModel& m, std::span<const Interval> list, KeySelector* selector) {
    std::vector<float> logits(static_cast<size_t>(m.weights.shape.vocab));
    const DecodeItem item{run.sequence, 3, run.backend->storedTokens(run.sequence), list, 0, selector};
    if (!run.backend->decode({&item, 1}, {{}, {}, logits})) qFatal("decode");
    return logits;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
    double most = 0, size = 1e-9;
    for (size_t i = 0; i < a.size(); ++i) {
        most = std::max(most, std::abs(double(a[i]) - double(b[i])));
        size = std::max(size, std::abs(double(a[i])));
    }
    return most / size;
}

}  // namespace

Q_DECLARE_METATYPE(RandomModelOptions)

class TestKeySelection : public QObject {
    Q_OBJECT
  private slots:
    void whatIsChosenIsRead_data() {
        QTest::addColumn<bool>("reference");
        QTest::newRow("cpu") << false;
        QTest::newRow("reference") << true;
    }
    void whatIsChosenIsRead() {
        QFETCH(bool, reference);
        const RandomModel m(
            {.nLayers = 3, .nHeads = 6, .nKvHeads = 2, .headDim = 16, .hidden = 40, .ffn = 64, .seed = 9});
        Chooser chooser;
        chooser.same = true;
        const Interval all{0, kOpenEnd};
        Run chosen = prefilled(m, reference), listed = prefilled(m, reference);
        const std::vector<Interval> list = chooser.listOf(0, 0, kLength);
        const auto one = decoded(chosen, m, {&all, 1}, &chooser), other = decoded(listed, m, list, nullptr);
        QVERIFY2(distance(one, other) < 1e-5, qPrintable(QString::number(distance(one, other))));
        // Every head of every layer is asked once, in order, with all keys.
        QCOMPARE(chooser.order.size(), size_t{18});
        for (size_t i = 0; i < 18; ++i) QCOMPARE(chooser.order[i], std::pair(int32_t(i / 6), int32_t(i % 6)));
        QCOMPARE(chooser.position, kLength);
        QCOMPARE(chooser.nLayers, 3);
        for (const auto& keys : chooser.keys) QCOMPARE(keys.size(), size_t{(kLength + 1) * 16});
        QCOMPARE(chooser.keys[0], chooser.keys[2]);  // heads of one KV head
        QVERIFY(chooser.keys[0] != chooser.keys[3]);
        // What is decoded next without a selector reads its list again.
        const auto next = decoded(chosen, m, list, nullptr), alike = decoded(listed, m, list, nullptr);
        QVERIFY(distance(next, alike) < 1e-5);
    }

    void headsDiffer() {
        const RandomModel m(
            {.nLayers = 2, .nHeads = 4, .nKvHeads = 4, .headDim = 32, .hidden = 48, .ffn = 64, .seed = 4});
        const Interval all{0, kOpenEnd};
        Chooser cpuChooser, referenceChooser;
        Run cpu = prefilled(m, false), reference = prefilled(m, true);
        const auto a = decoded(cpu, m, {&all, 1}, &cpuChooser), b = decoded(reference, m, {&all, 1}, &referenceChooser);
        QVERIFY2(distance(a, b) < 1e-4, qPrintable(QString::number(distance(a, b))));
        for (size_t i = 0; i < cpuChooser.seen.size(); ++i) {
            QVERIFY(distance(referenceChooser.seen[i], cpuChooser.seen[i]) < 1e-4);
            QVERIFY(distance(referenceChooser.keys[i], cpuChooser.keys[i]) < 1e-4);
        }
        Run dense = prefilled(m, false);
        QVERIFY(distance(a, decoded(dense, m, {&all, 1}, nullptr)) > 1e-3);
    }

    void positionsCanFollowTheList_data() {
        QTest::addColumn<RandomModelOptions>("options");
        const RandomModelOptions base{
            .nLayers = 1, .nHeads = 6, .nKvHeads = 2, .headDim = 16, .hidden = 40, .ffn = 64, .seed = 21};
        QTest::newRow("plain") << base;
        RandomModelOptions o = base;
        o.interleaved = true;
        QTest::newRow("interleaved") << o;
        o = base;
        o.ropes = {Rope::plain(500, 8)};
        o.ropes[0].magnitude = 1.3f;
        QTest::newRow("half of each head, with a magnitude") << o;
        o = base;
        o.ropes = {Rope::plain(10000, 16)};
        o.ropes[0].longInvFreq = Rope::plain(300, 16).invFreq;
        o.ropes[0].longMagnitude = 1.2f;
        o.longRopeAbove = 100;
        QTest::newRow("long") << o;
        o = base;
        o.ropes = {Rope::plain(10000, 16), Rope::plain(200, 16)};
        o.layerKinds = {{.rope = 1}};
        QTest::newRow("the second rope") << o;
        o.layerKinds = {{.rope = -1}};
        QTest::newRow("no rope") << o;
    }
    /// In a model of one layer keys and values follow from the token alone. What is kept at positions of its own is
    /// then the same as a sequence that never had anything else.
    void positionsCanFollowTheList() {
        QFETCH(RandomModelOptions, options);
        const RandomModel m(options);
        const std::vector<Interval> list{{0, 4}, {9, 11}, {30, kOpenEnd}};
        const Interval all{0, kOpenEnd};
        for (const bool reference : {false, true}) {
            Run chosen = prefilled(m, reference);
            Lister lister(list, true), inPlace(list, false);
            const auto logits = decoded(chosen, m, {&all, 1}, &lister);

            Run alone = prefilled(m, reference);
            alone.backend->truncate(alone.sequence, 0);
            std::vector<int32_t> kept;
            for (int32_t k = 0; k < kLength; ++k)
                if (mayRead(list.data(), int32_t(list.size()), kLength, k))
                    kept.push_back(k * 11 % m.weights.shape.vocab);
            const QueryRun whole{0, int32_t(kept.size()), {&all, 1}};
            QVERIFY(alone.backend->prefill(alone.sequence, kept, {&whole, 1}, {}).ok());
            const auto want = decoded(alone, m, {&all, 1}, nullptr);
            QVERIFY2(distance(logits, want) < 2e-5, qPrintable(QString::number(distance(logits, want))));

            Run placed = prefilled(m, reference);
            const auto other = decoded(placed, m, {&all, 1}, &inPlace);
            if (options.layerKinds.empty() || options.layerKinds[0].rope >= 0) QVERIFY(distance(logits, other) > 1e-3);
            else QVERIFY(distance(logits, other) < 1e-6);
        }
    }

    void bothBackendsReassignAlike() {
        const RandomModel m({.nLayers = 3,
                             .nHeads = 4,
                             .nKvHeads = 2,
                             .headDim = 16,
                             .hidden = 40,
                             .ffn = 64,
                             .seed = 8,
                             .ropes = {Rope::plain(10000, 16), Rope::plain(500, 16)},
                             .layerKinds = {{.rope = 0}, {.rope = 1, .window = 12}, {.rope = -1}}});
        const Interval all{0, kOpenEnd};
        Lister lister({{0, 4}, {20, kOpenEnd}}, true), inPlace({{0, 4}, {20, kOpenEnd}}, false);
        Run cpu = prefilled(m, false), reference = prefilled(m, true), other = prefilled(m, true);
        for (int i = 0; i < 5; ++i) {
            const auto a = decoded(cpu, m, {&all, 1}, &lister), b = decoded(reference, m, {&all, 1}, &lister);
            QVERIFY2(distance(a, b) < 1e-4, qPrintable(QString::number(distance(a, b))));
            QVERIFY(distance(b, decoded(other, m, {&all, 1}, &inPlace)) > 1e-3);
        }
    }

    void whatIsLeftOutIsCounted() {
        const std::vector<Interval> list{{0, 4}, {9, 11}, {30, kOpenEnd}};
        QCOMPARE(leftOutAfter(list, 2, 37), 0);
        QCOMPARE(leftOutAfter(list, 1, 37), 19);
        QCOMPARE(leftOutAfter(list, 0, 37), 24);
        QCOMPARE(leftOutAfter(list, 0, 30), 24);
        QCOMPARE(leftOutAfter(std::span(list).first(1), 0, 2), 0);
    }

    /// The step's own list holds on top of what is chosen.
    void theStepsListHolds() {
        const RandomModel m(
            {.nLayers = 2, .nHeads = 4, .nKvHeads = 2, .headDim = 16, .hidden = 40, .ffn = 64, .seed = 5});
        Chooser chooser;
        chooser.same = true;
        for (const bool reference : {false, true}) {
            Run chosen = prefilled(m, reference), listed = prefilled(m, reference);
            const Interval late{4, kOpenEnd};
            std::vector<Interval> both;
            for (Interval i : chooser.listOf(0, 0, kLength))
                if (i.end > 4) both.push_back({std::max(4, i.begin), i.end});
            QVERIFY(distance(decoded(chosen, m, {&late, 1}, &chooser), decoded(listed, m, both, nullptr)) < 1e-5);
        }
    }
};

QTEST_GUILESS_MAIN(TestKeySelection)
#include "tst_key_selection.moc"
