// Throughput of a run along its steps, as values: the plot, its table and its export. Definitions (the same words stand
// in the tooltips):
//   tokens/s at a step: n / (sum of the wall times of the last n steps), over the shortest window that is at least
//     kWindowNs long or kWindowSteps steps; nothing is shown before the first window is full.
//   loaded: tokens in the step's intervals, rounded outward to KV pages.
//   predicted: 1 / (fixed + perToken * loaded), both fitted by least squares to the measured steps of the dense run (of
//     the declared one where there is no dense run); the ceiling is 1 / fixed: no KV cache loaded at all.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/types/records.h"

namespace spanscope {

struct ThroughputPoint {
    int step = 0;
    int context = 0;        ///< tokens stored when the step ran, itself included
    double timeS = 0;       ///< on the run's own clock
    double tokensPerS = 0;  ///< NaN before the first window is full
    double meanLoaded = 0;  ///< of the same window
    double stepMs = 0;      ///< this step alone
    int attended = 0, loaded = 0, causal = 0;
};

/// Neighbouring points as one: what a plot draws. Never more than kMaxBuckets of them, however long the run.
struct ThroughputBucket {
    int first = 0, last = 0;          ///< indices of the points
    double rateMin = 0, rateMax = 0;  ///< of those that have a rate; NaN if none
    double loadedSum = 0, meanLoadedSum = 0;
    int attendedMin = 0, attendedMax = 0, loadedMin = 0, loadedMax = 0, causalMax = 0;
};

class ThroughputSeries {
  public:
    static constexpr size_t kMaxBuckets = 1536;  // more than a plot has pixels
    static constexpr int64_t kWindowNs = 500'000'000;
    static constexpr int kWindowSteps = 32;

    void clear();
    void append(const StepRecord& step);
    /// Takes in the steps of `run` that are new.
    void update(const RunData& run);
    const std::vector<ThroughputPoint>& points() const { return m_points; }
    const std::vector<ThroughputBucket>& buckets() const { return m_buckets; }
    /// The last point that has a rate; 0 if none.
    double lastTokensPerS() const;

  private:
    void addToBuckets();
    std::vector<ThroughputPoint> m_points;
    std::vector<ThroughputBucket> m_buckets;
    int m_perBucket = 1;  // points; doubles whenever the buckets are full
    std::vector<int64_t> m_wallNs;
    size_t m_windowBegin = 0;
    int64_t m_windowNs = 0;
    int64_t m_windowLoaded = 0;
};

/// Time of a step as a straight line over the KV tokens it loads.
struct BytesModel {
    bool valid = false;
    double fixedNs = 0;
    double nsPerToken = 0;
    double nsPerTokenError = 0;  ///< standard error of it
    int nSteps = 0;              ///< measured steps that it rests on
    double tokensPerS(double loadedTokens) const { return valid ? 1e9 / (fixedNs + nsPerToken * loadedTokens) : 0; }
    double ceiling() const { return valid ? 1e9 / fixedNs : 0; }
};
/// Least squares over the steps, over evenly chosen ones where there are more than 4,096; steps slower than four
/// medians are left out (something else took the machine). Invalid with fewer than 24 steps, loads that hardly differ,
/// or a slope below zero.
BytesModel fitBytes(const std::vector<StepRecord>& steps);
/// The same line through points that somebody chose: least squares, nSteps counts them. Invalid with fewer than three,
/// loads that hardly differ, or a slope below zero.
struct LoadedAndNs {
    double loadedTokens = 0, ns = 0;
};
BytesModel fitLine(const std::vector<LoadedAndNs>& points);

/// What two runs that stand beside each other are called: their attention modes, told apart where both have one;
/// "declared" and "dense" where nothing has run.
std::pair<std::string, std::string> laneNames(const RunData& first, const RunData* maybeSecond);

/// lane,step,context_tokens,time_s,step_ms,tokens_per_s,attended_tokens,loaded_tokens,causal_tokens - '.' decimals, one
/// row a step and lane; lanes are called as laneNames() says.
std::string throughputCsv(const ThroughputSeries& first, const ThroughputSeries* maybeSecond,
                          const std::string& firstLane = "declared", const std::string& secondLane = "dense");

/// Three significant digits, never exponent form: "1230", "45.6", "0.0123".
std::string threeDigits(double value);

}  // namespace spanscope
