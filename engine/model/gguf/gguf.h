// The header of a GGUF file, versions 2 and 3, little endian: typed metadata, then a table of tensors, then data.
// https://github.com/ggerganov/ggml/blob/master/docs/gguf.md. Private to engine/model.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/result.h"

namespace spanscope {

enum class GgufType : uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64 };

/// One metadata value, still where it lies in the file; its extent has been checked.
struct GgufValue {
    GgufType type = GgufType::U8;
    GgufType elementType = GgufType::U8;  ///< Array only
    uint64_t count = 1;                   ///< Array only
    std::span<const uint8_t> bytes;       ///< of the value or the elements; strings keep their length before them
};

struct GgufTensor {
    std::string name;
    std::vector<int64_t> shape;      ///< slowest dimension first (the file has it the other way round)
    uint32_t type = 0;               ///< ggml_type
    std::span<const uint8_t> bytes;  ///< empty for types this program does not know the size of
};

struct GgufFile {
    uint32_t version = 0;
    std::map<std::string, GgufValue, std::less<>> metadata;
    std::vector<GgufTensor> tensors;  ///< by position; disjoint, inside the file
    std::span<const uint8_t> header;  ///< everything before the data, for the hash
    uint64_t bytesAfterTensors = 0;   ///< behind the last tensor that this program knows the size of
};

/// Format on anything malformed, Unsupported on version 1 and big-endian files.
Result<GgufFile> parseGguf(std::span<const uint8_t> file, const std::string& fileName);

/// Checked access to metadata; remembers the first thing wrong (compare JsonFields).
class GgufFields {
  public:
    GgufFields(const GgufFile& gguf, std::string file) : m_gguf(gguf), m_file(std::move(file)) {}

    bool has(const std::string& key) const { return m_gguf.metadata.contains(key); }
    bool isNull(const std::string&) const { return false; }  ///< the format has no such value
    int64_t integer(const std::string& key, int64_t min, int64_t max, std::optional<int64_t> fallback = {});
    double number(const std::string& key, double min, double max, std::optional<double> fallback = {});
    bool boolean(const std::string& key, bool fallback);
    std::string string(const std::string& key, std::optional<std::string> fallback = {});
    std::vector<std::string> strings(const std::string& key);
    /// Elements as numbers, whatever their type; empty if absent.
    std::vector<double> numbers(const std::string& key);

    void fail(ErrorCode code, std::string message, const std::string& key, std::string_view found = {},
              std::string_view expected = {});
    bool ok() const { return !m_error; }
    const Error& error() const { return *m_error; }

  private:
    const GgufValue* find(const std::string& key, bool required, const char* expected);

    const GgufFile& m_gguf;
    std::string m_file;
    std::optional<Error> m_error;
};

const char* ggufTypeName(GgufType type);

}  // namespace spanscope
