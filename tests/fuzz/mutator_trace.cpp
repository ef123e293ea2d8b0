// A recording: lines dropped, repeated, moved, and the JSON of one of them changed.
#include "tests/fuzz/mutate.h"

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t maxSize, unsigned seed) {
    using namespace spanscope::fuzz;
    Dice dice(seed);
    std::vector<std::string> lines;
    const std::string_view text(reinterpret_cast<char*>(data), size);
    for (size_t begin = 0; begin < text.size();) {
        const size_t end = std::min(text.find('\n', begin), text.size());
        lines.emplace_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    if (lines.empty()) return LLVMFuzzerMutate(data, size, maxSize);
    const size_t at = dice.below(lines.size());
    switch (dice.below(8)) {
        case 0: lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at)); break;
        case 1: lines.push_back(std::string(lines[at])); break;
        case 2: std::swap(lines[at], dice.of(lines)); break;
        default: lines[at] = mutateJson(lines[at], dice);
    }
    std::string out;
    for (const std::string& line : lines) out += line + '\n';
    if (dice.oneIn(16) && !out.empty()) out.pop_back();
    return give(out, data, maxSize);
}
