// The header of a *.safetensors file: 8 bytes of length (little endian), that much JSON, then the data.
// https://github.com/huggingface/safetensors#format. Private to engine/model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/result.h"

namespace spanscope {

struct SafetensorsEntry {
    std::string name;
    std::string dtype;  ///< as written: "F32", "BF16", "I64", ...
    std::vector<int64_t> shape;
    uint64_t begin = 0, end = 0;  ///< bytes in the file, absolute; inside it, disjoint, dtype and shape fill them
};

struct SafetensorsHeader {
    std::vector<SafetensorsEntry> tensors;  ///< by position in the file
    std::span<const uint8_t> json;          ///< for the hash
};

/// Format on anything that is not exactly the format: lengths, offsets, overlaps, gaps, sizes, names given twice.
Result<SafetensorsHeader> parseSafetensors(std::span<const uint8_t> file, const std::string& fileName);

}  // namespace spanscope
