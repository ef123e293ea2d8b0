#include "engine/training/news/synthetic_templates.h"

namespace spanscope::news {
namespace {
using S = std::string_view;

constexpr S kWho[] = {"traders",      "dealers", "analysts",   "brokers",
                      "the exchange", "bankers", "economists", "market sources"};

constexpr S kUpHeads[] = {"{place:e} stocks <rise|gain|climb> {d:c 0 9} {pct}", "{place:e} stocks <rise|gain|climb>"};
constexpr S kDownHeads[] = {"{place:e} stocks <fall|drop|decline> {d:c 0 9} {pct}",
                            "{place:e} stocks <fall|drop|decline>"};
constexpr S kCommodityHeads[] = {"{place:e} exports at {n:t 20 990},000 tonnes in {month:mo}",
                                 "{place:e} exports reach {n:t 20 990},000 tonnes"};
constexpr S kRateHeads[] = {"{place:e} central bank <cuts|lowers> discount rate to {d:r 2 14} {pct}",
                            "{place:e} central bank cuts rate"};
constexpr S kTradeHeads[] = {"{place:e} trade <deficit|gap> widens to {money:now}",
                             "{place:e} trade deficit widens in {month:mo}"};
constexpr S kPriceHeads[] = {"{place:e} inflation <rises|climbs> to {d:r 2 29} {pct} in {month:mo}",
                             "{place:e} inflation rises to {d:r 2 29} {pct}"};

constexpr Lead kLeads[] = {
    {"{place:e} stocks <rose|gained|climbed> {d:c 0 9} {pct} to {level:lv} points[[ <in heavy trading|in thin "
     "trading|after a nervous morning>]][[{att}]].",
     kUpHeads},
    {"{place:e} stocks <fell|dropped|declined> {d:c 0 9} {pct} to {level:lv} points[[ <in heavy trading|on fears of "
     "higher rates|after {n 2 6} days of gains>]][[{att}]].",
     kDownHeads},
    {"[[{pre}]]{place:e} exports <reached|totalled|amounted to> {n:t 20 990},000 tonnes in {month:mo}[[, against {n 20 "
     "990},000 a year earlier]].",
     kCommodityHeads},
    {"The {place:e} central bank <cut|lowered> its discount rate to {d:r 2 14} {pct} from {d 15 19}[[, the first "
     "change since {month}]][[{att}]].",
     kRateHeads},
    {"The {place:e} trade deficit widened to {money:now} in {month:mo}[[ from a revised {money}]][[, government "
     "figures showed]].",
     kTradeHeads},
    {"{place:e} inflation <rose|climbed> to {d:r 2 29} {pct} in {month:mo}[[, the statistics office said]][[, which "
     "surprised few]].",
     kPriceHeads},
};

constexpr S kVolume[] = {"Turnover was {n 10 900} mln shares[[, up from {n 10 900} mln the day before]][[{att}]].",
                         "[[{pre}]]volume was {money}, the <lowest|highest> of the year.",
                         "Turnover was modest[[{att}]]. || It came to {money:tv}[[, {who} said]]. => Turnover was "
                         "modest and came to {money:tv}."};
constexpr S kMover[] = {
    "{company:mv} <rose|fell|gained|lost> {n 2 95} to {n 100 4000}[[ after news of a <takeover|dividend|contract>]].",
    "[[{pre}]]shares of {company:mv} were <suspended|halted> at {n 100 4000}.",
    "{company:mv}[[, the most active share,]] <rose|fell> {d 1 19} {pct}."};
constexpr S kBonds[] = {
    "Government bonds <rose|fell> and the {n 5 30}-year yield was {d 2 14} {pct}[[, {who} said]].",
    "[[{pre}]]the yield on the {n 5 30}-year bond <rose|fell> to {d 2 14} {pct}.",
    "The government will sell {money} of {n 3 30}-year bonds on {date}[[, which pay {d 2 12} {pct}]]."};
constexpr S kCurrencyFact[] = {"The currency closed at {d 1 199} to the dollar[[, against {d 1 199} on {day}]].",
                               "The central bank bought {money} to support the currency[[{att}]].",
                               "[[{pre}]]the bank intervened when the rate reached {d 1 199}."};
constexpr S kForecast[] = {
    "{company:fo} expects growth of {d 0 9} {pct} this year<|, {person} said>[[ <in {place}|on {day}>]].",
    "[[{pre}]]growth will slow to {d 0 9} {pct} in {year:fy}.",
    "{person:fo}[[, an economist at {company},]] forecast a rise of {d 0 9} {pct} by {month}."};
constexpr S kOil[] = {"Crude oil was {d 8 99} a barrel[[, down from {d 8 99}]][[{att}]].",
                      "[[{pre}]]<gold|silver|copper|tin> <rose|fell> to {n 100 2900} an ounce.",
                      "Stocks of <wheat|sugar|copper|rubber> in {place} were {n 3 900},000 tonnes[[, {who} said]]."};
constexpr S kReserve[] = {"Foreign reserves <rose|fell> to {money}[[ from {money}]][[{att}]].",
                          "[[{pre}]]the budget deficit was {money} in the first {n 2 11} months.",
                          "Unemployment was {d 1 19} {pct} in {month}[[, or {n 20 900},000 people]]."};
constexpr S kDeal[] = {"{company:da} raised {money} through <a share issue|a bond>[[, led by {company}]].",
                       "[[{pre}]]{company:da} plans to list its shares in {place} on {date}.",
                       "{company:da} agreed to pay {money} for {n 5 95} {pct} of {company}[[{att}]]."};
constexpr Fact kFacts[] = {{kVolume}, {kMover}, {kBonds}, {kCurrencyFact}, {kForecast}, {kOil}, {kReserve}, {kDeal}};

constexpr S kBack[] = {"\"It was a day for <patience|coffee|the brave>,\" said {person}, a dealer.",
                       "\"Nobody wants to be first,\" one trader said.",
                       "Screens in the hall had been replaced in {month}.",
                       "Many dealers were still on holiday.",
                       "The exchange was built in {year}.",
                       "Some had expected worse.",
                       "A broker from {place} spoke of a market without conviction.",
                       "The mood changed after lunch, as so often.",
                       "\"Ask the charts,\" {person} said.",
                       "Trading hours have been the same since {year}.",
                       "Small investors stayed away.",
                       "There was no comment from the ministry.",
                       "The minister is on a visit to {place} until {day}.",
                       "Rumours about {company} could not be confirmed.",
                       "Analysts were divided about what comes next.",
                       "{person} has followed this market for {n 5 40} years.",
                       "In the afternoon the telephones fell silent.",
                       "A technical fault delayed the opening by {n 3 40} minutes.",
                       "The next figures are due in {month}.",
                       "Older dealers remembered the autumn of {year}.",
                       "Foreign funds were said to be waiting.",
                       "Most of the business was done before {n 9 12} in the morning."};
}  // namespace
const Domain kMarkets{"markets", kWho, kLeads, kFacts, kBack};
}  // namespace spanscope::news
