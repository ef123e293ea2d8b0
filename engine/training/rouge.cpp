#include "engine/training/rouge.h"

#include <algorithm>
#include <unordered_map>

#include "engine/training/porter_stem.h"

namespace spanscope {
namespace {

RougeScore score(double hits, double nReference, double nCandidate) {
    RougeScore s;
    s.precision = hits / std::max(nCandidate, 1.0);
    s.recall = hits / std::max(nReference, 1.0);
    const double sum = s.precision + s.recall;
    s.f1 = sum > 0 ? 2 * s.precision * s.recall / sum : 0;
    return s;
}

std::unordered_map<std::string, int> ngrams(const std::vector<std::string>& words, int n) {
    std::unordered_map<std::string, int> counts;
    const auto size = static_cast<size_t>(n);
    for (size_t i = 0; i + size <= words.size(); ++i) {
        std::string gram;
        for (size_t j = i; j < i + size; ++j) gram += words[j] + ' ';
        ++counts[gram];
    }
    return counts;
}

}  // namespace

std::vector<std::string> rougeWords(std::string_view text, bool stem) {
    std::vector<std::string> words;
    std::string word;
    auto flush = [&] {
        if (!word.empty()) words.push_back(stem && word.size() > 3 ? porterStem(word) : word);
        word.clear();
    };
    for (char c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) word += c;
        else flush();
    }
    flush();
    return words;
}

RougeScore rougeN(const std::vector<std::string>& reference, const std::vector<std::string>& candidate, int n) {
    const auto ref = ngrams(reference, n), cand = ngrams(candidate, n);
    double hits = 0, nRef = 0, nCand = 0;
    for (const auto& [gram, count] : cand) nCand += count;
    for (const auto& [gram, count] : ref) {
        nRef += count;
        if (auto it = cand.find(gram); it != cand.end()) hits += std::min(count, it->second);
    }
    return score(hits, nRef, nCand);
}

RougeScore rougeL(const std::vector<std::string>& reference, const std::vector<std::string>& candidate) {
    if (reference.empty() || candidate.empty()) return {};
    std::vector<int> row(candidate.size() + 1, 0);  // longest common subsequence, one row at a time
    for (const std::string& word : reference) {
        int diagonal = 0;
        for (size_t j = 1; j < row.size(); ++j) {
            const int above = row[j];
            row[j] = word == candidate[j - 1] ? diagonal + 1 : std::max(above, row[j - 1]);
            diagonal = above;
        }
    }
    return score(row.back(), static_cast<double>(reference.size()), static_cast<double>(candidate.size()));
}

RougeScores rouge(std::string_view reference, std::string_view candidate, bool stem) {
    const auto ref = rougeWords(reference, stem), cand = rougeWords(candidate, stem);
    return {rougeN(ref, cand, 1), rougeN(ref, cand, 2), rougeL(ref, cand)};
}

}  // namespace spanscope
