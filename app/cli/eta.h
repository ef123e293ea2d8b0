// How long work that comes in equal parts still takes, as a progress line says it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace spanscope::cli {

class Eta {
  public:
    Eta() : m_start(Clock::now()) {}
    /// ", 3 min left", by what the parts so far took; empty before there is something to go by, and at the end.
    std::string left(int64_t done, int64_t total) const;

  private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point m_start;
};

}  // namespace spanscope::cli
