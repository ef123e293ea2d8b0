// Group lossless of bench_cuda: what a round of lossless decoding (docs/lossless.md) costs at llama-7b's shape, batch
// 8, 16,384 tokens of context, drafts that read 1/8 of it. Random weights accept nothing, so a round's time is measured
// and its yield is the formula's, and again with drawn acceptance: whole rounds in a row, in which each drafted token
// is accepted with the probability of the goal, so that sequences come to differ in length.
#include <algorithm>
#include <chrono>

#include "tests/gpu/random_model.h"

namespace bench {
namespace {

constexpr double kAcceptance = 0.97;  // per token: the goal of docs/lossless.md
constexpr int kRows = 8, kDepth = 16384, kDraftLengths[] = {2, 4, 7, 8};

double usSince(std::chrono::steady_clock::time_point began) {
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count();
}

/// Tokens that a round of `length` drafted ones yields: 1 + a + ... + a^length.
double yieldOf(int length) {
    double sum = 0, power = 1;
    for (int i = 0; i <= length; ++i, power *= kAcceptance) sum += power;
    return sum;
}

/// Sequences at one depth, and steps over all of them.
class Rounds {
  public:
    Rounds(CudaBackend& backend, int depth, int room) : m_backend(backend), m_dense{{0, kOpenEnd}} {
        check::Random random(3);
        for (int r = 0; r < kRows; ++r) {
            auto id = backend.createSequence(depth + room);
            if (!id.ok()) stop(id.error().toString());
            m_ids.push_back(*id);
            need(backend.fillWithNoise(*id, depth, static_cast<uint32_t>(r + 1)));
            auto& list = m_declared.emplace_back();  // single pages, spread over the context, and what is written
            const int nKept = depth / 8 / kPageTokens, nRuns = depth / kPageTokens - 4;
            for (int i = 0; i < nKept; ++i) {
                const int lo = i * nRuns / nKept, hi = (i + 1) * nRuns / nKept;
                const int at = (lo + random.below(std::max(1, hi - lo))) * kPageTokens;
                if (!list.empty() && list.back().end == at) list.back().end += kPageTokens;
                else list.push_back({at, at + kPageTokens});
            }
            list.push_back({depth - 32, kOpenEnd});
        }
    }
    ~Rounds() {
        for (SequenceId id : m_ids) m_backend.freeSequence(id);
    }
    Rounds(const Rounds&) = delete;
    Rounds& operator=(const Rounds&) = delete;

    /// nEach tokens of every sequence in one step; microseconds.
    double step(int nEach, bool declared) {
        std::vector<DecodeItem> items;
        for (size_t r = 0; r < m_ids.size(); ++r)
            for (int i = 0; i < nEach; ++i) {
                DecodeItem item;
                item.sequence = m_ids[r];
                item.token = 1 + i;
                item.position = m_backend.storedTokens(m_ids[r]) + i;
                item.visible = declared ? m_declared[r] : m_dense;
                item.maskId = declared ? 2 + r : 1;
                items.push_back(item);
            }
        m_argmax.resize(items.size());
        m_logprob.resize(items.size());
        const auto began = std::chrono::steady_clock::now();
        need(m_backend.decode(items, {m_argmax, m_logprob, {}}));
        return usSince(began);
    }
    void cut(size_t row, int nTokens) { m_backend.truncate(m_ids[row], m_backend.storedTokens(m_ids[row]) - nTokens); }
    void cutAll(int nTokens) {
        for (size_t r = 0; r < m_ids.size(); ++r) cut(r, nTokens);
    }
    size_t size() const { return m_ids.size(); }

  private:
    CudaBackend& m_backend;
    std::vector<SequenceId> m_ids;
    std::vector<Interval> m_dense;
    std::vector<std::vector<Interval>> m_declared;
    std::vector<int32_t> m_argmax;
    std::vector<float> m_logprob;
};

/// The mean of a step of nEach tokens for every sequence. Passes begin at the same place each time.
double meanUs(Rounds& rounds, int nEach, bool declared, int n) {
    constexpr int kWarm = 4;  // the first one is tuned and captured
    double total = 0;
    for (int i = 0; i < kWarm + n; ++i) {
        const double us = rounds.step(nEach, declared);
        if (i >= kWarm) total += us;
        if (nEach > 1) rounds.cutAll(nEach);
    }
    return total / n;
}

struct Drawn {
    double tokensPerS = 0, tokensPerRound = 0, roundUs = 0;
};

/// Whole rounds; each drafted token is accepted with probability kAcceptance.
Drawn drawnRounds(Rounds& rounds, int length, int n) {
    check::Random random(17);
    double tokens = 0, us = 0;
    for (int round = -1; round < n; ++round) {  // the first is not counted
        const auto began = std::chrono::steady_clock::now();
        for (int i = 0; i < length; ++i) rounds.step(1, true);
        rounds.cutAll(length);
        rounds.step(length + 1, false);
        int nEmitted = 0;
        for (size_t r = 0; r < rounds.size(); ++r) {
            int accepted = 0;
            while (accepted < length && random.uniform() < kAcceptance) ++accepted;
            rounds.cut(r, length - accepted);
            nEmitted += accepted + 1;
        }
        const double took = usSince(began);
        if (round < 0) continue;
        us += took;
        tokens += nEmitted;
    }
    return {1e6 * tokens / us, tokens / (n * static_cast<double>(rounds.size())), us / n};
}

}  // namespace

void lossless() {
    constexpr int kRounds = 12, kRoom = 512;
    const RandomModel model(32, 32, 32, 128, 4096, 11008, 32000);
    auto backend = load(model, kMaxBatch, int64_t{kRows} * (kDepth + kRoom + kPageTokens));
    Rounds rounds(*backend, kDepth, kRoom);
    const double dense = meanUs(rounds, 1, false, 24), declared = meanUs(rounds, 1, true, 24);
    emit("lossless 7b batch 8 depth 16384 step", {{"batch", kRows},
                                                  {"depth", kDepth},
                                                  {"acceptance", kAcceptance},
                                                  {"denseUs", dense},
                                                  {"declaredUs", declared},
                                                  {"denseTokensPerS", 1e6 * kRows / dense},
                                                  {"declaredTokensPerS", 1e6 * kRows / declared}});
    for (int length : kDraftLengths) {
        const std::string name = "lossless 7b batch 8 depth 16384 draft " + std::to_string(length);
        if (kRows * (length + 1) > kMaxBatch) {
            emit(name, {{"draft", length}, {"rows", kRows * (length + 1)}, {"mostRows", kMaxBatch}});
            continue;
        }
        const double pass = meanUs(rounds, length + 1, false, kRounds);
        const double round = length * declared + pass, formula = 1e6 * kRows * yieldOf(length) / round;
        const Drawn drawn = drawnRounds(rounds, length, kRounds);
        emit(name, {{"draft", length},
                    {"rows", kRows * (length + 1)},
                    {"passUs", pass},
                    {"passOverDense", pass / dense},
                    {"roundUs", round},
                    {"expectedTokens", yieldOf(length)},
                    {"tokensPerS", formula},
                    {"timesDense", formula * dense / (1e6 * kRows)},
                    {"drawnRoundUs", drawn.roundUs},
                    {"drawnTokens", drawn.tokensPerRound},
                    {"drawnTokensPerS", drawn.tokensPerS},
                    {"drawnTimesDense", drawn.tokensPerS * dense / (1e6 * kRows)}});
    }
}

}  // namespace bench
