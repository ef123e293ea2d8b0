#include "ui/views/reach/reach_table.h"

#include "engine/types/segment_name.h"
#include "engine/types/token_at.h"
#include "ui/model/format.h"
#include "ui/views/mask/mask_explain.h"

namespace spanscope {

QString betweenWords(int between) {
    return between < 0    ? ReachTable::tr("never reaches the step")
           : between == 0 ? ReachTable::tr("read directly")
           : between == 1 ? ReachTable::tr("through one token in between")
                          : ReachTable::tr("through %1 tokens in between").arg(formatCount(between));
}

ReachTable::ReachTable(const RunData& run, const Reach& reach, QObject* parent)
    : FigureTable(tr("Reach"),
                  {{tr("Position"), tr("In the context, up to the step"), false},
                   {tr("Token"), tr("What stands there"), true},
                   {tr("Segment"), tr("That it is of"), true},
                   {tr("Reach"), tr("Through how many tokens it could act on the step"), true}},
                  parent),
      m_run(run),
      m_reach(reach) {
    rebuild();
}

QString ReachTable::cell(int row, int column) const {
    switch (column) {
        case Position: return formatCount(row);
        case Token: return QString::fromStdString(tokenText(m_run, row));
        case SegmentName: {
            const int segment = segmentAt(m_run.segments, row);
            return segment < 0 ? QString() : QString::fromStdString(segmentName(m_run.segments[size_t(segment)]));
        }
        case How: return betweenWords(m_reach.between(row));
        default: return {};
    }
}

double ReachTable::key(int row, int column) const {
    switch (column) {
        case Token: {
            const TokenInfo* token = maybeTokenAt(m_run, row);
            return token ? token->id : -1;
        }
        case SegmentName: return segmentAt(m_run.segments, row);
        case How: {
            const int between = m_reach.between(row);
            return between < 0 ? double(m_reach.position) + 1 : between;  // never after all others
        }
        default: return row;
    }
}

}  // namespace spanscope
