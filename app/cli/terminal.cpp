#include "app/cli/terminal.h"

#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "engine/files/safe_text.h"
#include "engine/files/utf8.h"

namespace spanscope::cli {

namespace {

bool put(std::string_view text) { return std::fwrite(text.data(), 1, text.size(), stdout) == text.size(); }

bool onTerminal() {
    static const bool terminal = isatty(STDOUT_FILENO) != 0;
    return terminal;
}

/// https://no-color.org: any value that is not empty turns colours off.
bool hasColours() {
    static const bool colours = [] {
        const char *off = std::getenv("NO_COLOR"), *kind = std::getenv("TERM");
        return onTerminal() && !(off && *off) && kind && *kind && std::string_view(kind) != "dumb";
    }();
    return colours;
}

const char* codeOf(Style style) {
    switch (style) {
        case Style::Strong: return "\033[1m";
        case Style::Quiet: return "\033[2m";
        case Style::Span: return "\033[36m";
        case Style::Good: return "\033[32m";
        case Style::Bad: return "\033[31m";
        case Style::Doubtful: return "\033[4;33m";
        case Style::None: break;
    }
    return "";
}

}  // namespace

void print(std::string_view text) { put(terminalSafe(text)); }

void printFormat(const char* format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int n = std::vsnprintf(nullptr, 0, format, arguments);
    va_end(arguments);
    std::string text(n > 0 ? static_cast<size_t>(n) + 1 : 1, '\0');
    std::vsnprintf(text.data(), text.size(), format, again);
    va_end(again);
    text.pop_back();
    print(text);
}

bool printData(std::string_view text) { return onTerminal() ? put(terminalSafe(text)) : put(text); }

bool printStyled(Style style, std::string_view text) {
    if (style == Style::None || !hasColours() || text.find_first_not_of(' ') == std::string_view::npos)
        return printData(text);
    return put(codeOf(style)) && printData(text) && put("\033[0m");
}

bool flushData() { return std::fflush(stdout) == 0; }

bool printJsonLine(std::string_view json) { return (onTerminal() ? put(printableJson(json)) : put(json)) && put("\n"); }

bool StreamedText::write(std::string_view piece, Style style) {
    if (!onTerminal()) return put(piece) && std::fflush(stdout) == 0;
    if (style != Style::None && m_pending.empty()) return printStyled(style, piece) && std::fflush(stdout) == 0;
    m_pending += piece;
    size_t whole = 0;
    while (whole < m_pending.size()) {
        const Utf8Step step = nextUtf8(std::string_view(m_pending).substr(whole));
        if (step.incomplete) break;
        whole += step.nBytes;
    }
    const bool ok = put(terminalSafe(std::string_view(m_pending).substr(0, whole)));
    m_pending.erase(0, whole);
    return std::fflush(stdout) == 0 && ok;
}

bool StreamedText::finish() {
    const bool ok = put(terminalSafe(m_pending)) && put("\n");
    m_pending.clear();
    return ok;
}

}  // namespace spanscope::cli
