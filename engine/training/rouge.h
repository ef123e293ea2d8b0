// ROUGE-1, ROUGE-2, ROUGE-L as the Python package rouge-score defines them (Lin 2004; the package's tokenizer,
// optional Porter stemmer for words of more than three letters). Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spanscope {

struct RougeScore {
    double precision = 0, recall = 0, f1 = 0;
};
struct RougeScores {
    RougeScore rouge1, rouge2, rougeL;
};

/// Lower-case runs of ASCII letters and digits, stemmed if wanted.
std::vector<std::string> rougeWords(std::string_view text, bool stem);

RougeScore rougeN(const std::vector<std::string>& reference, const std::vector<std::string>& candidate, int n);
RougeScore rougeL(const std::vector<std::string>& reference, const std::vector<std::string>& candidate);
RougeScores rouge(std::string_view reference, std::string_view candidate, bool stem = true);

}  // namespace spanscope
