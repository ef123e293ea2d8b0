#include "ui/model/run_comparison.h"

#include <QPointer>
#include <algorithm>

#include "ui/model/background.h"

namespace spanscope {

namespace {
constexpr int kAtOnce = 20'000;  // steps of both runs: some milliseconds
constexpr int kGrowingMs = 250;  // between two alignments of runs that grow
}  // namespace

RunComparison::RunComparison(RunStore* first, RunStore* second, Selection* selection, QObject* parent)
    : QObject(parent), m_first(first), m_second(second), m_selection(selection), m_inbox(sharedMailbox()) {
    m_due.setSingleShot(true);
    m_due.setInterval(kGrowingMs);
    connect(&m_due, &QTimer::timeout, this, &RunComparison::align);
    for (RunStore* store : {first, second}) {
        connect(store, &RunStore::reset, this, &RunComparison::forget);
        connect(store, &RunStore::finished, this, &RunComparison::align);
        connect(store, &RunStore::stepsAppended, this, [this] {
            if (!m_due.isActive()) m_due.start();
        });
    }
    connect(m_selection, &Selection::changed, this, [this] { pass(Side::First); });
    connect(&m_secondSelection, &Selection::changed, this, [this] { pass(Side::Second); });
    align();
}

void RunComparison::forget() {
    ++m_generation;
    m_alignment = {};
    m_secondSelection.clear();
    emit changed();
    m_due.start();
}

void RunComparison::align() {
    m_due.stop();
    ++m_generation;
    if (m_first->nSteps() == 0 || m_second->nSteps() == 0) return;
    if (m_first->nSteps() + m_second->nSteps() <= kAtOnce) return take(alignRuns(m_first->data(), m_second->data()));
    if (!m_first->isFinished() || !m_second->isFinished()) return;
    const QPointer<RunComparison> self(this);
    inBackground([a = m_first->share(), b = m_second->share(), self, inbox = m_inbox, generation = m_generation] {
        const auto found = std::make_shared<RunAlignment>(alignRuns(*a, *b));
        inbox->post([self, found, generation] {
            if (self && generation == self->m_generation) self->take(std::move(*found));
        });
    });
}

void RunComparison::take(RunAlignment alignment) {
    m_alignment = std::move(alignment);
    pass(Side::First);
    emit changed();
}

int RunComparison::partner(Side side, int step) const {
    if (step < 0) return -1;
    const std::vector<int32_t>& all = partners(side);
    if (step < static_cast<int>(all.size())) return all[static_cast<size_t>(step)];
    const RunStore* other = side == Side::First ? m_second : m_first;
    return step < other->nSteps() ? step : -1;
}

bool RunComparison::differs(Side side, int step) const {
    const std::vector<int32_t>& all = partners(side);
    return step >= 0 && step < static_cast<int>(all.size()) && all[static_cast<size_t>(step)] < 0;
}

QString RunComparison::words() const {
    if (m_alignment.lines.empty()) return {};
    return QString::fromStdString(m_alignment.words());
}

/// What is selected in one of the two, in the other. A range becomes the one from its first to its last partner.
void RunComparison::pass(Side from) {
    if (m_passing) return;
    m_passing = true;
    const Selection& said = from == Side::First ? *m_selection : m_secondSelection;
    Selection& told = from == Side::First ? m_secondSelection : *m_selection;
    const RunStore* other = from == Side::First ? m_second : m_first;
    if (other->nSteps() == 0) {
        if (from == Side::First) told.clear();  // there is nothing to select in it
    } else if (said.isLocked()) {
        int first = said.locked(), last = said.lockedEnd();
        while (first <= last && partner(from, first) < 0) ++first;
        while (last > first && partner(from, last) < 0) --last;
        if (first <= last) told.lockRange(partner(from, first), partner(from, last));
        else told.clear();
    } else {
        if (told.isLocked()) told.clear();
        told.hover(partner(from, said.hovered()));
    }
    m_passing = false;
}

}  // namespace spanscope
