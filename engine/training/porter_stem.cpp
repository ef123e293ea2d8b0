// Porter, "An algorithm for suffix stripping" (1980), with the deviations that NLTK makes by default
// (PorterStemmer.NLTK_EXTENSIONS): rouge-score stems with that class, and ROUGE values depend on it.
#include "engine/training/porter_stem.h"

#include <algorithm>
#include <array>
#include <functional>

namespace spanscope {
namespace {

struct Irregular {
    std::string_view form, stem;
};
constexpr std::array<Irregular, 15> kIrregular{{{"sky", "sky"},
                                                {"skies", "sky"},
                                                {"dying", "die"},
                                                {"lying", "lie"},
                                                {"tying", "tie"},
                                                {"news", "news"},
                                                {"innings", "inning"},
                                                {"inning", "inning"},
                                                {"outings", "outing"},
                                                {"outing", "outing"},
                                                {"cannings", "canning"},
                                                {"canning", "canning"},
                                                {"howe", "howe"},
                                                {"proceed", "proceed"},
                                                {"exceed", "exceed"}}};

bool isConsonant(std::string_view w, size_t i) {
    switch (w[i]) {
        case 'a':
        case 'e':
        case 'i':
        case 'o':
        case 'u': return false;
        case 'y': return i == 0 || !isConsonant(w, i - 1);
        default: return true;
    }
}
/// Vowel-consonant sequences in the word: m of [C](VC)^m[V].
int measure(std::string_view w) {
    int m = 0;
    for (size_t i = 1; i < w.size(); ++i)
        if (isConsonant(w, i) && !isConsonant(w, i - 1)) ++m;
    return m;
}
bool hasVowel(std::string_view w) {
    for (size_t i = 0; i < w.size(); ++i)
        if (!isConsonant(w, i)) return true;
    return false;
}
bool endsDouble(std::string_view w) {
    const size_t n = w.size();
    return n >= 2 && w[n - 1] == w[n - 2] && isConsonant(w, n - 1);
}
bool endsCvc(std::string_view w) {
    const size_t n = w.size();
    if (n >= 3)
        if (isConsonant(w, n - 3) && !isConsonant(w, n - 2) && isConsonant(w, n - 1) && w[n - 1] != 'w' &&
            w[n - 1] != 'x' && w[n - 1] != 'y')
            return true;
    return n == 2 && !isConsonant(w, 0) && isConsonant(w, 1);
}

struct Rule {
    std::string_view suffix, replacement;
};
using Condition = std::function<bool(std::string_view stem)>;

/// The first rule whose suffix fits decides, whether or not its condition holds.
template <size_t N>
bool applyFirst(std::string& w, const std::array<Rule, N>& rules, const Condition& condition) {
    for (const Rule& rule : rules) {
        if (!w.ends_with(rule.suffix)) continue;
        const std::string stem = w.substr(0, w.size() - rule.suffix.size());
        if (condition(stem)) w = stem + std::string(rule.replacement);
        return true;
    }
    return false;
}

void step1a(std::string& w) {
    if (w.ends_with("ies") && w.size() == 4) w = w.substr(0, 1) + "ie";
    else if (w.ends_with("sses") || w.ends_with("ies")) w.resize(w.size() - 2);
    else if (w.ends_with("s") && !w.ends_with("ss")) w.pop_back();
}

void step1b(std::string& w) {
    if (w.ends_with("ied")) {
        w = w.substr(0, w.size() - 3) + (w.size() == 4 ? "ie" : "i");
        return;
    }
    if (w.ends_with("eed")) {
        if (measure(std::string_view(w).substr(0, w.size() - 3)) > 0) w.pop_back();
        return;
    }
    const size_t cut = w.ends_with("ed") ? 2 : w.ends_with("ing") ? 3 : 0;
    if (cut == 0 || !hasVowel(std::string_view(w).substr(0, w.size() - cut))) return;
    w.resize(w.size() - cut);
    if (w.ends_with("at") || w.ends_with("bl") || w.ends_with("iz")) {
        w += 'e';
    } else if (endsDouble(w)) {
        if (w.back() != 'l' && w.back() != 's' && w.back() != 'z') w.pop_back();
    } else if (measure(w) == 1 && endsCvc(w)) {
        w += 'e';
    }
}

void step1c(std::string& w) {
    const size_t n = w.size();
    if (n > 2 && w.back() == 'y' && isConsonant(w, n - 2)) w.back() = 'i';
}

void step2(std::string& w) {
    static constexpr std::array<Rule, 21> rules{
        {{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"},
         {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"}, {"eli", "e"},     {"ousli", "ous"},
         {"ization", "ize"}, {"ation", "ate"},   {"ator", "ate"},  {"alism", "al"},  {"iveness", "ive"},
         {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},  {"iviti", "ive"}, {"biliti", "ble"},
         {"fulli", "ful"}}};
    auto positive = [](std::string_view stem) { return measure(stem) > 0; };
    if (w.ends_with("alli") && positive(std::string_view(w).substr(0, w.size() - 4))) {
        w.resize(w.size() - 2);
        step2(w);
        return;
    }
    if (applyFirst(w, rules, positive)) return;
    if (w.ends_with("logi") && positive(std::string_view(w).substr(0, w.size() - 3))) w.pop_back();
}

void step3(std::string& w) {
    static constexpr std::array<Rule, 7> rules{
        {{"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""}, {"ness", ""}}};
    applyFirst(w, rules, [](std::string_view stem) { return measure(stem) > 0; });
}

void step4(std::string& w) {
    static constexpr std::array<Rule, 19> rules{{{"al", ""},
                                                 {"ance", ""},
                                                 {"ence", ""},
                                                 {"er", ""},
                                                 {"ic", ""},
                                                 {"able", ""},
                                                 {"ible", ""},
                                                 {"ant", ""},
                                                 {"ement", ""},
                                                 {"ment", ""},
                                                 {"ent", ""},
                                                 {"ion", ""},
                                                 {"ou", ""},
                                                 {"ism", ""},
                                                 {"ate", ""},
                                                 {"iti", ""},
                                                 {"ous", ""},
                                                 {"ive", ""},
                                                 {"ize", ""}}};
    const bool ion = w.ends_with("ion");
    applyFirst(w, rules, [ion](std::string_view stem) {
        return measure(stem) > 1 && (!ion || stem.ends_with('s') || stem.ends_with('t'));
    });
}

void step5(std::string& w) {
    if (w.ends_with('e')) {
        const std::string_view stem = std::string_view(w).substr(0, w.size() - 1);
        const int m = measure(stem);
        if (m > 1 || (m == 1 && !endsCvc(stem))) w.pop_back();
    }
    if (w.ends_with("ll") && measure(std::string_view(w).substr(0, w.size() - 1)) > 1) w.pop_back();
}

}  // namespace

std::string porterStem(std::string_view word) {
    if (word == "succeed") return "succeed";
    for (const Irregular& irregular : kIrregular)
        if (word == irregular.form) return std::string(irregular.stem);
    std::string w(word);
    if (w.size() <= 2) return w;
    step1a(w);
    step1b(w);
    step1c(w);
    step2(w);
    step3(w);
    step4(w);
    step5(w);
    return w;
}

}  // namespace spanscope
