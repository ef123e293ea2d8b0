// Time of a run's steps, as values: which step stands at a time, where a step stands on the axis, and the clock that
// plays a run back at the speed it was recorded with.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/types/records.h"

namespace spanscope {

/// End times of the steps on the run's own clock, ascending even where a trace's are not.
class StepTimes {
  public:
    void clear() { m_endNs.clear(); }
    void update(const RunData& run);  ///< what is new in the same run; of another one after clear()
    int size() const { return static_cast<int>(m_endNs.size()); }
    int64_t endNs(int step) const { return m_endNs[static_cast<size_t>(step)]; }
    int64_t beginNs(int step) const { return step > 0 ? m_endNs[static_cast<size_t>(step) - 1] : 0; }
    int64_t totalNs() const { return m_endNs.empty() ? 0 : m_endNs.back(); }
    /// Steps finished by `ns`: 0 .. size().
    int finishedBy(int64_t ns) const;
    /// The step running at `ns`, -1 if none.
    int at(int64_t ns) const;

  private:
    std::vector<int64_t> m_endNs;
};

/// Runs of steps that share phase and segment; what a lane draws.
struct PhaseBlock {
    int first = 0, end = 0;  ///< steps
    Phase phase = Phase::Free;
    int segment = -1;
};
class PhaseBlocks {
  public:
    void clear() { m_blocks.clear(); }
    void update(const RunData& run);  ///< likewise
    const std::vector<PhaseBlock>& all() const { return m_blocks; }
    /// The first block that ends after `step`.
    std::vector<PhaseBlock>::const_iterator after(int step) const;

  private:
    std::vector<PhaseBlock> m_blocks;
};

/// Steps whose token takes the place of a drafted one, ascending.
class RejectedDrafts {
  public:
    void clear() { *this = {}; }
    void update(const RunData& run);  ///< likewise
    const std::vector<int>& all() const { return m_steps; }

  private:
    std::vector<int> m_steps;
    size_t m_nSeen = 0;
};

/// Plays [0, totalNs] at `speed`. Wall time comes from outside, so tests need not wait.
class PlayClock {
  public:
    bool isPlaying() const { return m_playing; }
    double speed() const { return m_speed; }
    int64_t nowNs() const { return m_nowNs; }
    void setSpeed(double speed) { m_speed = speed; }
    void seek(int64_t ns) { m_nowNs = ns < 0 ? 0 : ns; }
    void play(int64_t totalNs);  ///< from the start if at the end
    void pause() { m_playing = false; }
    /// Moves on by `elapsedNs` of wall time; stops at totalNs. True while playing.
    bool advance(int64_t elapsedNs, int64_t totalNs);

  private:
    bool m_playing = false;
    double m_speed = 1;
    int64_t m_nowNs = 0;
};

}  // namespace spanscope
