// What a model file may claim. Far above every real Llama model, low enough that no product of two of them overflows
// 64 bits and no list made from one is a danger. Private to engine/model.
#pragma once

#include <cstdint>

namespace spanscope {

inline constexpr int32_t kMaxLayers = 1024;
inline constexpr int32_t kMaxHeads = 1024;
inline constexpr int32_t kMaxHeadDim = 1024;
inline constexpr int32_t kMaxWidth = 1 << 18;  // hidden and MLP
inline constexpr int32_t kMaxVocab = 1 << 22;
inline constexpr int32_t kMaxContext = 1 << 28;

}  // namespace spanscope
