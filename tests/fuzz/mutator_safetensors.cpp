// A safetensors file: its header as JSON, mostly with a length that fits.
#include "tests/fuzz/mutate.h"

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t maxSize, unsigned seed) {
    using namespace spanscope::fuzz;
    Dice dice(seed);
    uint64_t length = 0;
    for (size_t i = 0; i < 8 && i < size; ++i) length |= uint64_t{data[i]} << (8 * i);
    if (size < 8 || length > size - 8 || dice.oneIn(12)) return LLVMFuzzerMutate(data, size, maxSize);
    const std::string_view whole(reinterpret_cast<char*>(data), size);
    const std::string header = mutateJson(whole.substr(8, length), dice);
    std::string rest(whole.substr(8 + length));
    if (dice.oneIn(6)) rest = mutateBytes(rest, rest.size() + 16);
    const uint64_t written = dice.oneIn(12) ? edgeNumber(dice) : header.size();
    std::string out;
    for (size_t i = 0; i < 8; ++i) out += static_cast<char>(written >> (8 * i) & 0xFF);
    return give(out + header + rest, data, maxSize);
}
