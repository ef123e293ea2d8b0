// The runs of this window, newest first, each kept with its figures. Bounded: the oldest go when the steps held
// exceed a limit, or there are more than anybody looks through. GUI thread.
#pragma once

#include <QAbstractTableModel>
#include <deque>

#include "engine/reading/run_checks.h"
#include "ui/model/background.h"
#include "ui/model/payloads.h"

namespace spanscope {

struct HistoryEntry {
    SharedRun run;
    SharedRun dense;          ///< null: no comparison
    QString origin;           ///< file it came from; empty: run here
    CheckCounts checks = {};  ///< of `run`; the history fills it in
};

class RunHistory : public QAbstractTableModel {
    Q_OBJECT
  public:
    enum Column {
        NumberColumn,
        ModeColumn,
        PromptColumn,
        AnswerColumn,
        CheckColumn,
        ViolationsColumn,
        TokensColumn,
        DecodeColumn,
        SpeedUpColumn,
        LoadedColumn,
        StopColumn,
        ColumnCount
    };
    explicit RunHistory(QObject* parent = nullptr, qint64 maxSteps = 400'000);

    void add(const HistoryEntry& entry);
    const HistoryEntry& at(int row) const { return m_entries[static_cast<size_t>(row)]; }
    bool holds(const SharedRun& run) const;
    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

  private:
    void check(const SharedRun& run);
    qint64 m_maxSteps;
    qint64 m_nSteps = 0;
    std::deque<HistoryEntry> m_entries;
    std::shared_ptr<Mailbox> m_inbox;
};

/// "expression · declared", for titles and tables.
QString runTitle(const RunHeader& header);

}  // namespace spanscope
