#include "engine/training/news/synthetic_templates.h"

namespace spanscope::news {
namespace {
using S = std::string_view;

constexpr S kWho[] = {"forecasters",     "the weather service", "officials",
                      "the coast guard", "emergency services",  "the ministry"};

constexpr S kStormHeads[] = {"Storm {product:s} hits {place:a} with winds of {n:w 70 240} kph",
                             "Storm {product:s} hits {place:a}"};
constexpr S kFloodHeads[] = {"Floods force {n:f 60 40000} people from homes in {place:a}", "Floods hit {place:a}"};
constexpr S kSnowHeads[] = {"Snow closes {n:f 4 400} schools in {place:a}",
                            "Snow of {n:d 10 180} centimetres falls in {place:a}"};
constexpr S kDroughtHeads[] = {"Drought cuts {place:a} harvest by {n:w 10 80} {pct}", "Drought hits {place:a} harvest"};
constexpr S kHeatHeads[] = {"Heat reaches {d:h 34 49} degrees in {place:a}",
                            "{place:a} has hottest {month:mo} since {year:y}"};
constexpr S kQuakeHeads[] = {"Earthquake of magnitude {d:w 4 8} shakes {place:a}", "Earthquake shakes {place:a}"};

constexpr Lead kLeads[] = {
    {"Storm {product:s} <hit|struck> {place:a} with winds of {n:w 70 240} kph[[ <early on {day}|during the "
     "night>]][[{att}]].",
     kStormHeads},
    {"Floods hit {place:a} and forced {n:f 60 40000} people from their homes[[, {who} said]][[ after {n 2 9} days of "
     "rain]].",
     kFloodHeads},
    {"Snow of {n:d 10 180} centimetres fell in {place:a} and closed {n:f 4 400} schools[[, <the most|more than> since "
     "{year}]].",
     kSnowHeads},
    {"[[{pre}]]a drought hit {place:a} and will cut the harvest by {n:w 10 80} {pct}[[, which farmers had feared since "
     "{month}]].",
     kDroughtHeads},
    {"Heat in {place:a} reached {d:h 34 49} degrees in the hottest {month:mo} since {year:y}[[{att}]].", kHeatHeads},
    {"An earthquake of magnitude {d:w 4 8} shook {place:a}[[ at {n 1 11} in the morning]][[, {who} said]].",
     kQuakeHeads},
};

constexpr S kDamage[] = {
    "Damage is estimated at {money}[[, {who} said]].", "[[{pre}]]{n 20 9000} houses were damaged in {place:dm}.",
    "Roofs were torn off in {place:dm}[[{att}]]. || The damage there is put at {money:dv}[[, {who} said]]. => Roofs "
    "were torn off in {place:dm} and the damage there is put at {money:dv}."};
constexpr S kVictims[] = {"{n 2 90} people were injured[[, {n 1 9} of them seriously]][[{att}]].",
                          "[[{pre}]]{n 2 60} people are missing near {place}.",
                          "A man of {age} died in {place}[[ when a tree fell on his car]]."};
constexpr S kPower[] = {"{n 900 400000} homes were without electricity[[ for {n 2 70} hours]][[{att}]].",
                        "[[{pre}]]power will return by {day}.",
                        "{company:pw} sent {n 20 900} workers to repair lines[[, which run along the coast]]."};
constexpr S kTraffic[] = {"The {place:tr} airport was closed for {n 2 40} hours[[, {who} said]].",
                          "[[{pre}]]{n 10 400} flights were cancelled in {place:tr}.",
                          "Trains between {place:tr} and {place} were stopped until {day}[[{att}]]."};
constexpr S kForecast[] = {"Rain of {n 10 200} millimetres is expected by {day}[[, {who} said]].",
                           "[[{pre}]]the wind will reach {n 40 200} kph in {place} on {day}.",
                           "Temperatures will fall to {n 2 19} degrees[[ in the north]] on {day}."};
constexpr S kRiver[] = {"The river {product:rv} stood at {d 2 14} metres[[, its highest level since {year}]].",
                        "[[{pre}]]the river {product:rv} will rise by {n 10 90} centimetres.",
                        "A dam near {place} holds {n 10 90} {pct} of its water[[{att}]]."};
constexpr S kAid[] = {"The government gave {money} in aid[[, a third of what was asked for]].",
                      "[[{pre}]]{n 60 6000} soldiers are helping in {place}.",
                      "{company:ai} sent {n 2 90} trucks with food to {place}[[, {who} said]]."};
constexpr S kCrops[] = {"Farmers lost {n 2 900},000 tonnes of <wheat|maize|apples|rice>[[, {who} said]].",
                        "[[{pre}]]{n 200 90000} animals died in {place}.",
                        "The price of <milk|bread|potatoes|onions> <rose|climbed> by {n 3 80} {pct}[[ in a week]]."};
constexpr Fact kFacts[] = {{kDamage}, {kVictims}, {kPower}, {kTraffic}, {kForecast}, {kRiver}, {kAid}, {kCrops}};

constexpr S kBack[] = {"\"I have never heard such a noise,\" said {person}, a baker.",
                       "\"We will clean up and go on,\" {person} said.",
                       "The old people remember {year}.",
                       "Children built a snowman in front of the town hall.",
                       "In the harbour the boats were tied up with double ropes.",
                       "The church bell rang although nobody had pulled the rope.",
                       "Cats were seen on roofs.",
                       "The mayor went from door to door.",
                       "Shops sold out of candles.",
                       "A choir practised by the light of torches.",
                       "{person} has kept a weather diary since {year}.",
                       "Scientists are careful with explanations.",
                       "People in {place} like to talk about the weather.",
                       "Volunteers handed out soup.",
                       "\"The cellar is a swimming pool,\" said {person}.",
                       "The valley is narrow there.",
                       "Clouds came from the west, as usual.",
                       "The radio played music between the bulletins.",
                       "A bakery in {place} stayed open all night.",
                       "Neighbours helped each other with sandbags.",
                       "Insurance is rare in the region.",
                       "The spring had been unusually quiet."};
}  // namespace
const Domain kWeather{"weather", kWho, kLeads, kFacts, kBack};
}  // namespace spanscope::news
