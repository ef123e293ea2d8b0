#include "ui/views/timeline/timeline_clock.h"

#include <algorithm>

namespace spanscope {

void StepTimes::update(const RunData& run) {
    for (size_t i = m_endNs.size(); i < run.steps.size(); ++i) {
        const int64_t before = m_endNs.empty() ? 0 : m_endNs.back();
        m_endNs.push_back(std::max(before, run.steps[i].atNs));
    }
}

void RejectedDrafts::update(const RunData& run) {
    for (; m_nSeen < run.steps.size(); ++m_nSeen)
        if (run.steps[m_nSeen].draft == DraftFate::Rejected) m_steps.push_back(static_cast<int>(m_nSeen));
}

void PhaseBlocks::update(const RunData& run) {
    const int done = m_blocks.empty() ? 0 : m_blocks.back().end;
    for (int i = done; i < static_cast<int>(run.steps.size()); ++i) {
        const StepRecord& s = run.steps[static_cast<size_t>(i)];
        if (!m_blocks.empty() && m_blocks.back().phase == s.phase && m_blocks.back().segment == s.segment)
            ++m_blocks.back().end;
        else m_blocks.push_back({i, i + 1, s.phase, s.segment});
    }
}

std::vector<PhaseBlock>::const_iterator PhaseBlocks::after(int step) const {
    return std::upper_bound(m_blocks.begin(), m_blocks.end(), step,
                            [](int s, const PhaseBlock& b) { return s < b.end; });
}

int StepTimes::finishedBy(int64_t ns) const {
    return static_cast<int>(std::upper_bound(m_endNs.begin(), m_endNs.end(), ns) - m_endNs.begin());
}

int StepTimes::at(int64_t ns) const {
    if (m_endNs.empty() || ns < 0) return -1;
    return std::min(finishedBy(ns), size() - 1);
}

void PlayClock::play(int64_t totalNs) {
    if (m_nowNs >= totalNs) m_nowNs = 0;
    m_playing = totalNs > 0;
}

bool PlayClock::advance(int64_t elapsedNs, int64_t totalNs) {
    if (!m_playing) return false;
    m_nowNs += static_cast<int64_t>(static_cast<double>(elapsedNs) * m_speed);
    if (m_nowNs >= totalNs) {
        m_nowNs = totalNs;
        m_playing = false;
    }
    return m_playing;
}

}  // namespace spanscope
