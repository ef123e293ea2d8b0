// Rotary angles of a model: every layer takes those of one of its ropes, or none (LayerKind::rope).
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/backend.h"

namespace spanscope::cpu {

/// Pairs of a head that the rope turns.
inline size_t rotatedPairs(const ModelShape& shape, int32_t rope) {
    return rope < 0 ? 0 : shape.ropes[static_cast<size_t>(rope)].invFreq.size();
}
/// Of all ropes before that one, so that one array can hold the angles of all. rope: [0, number of ropes].
inline size_t pairsBefore(const ModelShape& shape, size_t rope) {
    size_t n = 0;
    for (size_t r = 0; r < rope; ++r) n += shape.ropes[r].invFreq.size();
    return n;
}
inline size_t pairsOfAll(const ModelShape& shape) { return pairsBefore(shape, shape.ropes.size()); }

/// Does a sequence of that capacity take longInvFreq?
inline bool takesLongRope(const ModelShape& shape, int32_t capacityTokens) {
    return shape.longRopeAbove > 0 && capacityTokens > shape.longRopeAbove;
}

/// Cosines and sines times the rope's magnitude for one position: pair f at [f * stride].
void ropeAngles(const Rope& rope, bool isLong, int32_t position, float* cosines, float* sines, size_t stride);

}  // namespace spanscope::cpu
