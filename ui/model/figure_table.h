// A figure as a table: what the mask, the graph or a plot shows, a row a step, a position, a segment, so that it can be
// read, sorted, copied and heard. Cells are made when they are asked for: a table of a million rows costs its order
// once it is sorted, and nothing before. GUI thread.
#pragma once

#include <QAbstractTableModel>
#include <QStringList>
#include <QVector>
#include <vector>

namespace spanscope {

class RunStore;

/// Of steps or rows, both inclusive; -1 none.
struct IndexRange {
    int first = -1, last = -1;
    bool operator==(const IndexRange&) const = default;
};

class FigureTable : public QAbstractTableModel {
    Q_OBJECT
  public:
    struct Column {
        QString name, tip;
        bool isText = false;  ///< at the left edge, numbers at the right one
    };
    /// name: of the figure, "Attention mask".
    FigureTable(const QString& name, QVector<Column> columns, QObject* parent);

    const QString& name() const { return m_name; }
    int roomyColumn() const;  ///< the last one of text, which takes what room there is; -1: none
    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;
    /// By the column's numbers; -1: in the order of the run. What comes after it stands at the end.
    void sort(int column, Qt::SortOrder order = Qt::AscendingOrder) override;

    // Rows as they are sorted.
    IndexRange stepsOf(int row) const;
    int rowOf(int step) const;                                  ///< -1: none
    int source(int row) const;                                  ///< the row before sorting
    QString tabbed(const std::vector<IndexRange>& rows) const;  ///< lines of cells between tabs, after one of headings

    /// So many rows are copied at most.
    static constexpr int kMostCopied = 100'000;

  public slots:
    void rebuild();  ///< the figure shows something else
    void grow();     ///< rows were added; the last that was there may have changed

  protected:
    void setColumns(QVector<Column> columns);  ///< with rebuild() to follow where there are more or fewer
    // Rows in the order of the run.
    virtual int nRows() const = 0;
    virtual QString cell(int row, int column) const = 0;  ///< of nRows() at the last rebuild() or grow()
    virtual double key(int row, int column) const = 0;    ///< what the column is sorted by; NaN: nothing, below all
    virtual IndexRange steps(int) const { return {}; }
    virtual int rowOfStep(int) const { return -1; }

  private:
    int rowOfSource(int source) const;
    QString m_name;
    QVector<Column> m_columns;
    int m_nRows = 0;
    std::vector<int> m_order;  ///< row to source; empty: as they come
};

/// A row for each step of the run on show, in step with it.
class StepTable : public FigureTable {
    Q_OBJECT
  public:
    StepTable(RunStore* store, const QString& name, QVector<Column> columns, QObject* parent);

  protected:
    int nRows() const override;
    IndexRange steps(int row) const override { return {row, row}; }
    int rowOfStep(int step) const override { return step < nRows() ? step : -1; }
    RunStore* store() const { return m_store; }

  private:
    RunStore* m_store;
};

}  // namespace spanscope
