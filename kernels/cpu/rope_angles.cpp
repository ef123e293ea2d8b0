#include "kernels/cpu/rope_angles.h"

#include <cmath>

namespace spanscope::cpu {

void ropeAngles(const Rope& rope, bool isLong, int32_t position, float* cosines, float* sines, size_t stride) {
    isLong = isLong && !rope.longInvFreq.empty();
    const std::vector<float>& invFreq = isLong ? rope.longInvFreq : rope.invFreq;
    const auto magnitude = static_cast<double>(isLong ? rope.longMagnitude : rope.magnitude);
    for (size_t f = 0; f < invFreq.size(); ++f) {
        // In double: at position 16,384 a float angle is wrong by a thousandth.
        const double angle = static_cast<double>(position) * static_cast<double>(invFreq[f]);
        cosines[f * stride] = static_cast<float>(magnitude * std::cos(angle));
        sines[f * stride] = static_cast<float>(magnitude * std::sin(angle));
    }
}

}  // namespace spanscope::cpu
