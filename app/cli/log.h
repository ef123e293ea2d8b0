// Everything for people goes to stderr; stdout carries what was asked for and nothing else (terminal.h). Control
// characters are shown as \xNN, whatever stderr is.
#pragma once

#include <string>

#include "app/cli/exit_codes.h"

namespace spanscope::cli {

class Log {
  public:
    enum class Level { Quiet, Normal, Verbose };
    explicit Log(Level level = Level::Normal);

    void error(const std::string& text) const;   ///< always one line
    void info(const std::string& text) const;    ///< not with -q
    void detail(const std::string& text) const;  ///< with -v
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
