// The yardstick itself, against sums that can be checked by eye: one layer, one head, identity-like weights.
#include <QtTest>

#include "kernels/backends.h"
#include "random_model.h"
#include "tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;

class TestReference : public QObject {
    Q_OBJECT

  private slots:
    void meanOfVisibleValues_data() {
        QTest::addColumn<QList<int>>("ends");  // begin, end, begin, end, ..
        QTest::addColumn<double>("meanA");
        QTest::addColumn<double>("meanB");
        const double r2 = std::sqrt(2.0);  // a normed one-hot of 2 is (sqrt 2, 0)
        // tokens: a a b | b
        QTest::newRow("all") << QList<int>{0, kOpenEnd} << r2 * 0.5 << r2 * 0.5;
        QTest::newRow("first two") << QList<int>{0, 2} << r2 << 0.0;
        QTest::newRow("sink and self") << QList<int>{0, 1, 3, kOpenEnd} << r2 * 0.5 << r2 * 0.5;
        QTest::newRow("self") << QList<int>{3, 4} << 0.0 << r2;
        QTest::newRow("nothing") << QList<int>{} << 0.0 << 0.0;
        QTest::newRow("only the future") << QList<int>{10, 20} << 0.0 << 0.0;
    }
    void meanOfVisibleValues() {
        QFETCH(QList<int>, ends);
        QFETCH(double, meanA);
        QFETCH(double, meanB);
        const TinyModel m;
        auto backend = makeReferenceBackend(m.weights, {}, true);
        QVERIFY2(backend.ok(), backend.ok() ? "" : backend.error().toString().c_str());
        const SequenceId seq = *(*backend)->createSequence(8);
        const Interval everything{0, kOpenEnd};
        const std::vector<int32_t> prompt{0, 0, 1};
        QVERIFY((*backend)->prefill(seq, prompt, std::vector<QueryRun>{{0, 3, {&everything, 1}}}, {}).ok());
        std::vector<Interval> list;
        for (int i = 0; i + 1 < ends.size(); i += 2) list.push_back({ends[i], ends[i + 1]});
        std::vector<float> logits(2), logprob(1);
        std::vector<int32_t> best(1);
        const DecodeItem item{seq, 1, 3, list, 0};
        QVERIFY((*backend)->decode({&item, 1}, {best, logprob, logits}).ok());
        // x = (0, 1) + mean; then the final norm scales by sqrt(2 / |x|^2).
        const double a = meanA, b = 1 + meanB, scale = std::sqrt(2 / (a * a + b * b));
        QVERIFY(std::abs(logits[0] - a * scale) < 1e-6);
        QVERIFY(std::abs(logits[1] - b * scale) < 1e-6);
        QCOMPARE(best[0], a > b ? 0 : 1);
        const double p = std::exp(std::max(a, b) * scale) / (std::exp(a * scale) + std::exp(b * scale));
        QVERIFY(std::abs(logprob[0] - std::log(p)) < 1e-6);
    }

    void refusals() {
        TinyModel m;
        m.weights.layers[0].down.cols = 3;
        const auto bad = makeReferenceBackend(m.weights, {}, true);
        QVERIFY(!bad.ok());
        QVERIFY(QString::fromStdString(bad.error().toString()).contains("layer 0 down"));
        QVERIFY(QString::fromStdString(bad.error().toString()).contains("2 x 3"));
        TinyModel good;
        auto b = makeReferenceBackend(good.weights, {.kvTokens = 16}, true);
        QVERIFY(b.ok());
        QCOMPARE((*b)->createSequence(17).error().code, ErrorCode::OutOfMemory);
        const SequenceId seq = *(*b)->createSequence(2);
        const Interval backwards[2] = {{4, 8}, {0, 2}};
        const std::vector<int32_t> tokens{0, 1};
        QVERIFY(!(*b)->prefill(seq, tokens, std::vector<QueryRun>{{0, 2, backwards}}, {}).ok());
        QVERIFY(!(*b)->prefill(seq, tokens, std::vector<QueryRun>{{0, 1, {}}}, {}).ok());
        QVERIFY(!(*b)->prefill(seq, std::vector<int32_t>{0, 2}, std::vector<QueryRun>{{0, 2, {}}}, {}).ok());
        QVERIFY((*b)->prefill(seq, tokens, std::vector<QueryRun>{{0, 2, {}}}, {}).ok());
        QVERIFY(!(*b)->prefill(seq, tokens, std::vector<QueryRun>{{0, 2, {}}}, {}).ok());  // full
        const DecodeItem late{seq, 0, 7, {}, 0};
        QVERIFY(!(*b)->decode({&late, 1}, {}).ok());
    }

    void float32FollowsFloat64() {
        RandomModel m({.nHeads = 4, .nKvHeads = 2, .biases = true});
        const std::vector<int32_t> prompt = m.tokens(37);
        std::vector<float> a(37), b(37);
        const Interval everything{0, kOpenEnd};
        for (bool wide : {true, false}) {
            auto backend = makeReferenceBackend(m.weights, {}, wide);
            const SequenceId seq = *(*backend)->createSequence(64);
            QVERIFY(
                (*backend)->prefill(seq, prompt, std::vector<QueryRun>{{0, 37, {&everything, 1}}}, wide ? a : b).ok());
        }
        QVERIFY(relativeError(b, a) < 1e-5);
    }
};

QTEST_GUILESS_MAIN(TestReference)
#include "tst_reference.moc"
