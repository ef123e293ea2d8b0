#include "ui/model/selection.h"

#include <algorithm>

namespace spanscope {

void Selection::hover(int step) {
    if (step == m_hovered) return;
    m_hovered = step;
    emit changed();
}

void Selection::lock(int step) {
    if (step < 0 || (m_first == step && m_last == step)) {
        clear();
        return;
    }
    m_first = m_last = m_anchor = step;
    emit changed();
}

void Selection::extendTo(int step) {
    if (step < 0) return;
    if (m_anchor < 0) {
        lock(step);
        return;
    }
    lockRange(std::min(m_anchor, step), std::max(m_anchor, step));
}

void Selection::lockRange(int first, int last) {
    if (first < 0 || last < first) return;
    m_first = first;
    m_last = last;
    if (m_anchor < first || m_anchor > last) m_anchor = first;
    emit changed();
}

void Selection::clear() {
    if (m_hovered < 0 && m_first < 0) return;
    m_hovered = m_first = m_last = m_anchor = -1;
    emit changed();
}

}  // namespace spanscope
