#include "tests/model/gguf_writer.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine/model/gguf/gguf.h"
#include "tests/model/tiny_model.h"

namespace spanscope::test {

namespace gguf {

std::string number(uint64_t value, size_t nBytes) {
    std::string s;
    for (size_t i = 0; i < nBytes; ++i) s += static_cast<char>(value >> (8 * i) & 0xFF);
    return s;
}
std::string text(const std::string& s) { return number(s.size(), 8) + s; }
std::string u16Value(uint16_t v) { return number(2, 4) + number(v, 2); }
std::string u32Value(uint32_t v) { return number(4, 4) + number(v, 4); }
std::string f32Value(float v) {
    uint32_t bits = 0;
    std::memcpy(&bits, &v, sizeof bits);
    return number(6, 4) + number(bits, 4);
}
std::string stringValue(const std::string& s) { return number(8, 4) + text(s); }

}  // namespace gguf

using namespace gguf;

namespace {
[[noreturn]] void broken(const std::string& what) {
    std::fprintf(stderr, "GGUF fixture: %s\n", what.c_str());
    std::exit(99);
}
}  // namespace

GgufParts GgufParts::read(const std::string& path) {
    const std::string file = readFile(path);
    const auto parsed = parseGguf({reinterpret_cast<const uint8_t*>(file.data()), file.size()}, path);
    if (!parsed) broken(parsed.error().toString());
    GgufParts parts;
    for (const auto& [key, value] : parsed->metadata) {
        std::string bytes = number(uint32_t(value.type), 4);
        if (value.type == GgufType::Array) bytes += number(uint32_t(value.elementType), 4) + number(value.count, 8);
        parts.metadata[key] = bytes + std::string(value.bytes.begin(), value.bytes.end());
    }
    for (const GgufTensor& tensor : parsed->tensors)
        parts.tensors.push_back({tensor.name,
                                 {tensor.shape.rbegin(), tensor.shape.rend()},
                                 tensor.type,
                                 std::string(tensor.bytes.begin(), tensor.bytes.end())});
    return parts;
}

std::string GgufParts::write() const {
    const auto count = [](int64_t forced, size_t real) { return forced < 0 ? uint64_t(real) : uint64_t(forced); };
    std::string out = magic + number(version, 4) + number(count(nTensors, tensors.size()), 8) +
                      number(count(nValues, metadata.size()), 8);
    for (const auto& [key, value] : metadata) out += text(key) + value;
    std::string data;
    for (const Tensor& tensor : tensors) {
        out += text(tensor.name) + number(tensor.dimensions.size(), 4);
        for (const uint64_t n : tensor.dimensions) out += number(n, 8);
        out += number(tensor.type, 4) + number(tensor.offset < 0 ? data.size() : uint64_t(tensor.offset), 8);
        data += tensor.data;
        data.resize((data.size() + 31) / 32 * 32);
    }
    out.resize((out.size() + 31) / 32 * 32);
    return out + data;
}

GgufParts::Tensor& GgufParts::tensor(const std::string& wanted) {
    for (Tensor& t : tensors)
        if (t.name == wanted) return t;
    broken("no tensor " + wanted);
}

}  // namespace spanscope::test
