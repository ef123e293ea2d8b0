#include "engine/tasks/news/tables.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace spanscope::news {
namespace {

template <size_t N>
using Words = std::array<std::string_view, N>;

template <size_t N>
constexpr Words<N> sorted(Words<N> words) {
    std::sort(words.begin(), words.end());
    return words;
}
template <size_t N>
bool has(const Words<N>& words, std::string_view word) {
    return std::binary_search(words.begin(), words.end(), word);
}
template <class... W>
constexpr auto list(W... words) {
    return sorted(Words<sizeof...(W)>{std::string_view(words)...});
}

constexpr auto kTitles = list("Mr", "Mrs", "Ms", "Messrs", "Dr", "Drs", "Prof", "Rep", "Reps", "Sen", "Sens", "Gov",
                              "Gen", "Col", "Lt", "Maj", "Capt", "Cmdr", "Adm", "Sgt", "Cpl", "Pvt", "Rev", "Hon", "St",
                              "Ste", "Mt", "Ft", "Pres", "Amb", "Atty", "Supt", "vs", "Vs", "v", "cf", "viz", "approx",
                              "Approx", "Nos", "Fig", "Figs", "e.g", "i.e", "E.F", "al");
constexpr auto kAbbreviations = list(
    "Inc", "Corp", "Co", "Cos", "Ltd", "Bros", "Plc", "plc", "Mfg", "Intl", "Ind", "Assn", "Dept", "Div", "Est", "Jr",
    "Sr", "Esq", "No", "no", "Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec", "Mon",
    "Tue", "Tues", "Wed", "Thu", "Thur", "Thurs", "Fri", "Sat", "Sun", "Ala", "Ariz", "Ark", "Calif", "Colo", "Conn",
    "Del", "Fla", "Ga", "Ill", "Ind", "Kan", "Ky", "La", "Mass", "Md", "Mich", "Minn", "Miss", "Mo", "Mont", "Neb",
    "Nev", "Okla", "Ont", "Ore", "Pa", "Que", "Tenn", "Tex", "Va", "Vt", "Wash", "Wis", "Wyo", "Ave", "Blvd", "Rd",
    "Sq", "Hwy", "Bldg", "est", "govt", "Govt", "natl", "Natl", "Alex", "Wm", "Chas", "Geo", "Jos", "Thos", "Robt",
    "Ph.D", "a.m", "p.m", "n.a", "c.i.f", "f.o.b", "U.S", "U.K", "U.N", "U.S.A", "U.S.S.R", "U.A.E", "N.Z", "H.K",
    "N.Y", "N.J", "D.C", "B.C", "S.A", "N.V", "A.G", "S.p.A", "E.C", "L.P", "P.L.C", "J.P", "A.D");
constexpr auto kUnits =
    list("mln", "bln", "dlr", "dlrs", "pct", "cts", "shr", "shrs", "rev", "revs", "avg", "mths", "qtr", "qtrs", "yr",
         "yrs", "oz", "lb", "lbs", "ft", "hr", "hrs", "min", "sec", "mph", "kph", "km", "kg", "cwt", "bpd", "etc");
constexpr auto kStarters =
    list("The", "It", "He", "She", "They", "We", "But", "This", "These", "That", "Those", "However", "A", "An", "Its",
         "His", "Her", "Their", "There", "Meanwhile", "Analysts", "Last", "If", "When", "While", "Although", "Under",
         "According", "Earlier", "Some", "Most", "Many", "No", "Other", "Officials", "As", "At", "After", "Before",
         "Asked", "Among", "Both", "Since", "Such", "What", "With", "You", "I", "Prices", "Traders", "Police", "One",
         "Two", "Three", "Total", "Separately", "Yesterday", "Today", "So", "Yet");

constexpr auto kStopwords = list(
    "a", "about", "above", "added", "after", "again", "against", "ago", "all", "also", "although", "am", "among", "an",
    "and", "another", "any", "are", "as", "at", "be", "because", "been", "before", "being", "between", "both", "but",
    "by", "can", "could", "did", "do", "does", "down", "due", "during", "each", "earlier", "else", "even", "ever",
    "first", "for", "from", "further", "had", "has", "have", "he", "her", "here", "his", "how", "however", "i", "if",
    "in", "including", "into", "is", "it", "its", "just", "last", "later", "less", "made", "make", "many", "may",
    "might", "more", "most", "much", "must", "new", "no", "nor", "not", "now", "of", "off", "on", "one", "only", "or",
    "other", "our", "out", "over", "own", "said", "same", "says", "say", "she", "should", "since", "so", "some",
    "still", "such", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those",
    "through", "to", "today", "told", "too", "two", "under", "until", "up", "very", "was", "we", "were", "what", "when",
    "where", "which", "while", "who", "whose", "will", "with", "would", "year", "yesterday", "yet", "you", "your");
constexpr auto kFunction =
    list("a", "about", "according", "after", "against", "all", "almost", "also", "although", "among", "an", "and",
         "another", "any", "around", "as", "asked", "at", "because", "before", "between", "both", "but", "by",
         "despite", "during", "each", "earlier", "every", "few", "first", "following", "for", "four", "five", "six",
         "seven", "eight", "nine", "ten", "from", "had", "has", "have", "he", "her", "his", "how", "however", "if",
         "in", "is", "it", "its", "last", "later", "less", "many", "meanwhile", "more", "most", "much", "nearly", "new",
         "next", "no", "none", "not", "of", "on", "once", "one", "only", "or", "other", "our", "over", "second",
         "several", "she", "since", "so", "some", "still", "such", "than", "that", "the", "their", "then", "there",
         "these", "they", "third", "this", "those", "three", "to", "total", "two", "under", "until", "up", "was", "we",
         "were", "what", "when", "where", "which", "while", "who", "will", "with", "would", "yet", "you");
constexpr auto kPrepositions =
    list("about", "above", "after", "against", "among", "around", "as", "at", "before", "below", "between", "by",
         "despite", "during", "for", "from", "in", "into", "of", "off", "on", "over", "since", "through", "to",
         "toward", "towards", "under", "until", "up", "upon", "with", "within", "without");
constexpr auto kPronouns = list("he", "her", "his", "i", "it", "its", "our", "she", "such", "that", "their", "these",
                                "they", "this", "those", "we", "both", "one", "others", "another", "so");
constexpr auto kSpeech = list("said", "says", "added", "noted", "stated", "told", "reported", "announced", "disclosed",
                              "explained", "commented", "declared", "confirmed", "predicted", "warned");
constexpr auto kFinite = list(
    "is", "are", "was", "were", "has", "have", "had", "will", "would", "could", "should", "may", "might", "must", "can",
    "do", "does", "did", "rose", "fell", "gained", "lost", "climbed", "dropped", "slipped", "declined", "increased",
    "decreased", "advanced", "eased", "closed", "opened", "ended", "began", "starts", "started", "said", "says", "told",
    "added", "expects", "expect", "expected", "plans", "plan", "planned", "agreed", "agrees", "made", "makes", "make",
    "took", "takes", "take", "gave", "gives", "give", "came", "comes", "come", "went", "goes", "go", "became",
    "remains", "remained", "stood", "stands", "showed", "shows", "show", "reported", "reports", "bought", "sold",
    "buys", "sells", "sell", "holds", "held", "hold", "owns", "own", "owned", "paid", "pays", "pay", "called", "calls",
    "call", "urged", "asked", "rejected", "accepted", "approved", "signed", "won", "beat", "scored", "led", "lead",
    "leads", "left", "leaves", "met", "meets", "includes", "include", "included", "involves", "involved", "produces",
    "produced", "produce", "raised", "raises", "cut", "cuts", "reduced", "set", "put", "kept", "keeps", "sees", "saw",
    "see", "seems", "seemed", "appears", "appeared", "continues", "continued", "continue", "died", "killed", "injured",
    "hit", "struck", "caused", "used", "uses", "use", "works", "worked", "work", "wants", "wanted", "want", "needs",
    "needed", "need", "believes", "believe", "believed", "thinks", "think", "thought", "hopes", "hope", "hoped",
    "estimates", "estimated", "estimate", "forecast", "forecasts", "totaled", "totalled", "amounted", "averaged",
    "reached", "traded", "yielded", "represents", "represented", "follows", "followed", "compares", "compared",
    "provides", "provided", "provide", "received", "completed", "acquired", "announced", "issued", "filed", "proposed",
    "offered", "offers", "launched", "issues", "lies", "lay", "grew", "grow", "grows", "jumped", "soared", "plunged",
    "tumbled", "surged", "dipped", "edged", "rallied", "firmed", "weakened", "strengthened", "recovered", "resumed",
    "suspended", "halted", "stopped", "allowed", "allows", "allow", "requires", "required", "require", "serves",
    "served", "runs", "ran", "operates", "operated", "operate", "helped", "helps", "faces", "faced", "face", "failed",
    "fails", "ordered", "ruled", "voted", "decided", "declared", "imposed", "lifted", "blamed", "cited", "got", "gets",
    "brought", "brings", "found", "finds", "turned", "moved", "moves", "changed", "created", "built", "based",
    "carries", "carried", "covers", "covered", "earned", "earns", "posted", "recorded", "registered", "triggered",
    "prompted", "spent", "spends", "sent", "sought", "seeks", "seek", "drew", "draws", "depends", "affects", "affected",
    "applies", "applied", "contributed", "contains", "contained", "denied", "dismissed", "doubled", "tripled",
    "exceeded", "exceeds", "intends", "introduced", "resigned", "formed", "purchased", "downgraded", "anticipates",
    "supported", "charged", "considers", "refused", "joined", "opposed", "intervened", "considered", "revised",
    "doubted", "regulates", "spoke", "expressed", "adopted", "extended", "expires", "lowered", "requested", "stressed",
    "remain", "feels", "welcomed", "knew", "decides", "termed", "begins", "foresaw", "affirmed", "unveiled",
    "reflected", "replied", "maintains", "obtained", "admitted", "promised", "feared", "suffered", "acknowledged",
    "retained", "becomes", "upgraded", "manufactures", "excludes", "emerged", "placed", "expire", "recommended",
    "authorized", "calculated", "arranged", "indicated", "receives", "released", "proposes", "understood", "amended",
    "favoured", "knows", "invested", "withdrew", "employs", "tried", "achieved", "forced", "improved", "pushed",
    "foresees", "acts", "consists", "differed", "returned", "anticipated", "shipped", "passed", "responded", "froze",
    "slid", "owes", "reviewed", "wishes", "claimed", "slowed", "represent", "meant", "acted", "happened", "happens",
    "valued", "carry", "oversees", "projected", "sponsored", "lacked", "adds", "pledged", "attended", "shared",
    "developed", "insisted", "predicts", "comprises", "urges", "emphasized", "attacked", "alleged", "initiated",
    "assumed", "removed", "arrived", "arrives", "collapsed", "assigned", "imported", "measured", "attempted",
    "applauded", "criticised", "criticized", "opposes", "argued", "pointed", "acknowledges", "attributed", "maintained",
    "visited", "invited", "learned", "lived", "loses", "notes", "obtains", "occurred", "occurs", "originated",
    "performed", "plunges", "prevents", "prevented", "pulled", "reacted", "realised", "realized", "recalled", "refers",
    "referred", "refuses", "regained", "relies", "relied", "repaid", "replaced", "resulted", "retired", "returns",
    "revealed", "rises", "falls", "gains", "sank", "sat", "seized", "settled", "shut", "signalled", "slashed",
    "slumped", "sparked", "spread", "stayed", "succeeded", "suffers", "suggested", "suggests", "supplied", "supplies",
    "supports", "switched", "talked", "tends", "terminated", "threatened", "threatens", "tightened", "touched",
    "tracked", "transferred", "underwent", "voiced", "waited", "walked", "warns", "welcomes", "widened", "withstood",
    "wrote", "yields", "narrowed", "boosted", "buoyed", "outweighed", "outlined", "finished", "stated", "argues",
    "boosts", "borrowed", "elected", "entitles", "evaluated", "exercised", "expanded", "expands", "explored",
    "exported", "grants", "granted", "hired", "identified", "implied", "implies", "increases", "let", "lets", "matched",
    "matures", "merged", "negotiated", "observed", "occupied", "pledges", "poses", "posed", "protects", "ranged",
    "redeemed", "reflects", "rests", "retains", "scheduled", "separated", "slows", "steadied", "sustained", "tested",
    "trades", "trimmed", "ships", "kicked", "drove", "drives", "threw", "flew", "swept", "burned", "burst", "crashed",
    "collided", "derailed", "flooded", "evacuated", "rescued", "treated", "opens", "closes", "rained", "broke",
    "breaks", "fled", "hurt", "hosts", "hosted", "plays", "played", "finishes", "visits", "travels", "defeated",
    "draw");
constexpr auto kConnectives =
    list("however", "meanwhile", "separately", "moreover", "nevertheless", "nonetheless", "furthermore", "also", "but",
         "and", "thus", "still", "yet", "instead", "indeed", "otherwise", "besides", "consequently", "therefore",
         "additionally", "similarly", "overall");
constexpr auto kSuffixes = list("Inc", "Corp", "Co", "Ltd", "Plc", "PLC", "SA", "AG", "NV", "AB", "SpA", "BV", "Group",
                                "Bancorp", "Bank", "Industries", "Holdings", "Partners", "Systems", "International",
                                "Corporation", "Company", "Trust", "Airlines", "Motors", "Stores", "Inc.", "Corp.",
                                "Co.", "Ltd.", "Association", "Exchange", "Department", "Ministry", "Technologies");

struct Spelling {
    std::string_view lower, written;
};
// Sorted by the lower-case form (checked at compile time below).
constexpr Spelling kSpellings[]{{"africa", "Africa"},
                                {"african", "African"},
                                {"america", "America"},
                                {"american", "American"},
                                {"april", "April"},
                                {"arab", "Arab"},
                                {"argentina", "Argentina"},
                                {"asia", "Asia"},
                                {"asian", "Asian"},
                                {"august", "August"},
                                {"australia", "Australia"},
                                {"australian", "Australian"},
                                {"austria", "Austria"},
                                {"belgium", "Belgium"},
                                {"bolivia", "Bolivia"},
                                {"bonn", "Bonn"},
                                {"brazil", "Brazil"},
                                {"brazilian", "Brazilian"},
                                {"britain", "Britain"},
                                {"british", "British"},
                                {"canada", "Canada"},
                                {"canadian", "Canadian"},
                                {"chicago", "Chicago"},
                                {"chile", "Chile"},
                                {"china", "China"},
                                {"chinese", "Chinese"},
                                {"colombia", "Colombia"},
                                {"december", "December"},
                                {"denmark", "Denmark"},
                                {"dutch", "Dutch"},
                                {"ec", "EC"},
                                {"ecuador", "Ecuador"},
                                {"egypt", "Egypt"},
                                {"england", "England"},
                                {"europe", "Europe"},
                                {"european", "European"},
                                {"february", "February"},
                                {"finland", "Finland"},
                                {"france", "France"},
                                {"french", "French"},
                                {"friday", "Friday"},
                                {"gatt", "GATT"},
                                {"gdp", "GDP"},
                                {"german", "German"},
                                {"germany", "Germany"},
                                {"gmt", "GMT"},
                                {"gnp", "GNP"},
                                {"greece", "Greece"},
                                {"gulf", "Gulf"},
                                {"ibm", "IBM"},
                                {"imf", "IMF"},
                                {"india", "India"},
                                {"indian", "Indian"},
                                {"indonesia", "Indonesia"},
                                {"iran", "Iran"},
                                {"iranian", "Iranian"},
                                {"iraq", "Iraq"},
                                {"iraqi", "Iraqi"},
                                {"ireland", "Ireland"},
                                {"israel", "Israel"},
                                {"italian", "Italian"},
                                {"italy", "Italy"},
                                {"january", "January"},
                                {"japan", "Japan"},
                                {"japanese", "Japanese"},
                                {"july", "July"},
                                {"june", "June"},
                                {"korea", "Korea"},
                                {"korean", "Korean"},
                                {"kuwait", "Kuwait"},
                                {"london", "London"},
                                {"malaysia", "Malaysia"},
                                {"march", "March"},
                                {"mexico", "Mexico"},
                                {"monday", "Monday"},
                                {"moscow", "Moscow"},
                                {"nasdaq", "NASDAQ"},
                                {"netherlands", "Netherlands"},
                                {"nigeria", "Nigeria"},
                                {"norway", "Norway"},
                                {"november", "November"},
                                {"nyse", "NYSE"},
                                {"october", "October"},
                                {"oecd", "OECD"},
                                {"opec", "OPEC"},
                                {"pakistan", "Pakistan"},
                                {"paris", "Paris"},
                                {"peru", "Peru"},
                                {"philippine", "Philippine"},
                                {"philippines", "Philippines"},
                                {"poland", "Poland"},
                                {"portugal", "Portugal"},
                                {"reagan", "Reagan"},
                                {"russia", "Russia"},
                                {"russian", "Russian"},
                                {"saturday", "Saturday"},
                                {"saudi", "Saudi"},
                                {"sec", "SEC"},
                                {"senate", "Senate"},
                                {"september", "September"},
                                {"singapore", "Singapore"},
                                {"soviet", "Soviet"},
                                {"spain", "Spain"},
                                {"spanish", "Spanish"},
                                {"sunday", "Sunday"},
                                {"sweden", "Sweden"},
                                {"swedish", "Swedish"},
                                {"swiss", "Swiss"},
                                {"switzerland", "Switzerland"},
                                {"taiwan", "Taiwan"},
                                {"thai", "Thai"},
                                {"thailand", "Thailand"},
                                {"thursday", "Thursday"},
                                {"tokyo", "Tokyo"},
                                {"tuesday", "Tuesday"},
                                {"turkey", "Turkey"},
                                {"u.k.", "U.K."},
                                {"u.n.", "U.N."},
                                {"u.s.", "U.S."},
                                {"uk", "UK"},
                                {"un", "UN"},
                                {"usda", "USDA"},
                                {"ussr", "USSR"},
                                {"venezuela", "Venezuela"},
                                {"washington", "Washington"},
                                {"wednesday", "Wednesday"},
                                {"yen", "yen"},
                                {"york", "York"}};
static_assert(std::is_sorted(std::begin(kSpellings), std::end(kSpellings),
                             [](const Spelling& a, const Spelling& b) { return a.lower < b.lower; }));

}  // namespace

bool isTitleAbbreviation(std::string_view word) { return has(kTitles, word); }
bool isAbbreviation(std::string_view word) { return has(kAbbreviations, word); }
bool isUnit(std::string_view word) { return has(kUnits, word); }
bool startsSentence(std::string_view word) { return has(kStarters, word); }
bool isStopword(std::string_view word) { return has(kStopwords, word); }
bool isFunctionWord(std::string_view word) { return has(kFunction, word); }
bool isPreposition(std::string_view word) { return has(kPrepositions, word); }
bool isPronoun(std::string_view word) { return has(kPronouns, word); }
bool isSpeechVerb(std::string_view word) { return has(kSpeech, word); }
bool isFiniteVerb(std::string_view word) { return has(kFinite, word); }
bool isConnective(std::string_view word) { return has(kConnectives, word); }
bool isCompanySuffix(std::string_view word) { return has(kSuffixes, word); }

std::string_view properSpelling(std::string_view lower) {
    const auto it = std::lower_bound(std::begin(kSpellings), std::end(kSpellings), lower,
                                     [](const Spelling& s, std::string_view w) { return s.lower < w; });
    return it != std::end(kSpellings) && it->lower == lower ? it->written : std::string_view();
}

}  // namespace spanscope::news
