// What people say in reports of every field. The key point keeps the words and the speaker; who the speaker is goes.
#include "engine/training/news/synthetic_templates.h"

namespace spanscope::news {
namespace {
using S = std::string_view;

constexpr S kQuoted[] = {
    "\"We <need|lack|asked for> {n 20 900} more people before {month}, and we have {n 2 19},\" said {person:q1}[[, "
    "<head "
    "of the union|a director|an adviser to the board>]].",
    "\"It will <cost|save> <us|every household|the region> {money} a year,\" {person:q1} said[[ <on {day}|in "
    "{place}|when asked>]].",
    "\"Nobody in {place:qp} <believed|expected|wanted> this,\" said {person:q1}[[, who has lived there since {year}]].",
    "[[At the end of the day, ]]{person:q1} said: \"The {place:qp} office has {n 2 12} months to answer, and then we "
    "go "
    "to court.\""};
constexpr S kHalfQuoted[] = {
    "{person:q2}[[, <a lawyer|a farmer|a teacher> from {place},]] called the figures \"<late, thin and hard to "
    "believe|better than anything since {year}|an insult to {place:qp}>\".",
    "{person:q2} described {n 40 900} letters from {place:qp} as \"<a warning that cannot be missed|a small part of "
    "what "
    "is to come>\"[[{dash}and showed some of them]].",
    "The plan is \"<as dead as the {year} one|{n 2 9} years too late|a gift to {company:qc}>\", {person:q2} told "
    "reporters[[ in {place}]]."};
constexpr S kClaimed[] = {
    "{person:q3} said {company:qc} had promised {money} for {place:qr}[[, <which the company denies|a sum that could "
    "not "
    "be confirmed>]].",
    "Opponents led by {person:q3} said the work would take {n 3 19} years[[ and not {n 2 3}]].",
    "{person:q3} argued that {pct:qx 5 95} of the people in {place:qr} had never been asked[[{dash}a figure without a "
    "source]].",
    "Without the money, said {person:q3}[[, the treasurer]], {n 4 90} schools in {place:qr} would close."};
constexpr Fact kFacts[] = {{kQuoted}, {kHalfQuoted}, {kClaimed}};
}  // namespace
std::span<const Fact> spokenFacts() { return kFacts; }
}  // namespace spanscope::news
