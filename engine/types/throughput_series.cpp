#include "engine/types/throughput_series.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "engine/files/csv_cell.h"

namespace spanscope {

void ThroughputSeries::clear() { *this = ThroughputSeries{}; }

void ThroughputSeries::append(const StepRecord& step) {
    const int64_t wall = std::max<int64_t>(0, step.wallNs);
    m_wallNs.push_back(wall);
    m_windowNs += wall;
    m_windowLoaded += step.loaded;
    ThroughputPoint p;
    p.step = step.index;
    p.context = step.causal;
    p.timeS = double(step.atNs) / 1e9;
    p.stepMs = double(wall) / 1e6;
    p.attended = step.attended;
    p.loaded = step.loaded;
    p.causal = step.causal;
    m_points.push_back(p);
    // Shortest window: drop the oldest while what is left is still a full one.
    const auto full = [](int64_t ns, size_t n) { return ns >= kWindowNs || n >= size_t(kWindowSteps); };
    while (m_windowBegin + 1 < m_points.size() &&
           full(m_windowNs - m_wallNs[m_windowBegin], m_points.size() - m_windowBegin - 1)) {
        m_windowNs -= m_wallNs[m_windowBegin];
        m_windowLoaded -= m_points[m_windowBegin].loaded;
        ++m_windowBegin;
    }
    const size_t n = m_points.size() - m_windowBegin;
    ThroughputPoint& last = m_points.back();
    last.meanLoaded = double(m_windowLoaded) / double(n);
    last.tokensPerS = full(m_windowNs, n) && m_windowNs > 0 ? double(n) * 1e9 / double(m_windowNs)
                                                            : std::numeric_limits<double>::quiet_NaN();
    addToBuckets();
}

void ThroughputSeries::addToBuckets() {
    const auto lower = [](double a, double b) { return std::isnan(a) ? b : std::isnan(b) ? a : std::min(a, b); };
    const auto upper = [](double a, double b) { return std::isnan(a) ? b : std::isnan(b) ? a : std::max(a, b); };
    const auto join = [&](ThroughputBucket& a, const ThroughputBucket& b) {
        a.last = b.last;
        a.rateMin = lower(a.rateMin, b.rateMin);
        a.rateMax = upper(a.rateMax, b.rateMax);
        a.loadedSum += b.loadedSum;
        a.meanLoadedSum += b.meanLoadedSum;
        a.attendedMin = std::min(a.attendedMin, b.attendedMin);
        a.attendedMax = std::max(a.attendedMax, b.attendedMax);
        a.loadedMin = std::min(a.loadedMin, b.loadedMin);
        a.loadedMax = std::max(a.loadedMax, b.loadedMax);
        a.causalMax = std::max(a.causalMax, b.causalMax);
    };
    const int i = int(m_points.size()) - 1;
    const ThroughputPoint& p = m_points.back();
    const ThroughputBucket one{i,          i,          p.tokensPerS, p.tokensPerS, double(p.loaded), p.meanLoaded,
                               p.attended, p.attended, p.loaded,     p.loaded,     p.causal};
    if (!m_buckets.empty() && m_buckets.back().last - m_buckets.back().first + 1 < m_perBucket)
        join(m_buckets.back(), one);
    else m_buckets.push_back(one);
    if (m_buckets.size() <= kMaxBuckets) return;
    size_t n = 0;
    for (size_t k = 0; k < m_buckets.size(); k += 2, ++n) {
        if (n != k) m_buckets[n] = m_buckets[k];
        if (k + 1 < m_buckets.size()) join(m_buckets[n], m_buckets[k + 1]);
    }
    m_buckets.resize(n);
    m_perBucket *= 2;
}

void ThroughputSeries::update(const RunData& run) {
    for (size_t i = m_points.size(); i < run.steps.size(); ++i) append(run.steps[i]);
}

double ThroughputSeries::lastTokensPerS() const {
    return m_points.empty() || std::isnan(m_points.back().tokensPerS) ? 0 : m_points.back().tokensPerS;
}

BytesModel fitBytes(const std::vector<StepRecord>& steps) {
    BytesModel model;
    if (steps.size() < 24) return model;
    const size_t stride = steps.size() / 4096 + 1;
    std::vector<int64_t> sorted;
    sorted.reserve(steps.size() / stride + 1);
    for (size_t i = 0; i < steps.size(); i += stride) sorted.push_back(steps[i].wallNs);
    std::nth_element(sorted.begin(), sorted.begin() + long(sorted.size() / 2), sorted.end());
    const double limit = 4 * double(sorted[sorted.size() / 2]);
    std::vector<LoadedAndNs> points;
    points.reserve(sorted.size());
    for (size_t i = 0; i < steps.size(); i += stride) {
        const auto y = double(steps[i].wallNs);
        if (y > 0 && y <= limit) points.push_back({double(steps[i].loaded), y});
    }
    if (points.size() >= 24) model = fitLine(points);
    return model;
}

BytesModel fitLine(const std::vector<LoadedAndNs>& points) {
    BytesModel model;
    double n = 0, meanX = 0, meanY = 0, sxx = 0, sxy = 0, syy = 0;
    for (const auto& [x, y] : points) {
        n += 1;
        const double dx = x - meanX, dy = y - meanY;
        meanX += dx / n;
        meanY += dy / n;
        sxx += dx * (x - meanX);
        sxy += dx * (y - meanY);
        syy += dy * (y - meanY);
    }
    if (n < 3 || sxx / n < 16) return model;
    model.nsPerToken = sxy / sxx;
    model.nsPerTokenError = std::sqrt(std::max(0.0, syy - sxy * model.nsPerToken) / (n - 2) / sxx);
    model.fixedNs = meanY - model.nsPerToken * meanX;
    model.nSteps = int(n);
    model.valid = model.nsPerToken >= 0 && model.fixedNs > 0;
    return model;
}

namespace {

void number(std::string& out, double value, int digits) {
    if (std::isnan(value)) return;
    std::array<char, 64> buffer{};
    const auto r = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, digits);
    if (r.ec == std::errc{}) out.append(buffer.data(), r.ptr);
}

void rows(std::string& out, const std::string& lane, const ThroughputSeries& series) {
    for (const ThroughputPoint& p : series.points()) {
        out.append(csvCell(lane))
            .append(",")
            .append(std::to_string(p.step))
            .append(",")
            .append(std::to_string(p.context))
            .append(",");
        number(out, p.timeS, 6);
        out.append(",");
        number(out, p.stepMs, 4);
        out.append(",");
        number(out, p.tokensPerS, 2);
        out.append(",").append(std::to_string(p.attended)).append(",").append(std::to_string(p.loaded));
        out.append(",").append(std::to_string(p.causal)).append("\n");
    }
}

}  // namespace

std::pair<std::string, std::string> laneNames(const RunData& first, const RunData* maybeSecond) {
    const auto name = [](const RunData* run, const char* fallback) {
        return run && !run->steps.empty() ? run->header.settings.attention.text() : std::string(fallback);
    };
    const std::string a = name(&first, "declared"), b = name(maybeSecond, "dense");
    return {a, a == b && maybeSecond && !maybeSecond->steps.empty() ? "other " + b : b};
}

std::string throughputCsv(const ThroughputSeries& first, const ThroughputSeries* maybeSecond,
                          const std::string& firstLane, const std::string& secondLane) {
    std::string out(
        "lane,step,context_tokens,time_s,step_ms,tokens_per_s,attended_tokens,loaded_tokens,causal_tokens\n");
    rows(out, firstLane, first);
    if (maybeSecond) rows(out, secondLane, *maybeSecond);
    return out;
}

std::string threeDigits(double value) {
    if (!std::isfinite(value)) return "-";
    if (value == 0) return "0";
    int digits = 2 - int(std::floor(std::log10(std::abs(value))));
    const double unit = std::pow(10.0, digits);
    value = std::round(value * unit) / unit;
    digits = std::clamp(digits, 0, 9);
    std::string out;
    number(out, value, digits);
    return out;
}

}  // namespace spanscope
