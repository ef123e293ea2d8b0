#include "ui/model/figure_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/files/csv_cell.h"
#include "ui/model/run_store.h"
#include "ui/model/shown_text.h"

namespace spanscope {

FigureTable::FigureTable(const QString& name, QVector<Column> columns, QObject* parent)
    : QAbstractTableModel(parent), m_name(name), m_columns(std::move(columns)) {}

int FigureTable::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : m_nRows; }
int FigureTable::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : int(m_columns.size()); }

int FigureTable::roomyColumn() const {
    for (int c = int(m_columns.size()) - 1; c >= 0; --c)
        if (m_columns[c].isText) return c;
    return -1;
}

int FigureTable::source(int row) const {
    if (row < 0 || row >= m_nRows) return -1;
    return row < int(m_order.size()) ? m_order[size_t(row)] : row;
}

QVariant FigureTable::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= m_nRows || index.column() >= m_columns.size()) return {};
    const Column& column = m_columns[index.column()];
    switch (role) {
        case Qt::DisplayRole: return cell(source(index.row()), index.column());
        case Qt::ToolTipRole:
            return column.isText ? QVariant(plainToolTip(cell(source(index.row()), index.column()))) : QVariant();
        case Qt::AccessibleTextRole: return column.name + ' ' + cell(source(index.row()), index.column());
        case Qt::TextAlignmentRole: return int(Qt::AlignVCenter | (column.isText ? Qt::AlignLeft : Qt::AlignRight));
        default: return {};
    }
}

QVariant FigureTable::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= m_columns.size()) return {};
    const Column& column = m_columns[section];
    switch (role) {
        case Qt::DisplayRole: return column.name;
        case Qt::ToolTipRole: return column.tip;
        case Qt::TextAlignmentRole: return int(Qt::AlignVCenter | (column.isText ? Qt::AlignLeft : Qt::AlignRight));
        default: return {};
    }
}

void FigureTable::sort(int column, Qt::SortOrder order) {
    std::vector<int> sorted;
    if (column >= 0 && column < m_columns.size()) {
        sorted.resize(size_t(m_nRows));
        std::iota(sorted.begin(), sorted.end(), 0);
        std::vector<double> keys(sorted.size());
        for (int row = 0; row < m_nRows; ++row) {
            const double value = key(row, column);
            keys[size_t(row)] = std::isnan(value) ? std::numeric_limits<double>::lowest() : value;
        }
        const bool up = order == Qt::AscendingOrder;
        std::stable_sort(sorted.begin(), sorted.end(), [&](int a, int b) {
            return up ? keys[size_t(a)] < keys[size_t(b)] : keys[size_t(b)] < keys[size_t(a)];
        });
    }
    emit layoutAboutToBeChanged({}, VerticalSortHint);
    const QModelIndexList from = persistentIndexList();
    std::vector<int> sources;
    for (const QModelIndex& index : from) sources.push_back(source(index.row()));
    m_order = std::move(sorted);
    if (!from.isEmpty()) {
        std::vector<int> rows(static_cast<size_t>(m_nRows));
        for (int row = 0; row < m_nRows; ++row) rows[size_t(source(row))] = row;
        QModelIndexList to;
        for (qsizetype i = 0; i < from.size(); ++i) to << index(rows[size_t(sources[size_t(i)])], from[i].column());
        changePersistentIndexList(from, to);
    }
    emit layoutChanged({}, VerticalSortHint);
}

IndexRange FigureTable::stepsOf(int row) const { return source(row) < 0 ? IndexRange{} : steps(source(row)); }

int FigureTable::rowOf(int step) const { return step < 0 ? -1 : rowOfSource(rowOfStep(step)); }

int FigureTable::rowOfSource(int source) const {
    if (source < 0 || source >= m_nRows) return -1;
    const auto at = std::find(m_order.begin(), m_order.end(), source);
    return at == m_order.end() ? source : int(at - m_order.begin());
}

QString FigureTable::tabbed(const std::vector<IndexRange>& rows) const {
    QString text;
    const auto add = [&](int column, const QString& cell) {  // on its way to a spreadsheet
        if (column) text += '\t';
        text += QString::fromStdString(withoutFormula(cell.toStdString())).replace('\t', ' ');
    };
    for (int c = 0; c < m_columns.size(); ++c) add(c, m_columns[c].name);
    text += '\n';
    int left = kMostCopied;
    for (const IndexRange& range : rows)
        for (int row = std::max(0, range.first); row <= range.last && row < m_nRows && left > 0; ++row, --left) {
            for (int c = 0; c < m_columns.size(); ++c) add(c, cell(source(row), c));
            text += '\n';
        }
    return text;
}

void FigureTable::rebuild() {
    beginResetModel();
    m_order.clear();
    m_nRows = nRows();
    endResetModel();
}

void FigureTable::grow() {
    const int n = nRows(), before = m_nRows;
    if (n < before) return rebuild();
    if (before > 0) {
        const int row = rowOfSource(before - 1);
        emit dataChanged(index(row, 0), index(row, int(m_columns.size()) - 1));
    }
    if (n == before) return;
    beginInsertRows({}, before, n - 1);
    m_nRows = n;
    endInsertRows();
}

void FigureTable::setColumns(QVector<Column> columns) {
    m_columns = std::move(columns);
    emit headerDataChanged(Qt::Horizontal, 0, int(m_columns.size()) - 1);
}

StepTable::StepTable(RunStore* store, const QString& name, QVector<Column> columns, QObject* parent)
    : FigureTable(name, std::move(columns), parent), m_store(store) {
    connect(store, &RunStore::reset, this, &StepTable::rebuild);
    connect(store, &RunStore::stepsAppended, this, &StepTable::grow);
    connect(store, &RunStore::finished, this, &StepTable::grow);
}

int StepTable::nRows() const { return m_store->nSteps(); }

}  // namespace spanscope
