#include "engine/bench/bench_rounds.h"

#include <algorithm>
#include <cmath>

namespace spanscope {

namespace {

double mean(const std::vector<double>& v) {
    double sum = 0;
    for (const double x : v) sum += x;
    return v.empty() ? 0 : sum / static_cast<double>(v.size());
}

double median(std::vector<double> v) {
    if (v.empty()) return 0;
    std::sort(v.begin(), v.end());
    return (v[(v.size() - 1) / 2] + v[v.size() / 2]) / 2;
}

}  // namespace

void BenchRounds::fill(BenchRow& row) const {
    row.avgTs = mean(m_rates);
    double squares = 0;
    for (const double r : m_rates) squares += (r - row.avgTs) * (r - row.avgTs);
    row.stddevTs = m_rates.size() > 1 ? std::sqrt(squares / static_cast<double>(m_rates.size() - 1)) : 0;
    row.gbps = mean(m_gbps);
    row.readGBps = mean(m_machine);
    std::vector<double> fractions;
    for (size_t i = 0; i < m_gbps.size(); ++i)
        if (m_gbps[i] > 0 && m_machine[i] > 0) fractions.push_back(m_gbps[i] / m_machine[i]);
    row.bandwidthFraction = median(std::move(fractions));
    row.attentionUs = median(m_attentionUs);
    row.stepUs = median(m_stepUs);
}

BenchRow startRow(const Backend& backend, const BenchSubject& subject) {
    const BackendInfo info = backend.info();
    BenchRow row;
    row.model = subject.model;
    row.format = subject.format;
    row.backend = info.name;
    row.device = info.device;
    row.nThreads = info.nThreads;
    row.kvType = dtypeName(subject.kvType);
    return row;
}

}  // namespace spanscope
