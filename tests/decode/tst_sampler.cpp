// Each stage against a plain implementation written here, which works on a full list of probabilities and knows
// nothing of the engine's.
#include <QtTest>
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "engine/decode/sampler.h"

using namespace spanscope;

namespace {

std::vector<float> randomLogits(uint64_t seed, size_t n) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal(0, 3);
    std::vector<float> logits(n);
    for (float& l : logits) l = normal(random);
    return logits;
}

/// The distribution that the settings mean, worked out stage by stage: id -> probability.
std::map<int32_t, double> plainDistribution(std::vector<float> logits, const SamplerSettings& s,
                                            const std::vector<int32_t>& recent) {
    std::vector<int32_t> window = recent;
    if (s.repeatLastN >= 0 && window.size() > static_cast<size_t>(s.repeatLastN))
        window.assign(recent.end() - s.repeatLastN, recent.end());
    for (size_t i = 0; i < logits.size(); ++i) {
        if (std::find(window.begin(), window.end(), static_cast<int32_t>(i)) == window.end()) continue;
        logits[i] = logits[i] > 0 ? logits[i] / s.repeatPenalty : logits[i] * s.repeatPenalty;
    }
    std::vector<int32_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return logits[a] > logits[b]; });
    if (s.topK > 0 && order.size() > static_cast<size_t>(s.topK)) order.resize(static_cast<size_t>(s.topK));
    auto probabilities = [&](double temperature) {
        std::vector<double> p;
        double sum = 0;
        for (int32_t id : order) p.push_back(std::exp(logits[id] / temperature));
        for (double x : p) sum += x;
        for (double& x : p) x /= sum;
        return p;
    };
    if (s.topP < 1) {
        const auto p = probabilities(1);
        double sum = 0;
        size_t n = 0;
        while (n < p.size() && sum < s.topP) sum += p[n++];
        order.resize(n);
    }
    if (s.minP > 0) {
        const auto p = probabilities(1);
        size_t n = 0;
        while (n < p.size() && p[n] >= s.minP * p[0] * (1 - 1e-9)) ++n;
        order.resize(n);
    }
    const auto p = probabilities(s.temperature);
    std::map<int32_t, double> result;
    for (size_t i = 0; i < order.size(); ++i) result[order[i]] = p[i];
    return result;
}

}  // namespace

class TestSampler : public QObject {
    Q_OBJECT

  private slots:
    void distributionIsThePlainOne_data() {
        QTest::addColumn<SamplerSettings>("settings");
        auto row = [](const char* name, auto change) {
            SamplerSettings s;
            s.temperature = 1;
            s.repeatLastN = 4;
            change(s);
            QTest::newRow(name) << s;
        };
        row("temperature 1", [](SamplerSettings&) {});
        row("temperature 0.5", [](SamplerSettings& s) { s.temperature = 0.5F; });
        row("temperature 2", [](SamplerSettings& s) { s.temperature = 2; });
        row("top-k 1", [](SamplerSettings& s) { s.topK = 1; });
        row("top-k 5", [](SamplerSettings& s) { s.topK = 5; });
        row("top-k beyond the vocabulary", [](SamplerSettings& s) { s.topK = 1000; });
        row("top-p 0.7", [](SamplerSettings& s) { s.topP = 0.7F; });
        row("top-p tiny", [](SamplerSettings& s) { s.topP = 1e-6F; });
        row("min-p 0.1", [](SamplerSettings& s) { s.minP = 0.1F; });
        row("min-p 1", [](SamplerSettings& s) { s.minP = 1; });
        row("penalty", [](SamplerSettings& s) { s.repeatPenalty = 1.8F; });
        row("all together", [](SamplerSettings& s) {
            s.repeatPenalty = 1.3F;
            s.topK = 20;
            s.topP = 0.9F;
            s.minP = 0.05F;
            s.temperature = 0.7F;
        });
    }

    void distributionIsThePlainOne() {
        QFETCH(SamplerSettings, settings);
        for (uint64_t seed = 1; seed <= 3; ++seed) {
            const auto logits = randomLogits(seed, 37);
            const std::vector<int32_t> recent{3, 3, 9, 11, 30, 7, 36};  // longer than the window of 4
            const auto expected = plainDistribution(logits, settings, recent);
            settings.seed = seed;
            Sampler sampler(settings);
            for (int32_t id : recent) sampler.accept(id);
            constexpr int kDraws = 40000;
            std::map<int32_t, int> counts;
            for (int i = 0; i < kDraws; ++i) ++counts[sampler.sample(logits).id];
            for (const auto& [id, n] : counts) QVERIFY2(expected.contains(id), qPrintable(QString::number(id)));
            for (const auto& [id, p] : expected) {
                // Five standard deviations of a binomial: one false alarm in a million.
                const double sigma = std::sqrt(p * (1 - p) / kDraws);
                const double found = static_cast<double>(counts[id]) / kDraws;
                QVERIFY2(std::abs(found - p) <= 5 * sigma + 1e-9,
                         qPrintable(QString("id %1: %2, expected %3").arg(id).arg(found).arg(p)));
            }
        }
    }

    void greedyTakesTheFirstOfTheBest() {
        Sampler sampler(SamplerSettings{});
        QVERIFY(!sampler.needsLogits());
        const std::vector<float> logits{0.5F, 2, -1, 2};
        const SampledToken token = sampler.sample(logits);
        QCOMPARE(token.id, 1);
        double sum = 0;
        for (float l : logits) sum += std::exp(l);
        QVERIFY(std::abs(token.logprob - (2 - std::log(sum))) < 1e-6);
    }

    void greedyWithPenaltyLooksAtTheWindow() {
        SamplerSettings s;
        s.repeatPenalty = 2;
        s.repeatLastN = 2;
        Sampler sampler(s);
        QVERIFY(sampler.needsLogits());
        const std::vector<float> logits{4, 3, 2.5F, -1};
        sampler.accept(0);
        QCOMPARE(sampler.sample(logits).id, 1);
        sampler.accept(1);
        QCOMPARE(sampler.sample(logits).id, 2);
        sampler.accept(3);  // 0 leaves the window
        QCOMPARE(sampler.sample(logits).id, 0);
    }

    void sameSeedSameTokens() {
        SamplerSettings s;
        s.temperature = 1;
        s.seed = 99;
        Sampler a(s), b(s);
        s.seed = 100;
        Sampler c(s);
        bool different = false;
        for (uint64_t i = 0; i < 64; ++i) {
            const auto logits = randomLogits(i, 127);
            const int32_t id = a.sample(logits).id;
            QCOMPARE(b.sample(logits).id, id);
            different = different || c.sample(logits).id != id;
        }
        QVERIFY(different);
    }

    void logitsThatAreNoNumbersAreNeverDrawn() {
        SamplerSettings s;
        s.temperature = 1;
        Sampler sampler(s);
        const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
        for (int i = 0; i < 1000; ++i) {
            const int32_t id = sampler.sample(std::vector<float>{nan, 0, -inf, 0.5F, nan}).id;
            QVERIFY(id == 1 || id == 3);
        }
    }

    void nonsenseIsRefusedByName() {
        auto refused = [](auto change) {
            SamplerSettings s;
            change(s);
            const Status ok = checkSampler(s);
            return ok ? std::string() : ok.error().field;
        };
        QCOMPARE(refused([](SamplerSettings&) {}), std::string());
        QCOMPARE(refused([](SamplerSettings& s) { s.temperature = -1; }), std::string("temperature"));
        QCOMPARE(refused([](SamplerSettings& s) { s.temperature = std::nanf(""); }), std::string("temperature"));
        QCOMPARE(refused([](SamplerSettings& s) { s.topK = -2; }), std::string("top-k"));
        QCOMPARE(refused([](SamplerSettings& s) { s.topP = 0; }), std::string("top-p"));
        QCOMPARE(refused([](SamplerSettings& s) { s.topP = 1.5F; }), std::string("top-p"));
        QCOMPARE(refused([](SamplerSettings& s) { s.minP = -0.1F; }), std::string("min-p"));
        QCOMPARE(refused([](SamplerSettings& s) { s.repeatPenalty = 0; }), std::string("repeat-penalty"));
        QCOMPARE(refused([](SamplerSettings& s) { s.repeatLastN = -2; }), std::string("repeat-last-n"));
    }

    void forbiddenIdsAreNeverDrawn() {
        const std::vector<float> logits{0, 1, 2, 9, 3, 8};
        SamplerSettings s;
        Sampler greedy(s, {3, 5, 700});
        QVERIFY(!greedy.needsLogits());
        QVERIFY(greedy.isForbidden(3) && greedy.isForbidden(5) && !greedy.isForbidden(4));
        QCOMPARE(greedy.sample(logits).id, 4);
        QCOMPARE(greedy.sample(logits, {3, 0}).id, 4);
        QCOMPARE(greedy.sample(logits, {2, -1}).id, 2);  // what the backend found, where it may be said
        QCOMPARE(greedy.sample(logits).logprob, logProbability(logits, 4));
        s.temperature = 5;
        Sampler drawn(s, {3, 5, 700});
        std::set<int32_t> seen;
        for (int i = 0; i < 500; ++i) seen.insert(drawn.sample(logits).id);
        QCOMPARE(seen, (std::set<int32_t>{0, 1, 2, 4}));
    }

    void orderIsPrinted() {
        SamplerSettings s;
        QCOMPARE(describeSampler(s), std::string("greedy"));
        s.temperature = 0.8F;
        s.topK = 40;
        s.topP = 0.9F;
        s.minP = 0.05F;
        s.repeatPenalty = 1.1F;
        s.seed = 7;
        QCOMPARE(describeSampler(s), std::string("penalties(1.1, last 64) -> top-k(40) -> top-p(0.9) -> min-p(0.05) -> "
                                                 "temperature(0.8) -> draw(seed 7)"));
    }
};

QTEST_GUILESS_MAIN(TestSampler)
#include "tst_sampler.moc"
