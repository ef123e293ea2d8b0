// GGUF files written piece by piece, so that a test can change one thing in them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace spanscope::test {

/// Values as a GGUF file has them, little endian.
namespace gguf {
std::string number(uint64_t value, size_t nBytes);
std::string text(const std::string& s);  ///< its length before it
// Metadata values behind their type.
std::string u16Value(uint16_t v);
std::string u32Value(uint32_t v);
std::string f32Value(float v);
std::string stringValue(const std::string& s);
}  // namespace gguf

/// A GGUF file in parts.
struct GgufParts {
    struct Tensor {
        std::string name;
        std::vector<uint64_t> dimensions;  ///< fastest first, as in the file
        uint32_t type = 0;                 ///< ggml's number
        std::string data;
        int64_t offset = -1;  ///< -1: where it belongs
    };
    std::map<std::string, std::string> metadata;  ///< key -> type and value
    std::vector<Tensor> tensors;
    std::string magic = "GGUF";
    uint32_t version = 3;
    int64_t nTensors = -1, nValues = -1;  ///< -1: as many as there are

    /// Ends the process if the file cannot be read.
    static GgufParts read(const std::string& path);
    std::string write() const;
    /// Ends the process if there is none of that name.
    Tensor& tensor(const std::string& wanted);
};

}  // namespace spanscope::test
