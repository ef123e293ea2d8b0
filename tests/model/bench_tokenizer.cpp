// How fast a model's vocabulary encodes a text, one thread.
//
//   bench_tokenizer MODEL TEXT     prints bytes, tokens and MB/s: the median of five rounds, the first one apart
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/model/model.h"

using namespace spanscope;

int main(int argc, char** argv) {
    if (argc != 3) return std::fprintf(stderr, "bench_tokenizer MODEL TEXT\n"), 2;
    const auto model = openModel(argv[1]);
    if (!model) return std::fprintf(stderr, "%s\n", model.error().toString().c_str()), 1;
    std::ifstream file(argv[2], std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    std::array<double, 6> rates{};  // MB/s
    size_t nTokens = 0;
    for (double& rate : rates) {
        const auto start = std::chrono::steady_clock::now();
        const auto ids = (*model)->tokenizer().encode(text);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        if (!ids) return std::fprintf(stderr, "%s\n", ids.error().toString().c_str()), 1;
        nTokens = ids->size();
        rate = 1e-6 * static_cast<double>(text.size()) / took.count();
    }
    std::sort(rates.begin() + 1, rates.end());
    std::printf("%zu bytes, %zu tokens: %.1f MB/s, the first time %.1f\n", text.size(), nTokens, rates[3], rates[0]);
}
