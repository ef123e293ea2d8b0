#include "engine/model/json_fields.h"

#include <cmath>
#include <unordered_set>
#include <vector>

#include "engine/model/file_error.h"
#include "engine/model/utf8.h"
#include "engine/types/json_scan.h"

namespace spanscope {

using nlohmann::json;

Result<json> parseJsonObject(std::string_view text, const std::string& file) {
    constexpr size_t kDeepest = 64;
    if (const size_t bad = firstBadUtf8(text); bad != std::string_view::npos)
        return fileError(ErrorCode::Format, "not UTF-8", file, "byte " + std::to_string(bad));
    // The parser takes a NUL byte for the end of the text and would pass over what follows.
    const JsonScan scan = scanJson(text);
    if (scan.nulAt != std::string_view::npos)
        return fileError(ErrorCode::Format, "a NUL byte, which no JSON text has", file, "byte " + std::to_string(scan.nulAt));
    if (scan.depth > kDeepest) return fileError(ErrorCode::Format, "nested too deeply", file, {}, {}, "at most 64 levels");
    std::vector<std::unordered_set<std::string>> keys;
    std::string twice;
    const auto watch = [&](int, json::parse_event_t event, json& parsed) {
        if (event == json::parse_event_t::object_start) keys.emplace_back();
        if (event == json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
        if (event == json::parse_event_t::key && !keys.empty()) {
            const auto& name = parsed.get_ref<const std::string&>();
            if (!keys.back().insert(name).second && twice.empty()) twice = name.empty() ? "(empty)" : name;
        }
        return true;
    };
    json value;
    try {
        value = json::parse(text, watch);
    } catch (const json::parse_error& e) {
        return fileError(ErrorCode::Format, "not valid JSON", file, "byte " + std::to_string(e.byte));
    } catch (const json::exception& e) {
        return fileError(ErrorCode::Format, std::string("not valid JSON: ") + e.what(), file);
    }
    if (!twice.empty()) return fileError(ErrorCode::Format, "key given twice", file, twice);
    if (!value.is_object())
        return fileError(ErrorCode::Format, "wrong kind of JSON", file, {}, describeJson(value), "an object");
    return value;
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
    if (fits && value->is_number_unsigned())
        fits = value->get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX);
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

std::string JsonFields::string(const char* key, std::optional<std::string> fallback) {
    const json* value = need(key, fallback.has_value(), "a string");
    if (value == nullptr) return fallback.value_or("");
    if (value->is_string()) return value->get<std::string>();
    fail(ErrorCode::Format, "value of the wrong kind", key, describeJson(*value), "a string");
    return {};
}

}  // namespace spanscope
