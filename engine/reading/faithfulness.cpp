#include "engine/reading/faithfulness.h"

#include <algorithm>
#include <set>

#include "engine/reading/word_kinds.h"
#include "engine/reading/words.h"

namespace spanscope {
namespace {

/// The parts of a word that may be found apart: "U.S.-Japan" is there if "U.S." and "Japan" are.
std::vector<std::string> parts(std::string text) {
    for (const std::string_view dash : {"\u2013", "\u2014"})  // "Bell\u2014then"
        for (size_t at = text.find(dash); at != std::string::npos; at = text.find(dash, at))
            text.replace(at, dash.size(), "-");
    const std::string_view word = text;
    std::vector<std::string> out;
    for (size_t i = 0; i < word.size();) {
        const size_t end = std::min(word.find_first_of("-/", i), word.size());
        if (end > i) out.push_back(news::lower(news::withoutPossessive(word.substr(i, end - i))));
        i = end + 1;
    }
    return out;
}

std::string bare(std::string_view word) {
    std::string s = news::lower(news::withoutPossessive(word));
    while (!s.empty() && s.back() == '.') s.pop_back();
    return s;
}

}  // namespace

Faithfulness faithfulness(std::string_view text, const std::vector<std::string>& sources) {
    std::set<std::string> words, lowerForms;
    for (const std::string& source : sources)
        for (const news::Token& t : news::tokenize(source)) {
            words.insert(bare(t.core));
            for (const std::string& p : parts(t.core)) words.insert(bare(p));
            if (!news::hasUpper(t.core)) lowerForms.insert(bare(t.core));
        }
    Faithfulness f;
    bool first = true;
    size_t at = 0;
    for (const news::Token& t : news::tokenize(text)) {
        const size_t begin = text.find_first_not_of(' ', at) + t.pre.size();
        at = begin + t.core.size() + t.post.size();
        if (t.core.empty()) continue;
        const bool opening = first;
        first = false;
        const bool number = news::hasDigit(t.core), name = news::hasUpper(t.core);
        if (!number && !name) continue;
        if (!number && opening && (lowerForms.contains(bare(t.core)) || news::isFunctionWord(bare(t.core)))) continue;
        ++f.items;
        const auto split = parts(t.core);
        const bool found = words.contains(bare(t.core)) ||
                           (split.size() > 1 && std::all_of(split.begin(), split.end(), [&](const std::string& p) {
                                return words.contains(bare(p));
                            }));
        if (found) ++f.supported;
        if (found) continue;
        f.missing.push_back(t.core);
        f.places.emplace_back(begin, begin + t.core.size());
    }
    return f;
}

}  // namespace spanscope
