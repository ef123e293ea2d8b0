#include "engine/training/news/compress.h"

#include "engine/reading/word_kinds.h"
#include "engine/training/news/clauses.h"
#include "engine/training/news/shorten.h"
#include "engine/training/news/voice.h"

namespace spanscope::news {
namespace {

constexpr size_t kLongestSentence = 60;  ///< in words, after the first round

/// Words that turn a statement around or hedge it; what holds one is not cut off what stays.
bool changesMeaning(const Tokens& s, size_t begin) {
    for (size_t i = begin; i < s.size(); ++i)
        if (oneOf(low(s[i]), {"if", "unless", "except", "but", "not", "without", "only", "until", "no", "than", "or",
                              "whether", "instead", "rather", "pending", "provided", "excluding", "against"}))
            return true;
    return false;
}

/// A word that wants something behind it: a verb, a participle, a preposition, an adjective before its noun.
bool wantsMore(const Token& t) {
    const std::string w = low(t);
    for (const std::string_view ending : {"ed", "ing", "ly", "able", "ible", "ous", "ful", "al", "ive", "ary"})
        if (w.ends_with(ending)) return true;
    return isVerb(t) || isPreposition(w) || isFunctionWord(w) || hasDigit(w) ||
           oneOf(w, {"access", "able", "as",   "be",          "been",       "begun",    "billion", "both",  "call",
                     "calls",  "due",  "good", "harder",      "easier",     "less",     "million", "mln",   "more",
                     "most",   "no",   "not",  "one",         "part",       "possible", "ram",     "so",    "such",
                     "sure",   "that", "the",  "to",          "opposition", "well",     "when",    "where", "which",
                     "while",  "who",  "why",  "responsible", "forward",    "back",     "or",      "and",   "of"});
}

/// What only its next words tell apart from others: "introduced a bill", "sent a letter", "thanked him".
bool saysTooLittle(const Token& t) {
    return oneOf(low(t),
                 {"legislation", "bill", "bills", "resolution", "letter", "statement", "brief", "submission", "measure",
                  "announcement", "him", "her", "them", "along", "soon", "provisions", "amendment"}) &&
           !hasUpper(t.core);
}

/// "led 18 colleagues in urging ...", "joined Bell in a letter": what they did together stands behind.
bool actsTogether(const Tokens& s, size_t end) {
    for (size_t i = 0; i < end; ++i)
        if (oneOf(low(s[i]), {"led", "lead", "leads", "leading", "joined", "join", "joins", "joining"})) {
            for (size_t k = i + 1; k < end; ++k)
                if (low(s[k]) == "to" || (low(s[k]).ends_with("ing") && k + 2 < end)) return false;
            return true;
        }
    return false;
}

/// May [at, end) go? `at` begins a phrase or clause that adds to a whole sentence before it.
bool isTail(const Tokens& s, size_t at) {
    if (!s[at].pre.empty() || !mainClauseBefore(s, at) || needsRest(s, at) || changesMeaning(s, at)) return false;
    const std::string w = low(s[at]);
    const Token& before = s[at - 1];
    if (wantsMore(before) || actsTogether(s, at)) return false;
    if (before.comma())
        return w != "and" && w != "or" && !listBefore(s, at - 1) &&
               (oneOf(w, {"a", "an", "the", "which", "who", "where", "whose", "while", "including", "legislation",
                          "along", "part", "with", "after", "following", "his", "her", "their", "its"}) ||
                w.ends_with("ing"));
    // "the Centers for Medicare", "the Committee on Aging": one name.
    if (isCapitalised(before.core) && at + 2 < s.size()) {
        const bool the = low(s[at + 1]) == "the";
        if (oneOf(w, {"for", "on", "and", "with", "in"}) && isCapitalised(s[at + (the ? 2 : 1)].core) &&
            (the || w != "in"))
            return false;
    }
    if (oneOf(w, {"who", "which", "where", "when", "while", "because", "although", "after", "during", "following",
                  "amid", "through", "throughout", "alongside", "ahead"}))
        return true;
    if (oneOf(w, {"in", "at", "on", "for", "with", "by", "under", "before"})) return true;
    if (w == "to")
        return low(before) == "act" && at + 1 < s.size() && !isCapitalised(s[at + 1].core) &&
               !oneOf(low(s[at + 1]), {"the", "a"});
    return w == "and" && at + 1 < s.size() && isVerb(s[at + 1]) && predicateIn(s, 1, at) && !listBefore(s, at);
}

size_t wordsOf(const Tokens& s) { return countWords(join(s)); }

/// Cuts the shortest tail. Nothing that would leave fewer than six words.
bool cutTail(Tokens& s) {
    for (size_t at = s.size(); at-- > 6;)
        if (isTail(s, at)) {
            erase(s, at, s.size(), true);
            return true;
        }
    return false;
}

/// "U.S. Senator Ann Bell, chair of the panel, introduced": what stands between the subject and its verb.
bool cutAside(Tokens& s) {
    for (size_t i = 0; i + 3 < s.size() && i < 10; ++i) {
        if (isVerb(s[i])) return false;
        if (!s[i].comma()) continue;
        if (isPreposition(low(s[0])) || opensSubordinate(s[0])) return false;
        size_t close = 0, commas = 0;
        for (size_t j = i + 1; j + 1 < s.size() && j < i + 30; ++j) {
            if (s[j].comma()) {
                ++commas;
                if (isVerb(s[j + 1]) || low(s[j + 1]).ends_with("ed")) {
                    close = j;
                    break;
                }
            }
        }
        // "Reps. A, B, and C": a list of people has no article behind its first comma.
        if (close == 0 || !oneOf(low(s[i + 1]), {"a", "an", "the", "who", "which", "chair", "chairman", "chairwoman",
                                                 "ranking", "co-chair", "member", "vice", "along", "founder"}))
            return false;
        erase(s, i + 1, close + 1, true);
        return true;
    }
    return false;
}

}  // namespace

std::string compressed(std::string_view sentence, size_t maxWords) {
    const Shortened whole = shorten(sentence, kLongestSentence);
    if (!whole.usable || whole.anaphoric || quotesOf(whole.text).longestWords > kNameWords) return {};
    Tokens s = tokenize(whole.text);
    for (size_t i = 0; i + 2 < s.size(); ++i)
        if (oneOf(low(s[i]), {"if", "unless", "whether"})) return {};
    if (isPreposition(low(s[0])) || opensSubordinate(s[0]) || low(s[0]).ends_with("ing")) return {};
    while (cutAside(s)) {}
    while (wordsOf(s) > maxWords && cutTail(s)) {}
    std::string out = join(s);
    const size_t words = countWords(out);
    if (words < 5 || words > maxWords || !predicateIn(s, 1, s.size()) || !quotesOf(out).balanced ||
        !balancedBrackets(s) || wantsMore(s.back()) || saysTooLittle(s.back()))
        return {};
    while (!out.empty() && (out.back() == '.' || out.back() == ',' || out.back() == ';')) {
        // "the U.S." and "Bell Corp." keep theirs.
        const size_t word = out.rfind(' ') + 1;
        const std::string_view last = std::string_view(out).substr(word);
        if (out.back() == '.' &&
            (last.find('.') + 1 < last.size() || oneOf(last, {"Corp.", "Inc.", "Ltd.", "Co.", "Cos.", "Jr.", "Sr."})))
            break;
        out.pop_back();
    }
    return out;
}

}  // namespace spanscope::news
