#include "app/cli/eta.h"

namespace spanscope::cli {

std::string Eta::left(int64_t done, int64_t total) const {
    const double elapsedS = std::chrono::duration<double>(Clock::now() - m_start).count();
    if (done <= 0 || done >= total) return {};
    const auto s = static_cast<int64_t>(elapsedS / static_cast<double>(done) * static_cast<double>(total - done) + 0.5);
    if (s < 100) return ", " + std::to_string(s) + " s left";
    const int64_t minutes = (s + 30) / 60;
    if (minutes < 100) return ", " + std::to_string(minutes) + " min left";
    return ", " + std::to_string((minutes + 30) / 60) + " h left";
}

}  // namespace spanscope::cli
