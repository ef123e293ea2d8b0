// The head of an NPY file (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), version 1.0.
#pragma once

#include <bit>
#include <string>

namespace spanscope {

static_assert(std::endian::native == std::endian::little, "arrays are written as they stand in memory");

/// descr: NumPy's type string; shape: "(3, 4)", "(3,)" or "()".
inline std::string npyHeader(const std::string& descr, const std::string& shape) {
    std::string dict = "{'descr': '";
    dict.append(descr).append("', 'fortran_order': False, 'shape': ").append(shape).append(", }");
    constexpr size_t kPrefix = 10;  // magic, version, length
    while ((kPrefix + dict.size() + 1) % 64 != 0) dict += ' ';
    dict += '\n';
    std::string header("\x93NUMPY\x01\x00", 8);
    header += static_cast<char>(dict.size() & 0xFF);
    header += static_cast<char>(dict.size() >> 8);
    return header + dict;
}

}  // namespace spanscope
