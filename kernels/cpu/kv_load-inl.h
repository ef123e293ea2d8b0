// Cache elements to float vectors, one type per element format. Included once per instruction set.
#include <cstdint>

#if defined(SPANSCOPE_KV_LOAD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANSCOPE_KV_LOAD_INL_H
#undef SPANSCOPE_KV_LOAD_INL_H
#else
#define SPANSCOPE_KV_LOAD_INL_H
#endif

HWY_BEFORE_NAMESPACE();
namespace spanscope::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// D may be narrower than a full vector.
struct KvF32 {
    using T = float;
    template <class D>
    static HWY_INLINE hn::Vec<D> load(D d, const T* p) {
        return hn::LoadU(d, p);
    }
};

struct KvBf16 {
    using T = uint16_t;
    template <class D>
    static HWY_INLINE hn::Vec<D> load(D d, const T* p) {
        const hn::RebindToUnsigned<D> du;
        const hn::Rebind<uint16_t, D> d16;
        return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(d16, p))));
    }
};

struct KvF16 {
    using T = hwy::float16_t;
    template <class D>
    static HWY_INLINE hn::Vec<D> load(D d, const T* p) {
        const hn::Rebind<hwy::float16_t, D> dh;
        return hn::PromoteTo(d, hn::LoadU(dh, p));
    }
};

}  // namespace spanscope::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
