#include "engine/training/news/voice.h"

#include <algorithm>

#include "engine/reading/word_kinds.h"
#include "engine/reading/word_list.h"
#include "engine/tasks/news/sentences.h"

namespace spanscope::news {
namespace {

constexpr std::string_view kOpen = "\u201C", kClose = "\u201D";

constexpr auto kQuoteVerbs =
    wordList("said", "says", "added", "adds", "noted", "notes", "stated", "states", "told", "wrote", "writes",
             "concluded", "concludes", "continued", "explained", "commented", "declared", "warned", "argued", "called",
             "remarked", "responded", "replied", "urged", "emphasized", "testified", "tweeted", "posted", "read",
             "reads", "asked", "announced", "cautioned", "insisted");
constexpr auto kFirstAndSecond = wordList("I", "we", "We", "our", "Our", "ours", "us", "my", "My", "me", "mine", "you",
                                          "You", "your", "Your", "ourselves", "myself", "yourself", "let's", "Let's");
constexpr auto kPersonal = wordList("he", "she", "they", "i", "we", "you", "who", "it");
/// Whoever is called this has opinions.
constexpr auto kPeople =
    wordList("senator", "senators", "congressman", "congresswoman", "congressmen", "representative", "representatives",
             "rep", "reps", "sen", "sens", "lawmakers", "lawmaker", "members", "member", "legislators", "governor",
             "gov", "mayor", "president", "minister", "premier", "chancellor", "secretary", "chairman", "chairwoman",
             "chair", "director", "mr", "mrs", "ms", "dr", "prof", "leader", "critics", "critic", "opponents",
             "opponent", "supporters", "advocates", "activists", "democrats", "republicans", "colleagues", "coalition",
             "he", "she", "i", "we", "author", "authors", "union", "unions", "opposition", "candidate", "lawyer",
             "lawyers", "attorney", "residents", "parents", "neighbours");
/// Bodies whose report is the news; the name of one may stand beside these.
constexpr auto kBodies = wordList(
    "agency", "airline", "authorities", "authority", "bank", "board", "bureau", "commission", "committee", "company",
    "council", "court", "data", "department", "exchange", "figures", "firm", "government", "group", "institute",
    "ministry", "office", "officials", "police", "records", "report", "service", "spokesman", "spokeswoman",
    "statement", "statistics", "study", "survey", "university", "administration", "center", "filing", "association");

struct QuoteMark {
    size_t length = 0;
    int change = 0;  ///< 1 opens, -1 closes, 0 either
};
QuoteMark markAt(std::string_view text, size_t i) {
    if (text[i] == '"') return {1, 0};
    if (text.substr(i, kOpen.size()) == kOpen) return {kOpen.size(), 1};
    if (text.substr(i, kClose.size()) == kClose) return {kClose.size(), -1};
    return {};
}

/// The text with each quotation as one blank; an unbalanced one goes to the end.
std::string outsideQuotes(std::string_view text) {
    std::string out;
    bool open = false;
    for (size_t i = 0; i < text.size();) {
        const QuoteMark mark = markAt(text, i);
        if (mark.length == 0) {
            if (!open) out += text[i];
            ++i;
            continue;
        }
        open = mark.change == 0 ? !open : mark.change > 0;
        out += ' ';
        i += mark.length;
    }
    return out;
}

/// Most of its words begin with a capital: the title of an act or a film.
bool isName(std::string_view quoted) {
    size_t capitals = 0, words = 0;
    for (const Token& t : tokenize(quoted)) {
        words += t.core.empty() ? 0 : 1;
        capitals += isCapitalised(t.core) ? 1 : 0;
    }
    return 2 * capitals > words;
}

/// "I've" and "we\u2019re" as "I" and "we".
std::string_view withoutContraction(std::string_view word) {
    return word.substr(0, std::min(word.find('\''), word.find("\u2019")));
}

/// For every sentence: does it begin a paragraph of the body? Text whose sentences run over lines has one paragraph.
std::vector<bool> paragraphStarts(std::string_view body, const std::vector<std::string>& sentences) {
    std::vector<bool> starts(sentences.size(), false);
    size_t next = 0;
    for (size_t begin = 0; begin < body.size() && next < sentences.size();) {
        const size_t end = std::min(body.find('\n', begin), body.size());
        const std::string paragraph = oneLine(body.substr(begin, end - begin));
        begin = end + 1;
        size_t at = 0;
        bool first = true;
        while (next < sentences.size() && at < paragraph.size() &&
               std::string_view(paragraph).substr(at).starts_with(sentences[next])) {
            starts[next] = first;
            first = false;
            at += sentences[next].size();
            while (at < paragraph.size() && paragraph[at] == ' ') ++at;
            ++next;
        }
    }
    return starts;
}

}  // namespace

Quotes quotesOf(std::string_view text) {
    Quotes q;
    bool open = false;
    size_t from = 0;
    for (size_t i = 0; i < text.size();) {
        const QuoteMark mark = markAt(text, i);
        if (mark.length == 0) {
            ++i;
            continue;
        }
        q.any = true;
        const bool opens = mark.change == 0 ? !open : mark.change > 0;
        if (opens == open) q.balanced = false;
        if (!opens && open && !isName(text.substr(from, i - from)))
            q.longestWords = std::max(q.longestWords, countWords(text.substr(from, i - from)));
        open = opens;
        i += mark.length;
        from = i;
    }
    q.balanced = q.balanced && !open;
    return q;
}

size_t closingQuote(std::string_view marks) { return std::min(marks.find('"'), marks.find(kClose)); }

std::vector<bool> partOfLongerQuotation(std::string_view body, const std::vector<std::string>& sentences) {
    const std::vector<bool> starts = paragraphStarts(body, sentences);
    std::vector<bool> part(sentences.size(), false);
    bool open = false;
    for (size_t s = 0; s < sentences.size(); ++s) {
        const std::string_view text = sentences[s];
        // A quotation of several paragraphs opens each of them again; a closing mark that was forgotten ends there.
        if (starts[s]) open = open && text.starts_with(kOpen);
        const bool before = open;
        for (size_t i = 0; i < text.size();) {
            const QuoteMark mark = markAt(text, i);
            if (mark.length > 0) open = mark.change == 0 ? !open : mark.change > 0;
            i += std::max<size_t>(1, mark.length);
        }
        part[s] = before || open;
    }
    return part;
}

bool namesSpeaker(std::string_view sentence) {
    const std::vector<Token> words = tokenize(outsideQuotes(sentence));
    for (size_t i = 0; i < words.size(); ++i) {
        const std::string w = lower(words[i].core);
        if (w == "according" && i + 2 < words.size()) return true;
        if (!has(kQuoteVerbs, w)) continue;
        // "Bell said", "said Bell"; a comma in between belongs to the quotation.
        const bool closed = i > 0 && words[i - 1].core.empty();
        size_t before = i;
        while (before > 0 && (words[before - 1].core.empty() || lower(words[before - 1].core) == "also")) --before;
        const std::string left = before > 0 && !closed ? lower(words[before - 1].core) : std::string();
        const std::string right = i + 1 < words.size() ? lower(words[i + 1].core) : std::string();
        if (has(kPersonal, left) || (left.empty() && has(kPersonal, right))) continue;
        if (!left.empty() || (!right.empty() && !isPreposition(right))) return true;
    }
    return false;
}

bool speaksToReader(std::string_view sentence) {
    const std::vector<Token> words = tokenize(outsideQuotes(sentence));
    for (size_t i = 0; i < words.size(); ++i) {
        const std::string_view w = withoutContraction(words[i].core);
        if (!has(kFirstAndSecond, w)) continue;
        const bool numeral =
            w == "I" && words[i].core == "I" && i > 0 && isCapitalised(words[i - 1].core);  // "Title I"
        if (!numeral) return true;
    }
    return false;
}

bool isBody(const std::vector<Token>& tokens, size_t begin, size_t end) {
    bool body = false, name = false;
    for (size_t i = begin; i < std::min(end, tokens.size()); ++i) {
        const std::string w = lower(withoutPossessive(tokens[i].core));
        if (has(kPeople, w)) return false;
        body = body || has(kBodies, w) || isCompanySuffix(tokens[i].core);
        name = name || (isCapitalised(tokens[i].core) && !isFunctionWord(w));
        // Each of "its governor, Robin Smith, said" for itself.
        if (tokens[i].comma() || i + 1 == std::min(end, tokens.size())) {
            if (name && !body) return false;
            body = name = false;
        }
    }
    return true;
}

}  // namespace spanscope::news
