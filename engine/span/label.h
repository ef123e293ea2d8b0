// A label while it is being read: the number of an in- or out-segment, of a segment's own head or of a reference.
#pragma once

#include <cstdint>

#include "engine/types/records.h"

namespace spanscope {

class Label {
  public:
    static constexpr int32_t kMaxDigits = 9;

    void addDigit(int32_t digit) {
        if (m_nDigits < kMaxDigits) m_value = m_value * 10 + digit;
        ++m_nDigits;
    }
    /// Something stands in it that is no digit.
    void spoil() { m_spoiled = true; }

    bool usable() const { return !m_spoiled && m_nDigits > 0 && m_nDigits <= kMaxDigits; }
    int64_t value() const { return usable() ? m_value : -1; }
    /// What is wrong with a label that is not usable.
    ViolationKind fault() const {
        if (m_spoiled) return ViolationKind::BadLabel;
        return m_nDigits == 0 ? ViolationKind::EmptyLabel : ViolationKind::LongLabel;
    }

  private:
    int64_t m_value = 0;
    int32_t m_nDigits = 0;
    bool m_spoiled = false;
};

}  // namespace spanscope
