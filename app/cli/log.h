// Everything for people goes to stderr; stdout carries what was asked for and nothing else.
#pragma once

#include <string>
#include <string_view>

#include "app/cli/exit_codes.h"

namespace spanscope::cli {

/// For a terminal: control characters and bytes that are not UTF-8 become \xNN, so that what stands in a file cannot
/// move the cursor or worse. Newlines and tabs stay.
std::string printable(std::string_view text);

class Log {
  public:
    enum class Level { Quiet, Normal, Verbose };
    explicit Log(Level level = Level::Normal);

    void error(const std::string& text) const;
    void info(const std::string& text) const;     ///< not with -q
    void detail(const std::string& text) const;   ///< with -v
    /// One line that overwrites itself; only on a terminal and not with -q.
    void progress(const std::string& text) const;
    void endProgress() const;
    bool terminal() const { return m_terminal; }

    /// Prints the error and gives the exit code for it.
    int fail(const Error& error) const;

  private:
    Level m_level;
    bool m_terminal;
    mutable bool m_progressShown = false;
};

}  // namespace spanscope::cli
