#include "engine/training/news/synthetic_templates.h"

namespace spanscope::news {
namespace {
using S = std::string_view;

constexpr S kWho[] = {"the company", "a spokesman",       "analysts", "a spokeswoman",
                      "the board",   "company officials", "it"};

constexpr S kBuyHeads[] = {"{company:a} to buy {company:b} for {money:m}",
                           "{company:a} <agrees|plans> to buy {company:b}"};
constexpr S kSellHeads[] = {"{company:a} sells {company:b} for {money:m}", "{company:a} sells {company:b}"};
constexpr S kProfitHeads[] = {"{company:a} profit <rises|climbs> to {money:m}",
                              "{company:a} net profit <rises|climbs>"};
constexpr S kLossHeads[] = {"{company:a} posts loss of {money:m}", "{company:a} <posts|reports> loss"};
constexpr S kPlantHeads[] = {"{company:a} to build plant in {place:pl}",
                             "{company:a} to build {money:m} plant in {place:pl}"};
constexpr S kJobsHeads[] = {"{company:a} to cut {n:j 40 9000} jobs",
                            "{company:a} to close {place:pl} plant and cut {n:j 40 9000} jobs"};
constexpr S kHeadHeads[] = {"{company:a} names {person:p} chief executive",
                            "{company:a} names {last:p} chief executive"};

constexpr Lead kLeads[] = {
    {"{company:a} [[said it ]]<agreed|plans> to buy {company:b} for {money:m}[[, <in cash|in shares|its largest "
     "purchase so far>]].",
     kBuyHeads},
    {"{company:a} [[said it ]]has sold {company:b} to {company:c} for {money:m}[[, which it will use to repay debt]].",
     kSellHeads},
    {"{company:a} net profit <rose|climbed> to {money:m} in the year to {month} from {money}[[{att}]][[, helped by "
     "lower costs]].",
     kProfitHeads},
    {"{company:a} had a net loss of {money:m} in the <first|second|third> quarter[[, after a profit of {money} a year "
     "ago]][[{att}]].",
     kLossHeads},
    {"{company:a} [[said it ]]will build a {money:m} plant in {place:pl}[[, where labour is cheaper]].", kPlantHeads},
    {"{company:a} [[said it ]]will close its {place:pl} plant and cut {n:j 40 9000} jobs[[ by {month}]][[, according "
     "to a statement]].",
     kJobsHeads},
    {"{company:a} named {person:p}[[, aged {age},]] chief executive[[ from {date}]][[{att}]].", kHeadHeads},
};

constexpr S kDividend[] = {"{the:a The company} raised its dividend to {n 2 99} cents a share[[ from {n 2 99}]].",
                           "[[{pre}]]the dividend was <raised|kept|cut> to {n 2 99} cents a share.",
                           "{the:a The company} will pay a dividend of {n 2 99} cents on {date}[[{att}]]."};
constexpr S kSales[] = {"Sales <rose|fell> {d 0 29} {pct} to {money}[[, {who} said]].",
                        "{the:a The company} had sales of {money} in {year:sy}[[, up from {money}]].",
                        "[[{pre}]]sales were {money} in the {n 3 9} months to {month}."};
constexpr S kShares[] = {"Shares of {company:a} <rose|fell> {n 2 40} to {n 80 3000}[[ in {place}]].",
                         "{the:a The company} will issue {n 2 90} mln new shares at {n 20 900} each[[{att}]].",
                         "{person:h} holds {d 1 49} {pct} of the shares[[, which are listed in {place}]]."};
constexpr S kOrder[] = {"{the:a The company} won an order worth {money} from {company:or}[[, {who} said]].",
                        "[[{pre}]]orders stood at {money} at the end of {month}.",
                        "{company:or} ordered {n 4 300} machines[[{att}]]. || The order is worth {money:ov}[[, {who} "
                        "said]]. => {company:or} ordered machines and the order is worth {money:ov}."};
constexpr S kProduct[] = {
    "{the:a The company} will start selling {product:pr} in {month}[[, which took {n 2 12} years to develop]].",
    "[[{pre}]]the new model, {product:pr}, costs {n 90 9000} {cur}.",
    "{product:pr}[[, a new drug,]] was approved in {place} on {date}."};
constexpr S kDebt[] = {"{the:a The company} has debts of {money}[[, most of them due in {year}]].",
                       "[[{pre}]]banks led by {company:bk} will lend {money} over {n 3 15} years.",
                       "{company:bk} gave a credit of {money}[[{att}]]."};
constexpr S kOutlook[] = {
    "{the:a The company} expects a profit of {money} this year<|, {person} said>[[ <in {place}|on {day}>]].",
    "[[{pre}]]earnings will <rise|fall> by {n 3 60} {pct} next year.",
    "Investment will be {money} in the coming {n 2 6} years[[, up from {money}]]."};
constexpr S kStaff[] = {"{the:a The company} employs {n 90 60000} people in {place}[[ and {place}]].",
                        "{person:st} will leave the board on {date}[[, {who} said]].",
                        "[[{pre}]]a strike at the {place} works ended after {n 3 60} days."};
constexpr Fact kFacts[] = {{kDividend}, {kSales}, {kShares}, {kOrder}, {kProduct}, {kDebt}, {kOutlook}, {kStaff}};

constexpr S kBack[] = {"\"We are on the right road,\" said {person}.",
                       "\"These are not easy times for anybody in the trade,\" {person} told reporters.",
                       "The firm was founded by two brothers in {year}.",
                       "Its first workshop stood behind the station of {place}.",
                       "Analysts had been told little in advance.",
                       "The head office has {n 3 40} floors.",
                       "Nobody at the competitor could be reached.",
                       "The annual meeting is held in {month}, as always.",
                       "A court in {place} is still looking at an old dispute about a patent.",
                       "The logo was redrawn in {year}.",
                       "\"No comment,\" said {person} of the union.",
                       "The canteen is known beyond the town.",
                       "Competitors have complained about prices for years.",
                       "The industry has seen better days.",
                       "Its best known customer is a family bakery in {place}.",
                       "{person}, who advises the board, declined to be drawn.",
                       "Visitors are shown the old steam engine first.",
                       "There had been speculation for {n 2 30} weeks.",
                       "The minister for trade welcomed the news without details.",
                       "Employees were informed on {day}.",
                       "The news came after the exchange had closed.",
                       "Some shareholders had hoped for more."};
}  // namespace
const Domain kCompanies{"companies", kWho, kLeads, kFacts, kBack};
}  // namespace spanscope::news
