#include "engine/training/news/synthetic_templates.h"

namespace spanscope::news {
namespace {
using S = std::string_view;

constexpr S kWho[] = {"the town hall", "officials",    "the council",          "the planning office",
                      "a spokeswoman", "a town clerk", "the finance committee"};

constexpr S kVoteHeads[] = {"{place:a} council approves {n:u 20 900} new homes",
                            "{place:a} council votes {n:y 10 60}-{n:o 2 9} for new homes"};
constexpr S kRejectHeads[] = {"{place:a} council rejects {n:u 20 900} new homes",
                              "{place:a} council votes {n:y 10 60}-{n:o 2 9} against new homes"};
constexpr S kBudgetHeads[] = {"{place:a} council passes budget of {money:m}", "{place:a} passes {money:m} budget"};
constexpr S kTaxHeads[] = {"{place:a} raises property tax by {d:r 1 19} {pct}",
                           "{place:a} council raises property tax"};
constexpr S kMayorHeads[] = {"{person:p} elected mayor of {place:a}",
                             "{place:a} elects {last:p} mayor with {d:r 40 79} {pct}"};
constexpr S kCloseHeads[] = {"{place:a} council to close {road:l} library",
                             "{place:a} to close {road:l} library and save {money:m}"};
constexpr S kTramHeads[] = {"{place:a} council plans tram line to {place:b}",
                            "{place:a} plans {money:m} tram line to {place:b}"};

constexpr Lead kLeads[] = {
    {"The {place:a} council voted {n:y 10 60}-{n:o 2 9} for {n:u 20 900} new homes[[ <after a long debate|on "
     "{day}>]][[{att}]].",
     kVoteHeads},
    {"The {place:a} council voted {n:y 10 60}-{n:o 2 9} against {n:u 20 900} new homes[[ <after a long debate|on "
     "{day}>]][[{att}]].",
     kRejectHeads},
    {"The {place:a} council passed a budget of {money:m}[[, which {who} called <fair|thin|overdue>]][[ on {day}]].",
     kBudgetHeads},
    {"[[{pre}]]the {place:a} council raised the property tax by {d:r 1 19} {pct}[[, the first rise since {year}]].",
     kTaxHeads},
    {"{person:p}[[, aged {age},]] was elected mayor of {place:a} with {d:r 40 79} {pct} of the vote[[, officials "
     "said]].",
     kMayorHeads},
    {"The {place:a} council will close the {road:l} library to save {money:m}[[, {who} said]][[ in spite of a "
     "petition]].",
     kCloseHeads},
    {"The {place:a} council plans a {money:m} tram line to {place:b}[[, which would open in {month}]][[{att}]].",
     kTramHeads},
};

constexpr S kProtest[] = {"{n 40 9000} people signed a petition against the plan[[, {who} said]].",
                          "[[{pre}]]{n 40 900} people protested in {road:pt}.",
                          "{person:pt}[[, who lives in {road},]] collected {n 40 9000} signatures."};
constexpr S kCostFact[] = {"The work will cost {money}[[, twice the first estimate]][[{att}]].",
                           "The work will begin in {month:wm}[[{att}]]. || It will cost {money:wc}[[, {who} said]]. => "
                           "The work will begin in {month:wm} and will cost {money:wc}.",
                           "[[{pre}]]the town owes banks {money}."};
constexpr S kContractor[] = {"{company:co} won the contract[[ against {n 2 9} others]][[{att}]].",
                             "[[{pre}]]{company:co} will finish the work by {month}.",
                             "{company:co}[[, which built the town hall,]] offered {money}."};
constexpr S kSchool[] = {"The school in {road:sc} gets {n 2 20} new classrooms[[, {who} said]].",
                         "[[{pre}]]{n 20 900} children will move to {place}.",
                         "{person:sc} becomes head of the {place} school on {date}[[{att}]]."};
constexpr S kParking[] = {"Parking in {road:pk} will cost {n 2 9} {cur} an hour[[ from {month}]].",
                          "[[{pre}]]{n 20 900} parking places will go.",
                          "The bus to {place:pk} will run every {n 5 55} minutes[[, {who} said]]."};
constexpr S kWater[] = {"Water will cost {n 3 40} {pct} more[[, as pipes from {year} have to be replaced]].",
                        "[[{pre}]]{n 3 90} kilometres of pipes will be replaced.",
                        "The swimming pool[[, closed since {month},]] will open on {date}."};
constexpr S kPost[] = {"{person:po} resigned from the {place} committee[[ over a gift from {company}]].",
                       "[[{pre}]]{person:po} will be the new treasurer.",
                       "{person:po} was appointed police chief[[, a post empty since {month}]][[{att}]]."};
constexpr S kDate[] = {"The next vote is on {date}[[, {who} said]].",
                       "[[{pre}]]a hearing will be held on {date} in {road}.",
                       "A court in {place} will decide by {month}[[, {who} said]]."};
constexpr Fact kFacts[] = {{kProtest}, {kCostFact}, {kContractor}, {kSchool}, {kParking}, {kWater}, {kPost}, {kDate}};

constexpr S kBack[] = {"\"This is a good day for the town,\" said {person}.",
                       "\"You cannot eat tram lines,\" {person} shouted from the gallery.",
                       "The hall was so full that chairs had to be borrowed.",
                       "Coffee was served by the choir.",
                       "The town was first mentioned in a letter of {year}.",
                       "Debate went on until {n 8 11} in the evening.",
                       "{person} knitted throughout the meeting.",
                       "The microphones failed twice.",
                       "Dogs are not allowed in the hall.",
                       "A portrait of an earlier mayor hangs above the door.",
                       "Old rivals shook hands.",
                       "The weekly market was as busy as ever.",
                       "\"We have heard this before,\" said {person}, a grocer.",
                       "Members from {place} had come by bicycle.",
                       "The minutes of the last meeting were read and accepted.",
                       "Nobody spoke for a moment.",
                       "The clock in the tower has been wrong since {year}.",
                       "A brass band played outside.",
                       "The opposition asked for more time.",
                       "Reporters were given a folder with drawings.",
                       "The chairman rang his bell {n 3 19} times.",
                       "{person} thanked the staff."};
}  // namespace
const Domain kCouncils{"councils", kWho, kLeads, kFacts, kBack};

namespace {
constexpr S kGeneral[] = {"Elsewhere, {person} opened a <museum|bridge|school> in {place}.",
                          "In other news, {company} moved its office to {place}.",
                          "\"Time will tell,\" said {person}.",
                          "Nothing more was known in the evening.",
                          "Similar things have been said before.",
                          "{person} could not be reached on {day}.",
                          "The full text will be published in {month}.",
                          "Questions remained open.",
                          "That was in {year}.",
                          "\"I read it in the paper,\" {person} said with a smile.",
                          "Much has changed since then.",
                          "In {place} people shrugged.",
                          "A statement was promised for {day}.",
                          "Details were not given.",
                          "It is a long story and goes back to {year}.",
                          "Some say otherwise.",
                          "Elsewhere, a rare bird was seen near {place}.",
                          "In other news, the price of a cup of coffee in {place} is {n 2 9} {cur}."};
constexpr const Domain* kAll[] = {&kSport,     &kMarkets,  &kCompanies, &kWeather,
                                  &kAccidents, &kCouncils, &kResearch,  &kElections};
}  // namespace

std::span<const std::string_view> generalBackground() { return kGeneral; }
std::span<const Domain* const> domains() { return kAll; }
}  // namespace spanscope::news
