#include "tests/model/golden_models.h"

#include <cstring>
#include <filesystem>
#include <optional>

#include "engine/model/hf/safetensors.h"
#include "kernels/half.h"
#include "tests/model/gguf_writer.h"
#include "tests/model/tiny_model.h"

namespace spanscope::test {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

const std::string kFolder = SPANSCOPE_SOURCE_DIR "/tests/fixtures/golden/";

std::string sharedWeights(const std::string& name) { return familyCases()[name].value("weights", name); }

std::string floats(const std::vector<float>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

/// A metadata value behind its type; ggml's numbers.
std::string metadataValue(uint32_t type, const json& value) {
    if (type == 4) return gguf::u32Value(value.get<uint32_t>());
    if (type == 6) return gguf::f32Value(value.get<float>());
    if (type == 7) return gguf::number(7, 4) + gguf::number(value.get<bool>(), 1);
    return gguf::stringValue(value.get<std::string>());
}

/// Rows of each head from halves to neighbours.
std::string permuted(const std::string& data, int64_t rows, int64_t nHeads) {
    const size_t stride = data.size() / static_cast<size_t>(rows);
    const int64_t headDim = rows / nHeads, half = headDim / 2;
    std::string out;
    for (int64_t h = 0; h < nHeads; ++h)
        for (int64_t i = 0; i < headDim; ++i) {
            const int64_t from = h * headDim + (i % 2 == 0 ? i / 2 : half + i / 2);
            out += data.substr(static_cast<size_t>(from) * stride, stride);
        }
    return out;
}

constexpr uint32_t kF32 = 0, kBf16 = 30;  // ggml's numbers

GgufParts::Tensor convert(const std::string& name, const SafetensorsEntry& entry, const std::string& file,
                          const std::string& change) {
    GgufParts::Tensor tensor{
        name, {entry.shape.rbegin(), entry.shape.rend()}, kBf16, file.substr(entry.begin, entry.end - entry.begin)};
    if (change.starts_with("permute "))
        tensor.data = permuted(tensor.data, entry.shape[0], std::stoi(change.substr(8)));
    if (entry.shape.size() > 1) return tensor;
    std::vector<float> values;  // vectors are F32 in GGUF
    for (size_t i = 0; i + 1 < tensor.data.size(); i += 2) {
        uint16_t bits = 0;
        std::memcpy(&bits, &tensor.data[i], sizeof bits);
        values.push_back(bf16ToFloat(bits) + (change == "plus one" ? 1.f : 0.f));
    }
    tensor.type = kF32;
    tensor.data = floats(values);
    return tensor;
}

std::string withLayer(const std::string& pattern, const std::string& layer) {
    const size_t at = pattern.find("{}");
    return at == std::string::npos ? pattern : pattern.substr(0, at) + layer + pattern.substr(at + 2);
}

/// What stands for {} if the name fits the pattern; "" where the pattern has none.
std::optional<std::string> layerIn(const std::string& name, const std::string& pattern) {
    const size_t at = pattern.find("{}");
    const std::string layer = at == std::string::npos ? "" : name.substr(std::min(at, name.size()), 1);
    if (withLayer(pattern, layer) != name) return {};
    return layer;
}

/// The first n elements of an array behind its type.
std::string shortened(const std::string& array, uint64_t n) {
    constexpr size_t kHeader = 16;  // array, type of its elements, their number
    const bool isText = array[4] == 8;
    size_t end = kHeader;
    for (uint64_t i = 0; i < n; ++i) {
        uint64_t length = 0;
        if (isText) std::memcpy(&length, &array[end], sizeof length);
        end += isText ? sizeof length + length : 4;
    }
    return array.substr(0, 8) + gguf::number(n, 8) + array.substr(kHeader, end - kHeader);
}

}  // namespace

const json& familyCases() {
    static const json all = json::parse(readFile(kFolder + "families.json"))["cases"];
    return all;
}

std::vector<std::string> familyNames() {
    std::vector<std::string> names;
    for (const auto& item : familyCases().items()) names.push_back(item.key());
    return names;
}

bool hasWeights(const std::string& name) { return sharedWeights(name) == name; }

bool copyGoldenFolder(const std::string& name, const std::string& folder) {
    std::error_code failed;
    const std::string weights = kFolder + sharedWeights(name) + "/";
    for (const std::string& from :
         {kFolder + name + "/config.json", weights + "model.safetensors", weights + "tokenizer.model"}) {
        fs::copy_file(from, folder + "/" + fs::path(from).filename().string(), failed);
        if (failed) return false;
    }
    return true;
}

bool writeFamilyGguf(const std::string& name, const std::string& path) {
    const json& plan = familyCases()[name]["gguf"];
    const std::string source = kFolder + sharedWeights(name) + "/model.safetensors", file = readFile(source);
    const auto header = parseSafetensors({reinterpret_cast<const uint8_t*>(file.data()), file.size()}, source);
    if (!header) return false;
    GgufParts parts;
    for (const SafetensorsEntry& entry : header->tensors)
        for (const auto& [ggufName, from] : plan["tensors"].items())
            if (const auto layer = layerIn(entry.name, from[0]))
                parts.tensors.push_back(convert(withLayer(ggufName, *layer), entry, file, from[1]));
    if (parts.tensors.size() != header->tensors.size()) return false;
    const json vectors = plan.value("vectors", json::object());
    for (const auto& [ggufName, values] : vectors.items())
        parts.tensors.push_back({ggufName, {values.size()}, kF32, floats(values.get<std::vector<float>>())});
    for (const json& entry : plan["metadata"])
        parts.metadata[entry[0]] = metadataValue(entry[1].get<uint32_t>(), entry[2]);
    for (const auto& [key, value] : GgufParts::read(kFolder + "F32.gguf").metadata)  // a vocabulary, cut to size
        if (key.starts_with("tokenizer."))
            parts.metadata[key] = value[0] == 9 ? shortened(value, familyCases()[name]["vocab"]) : value;
    return writeFile(path, parts.write());
}

}  // namespace spanscope::test
