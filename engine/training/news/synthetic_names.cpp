// Names nobody has: syllables, so that a model meets new ones all the time and has to copy them.
#include <array>

#include "engine/training/news/synthetic_writer.h"

namespace spanscope::news {
namespace {

using Words = std::span<const std::string_view>;

constexpr std::string_view kOnsets[] = {"b", "br", "c", "ch", "cl", "d", "dr", "f", "fl", "g",  "gr", "h", "j",
                                        "k", "kr", "l", "m",  "n",  "p", "pr", "r", "s",  "sh", "st", "t", "tr",
                                        "v", "w",  "b", "d",  "l",  "m", "n",  "r", "t",  "k",  "z",  ""};
constexpr std::string_view kVowels[] = {"a", "e", "i", "o", "u",  "a",  "e",  "i",
                                        "o", "a", "e", "o", "ai", "ea", "ou", "ee"};
constexpr std::string_view kCodas[] = {"",  "",  "",  "",  "n",  "r",  "l", "s",  "m",
                                       "t", "n", "r", "l", "nd", "lt", "x", "ck", "st"};
constexpr std::string_view kPlaceEnds[] = {"ton",   "ford",  "bury",    "ham",   "ville", "burg", "mouth",   "stad",
                                           "haven", "field", "wick",    "by",    "dale",  "port", "minster", "ovo",
                                           "grad",  "berg",  "borough", "stead", "nes",   "holm", "aro",     "ina",
                                           "este",  "mont",  "bridge",  "well",  "ão",    "ün"};
constexpr std::string_view kPlaceFronts[] = {"Port", "New",  "North", "South", "East",  "West",
                                             "Lake", "Fort", "San",   "Mount", "Upper", "Saint"};
constexpr std::string_view kNameEnds[] = {"son",  "sen", "man",  "er",    "ley",   "ov",    "ski", "etti",
                                          "ez",   "ini", "well", "stone", "ard",   "ino",   "ens", "dahl",
                                          "mura", "oto", "aku",  "ides",  "",      "",      "",    "",
                                          "ano",  "eau", "ic",   "ić",    "ández", "ström", "øy",  "é"};
constexpr std::string_view kFirst[] = {
    "Anna",   "Marta",  "Ines",    "Clara",  "Ruth",   "Helen", "Joan",   "Karin",  "Leila",  "Maria",
    "Nora",   "Olga",   "Paula",   "Rosa",   "Sonia",  "Tessa", "Vera",   "Wanda",  "Yoko",   "Zara",
    "Adam",   "Boris",  "Carl",    "David",  "Erik",   "Felix", "George", "Henry",  "Ivan",   "James",
    "Kenji",  "Luis",   "Mark",    "Niels",  "Omar",   "Peter", "Ravi",   "Simon",  "Tomas",  "Victor",
    "Walter", "Yusuf",  "Alan",    "Brenda", "Colin",  "Diana", "Edgar",  "Fiona",  "Gavin",  "Hilda",
    "Ian",    "Judith", "Kevin",   "Laura",  "Miguel", "Nadia", "Oscar",  "Pamela", "Robert", "Sara",
    "Theo",   "Ursula", "Vincent", "Wilma",  "Hans",   "Lucia", "Pierre", "Anton",  "Greta",  "Mei",
    "Ahmed",  "Priya",  "José",    "Zoë",    "André",  "Søren", "Jürgen", "Łukasz", "Inés",   "François"};
constexpr std::string_view kTrades[] = {
    "Steel",    "Foods",  "Airways",     "Insurance", "Oil",    "Mining", "Motors",  "Textiles",   "Chemicals",
    "Shipping", "Paper",  "Electronics", "Energy",    "Pharma", "Cement", "Glass",   "Brewing",    "Timber",
    "Software", "Optics", "Railways",    "Foundries", "Cable",  "Rubber", "Dairies", "Instruments"};
constexpr std::string_view kForms[] = {"Corp", "Inc",   "Ltd",      "Co",         "Plc",    "AG",
                                       "SA",   "Group", "Holdings", "Industries", "Co Ltd", "NV"};
constexpr std::string_view kNicknames[] = {
    "United",  "City",   "Rovers",  "Athletic", "Wanderers", "Town",   "Rangers", "Bears",  "Hawks", "Lions", "Comets",
    "Dockers", "Saints", "Falcons", "Wolves",   "Pilots",    "Miners", "Kings",   "Albion", "Stars", "Storm", "Tigers"};

std::string pick(Dice& dice, Words words) { return std::string(dice.pick(words)); }

std::string capital(std::string word) {
    if (!word.empty() && word[0] >= 'a' && word[0] <= 'z') word[0] = static_cast<char>(word[0] - 'a' + 'A');
    return word;
}

}  // namespace

std::string inventWord(Dice& dice, int minSyllables, int maxSyllables) {
    std::string word;
    const int64_t n = dice.range(minSyllables, maxSyllables);
    for (int64_t i = 0; i < n; ++i) {
        word += pick(dice, kOnsets) + pick(dice, kVowels);
        if (i + 1 == n || dice.chance(20)) word += pick(dice, kCodas);
    }
    while (word.size() < 4) word += pick(dice, kOnsets) + pick(dice, kVowels) + "n";
    return capital(word);
}

std::string inventPerson(Dice& dice) {
    std::string last = inventWord(dice, 1, 2) + pick(dice, kNameEnds);
    if (dice.chance(5)) last = "Mc" + last;
    std::string first = pick(dice, kFirst);
    if (dice.chance(10)) first += std::string(" ") + static_cast<char>('A' + dice.range(0, 25)) + '.';
    return first + ' ' + last;
}

std::string inventPlace(Dice& dice) {
    std::string place = inventWord(dice, 1, 2);
    if (dice.chance(70)) place += pick(dice, kPlaceEnds);
    if (dice.chance(15)) place = pick(dice, kPlaceFronts) + ' ' + place;
    return place;
}

std::string inventCompany(Dice& dice) {
    std::string name = inventWord(dice, 2, 3);
    if (dice.chance(12)) name += " and " + inventWord(dice, 1, 2);
    if (dice.chance(60)) name += ' ' + pick(dice, kTrades);
    return name + ' ' + pick(dice, kForms);
}

std::string inventTeam(Dice& dice) { return inventPlace(dice) + ' ' + pick(dice, kNicknames); }

}  // namespace spanscope::news
