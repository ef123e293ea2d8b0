#include "engine/training/news/synthetic_templates.h"

namespace spanscope::news {
namespace {
using S = std::string_view;

constexpr S kWho[] = {"police",        "rescue workers", "the fire service",     "a hospital spokesman",
                      "investigators", "officials",      "the railway authority"};

constexpr S kTrainHeads[] = {"Train crash near {place:a} kills {n:k 2 60}",
                             "{n:k 2 60} people killed in train crash near {place:a}"};
constexpr S kFireHeads[] = {"Fire destroys {company:c} warehouse in {place:a}", "Fire destroys warehouse in {place:a}"};
constexpr S kShipHeads[] = {"Ferry {product:s} sinks off {place:a} with {n:k 10 400} aboard",
                            "Ferry {product:s} sinks off {place:a}"};
constexpr S kBusHeads[] = {"Bus overturns near {place:a} and injures {n:k 2 60}", "Bus overturns near {place:a}"};
constexpr S kMineHeads[] = {"Explosion in {place:a} mine traps {n:k 2 90} miners",
                            "Explosion traps {n:k 2 90} miners in {place:a}"};
constexpr S kPlaneHeads[] = {"Plane with {n:k 2 240} people makes emergency landing in {place:a}",
                             "Plane makes emergency landing in {place:a}"};

constexpr Lead kLeads[] = {
    {"{n:k 2 60} people were killed in a train crash near {place:a}[[ on {day}]][[{att}]].", kTrainHeads},
    {"A fire destroyed a warehouse of {company:c} in {place:a}[[, {who} said]][[, which was built in {year}]].",
     kFireHeads},
    {"The ferry {product:s} sank off {place:a} with {n:k 10 400} people aboard[[ <in rough seas|in calm "
     "weather>]][[{att}]].",
     kShipHeads},
    {"[[{pre}]]a bus overturned near {place:a} and {n:k 2 60} passengers were injured.", kBusHeads},
    {"An explosion in a {place:a} mine trapped {n:k 2 90} miners[[ <{n 200 1900} metres below ground|before "
     "dawn>]][[{att}]].",
     kMineHeads},
    {"A plane with {n:k 2 240} people made an emergency landing in {place:a}[[ after a warning light came on]][[, "
     "{who} said]].",
     kPlaneHeads},
};

constexpr S kInjured[] = {"{n 3 120} people were taken to hospital in {place}[[, {n 2 9} with burns]].",
                          "[[{pre}]]{n 3 120} people were injured, {n 2 19} of them seriously.",
                          "{person:iv}[[, aged {age},]] was rescued after {n 2 70} hours."};
constexpr S kCause[] = {"A broken <rail|valve|cable|axle|pump> caused the accident[[, {who} said]].",
                        "[[{pre}]]the accident was caused by a fault in a <brake|switch|signal|boiler>.",
                        "{person:ca}[[, the driver,]] was arrested in {place}."};
constexpr S kRescue[] = {"{n 20 900} rescue workers are searching[[ with dogs]][[{att}]].",
                         "[[{pre}]]the search ended at {n 2 11} on {day}.",
                         "{n 3 60} fire engines came from {place:re}[[{att}]]. || They worked for {n:rh 2 70} hours[[, "
                         "{who} said]]. => Fire engines came from {place:re} and worked for {n:rh} hours."};
constexpr S kLoss[] = {"Damage is put at {money}[[{att}]].", "[[{pre}]]insurance will pay {money}.",
                       "{company:lo} lost goods worth {money}<|, {person} said>[[ <in the fire|that night>]]."};
constexpr S kRoad[] = {"The road between {place:rd} and {place} was closed for {n 2 40} hours[[, {who} said]].",
                       "[[{pre}]]the line to {place:rd} will open again on {date}.",
                       "{road:rd} in {place} was closed[[ while the wreck was moved]] until {day}."};
constexpr S kInquiry[] = {"{person:iq} will lead the inquiry[[, which is due to report in {month}]].",
                          "[[{pre}]]a court in {place} opened an inquiry on {date}.",
                          "Inspectors had found {n 3 40} faults in {month}[[, {who} said]]."};
constexpr S kSafety[] = {"The limit there is {n 30 120} kph[[, {who} said]].",
                         "{company:sf} withdrew {n 4 400} vehicles for checks[[{att}]].",
                         "[[{pre}]]the alarm was raised {n 4 50} minutes too late."};
constexpr S kPast[] = {"There were {n 3 40} accidents there this year[[{att}]].",
                       "[[{pre}]]{n 20 400} people have died there since {year}.",
                       "In {year:pa} an accident at the same place killed {n 3 90} people[[, records show]]."};
constexpr Fact kFacts[] = {{kInjured}, {kCause}, {kRescue}, {kLoss}, {kRoad}, {kInquiry}, {kSafety}, {kPast}};

constexpr S kBack[] = {"\"There was a bang and then nothing,\" said {person}.",
                       "\"I ran as fast as I could,\" {person} told a reporter.",
                       "Smoke could be seen from {place}.",
                       "Neighbours brought blankets and tea.",
                       "The street was still wet in the morning.",
                       "A priest from {place} comforted relatives.",
                       "Windows rattled in the school nearby.",
                       "Flowers were laid at the gate.",
                       "The mayor asked people to stay at home.",
                       "Names will not be published before the families know.",
                       "A cat was found unharmed in a box.",
                       "\"We train for this,\" said {person} of the volunteers.",
                       "The place is popular with walkers.",
                       "Traffic is heavy there on every {day}.",
                       "A helicopter stood ready but was not needed.",
                       "The telephone network broke down for a while.",
                       "Many had been on the way to work.",
                       "{person}, who lives opposite, filmed everything.",
                       "The town has {n 2 90} fire engines in all.",
                       "Schools in {place} stayed shut.",
                       "A memorial from {year} stands close by.",
                       "\"It could have been any of us,\" said {person}."};
}  // namespace
const Domain kAccidents{"accidents", kWho, kLeads, kFacts, kBack};
}  // namespace spanscope::news
