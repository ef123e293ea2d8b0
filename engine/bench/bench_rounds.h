// Private to the benches: what the repetitions of one test came to.
#pragma once

#include <vector>

#include "engine/bench/bench.h"

namespace spanscope {

/// The machine's read rate around each repetition: sampled before the first and after every one, so that a busy
/// neighbour slows both sides of the fraction.
class MachineRate {
  public:
    explicit MachineRate(const std::function<double()>& probe) : m_probe(probe) {}
    /// Before a repetition; samples only where the last sample is no longer next to it.
    void before() {
        if (m_probe && m_last <= 0) m_last = m_probe();
    }
    /// After it: the mean of both sides; 0 = unknown.
    double after() {
        if (!m_probe) return 0;
        const double now = m_probe(), mean = (m_last + now) / 2;
        m_last = now;
        return mean;
    }

  private:
    const std::function<double()>& m_probe;
    double m_last = 0;
};

/// Of one row, repetition by repetition.
class BenchRounds {
  public:
    void add(double nTokens, double nBytes, double seconds, double machineGBps) {
        m_rates.push_back(nTokens / seconds);
        m_gbps.push_back(nBytes / seconds / 1e9);
        m_machine.push_back(machineGBps);
    }
    /// Stages of one profiled step.
    void addStep(const StageTimes& t) {
        m_attentionUs.push_back(static_cast<double>(t.attentionNs) / 1e3);
        m_stepUs.push_back(static_cast<double>(t.attentionNs + t.matmulNs + t.otherNs) / 1e3);
    }
    /// Rates, GB/s and its fraction, stages.
    void fill(BenchRow& row) const;

  private:
    std::vector<double> m_rates, m_gbps, m_machine, m_attentionUs, m_stepUs;
};

/// Name and machine of a row.
BenchRow startRow(const Backend& backend, const BenchSubject& subject);

}  // namespace spanscope
