#include "ui/model/run_distances.h"

#include <algorithm>

namespace spanscope {

const DivergenceCurve* RunDistances::of(const RunData* run) const {
    for (const Entry& entry : m_entries)
        if (run && entry.at == run && !entry.run.expired()) return &entry.curve;
    return nullptr;
}

void RunDistances::begin() {
    m_measuring = true;
    m_fraction = 0;
    m_problem.clear();
    emit changed();
}

void RunDistances::onProgress(int done, int total) {
    m_fraction = total > 0 ? std::clamp(double(done) / total, 0.0, 1.0) : 0;
    emit progressed();
}

void RunDistances::onReady(const SharedRun& run, const DivergenceCurve& curve) {
    std::erase_if(m_entries, [&](const Entry& e) { return e.run.expired() || e.at == run.get(); });
    m_entries.push_back({run, run.get(), curve});
    emit changed();
}

void RunDistances::onEnded(const ErrorInfo& error) {
    m_measuring = false;
    m_problem = error.title.isEmpty() ? QString() : error.text;
    emit changed();
}

}  // namespace spanscope
