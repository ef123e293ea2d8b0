// The read-out on rows whose labels are known to be there, or known not to be.
#include <QtTest>
#include <random>

#include "engine/leak/readout.h"

using namespace spanscope;

namespace {

constexpr int32_t kClasses = 10, kWidth = 48;

/// Noise; of each row's class the feature of that number is higher by `signal`. Columns have different sizes.
FeatureRows drawn(const std::vector<int32_t>& labels, double signal, uint32_t seed) {
    std::mt19937 engine(seed);
    std::normal_distribution<float> noise;
    FeatureRows rows{kWidth, {}};
    for (const int32_t label : labels)
        for (int32_t k = 0; k < kWidth; ++k)
            rows.features.push_back(static_cast<float>(k + 1) *
                                    (noise(engine) + (k == label ? static_cast<float>(signal) : 0.0F)));
    return rows;
}

std::vector<int32_t> labelsOf(int32_t n, uint32_t seed) {
    std::mt19937 engine(seed);
    std::vector<int32_t> labels;
    for (int32_t i = 0; i < n; ++i) labels.push_back(static_cast<int32_t>(engine() % kClasses));
    return labels;
}

}  // namespace

class TestReadOut : public QObject {
    Q_OBJECT

  private slots:
    void findsWhatIsThere() {
        const auto labels = labelsOf(400, 1);
        const auto hits = readOut(drawn(labels, 8, 2), {&labels, 1}, kClasses);
        QCOMPARE(hits.front().n, 400);
        QVERIFY2(hits.front().right >= 396, qPrintable(QString::number(hits.front().right)));
    }

    void findsNothingWhereNothingIs() {
        int32_t noise = 0, shuffled = 0;
        for (uint32_t seed = 0; seed < 25; ++seed) {
            const std::vector<std::vector<int32_t>> labellings{labelsOf(400, 3 * seed), labelsOf(400, 3 * seed + 1)};
            noise += readOut(drawn(labellings[0], 0, 3 * seed + 2), labellings, kClasses)[0].right;
            // Labels dealt out anew have nothing to do with features that tell the true ones.
            shuffled += readOut(drawn(labellings[0], 8, 3 * seed + 2), labellings, kClasses)[1].right;
        }
        for (const int32_t right : {noise, shuffled})  // of 10,000; 100 are 3.3 standard deviations
            QVERIFY2(std::abs(right - 1000) < 100, qPrintable(QString::number(right)));
    }

    void moreFeaturesThanRowsAndColumnsThatNeverChange() {
        const auto labels = labelsOf(40, 1);
        FeatureRows rows{kWidth, std::vector<float>(size_t{40} * kWidth, 3.0F)};
        QCOMPARE(readOut(rows, {&labels, 1}, kClasses).front().n, 40);
        rows = drawn(labels, 1e6, 5);
        QCOMPARE(readOut(rows, {&labels, 1}, kClasses).front().n, 40);
    }

    void unevenFoldsTestEveryRowOnce() {
        for (const int32_t n : {41, 59, 60, 79}) {
            const auto labels = labelsOf(n, 1);
            QCOMPARE(readOut(drawn(labels, 8, 2), {&labels, 1}, kClasses).front().n, n);
        }
    }

    void intervalsAreWilsons() {
        // Newcombe 1998 (Statistics in Medicine 17:857), table I, method 3.
        const auto near = [](double a, double b) { return std::abs(a - b) < 5e-5; };
        const auto a = Hits{81, 263}.interval(), b = Hits{15, 148}.interval(), c = Hits{0, 20}.interval();
        QVERIFY(near(a.low, 0.2553) && near(a.high, 0.3662));
        QVERIFY(near(b.low, 0.0624) && near(b.high, 0.1605));
        QVERIFY(near(c.low, 0) && near(c.high, 0.1611));
        QCOMPARE((Hits{}.interval().high), 1.0);
    }
};

QTEST_GUILESS_MAIN(TestReadOut)
#include "tst_readout.moc"
