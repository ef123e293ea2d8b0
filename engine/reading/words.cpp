#include "engine/reading/words.h"

#include <algorithm>

#include "engine/reading/tables.h"

namespace spanscope::news {
namespace {

/// Typographic quotes and dashes are punctuation although their bytes are not ASCII.
size_t punctuationAt(std::string_view s, size_t i) {
    if (!isWordByte(s[i])) return 1;
    return s.substr(i, 2) == "\xE2\x80" && s.size() - i >= 3 ? 3 : 0;
}
size_t punctuationBefore(std::string_view s, size_t end) {
    if (!isWordByte(s[end - 1])) return 1;
    return end >= 3 && s.substr(end - 3, 2) == "\xE2\x80" ? 3 : 0;
}

}  // namespace

std::vector<Token> tokenize(std::string_view text) {
    std::vector<Token> tokens;
    for (size_t i = 0; i < text.size();) {
        if (text[i] == ' ') {
            ++i;
            continue;
        }
        const size_t end = std::min(text.find(' ', i), text.size());
        const std::string_view run = text.substr(i, end - i);
        size_t a = 0, b = run.size();
        while (a < b) {
            // ".125", "-3", "$5" and "+4" begin inside the word
            if ((run[a] == '.' || run[a] == '-' || run[a] == '+' || run[a] == '$') && a + 1 < b && run[a + 1] >= '0' &&
                run[a + 1] <= '9')
                break;
            const size_t n = punctuationAt(run, a);
            if (n == 0) break;
            a += n;
        }
        while (b > a) {
            const size_t n = punctuationBefore(run, b);
            if (n == 0) break;
            b -= std::min(n, b - a);
        }
        if (b < run.size() && run[b] == '%' && b > a && hasDigit(run.substr(a, b - a))) ++b;  // "76%" is one word
        // "U.S." and "Corp." keep their full stop; "U.S.." keeps one of the two.
        if (b < run.size() && run[b] == '.' && b > a) {
            const std::string_view core = run.substr(a, b - a);
            const bool last =
                end == text.size() || run.substr(b + 1).find_first_not_of(".\"')") == std::string_view::npos;
            const bool sentenceEnd = last && text.find_first_not_of(' ', end) == std::string_view::npos;
            const bool dotted = core.find('.') != std::string_view::npos && !hasDigit(core);
            if (dotted || (!sentenceEnd && (isAbbreviation(core) || isTitleAbbreviation(core) || core.size() == 1)))
                ++b;
        }
        tokens.push_back(
            {std::string(run.substr(0, a)), std::string(run.substr(a, b - a)), std::string(run.substr(b))});
        i = end;
    }
    return tokens;
}

std::string join(const std::vector<Token>& tokens) {
    std::string out;
    for (const Token& t : tokens) {
        if (!out.empty()) out += ' ';
        out += t.text();
    }
    return out;
}

bool isWordByte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
}

std::string_view trimmed(std::string_view s) {
    while (!s.empty() && static_cast<unsigned char>(s.front()) <= 0x20) s.remove_prefix(1);
    while (!s.empty() && static_cast<unsigned char>(s.back()) <= 0x20) s.remove_suffix(1);
    return s;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}
bool hasDigit(std::string_view w) {
    return std::any_of(w.begin(), w.end(), [](char c) { return c >= '0' && c <= '9'; });
}
bool hasUpper(std::string_view w) {
    return std::any_of(w.begin(), w.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}
bool hasLower(std::string_view w) {
    return std::any_of(w.begin(), w.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}
bool isCapitalised(std::string_view w) { return !w.empty() && w[0] >= 'A' && w[0] <= 'Z'; }

std::string_view withoutPossessive(std::string_view w) {
    for (const std::string_view ending : {std::string_view("'s"), std::string_view("'S"), std::string_view("\u2019s")})
        if (w.size() > ending.size() && w.ends_with(ending)) return w.substr(0, w.size() - ending.size());
    if (w.size() > 1 && w.ends_with("'")) return w.substr(0, w.size() - 1);
    return w;
}

size_t countWords(std::string_view text) {
    size_t n = 0;
    for (const Token& t : tokenize(text))
        if (!t.core.empty()) ++n;
    return n;
}

}  // namespace spanscope::news
