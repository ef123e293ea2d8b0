#include "engine/training/news/furniture.h"

#include <algorithm>
#include <array>

#include "engine/reading/tables.h"
#include "engine/reading/word_kinds.h"
#include "engine/reading/word_list.h"
#include "engine/reading/words.h"
#include "engine/training/news/voice.h"

namespace spanscope::news {
namespace {

constexpr auto kBulletVerbs = wordList(
    "add", "adds", "allow", "allows", "amend", "amends", "authorize", "authorizes", "ban", "bans", "bring", "call",
    "codifies", "codify", "create", "creates", "defund", "defunds", "direct", "directs", "eliminate", "eliminates",
    "enact", "encourage", "encourages", "ensure", "ensures", "establish", "establishes", "expand", "expands", "extend",
    "extends", "fund", "funds", "give", "gives", "help", "helps", "improve", "improves", "increase", "increases",
    "invest", "invests", "limits", "maintain", "modernize", "modernizes", "permanently", "prevent", "prevents",
    "prohibit", "prohibits", "promote", "promotes", "protect", "protects", "provide", "provides", "reauthorizes",
    "reduce", "reduces", "reform", "repeal", "repeals", "require", "requires", "restore", "restores", "restrict",
    "restricts", "set", "sets", "stop", "stops", "strengthen", "strengthens", "support", "supports", "use", "work");
constexpr auto kParticipleOpeners =
    wordList("according", "during", "following", "nothing", "something", "everything", "anything", "king", "spring",
             "beijing", "evening", "morning", "building", "housing", "funding", "training", "including", "boeing");
constexpr std::string_view kPage[] = {"click here",
                                      "###",
                                      "http",
                                      "www.",
                                      "for immediate release",
                                      "media contact",
                                      "press contact",
                                      "read more",
                                      "subscribe",
                                      "sign up",
                                      "rsvp",
                                      "pictured",
                                      "photo:",
                                      "photo by",
                                      "photo credit",
                                      "(photo",
                                      "caption",
                                      "background:",
                                      "watch the",
                                      "watch video",
                                      "full text of",
                                      "text of the bill",
                                      "text of the letter",
                                      "can be found",
                                      "can be viewed",
                                      "is available online",
                                      "is available on",
                                      "available for download",
                                      "to learn more",
                                      "for more information",
                                      "cc:"};
/// Kinds of pages, as the beginning or the whole of a title.
constexpr std::string_view kKinds[] = {
    "newsletter",    "weekly", "roundup",     "round-up",   "recap",        "this week",  "podcast",
    "webinar",       "op-ed",  "op ed",       "remarks",    "readout",      "transcript", "advisory",
    "statement",     "photos", "in the news", "town hall:", "trends on",    "meet the",   "call for participation",
    "monthly theme", "video",  "interview",   "q&a",        "press gaggle", "briefing",   "e-news",
    "wrapped"};
constexpr std::string_view kSlugs[] = {"icymi",
                                       "fact sheet",
                                       "video",
                                       "watch",
                                       "new",
                                       "news",
                                       "breaking",
                                       "update",
                                       "updated",
                                       "photos",
                                       "release",
                                       "press release",
                                       "for immediate release",
                                       "must read",
                                       "read",
                                       "listen",
                                       "new letter",
                                       "new report",
                                       "flash report",
                                       "media release",
                                       "just in",
                                       "scandal",
                                       "passed",
                                       "audio",
                                       "live"};

struct Dash {
    size_t at = std::string::npos, length = 0;
};
Dash firstDash(std::string_view text, size_t from = 0) {
    Dash best;
    for (const std::string_view dash :
         {" - ", " -- ", " \u2013 ", " \u2014 ", "\u2013 ", "\u2014 ", "\u2013", "\u2014"})
        if (const size_t at = text.find(dash, from);
            at < best.at || (at == best.at && at != std::string::npos && dash.size() > best.length))
            best = {at, dash.size()};
    return best;
}

/// What may stand behind a city: "D.C.", "NY", "Mich.", "Michigan", "March 3", "(Reuters)".
bool isPlaceOrDate(const Token& t) {
    return isCapitalised(t.core) || hasDigit(t.core) || isAbbreviation(t.core) || t.core == "of" ||
           t.pre.find('(') != std::string::npos;
}

/// today: the text behind the dash begins as news does.
bool isDateline(std::string_view head, bool dashAgain, bool today) {
    const bool bracketed = head.starts_with('(') && head.ends_with(')');
    if (bracketed) head = head.substr(1, head.size() - 2);
    const std::vector<Token> words = tokenize(head);
    if (words.empty() || words.size() > 8 || isFunctionWord(lower(words[0].core))) return false;
    if (!std::all_of(words.begin(), words.end(), isPlaceOrDate)) return false;
    const std::string_view city = head.substr(0, head.find_first_of(",("));
    const bool capitals = hasUpper(city) && !hasLower(city) && city.size() >= 4;
    if (city.size() < head.size()) return capitals || bracketed || words.size() <= 5;
    return bracketed || today || lower(trimmed(city)) == "washington" || (capitals && !dashAgain);
}

/// "Bans Have Delayed Emergency Care."
bool isHeading(const std::vector<Token>& words) {
    const auto longWords = std::count_if(words.begin(), words.end(), [](const Token& t) { return t.core.size() > 3; });
    return longWords > 3 && std::all_of(words.begin(), words.end(), [](const Token& t) {
               return t.core.size() <= 3 || isCapitalised(t.core) || hasDigit(t.core);
           });
}

bool startsWithLabel(std::string_view sentence) {
    for (size_t i = sentence.find(':'); i != std::string_view::npos; i = sentence.find(':', i + 1)) {
        const bool time = i > 0 && i + 1 < sentence.size() && hasDigit(sentence.substr(i - 1, 1)) &&
                          hasDigit(sentence.substr(i + 1, 1));
        if (!time && quotesOf(sentence.substr(0, i)).balanced) return true;
    }
    return false;
}

}  // namespace

void dropDateline(std::string& text) {
    const Dash dash = firstDash(text);
    if (dash.at == std::string::npos || dash.at > 70 || dash.at == 0) return;
    const bool again = firstDash(text, dash.at + dash.length).at != std::string::npos;
    const std::string_view behind = trimmed(std::string_view(text).substr(dash.at + dash.length));
    const bool today = behind.starts_with("Today") || behind.starts_with("This week") || behind.starts_with("U.S. ");
    if (!isDateline(trimmed(std::string_view(text).substr(0, dash.at)), again, today)) return;
    text.erase(0, dash.at + dash.length);
    text.erase(0, text.find_first_not_of(' '));
}

void dropAngles(std::string& text) {
    for (size_t open = text.find('<'); open != std::string::npos; open = text.find('<', open)) {
        const size_t close = text.find('>', open);
        if (close == std::string::npos || close - open > 60) {
            ++open;
            continue;
        }
        const std::string_view inside = std::string_view(text).substr(open + 1, close - open - 1);
        const bool ticker = inside.size() <= 9 && inside.find(' ') == std::string_view::npos && !hasLower(inside);
        if (ticker) {
            const size_t from = open > 0 && text[open - 1] == ' ' ? open - 1 : open;
            text.erase(from, close + 1 - from);
            open = from;
        } else {
            text.erase(close, 1);
            text.erase(open, 1);
        }
    }
}

void dropParentheses(std::string& text) {
    for (size_t open = text.find('('); open != std::string::npos; open = text.find('(', open)) {
        const size_t close = text.find(')', open);
        const size_t inner = text.find('(', open + 1);
        if (close == std::string::npos || (inner != std::string::npos && inner < close) || open == 0 ||
            text[open - 1] != ' ') {  // "501(c)(3)"
            ++open;
            continue;
        }
        text.erase(open - 1, close + 2 - open);
        --open;
    }
}

bool isFurniture(std::string_view sentence) {
    const std::string low = lower(sentence);
    for (const std::string_view mark : kPage)
        if (low.find(mark) != std::string::npos) return true;
    if (sentence.empty() || std::string_view("_*#-[?").find(sentence[0]) != std::string_view::npos ||
        sentence.starts_with("\u2022") || sentence.find('@') != std::string_view::npos)
        return true;
    if (low.ends_with("...") || low.ends_with("\u2026")) return true;
    std::vector<Token> words = tokenize(sentence);
    std::erase_if(words, [](const Token& t) { return t.core.empty(); });
    if (words.empty() || lower(words.back().core) == "here") return true;
    if (isHeading(words) || startsWithLabel(sentence) || std::count(sentence.begin(), sentence.end(), ';') >= 2)
        return true;
    if (!words[0].pre.empty()) return false;
    const std::string first = lower(words[0].core);
    if (first.ends_with("ing") && words.size() > 1 && !has(kParticipleOpeners, first) && !isCapitalised(words[1].core))
        return true;
    const bool verb = has(kBulletVerbs, first) || (isFiniteVerb(first) && !isFunctionWord(first));
    return verb && words.size() > 1 && !isFiniteVerb(lower(words[1].core));
}

void dropTitleSlug(std::string& title) {
    for (bool again = true; again;) {
        again = false;
        title = std::string(trimmed(title));
        while (!title.empty() && (title[0] == '*' || title[0] == '#')) title.erase(0, 1);
        const size_t colon = title.find_first_of(":|");
        if (colon == std::string::npos || colon > 30) return;
        const std::string slug = lower(trimmed(std::string_view(title).substr(0, colon)));
        if (std::find(std::begin(kSlugs), std::end(kSlugs), slug) == std::end(kSlugs)) return;
        title.erase(0, colon + 1);
        again = true;
    }
}

bool isNoHeadline(std::string_view title) {
    const std::string low = lower(trimmed(title));
    for (const std::string_view kind : kKinds)
        if (low.starts_with(kind) || low.ends_with(kind)) return true;
    for (const std::string_view part :
         {"newsletter", "op-ed", " roundup", "week in review", "trends on tuesday", "the data briefing",
          "the content corner", "the api briefing", "podcast", "webinar", "weekly update", "town hall recap"})
        if (low.find(part) != std::string::npos) return true;
    if (low.ends_with("...") || low.ends_with("\u2026") || low.ends_with('?') || low.ends_with(':')) return true;
    const size_t n = countWords(title);
    return n < 3 || n > 28 || speaksToReader(title);
}

}  // namespace spanscope::news
