#include "engine/training/news/synthetic_writer.h"

#include <algorithm>
#include <cassert>

#include "engine/reading/words.h"

namespace spanscope::news {
namespace {

constexpr std::string_view kDays[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
constexpr std::string_view kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
struct Currency {
    std::string_view sign, word;
};
constexpr Currency kCurrencies[] = {{"", "dlrs"},         {"", "marks"},        {"", "francs"},      {"", "yen"},
                                    {"", "pounds"},       {"", "crowns"},       {"", "pesos"},       {"", "guilders"},
                                    {"", "dollars"},      {"", "euros"},        {"", "rupees"},      {"$", "dollars"},
                                    {"\u00A3", "pounds"}, {"\u20AC", "euros"},  {"$", "dollars"},    {"\u00A5", "yen"},
                                    {"US$", "dollars"},   {"\u00A3", "pounds"}, {"\u20AC", "euros"}, {"A$", "dollars"}};
struct Scale {
    std::string_view million, billion;
};
constexpr Scale kLongScales[] = {{" mln", " billion"}, {" million", " billion"}, {" million", " billion"}};
constexpr Scale kShortScales[] = {{"m", "bn"}, {" million", " billion"}, {"M", "B"}, {"mn", "bn"}};
constexpr std::string_view kPercents[] = {"pct", "percent", "per cent", "%", "%", "%", "%"};
constexpr std::string_view kDashes[] = {" \u2013 ", " \u2014 ", "\u2014", " - "};
constexpr std::string_view kCauses[] = {"poor sleep", "salt", "noise", "night work", "dust", "long hours"};
constexpr std::string_view kBills[] = {"rail", "housing", "farm", "school", "water", "defence"};
constexpr std::string_view kRoads[] = {"Street", "Road", "Avenue", "Lane", "Square", "Bridge"};

std::string withCommas(int64_t value) {
    std::string digits = std::to_string(value), out;
    for (size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
        out += digits[i];
    }
    return out;
}

/// The matching close of an open mark at `i` ("<" with ">", "[[" with "]]"); asserts in a broken template.
size_t closing(std::string_view s, size_t i, std::string_view open, std::string_view close) {
    int depth = 0;
    for (size_t k = i; k < s.size(); ++k) {
        if (s.substr(k, open.size()) == open) {
            ++depth;
        } else if (s.substr(k, close.size()) == close) {
            if (--depth == 0) return k;
            k += close.size() - 1;
        }
    }
    assert(false && "template without a closing mark");
    return s.size();
}

std::vector<std::string_view> alternatives(std::string_view inside) {
    std::vector<std::string_view> parts;
    int depth = 0;
    size_t from = 0;
    for (size_t i = 0; i < inside.size(); ++i) {
        if (inside[i] == '<' || inside[i] == '{') ++depth;
        if (inside[i] == '>' || inside[i] == '}') --depth;
        if (inside[i] == '|' && depth == 0) {
            parts.push_back(inside.substr(from, i - from));
            from = i + 1;
        }
    }
    parts.push_back(inside.substr(from));
    return parts;
}

size_t countDecorations(std::string_view form) {
    size_t n = 0;
    for (size_t i = form.find("[["); i != std::string_view::npos; i = form.find("[[", i + 2)) ++n;
    return n;
}

}  // namespace

HouseStyle HouseStyle::draw(Dice& dice) {
    HouseStyle style;
    const Currency& currency = dice.pick(std::span<const Currency>(kCurrencies));
    style.sign = currency.sign;
    style.currency = currency.word;
    const Scale& scale =
        dice.pick(currency.sign.empty() ? std::span<const Scale>(kLongScales) : std::span<const Scale>(kShortScales));
    style.million = scale.million;
    style.billion = scale.billion;
    style.percent = dice.pick(std::span<const std::string_view>(kPercents));
    style.dash = dice.pick(std::span<const std::string_view>(kDashes));
    style.curly = dice.chance(60);
    return style;
}

void Scene::finish(std::string& text) const {
    std::string clean;
    bool open = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == ' ' && (clean.empty() || clean.back() == ' ')) continue;
        if ((c == ',' || c == '.' || c == '%') && !clean.empty() && clean.back() == ' ') clean.pop_back();
        // "Inc." and "J." at the end already carry the full stop
        if (c == '.' && clean.ends_with('.')) continue;
        if (c == '"' && m_style.curly) {
            clean += open ? "\u201D" : "\u201C";
            open = !open;
        } else if (c == '\'' && m_style.curly) {
            clean += "\u2019";
        } else {
            clean += c;
        }
    }
    while (!clean.empty() && clean.back() == ' ') clean.pop_back();
    if (!clean.empty() && clean[0] >= 'a' && clean[0] <= 'z') clean[0] = static_cast<char>(clean[0] - 'a' + 'A');
    text = std::move(clean);
}

struct Scene::Output {
    std::string sentence, point;
    bool earlier = false;
};

Scene::Scene(Dice& dice, std::span<const std::string_view> attributions)
    : m_dice(dice), m_attributions(attributions), m_style(HouseStyle::draw(dice)) {}

Expanded Scene::expand(std::string_view form, bool decorated) {
    const size_t n = countDecorations(form);
    m_keep.assign(n, false);
    m_decoration = 0;
    if (decorated && n > 0) {
        for (size_t i = 0; i < n; ++i) m_keep[i] = m_dice.chance(55);
        m_keep[static_cast<size_t>(m_dice.range(0, static_cast<int64_t>(n) - 1))] = true;
    }
    Output out;
    emit(form, out, true);
    finish(out.sentence);
    finish(out.point);
    return {std::move(out.sentence), std::move(out.point), out.earlier};
}

void Scene::forget(std::string_view prefix) {
    std::erase_if(m_values, [&](const auto& v) { return std::string_view(v.first).starts_with(prefix); });
}

void Scene::emit(std::string_view form, Output& out, bool toPoint) {
    for (size_t i = 0; i < form.size();) {
        if (form.substr(i, 2) == "[[") {
            const size_t end = closing(form, i, "[[", "]]");
            const bool keep = m_decoration < m_keep.size() && m_keep[m_decoration];
            ++m_decoration;
            if (keep) emit(form.substr(i + 2, end - i - 2), out, false);
            i = end + 2;
        } else if (form[i] == '<') {
            const size_t end = closing(form, i, "<", ">");
            const auto parts = alternatives(form.substr(i + 1, end - i - 1));
            emit(m_dice.pick(std::span<const std::string_view>(parts)), out, toPoint);
            i = end + 1;
        } else if (form[i] == '{') {
            const size_t end = closing(form, i, "{", "}");
            std::string pointValue;
            const std::string value = slot(form.substr(i + 1, end - i - 1), out.earlier, pointValue);
            out.sentence += value;
            if (toPoint) out.point += pointValue;
            i = end + 1;
        } else {
            out.sentence += form[i];
            if (toPoint) out.point += form[i];
            ++i;
        }
    }
}

std::string Scene::slot(std::string_view spec, bool& earlier, std::string& pointValue) {
    const size_t space = std::min(spec.find(' '), spec.size());
    const std::string_view head = spec.substr(0, space);
    const std::string_view rest = space < spec.size() ? spec.substr(space + 1) : std::string_view();
    const size_t colon = head.find(':');
    const std::string_view kind = head.substr(0, colon);
    const std::string name = colon == std::string_view::npos ? std::string() : std::string(head.substr(colon + 1));
    if (kind == "the") {
        earlier = true;
        pointValue = m_values.contains(name) ? m_values.find(name)->second : std::string(rest);
        return std::string(rest);
    }
    if (kind == "last" || kind == "short") {
        const auto it = m_values.find(name);
        assert(it != m_values.end() && "surname or short name of somebody not introduced");
        const std::string whole = it == m_values.end() ? inventPerson(m_dice) : it->second;
        pointValue = kind == "last" ? whole.substr(whole.rfind(' ') + 1) : whole.substr(0, whole.find(' '));
        return pointValue;
    }
    if (!name.empty())
        if (const auto it = m_values.find(name); it != m_values.end()) return pointValue = it->second;
    int64_t low = 2, high = 99;
    if (!rest.empty()) {
        const size_t gap = rest.find(' ');
        low = std::stoll(std::string(rest.substr(0, gap)));
        high = gap == std::string_view::npos ? low : std::stoll(std::string(rest.substr(gap + 1)));
    }
    std::string value = make(kind, low, high, name, !rest.empty());
    if (!name.empty()) m_values[name] = value;
    return pointValue = value;
}

std::string Scene::money() {
    const int64_t shape = m_dice.range(0, 3);
    std::string amount;
    if (shape == 0) amount = withCommas(m_dice.range(10, 999) * 1000);
    else if (shape == 1)
        amount = std::to_string(m_dice.range(1, 9)) + '.' + std::to_string(m_dice.range(10, 99)) +
                 std::string(m_style.billion);
    else if (shape == 2) amount = std::to_string(m_dice.range(1, 980)) + std::string(m_style.million);
    else
        amount = std::to_string(m_dice.range(1, 480)) + '.' + std::to_string(m_dice.range(1, 9)) +
                 std::string(m_style.million);
    if (!m_style.sign.empty()) return std::string(m_style.sign) + amount;
    return amount + ' ' + std::string(m_style.currency);
}

std::string Scene::make(std::string_view kind, int64_t low, int64_t high, const std::string& name, bool limits) {
    using Words = std::span<const std::string_view>;
    auto word = [&](Words list) { return std::string(m_dice.pick(list)); };
    if (kind == "person") return inventPerson(m_dice);
    if (kind == "place") return inventPlace(m_dice);
    if (kind == "company") return inventCompany(m_dice);
    if (kind == "team") return inventTeam(m_dice);
    if (kind == "road") return inventWord(m_dice, 1, 2) + ' ' + word(kRoads);
    if (kind == "product") return inventWord(m_dice, 2, 3);
    if (kind == "n") return withCommas(m_dice.range(low, high));
    if (kind == "year") return std::to_string(m_dice.range(1900, 2024));
    if (kind == "age") return std::to_string(m_dice.range(17, 89));
    if (kind == "d") return withCommas(m_dice.range(low, high)) + '.' + std::to_string(m_dice.range(0, 9));
    if (kind == "money") return money();
    if (kind == "score") {  // the winner's side first
        const int64_t loser = m_dice.range(0, high > 10 ? high - 1 : 4);
        return std::to_string(loser + m_dice.range(1, high > 10 ? 24 : 4)) + '-' + std::to_string(loser);
    }
    if (kind == "level")
        return std::to_string(m_dice.range(1, 9)) + ',' + std::to_string(m_dice.range(100, 999)) + '.' +
               std::to_string(m_dice.range(0, 9));
    if (kind == "day") return word(kDays);
    if (kind == "month") return word(kMonths);
    if (kind == "date") return word(kMonths) + ' ' + std::to_string(m_dice.range(1, 28));
    if (kind == "cur") return std::string(m_style.currency);
    if (kind == "dash") return std::string(m_style.dash);
    if (kind == "cause") return word(kCauses);
    if (kind == "bill") return word(kBills);
    if (kind == "pct") {
        if (!limits) return std::string(m_style.percent);
        const std::string value = std::to_string(m_dice.range(low, high)) +
                                  (m_dice.chance(40) ? '.' + std::to_string(m_dice.range(1, 9)) : std::string());
        return value + (m_style.percent == "%" ? "" : " ") + std::string(m_style.percent);
    }
    if (kind == "who") return word(m_attributions);
    if (kind == "att") return ", " + word(m_attributions) + (m_dice.chance(80) ? " said" : " added");
    if (kind == "pre") return word(m_attributions) + (m_dice.chance(70) ? " said " : " said that ");
    assert(false && "unknown kind in a template");
    return name;
}

}  // namespace spanscope::news
