#include "engine/training/news/synthetic_templates.h"

namespace spanscope::news {
namespace {
using S = std::string_view;

constexpr S kWho[] = {"the university", "the institute",     "the health ministry", "the hospital",
                      "the authors",    "the health agency", "officials",           "the research council"};

constexpr S kStudyHeads[] = {"Study of {n:k 200 90000} people links {cause:f} to heart disease",
                             "{place:u} study links {cause:f} to heart disease"};
constexpr S kVaccineHeads[] = {"{company:c} vaccine protects {pct:e 51 97} in trial",
                               "{company:c} vaccine works in trial"};
constexpr S kOutbreakHeads[] = {"Measles outbreak in {place:a} reaches {n:k 20 900} cases",
                                "{place:a} measles cases reach "
                                "{n:k 20 900}"};
constexpr S kProbeHeads[] = {"Probe {product:s} sends first pictures of {product:m}",
                             "{product:s} reaches {product:m} after {n:y 2 14} years"};
constexpr S kFossilHeads[] = {"Whale that lived {n:y 2 240} million years ago found near {place:a}",
                              "Whale fossil found near {place:a}"};
constexpr S kWaterHeads[] = {"Lead in drinking water of {place:a} schools",
                             "Lead found in water of {n:k 3 60} {place:a} "
                             "schools"};
constexpr S kGrantHeads[] = {"University of {place:u} to get {money:g} for cancer centre",
                             "{money:g} cancer centre for University of {place:u}"};

constexpr Lead kLeads[] = {
    {"A study of {n:k 200 90000} people by the University of {place:u} links {cause:f} to heart "
     "disease[[{dash}"
     "even in people under {age}]][[, {who} said]].",
     kStudyHeads},
    {"A vaccine made by {company:c} protected {pct:e 51 97} of those who were given it in a trial with {n:k 2000 "
     "60000} people[[, {who} said on {day}]][[ in a statement]].",
     kVaccineHeads},
    {"The measles outbreak in {place:a} has reached {n:k 20 900} cases[[, up from {n 3 19} in {month}]][[{att}]].",
     kOutbreakHeads},
    {"The probe {product:s} reached {product:m} after {n:y 2 14} years and sent its first pictures[[, <grey and full "
     "of "
     "scratches|sharper than anybody had hoped>]][[{att}]].",
     kProbeHeads},
    {"[[{pre}]]the fossil of a whale that lived {n:y 2 240} million years ago was found near {place:a}[[ by a boy of "
     "{n 6 14}]].",
     kFossilHeads},
    {"Tests found lead in the drinking water of {n:k 3 60} schools in {place:a}[[{dash}twice what the law allows]][[, "
     "{who} said]].",
     kWaterHeads},
    {"The University of {place:u} will get {money:g} for a cancer centre[[, <the largest grant in its history|half of "
     "it "
     "from {company}>]].",
     kGrantHeads},
};

constexpr S kShare[] = {
    "{pct 3 97} of the patients <recovered|improved|dropped out>[[ within {n 2 40} weeks]][[{att}]].",
    "[[{pre}]]{pct 3 97} of the samples were <clean|spoiled|lost>.",
    "The risk <rose|fell> by {pct 3 80}[[, or {n 2 60} cases in 100,000 people]]."};
constexpr S kMoney[] = {"The work cost {money}[[{dash}most of it paid by {company}]].",
                        "{company:mo} paid {money} for the rights[[, {who} said]].",
                        "A dose will cost between {money:d1} and {money:d2}[[, {who} said]]."};
constexpr S kPeople[] = {"{person:p1}[[, who led the team,]] will speak about it in {place} on {date}.",
                         "The team of {person:p1} worked on it for {n 2 19} years[[ in {place}]].",
                         "{person:p1} won a prize of {money} for it in {year}[[, shared with {person}]]."};
constexpr S kNext[] = {"A larger trial with {n 2000 90000} people begins in {month}[[{att}]].",
                       "[[{pre}]]results from {place:n1} are due in {month}.",
                       "The agency will decide by {date}[[, {n 2 9} weeks later than planned]]."};
constexpr S kSide[] = {
    "Side effects were seen in {n 2 90} people[[, mostly headaches]][[{att}]].",
    "[[{pre}]]{n 2 19} people had to stay in hospital.",
    "Two hospitals in {place:sd} stopped taking part. || They had {n:sn 3 90} patients each[[, {who} "
    "said]]. => Two hospitals in {place:sd} stopped taking part and had {n:sn} patients each."};
constexpr S kTools[] = {"The instrument weighs {d 1 90} kg and was built in {place}[[ by students]].",
                        "[[{pre}]]temperatures reached {d 20 900} degrees.",
                        "The laboratory in {place:tl}[[, opened in {year},]] has {n 12 400} staff."};
constexpr S kEarlier[] = {"An earlier study in {year} had found no link[[ among {n 90 900} nurses]].",
                          "[[{pre}]]only {n 3 40} such cases were known before {year}.",
                          "A rival from {company:ea} failed in {month}[[{dash}for reasons that were never given]]."};
constexpr Fact kFacts[] = {{kShare}, {kMoney}, {kPeople}, {kNext}, {kSide}, {kTools}, {kEarlier}};

constexpr S kBack[] = {"The paper has {n 9 60} pages and {n 20 190} footnotes.",
                       "\"It is early days,\" said {person}.",
                       "Others in the field had not yet read it.",
                       "The building smells of apples in {month}.",
                       "Mice were not used.",
                       "The data can be asked for by letter.",
                       "\"More work is needed,\" {person} said, as scientists do.",
                       "A café nearby has named a cake after the find.",
                       "Funding had been cut in {year}.",
                       "Students waited outside with flags.",
                       "The telescope on the roof is older than the road.",
                       "It rained through most of the press conference.",
                       "Doubts will remain, as they always do.",
                       "The word comes from the Greek.",
                       "A film about it was made in {year}.",
                       "Patients had been told not to speak to reporters.",
                       "The minister has never visited the institute.",
                       "Nobody could say why it took so long."};
}  // namespace
const Domain kResearch{"research", kWho, kLeads, kFacts, kBack};
}  // namespace spanscope::news
