// In what the layers of one model differ, as kernels see it: which table of rotations a layer has, and which part of a
// sequence's kept pages. Host code without CUDA, so that it is tested where there is no device. Pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/backend.h"

namespace spanscope::cuda {

/// The different windows that bind within a cache of so many tokens, in the order of the layers that have them first.
std::vector<int32_t> windowsOf(const ModelShape& shape, int64_t cacheTokens);
/// Which part of the kept pages a layer reads: 0 all of them, 1 + i the newest windows[i] tokens.
int32_t listOfLayer(const ModelShape& shape, int32_t layer, const std::vector<int32_t>& windows);

/// One table for each rope, and one that rotates nothing where a layer has no RoPE.
int32_t nRotationTables(const ModelShape& shape);
int32_t rotationTableOf(const ModelShape& shape, int32_t layer);
/// Pairs of a head that rotate in this layer, of headDim / 2.
int32_t rotatedPairs(const ModelShape& shape, int32_t layer);
/// (forms, nRotationTables, headDim / 2, 2): radians per position, and what cosine and sine are multiplied by. Forms:
/// short, and long where longRopeAbove says that there is one.
std::vector<float> rotationFrequencies(const ModelShape& shape);

/// Can the epilogue of the product that forms q, k and v rotate and append? It rotates pairs as far apart as half a
/// head, or neighbours, and normalises nothing.
bool rotatesInProduct(const ModelShape& shape, int32_t layer);

}  // namespace spanscope::cuda
