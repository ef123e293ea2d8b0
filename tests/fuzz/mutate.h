// Mutations that know the format they change, for libFuzzer's custom mutators: a byte changed at random in a JSON text
// or a protobuf message is refused at the first check, and what lies behind it is never reached.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t maxSize);

namespace spanscope::fuzz {

/// Every choice of one mutation.
class Dice {
  public:
    explicit Dice(unsigned seed) : m_random(seed) {}
    size_t below(size_t n) { return n == 0 ? 0 : m_random() % n; }
    bool oneIn(size_t n) { return below(n) == 0; }
    template <class List>
    auto& of(List& list) {
        return list[below(std::size(list))];
    }

  private:
    std::minstd_rand m_random;
};

/// Numbers at which sizes, signs and types turn.
uint64_t edgeNumber(Dice& dice);

/// libFuzzer's own byte mutation, for a part of an input.
std::string mutateBytes(std::string_view bytes, size_t maxSize);

/// A JSON text with one to three changes of its tree: members dropped, written twice, renamed, swapped, nested, values
/// replaced by awkward ones. A text that is no JSON is mutated byte by byte.
std::string mutateJson(std::string_view text, Dice& dice);

/// A serialised protobuf message, field by field and one level down where a field parses as a message.
std::string mutateWire(std::string_view message, Dice& dice, int depth = 0);

/// Copies `result` to where libFuzzer wants it; what is longer than maxSize is cut.
size_t give(const std::string& result, uint8_t* data, size_t maxSize);

}  // namespace spanscope::fuzz
