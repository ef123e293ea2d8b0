#include "engine/reading/tables.h"

#include "engine/reading/word_list.h"

namespace spanscope::news {
namespace {

constexpr auto kTitles = wordList("Mr", "Mrs", "Ms", "Messrs", "Dr", "Drs", "Prof", "Rep", "Reps", "Sen", "Sens", "Gov",
                                  "Gen", "Col", "Lt", "Maj", "Capt", "Cmdr", "Adm", "Sgt", "Cpl", "Pvt", "Rev", "Hon",
                                  "St", "Ste", "Mt", "Ft", "Pres", "Amb", "Atty", "Supt", "vs", "Vs", "v", "cf", "viz",
                                  "approx", "Approx", "Nos", "Fig", "Figs", "e.g", "i.e", "E.F", "al");
constexpr auto kAbbreviations = wordList(
    "Inc", "Corp", "Co", "Cos", "Ltd", "Bros", "Plc", "plc", "Mfg", "Intl", "Ind", "Assn", "Dept", "Div", "Est", "Jr",
    "Sr", "Esq", "No", "no", "Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec", "Mon",
    "Tue", "Tues", "Wed", "Thu", "Thur", "Thurs", "Fri", "Sat", "Sun", "Ala", "Ariz", "Ark", "Calif", "Colo", "Conn",
    "Del", "Fla", "Ga", "Ill", "Ind", "Kan", "Ky", "La", "Mass", "Md", "Mich", "Minn", "Miss", "Mo", "Mont", "Neb",
    "Nev", "Okla", "Ont", "Ore", "Pa", "Que", "Tenn", "Tex", "Va", "Vt", "Wash", "Wis", "Wyo", "Ave", "Blvd", "Rd",
    "Sq", "Hwy", "Bldg", "est", "govt", "Govt", "natl", "Natl", "Alex", "Wm", "Chas", "Geo", "Jos", "Thos", "Robt",
    "Ph.D", "a.m", "p.m", "n.a", "c.i.f", "f.o.b", "U.S", "U.K", "U.N", "U.S.A", "U.S.S.R", "U.A.E", "N.Z", "H.K",
    "N.Y", "N.J", "D.C", "B.C", "S.A", "N.V", "A.G", "S.p.A", "E.C", "L.P", "P.L.C", "J.P", "A.D");
constexpr auto kUnits = wordList("mln", "bln", "dlr", "dlrs", "pct", "cts", "shr", "shrs", "rev", "revs", "avg", "mths",
                                 "qtr", "qtrs", "yr", "yrs", "oz", "lb", "lbs", "ft", "hr", "hrs", "min", "sec", "mph",
                                 "kph", "km", "kg", "cwt", "bpd", "etc");
constexpr auto kStarters =
    wordList("The", "It", "He", "She", "They", "We", "But", "This", "These", "That", "Those", "However", "A", "An",
             "Its", "His", "Her", "Their", "There", "Meanwhile", "Analysts", "Last", "If", "When", "While", "Although",
             "Under", "According", "Earlier", "Some", "Most", "Many", "No", "Other", "Officials", "As", "At", "After",
             "Before", "Asked", "Among", "Both", "Since", "Such", "What", "With", "You", "I", "Prices", "Traders",
             "Police", "One", "Two", "Three", "Total", "Separately", "Yesterday", "Today", "So", "Yet");

}  // namespace

bool isTitleAbbreviation(std::string_view word) { return has(kTitles, word); }
bool isAbbreviation(std::string_view word) { return has(kAbbreviations, word); }
bool isUnit(std::string_view word) { return has(kUnits, word); }
bool startsSentence(std::string_view word) { return has(kStarters, word); }

}  // namespace spanscope::news
