// Checked access to JSON of untrusted files. Private to engine/model; include in .cpp files only (json.hpp is slow
// to compile).
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kernels/result.h"

namespace spanscope {

/// Parses text that must be one JSON object. Format on anything else: syntax (with byte offset), text that is not
/// UTF-8, a key given twice, nesting deeper than 64.
Result<nlohmann::json> parseJsonObject(std::string_view text, const std::string& file);

/// Reads fields of one object and remembers the first thing wrong, so that a reader is a list of fields followed by
/// one check. After a failure the values returned are the least harmful ones (minimum, false, "").
class JsonFields {
  public:
    JsonFields(const nlohmann::json& object, std::string file, std::string prefix = {})
        : m_object(object), m_file(std::move(file)), m_prefix(std::move(prefix)) {}

    /// No fallback: the field is required. null counts as absent.
    int64_t integer(const char* key, int64_t min, int64_t max, std::optional<int64_t> fallback = {});
    int32_t int32(const char* key, int32_t min, int32_t max, std::optional<int32_t> fallback = {});
    double number(const char* key, double min, double max, std::optional<double> fallback = {});
    bool boolean(const char* key, std::optional<bool> fallback = {});
    std::string string(const char* key, const std::optional<std::string>& fallback = {});

    const nlohmann::json* find(const char* key) const;  ///< nullptr if absent or null
    bool has(const char* key) const { return find(key) != nullptr; }
    bool isNull(const char* key) const;  ///< there, and null
    void fail(ErrorCode code, std::string message, std::string_view key, std::string_view found = {},
              std::string_view expected = {});

    bool ok() const { return !m_error; }
    const Error& error() const { return *m_error; }

  private:
    const nlohmann::json* need(const char* key, bool hasFallback, const char* expected);

    const nlohmann::json& m_object;
    std::string m_file, m_prefix;
    std::optional<Error> m_error;
};

/// For messages: "null", "a string", "17".
std::string describeJson(const nlohmann::json& value);

}  // namespace spanscope
