// Cells and lines of CSV as in RFC 4180, which a spreadsheet opens without running anything of it.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace spanscope {

/// A text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a line's end) gets an
/// apostrophe in front, which spreadsheets read as "this is text". Numbers, negative ones too, stay as they are.
inline std::string withoutFormula(const std::string& text) {
    if (text.empty() || std::string_view("=+-@\t\r\n").find(text.front()) == std::string_view::npos) return text;
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? text : "'" + text;
}

inline std::string csvCell(const std::string& text) {
    std::string safe = withoutFormula(text);
    if (safe.find_first_of(",\"\r\n") == std::string::npos &&
        (safe.empty() || (safe.front() != ' ' && safe.back() != ' ')))
        return safe;
    std::string out = "\"";
    for (char c : safe) {
        if (c == '"') out += '"';
        out += c;
    }
    return out + "\"";
}

class CsvRow {
  public:
    CsvRow& operator<<(const std::string& text) {
        if (m_any) m_line += ',';
        m_any = true;
        m_line += csvCell(text);
        return *this;
    }
    CsvRow& operator<<(const char* text) { return *this << std::string(text); }
    CsvRow& operator<<(int64_t value) { return *this << std::to_string(value); }
    std::string take() {
        m_any = false;
        return std::exchange(m_line, {}) + "\r\n";
    }

  private:
    std::string m_line;
    bool m_any = false;
};

}  // namespace spanscope
