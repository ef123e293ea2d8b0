// A line of CSV as in RFC 4180.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace spanscope {

inline std::string quoted(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos && (text.empty() || (text.front() != ' ' && text.back() != ' ')))
        return text;
    std::string out = "\"";
    for (char c : text) {
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
        m_line += quoted(text);
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
