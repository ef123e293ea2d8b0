#include "engine/training/news/target.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "engine/reading/words.h"
#include "engine/tasks/news/article.h"
#include "engine/tasks/news/news_text.h"
#include "engine/training/news/compress.h"
#include "engine/training/news/furniture.h"
#include "engine/training/news/headline.h"
#include "engine/training/news/shorten.h"
#include "engine/training/news/topics.h"
#include "engine/training/news/voice.h"

namespace spanscope::news {
namespace {

struct Candidate {
    Line line;
    std::set<std::string> topics;
    double factor = 1;
    double words = 1;
};

/// A sentence with at least 5 words that ends like one; tables of results do not.
bool isProse(const std::string& s) {
    if (countWords(s) < 5) return false;
    std::string_view text = s;
    for (bool again = true; again;) {
        again = false;
        for (const std::string_view mark : {"\"", "'", ")", "\u201D", "\u2019"})
            if (text.ends_with(mark)) {
                text.remove_suffix(mark.size());
                again = true;
            }
    }
    if (text.empty() || std::string_view(".?!").find(text.back()) == std::string_view::npos) return false;
    size_t digits = 0, letters = 0;
    for (const char c : s) {
        digits += c >= '0' && c <= '9' ? 1 : 0;
        letters += (c >= 'a' && c <= 'z') ? 1 : 0;
    }
    return letters > 3 * digits;
}

/// The sentence that introduces the body that "The company" or "It" in sentence `at` stands for; nullopt if unsure.
std::optional<std::pair<int, std::string>> antecedent(const std::vector<std::string>& sentences, size_t at) {
    std::string name;
    int source = -1;
    for (size_t i = 0; i < at; ++i) {
        const std::string here = subjectName(sentences[i]);
        if (here.empty()) continue;
        if (name.empty()) {
            name = here;
            source = static_cast<int>(i);
        } else if (here != name && !name.starts_with(here) && !here.starts_with("The ")) {
            return std::nullopt;  // a second body: whose "It" this is cannot be told
        }
    }
    if (source < 0 || at - static_cast<size_t>(source) > 8) return std::nullopt;
    return std::pair(source, name);
}

std::optional<Candidate> candidate(const std::vector<std::string>& sentences, size_t i) {
    if (!isProse(sentences[i]) || isFurniture(sentences[i]) || speaksToReader(sentences[i])) return std::nullopt;
    const Shortened s = shorten(sentences[i]);
    if (!s.usable) return std::nullopt;
    Candidate c;
    c.line.text = s.text;
    c.line.sources = {static_cast<int>(i)};
    c.line.unchanged = !s.changed;
    const std::string_view who = anaphor(s.text);
    if (!who.empty()) {
        if (const auto found = antecedent(sentences, i)) {
            c.line.text = found->second + s.text.substr(who.size());
            c.line.sources.insert(c.line.sources.begin(), found->first);
            c.line.unchanged = false;
        } else if (s.pronoun) {
            return std::nullopt;
        } else {
            c.factor *= 0.7;
        }
    } else if (s.pronoun) {
        return std::nullopt;
    }
    const auto keys = topicKeys(c.line.text);
    c.topics.insert(keys.begin(), keys.end());
    c.words = static_cast<double>(countWords(c.line.text));
    if (quotesOf(c.line.text).any) c.factor *= 0.6;
    if (c.line.unchanged) c.factor *= 0.8;
    if (hasDigit(c.line.text)) c.factor *= 1.15;
    c.factor *= 1 + 0.6 * std::exp(-static_cast<double>(i) / 2.5);
    return c;
}

/// One of the first sentences, made shorter: the first that holds nearly as much of what the title is about as any.
std::optional<Line> sentenceAsHeadline(const std::vector<std::string>& sentences, std::string_view title,
                                       const std::vector<bool>& elsewhere) {
    constexpr size_t kFirst = 3;
    constexpr double kAbout = 0.4, kNearly = 0.75;
    const auto topics = topicKeys(title);
    std::optional<Line> best;
    std::ptrdiff_t most = 0;
    for (size_t i = 0; i < std::min(sentences.size(), kFirst); ++i) {
        if (elsewhere[i] || !isProse(sentences[i]) || isFurniture(sentences[i]) || speaksToReader(sentences[i]))
            continue;
        std::string text = compressed(sentences[i]);
        // "The bill would ...": which one, a sentence before says.
        const bool leans = i > 0 && text.starts_with("The ") && text.size() > 4 && !isCapitalised(text.substr(4));
        if (text.empty() || leans) continue;
        const auto keys = topicKeys(text);
        const auto held = std::count_if(topics.begin(), topics.end(), [&](const std::string& topic) {
            return std::find(keys.begin(), keys.end(), topic) != keys.end();
        });
        // The lead says what a report is about in words of its own.
        if (i > 0 && static_cast<double>(held) < kAbout * static_cast<double>(topics.size())) continue;
        if (static_cast<double>(held) * kNearly > static_cast<double>(most)) {
            most = held;
            best = Line{{static_cast<int>(i)}, std::move(text), false};
        }
    }
    if (most < 2) return std::nullopt;  // about something else
    return best;
}

/// Own: the title, grounded. Held: see Headlines.
TargetProblem chooseHeadline(const Article& article, const std::vector<bool>& elsewhere, Headlines headlines,
                             Line& out) {
    const std::vector<std::string>& sentences = article.sentences;
    out.text = cleanHeadline(article.title, sentences);
    const Grounding ground = groundHeadline(out.text, sentences);
    out.sources = ground.sentences;
    const bool noHeadline = isNoHeadline(out.text);
    const bool sound = !ground.sentences.empty() && ground.subjectFound && ground.numbersFound;
    if (headlines == Headlines::Own) {
        constexpr double kShare = 0.6;
        if (noHeadline) return TargetProblem::NoHeadline;
        return sound && ground.share >= kShare ? TargetProblem::None : TargetProblem::HeadlineUngrounded;
    }
    constexpr double kShare = 0.85, kInOrder = 0.75;
    constexpr size_t kSentences = 2;
    if (!noHeadline && sound && ground.share >= kShare && ground.inOrder >= kInOrder &&
        ground.sentences.size() <= kSentences)
        return TargetProblem::None;
    auto line = sentenceAsHeadline(sentences, article.title, elsewhere);
    if (!line) return TargetProblem::HeadlineUngrounded;
    out = std::move(*line);
    return TargetProblem::None;
}

}  // namespace

TargetProblem buildTarget(const Article& article, int maxPoints, Target& target, Headlines headlines) {
    const std::vector<std::string>& sentences = article.sentences;
    const auto prose = std::count_if(sentences.begin(), sentences.end(), isProse);
    if (prose * 10 < static_cast<std::ptrdiff_t>(sentences.size()) * 8) return TargetProblem::Tabular;

    const std::vector<bool> elsewhere = partOfLongerQuotation(article.body, sentences);
    const TargetProblem headlineProblem = chooseHeadline(article, elsewhere, headlines, target.headline);
    if (headlineProblem != TargetProblem::None) return headlineProblem;

    std::map<std::string, int> sentencesWith;
    for (const std::string& s : sentences) {
        const auto keys = topicKeys(s);
        for (const std::string& k : std::set<std::string>(keys.begin(), keys.end())) ++sentencesWith[k];
    }
    const auto headlineKeys = topicKeys(target.headline.text);
    std::set<std::string> headline(headlineKeys.begin(), headlineKeys.end());
    std::vector<Candidate> candidates;
    for (size_t i = 0; i < sentences.size(); ++i)
        if (!elsewhere[i])
            if (auto c = candidate(sentences, i)) candidates.push_back(std::move(*c));

    const size_t wanted = static_cast<size_t>(pointCount(static_cast<int>(sentences.size()), maxPoints));
    std::set<std::string> covered;
    target.points.clear();
    while (target.points.size() < wanted && !candidates.empty()) {
        size_t best = 0;
        double bestWorth = -1;
        for (size_t i = 0; i < candidates.size(); ++i) {
            const Candidate& c = candidates[i];
            double worth = 0;
            size_t fresh = 0;
            for (const std::string& k : c.topics) {
                if (covered.contains(k)) continue;
                ++fresh;
                worth += std::log2(1.0 + sentencesWith[k]);
                if (headline.contains(k)) worth += 1.5;
            }
            if (fresh * 10 < c.topics.size() * 4) worth = 0;  // mostly said already
            worth = worth * c.factor / std::sqrt(c.words);
            if (worth > bestWorth) {
                bestWorth = worth;
                best = i;
            }
        }
        if (bestWorth <= 0) break;
        covered.insert(candidates[best].topics.begin(), candidates[best].topics.end());
        target.points.push_back(std::move(candidates[best].line));
        candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(best));
    }
    if (target.points.empty()) return TargetProblem::NoPoints;
    std::sort(target.points.begin(), target.points.end(), [](const Line& a, const Line& b) {
        return a.sources.back() != b.sources.back() ? a.sources.back() < b.sources.back() : a.sources < b.sources;
    });
    return TargetProblem::None;
}

std::string promptText(const std::vector<std::string>& sentences, size_t nLines) {
    std::string out = promptHeader(sentences.size(), nLines);
    for (size_t i = 0; i < sentences.size(); ++i) out += "<in>" + std::to_string(i + 1) + "<:>" + sentences[i] + '\n';
    return out;
}

std::string responseText(const Target& target) {
    std::string out;
    auto add = [&](size_t label, const Line& line) {
        out += "<out>" + std::to_string(label) + "<:><global><attend>";
        for (const int s : line.sources) out += "<in>" + std::to_string(s + 1) + "<:>";
        out += "</attend>" + line.text + '\n';
    };
    add(1, target.headline);
    for (size_t i = 0; i < target.points.size(); ++i) add(i + 2, target.points[i]);
    return out;
}

std::string answerText(const Target& target) {
    std::string out = target.headline.text;
    for (const Line& p : target.points) out += '\n' + p.text;
    return out;
}

}  // namespace spanscope::news
