// Expands templates. Syntax:
//   [[text]]            in the sentence, not in the key point; at least one of a form's is always kept
//   <a|b|c>             one of them, the same in sentence and key point; may be empty; may hold slots
//   {kind}              a fresh value           {kind:name}        the same value wherever the name comes again
//   {kind:name low high}  limits for numbers    {the:name text}    sentence: text; key point: the value of `name`,
//                                               and the sentence that introduced it is declared as well
// Kinds: person, last (surname of person:name), place, company, short (first word of company:name), team, road,
// product,
//   n (1,234), d (12.3), money (12.5 mln dlrs), score, day, month, date, year, age, att (", police said"),
//   pre ("police said "), cur (currency), pct (percentage word; with limits the number too:
//   "7.5%"), dash (between clauses, as the report writes it), cause, bill
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spanscope::news {

/// mt19937_64 with own distributions: the standard ones differ between libraries.
class Dice {
  public:
    explicit Dice(uint64_t seed) : m_engine(seed) {}
    int64_t range(int64_t low, int64_t high) {  ///< inclusive
        return low + static_cast<int64_t>(m_engine() % static_cast<uint64_t>(high - low + 1));
    }
    bool chance(int percent) { return range(0, 99) < percent; }
    template <class T>
    const T& pick(std::span<const T> list) {
        return list[static_cast<size_t>(range(0, static_cast<int64_t>(list.size()) - 1))];
    }
    template <class T>
    void shuffle(std::vector<T>& list) {
        for (size_t i = list.size(); i > 1; --i)
            std::swap(list[i - 1], list[static_cast<size_t>(range(0, static_cast<int64_t>(i) - 1))]);
    }

  private:
    std::mt19937_64 m_engine;
};

std::string inventPerson(Dice& dice);
std::string inventPlace(Dice& dice);
std::string inventCompany(Dice& dice);
std::string inventTeam(Dice& dice);
std::string inventWord(Dice& dice, int minSyllables, int maxSyllables);

struct Expanded {
    std::string sentence, point;
    bool usesEarlier = false;  ///< the point names what an earlier sentence introduced
};

/// How a report writes money, percentages, quotations and dashes: the same from its first to its last sentence.
struct HouseStyle {
    std::string_view sign, currency;  ///< "\u00A3" or nothing, "pounds"
    std::string_view million, billion;
    std::string_view percent;
    std::string_view dash;
    bool curly = false;  ///< quotes and apostrophes
    static HouseStyle draw(Dice& dice);
};

/// One article's values. Forms share them by name.
class Scene {
  public:
    Scene(Dice& dice, std::span<const std::string_view> attributions);

    /// decorated: false for headlines and points written out.
    Expanded expand(std::string_view form, bool decorated = true);
    /// Values whose names begin with "fresh" prefix are forgotten: background may repeat a template with new ones.
    void forget(std::string_view prefix);

  private:
    struct Output;
    void emit(std::string_view form, Output& out, bool toPoint);
    std::string slot(std::string_view spec, bool& earlier, std::string& pointValue);
    /// limits: low and high were given.
    std::string make(std::string_view kind, int64_t low, int64_t high, const std::string& name, bool limits);

    Dice& m_dice;
    std::span<const std::string_view> m_attributions;
    std::map<std::string, std::string, std::less<>> m_values;
    std::string money();
    void finish(std::string& text) const;
    HouseStyle m_style;
    std::vector<bool> m_keep;  ///< which decorations of the form being expanded stay
    size_t m_decoration = 0;
};

}  // namespace spanscope::news
