// The float vector most kernels are written in. Included once per instruction set. No functions: what is declared here
// needs no target attribute, and clang warns of one that nothing takes.
#include <cstdint>

#if defined(SPANSCOPE_LANES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANSCOPE_LANES_INL_H
#undef SPANSCOPE_LANES_INL_H
#else
#define SPANSCOPE_LANES_INL_H
#endif

namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Sixteen lanes at most: a KV page's tokens, and a divisor of everything that is padded.
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
inline constexpr int kLanes = HWY_LANES(float) < 16 ? HWY_LANES(float) : 16;

}  // namespace spanscope::cpu::HWY_NAMESPACE
#endif
