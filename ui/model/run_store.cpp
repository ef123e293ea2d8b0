#include "ui/model/run_store.h"

#include <algorithm>

namespace spanscope {

namespace {
constexpr int kMostReserved = 1 << 16;  // steps; beyond it growth moves records, which is cheap but not free

/// `part` takes the place of everything from `first` on.
template <class T>
void replaceFrom(std::vector<T>& all, size_t first, const std::vector<T>& part) {
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(first), all.end());
    all.insert(all.end(), part.begin(), part.end());
}
}  // namespace

void RunStore::clear() {
    m_data = RunData{};
    m_finished = false;
    emit reset();
}

void RunStore::begin(const SharedHeader& header, const std::vector<Segment>& promptSegments) {
    m_data = RunData{};
    m_data.header = *header;
    m_data.segments = promptSegments;
    const RunSettings& settings = header->settings;
    int most = settings.contextTokens - static_cast<int>(header->prompt.size());
    if (settings.maxTokens >= 0) most = std::min(most, settings.maxTokens);
    m_data.steps.reserve(static_cast<size_t>(std::clamp(most, 0, kMostReserved)));
    m_finished = false;
    emit reset();
}

void RunStore::append(const SharedBatch& batch) {
    if (batch->runId != m_data.header.runId || batch->firstSegment > m_data.segments.size() || batch->firstViolation > m_data.violations.size()) return;
    const int first = nSteps();
    m_data.steps.insert(m_data.steps.end(), batch->steps.begin(), batch->steps.end());
    replaceFrom(m_data.segments, batch->firstSegment, batch->segments);
    replaceFrom(m_data.violations, batch->firstViolation, batch->violations);
    m_data.stats = batch->stats;
    m_data.answer = batch->answer;
    m_finished = batch->finished;
    if (nSteps() > first) emit stepsAppended(first, nSteps() - 1);
    if (m_finished) emit finished();
}

void RunStore::load(const RunData& data) {
    m_data = data;
    m_finished = true;
    emit reset();
    emit finished();
}

}  // namespace spanscope
