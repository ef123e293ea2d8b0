#include "engine/training/news/headline.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/reading/word_kinds.h"
#include "engine/reading/words.h"
#include "engine/training/news/furniture.h"
#include "engine/training/news/topics.h"

namespace spanscope::news {
namespace {

struct Spellings {
    std::map<std::string, std::map<std::string, int>> inside;  // lower -> spelling -> count, not first in a sentence
    std::map<std::string, int> first;                          // lower -> count as first word
};

Spellings learn(const std::vector<std::string>& sentences) {
    Spellings s;
    for (const std::string& sentence : sentences) {
        // Not the word behind "U.S.": some newswire archives capitalise it, as if a sentence had ended.
        bool isFirst = true, afterStop = false;
        const bool shouting = !hasLower(sentence);
        for (const Token& t : tokenize(sentence)) {
            if (t.core.empty()) continue;
            const std::string word(withoutPossessive(t.core));
            auto note = [&](const std::string& w) {
                if (isFirst) ++s.first[lower(w)];
                else if (!shouting && !afterStop) ++s.inside[lower(w)][w];
            };
            note(word);
            if (word.find_first_of("-/") != std::string::npos)
                for (size_t i = 0; i < word.size();) {
                    const size_t end = std::min(word.find_first_of("-/", i), word.size());
                    if (end > i) note(word.substr(i, end - i));
                    i = end + 1;
                }
            isFirst = false;
            afterStop = t.core.ends_with(".");
        }
    }
    return s;
}

std::string spell(const std::string& upper, const Spellings& s) {
    const std::string key = lower(upper);
    if (isFunctionWord(key)) return key;
    if (auto it = s.inside.find(key); it != s.inside.end()) {
        const auto best = std::max_element(it->second.begin(), it->second.end(),
                                           [](const auto& a, const auto& b) { return a.second < b.second; });
        return best->first;
    }
    if (const std::string_view known = properSpelling(key); !known.empty()) return std::string(known);
    if (s.first.contains(key) && !isFunctionWord(key) && !isFiniteVerb(key) && !key.empty() && !key.ends_with("ed") &&
        key.size() > 2) {
        // Seen only at the start of sentences. A name that stands there is mostly followed by a verb; a plain noun in
        // the plural is too, so plurals become lower case.
        std::string word = key;
        if (!key.ends_with("s")) word[0] = static_cast<char>(word[0] - (word[0] >= 'a' && word[0] <= 'z' ? 32 : 0));
        return word;
    }
    return key;
}

std::string spellCompound(const std::string& core, const Spellings& s) {
    const std::string key = lower(core);
    if (s.inside.contains(key) || !properSpelling(key).empty()) return spell(core, s);
    const std::string stem(withoutPossessive(core));
    const std::string ending = lower(std::string_view(core).substr(stem.size()));
    if (stem.find_first_of("-/") == std::string::npos) return spell(stem, s) + ending;
    std::string out;
    for (size_t i = 0; i < stem.size();) {
        const size_t end = std::min(stem.find_first_of("-/", i), stem.size());
        if (end > i) out += spell(stem.substr(i, end - i), s);
        if (end < stem.size()) out += stem[end];
        i = end + 1;
    }
    return out + ending;
}

void dropBracketed(std::string& text, char open, char close) {
    for (size_t a = text.find(open); a != std::string::npos; a = text.find(open, a)) {
        const size_t b = text.find(close, a);
        if (b == std::string::npos) {
            text.erase(a, 1);
            continue;
        }
        text.erase(a, b + 1 - a);
    }
}

/// Length of the longest common subsequence.
size_t commonInOrder(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    std::vector<size_t> row(b.size() + 1);
    for (const std::string& x : a) {
        size_t diagonal = 0;
        for (size_t j = 0; j < b.size(); ++j) {
            const size_t above = row[j + 1];
            row[j + 1] = x == b[j] ? diagonal + 1 : std::max(row[j + 1], row[j]);
            diagonal = above;
        }
    }
    return row.back();
}

}  // namespace

std::string cleanHeadline(std::string_view title, const std::vector<std::string>& sentences) {
    std::string text(title);
    dropTitleSlug(text);
    dropBracketed(text, '<', '>');
    dropBracketed(text, '(', ')');
    for (const std::string_view slug : {"TALKING POINT/", "WALL STREET STOCKS/", "TECHNOLOGY/", "ENERGY/",
                                        "CORRECTED - ", "CORRECTION - ", "RPT - ", "FEATURE - ", "AUDIO/", "URGENT - "})
        if (text.starts_with(slug)) text.erase(0, slug.size());
    std::vector<Token> tokens = tokenize(text);
    std::erase_if(tokens, [](const Token& t) { return t.text().empty(); });
    const bool shouting = !hasLower(text);
    if (shouting) {
        const Spellings spellings = learn(sentences);
        for (Token& t : tokens) t.core = spellCompound(t.core, spellings);
    }
    if (!tokens.empty() && !tokens[0].core.empty() && shouting && !hasUpper(tokens[0].core)) {
        char& c = tokens[0].core[0];
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    std::string out = join(tokens);
    while (!out.empty() && !out.ends_with("...") &&
           (out.back() == ' ' || out.back() == '.' || out.back() == '-' || out.back() == '/' || out.back() == ','))
        out.pop_back();
    return out;
}

Grounding groundHeadline(std::string_view headline, const std::vector<std::string>& sentences) {
    const std::vector<std::string> list = topicKeys(headline);
    std::set<std::string> open(list.begin(), list.end());
    const double total = static_cast<double>(open.size());
    std::vector<std::set<std::string>> keys;
    for (const std::string& s : sentences) {
        const auto k = topicKeys(s);
        keys.emplace_back(k.begin(), k.end());
        if (isFurniture(s)) keys.back().clear();
    }
    Grounding g;
    while (!open.empty() && g.sentences.size() < 3) {
        int best = -1;
        size_t gain = 0;
        for (size_t i = 0; i < sentences.size(); ++i) {
            const size_t found = static_cast<size_t>(
                std::count_if(open.begin(), open.end(), [&](const std::string& k) { return keys[i].contains(k); }));
            if (found > gain) {
                gain = found;
                best = static_cast<int>(i);
            }
        }
        if (best < 0) break;
        // A second or third sentence has to bring something that matters: two topics, a number or a name.
        if (!g.sentences.empty() && gain < 2) {
            bool matters = false;
            for (const Token& t : tokenize(headline))
                if (open.contains(topicKey(t.core)) && keys[static_cast<size_t>(best)].contains(topicKey(t.core)))
                    matters = matters || hasDigit(t.core) || hasUpper(t.core);
            if (!matters) break;
        }
        g.sentences.push_back(best);
        std::erase_if(open, [&](const std::string& k) { return keys[static_cast<size_t>(best)].contains(k); });
    }
    std::sort(g.sentences.begin(), g.sentences.end());
    std::vector<std::string> said;
    for (const int i : g.sentences) {
        const auto k = topicKeys(sentences[static_cast<size_t>(i)]);
        said.insert(said.end(), k.begin(), k.end());
    }
    g.inOrder = list.empty() ? 0 : static_cast<double>(commonInOrder(list, said)) / static_cast<double>(list.size());
    g.share = total > 0 ? (total - static_cast<double>(open.size())) / total : 0;
    g.numbersFound = std::none_of(open.begin(), open.end(), [](const std::string& k) { return hasDigit(k); });
    if (hasLower(headline))
        for (const Token& t : tokenize(headline))
            if (t.core.size() > 1 && hasUpper(t.core) && !hasLower(t.core) && open.contains(topicKey(t.core)))
                g.numbersFound = false;
    g.subjectFound = !list.empty() && !open.contains(list.front());
    return g;
}

}  // namespace spanscope::news
