#include "ui/model/run_store.h"

#include <algorithm>

#include "ui/model/background.h"

namespace spanscope {

namespace {
constexpr int kMostReserved = 1 << 16;  // steps; beyond it growth moves records, which is cheap but not free

/// `part` takes the place of everything from `first` on.
template <class T>
void replaceFrom(std::vector<T>& all, size_t first, const std::vector<T>& part) {
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(first), all.end());
    all.insert(all.end(), part.begin(), part.end());
}
constexpr size_t kSliceSteps = 8192, kAtOnce = 4 * kSliceSteps;

template <class T>
void addPart(std::vector<T>& to, const std::vector<T>& from) {
    const auto begin = from.begin() + static_cast<std::ptrdiff_t>(to.size());
    to.insert(to.end(), begin, begin + static_cast<std::ptrdiff_t>(std::min(kSliceSteps, from.size() - to.size())));
}

/// Frees what takes long to free somewhere else.
void discard(RunData& data, SharedRun& whole) {
    if (data.steps.size() + data.header.prompt.size() + (whole ? whole->steps.size() : 0) > kAtOnce)
        inBackground([old = std::make_shared<RunData>(std::move(data)), last = std::move(whole)]() mutable {
            old.reset();
            last.reset();
        });
    data = RunData{};
    whole.reset();
}
}  // namespace

RunStore::RunStore(QObject* parent) : QObject(parent) {
    m_nextSlice.setInterval(0);
    connect(&m_nextSlice, &QTimer::timeout, this, &RunStore::addSlice);
}

RunStore::~RunStore() = default;

void RunStore::start() {
    m_nextSlice.stop();
    discard(m_data, m_whole);
    m_finished = false;
    m_checks.clear();
}

void RunStore::clear() {
    start();
    emit reset();
}

void RunStore::begin(const SharedHeader& header, const std::vector<Segment>& promptSegments) {
    start();
    m_data.header = *header;
    m_data.segments = promptSegments;
    const RunSettings& settings = header->settings;
    int most = settings.contextTokens - static_cast<int>(header->prompt.size());
    if (settings.maxTokens >= 0) most = std::min(most, settings.maxTokens);
    m_data.steps.reserve(static_cast<size_t>(std::clamp(most, 0, kMostReserved)));
    emit reset();
}

void RunStore::append(const SharedBatch& batch) {
    if (m_whole || batch->runId != m_data.header.runId || batch->firstSegment > m_data.segments.size() ||
        batch->firstViolation > m_data.violations.size() || batch->firstChange > m_data.changes.size())
        return;
    const int first = nSteps();
    m_data.steps.insert(m_data.steps.end(), batch->steps.begin(), batch->steps.end());
    replaceFrom(m_data.segments, batch->firstSegment, batch->segments);
    replaceFrom(m_data.violations, batch->firstViolation, batch->violations);
    replaceFrom(m_data.changes, batch->firstChange, batch->changes);
    m_data.stats = batch->stats;
    m_data.answer = batch->answer;
    m_finished = batch->finished;
    m_checks.update(m_data, m_finished);
    if (nSteps() > first) emit stepsAppended(first, nSteps() - 1);
    if (m_finished) emit finished();
}

void RunStore::show(const SharedRun& run) {
    if (run->steps.size() + run->header.prompt.size() <= kAtOnce) {
        load(*run);
        m_whole = run;
        return;
    }
    start();
    m_whole = run;
    m_data.header = run->header;
    m_data.stats = run->stats;
    m_data.answer = run->answer;
    m_data.steps.reserve(run->steps.size());
    const int nPrompt = static_cast<int>(run->header.prompt.size());
    for (const Segment& segment : run->segments) {
        if (segment.begin >= nPrompt) break;
        m_data.segments.push_back(segment);
    }
    emit reset();
    m_nextSlice.start();
}

void RunStore::addSlice() {
    const RunData& run = *m_whole;
    const size_t first = m_data.steps.size(), last = std::min(run.steps.size(), first + kSliceSteps);
    if (first < last) {
        const int32_t position = run.steps[last - 1].position;
        size_t s = m_data.segments.size();
        const size_t most = s + kSliceSteps;
        const auto begun = [&] { return s < run.segments.size() && run.segments[s].begin <= position; };
        while (s < most && begun()) m_data.segments.push_back(run.segments[s++]);
        if (begun()) return;  // steps come when their segments are there
        const auto steps = run.steps.begin();
        m_data.steps.insert(m_data.steps.end(), steps + static_cast<std::ptrdiff_t>(first),
                            steps + static_cast<std::ptrdiff_t>(last));
        m_checks.update(m_data, false);
        emit stepsAppended(static_cast<int>(first), static_cast<int>(last) - 1);
        return;
    }
    addPart(m_data.segments, run.segments);
    addPart(m_data.violations, run.violations);
    addPart(m_data.changes, run.changes);
    if (m_data.segments.size() < run.segments.size() || m_data.violations.size() < run.violations.size() ||
        m_data.changes.size() < run.changes.size())
        return;
    m_nextSlice.stop();
    m_finished = true;
    m_checks.update(m_data, true);
    emit finished();
}

SharedRun RunStore::share() {
    if (m_whole) return m_whole;
    auto copy = std::make_shared<const RunData>(m_data);
    if (m_finished) m_whole = copy;
    return copy;
}

void RunStore::load(const RunData& data) {
    start();
    m_data = data;
    m_finished = true;
    m_checks.update(m_data, true);
    emit reset();
    emit finished();
}

}  // namespace spanscope
