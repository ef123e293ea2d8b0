#include "ui/model/run_store.h"

namespace spanscope {

void RunStore::clear() {
    m_data = RunData{};
    m_finished = false;
    emit reset();
}

void RunStore::begin(const SharedHeader& header, const std::vector<Segment>& promptSegments) {
    m_data = RunData{};
    m_data.header = *header;
    m_data.segments = promptSegments;
    m_finished = false;
    emit reset();
}

void RunStore::append(const SharedBatch& batch) {
    if (batch->runId != m_data.header.runId) return;
    const int first = nSteps();
    m_data.steps.insert(m_data.steps.end(), batch->steps.begin(), batch->steps.end());
    m_data.segments = batch->segments;
    m_data.violations = batch->violations;
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
