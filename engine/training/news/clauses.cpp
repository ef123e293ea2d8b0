#include "engine/training/news/clauses.h"

#include <algorithm>

#include "engine/reading/word_kinds.h"
#include "engine/training/news/voice.h"

namespace spanscope::news {
namespace {

void capitaliseFirst(Tokens& s) {
    if (s.empty() || s[0].core.empty()) return;
    char& c = s[0].core[0];
    // "iPhone" and "al-Rashid" stay; so does a word that carries a capital further on.
    if (c >= 'a' && c <= 'z' && !hasUpper(s[0].core)) c = static_cast<char>(c - 'a' + 'A');
}

}  // namespace

bool oneOf(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}
std::string low(const Token& t) { return lower(t.core); }

bool isVerb(const Token& t) {
    const std::string w = low(t);
    return isFiniteVerb(w) || isSpeechVerb(w);
}
bool hasVerb(const Tokens& s, size_t begin, size_t end) {
    for (size_t i = begin; i < std::min(end, s.size()); ++i)
        if (isVerb(s[i])) return true;
    return false;
}
bool hasVerbOrForm(const Tokens& s, size_t begin, size_t end) {
    for (size_t i = begin; i < std::min(end, s.size()); ++i)
        if (isVerb(s[i]) || low(s[i]).ends_with("ed")) return true;
    return false;
}

bool predicateIn(const Tokens& s, size_t begin, size_t end) {
    bool relative = false;
    for (size_t i = std::max<size_t>(begin, 1); i < std::min(end, s.size()); ++i) {
        const std::string w = low(s[i]), before = low(s[i - 1]);
        if (oneOf(w, {"which", "who", "whose", "that"})) relative = true;
        if (!isVerb(s[i])) continue;
        if (relative && (oneOf(before, {"which", "who", "that", "and", "or"}) || !s[i - 1].comma())) {
            if (!oneOf(before, {"and", "or"})) relative = oneOf(before, {"which", "who", "that"});
            continue;
        }
        const bool dependent = oneOf(before, {"to", "be", "been", "being", "of", "by", "the", "a", "an"});
        if (!dependent || isFunctionWord(w)) return true;
    }
    return false;
}

void erase(Tokens& s, size_t begin, size_t end, bool dropCommaBefore) {
    const bool atEnd = end == s.size();
    s.erase(s.begin() + static_cast<std::ptrdiff_t>(begin), s.begin() + static_cast<std::ptrdiff_t>(end));
    if (begin > 0 && (dropCommaBefore || atEnd)) std::erase(s[begin - 1].post, ',');
    if (atEnd && begin > 0) {
        std::string& post = s[begin - 1].post;
        while (!post.empty() && (post.back() == ',' || post.back() == ';' || post.back() == ':' || post.back() == '-'))
            post.pop_back();
        if (post.find_first_of(".!?") == std::string::npos && !s[begin - 1].core.ends_with('.')) {
            const size_t quote = closingQuote(post);
            post.insert(quote == std::string::npos ? post.size() : quote, ".");
        }
    }
    if (begin == 0) capitaliseFirst(s);
}

bool startsNounPhrase(const Token& t) {
    const std::string w = low(t);
    if (w.empty()) return false;
    if (oneOf(w, {"the",     "a",    "an",      "one", "he",    "she",  "it", "they", "some", "most", "many", "other",
                  "another", "both", "several", "two", "three", "four", "we", "its",  "his",  "her",  "their"}))
        return true;
    return !isPreposition(w) && !isStopword(w) && !isFiniteVerb(w) && !w.ends_with("ing") && !w.ends_with("ly");
}

bool opensSubordinate(const Token& t) {
    return oneOf(low(t), {"while", "if", "as", "although", "though", "when", "since", "because", "after", "before",
                          "unless", "despite"});
}

bool mainClauseBefore(const Tokens& s, size_t end) {
    size_t from = 0;
    if (opensSubordinate(s[0]) || isPreposition(low(s[0])) || low(s[0]).ends_with("ing"))
        for (size_t i = 0; i < std::min(end, s.size()); ++i)
            if (s[i].comma()) {
                from = i + 1;
                break;
            }
    return from + 2 < end && predicateIn(s, from, end);
}

bool listBefore(const Tokens& s, size_t at) {
    for (size_t k = 0; k < at; ++k)
        if (s[k].comma()) return true;
    return false;
}

bool needsRest(const Tokens& s, size_t end) {
    for (size_t i = 0; i < end; ++i)
        if (oneOf(low(s[i]), {"not", "neither", "either", "unlike", "n't"}) || low(s[i]).ends_with("n't") ||
            low(s[i]).ends_with("n\u2019t"))
            return true;
    return false;
}

bool balancedBrackets(const Tokens& s) {
    int round = 0;
    for (const Token& t : s)
        for (const char c : t.text()) {
            round += c == '(' ? 1 : c == ')' ? -1 : 0;
            if (round < 0) return false;
        }
    return round == 0;
}

}  // namespace spanscope::news
