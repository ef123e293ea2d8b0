// The templates of the synthetic reports. Data only; the syntax is in synthetic_writer.h.
#pragma once

#include <span>
#include <string_view>

namespace spanscope::news {

/// Ways to say one fact. A form is `sentence`, or `sentence || sentence => point` for a fact told in two sentences.
struct Fact {
    std::span<const std::string_view> forms;
};
/// A lead sentence and headlines that use its words.
struct Lead {
    std::string_view form;
    std::span<const std::string_view> headlines;
};
struct Domain {
    std::string_view name;
    std::span<const std::string_view> attributions;  ///< who speaks: "police", "the company"; used by {att} and {pre}
    std::span<const Lead> leads;
    std::span<const Fact> facts;                   ///< any of them may follow the lead
    std::span<const std::string_view> background;  ///< sentences that no key point uses
};

std::span<const Domain* const> domains();
std::span<const std::string_view> generalBackground();
std::span<const Fact> spokenFacts();  ///< for reports of every field

extern const Domain kSport, kMarkets, kCompanies, kWeather, kAccidents, kCouncils, kResearch, kElections;

}  // namespace spanscope::news
