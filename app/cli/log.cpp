#include "app/cli/log.h"

#include <unistd.h>

#include <cstdio>

#include "engine/model/utf8.h"

namespace spanscope::cli {

std::string printable(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    while (!text.empty()) {
        const Utf8Step step = nextUtf8(text);
        const auto first = static_cast<unsigned char>(text[0]);
        const bool control = step.nBytes == 1 ? (first < 0x20 && first != '\n' && first != '\t') || first == 0x7f
                                              : step.nBytes == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
        for (const char c : text.substr(0, step.nBytes)) {
            if (step.valid && !control) {
                clean += c;
                continue;
            }
            char code[5];
            std::snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned char>(c));
            clean += code;
        }
        text.remove_prefix(step.nBytes);
    }
    return clean;
}

Log::Log(Level level) : m_level(level), m_terminal(isatty(STDERR_FILENO) != 0) {}

void Log::error(const std::string& text) const {
    endProgress();
    std::fprintf(stderr, "spanscope-cli: %s\n", printable(text).c_str());
}

void Log::info(const std::string& text) const {
    if (m_level == Level::Quiet) return;
    endProgress();
    std::fprintf(stderr, "%s\n", printable(text).c_str());
}

void Log::detail(const std::string& text) const {
    if (m_level == Level::Verbose) info(text);
}

void Log::progress(const std::string& text) const {
    if (m_level == Level::Quiet || !m_terminal) return;
    std::fprintf(stderr, "\r\033[K%s", text.c_str());
    std::fflush(stderr);
    m_progressShown = true;
}

void Log::endProgress() const {
    if (!m_progressShown) return;
    std::fputs("\r\033[K", stderr);
    m_progressShown = false;
}

int Log::fail(const Error& e) const {
    error(e.toString());
    return exitCodeOf(e);
}

}  // namespace spanscope::cli
