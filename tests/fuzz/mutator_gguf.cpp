// A GGUF file: metadata and tensor table entry by entry, written with counts that mostly fit.
#include "engine/model/gguf/gguf.h"
#include "tests/fuzz/mutate.h"

using namespace spanscope;
using namespace spanscope::fuzz;

namespace {

template <class T>
void put(std::string& out, T value) {
    for (size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xFF);
}

void putText(std::string& out, std::string_view text) {
    put<uint64_t>(out, text.size());
    out += text;
}

struct Value {
    std::string key;
    uint32_t type = 0, elementType = 0;
    uint64_t count = 0;
    std::string bytes;
};
struct Tensor {
    std::string name;
    std::vector<uint64_t> extents;  // fastest first, as the file has them
    uint32_t type = 0;
    uint64_t offset = 0;
};

void change(std::vector<Value>& values, Dice& dice) {
    if (values.empty()) return;
    const size_t at = dice.below(values.size());
    Value& value = values[at];
    switch (dice.below(8)) {
        case 0: values.erase(values.begin() + static_cast<std::ptrdiff_t>(at)); break;
        case 1: values.push_back(Value(value)); break;
        case 2: value.key = std::string(dice.of(values).key); break;
        case 3: value.type = static_cast<uint32_t>(dice.below(14)); break;
        case 4: value.elementType = static_cast<uint32_t>(dice.below(14)); break;
        case 5: value.count = dice.oneIn(2) ? edgeNumber(dice) : value.count + 1 - dice.below(3); break;
        case 6: {
            std::string number;
            put<uint64_t>(number, edgeNumber(dice));
            value.bytes.replace(0, std::min<size_t>(value.bytes.size(), 8),
                                number.substr(0, std::min<size_t>(value.bytes.size(), 8)));
            break;
        }
        default: value.bytes = mutateBytes(value.bytes, value.bytes.size() + 16);
    }
}

void change(std::vector<Tensor>& tensors, Dice& dice) {
    if (tensors.empty()) return;
    const size_t at = dice.below(tensors.size());
    Tensor& tensor = tensors[at];
    switch (dice.below(7)) {
        case 0: tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(at)); break;
        case 1: tensors.push_back(Tensor(tensor)); break;
        case 2: tensor.name = std::string(dice.of(tensors).name); break;
        case 3: tensor.type = static_cast<uint32_t>(dice.below(40)); break;
        case 4: tensor.offset = dice.oneIn(2) ? edgeNumber(dice) : tensor.offset + 32 * dice.below(4); break;
        case 5:
            if (!tensor.extents.empty()) dice.of(tensor.extents) = edgeNumber(dice);
            break;
        default: tensor.extents.push_back(1 + dice.below(3));
    }
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t maxSize, unsigned seed) {
    Dice dice(seed);
    const auto gguf = parseGguf({data, size}, "mutated.gguf");
    if (!gguf || dice.oneIn(8)) return LLVMFuzzerMutate(data, size, maxSize);
    std::vector<Value> values;
    for (const auto& [key, value] : gguf->metadata)
        values.push_back({key, static_cast<uint32_t>(value.type), static_cast<uint32_t>(value.elementType), value.count,
                          std::string(value.bytes.begin(), value.bytes.end())});
    const size_t dataStart = (gguf->header.size() + 31) / 32 * 32;
    std::vector<Tensor> tensors;
    for (const GgufTensor& tensor : gguf->tensors) {
        const size_t at = tensor.bytes.empty() ? dataStart : static_cast<size_t>(tensor.bytes.data() - data);
        tensors.push_back({tensor.name,
                           {tensor.shape.rbegin(), tensor.shape.rend()},
                           tensor.type,
                           at < dataStart ? 0 : at - dataStart});
    }
    for (size_t i = 1 + dice.below(2); i > 0; --i) dice.oneIn(3) ? change(tensors, dice) : change(values, dice);

    std::string out("GGUF");
    put<uint32_t>(out, gguf->version);
    put<uint64_t>(out, dice.oneIn(24) ? edgeNumber(dice) : tensors.size());
    put<uint64_t>(out, dice.oneIn(24) ? edgeNumber(dice) : values.size());
    for (const Value& value : values) {
        putText(out, value.key);
        put(out, value.type);
        if (value.type == static_cast<uint32_t>(GgufType::Array)) {
            put(out, value.elementType);
            put(out, value.count);
        }
        out += value.bytes;
    }
    for (const Tensor& tensor : tensors) {
        putText(out, tensor.name);
        put(out, static_cast<uint32_t>(tensor.extents.size()));
        for (const uint64_t extent : tensor.extents) put(out, extent);
        put(out, tensor.type);
        put(out, tensor.offset);
    }
    out.resize((out.size() + 31) / 32 * 32);
    if (dataStart < size) out.append(reinterpret_cast<const char*>(data) + dataStart, size - dataStart);
    return give(out, data, maxSize);
}
