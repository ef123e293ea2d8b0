// The one door to stdout. What is for people never moves a cursor, whatever a file says; what is for scripts is passed
// on byte for byte, unless stdout is a terminal.
#pragma once

#include <string>
#include <string_view>

namespace spanscope::cli {

/// For people: tables, summaries, names. Control characters are shown as \xNN, on a terminal and in a pipe to a pager.
void print(std::string_view text);
[[gnu::format(printf, 1, 2)]] void printFormat(const char* format, ...);

/// For scripts: a model's response, CSV. As it is; on a terminal as print(). False where stdout takes no more.
bool printData(std::string_view text);

enum class Style { None, Strong, Quiet, Span, Good, Bad, Doubtful };
/// printData() in a colour where stdout is a terminal that has them and NO_COLOR is not set.
bool printStyled(Style style, std::string_view text);
bool flushData();

/// A JSON text and a newline. As it is; on a terminal with control characters as \uNNNN, which is the same JSON.
bool printJsonLine(std::string_view json);

/// printData() for a text that comes in pieces, which may end in the middle of a character.
class StreamedText {
  public:
    /// False where stdout takes no more.
    bool write(std::string_view piece, Style style = Style::None);
    bool finish();

  private:
    std::string m_pending;
};

}  // namespace spanscope::cli
