#include "engine/bench/bench.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "engine/bench/bench_rounds.h"
#include "engine/model/step_bytes.h"
#include "engine/policy/keep_policy.h"
#include "engine/policy/policies.h"

namespace spanscope {

namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Matrix arithmetic of one prompt token; the head is asked for the last token alone.
double flopsPerToken(const ModelWeights& w) {
    double n = 0;
    for (const LayerWeights& l : w.layers)
        for (const TensorView* t : {&l.q, &l.k, &l.v, &l.o, &l.gate, &l.up, &l.down})
            n += 2.0 * static_cast<double>(t->rows) * static_cast<double>(t->cols);
    return n;
}

class Bench {
  public:
    Bench(Backend& backend, const ModelWeights& weights, const BenchSubject& subject, const BenchPlan& plan,
          const std::atomic<bool>* stop, std::vector<BenchRow>& rows, const BenchProgress& progress)
        : m_backend(backend),
          m_weights(weights),
          m_layerWindows(layerWindowsOf(weights.shape)),
          m_subject(subject),
          m_plan(plan),
          m_stop(stop),
          m_rows(rows),
          m_progress(progress) {
        std::mt19937_64 random(plan.seed);
        m_tokens.resize(1 << 16);
        for (int32_t& t : m_tokens) t = static_cast<int32_t>(random() % static_cast<uint64_t>(weights.shape.vocab));
    }

    Status run() {
        for (const int32_t depth : m_plan.depths) {
            for (const int32_t n : m_plan.promptSizes)
                if (Status s = test(n, 0, depth, 1); !s) return s;
            for (const int32_t n : m_plan.predictSizes)
                for (const int32_t batch : m_plan.batches)
                    if (Status s = test(0, n, depth, batch); !s) return s;
            for (const BenchPlan::Both& b : m_plan.promptThenPredict)
                if (Status s = test(b.prompt, b.predict, depth, 1); !s) return s;
        }
        return {};
    }

  private:
    Status checkStop() const {
        if (m_stop && m_stop->load()) return Error{ErrorCode::Cancelled, "stopped"};
        return {};
    }

    /// What the query at `position` may read, where no model declares anything.
    static QueryMask maskAt(MaskPolicy& policy, int32_t position) {
        TokenView view;
        view.position = position;
        return policy.forStep(view);
    }

    /// Appends tokens under the policy's lists, in chunks so that stop is noticed.
    Status fill(SequenceId sequence, int32_t n, MaskPolicy& policy) {
        constexpr int32_t kChunk = 512;
        for (int32_t done = 0; done < n; done += kChunk) {
            if (Status s = checkStop(); !s) return s;
            const int32_t count = std::min(kChunk, n - done);
            const int32_t at = m_backend.storedTokens(sequence);
            // One list for a chunk: that of its middle, open to the chunk's own tokens.
            IntervalList list = *maskAt(policy, at + count / 2).visible;
            list.back().end = kOpenEnd;
            const QueryRun run{0, count, list};
            const std::span<const int32_t> tokens(m_tokens.data() + at % (1 << 15), static_cast<size_t>(count));
            if (Status s = m_backend.prefill(sequence, tokens, {&run, 1}, {}); !s) return s;
        }
        return {};
    }

    /// n steps of every sequence; the token fed is the greedy one of the step before.
    Status generate(int32_t n, MaskPolicy& policy, double& loadedTokens) {
        const size_t b = m_sequences.size();
        std::vector<int32_t> next(b, 1);
        std::vector<DecodeItem> items(b);
        for (int32_t i = 0; i < n; ++i) {
            if (Status s = checkStop(); !s) return s;
            const int32_t position = m_backend.storedTokens(m_sequences[0]);
            const SharedIntervals list = maskAt(policy, position).visible;
            for (size_t k = 0; k < b; ++k) items[k] = {m_sequences[k], next[k], position, *list, 0};
            if (Status s = m_backend.decode(items, {next, {}, {}}); !s) return s;
            loadedTokens += spanscope::loadedTokens(*list, position, m_layerWindows);
        }
        return {};
    }

    /// One policy of a test.
    struct Contender {
        std::string name;
        std::unique_ptr<MaskPolicy> policy;
        BenchRounds rounds;
        double loadedTokens = 0;  ///< over all measured steps
    };

    /// A row for every policy; their repetitions take turns.
    Status test(int32_t nPrompt, int32_t nGen, int32_t depth, int32_t batch) {
        if (nPrompt < 0 || nGen < 0 || nPrompt + nGen == 0 || depth < 0 || batch < 1)
            return Error{ErrorCode::InvalidArgument, "a test needs tokens", {}, "bench"};
        std::vector<Contender> contenders;
        for (const MaskPolicySpec& attention : m_plan.attention) {
            if (attention.isDeclared() || attention.isLossless())
                return Error{
                    ErrorCode::InvalidArgument,
                    "bench has no model that declares; use another attention, or `run --attention both,lossless`",
                    {},
                    "--attention",
                    attention.text(),
                    maskPolicyNames()};
            auto policy = makeMaskPolicy(attention, m_backend.info());
            if (!policy) return policy.error();
            if ((*policy)->selector())
                return Error{ErrorCode::Unsupported,
                             attention.name + " is compared by what it reads (eval), not by its speed",
                             {},
                             "--attention",
                             attention.text(),
                             {}};
            if (readsAsDeclared(attention))
                return Error{ErrorCode::InvalidArgument,
                             "nothing is declared here: give a number of tokens",
                             {},
                             "--attention",
                             attention.text(),
                             attention.name + "=N"};
            contenders.push_back({attention.text(), std::move(*policy), {}, 0});
        }
        std::string name = nPrompt ? "pp" + std::to_string(nPrompt) : std::string();
        if (nGen) name.append(nPrompt ? "+tg" : "tg").append(std::to_string(nGen));
        if (m_progress) m_progress(name + " at depth " + std::to_string(depth));
        for (int32_t k = 0; k < batch; ++k) {
            auto id = m_backend.createSequence(depth + nPrompt + nGen);
            if (!id) return freeAnd(id.error());
            m_sequences.push_back(*id);
            // What fills the depth is not measured and does not change what a step costs: the cheapest list.
            KeepPolicy cheapest(64);
            if (Status s = fill(*id, depth, cheapest); !s) return freeAnd(s.error());
        }
        MachineRate machine(m_subject.readGBps);
        for (int32_t round = m_plan.warmup ? -1 : 0; round < m_plan.repetitions; ++round)
            for (Contender& c : contenders)
                if (Status s = repetition(nPrompt, nGen, depth, round < 0 ? nullptr : &machine, c); !s)
                    return freeAnd(s.error());
        for (int32_t round = 0; nPrompt == 0 && round < m_plan.repetitions; ++round)
            for (Contender& c : contenders)
                if (Status s = profile(std::min(nGen, 32), depth, c); !s) return freeAnd(s.error());
        for (const Contender& c : contenders) {
            BenchRow row = startRow(m_backend, m_subject);
            row.test = name;
            row.nPrompt = nPrompt;
            row.nGen = nGen;
            row.nDepth = depth;
            row.nBatch = batch;
            row.attention = c.name;
            c.rounds.fill(row);
            if (nPrompt == 0) row.loadedTokens = c.loadedTokens / (static_cast<double>(nGen) * m_plan.repetitions);
            if (nGen == 0) row.gflops = flopsPerToken(m_weights) * row.avgTs / 1e9;
            m_rows.push_back(std::move(row));
        }
        freeAll();
        return {};
    }

    /// One repetition; without `machine` the untimed one. Leaves the sequences as they were.
    Status repetition(int32_t nPrompt, int32_t nGen, int32_t depth, MachineRate* machine, Contender& c) {
        const auto batch = static_cast<double>(m_sequences.size());
        if (machine && nPrompt == 0) machine->before();
        double loaded = 0;
        const auto start = Clock::now();
        // A warm-up decodes a few tokens only: it wakes threads and faults pages in.
        const int32_t steps = machine ? nGen : std::min(nGen, 8);
        if (Status s = fill(m_sequences[0], nPrompt, *c.policy); !s) return s;
        if (Status s = generate(steps, *c.policy, loaded); !s) return s;
        const double took = secondsSince(start);
        for (const SequenceId id : m_sequences) m_backend.truncate(id, depth);
        if (!machine) return {};
        const double nBytes =
            nPrompt > 0 ? 0
                        : static_cast<double>(weightBytesPerStep(m_weights)) * nGen +
                              loaded * batch * static_cast<double>(kvBytesPerToken(m_weights.shape, m_subject.kvType));
        c.rounds.add(nPrompt + nGen * batch, nBytes, took, nPrompt == 0 ? machine->after() : 0);
        c.loadedTokens += loaded;
        return {};
    }

    /// Extra steps with stages timed, one by one.
    Status profile(int32_t n, int32_t depth, Contender& c) {
        m_backend.setProfiling(true);
        Status s;
        for (int32_t i = 0; i < n && s; ++i) {
            double unused = 0;
            m_backend.resetStageTimes();
            s = generate(1, *c.policy, unused);
            c.rounds.addStep(m_backend.stageTimes());
        }
        m_backend.setProfiling(false);
        for (const SequenceId id : m_sequences) m_backend.truncate(id, depth);
        return s;
    }

    void freeAll() {
        for (const SequenceId id : m_sequences) m_backend.freeSequence(id);
        m_sequences.clear();
    }
    Status freeAnd(const Error& error) {
        freeAll();
        return error;
    }

    Backend& m_backend;
    const ModelWeights& m_weights;
    LayerWindows m_layerWindows;
    const BenchSubject& m_subject;
    const BenchPlan& m_plan;
    const std::atomic<bool>* m_stop;
    std::vector<BenchRow>& m_rows;
    const BenchProgress& m_progress;
    std::vector<int32_t> m_tokens;
    std::vector<SequenceId> m_sequences;
};

}  // namespace

BenchSequences benchSequences(const BenchPlan& plan) {
    int32_t longest = 0, depth = 0;
    for (const int32_t n : plan.promptSizes) longest = std::max(longest, n);
    for (const BenchPlan::Both& b : plan.promptThenPredict) longest = std::max(longest, b.prompt + b.predict);
    int32_t predict = 0;
    for (const int32_t n : plan.predictSizes) predict = std::max(predict, n);
    for (const int32_t n : plan.depths) depth = std::max(depth, n);
    const BenchSequences one{1, depth + longest + kPageTokens};
    const BenchSequences together{benchMaxBatch(plan), ((depth + predict) / kPageTokens + 1) * kPageTokens};
    return one.kvTokens() > together.kvTokens() ? one : together;
}

int64_t benchTests(const BenchPlan& plan) {
    return static_cast<int64_t>(
        plan.depths.size() *
        (plan.promptSizes.size() + plan.predictSizes.size() * plan.batches.size() + plan.promptThenPredict.size()));
}

int32_t benchMaxBatch(const BenchPlan& plan) {
    int32_t most = 1;
    for (const int32_t b : plan.batches) most = std::max(most, b);
    return most;
}

Status runBench(Backend& backend, const ModelWeights& weights, const BenchSubject& subject, const BenchPlan& plan,
                const std::atomic<bool>* stop, std::vector<BenchRow>& rows, const BenchProgress& progress) {
    if (plan.repetitions < 1) return Error{ErrorCode::InvalidArgument, "at least one repetition", {}, "bench"};
    return Bench(backend, weights, subject, plan, stop, rows, progress).run();
}

}  // namespace spanscope
