// For targets whose whole input is one JSON text.
#include "tests/fuzz/mutate.h"

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t maxSize, unsigned seed) {
    spanscope::fuzz::Dice dice(seed);
    return spanscope::fuzz::give(spanscope::fuzz::mutateJson({reinterpret_cast<char*>(data), size}, dice), data,
                                 maxSize);
}
