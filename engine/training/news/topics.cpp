#include "engine/training/news/topics.h"

#include <algorithm>

#include "engine/reading/word_kinds.h"
#include "engine/reading/words.h"
#include "engine/training/porter_stem.h"

namespace spanscope::news {

std::string topicKey(std::string_view core) {
    const std::string word = lower(withoutPossessive(core));
    if (word.empty() || isStopword(word)) return {};
    std::string key;
    for (const char c : word)
        if (isWordByte(c)) key += c;
    if (key.empty()) return {};
    const bool plain = std::all_of(key.begin(), key.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    return plain && key.size() > 3 ? porterStem(key) : word;
}

std::vector<std::string> topicKeys(std::string_view text) {
    std::vector<std::string> keys;
    for (const Token& t : tokenize(text))
        if (std::string key = topicKey(t.core); !key.empty()) keys.push_back(std::move(key));
    return keys;
}

}  // namespace spanscope::news
