// Prefill and decode speed, with the definitions of README "Metrics" and the names of llama-bench (pp512, tg128,
// depth). A test is an untimed warm-up, then `repetitions` timed rounds; mean and standard deviation over rounds.
//
// Attention modes of one test share its sequences and take turns, repetition by repetition, so that their ratio holds
// on a machine whose speed changes by the minute. The machine's own read rate is sampled before and after every
// repetition; the fraction is the median over repetitions of GB/s reached over the mean of the two samples.
//
// A backend and weights are enough: lists are dense or follow from the position, so a cost curve needs no model
// that declares. Measured rounds are never profiled; attention's share comes from extra rounds of its own.
// One thread; the backend's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/types/mask_policy_spec.h"
#include "kernels/backend.h"
#include "kernels/result.h"

namespace spanscope {

struct BenchPlan {
    std::vector<int32_t> promptSizes;   ///< pp tests
    std::vector<int32_t> predictSizes;  ///< tg tests
    struct Both {
        int32_t prompt = 0, predict = 0;
    };
    std::vector<Both> promptThenPredict;                             ///< pg tests: both, one rate over all tokens
    std::vector<int32_t> depths{0};                                  ///< tokens in the context before a test
    std::vector<int32_t> batches{1};                                 ///< sequences decoded together (tg tests)
    std::vector<MaskPolicySpec> attention{MaskPolicySpec::dense()};  ///< any but declared
    int32_t repetitions = 5;
    bool warmup = true;
    uint64_t seed = 1;
};

/// The sequences that need the most keys and values at a time: so many, of so many tokens each.
struct BenchSequences {
    int32_t nSequences = 1, tokens = 0;
    int64_t kvTokens() const { return int64_t{nSequences} * tokens; }
};
BenchSequences benchSequences(const BenchPlan& plan);
/// How many tests runBench() takes, each of which it announces once.
int64_t benchTests(const BenchPlan& plan);
/// Batch the backend must be made with.
int32_t benchMaxBatch(const BenchPlan& plan);

struct BenchSubject {
    std::string model;   ///< for people
    std::string format;  ///< "BF16"
    DType kvType = DType::F32;
    std::function<double()> readGBps;  ///< measures the machine's read rate now, GB/s; empty = unknown
};

struct BenchRow {
    std::string model, format, backend, device, kvType;
    int32_t nThreads = 0;
    std::string test;  ///< "pp512", "tg128", "pp512+tg128"
    int32_t nPrompt = 0, nGen = 0, nDepth = 0, nBatch = 1;
    std::string attention;           ///< the policy, as text
    double avgTs = 0, stddevTs = 0;  ///< tokens per second, all sequences together
    double gbps = 0;                 ///< tg: bytes of weights and KV a second, 1e9, mean
    double bandwidthFraction = 0;    ///< of the machine's read rate beside it, median; 0 = unknown
    double gflops = 0;               ///< pp: arithmetic of the matrices a second, 1e9
    double attentionUs = 0;          ///< tg: attention stage of a step, microseconds, median
    double stepUs = 0;               ///< tg: a whole step while stages were timed, median
    double readGBps = 0;             ///< the machine's beside the repetitions, mean
    double loadedTokens = 0;         ///< tg: mean tokens read by a step
    int64_t peakBytes = 0;           ///< of the process over all tests, without what measures the machine; 0 = unknown
    int64_t neededBytes = 0;         ///< weights, their copies, and keys and values of the longest test
};

using BenchProgress = std::function<void(const std::string& what)>;

/// Appends a row for each test as it ends, so that a stop or a failure loses none of those before it. Cancelled when
/// stop is set; InvalidArgument for a test of no tokens or an attention that cannot be measured so.
Status runBench(Backend& backend, const ModelWeights& weights, const BenchSubject& subject, const BenchPlan& plan,
                const std::atomic<bool>* stop, std::vector<BenchRow>& rows, const BenchProgress& progress = {});

/// md: a table for people; csv; json: a list of objects; jsonl: one object a line.
Result<std::string> formatBench(const std::vector<BenchRow>& rows, const std::string& format);

}  // namespace spanscope
