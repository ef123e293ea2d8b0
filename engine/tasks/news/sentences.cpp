#include "engine/tasks/news/sentences.h"

#include <unicode/brkiter.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <memory>

#include "engine/reading/tables.h"

namespace spanscope {
namespace {

bool isSpace(char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; }  // control characters too
bool isUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool isLower(char c) { return c >= 'a' && c <= 'z'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isAlpha(char c) { return isUpper(c) || isLower(c) || static_cast<unsigned char>(c) >= 0x80; }

/// ASCII and typographic closing quotes and brackets; 0 or the length of the one that ends at `end`.
size_t closerBefore(std::string_view s, size_t end) {
    if (end == 0) return 0;
    const char c = s[end - 1];
    if (c == '"' || c == '\'' || c == ')' || c == ']') return 1;
    if (end >= 3 && (s.substr(end - 3, 3) == "\u201D" || s.substr(end - 3, 3) == "\u2019")) return 3;
    return 0;
}
size_t openerAt(std::string_view s, size_t i) {
    if (i >= s.size()) return 0;
    const char c = s[i];
    if (c == '"' || c == '\'' || c == '(' || c == '[') return 1;
    if (s.substr(i, 3) == "\u201C" || s.substr(i, 3) == "\u2018") return 3;
    return 0;
}

/// The word that ends at `end`, full stops inside included: "the U.S" for "the U.S." gives "U.S".
std::string_view wordBefore(std::string_view s, size_t end) {
    size_t begin = end;
    while (begin > 0 && !isSpace(s[begin - 1]) && s[begin - 1] != '(' && s[begin - 1] != '"' && s[begin - 1] != '-' &&
           s[begin - 1] != '/' && s[begin - 1] != '<')
        --begin;
    std::string_view word = s.substr(begin, end - begin);
    for (const std::string_view mark :
         {"\u201C", "\u2018", "\u2013", "\u2014"})  // typographic quotes and dashes, which touch it
        if (const size_t at = word.rfind(mark); at != std::string_view::npos) word.remove_prefix(at + mark.size());
    return word;
}
std::string_view wordAt(std::string_view s, size_t begin) {
    size_t end = begin;
    while (end < s.size() && (isAlpha(s[end]) || isDigit(s[end]))) ++end;
    return s.substr(begin, end - begin);
}

/// "U.S", "J.P", "S.p.A": single letters with full stops between them.
bool isDotted(std::string_view word) {
    if (word.size() < 3) return false;
    for (size_t i = 0; i < word.size(); ++i)
        if (i % 2 ? word[i] != '.' : !(isUpper(word[i]) || isLower(word[i]))) return false;
    return word.size() % 2 == 1;
}

/// Is a border that ICU found between left = [.., border) and right = [border, ..) none?
bool joins(std::string_view paragraph, size_t start, size_t border) {
    size_t left = border;
    while (left > start && isSpace(paragraph[left - 1])) --left;
    size_t right = border;
    while (right < paragraph.size() && isSpace(paragraph[right])) ++right;
    if (left == start || right == paragraph.size()) return false;
    size_t open = right;
    while (const size_t n = openerAt(paragraph, open)) open += n;
    if (open >= paragraph.size()) return true;  // nothing but quotes is left
    const bool quoteOpens = open > right;
    const bool bracketOpens = paragraph[right] == '(' || paragraph[right] == '[';
    if (isLower(paragraph[open]) && !quoteOpens) return true;  // "Why?" he asked.
    // A bracket that opened before and closes after: a remark of several sentences stays one.
    const std::string_view before = paragraph.substr(start, left - start);
    const size_t bracket = before.rfind('(');
    if (bracket != std::string_view::npos && before.find(')', bracket) == std::string_view::npos) {
        const size_t close = paragraph.find(')', right);
        if (close != std::string_view::npos && close - right < 200) return true;
    }
    size_t stop = left;
    bool closed = false;
    while (const size_t n = closerBefore(paragraph.substr(0, stop), stop)) {
        stop -= n;
        closed = true;
    }
    if (stop == start || paragraph[stop - 1] != '.') return false;  // "!" and "?" end sentences
    const std::string_view word = wordBefore(paragraph.substr(start), stop - 1 - start);
    if (word.empty()) return false;
    if (closed && paragraph[stop] != ')') return false;  // a quotation that ended with a full stop
    if (news::isTitleAbbreviation(word)) return true;
    const std::string_view next = wordAt(paragraph, open);
    if (news::startsSentence(next)) return false;
    if (word.size() == 1 && (isUpper(word[0]) || isLower(word[0])))
        return isUpper(paragraph[open]) || isDigit(paragraph[open]);
    if (std::all_of(word.begin(), word.end(), isDigit))  // "1. The plan": only where a list item begins
        return word.size() <= 2 && word.begin() == paragraph.begin() + static_cast<std::ptrdiff_t>(start);
    if (news::isAbbreviation(word) || isDotted(word)) return !quoteOpens || bracketOpens;  // "Ann Bell, M.D. (WA-08)"
    if (news::isUnit(word)) return isDigit(paragraph[open]);
    return false;
}

/// A word of plain letters that no table knows with a full stop of its own.
bool isPlainWord(std::string_view word) {
    return word.size() >= 3 && std::any_of(word.begin(), word.end(), isLower) &&
           std::all_of(word.begin(), word.end(), [](char c) { return isAlpha(c) || c == '-' || c == '\''; }) &&
           !news::isAbbreviation(word) && !news::isUnit(word) && !news::isTitleAbbreviation(word);
}

/// "$215,000", "5.5%", "\u00A34.2bn": what follows its full stop begins anew, a digit too.
bool isAmount(std::string_view word) {
    if (std::none_of(word.begin(), word.end(), isDigit)) return false;
    if (word.ends_with('%')) return true;
    for (const std::string_view sign : {"$", "\u00A3", "\u20AC", "\u00A5"})
        if (word.find(sign) != std::string_view::npos) return true;
    return false;
}

/// A border that ICU does not see: a digit and then a lower-case letter follow ("prices fell. 12 people"), or no space
/// at all before a word that starts sentences ("prices rose.The bill"; "www.The.com" and "Node.Js" stay). `i` is the
/// full stop; gives where the next sentence begins, 0 for none.
size_t missedBorder(std::string_view paragraph, size_t i) {
    if (paragraph[i] != '.') return 0;
    if (const std::string_view next = wordAt(paragraph, i + 1); !next.empty() && isUpper(next[0])) {
        const size_t behind = i + 1 + next.size();
        const bool spaceBehind = behind >= paragraph.size() || isSpace(paragraph[behind]) || paragraph[behind] == ',';
        return spaceBehind && news::startsSentence(next) && isPlainWord(wordBefore(paragraph, i)) ? i + 1 : 0;
    }
    size_t gap = i + 1;
    while (gap < paragraph.size() && (paragraph[gap] == '"' || paragraph[gap] == ')')) ++gap;
    if (paragraph.substr(gap).starts_with("\u201D")) gap += 3;
    size_t right = gap;
    while (right < paragraph.size() && isSpace(paragraph[right])) ++right;
    if (right == gap || right >= paragraph.size() || !isDigit(paragraph[right])) return 0;
    const std::string_view word = wordBefore(paragraph, i);
    // "... in 1987. 12 people", "... from 18.7. 841 workers"; "no. 3. 12 pages" stays
    const bool number = !word.empty() && std::all_of(word.begin(), word.end(),
                                                     [](char c) { return isDigit(c) || c == '.' || c == ','; });
    if (number && (word.size() == 4 || word.find_first_of(".,") != std::string_view::npos)) return gap;
    return isPlainWord(word) || isAmount(word) ? gap : 0;
}

void trimInto(std::string_view text, size_t begin, size_t end, std::vector<TextSpan>& out) {
    while (begin < end && isSpace(text[begin])) ++begin;
    while (end > begin && isSpace(text[end - 1])) --end;
    if (begin < end) out.push_back({begin, end});
}

bool endsSentence(std::string_view line) {
    size_t end = line.size();
    while (end > 0 && isSpace(line[end - 1])) --end;
    while (const size_t n = closerBefore(line, end)) end -= n;
    return end > 0 && (line[end - 1] == '.' || line[end - 1] == '!' || line[end - 1] == '?' || line[end - 1] == ':');
}

/// Lines of e-mail width that mostly stop in mid-sentence: a line end is then a space.
bool looksWrapped(std::string_view text) {
    int lines = 0, open = 0;
    for (size_t begin = 0; begin < text.size();) {
        size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view line = text.substr(begin, end - begin);
        const bool last = end == text.size() || text.find_first_not_of(" \t\r", end + 1) == std::string_view::npos ||
                          text[text.find_first_not_of(" \t\r", end + 1)] == '\n';
        if (!last && line.find_first_not_of(" \t\r") != std::string_view::npos) {
            if (line.size() > 120) return false;
            ++lines;
            const char next = text[text.find_first_not_of(" \t\r", end + 1)];
            if (!endsSentence(line) && line.size() >= 40 && !isSpace(next)) ++open;
        }
        begin = end + 1;
    }
    return lines >= 2 && open * 10 >= lines * 6;
}

struct UTextCloser {
    void operator()(UText* t) const { utext_close(t); }
};

}  // namespace

size_t invalidUtf8(std::string_view text) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    const auto size = static_cast<int64_t>(text.size());
    for (int64_t i = 0; i < size;) {
        const int64_t at = i;
        const int64_t stop = std::min<int64_t>(size, at + 4);
        int32_t offset = 0;
        UChar32 c = 0;
        U8_NEXT(bytes + at, offset, static_cast<int32_t>(stop - at), c);
        if (c < 0) return static_cast<size_t>(at);
        i = at + offset;
    }
    return std::string_view::npos;
}

Result<std::vector<TextSpan>> splitSentences(std::string_view text) {
    if (const size_t bad = invalidUtf8(text); bad != std::string_view::npos)
        return Error{
            ErrorCode::Format, "the article is not UTF-8 text", "", "byte " + std::to_string(bad), "", "UTF-8"};
    UErrorCode code = U_ZERO_ERROR;
    // Without ICU's own list of abbreviations (FilteredBreakIteratorBuilder): it never ends a sentence at "Act.",
    // "Dec." or "Inc." and knows neither "Gov." nor "M.D."; on press releases most of what it changed was a border
    // lost.
    const std::unique_ptr<icu::BreakIterator> breaks(
        icu::BreakIterator::createSentenceInstance(icu::Locale::getEnglish(), code));
    if (U_FAILURE(code) || !breaks)
        return Error{ErrorCode::Unsupported, std::string("ICU has no sentence rules: ") + u_errorName(code)};

    std::vector<TextSpan> spans;
    const bool wrapped = looksWrapped(text);
    for (size_t begin = 0; begin < text.size();) {
        // One paragraph. In wrapped text its line ends become spaces (one byte each, so offsets hold).
        size_t end = begin;
        while (true) {
            end = std::min(text.find('\n', end), text.size());
            if (!wrapped || end >= text.size()) break;
            const size_t next = text.find_first_not_of(" \t\r", end + 1);
            if (next == std::string_view::npos || text[next] == '\n') break;
            ++end;
        }
        std::string paragraph(text.substr(begin, end - begin));
        for (char& c : paragraph)
            if (isSpace(c)) c = ' ';
        code = U_ZERO_ERROR;
        const std::unique_ptr<UText, UTextCloser> utext(
            utext_openUTF8(nullptr, paragraph.data(), static_cast<int64_t>(paragraph.size()), &code));
        breaks->setText(utext.get(), code);
        if (U_FAILURE(code))
            return Error{ErrorCode::Unsupported, std::string("ICU cannot read the text: ") + u_errorName(code)};
        std::vector<size_t> borders;
        breaks->first();
        for (int32_t b = breaks->next(); b != icu::BreakIterator::DONE; b = breaks->next())
            borders.push_back(static_cast<size_t>(b));
        for (size_t i = 1; i + 1 < paragraph.size(); ++i)
            if (const size_t b = missedBorder(paragraph, i)) borders.push_back(b);
        std::sort(borders.begin(), borders.end());
        size_t start = 0;
        for (const size_t b : borders) {
            if (b <= start || b > paragraph.size()) continue;
            if (b < paragraph.size() && joins(paragraph, start, b)) continue;
            trimInto(text, begin + start, begin + b, spans);
            start = b;
        }
        trimInto(text, begin + start, end, spans);
        begin = end + 1;
    }
    return spans;
}

std::string oneLine(std::string_view text) {
    std::string out;
    bool gap = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const std::string_view rest = text.substr(i);
        if (isSpace(text[i])) {
            gap = true;
        } else if (rest.starts_with("\u00A0")) {
            gap = true;
            i += 1;
        } else if (rest.starts_with("\u2028") || rest.starts_with("\u2029")) {
            gap = true;
            i += 2;
        } else {
            if (gap && !out.empty()) out += ' ';
            gap = false;
            out += text[i];
        }
    }
    return out;
}

}  // namespace spanscope
