// Typed reading of GGUF metadata.
#include <array>
#include <cmath>

#include "engine/files/file_error.h"
#include "engine/files/utf8.h"
#include "engine/model/gguf/byte_reader.h"
#include "engine/model/gguf/gguf.h"
#include "engine/model/shape_limits.h"

namespace spanscope {

namespace {

constexpr size_t kMaxTextBytes = 65536;

bool isInteger(GgufType type) {
    return type != GgufType::F32 && type != GgufType::F64 && type != GgufType::Bool && type != GgufType::String &&
           type != GgufType::Array;
}

/// Empty if the value is above the largest int64.
std::optional<int64_t> readInteger(GgufType type, ByteReader& reader) {
    switch (type) {
        case GgufType::U8: return reader.u8();
        case GgufType::I8: return static_cast<int8_t>(reader.u8());
        case GgufType::U16: return reader.u16();
        case GgufType::I16: return static_cast<int16_t>(reader.u16());
        case GgufType::U32: return reader.u32();
        case GgufType::I32: return static_cast<int32_t>(reader.u32());
        case GgufType::I64: return static_cast<int64_t>(reader.u64());
        case GgufType::U64: {
            const uint64_t value = reader.u64();
            if (value > INT64_MAX) return {};
            return static_cast<int64_t>(value);
        }
        default: return {};
    }
}

std::optional<double> readNumber(GgufType type, ByteReader& reader) {
    if (type == GgufType::F32) return reader.f32();
    if (type == GgufType::F64) return reader.f64();
    if (const auto value = readInteger(type, reader)) return static_cast<double>(*value);
    return {};
}

std::string describe(const GgufValue& value) {
    ByteReader reader(value.bytes);
    if (isInteger(value.type)) {
        const auto number = readInteger(value.type, reader);
        return number ? std::to_string(*number) : "a number above 2^63";
    }
    if (value.type == GgufType::String) return "\"" + std::string(reader.string().substr(0, 60)) + "\"";
    if (value.type == GgufType::Array)
        return "array of " + std::to_string(value.count) + " " + ggufTypeName(value.elementType);
    return ggufTypeName(value.type);
}

}  // namespace

const char* ggufTypeName(GgufType type) {
    constexpr std::array<const char*, 13> kNames{"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                                 "bool", "string", "array", "u64", "i64", "f64"};
    return kNames[static_cast<uint32_t>(type)];
}

const GgufValue* GgufFields::find(const std::string& key, bool required, const char* expected) {
    const auto it = m_gguf.metadata.find(key);
    if (it != m_gguf.metadata.end()) return &it->second;
    if (required) fail(ErrorCode::Format, "key missing", key, "nothing", expected);
    return nullptr;
}

void GgufFields::fail(ErrorCode code, std::string message, const std::string& key, std::string_view found,
                      std::string_view expected) {
    if (!m_error) m_error = fileError(code, std::move(message), m_file, key, found, expected);
}

int64_t GgufFields::integer(const std::string& key, int64_t min, int64_t max, std::optional<int64_t> fallback) {
    const GgufValue* value = find(key, !fallback, "an integer");
    if (value == nullptr) return fallback.value_or(min);
    ByteReader reader(value->bytes);
    if (isInteger(value->type))
        if (const auto number = readInteger(value->type, reader); number && *number >= min && *number <= max)
            return *number;
    fail(ErrorCode::Format, "value out of range or of the wrong kind", key, describe(*value),
         "an integer from " + std::to_string(min) + " to " + std::to_string(max));
    return min;
}

double GgufFields::number(const std::string& key, double min, double max, std::optional<double> fallback) {
    const GgufValue* value = find(key, !fallback, "a number");
    if (value == nullptr) return fallback.value_or(min);
    ByteReader reader(value->bytes);
    const auto number = readNumber(value->type, reader);
    if (number && std::isfinite(*number) && *number >= min && *number <= max) return *number;
    fail(ErrorCode::Format, "value out of range or of the wrong kind", key,
         number ? std::to_string(*number) : describe(*value),
         "a number from " + std::to_string(min) + " to " + std::to_string(max));
    return min;
}

bool GgufFields::boolean(const std::string& key, bool fallback) {
    const GgufValue* value = find(key, false, "");
    if (value == nullptr) return fallback;
    ByteReader reader(value->bytes);
    if (value->type == GgufType::Bool) return reader.u8() != 0;
    fail(ErrorCode::Format, "value of the wrong kind", key, describe(*value), "a bool");
    return fallback;
}

std::string GgufFields::string(const std::string& key, std::optional<std::string> fallback) {
    const GgufValue* value = find(key, !fallback, "a string");
    if (value == nullptr) return fallback.value_or("");
    ByteReader reader(value->bytes);
    if (value->type == GgufType::String) {
        const std::string_view text = reader.string();
        if (text.size() > kMaxTextBytes) {
            fail(ErrorCode::Format, "text too long", key, std::to_string(text.size()) + " bytes",
                 "at most " + std::to_string(kMaxTextBytes));
            return {};
        }
        if (firstBadUtf8(text) == std::string_view::npos) return std::string(text);
        fail(ErrorCode::Format, "not UTF-8", key);
        return {};
    }
    fail(ErrorCode::Format, "value of the wrong kind", key, describe(*value), "a string");
    return {};
}

std::vector<std::string> GgufFields::strings(const std::string& key) {
    const GgufValue* value = find(key, true, "an array of strings");
    if (value == nullptr) return {};
    if (value->type != GgufType::Array || value->elementType != GgufType::String) {
        fail(ErrorCode::Format, "value of the wrong kind", key, describe(*value), "an array of strings");
        return {};
    }
    std::vector<std::string> result;
    ByteReader reader(value->bytes);
    for (uint64_t i = 0; i < value->count; ++i) {
        const std::string_view text = reader.string();
        if (i >= kMaxVocab || text.size() > kMaxTextBytes) {
            fail(ErrorCode::Format, "too many or too long", key + "[" + std::to_string(i) + "]",
                 std::to_string(value->count) + " texts, this one of " + std::to_string(text.size()) + " bytes",
                 "at most " + std::to_string(kMaxVocab) + " of " + std::to_string(kMaxTextBytes) + " bytes");
            return {};
        }
        result.emplace_back(text);
    }
    return result;
}

std::vector<double> GgufFields::numbers(const std::string& key) {
    const GgufValue* value = find(key, false, "");
    if (value == nullptr) return {};
    std::vector<double> result;
    if (value->type == GgufType::Array) {
        ByteReader reader(value->bytes);
        for (uint64_t i = 0; i < value->count && i < kMaxVocab; ++i) {
            const auto number = readNumber(value->elementType, reader);
            if (!number || !std::isfinite(*number)) break;
            result.push_back(*number);
        }
    }
    if (value->type != GgufType::Array || result.size() != value->count) {
        fail(ErrorCode::Format, "value of the wrong kind", key, describe(*value), "an array of numbers");
        return {};
    }
    return result;
}

}  // namespace spanscope
