#include "app/cli/log.h"

#include <unistd.h>

#include <cstdio>

#include "app/cli/stop_signal.h"
#include "engine/files/safe_text.h"

namespace spanscope::cli {

Log::Log(Level level) : m_level(level), m_terminal(isatty(STDERR_FILENO) != 0) {}

void Log::error(const std::string& text) const {
    endProgress();
    std::fprintf(stderr, "spanscope-cli: %s\n", terminalSafe(text, true).c_str());
}

void Log::info(const std::string& text) const {
    if (m_level == Level::Quiet) return;
    endProgress();
    std::fprintf(stderr, "%s\n", terminalSafe(text).c_str());
}

void Log::detail(const std::string& text) const {
    if (m_level == Level::Verbose) info(text);
}

void Log::progress(const std::string& text) const {
    if (m_level == Level::Quiet || !m_terminal) return;
    std::fprintf(stderr, "\r\033[K%s", terminalSafe(text, true).c_str());
    std::fflush(stderr);
    m_progressShown = true;
    progressIsShown(true);
}

void Log::endProgress() const {
    if (!m_progressShown) return;
    std::fputs("\r\033[K", stderr);
    m_progressShown = false;
    progressIsShown(false);
}

int Log::fail(const Error& e) const {
    error(e.toString());
    return exitCodeOf(e);
}

}  // namespace spanscope::cli
