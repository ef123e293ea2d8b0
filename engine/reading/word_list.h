// Lists of words that are known when the program is compiled.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace spanscope::news {

template <size_t N>
using WordList = std::array<std::string_view, N>;

/// The words, sorted.
template <class... W>
constexpr auto wordList(W... words) {
    WordList<sizeof...(W)> list{std::string_view(words)...};
    std::sort(list.begin(), list.end());
    return list;
}

template <size_t N>
bool has(const WordList<N>& words, std::string_view word) {
    return std::binary_search(words.begin(), words.end(), word);
}

}  // namespace spanscope::news
