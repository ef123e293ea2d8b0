#include "engine/training/news/synthetic.h"

#include <algorithm>
#include <cassert>

#include "engine/reading/tables.h"
#include "engine/reading/words.h"
#include "engine/tasks/news/article.h"
#include "engine/tasks/news/sentences.h"
#include "engine/training/news/synthetic_templates.h"
#include "engine/training/news/synthetic_writer.h"

namespace spanscope::news {
namespace {

/// A block of sentences that stay together, with the key point they make (if any).
struct Block {
    std::vector<std::string> sentences;
    std::string point;
    bool usesLead = false;
};

std::string_view trim(std::string_view s) {
    while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
    while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
    return s;
}

Block write(Scene& scene, std::string_view form) {
    Block block;
    const size_t bar = form.find("||");
    if (bar == std::string_view::npos) {
        Expanded e = scene.expand(form);
        block.sentences.push_back(std::move(e.sentence));
        block.point = std::move(e.point);
        block.usesLead = e.usesEarlier;
        return block;
    }
    const size_t arrow = form.find("=>", bar);
    assert(arrow != std::string_view::npos);
    block.sentences.push_back(scene.expand(trim(form.substr(0, bar))).sentence);
    block.sentences.push_back(scene.expand(trim(form.substr(bar + 2, arrow - bar - 2))).sentence);
    block.point = scene.expand(trim(form.substr(arrow + 2)), false).point;
    return block;
}

/// An opening that the key point leaves out: "According to officials, ...".
void open(Scene& scene, Block& block) {
    std::string& sentence = block.sentences.front();
    for (const std::string_view article : {"The ", "A ", "An "})
        if (sentence.starts_with(article)) sentence[0] = static_cast<char>(sentence[0] - 'A' + 'a');
    sentence = scene
                   .expand(
                       "<Meanwhile|Separately|In addition|In a statement on {day}|As "
                       "expected|According to {who}|On {date}>, ",
                       false)
                   .sentence +
               ' ' + sentence;
}

/// Draws every template once before any comes again.
class Deck {
  public:
    Deck(Dice& dice, std::span<const std::string_view> templates)
        : m_dice(dice), m_templates(templates.begin(), templates.end()) {}
    std::string_view draw() {
        if (m_next % m_templates.size() == 0) m_dice.shuffle(m_templates);
        return m_templates[m_next++ % m_templates.size()];
    }

  private:
    Dice& m_dice;
    std::vector<std::string_view> m_templates;
    size_t m_next = 0;
};

/// The lead of a report from another field, as an aside: looks like a fact of this one and is none.
std::string elsewhere(Dice& dice, const Domain& own) {
    const Domain* other = dice.pick(domains());
    while (other == &own) other = dice.pick(domains());
    Scene scene(dice, other->attributions);
    std::string sentence = scene.expand(dice.pick(other->leads).form, false).point;
    for (const std::string_view article : {"The ", "A ", "An "})
        if (sentence.starts_with(article)) sentence[0] = static_cast<char>(sentence[0] - 'A' + 'a');
    return (dice.chance(50) ? "Elsewhere, " : "In other news, ") + sentence;
}

/// "... of Tarn Cable Ltd.": what comes behind it in the same paragraph could be read as more of the sentence.
bool endsInAbbreviation(std::string_view sentence) {
    const size_t space = sentence.rfind(' ');
    std::string_view word = sentence.substr(space == std::string_view::npos ? 0 : space + 1);
    if (word.ends_with('.')) word.remove_suffix(1);
    return isAbbreviation(word) || isTitleAbbreviation(word) || isUnit(word) || word.size() <= 2;
}

/// Most reports are short; some fill the limit.
int drawLength(Dice& dice, const SyntheticLimits& limits) {
    const int low = limits.minSentences, high = limits.maxSentences;
    const int64_t kind = dice.range(0, 99);
    const int top = kind < 55 ? std::min(high, 14) : kind < 85 ? std::min(high, 24) : high;
    return static_cast<int>(dice.range(low, std::max(low, top)));
}

}  // namespace

SyntheticReport syntheticReport(uint64_t seed, uint64_t index, const SyntheticLimits& limits) {
    Dice dice(seed * 0x9E3779B97F4A7C15ull + index * 0xBF58476D1CE4E5B9ull + 0x94D049BB133111EBull);
    const Domain& domain = *dice.pick(domains());
    Scene scene(dice, domain.attributions);
    SyntheticReport report;
    report.domain = domain.name;
    report.article.id = "synthetic-" + std::to_string(seed) + '-' + std::to_string(index);

    const int wantedSentences = drawLength(dice, limits);
    const int nPoints = pointCount(wantedSentences, limits.maxPoints);

    const Lead& lead = dice.pick(domain.leads);
    std::vector<Block> blocks{write(scene, lead.form)};
    std::vector<Fact> kinds(domain.facts.begin(), domain.facts.end());
    kinds.insert(kinds.end(), spokenFacts().begin(), spokenFacts().end());
    dice.shuffle(kinds);
    int nSentences = 1;
    auto add = [&](std::string_view form) {
        blocks.push_back(write(scene, form));
        if (!form.starts_with("[[") && dice.chance(14)) open(scene, blocks.back());
        nSentences += static_cast<int>(blocks.back().sentences.size());
    };
    for (size_t i = 0; i < kinds.size() && static_cast<int>(blocks.size()) < nPoints; ++i) {
        // A fact told in two sentences must still fit beside the facts that have to follow.
        const int room = wantedSentences - nSentences - (nPoints - static_cast<int>(blocks.size()) - 1);
        std::string_view form;
        do form = dice.pick(kinds[i].forms);
        while (room < 2 && form.find("||") != std::string_view::npos);
        add(form);
    }
    // What no point uses: each template once, then again in a new order; now and then news from another field.
    Deck ownBackground(dice, domain.background), otherBackground(dice, generalBackground());
    while (nSentences < wantedSentences) {
        Block b;
        if (dice.chance(8)) b.sentences = {elsewhere(dice, domain)};
        else b.sentences = {scene.expand(dice.chance(20) ? otherBackground.draw() : ownBackground.draw()).sentence};
        blocks.push_back(std::move(b));
        ++nSentences;
    }

    // The lead comes first in most reports, second or third in the others; what refers to it follows it.
    std::vector<Block> rest(std::make_move_iterator(blocks.begin() + 1), std::make_move_iterator(blocks.end()));
    dice.shuffle(rest);
    const bool leadFirst = dice.chance(80);
    size_t before = leadFirst ? 0 : static_cast<size_t>(dice.range(1, 2));
    before = std::min(before, rest.size());
    while (before > 0 && std::any_of(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(before),
                                     [](const Block& b) { return b.usesLead; }))
        --before;
    std::vector<Block> order;
    for (size_t i = 0; i < before; ++i) order.push_back(std::move(rest[i]));
    const size_t leadBlock = order.size();
    order.push_back(std::move(blocks[0]));
    for (size_t i = before; i < rest.size(); ++i) order.push_back(std::move(rest[i]));

    int leadSentence = 0;
    for (size_t b = 0; b < leadBlock; ++b) leadSentence += static_cast<int>(order[b].sentences.size());
    for (const Block& block : order) {
        const int at = static_cast<int>(report.article.sentences.size());
        for (const std::string& s : block.sentences) report.article.sentences.push_back(s);
        if (block.point.empty()) continue;
        Line line;
        line.text = block.point;
        for (size_t i = 0; i < block.sentences.size(); ++i) line.sources.push_back(at + static_cast<int>(i));
        if (block.usesLead) line.sources.insert(line.sources.begin(), leadSentence);
        report.target.points.push_back(std::move(line));
    }
    report.target.headline.text = scene.expand(dice.pick(lead.headlines), false).point;
    report.target.headline.sources = {leadSentence};
    report.article.title = report.target.headline.text;

    // Paragraphs of one to three sentences, as newswire has them.
    std::string& body = report.article.body;
    int64_t left = dice.range(1, 3);
    for (const std::string& s : report.article.sentences) {
        if (!body.empty()) body += left > 0 ? ' ' : '\n';
        if (left <= 0) left = dice.range(1, 3);
        left = endsInAbbreviation(s) ? 0 : left - 1;
        body += s;
    }
    return report;
}

}  // namespace spanscope::news
