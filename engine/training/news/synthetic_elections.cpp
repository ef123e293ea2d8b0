#include "engine/training/news/synthetic_templates.h"

namespace spanscope::news {
namespace {
using S = std::string_view;

constexpr S kWho[] = {"the electoral commission", "officials",         "the interior ministry", "the court",
                      "the statistics office",    "a party spokesman", "the government",        "the committee"};

constexpr S kWinHeads[] = {"{person:w} wins {place:a} election with {pct:v 41 69}",
                           "{person:w} beats {person:l} in {place:a} election"};
constexpr S kPollHeads[] = {"Poll puts {person:w} ahead in {place:a}",
                            "{person:w} leads {person:l} by {n:k 2 19} points in "
                            "{place:a}"};
constexpr S kLawHeads[] = {"{place:a} parliament passes {money:m} {bill:bk} bill by {n:y 110 290} votes",
                           "{place:a} parliament passes {money:m} bill"};
constexpr S kResignHeads[] = {"{place:a} minister {person:w} resigns over {money:m} contract",
                              "{person:w} resigns over "
                              "contract"};
constexpr S kCourtHeads[] = {"Court overturns {place:a} voting law",
                             "{place:a} court overturns voting law of {year:y}"};
constexpr S kTreatyHeads[] = {"{place:a} and {place:b} sign water treaty",
                              "{place:a} and {place:b} settle dispute over water after {n:k 3 40} years"};

constexpr Lead kLeads[] = {
    {"{person:w} won the {place:a} election with {pct:v 41 69} of the vote against {person:l}[[, {who} "
     "said]][[{dash}the "
     "closest result since {year}]].",
     kWinHeads},
    {"A poll puts {person:w} {n:k 2 19} points ahead of {person:l} in {place:a}[[{dash}down from {n 20 29} in "
     "{month}]][[, "
     "with {n 2 40} days to go]].",
     kPollHeads},
    {"The {place:a} parliament passed a {money:m} {bill:bk} bill by {n:y 110 290} votes to {n:o 40 100}[[ <after "
     "midnight|on {day}|in spite of protests>]][[{att}]].",
     kLawHeads},
    {"{person:w}, a minister of {place:a}, resigned over a contract worth {money:m}[[ that went to "
     "{company}]][[{att}]].",
     kResignHeads},
    {"A {place:a} court overturned the voting law of {year:y}[[, which {who} had defended]][[{dash}by {n 5 8} votes to "
     "{n 1 "
     "4}]].",
     kCourtHeads},
    {"{place:a} and {place:b} signed a treaty that ends {n:k 3 40} years of dispute over water[[, {who} said]][[ in a "
     "tent on the border]].",
     kTreatyHeads},
};

constexpr S kTurnout[] = {"Turnout was {pct 31 89}[[, against {pct 31 89} in {year}]].",
                          "[[{pre}]]{n 200 900},000 people voted by post.",
                          "{n 2 60} polling stations opened late[[{dash}some by {n 2 5} hours]]."};
constexpr S kSpending[] = {"The campaign cost {money}[[, of which {money} came from {company}]].",
                           "[[{pre}]]the party owes {money} to banks.",
                           "The bill gives {money} to {place:sp}[[ over {n 2 12} years]]."};
constexpr S kSeats[] = {"The party now holds {n 40 290} seats[[, {n 2 29} more than before]][[{att}]].",
                        "[[{pre}]]a recount will be held in {place:st} on {date}.",
                        "{n 2 9} seats are still to be decided[[, all of them in the north]]."};
constexpr S kMinister[] = {"{person:mi} becomes finance minister on {date}[[{att}]].",
                           "{person:mi}[[, once a judge in {place},]] will lead the inquiry.",
                           "[[{pre}]]{person:mi} will not run again in {year}."};
constexpr S kRule[] = {"Voters must show a passport from {month}[[{dash}a rule that {place} dropped in {year}]].",
                       "[[{pre}]]the voting age falls to {n 16 18} in {place:ru}.",
                       "The tax on land <rises|falls> to {pct 2 29} in {year}[[, {who} said]]."};
constexpr S kProtest[] = {"{n 2 90},000 people marched in {place:pr}[[, the police said]].",
                          "[[{pre}]]{n 12 400} people were arrested in {place:pr}.",
                          "A strike closed {n 3 40} ports[[ for {n 2 9} days]]."};
constexpr S kAbroad[] = {"{place:ab} will send {n 40 900} observers[[{att}]].",
                         "{place:ab} recalled its ambassador on {day}[[, as it had in {year}]].",
                         "[[{pre}]]trade with {place:ab} was {money} last year."};
constexpr Fact kFacts[] = {{kTurnout}, {kSpending}, {kSeats}, {kMinister}, {kRule}, {kProtest}, {kAbroad}};

constexpr S kBack[] = {"The count began in a sports hall.",
                       "\"The people have spoken,\" said {person}.",
                       "\"I slept well,\" {person} told the radio.",
                       "Balloons came down from the ceiling.",
                       "Two television stations had called it too early.",
                       "The old chamber has no heating.",
                       "His first campaign was in {year}.",
                       "Posters still hang in {place}.",
                       "A dog was seen in the queue at noon.",
                       "The speech lasted {n 4 90} minutes.",
                       "Newspapers in {place} printed two front pages.",
                       "There was no answer from the palace.",
                       "Members sang the anthem, twice.",
                       "Nobody has asked for a second vote so far.",
                       "It was the warmest election day since {year}.",
                       "The ink used on fingers comes from {place}.",
                       "Commentators disagreed about what it means.",
                       "The lift of the ministry was out of order."};
}  // namespace
const Domain kElections{"elections", kWho, kLeads, kFacts, kBack};
}  // namespace spanscope::news
