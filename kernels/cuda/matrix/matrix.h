// A weight matrix as it lies on the device.
#pragma once

#include <cstdint>

#include "kernels/cuda/step/step_types.h"

namespace spanscope::cuda {

enum class MatrixFormat : int32_t {
    Plain,  ///< values in the model's element type
    Q8_0,   ///< 32 signed bytes and a scale per block
    Q4_0,   ///< 16 bytes of nibbles and a scale per block; value i is a low nibble for i < 16, else a high one; minus 8
};
inline constexpr int32_t kQuantBlock = 32;  ///< values
inline constexpr size_t quantBytes(MatrixFormat f) {
    return f == MatrixFormat::Q8_0 ? 32 : 16;
}  ///< of a block, without its scale

/// Blocks keep their bits, but scales lie apart from quants, so that both can be read 16 bytes at a time.
struct DeviceMatrix {
    const void* data = nullptr;        ///< (rows, cols), or (rows, cols / 32) blocks of quants
    const uint16_t* scales = nullptr;  ///< (rows, cols / 32) f16; absent when Plain
    int32_t rows = 0, cols = 0;
    MatrixFormat format = MatrixFormat::Plain;

    int64_t nValues() const { return static_cast<int64_t>(rows) * cols; }
    /// Of data; plain: the element type's size counts.
    int64_t dataBytes(Element plain) const {
        return format == MatrixFormat::Plain ? nValues() * static_cast<int64_t>(elementBytes(plain))
                                             : nValues() / kQuantBlock * static_cast<int64_t>(quantBytes(format));
    }
};

}  // namespace spanscope::cuda
