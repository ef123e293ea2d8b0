#include "engine/training/news/shorten.h"

#include <algorithm>
#include <array>

#include "engine/reading/word_kinds.h"
#include "engine/reading/words.h"
#include "engine/training/news/clauses.h"
#include "engine/training/news/furniture.h"
#include "engine/training/news/voice.h"

namespace spanscope::news {
namespace {

bool startsTail(const std::string& w) {
    return oneOf(w, {"in",       "at",        "on",   "to",      "after",     "during",    "from",     "here",
                     "today",    "yesterday", "late", "earlier", "reporters", "reuters",   "by",       "through",
                     "via",      "last",      "this", "monday",  "tuesday",   "wednesday", "thursday", "friday",
                     "saturday", "sunday",    "of",   "about",   "when",      "as",        "before"});
}

/// Is [begin, end of sentence) nothing but "the company said in a statement" or "said Lawrence Cohn, analyst with X"?
bool isAttribution(const Tokens& s, size_t begin) {
    const size_t n = s.size() - begin;
    if (n < 2 || n > 26) return false;
    if (oneOf(low(s[begin]), {"according"})) return low(s[begin + 1]) == "to" && isBody(s, begin + 2, s.size());
    if (oneOf(low(s[begin]),
              {"said", "says", "added", "noted"}))  // but not "Denby Ltd, a maker of pumps, said it sold ..."
        return startsNounPhrase(s[begin + 1]) && !oneOf(low(s[begin + 1]), {"it", "he", "she", "they", "we"}) &&
               !hasVerb(s, begin + 2, begin + 9) && isBody(s, begin + 1, s.size());
    if (oneOf(low(s[begin]), {"adding", "saying", "noting", "citing", "quoting"})) return true;
    // "banking sources said": a plural right before the verb
    const bool plural = isSpeechVerb(low(s[begin + 1])) ? false
                                                        : begin + 2 < s.size() && isSpeechVerb(low(s[begin + 2])) &&
                                                              low(s[begin + 1]).ends_with("s");
    if (!startsNounPhrase(s[begin]) && !(plural && low(s[begin]).ends_with("ing"))) return false;
    for (size_t v = begin + 1; v < s.size() && v < begin + 15; ++v) {
        const std::string w = low(s[v]);
        if (isSpeechVerb(w)) {
            if (!isBody(s, begin, v)) return false;
            const size_t tail = v + 1;
            if (tail == s.size()) return true;
            if (w == "told") return !hasVerb(s, tail, s.size());
            return startsTail(low(s[tail])) && (s.size() - tail <= 12) && !hasVerb(s, tail, s.size());
        }
        if (isFiniteVerb(w) && !oneOf(w, {"has", "have", "had", "show", "showed", "issues", "call", "work", "plan",
                                          "cut", "lead", "set", "need", "hold", "trade", "estimate", "based"}))
            return false;
    }
    return false;
}

bool trailingAttribution(Tokens& s) {
    for (size_t i = s.size(); i-- > 4;) {
        const bool bareAccording = i + 2 < s.size() && i >= 5 && low(s[i]) == "according" && low(s[i + 1]) == "to";
        if (bareAccording && s.size() - i <= 18 && hasVerb(s, 0, i) && isBody(s, i + 2, s.size())) {
            erase(s, i, s.size(), true);
            return true;
        }
        if (i + 1 >= s.size() || !s[i].comma() || !isAttribution(s, i + 1) || !hasVerbOrForm(s, 0, i + 1)) continue;
        // "its governor, Robin Smith, said": the speaker is named twice, and begins a comma earlier.
        size_t from = i;
        for (size_t v = i + 2; v < s.size(); ++v)
            if (isSpeechVerb(low(s[v]))) {
                if (!s[v - 1].comma()) break;
                from = 0;
                for (size_t k = i; k-- > 4;)
                    if (s[k].comma()) {
                        if (isAttribution(s, k + 1) && hasVerb(s, 0, k + 1)) from = k;
                        break;
                    }
                break;
            }
        if (from == 0) continue;  // "Peter Holm, a delegate, told reporters": a person
        erase(s, from + 1, s.size(), true);
        return true;
    }
    return false;
}

bool middleAttribution(Tokens& s) {
    for (size_t i = 0; i + 3 < s.size(); ++i) {
        if (!s[i].comma()) continue;
        for (size_t j = i + 1; j < std::min(i + 7, s.size() - 1); ++j) {
            if (!s[j].comma()) continue;
            const bool normal = j > i + 1 && isSpeechVerb(low(s[j])) && startsNounPhrase(s[i + 1]);
            const bool inverted = j > i + 1 && oneOf(low(s[i + 1]), {"said", "says"}) && startsNounPhrase(s[i + 2]);
            if ((normal && isBody(s, i + 1, j)) || (inverted && isBody(s, i + 2, j + 1))) {
                erase(s, i + 1, j + 1, isVerb(s[j + 1]) || isPreposition(low(s[j + 1])));
                return true;
            }
            break;
        }
    }
    return false;
}

bool nameLike(const Tokens& s, size_t end) {
    for (size_t i = 0; i < end; ++i)
        if (isCompanySuffix(s[i].core)) return true;
    return oneOf(low(s[0]), {"the", "a", "an", "it", "its"});
}

bool leadingAttribution(Tokens& s) {
    size_t v = 0;
    while (v < s.size() && v < 18 && !isVerb(s[v])) ++v;
    if (v == 0 || v >= s.size() || v >= 18) return false;
    size_t subjectEnd = v;
    if (oneOf(low(s[v]), {"has", "have", "had"}) && v + 1 < s.size() && isSpeechVerb(low(s[v + 1]))) ++v;
    const std::string verb = low(s[v]);
    if (!isSpeechVerb(verb) || s[v].comma() || s[v].post.find(':') != std::string::npos) return false;
    if (subjectEnd > 0 && low(s[subjectEnd - 1]) == "also") --subjectEnd;
    if (subjectEnd == 0 || !startsNounPhrase(s[0])) return false;
    size_t commas = 0;
    for (size_t i = 0; i < subjectEnd; ++i) commas += s[i].comma() ? 1 : 0;
    if (commas == 1) return false;  // an opening phrase, not an aside

    // "said in a statement today that ..."
    size_t clause = v + 1;
    bool that = false;
    for (size_t i = v + 1; i < std::min(v + 9, s.size()); ++i) {
        if (low(s[i]) == "that") {
            that = true;
            clause = i + 1;
            break;
        }
        if (i > v + 1 && isVerb(s[i])) break;
        if (i == v + 1 && verb != "told" && !startsTail(low(s[i]))) break;
    }
    const bool plain = oneOf(verb, {"said", "says", "added", "noted", "stated"});
    if (!that) {
        while (clause < s.size() && oneOf(low(s[clause]), {"today", "yesterday", "here", "also", "late", "earlier"}))
            ++clause;
        if (verb == "told" && clause < s.size()) {
            if (!oneOf(low(s[clause]), {"reuters", "reporters"})) return false;
            ++clause;
        }
    }
    if (clause + 4 > s.size()) return false;
    if (s[clause - 1].comma()) return false;
    const std::string first = low(s[clause]);
    if (oneOf(first, {"it", "they", "he", "she"})) {
        const std::string subject = low(s[0]);
        bool same = false;
        size_t head = subjectEnd - 1;  // "Denby Ltd, a maker of pumps,": one firm, not many pumps
        for (size_t i = 0; i < subjectEnd; ++i)
            if (s[i].comma()) {
                head = i;
                break;
            }
        const bool plural = (s[head].core.ends_with("s") && !isCompanySuffix(s[head].core)) || subject == "they";
        if (first == "it") {
            same = !oneOf(subject, {"he", "she", "they"}) && !plural;
            if (same && !nameLike(s, subjectEnd))
                same = !oneOf(low(s[clause + 1]), {"is", "was", "has"}) && low(s[clause + 2]) != "be";
        } else if (first == "they") {
            same = plural;
        } else {
            same = !oneOf(subject, {"it", "they", "the", "a"}) && !plural;
        }
        if (!same || !isVerb(s[clause + 1])) return false;
        std::string keptComma = s[subjectEnd - 1].post;
        erase(s, subjectEnd, clause + 1, false);
        return true;
    }
    if (!plain && !that) return false;
    if (oneOf(first, {"its",      "his",   "her",     "their", "in",   "if",    "because", "despite", "and",  "but",
                      "or",       "when",  "while",   "as",    "at",   "on",    "for",     "to",      "by",   "with",
                      "so",       "only",  "nothing", "what",  "we",   "i",     "you",     "of",      "from", "after",
                      "although", "under", "since",   "this",  "that", "these", "those",   "such"}))
        return false;
    if (!s[clause].pre.empty()) return false;       // a quotation
    for (size_t i = clause; i + 1 < s.size(); ++i)  // "said it grew and added that": the speaker goes on
        if (oneOf(low(s[i]), {"and", "but"}) &&
            oneOf(low(s[i + 1]), {"said", "added", "noted", "told", "warned", "expects", "called", "urged"}))
            return false;
    if (!hasVerbOrForm(s, clause + 1, s.size()) || !isBody(s, 0, subjectEnd)) return false;
    erase(s, 0, clause, false);
    return true;
}

bool isMonth(const std::string& w) {
    return oneOf(w, {"january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
                     "november", "december"});
}

bool connective(Tokens& s) {
    if (s.size() < 7) return false;
    static constexpr std::array<std::string_view, 11> phrases{
        "in addition", "for example", "as a result", "at the same time", "on the other hand", "in particular",
        "in fact",     "by contrast", "of course",   "for instance",     "in the meantime"};
    if (isConnective(low(s[0])) && (s[0].comma() || oneOf(low(s[0]), {"but", "and", "still", "yet"})) &&
        s[0].pre.empty()) {
        erase(s, 0, 1, false);
        return true;
    }
    for (const std::string_view phrase : phrases) {
        const size_t n = static_cast<size_t>(std::count(phrase.begin(), phrase.end(), ' ')) + 1;
        if (!s[n - 1].comma()) continue;
        std::string head;
        for (size_t i = 0; i < n; ++i) head += (i ? " " : "") + low(s[i]);
        if (head != phrase) continue;
        erase(s, 0, n, false);
        return true;
    }
    // "Yesterday, ...", "Earlier today, ...", "Last Friday, ..."
    for (size_t i = 0; i < 2; ++i) {
        if (!s[i].comma()) continue;
        const std::string first = low(s[0]), last = low(s[i]);
        const bool day = oneOf(
            last, {"today", "yesterday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"});
        if (!day || (i == 1 && !oneOf(first, {"earlier", "last", "late", "early", "on", "this", "later"}))) break;
        size_t end = i + 1;  // "On Thursday, January 23, 2020, ..."
        if (end + 3 < s.size() && isMonth(low(s[end]))) {
            end += 2;
            if (s[end - 1].comma() && s[end].core.size() == 4 && hasDigit(s[end].core)) ++end;
            if (!s[end - 1].comma()) break;
        }
        erase(s, 0, end, false);
        return true;
    }
    const bool according = low(s[0]) == "according" && low(s[1]) == "to";
    const bool document = low(s[0]) == "in" && oneOf(low(s[1]), {"a", "an", "its", "his"}) &&
                          oneOf(low(s[2]), {"statement", "report", "filing", "letter", "speech", "interview", "notice",
                                            "brief", "joint", "prepared", "written", "telex", "newspaper", "weekly"});
    if (according || document)
        for (size_t i = 2; i < std::min<size_t>(18, s.size() - 5); ++i)
            if (s[i].comma() && startsNounPhrase(s[i + 1]) && hasVerb(s, i + 1, s.size()) &&
                (document || isBody(s, 2, i + 1))) {
                erase(s, 0, i + 1, false);
                return true;
            }
    return false;
}

bool relativeClause(Tokens& s) {
    for (size_t i = 1; i + 3 < s.size(); ++i) {
        if (!s[i].comma()) continue;
        const std::string next = low(s[i + 1]);
        const bool direct = oneOf(next, {"which", "who", "whose", "where"});
        const bool prepositional =
            (isPreposition(next) || oneOf(next, {"all", "both", "some", "most"})) &&
            (oneOf(low(s[i + 2]), {"which", "whom"}) ||
             (low(s[i + 2]) == "of" && i + 3 < s.size() && oneOf(low(s[i + 3]), {"which", "whom"})));
        if (!direct && !prepositional) continue;
        for (size_t j = i + 2; j + 1 < s.size(); ++j) {
            if (!s[j].comma()) continue;
            if (!isVerb(s[j + 1]) && !oneOf(low(s[j + 1]), {"also"})) continue;
            if (!hasVerb(s, i + 2, j + 1)) continue;
            erase(s, i + 1, j + 1, true);
            return true;
        }
        // Not behind "... and M-2, which": the verb that "M-2" waits for would go as well.
        bool open = false;
        for (size_t k = i >= 3 ? i - 3 : 0; k <= i; ++k) open = open || low(s[k]) == "and" || low(s[k]) == "while";
        for (size_t k = i + 2; k + 1 < s.size(); ++k) open = open || (s[k].comma() && low(s[k + 1]).ends_with("ed"));
        if (i >= 5 && !open && mainClauseBefore(s, i + 1)) {
            erase(s, i + 1, s.size(), true);
            return true;
        }
    }
    return false;
}

/// "subject, anything without a verb of its own, verb"
bool aside(Tokens& s) {
    for (size_t i = 0; i + 3 < s.size() && i < 12; ++i) {
        if (isVerb(s[i])) return false;
        if (!s[i].comma()) continue;
        if (isPreposition(low(s[0])) || oneOf(low(s[i + 1]), {"and", "or", "but"})) return false;
        for (size_t j = i + 1; j < std::min(i + 15, s.size() - 1); ++j) {
            if (!s[j].comma()) continue;
            if (isVerb(s[j + 1])) {
                erase(s, i + 1, j + 1, true);
                return true;
            }
        }
        return false;
    }
    return false;
}

bool adverbs(Tokens& s) {
    for (size_t i = 0; i < s.size(); ++i) {
        const std::string w = low(s[i]);
        if (i > 0 && w == "however" && s[i - 1].comma() && s[i].comma()) {
            erase(s, i, i + 1, true);
            return true;
        }
        if (i > 0 && w == "also" && s[i].post.empty() && !oneOf(low(s[i - 1]), {"but", "and", "not"})) {
            erase(s, i, i + 1, false);
            return true;
        }
        if (i == 0 && oneOf(s[i].core, {"Today", "Yesterday"}) && s.size() > 7 && s[i].post.empty() &&
            (isCapitalised(s[1].core) || low(s[1]) == "the")) {
            erase(s, 0, 1, false);
            return true;
        }
        if (i > 1 && oneOf(s[i].core, {"today", "yesterday"}) && s[i].pre.empty() &&
            (s[i].post.empty() || s[i].post == ".") && !isPreposition(low(s[i - 1])) &&
            !oneOf(low(s[i - 1]), {"later", "late", "early", "earlier"}) &&
            (i + 1 == s.size() || !s[i + 1].core.ends_with("'s"))) {
            erase(s, i, i + 1, false);
            return true;
        }
    }
    return false;
}

/// Cuts the last trailing clause behind a comma.
bool trailingClause(Tokens& s) {
    for (size_t i = s.size() - 1; i-- > 6;) {
        if (!s[i].comma()) continue;
        const std::string w = low(s[i + 1]);
        const bool clause =
            oneOf(w, {"while",      "although", "though",    "but",      "as",        "because", "despite", "after",
                      "with",       "partly",   "including", "compared", "against",   "up",      "down",    "versus",
                      "reflecting", "due",      "bringing",  "making",   "giving",    "leaving", "mainly",  "largely",
                      "reversing",  "even",     "since",     "when",     "following", "putting", "raising"}) ||
            (w == "and" && i + 2 < s.size() && isVerb(s[i + 2]) && !listBefore(s, i));
        if (!clause || !s[i + 1].pre.empty() || !mainClauseBefore(s, i + 1) || needsRest(s, i + 1)) continue;
        bool closesAside = false;  // ", the largest of them, with ..." continues what stands before the aside
        for (size_t k = i > 9 ? i - 9 : 0; k < i; ++k)
            closesAside =
                closesAside || (s[k].comma() && oneOf(low(s[k + 1]), {"the", "a", "an", "which", "who", "its"}));
        if (closesAside) continue;
        erase(s, i + 1, s.size(), true);
        return true;
    }
    return false;
}

/// What an addition begins with: "..., a rise of 3 pct", "..., 20 mln less than expected", "..., led by exports". Any
/// other word may be the second of two adjectives: "a standardized, machine-readable file".
bool startsAddition(const Token& t) {
    const std::string w = low(t);
    return hasDigit(w) || isPreposition(w) || w.ends_with("ing") ||
           oneOf(w,
                 {"a",     "an",          "the",  "one",   "its",  "their", "his",     "her",      "this",    "these",
                  "about", "some",        "up",   "down",  "more", "less",  "nearly",  "almost",   "roughly", "around",
                  "led",   "based",       "part", "both",  "most", "all",   "well",    "slightly", "just",    "only",
                  "first", "legislation", "half", "twice", "two",  "three", "because", "as"});
}

/// Cuts what stands behind the last comma, where that is an addition and no list: "..., 20 mln less than expected".
bool trailingAddition(Tokens& s) {
    if (s.size() < 10 || opensSubordinate(s[0])) return false;
    for (size_t i = s.size() - 1; i-- > 5;) {
        if (!s[i].comma()) continue;
        if (s.size() - i - 1 < 3 || !mainClauseBefore(s, i + 1) || !s[i + 1].pre.empty() || needsRest(s, i + 1))
            return false;
        for (size_t k = i + 1; k < s.size(); ++k)
            if (oneOf(low(s[k]), {"and", "or", "nor"}) || isSpeechVerb(low(s[k])) ||
                s[k].pre.find('"') != std::string::npos)
                return false;
        // A second comma close before means a list or an aside.
        for (size_t k = i > 6 ? i - 6 : 0; k < i; ++k)
            if (s[k].comma()) return false;
        if (isVerb(s[i + 1]) || !startsAddition(s[i + 1]) || isConnective(low(s[i]))) return false;
        erase(s, i + 1, s.size(), true);
        return true;
    }
    return false;
}

/// Cuts a clause that no comma sets off, in sentences that stay long: "... when its holders converted ...".
bool looseClause(Tokens& s) {
    for (size_t i = s.size() - 3; i > 8; --i) {
        if (i >= s.size() || !oneOf(s[i].core, {"when", "because", "after", "while", "although", "which", "before"}))
            continue;
        if (!s[i].pre.empty() || isPreposition(low(s[i - 1])) || isVerb(s[i - 1]) || !mainClauseBefore(s, i) ||
            needsRest(s, i) || !hasVerbOrForm(s, i + 1, s.size()))
            continue;
        if (oneOf(low(s[i - 1]),
                  {"and", "or", "but", "shortly", "days", "weeks", "months", "only", "even", "just", "soon", "day"}))
            continue;
        erase(s, i, s.size(), true);
        return true;
    }
    return false;
}

/// "It", "It's", "As Senator, he": an earlier sentence says who that is.
bool leansOnEarlier(const Tokens& s) {
    std::string first = low(s[0]);
    first.resize(std::min({first.size(), first.find('\''), first.find("\u2019")}));
    if (isPronoun(first)) return true;
    for (size_t i = 0; i + 1 < s.size() && i < 12; ++i) {
        if (isVerb(s[i])) return false;  // "After Bell lost, he": Bell
        if (s[i].comma()) return oneOf(low(s[i + 1]), {"he", "she", "it", "they"});
    }
    return false;
}

/// Nothing but the full stop and quotes behind the last word.
bool endsSentence(const Token& last) {
    std::string marks = last.post;
    if (const size_t quote = closingQuote(marks); quote != std::string::npos) marks.resize(quote);
    return marks.ends_with('.') || (marks.empty() && last.core.ends_with('.'));
}

/// Rules 1 to 5 of the header, each until nothing is left for it. `quoted`: somebody's words stand in it, and so does
/// who said them.
void applyRules(Tokens& s, size_t wordsBefore, bool quoted) {
    if (!quoted) {
        trailingAttribution(s);
        while (middleAttribution(s)) {}
        while (connective(s)) {}
        if (leadingAttribution(s)) leadingAttribution(s);
    }
    while (connective(s)) {}
    while (relativeClause(s)) {}
    aside(s);
    while (adverbs(s)) {}
    while (s.size() > 24 && trailingClause(s)) {}
    if (s.size() > 24) trailingAddition(s);
    while (s.size() > 26 && looseClause(s)) {}
    if (s.size() >= wordsBefore && !trailingClause(s)) trailingAddition(s);
}

}  // namespace

Shortened shorten(std::string_view sentence, size_t maxWords) {
    std::string text(sentence);
    dropDateline(text);
    dropAngles(text);
    dropParentheses(text);
    Tokens s = tokenize(text);
    Shortened out;
    if (s.size() < 5) return out;
    const Quotes quotes = quotesOf(text);
    const bool saying = quotes.longestWords > kNameWords || !s[0].pre.empty();  // and no name of an act or a film
    if (!saying) applyRules(s, countWords(sentence), quotes.any);
    out.text = join(s);
    const size_t words = countWords(out.text);
    out.changed = words < countWords(sentence);
    out.pronoun = leansOnEarlier(s) && !saying;
    out.anaphoric = out.pronoun || !anaphor(out.text).empty();
    const bool opens = isCapitalised(s[0].core) || hasDigit(s[0].core) || s[0].core.starts_with("\u00A3") ||
                       s[0].core.starts_with("\u20AC");
    out.usable = words >= 5 && words <= maxWords && predicateIn(s, 1, s.size()) && quotesOf(out.text).balanced &&
                 balancedBrackets(s) && opens && endsSentence(s.back()) && (!saying || namesSpeaker(out.text));
    // What ends in a verb or a small word lost too much; ", X said." closes a quotation.
    if ((isSpeechVerb(low(s.back())) && !saying) || isPreposition(low(s.back())) ||
        oneOf(low(s.back()), {"is", "are", "was", "were", "has", "have", "will", "would", "and", "the", "a"}))
        out.usable = false;
    return out;
}

std::string subjectName(std::string_view sentence) {
    std::string text(sentence);
    dropDateline(text);
    dropAngles(text);
    dropParentheses(text);
    const Tokens s = tokenize(text);
    std::string name;
    bool suffix = false;
    size_t n = 0;
    for (const Token& t : s) {
        const bool link = n > 0 && oneOf(t.core, {"of", "and", "for", "de"});
        if (n >= 8 || !(isCapitalised(t.core) || link) || !t.pre.empty()) break;
        if (n == 0 && (isFunctionWord(lower(t.core)) && t.core != "The")) return {};
        if (t.core.ends_with("'s") || t.core.ends_with("'")) return {};
        name += (n ? " " : "") + t.core;
        suffix = suffix || isCompanySuffix(t.core);
        ++n;
        if (!t.post.empty()) break;
    }
    while (name.ends_with(" of") || name.ends_with(" and") || name.ends_with(" for")) name.resize(name.rfind(' '));
    if (n == 0 || !suffix || n >= s.size()) return {};
    const Token& next = s[n];
    const bool ends = s[n - 1].comma() || isVerb(next) || low(next) == "also";
    return ends ? name : std::string();
}

std::string_view anaphor(std::string_view sentence) {
    for (const std::string_view form : {"The company ", "The bank ", "The group ", "The firm ", "The agency ",
                                        "The department ", "The ministry ", "The airline ", "It "})
        if (sentence.starts_with(form)) return sentence.substr(0, form.size() - 1);
    return {};
}

}  // namespace spanscope::news
