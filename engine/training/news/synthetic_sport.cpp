#include "engine/training/news/synthetic_templates.h"

namespace spanscope::news {
namespace {
using S = std::string_view;

constexpr S kWho[] = {"the club",   "officials",       "the league", "the coach",
                      "organisers", "the team doctor", "a spokesman"};

constexpr S kBeatHeads[] = {"{team:w} beat {team:l} {score:s}", "{team:w} <beat|defeat|overcome> {team:l}"};
constexpr S kTitleHeads[] = {"{team:w} win {n:title 3 60}th title with victory over {team:l}",
                             "{team:w} beat {team:l} {score:s}"};
constexpr S kDrawHeads[] = {"{team:w} and {team:l} draw {n:g 0 4}-{n:g}", "{team:w} and {team:l} draw"};
constexpr S kSignHeads[] = {"{team:w} sign {person:p} for {money:fee}", "{person:p} joins {team:w}"};
constexpr S kSackHeads[] = {"{team:w} dismiss coach {person:p}", "{team:w} dismiss {last:p} after defeat by {team:l}"};
constexpr S kRaceHeads[] = {"{person:p} wins {place:v} marathon in {n:h 2 3} hours {n:m 1 59} minutes",
                            "{person:p} wins {place:v} marathon"};

constexpr Lead kLeads[] = {
    {"{team:w} <beat|defeated|overcame> {team:l} {score:s} <on {day}|at {place}|in {place} on {day}>[[ <to move up the "
     "table|in front of a noisy crowd|for their first win in {n 2 12} matches>]][[{att}]].",
     kBeatHeads},
    {"[[{pre}]]{team:w} <beat|defeated> {team:l} {score:s} to win their {n:title 3 60}th title[[, which they had last "
     "held in {year}]].",
     kTitleHeads},
    {"{team:w} and {team:l} drew {n:g 0 4}-{n:g} <on {day}|in {place}>[[, a result that <pleased|helped> neither "
     "side]][[{att}]].",
     kDrawHeads},
    {"{team:w} have signed {person:p} for {money:fee}[[, {who} said on {day}]][[, ending {n 2 11} weeks of talks]].",
     kSignHeads},
    {"{team:w} have dismissed coach {person:p}[[, who took charge in {month},]] after the {score} defeat by "
     "{team:l}[[{att}]].",
     kSackHeads},
    {"{person:p}[[, aged {age},]] won the {place:v} marathon in {n:h 2 3} hours {n:m 1 59} minutes[[ on a "
     "<cold|humid|bright> morning]].",
     kRaceHeads},
};

constexpr S kScorer[] = {
    "{person:sc} scored {n 2 5} <goals|times|tries>[[, taking the season's total to {n 10 60}]][[{att}]].",
    "Two <late|early> goals by {person:sc}[[, who joined from {team} in {month},]] <decided|settled> the match.",
    "[[{pre}]]{person:sc} scored the <decisive|final|opening> goal in minute {n 1 90}."};
constexpr S kCrowd[] = {
    "A crowd of {n 900 92000} watched the <match|event> at {place:gr}[[, <the largest|the smallest> this season]].",
    "The event was held at {place:gr}[[{att}]]. || It drew {n:cr 900 92000} spectators[[, {who} said]]. => The event "
    "was held at {place:gr} and drew {n:cr} spectators.",
    "[[{pre}]]{n 900 92000} tickets were sold[[, more than in any year since {year}]]."};
constexpr S kInjury[] = {
    "{person:in} <broke|injured> a <leg|wrist|shoulder|collarbone> and will miss {n 2 20} weeks[[, {who} said]].",
    "[[{pre}]]{person:in} was taken to hospital in {place} with a <head|knee|back> injury.",
    "{person:in}[[, the captain,]] was injured after {n 5 80} minutes and is out until {month}."};
constexpr S kTable[] = {"{team:lead} lead the table with {n 20 90} points[[, {n 1 9} ahead of the field]].",
                        "[[{pre}]]{team:lead} are now {n 1 12} points clear at the top.",
                        "{team:last} are bottom with {n 1 19} points[[ and face relegation]][[{att}]]."};
constexpr S kNext[] = {"{team:nx} travel to {place} for the next round on {date}[[, {who} said]].",
                       "The next match[[, against {team},]] is on {date} in {place}.",
                       "[[According to the fixture list, ]]{team:nx} play {team} on {date}."};
constexpr S kFine[] = {"The league fined {team:fi} {money}[[ for the conduct of their supporters in {month}]].",
                       "[[{pre}]]{person:fi} was banned for {n 2 15} matches[[, two more than expected]].",
                       "{person:fi} was sent off in minute {n 10 90}[[ for a foul on {person}]]."};
constexpr S kRecord[] = {
    "{person:re} set a <national|world|club> record of {d 9 99} <metres|seconds|points>[[, beating the mark of "
    "{year}]].",
    "[[{pre}]]the time of {d 40 59} seconds is a <national|European|world> record.",
    "{person:re} has now won {n 5 40} <titles|races|medals> in a row[[, {who} said]]."};
constexpr S kMoney[] = {"The winners receive {money}[[, twice last year's amount]][[{att}]].",
                        "{team:sp} agreed a sponsorship contract worth {money} with {company}[[, {who} said]].",
                        "[[{pre}]]the new stadium in {place} will cost {money}."};
constexpr Fact kFacts[] = {{kScorer}, {kCrowd}, {kInjury}, {kTable}, {kNext}, {kFine}, {kRecord}, {kMoney}};

constexpr S kBack[] = {
    "\"We <worked hard|were patient|never gave up> and that is <football|sport|the game>,\" said {person}.",
    "\"I am <proud|disappointed|relieved>, nothing more,\" {person} said afterwards.",
    "The club was founded in {year}.",
    "Supporters sang long after the end.",
    "Training began at {n 6 11} in the morning, as it does every {day}.",
    "The two sides first met in {year}.",
    "Rain had fallen all night and the ground was heavy.",
    "The local newspaper had asked for more <courage|discipline|patience>.",
    "{person}, a former player, watched from the stand.",
    "Nobody could remember a louder evening.",
    "The referee, {person}, has a bakery in {place}.",
    "Season tickets are posted in {month}.",
    "The anthem was sung by a school choir from {place}.",
    "A dog ran across the field and play stopped for {n 2 9} minutes.",
    "The bus of the visitors arrived late because of roadworks near {place}.",
    "{person} used to collect stamps and still has {n 200 9000} of them.",
    "Many had come from {place} by train.",
    "\"Ask me again in {month},\" the coach said when asked about the future.",
    "The grass was cut twice in the week before.",
    "Television showed the <match|event> in {n 3 40} countries.",
    "Older visitors spoke of the famous winter of {year}.",
    "The kit is made by {company}."};
}  // namespace
const Domain kSport{"sport", kWho, kLeads, kFacts, kBack};
}  // namespace spanscope::news
