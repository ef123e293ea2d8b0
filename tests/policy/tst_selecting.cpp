// The policies that choose by keys, and those compared with them, against their authors' definitions written down once
// more, on seeded keys and queries.
#include <QtTest>
#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "engine/policy/policies.h"
#include "engine/types/interval_algebra.h"

using namespace spanscope;

namespace {

const BackendInfo kBackend{"cpu", "a machine", 1, DType::F32, true, true};
constexpr int kDim = 8, kLayers = 4, kHeads = 2;

std::unique_ptr<MaskPolicy> policy(const std::string& text) {
    auto made = makeMaskPolicy(parseMaskPolicy(text).value(), kBackend);
    if (!made) qFatal("%s", made.error().toString().c_str());
    return std::move(*made);
}

/// `declared`: tokens that the span of this step has.
TokenView viewAt(int32_t position, int32_t declared) {
    TokenView view;
    view.position = position;
    view.visible = std::make_shared<const IntervalList>(IntervalList{{position + 1 - declared, kOpenEnd}});
    return view;
}

/// Keys and a query for every layer and head, of `n` positions.
struct Drawn {
    std::vector<float> keys, query;
    int32_t n;
    Drawn(int32_t count, uint32_t seed) : n(count) {
        std::mt19937 random(seed);
        std::normal_distribution<float> normal(0, 1.5f);
        for (int i = 0; i < n * kDim; ++i) keys.push_back(normal(random));
        for (int i = 0; i < kDim; ++i) query.push_back(normal(random));
    }
    double score(int k) const {
        double sum = 0;
        for (int i = 0; i < kDim; ++i) sum += double(query[size_t(i)]) * double(keys[size_t(k * kDim + i)]);
        return sum;
    }
    HeadQuery at(int32_t layer, int32_t head, int32_t position) const {
        return {layer, kLayers, head, kHeads, kDim, position, query, std::span(keys).first(size_t(position + 1) * kDim),
                0};
    }
};

std::set<int> keysOf(std::span<const Interval> list, int position) {
    std::set<int> keys;
    for (int k = 0; k <= position; ++k)
        if (mayRead(list.data(), int32_t(list.size()), position, k)) keys.insert(k);
    return keys;
}

/// So many pages that the tokens that are there come nearest to the budget.
int pages(int budget, int position, int size) {
    int best = 1;
    const auto held = [&](int n) { return (n - 1) * size + position % size + 1; };
    while (std::abs(held(best + 1) - budget) <= std::abs(held(best) - budget)) ++best;
    return best;
}

/// The k best groups of `size` neighbours, `always` among them.
std::set<int> bestGroups(const std::vector<double>& scores, size_t k, std::set<int> always, int size, int position) {
    std::vector<int> order(scores.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = int(i);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return scores[size_t(a)] > scores[size_t(b)]; });
    for (int i : order)
        if (always.size() < k) always.insert(i);
    std::set<int> keys;
    for (int group : always)
        for (int i = group * size; i < (group + 1) * size && i <= position; ++i) keys.insert(i);
    return keys;
}

}  // namespace

class TestSelecting : public QObject {
    Q_OBJECT
  private slots:
    void questIsAsItsAuthorsSay() {
        for (const auto& [n, tokens] : {std::pair{200, 96}, {200, 20}, {333, 64}, {40, 1000}, {1, 5}}) {
            const Drawn drawn(n, uint32_t(n));
            const int position = n - 1;
            auto quest = policy("quest=" + std::to_string(tokens));
            QVERIFY(quest->forStep(viewAt(position, 1)).visible->front() == (Interval{0, kOpenEnd}));
            for (int layer = 0; layer < kLayers; ++layer) {
                const auto read = keysOf(quest->selector()->select(drawn.at(layer, 1, position)), position);
                if (layer < 2) {
                    QCOMPARE(read.size(), size_t(n));
                    continue;
                }
                std::vector<double> scores;
                for (int page = 0; page * 16 < n; ++page) {
                    double score = 0;
                    for (int i = 0; i < kDim; ++i) {
                        double least = 1e9, most = -1e9;
                        for (int k = page * 16; k < std::min(n, page * 16 + 16); ++k) {
                            least = std::min(least, double(drawn.keys[size_t(k * kDim + i)]));
                            most = std::max(most, double(drawn.keys[size_t(k * kDim + i)]));
                        }
                        score += std::max(drawn.query[size_t(i)] * least, drawn.query[size_t(i)] * most);
                    }
                    scores.push_back(score);
                }
                const int left = std::max(0, (std::min(tokens, n) * kLayers - 2 * n) / (kLayers - 2));
                const size_t k = std::min(scores.size(), size_t(std::max(3, pages(left, position, 16))));
                QCOMPARE(read, bestGroups(scores, k, {position / 16}, 16, position));
            }
        }
    }

    void triForceIsAsItsAuthorsSay() {
        for (const auto& [n, tokens] : {std::pair{200, 64}, {77, 24}, {77, 8}, {9, 64}}) {
            const Drawn drawn(n, uint32_t(n) + 7);
            const int position = n - 1;
            auto triforce = policy("triforce=" + std::to_string(tokens));
            (void)triforce->forStep(viewAt(position, 1));
            std::vector<double> scores;
            for (int chunk = 0; chunk * 8 < n; ++chunk) {
                const int end = std::min(n, chunk * 8 + 8);
                double sum = 0;
                for (int k = chunk * 8; k < end; ++k) sum += drawn.score(k) / (end - chunk * 8);
                scores.push_back(sum);
            }
            QCOMPARE(
                keysOf(triforce->selector()->select(drawn.at(0, 0, position)), position),
                bestGroups(scores, size_t(pages(std::min(tokens, n), position, 8)), {0, position / 8}, 8, position));
        }
    }

    void oracleKeepsTheMass() {
        for (const auto& [n, tokens] : {std::pair{200, 64}, {333, 16}, {15, 100}}) {
            const Drawn drawn(n, uint32_t(n) + 3);
            const int position = n - 1;
            auto oracle = policy("oracle=" + std::to_string(tokens));
            (void)oracle->forStep(viewAt(position, 1));
            std::vector<double> mass((size_t(n) + 15) / 16, 0.0);
            for (int k = 0; k < n; ++k) mass[size_t(k / 16)] += std::exp(drawn.score(k));
            QCOMPARE(keysOf(oracle->selector()->select(drawn.at(3, 1, position)), position),
                     bestGroups(mass, size_t(pages(std::min(tokens, n), position, 16)), {position / 16}, 16, position));
        }
    }

    /// 60 tokens of prompt, of which the last 32 are looked at; 40 stay.
    void snapKvIsAsItsAuthorsSay() {
        const int nPrompt = 60, capacity = 40, observed = 32, nBefore = nPrompt - observed;
        const Drawn drawn(nPrompt + 3, 11);
        std::mt19937 random(5);
        std::normal_distribution<float> normal(0, 1);
        auto snapkv = policy("snapkv=" + std::to_string(capacity));
        QCOMPARE(snapkv->observedPrompt(), observed);
        for (int p = 0; p < nPrompt; ++p) (void)snapkv->forPrompt(viewAt(p, 1));
        std::vector<std::vector<double>> seen(kLayers * kHeads, std::vector<double>(size_t(nBefore), 0.0));
        for (int p = nBefore; p < nPrompt; ++p)
            for (int at = 0; at < kLayers * kHeads; ++at) {
                Drawn own = drawn;  // a query of its own for each head
                for (float& q : own.query) q = normal(random);
                QCOMPARE(keysOf(snapkv->selector()->select(own.at(at / kHeads, at % kHeads, p)), p).size(),
                         size_t(p) + 1);
                double total = 0;
                for (int k = 0; k <= p; ++k) total += std::exp(own.score(k));
                for (int k = 0; k < nBefore; ++k) seen[size_t(at)][size_t(k)] += std::exp(own.score(k)) / total;
            }
        for (int position = nPrompt; position < nPrompt + 3; ++position) {
            (void)snapkv->forStep(viewAt(position, 1));
            for (int at = 0; at < kLayers * kHeads; ++at) {
                std::vector<double> smooth;
                for (int k = 0; k < nBefore; ++k) {
                    double sum = 0;
                    for (int j = k - 2; j <= k + 2; ++j) sum += j < 0 || j >= nBefore ? 0 : seen[size_t(at)][size_t(j)];
                    smooth.push_back(sum / 5);
                }
                std::set<int> want = bestGroups(smooth, capacity - observed, {}, 1, position);
                for (int k = nBefore; k <= position; ++k) want.insert(k);
                QCOMPARE(keysOf(snapkv->selector()->select(drawn.at(at / kHeads, at % kHeads, position)), position),
                         want);
            }
            const auto read = snapkv->headsRead();
            QVERIFY(read && read->mean == double(capacity + position + 1 - nPrompt));
        }
        // A prompt that is shorter than the capacity stays.
        auto roomy = policy("snapkv=100");
        for (int p = 0; p < nPrompt; ++p) (void)roomy->forPrompt(viewAt(p, 1));
        (void)roomy->forStep(viewAt(nPrompt, 1));
        QCOMPARE(keysOf(roomy->selector()->select(drawn.at(0, 0, nPrompt)), nPrompt).size(), size_t(nPrompt) + 1);
    }

    /// A prompt of 40 tokens, then rounds of seven.
    void vegasIsAsItsAuthorsSay() {
        const int nPrompt = 40, budget = 21, n = nPrompt + 24;
        auto vegas = policy("vegas=" + std::to_string(budget));
        QCOMPARE(vegas->observedPrompt(), 1);
        for (int p = 0; p < nPrompt; ++p) (void)vegas->forPrompt(viewAt(p, 1));
        const Drawn keys(n, 17);
        std::mt19937 random(6);
        std::normal_distribution<float> normal(0, 1);
        // (layer, query, key): softmax weights of all queries, the mean over heads.
        std::vector weight(kLayers, std::vector(size_t(n), std::vector<double>(size_t(n), 0.0)));
        for (int position = nPrompt - 1; position < n; ++position) {
            if (position >= nPrompt) (void)vegas->forStep(viewAt(position, 1));
            for (int at = 0; at < kLayers * kHeads; ++at) {
                Drawn own = keys;
                for (float& q : own.query) q = normal(random);
                double total = 0;
                for (int k = 0; k <= position; ++k) total += std::exp(own.score(k));
                for (int k = 0; k <= position; ++k)
                    weight[size_t(at / kHeads)][size_t(position)][size_t(k)] += std::exp(own.score(k)) / total / kHeads;
                const auto read =
                    keysOf(vegas->selector()->select(own.at(at / kHeads, at % kHeads, position)), position);
                if (position < nPrompt) {
                    QCOMPARE(read.size(), size_t(position) + 1);
                    continue;
                }
                // The pass before: the prompt's last query, or a round's first and last.
                const int round = (position - nPrompt) / 7, first = round == 0 ? nPrompt - 1 : nPrompt + round * 7 - 7,
                          last = round == 0 ? first : first + 6;
                std::vector<double> mean;
                for (int k = 0; k <= first; ++k)
                    mean.push_back((weight[size_t(at / kHeads)][size_t(first)][size_t(k)] +
                                    weight[size_t(at / kHeads)][size_t(last)][size_t(k)]) /
                                   2);
                const int nRecent = position - first;
                std::set<int> want = bestGroups(mean, size_t(std::max(1, budget - nRecent)), {}, 1, position);
                for (int k = first + 1; k <= position; ++k) want.insert(k);
                QCOMPARE(read, want);
                QCOMPARE(int(read.size()), budget);
            }
        }
        // What no pass has ranked is all read.
        auto blind = policy("vegas=8");
        (void)blind->forStep(viewAt(nPrompt, 1));
        QCOMPARE(keysOf(blind->selector()->select(keys.at(0, 0, nPrompt)), nPrompt).size(), size_t(nPrompt) + 1);
    }

    void streamingKeepsFourAndTheLast() {
        for (const int n : {1, 4, 5, 6, 20, 64}) {
            auto streaming = policy("streaming=" + std::to_string(n)),
                 reassigned = policy("streaming-reassigned=" + std::to_string(n));
            QVERIFY(!streaming->selector() && reassigned->selector()->reassignsPositions());
            const Drawn drawn(90, uint32_t(n));
            for (int position = 0; position < 90; ++position) {
                const auto read = keysOf(*streaming->forStep(viewAt(position, 1)).visible, position);
                QCOMPARE(*reassigned->forStep(viewAt(position, 1)).visible, (IntervalList{{0, kOpenEnd}}));
                for (const int head : {0, 1})
                    QCOMPARE(keysOf(reassigned->selector()->select(drawn.at(2, head, position)), position), read);
                std::set<int> want;
                for (int k = 0; k <= position; ++k)
                    if (k < 4 || k > position - std::max(1, std::min(n, position + 1) - 4)) want.insert(k);
                QCOMPARE(read, want);
            }
        }
    }

    void randomPagesAreSpreadEvenly() {
        auto random = policy("random=64");
        std::vector<int> drawn(20, 0);
        for (int position = 320 - 16; position < 320; ++position)
            for (int round = 0; round < 2; ++round) {
                const auto read = keysOf(*random->forStep(viewAt(position, 1)).visible, position);
                QVERIFY(read.contains(position));
                QCOMPARE(int(read.size()), (pages(64, position, 16) - 1) * 16 + position % 16 + 1);
                for (int page = 0; page < 20; ++page) drawn[size_t(page)] += read.contains(page * 16) ? 1 : 0;
            }
        for (int page = 0; page < 19; ++page) QVERIFY2(drawn[size_t(page)] <= 20, qPrintable(QString::number(page)));
    }

    void budgetsFollowTheSpan() {
        const Drawn drawn(400, 1);
        for (const char* name : {"oracle", "triforce", "streaming", "streaming-reassigned", "random"}) {
            auto as = policy(name), fixed = policy(std::string(name) + "=96"),
                 share = policy(std::string(name) + "=25%");
            const auto nRead = [&](MaskPolicy& p, int position, int declared) {
                const QueryMask mask = p.forStep(viewAt(position, declared));
                if (!p.selector()) return keysOf(*mask.visible, position);
                return keysOf(p.selector()->select(drawn.at(2, 0, position)), position);
            };
            QCOMPARE(nRead(*as, 399, 96), nRead(*fixed, 399, 3));
            QCOMPARE(nRead(*share, 383, 3), nRead(*fixed, 383, 3));  // a quarter of 384
            QVERIFY(nRead(*as, 399, 200).size() > nRead(*as, 399, 96).size());
        }
        QVERIFY(!parseMaskPolicy("snapkv").ok());
        QVERIFY(!parseMaskPolicy("keep=25%").ok());
        QVERIFY(!parseMaskPolicy("quest=0%").ok() && !parseMaskPolicy("quest=101%").ok());
        QVERIFY(readsAsDeclared(parseMaskPolicy("quest").value()) &&
                !readsAsDeclared(parseMaskPolicy("quest=5").value()));
    }

    void whatHeadsReadIsCounted() {
        const Drawn drawn(100, 2);
        auto oracle = policy("oracle=8");
        (void)oracle->forStep(viewAt(99, 1));
        QVERIFY(!oracle->headsRead());
        std::set<int> any;
        std::vector<int> counts(100, 0);
        for (int head = 0; head < kHeads; ++head) {
            Drawn own(100, uint32_t(head) + 40);
            const auto read = keysOf(oracle->selector()->select(own.at(0, head, 99)), 99);
            any.insert(read.begin(), read.end());
            for (int k : read) ++counts[size_t(k)];
        }
        const auto read = oracle->headsRead();
        QVERIFY(read.has_value() && read->mean == 4.0);  // the query's own page, of which four tokens are there
        QVERIFY(isNormalised(*read->any));
        QCOMPARE(keysOf(*read->any, 99), any);
        QCOMPARE(read->counts->nAll, kHeads);
        for (int k = 0; k < 100; ++k) QCOMPARE(read->counts->at(k), counts[size_t(k)]);
        QCOMPARE(read->counts->mean(), read->mean);
        (void)oracle->forStep(viewAt(99, 1));
        QVERIFY(!oracle->headsRead());  // of this step, nothing yet
    }
};

QTEST_GUILESS_MAIN(TestSelecting)
#include "tst_selecting.moc"
