// The yardstick in what model families differ in, against formulas: one layer of two or four values, scores and logits
// worked out by hand.
#include <QtTest>
#include <array>
#include <cmath>

#include "kernels/backends.h"
#include "tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

namespace {

/// The last of `tokens`, probed under `list` after a prefill in which each token reads all before it.
ProbeResult probeLast(const TinyModel& m, const std::vector<int32_t>& tokens, const std::vector<Interval>& list,
                      int32_t capacity = 8) {
    auto backend = makeReferenceBackend(m.weights, {}, true);
    if (!backend) qFatal("%s", backend.error().toString().c_str());
    const SequenceId seq = *(*backend)->createSequence(capacity);
    const Interval everything{0, kOpenEnd};
    const auto n = static_cast<int32_t>(tokens.size());
    const Status st = (*backend)->prefill(seq, tokens, std::vector<QueryRun>{{0, n, {&everything, 1}}}, {});
    if (!st) qFatal("%s", st.error().toString().c_str());
    auto result = (*backend)->probe({seq, tokens.back(), n - 1, list, {}});
    if (!result) qFatal("%s", result.error().toString().c_str());
    return *result;
}

const std::vector<Interval> kAll{{0, kOpenEnd}};

std::vector<double> softmaxOf(std::vector<double> scores) {
    double sum = 0;
    for (const double s : scores) sum += std::exp(s);
    for (double& s : scores) s = std::exp(s) / sum;
    return scores;
}

bool closeTo(const std::vector<float>& got, const std::vector<double>& want) {
    bool same = got.size() == want.size();
    for (size_t i = 0; same && i < want.size(); ++i) same = std::abs(static_cast<double>(got[i]) - want[i]) < 1e-6;
    if (!same) qDebug() << "got" << got << "want" << want;
    return same;
}

}  // namespace

class TestReferenceFamilies : public QObject {
    Q_OBJECT

  private slots:
    // A normed one-hot is (sqrt 2, 0) or (0, sqrt 2), and with q = k = identity two tokens
    // score 2 cos(the angle between them): 0 or 90 degrees, and what rotation adds.

    void scores_data() {
        QTest::addColumn<double>("frequency");
        QTest::addColumn<double>("factor");  // what the dot product is multiplied by
        QTest::addColumn<double>("cap");
        QTest::addColumn<int>("which");
        const double r = 1 / std::sqrt(2.0);
        QTest::newRow("rope") << 0.5 << r << 0.0 << 0;
        QTest::newRow("magnitude of both sides") << 0.5 << r * 1.69 << 0.0 << 1;
        QTest::newRow("a scale of its own") << 0.5 << 0.3 << 0.0 << 2;
        QTest::newRow("capped") << 0.5 << r << 0.7 << 3;
        QTest::newRow("no rope in this layer") << 0.0 << r << 0.0 << 4;
        QTest::newRow("second rope") << 0.2 << r << 0.0 << 5;
        QTest::newRow("long rope") << 0.05 << r * 1.44 << 0.0 << 6;
        QTest::newRow("room for as many as the short one takes") << 0.5 << r << 0.0 << 7;
    }
    void scores() {
        QFETCH(double, frequency);
        QFETCH(double, factor);
        QFETCH(double, cap);
        QFETCH(int, which);
        TinyModel m;
        m.weights.layers[0].q = m.weights.layers[0].k;
        ModelShape& s = m.weights.shape;
        s.ropes = {{.invFreq = {0.5f}}, {.invFreq = {0.2f}}};
        if (which == 1) s.ropes[0].magnitude = 1.3f;
        if (which == 2) s.attentionScale = 0.3f;
        if (which == 3) s.attentionSoftcap = 0.7f;
        if (which == 4) s.layerKinds = {{.rope = -1}};
        if (which == 5) s.layerKinds = {{.rope = 1}};
        if (which >= 6) s.ropes[0].longInvFreq = {0.05f}, s.ropes[0].longMagnitude = 1.2f, s.longRopeAbove = 8;
        const std::vector<int32_t> tokens{0, 1, 0, 1, 0};
        std::vector<double> want;
        for (int k = 0; k < 5; ++k) {
            const double between = frequency * (4 - k) - (tokens[size_t(k)] == 0 ? 0 : M_PI / 2);
            const double score = 2 * std::cos(between) * factor;
            want.push_back(cap > 0 ? cap * std::tanh(score / cap) : score);
        }
        QVERIFY(closeTo(probeLast(m, tokens, kAll, which == 6 ? 9 : 8).probabilities, softmaxOf(want)));
    }

    /// A head of four: (sqrt 2, 0, sqrt 2, 0) for token 0, of which the first two turn.
    void partOfAHeadTurns_data() {
        QTest::addColumn<bool>("interleaved");
        QTest::newRow("halves") << false;
        QTest::newRow("pairs") << true;
    }
    void partOfAHeadTurns() {
        QFETCH(bool, interleaved);
        TinyModel m;
        ModelShape& s = m.weights.shape;
        s.headDim = 4;
        s.ropeInterleaved = interleaved;
        s.ropes = {{.invFreq = {0.5f}}};
        LayerWeights& w = m.weights.layers[0];
        w.q = w.k = w.v = m.view(4, {1, 0, 0, 1, 1, 0, 0, 1});
        w.o = m.view(2, {0, 0, 0, 0, 0, 0, 0, 0});
        std::vector<double> want;
        for (int k = 0; k < 3; ++k) want.push_back((2 * std::cos(0.5 * (2 - k)) + 2) / 2);
        want[1] = 2 * std::sin(0.5) / 2;  // token 1: a right angle in both halves, and one of them turned by 0.5
        QVERIFY(closeTo(probeLast(m, {0, 1, 0}, kAll).probabilities, softmaxOf(want)));
    }

    /// Two query heads, the second twice as large as the first, on one KV head.
    void normsOfQueriesAndKeys_data() {
        QTest::addColumn<bool>("wholeRow");
        QTest::newRow("each head") << false;
        QTest::newRow("all heads together") << true;
    }
    void normsOfQueriesAndKeys() {
        QFETCH(bool, wholeRow);
        TinyModel m;
        ModelShape& s = m.weights.shape;
        s.nHeads = 2;
        s.qkNorm = wholeRow ? QkNorm::WholeRow : QkNorm::PerHead;
        LayerWeights& w = m.weights.layers[0];
        w.q = m.view(4, {3, 0, 0, 3, 6, 0, 0, 6});
        w.k = m.view(2, {5, 0, 0, 5});
        w.o = m.view(2, {0, 0, 0, 0, 0, 0, 0, 0});
        w.qNorm = wholeRow ? m.view(1, {0.5f, 1, 0.25f, 1}) : m.view(1, {0.5f, 1});
        w.kNorm = m.view(1, {1.5f, 1});
        // Mean squares of a head with one value v: v^2 / 2. Of both heads (v, 0, 2v, 0): 5 v^2 / 4.
        const double first = wholeRow ? 0.5 * std::sqrt(0.8) : 0.5 * std::sqrt(2.0);
        const double second = wholeRow ? 0.25 * 2 * std::sqrt(0.8) : first;
        std::vector<double> want;
        for (const double q : {first, second})
            for (const double p : softmaxOf({q * 1.5 * std::sqrt(2.0) / std::sqrt(2.0), 0, q * 1.5})) want.push_back(p);
        QVERIFY(closeTo(probeLast(m, {0, 1, 0}, kAll).probabilities, want));
    }

    void windows() {
        TinyModel m;  // all scores are equal
        m.weights.shape.layerKinds = {{.window = 3}};
        QVERIFY(closeTo(probeLast(m, {0, 0, 1, 1, 0}, kAll).probabilities, {0, 0, 1 / 3., 1 / 3., 1 / 3.}));
        QVERIFY(closeTo(probeLast(m, {0, 0, 1, 1, 0}, {{0, 3}, {4, 5}}).probabilities, {0, 0, 0.5, 0, 0.5}));
        QVERIFY(closeTo(probeLast(m, {0, 0, 1, 1, 0}, {{0, 2}}).probabilities, {0, 0, 0, 0, 0}));
        QVERIFY(closeTo(probeLast(m, {0, 1}, kAll).probabilities, {0.5, 0.5}));
    }

    void normAfterAttention() {
        TinyModel m;
        m.weights.layers[0].postAttnNorm = m.view(1, {0.5f, 3});
        // The mean of two values (sqrt 2, 0) and (0, sqrt 2) has two equal sides, so it is normed to (1, 1).
        const double a = 0.5, b = 1 + 3, scale = std::sqrt(2 / (a * a + b * b));
        QVERIFY(closeTo(probeLast(m, {0, 1}, kAll).logits, {a * scale, b * scale}));
    }

    void mlp_data() {
        QTest::addColumn<bool>("gelu");
        QTest::addColumn<double>("embeddingScale");
        QTest::addColumn<double>("cap");
        QTest::addColumn<bool>("before");
        QTest::addColumn<bool>("after");
        QTest::newRow("silu") << false << 1.0 << 0.0 << true << false;
        QTest::newRow("gelu") << true << 1.0 << 0.0 << true << false;
        QTest::newRow("scaled embedding") << false << 0.25 << 0.0 << true << false;
        QTest::newRow("capped logits") << false << 1.0 << 0.6 << true << false;
        QTest::newRow("no norm before") << false << 1.0 << 0.0 << false << false;
        QTest::newRow("norm after") << false << 1.0 << 0.0 << true << true;
        QTest::newRow("all") << true << 0.5 << 0.9 << false << true;
    }
    /// Attention reads nothing; gate, up and down are the identity.
    void mlp() {
        QFETCH(bool, gelu);
        QFETCH(double, embeddingScale);
        QFETCH(double, cap);
        QFETCH(bool, before);
        QFETCH(bool, after);
        TinyModel m;
        ModelShape& s = m.weights.shape;
        if (gelu) s.activation = Activation::GeluTanh;
        s.embeddingScale = float(embeddingScale);
        s.logitSoftcap = float(cap);
        m.weights.embedding = m.view(2, {3, -1, 0, 1});
        LayerWeights& w = m.weights.layers[0];
        w.gate = w.up = w.down = w.k;
        if (!before) w.attnNorm = w.mlpNorm = TensorView{};
        if (after) w.postMlpNorm = m.view(1, {0.5f, 3});
        const auto normed = [](std::array<double, 2> v) {
            const double rms = std::hypot(v[0], v[1]) / std::sqrt(2.0);
            return std::array<double, 2>{v[0] / rms, v[1] / rms};
        };
        std::array<double, 2> x{3 * embeddingScale, -embeddingScale}, in = before ? normed(x) : x, product{};
        for (size_t i = 0; i < 2; ++i) {
            const double v = in[i];
            const double u = 0.79788456080286536 * v * (1 + 0.044715 * v * v);
            product[i] = v * v * (gelu ? 1 / (1 + std::exp(-2 * u)) : (1 + std::tanh(v / 2)) / 2);
        }
        if (after) product = normed(product), product[0] *= 0.5, product[1] *= 3;
        std::array<double, 2> logits = normed({x[0] + product[0], x[1] + product[1]});
        if (cap > 0)
            for (double& l : logits) l = cap * std::tanh(l / cap);
        QVERIFY(closeTo(probeLast(m, {0}, {}).logits, {logits[0], logits[1]}));
    }

    void refusals() {
        const auto refuses = [](const char* words, auto change) {
            TinyModel model;
            change(model.weights);
            const auto r = makeReferenceBackend(model.weights, {}, true);
            return !r.ok() && QString::fromStdString(r.error().toString()).contains(words);
        };
        QVERIFY(refuses("ropes", [](ModelWeights& w) { w.shape.ropes.clear(); }));
        QVERIFY(refuses("frequencies of a rope", [](ModelWeights& w) { w.shape.ropes[0].invFreq = {1, 1}; }));
        QVERIFY(refuses("long frequencies", [](ModelWeights& w) { w.shape.ropes[0].longInvFreq = {1, 1}; }));
        QVERIFY(refuses("layerKinds", [](ModelWeights& w) { w.shape.layerKinds = {{}, {}}; }));
        QVERIFY(refuses("rope of a layer", [](ModelWeights& w) { w.shape.layerKinds = {{.rope = 1}}; }));
        QVERIFY(refuses("window of a layer", [](ModelWeights& w) { w.shape.layerKinds = {{.window = -1}}; }));
        QVERIFY(refuses("different windows", [](ModelWeights& w) {
            w.shape.nLayers = 65;
            w.layers.resize(65, w.layers[0]);
            for (int32_t i = 0; i < 65; ++i) w.shape.layerKinds.push_back({.window = i});
        }));
        QVERIFY(refuses("qNorm and kNorm", [](ModelWeights& w) { w.shape.qkNorm = QkNorm::PerHead; }));
        QVERIFY(refuses("qNorm and kNorm", [](ModelWeights& w) { w.layers[0].qNorm = w.finalNorm; }));
    }
};

QTEST_GUILESS_MAIN(TestReferenceFamilies)
#include "tst_reference_families.moc"
