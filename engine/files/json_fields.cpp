#include "engine/files/json_fields.h"

#include <cmath>

#include "engine/files/file_error.h"
#include "engine/files/json_read.h"
#include "engine/files/utf8.h"

namespace spanscope {

using nlohmann::json;

Result<json> parseJsonObject(std::string_view text, const std::string& file) {
    JsonProblem problem;
    auto value = readJson(text, problem);
    if (!value) {
        if (!problem.key.empty()) return fileError(ErrorCode::Format, problem.message, file, problem.key);
        if (const size_t bad = firstBadUtf8(text); bad != std::string_view::npos)
            return fileError(ErrorCode::Format, "not UTF-8", file, "byte " + std::to_string(bad));
        return fileError(ErrorCode::Format, problem.message, file,
                         problem.byte > 0 ? "byte " + std::to_string(problem.byte) : "");
    }
    if (!value->is_object())
        return fileError(ErrorCode::Format, "wrong kind of JSON", file, {}, describeJson(*value), "an object");
    return std::move(*value);
}

std::string describeJson(const json& value) {
    if (value.is_string()) return "\"" + value.get_ref<const std::string&>() + "\"";
    if (value.is_number() || value.is_boolean() || value.is_null()) return value.dump();
    if (value.is_array()) return "an array of " + std::to_string(value.size());
    return "an object";
}

const json* JsonFields::find(const char* key) const {
    const auto it = m_object.find(key);
    return it == m_object.end() || it->is_null() ? nullptr : &*it;
}

bool JsonFields::isNull(const char* key) const {
    const auto it = m_object.find(key);
    return it != m_object.end() && it->is_null();
}

void JsonFields::fail(ErrorCode code, std::string message, std::string_view key, std::string_view found,
                      std::string_view expected) {
    if (!m_error) m_error = fileError(code, std::move(message), m_file, m_prefix + std::string(key), found, expected);
}

const json* JsonFields::need(const char* key, bool hasFallback, const char* expected) {
    const json* value = find(key);
    if (value == nullptr && !hasFallback) fail(ErrorCode::Format, "field missing", key, "nothing", expected);
    return value;
}

int64_t JsonFields::integer(const char* key, int64_t min, int64_t max, std::optional<int64_t> fallback) {
    const json* value = need(key, fallback.has_value(), "an integer");
    if (value == nullptr) return fallback.value_or(min);
    int64_t result = 0;
    bool fits = value->is_number_integer();
    if (fits && value->is_number_unsigned()) fits = value->get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX);
    if (fits) {
        result = value->get<int64_t>();
        fits = result >= min && result <= max;
    }
    if (fits) return result;
    fail(ErrorCode::Format, "value out of range or of the wrong kind", key, describeJson(*value),
         "an integer from " + std::to_string(min) + " to " + std::to_string(max));
    return min;
}

int32_t JsonFields::int32(const char* key, int32_t min, int32_t max, std::optional<int32_t> fallback) {
    return static_cast<int32_t>(
        integer(key, min, max, fallback ? std::optional<int64_t>(*fallback) : std::optional<int64_t>()));
}

double JsonFields::number(const char* key, double min, double max, std::optional<double> fallback) {
    const json* value = need(key, fallback.has_value(), "a number");
    if (value == nullptr) return fallback.value_or(min);
    if (value->is_number()) {
        const double result = value->get<double>();
        if (std::isfinite(result) && result >= min && result <= max) return result;
    }
    fail(ErrorCode::Format, "value out of range or of the wrong kind", key, describeJson(*value),
         "a number from " + json(min).dump() + " to " + json(max).dump());
    return min;
}

bool JsonFields::boolean(const char* key, std::optional<bool> fallback) {
    const json* value = need(key, fallback.has_value(), "true or false");
    if (value == nullptr) return fallback.value_or(false);
    if (value->is_boolean()) return value->get<bool>();
    fail(ErrorCode::Format, "value of the wrong kind", key, describeJson(*value), "true or false");
    return false;
}

std::string JsonFields::string(const char* key, const std::optional<std::string>& fallback) {
    const json* value = need(key, fallback.has_value(), "a string");
    if (value == nullptr) return fallback.value_or("");
    if (value->is_string()) return value->get<std::string>();
    fail(ErrorCode::Format, "value of the wrong kind", key, describeJson(*value), "a string");
    return {};
}

}  // namespace spanscope
