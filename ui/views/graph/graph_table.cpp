#include "ui/views/graph/graph_table.h"

#include <algorithm>

#include "engine/types/segment_name.h"
#include "ui/model/format.h"
#include "ui/model/run_store.h"
#include "ui/model/segment_summary.h"
#include "ui/views/graph/graph_layout.h"

namespace spanscope {

GraphTable::GraphTable(RunStore* store, QObject* parent)
    : FigureTable(tr("Dependencies"),
                  {{tr("Segment"), tr("Of the prompt or of the response"), true},
                   {tr("Uses"), tr("Segments that it named, as written"), true},
                   {tr("Used by"), tr("Segments that named it"), true},
                   {tr("Says"), tr("Its text, shortened"), true},
                   {tr("Tokens"), tr("Of the segment, markup included"), false}},
                  parent),
      m_store(store) {
    connect(store, &RunStore::reset, this, [this] {
        m_usedBy.clear();
        m_taken.clear();
        m_settled = 0;
        takeReferences();
        rebuild();
    });
    connect(store, &RunStore::stepsAppended, this, &GraphTable::renew);
    connect(store, &RunStore::finished, this, &GraphTable::renew);
    takeReferences();
    rebuild();
}

/// References of what is new. Those of the last segment may become more.
void GraphTable::takeReferences() {
    const auto& segments = m_store->data().segments;
    m_usedBy.resize(segments.size());
    m_taken.resize(segments.size());
    for (size_t s = m_settled; s < segments.size(); ++s) {
        for (; m_taken[s] < segments[s].refs.size(); ++m_taken[s]) {
            const int target = segments[s].refs[m_taken[s]].segment;
            if (target < 0 || target >= int(segments.size())) continue;
            std::vector<int>& users = m_usedBy[size_t(target)];
            if (users.empty() || users.back() != int(s)) users.push_back(int(s));
        }
    }
    m_settled = segments.empty() ? 0 : segments.size() - 1;
}

void GraphTable::renew() {
    takeReferences();
    grow();
    if (rowCount() > 0) emit dataChanged(index(0, Uses), index(rowCount() - 1, UsedBy));
}

int GraphTable::nRows() const { return int(m_usedBy.size()); }

QString GraphTable::name(int segment) const {
    return QString::fromStdString(segmentName(m_store->data().segments[size_t(segment)]));
}

QString GraphTable::uses(int segment) const { return refsText(m_store->data().segments[size_t(segment)]); }

QString GraphTable::usedBy(int segment) const {
    const std::vector<int>& users = m_usedBy[size_t(segment)];
    QStringList names;
    for (const int user : users) {
        if (names.size() == kShownRefs) {
            names << QStringLiteral("… %1").arg(users.size());
            break;
        }
        names << name(user);
    }
    return names.join(QStringLiteral(", "));
}

QString GraphTable::words(int segment) const {
    if (segment < 0 || segment >= nRows()) return {};
    const QString from = uses(segment), to = usedBy(segment);
    return tr("%1 uses %2; %3.")
        .arg(name(segment), from.isEmpty() ? tr("nothing else") : from,
             to.isEmpty() ? tr("nothing uses it") : tr("used by %1").arg(to));
}

QString GraphTable::cell(int row, int column) const {
    const RunData& run = m_store->data();
    const Segment& segment = run.segments[size_t(row)];
    switch (column) {
        case Name: return name(row);
        case Uses: return uses(row);
        case UsedBy: return usedBy(row);
        case Says: return QString::fromStdString(segmentText(run, segment));
        case Tokens: return formatCount(qint64(key(row, Tokens)));
        default: return {};
    }
}

double GraphTable::key(int row, int column) const {
    const RunData& run = m_store->data();
    const Segment& segment = run.segments[size_t(row)];
    const int nContext = int(run.header.prompt.size() + run.steps.size());
    switch (column) {
        case Uses: return double(segment.refs.size());
        case UsedBy: return double(m_usedBy[size_t(row)].size());
        case Tokens: return std::max(0, std::min(segment.end, nContext) - segment.begin);
        default: return row;
    }
}

/// Of one that was written; given ones have none.
IndexRange GraphTable::steps(int row) const {
    const RunData& run = m_store->data();
    const Segment& segment = run.segments[size_t(row)];
    const int nPrompt = int(run.header.prompt.size()), n = int(run.steps.size());
    const int first = segment.begin - nPrompt,
              last = std::min(segment.end == kOpenEnd ? n : segment.end - nPrompt, n) - 1;
    return first < 0 || last < first ? IndexRange{} : IndexRange{first, last};
}

int GraphTable::rowOfStep(int step) const {
    return step < m_store->nSteps() ? m_store->data().steps[size_t(step)].segment : -1;
}

}  // namespace spanscope
