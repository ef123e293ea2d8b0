#include "engine/model/hf/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/files/file_error.h"
#include "engine/files/json_fields.h"

namespace spanscope {

using nlohmann::json;

namespace {

constexpr size_t kLengthBytes = 8;
// The format's own library takes 100 MB; 1,024 Llama layers need 3 MB, and parsed JSON is many times its text.
constexpr uint64_t kMaxHeaderBytes = 16 << 20;
constexpr size_t kMaxDimensions = 8;

uint64_t elementBytes(std::string_view dtype) {
    constexpr std::array<std::pair<std::string_view, uint64_t>, 15> kTypes{{{"BOOL", 1},
                                                                            {"U8", 1},
                                                                            {"I8", 1},
                                                                            {"F8_E4M3", 1},
                                                                            {"F8_E5M2", 1},
                                                                            {"F8_E8M0", 1},
                                                                            {"I16", 2},
                                                                            {"U16", 2},
                                                                            {"F16", 2},
                                                                            {"BF16", 2},
                                                                            {"I32", 4},
                                                                            {"U32", 4},
                                                                            {"F32", 4},
                                                                            {"F64", 8},
                                                                            {"I64", 8}}};
    if (dtype == "U64") return 8;
    for (const auto& [name, bytes] : kTypes)
        if (name == dtype) return bytes;
    return 0;
}

std::optional<uint64_t> asUnsigned(const json& value) {
    if (!value.is_number_unsigned()) return {};
    return value.get<uint64_t>();
}

/// Reads one entry; `dataBytes` bounds every number in it.
Result<SafetensorsEntry> readEntry(const std::string& name, const json& value, uint64_t dataBytes,
                                   const std::string& file) {
    const auto bad = [&](const char* message, const char* key, std::string_view found, std::string_view expected) {
        return fileError(ErrorCode::Format, message, file, key[0] ? name + "." + key : name, found, expected);
    };
    if (!value.is_object()) return bad("wrong kind of value", "", describeJson(value), "an object");
    const auto dtype = value.find("dtype");
    const auto shape = value.find("shape");
    const auto offsets = value.find("data_offsets");
    if (dtype == value.end() || !dtype->is_string()) return bad("missing or not a string", "dtype", {}, {});
    if (shape == value.end() || !shape->is_array()) return bad("missing or not a list", "shape", {}, {});
    if (offsets == value.end() || !offsets->is_array() || offsets->size() != 2)
        return bad("missing or not a list of two", "data_offsets", {}, {});

    SafetensorsEntry entry;
    entry.name = name;
    entry.dtype = dtype->get<std::string>();
    uint64_t bytes = elementBytes(entry.dtype);
    if (bytes == 0) return bad("unknown type", "dtype", entry.dtype, "F32, F16, BF16 or another safetensors type");
    if (shape->size() > kMaxDimensions)
        return bad("too many dimensions", "shape", std::to_string(shape->size()), "at most 8");
    for (const json& item : *shape) {
        const auto extent = asUnsigned(item);
        if (!extent) return bad("not a count", "shape", describeJson(item), "a number not below 0");
        if (*extent > INT64_MAX || (*extent != 0 && bytes > UINT64_MAX / *extent))
            return bad("larger than any file", "shape", describeJson(item), {});
        bytes *= *extent;
        entry.shape.push_back(static_cast<int64_t>(*extent));
    }
    const auto begin = asUnsigned((*offsets)[0]);
    const auto end = asUnsigned((*offsets)[1]);
    if (!begin || !end || *begin > *end)
        return bad("not a range", "data_offsets",
                   "[" + describeJson((*offsets)[0]) + ", " + describeJson((*offsets)[1]) + "]",
                   "begin not above end, both not below 0");
    if (*end > dataBytes)
        return bad("reaches past the end of the file", "data_offsets", std::to_string(*end),
                   "at most " + std::to_string(dataBytes));
    if (*end - *begin != bytes)
        return bad("size does not follow from dtype and shape", "data_offsets",
                   std::to_string(*end - *begin) + " bytes", std::to_string(bytes) + " bytes");
    entry.begin = *begin;
    entry.end = *end;
    return entry;
}

}  // namespace

Result<SafetensorsHeader> parseSafetensors(std::span<const uint8_t> file, const std::string& fileName) {
    if (file.size() < kLengthBytes)
        return fileError(ErrorCode::Format, "file ends inside its header length", fileName, "size",
                         std::to_string(file.size()) + " bytes", "at least 8 bytes");
    uint64_t length = 0;
    for (size_t i = 0; i < kLengthBytes; ++i) length |= uint64_t{file[i]} << (8 * i);
    const uint64_t longest = std::min<uint64_t>(file.size() - kLengthBytes, kMaxHeaderBytes);
    if (length > longest)
        return fileError(ErrorCode::Format, "header longer than the file, or than any Llama model needs", fileName,
                         "header length", std::to_string(length), "at most " + std::to_string(longest));
    SafetensorsHeader header;
    header.json = file.subspan(kLengthBytes, length);
    const std::string_view text(reinterpret_cast<const char*>(header.json.data()), header.json.size());
    auto object = parseJsonObject(text, fileName);
    if (!object) return object.error();

    const uint64_t dataStart = kLengthBytes + length;
    const uint64_t dataBytes = file.size() - dataStart;
    for (const auto& [name, value] : object->items()) {
        if (name == "__metadata__") continue;
        auto entry = readEntry(name, value, dataBytes, fileName);
        if (!entry) return entry.error();
        header.tensors.push_back(std::move(*entry));
    }
    std::sort(header.tensors.begin(), header.tensors.end(),
              [](const auto& a, const auto& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    uint64_t next = 0;  // the format has neither gaps nor overlaps
    for (SafetensorsEntry& entry : header.tensors) {
        if (entry.begin != next)
            return fileError(ErrorCode::Format,
                             entry.begin < next ? "overlaps the tensor before it" : "gap before this tensor", fileName,
                             entry.name + ".data_offsets", std::to_string(entry.begin), std::to_string(next));
        next = entry.end;
        entry.begin += dataStart;
        entry.end += dataStart;
    }
    if (next != dataBytes)
        return fileError(ErrorCode::Format, "tensors do not fill the file", fileName, "size",
                         std::to_string(dataBytes) + " bytes of data", std::to_string(next) + " bytes");
    return header;
}

}  // namespace spanscope
