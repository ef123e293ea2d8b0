// The runs of this window, newest first, each kept with its figures, its number and what a person calls it. Bounded:
// the oldest go when the steps held exceed a limit, or there are more than anybody looks through; those that are in no
// file last. GUI thread.
#pragma once

#include <QAbstractTableModel>
#include <deque>

#include "engine/reading/run_checks.h"
#include "ui/model/background.h"
#include "ui/model/payloads.h"

namespace spanscope {

struct HistoryEntry {
    SharedRun run;
    SharedRun dense;          ///< the run beside it: dense, or under another policy; null: no comparison
    QString origin;           ///< file it came from; empty: run here
    CheckCounts checks = {};  ///< of `run`; the history fills it in
    RunLabel label = {};      ///< add() and append() give a number where there is none
    QString kept = {};        ///< name of the file that the session has of it; empty: none
    bool saved = false;       ///< the person has it in a file, or let go of the session's
    bool isInFile() const { return saved || !origin.isEmpty() || !kept.isEmpty(); }
};

class RunHistory : public QAbstractTableModel {
    Q_OBJECT
  public:
    enum Column {
        NumberColumn,
        StopColumn,
        CheckColumn,
        ModeColumn,
        NameColumn,
        PromptColumn,
        AnswerColumn,
        ViolationsColumn,
        TokensColumn,
        DecodeColumn,
        SpeedUpColumn,
        LoadedColumn,
        SamplerColumn,
        SeedColumn,
        TimeColumn,
        ColumnCount
    };
    static constexpr int kSortRole = Qt::UserRole + 1;  ///< numbers as numbers, times as times

    explicit RunHistory(QObject* parent = nullptr, qint64 maxSteps = 400'000);

    /// On top. The entry as it is kept, with its number.
    HistoryEntry add(const HistoryEntry& entry);
    /// Below the others: an older one. False where there is no room left.
    bool append(const HistoryEntry& entry);
    const HistoryEntry& at(int row) const { return m_entries[static_cast<size_t>(row)]; }
    int rowOf(const RunData* run) const;  ///< -1 where it is not held
    bool holds(const SharedRun& run) const { return rowOf(run.get()) >= 0; }
    const HistoryEntry* find(const RunData* run) const;   ///< null where it is not held
    const HistoryEntry* withNumber(qint64 number) const;  ///< likewise; the newest
    void setLabel(int row, const QString& name, const QString& notes);
    /// The session has the run of that file name, or has it no longer.
    void setKept(const RunData* run, const QString& file);
    bool hasKept(const QString& file) const;
    int nOnlyHere() const;  ///< runs that are in no file
    void forgetKept();      ///< of all
    void setSaved(const RunData* run);
    /// Numbers up to this one are taken.
    void takeNumbersTo(qint64 number) { m_nextNumber = std::max(m_nextNumber, number + 1); }
    qint64 nextNumber() const { return m_nextNumber; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

  signals:
    void labelled(int row);
    void letGo(int nOnlyHere);  ///< there was no room left for runs that no file has

  private:
    QVariant text(const HistoryEntry& entry, int column) const;
    QVariant sortKey(const HistoryEntry& entry, int column) const;
    QString toolTip(const HistoryEntry& entry, int column) const;
    void changed(int row);
    void makeRoom();
    void check(const SharedRun& run);

    qint64 m_maxSteps;
    qint64 m_nSteps = 0;
    qint64 m_nextNumber = 1;
    std::deque<HistoryEntry> m_entries;
    std::shared_ptr<Mailbox> m_inbox;
};

/// "expression · declared", for titles and tables.
QString runTitle(const RunHeader& header);
/// "3 · declared", "4 · from step 57 of run 3 · stopped", "check the signs": number, name or mode, and how it ended
/// where that is not by itself.
QString runName(const HistoryEntry& entry);

}  // namespace spanscope
