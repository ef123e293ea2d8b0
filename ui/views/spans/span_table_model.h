// One row for each out-segment of a run: what it declared and what that cost. Grows with the run.
#pragma once

#include <QAbstractTableModel>

#include "ui/model/run_store.h"
#include "ui/model/segment_summary.h"

namespace spanscope {

class SpanTableModel : public QAbstractTableModel {
    Q_OBJECT
  public:
    enum Column {
        SegmentColumn,
        NoteColumn,
        RefsColumn,
        TokensColumn,
        AttendedColumn,
        LoadedColumn,
        ShareColumn,
        ColumnCount
    };
    enum Role { SegmentIndexRole = Qt::UserRole + 1, FirstStepRole, LastStepRole, SortRole };

    SpanTableModel(RunStore* store, QObject* parent);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

    const SegmentSummaries& summaries() const { return m_summaries; }

  private:
    void rebuild();
    void grow();
    QString text(const SegmentSummary& row, int column) const;
    QString note(const SegmentSummary& row) const;  ///< in words
    QVariant sortKey(const SegmentSummary& row, int column) const;

    RunStore* m_store;
    SegmentSummaries m_summaries;
    int m_nRows = 0;  ///< announced; m_summaries may be ahead of it while rows are being inserted
};

}  // namespace spanscope
