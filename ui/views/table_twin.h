// The table beside a figure: sorted by any column, copied with Ctrl+C, its rows linked with the selection that all
// views share. Every figure opens its own with T or from its context menu. GUI thread.
#pragma once

#include <QDialog>
#include <QTableView>
#include <functional>

#include "ui/model/figure_table.h"
#include "ui/model/selection.h"

class QAction;
class QLabel;

namespace spanscope {

/// A read-only table; Tab leaves it. A row of steps selects them, a step that is selected elsewhere its row.
class FigureTableView : public QTableView {
    Q_OBJECT
  public:
    FigureTableView(FigureTable* table, Selection* selection, QWidget* parent);
    FigureTable* table() const { return m_table; }
    void copy() const;  ///< the selected rows, cells between tabs
    void fitColumns();

  signals:
    void chosen(int row);  ///< of the figure, unsorted: one that is about no step

  protected:
    void keyPressEvent(QKeyEvent* event) override;
    bool event(QEvent* event) override;
    void changeEvent(QEvent* event) override;

  private:
    void onRowsSelected();
    void showSelection();
    std::vector<IndexRange> selectedRows() const;

    FigureTable* m_table;
    Selection* m_selection;
    bool m_busy = false;
};

class TableTwin : public QDialog {
    Q_OBJECT
  public:
    /// Owns the table.
    TableTwin(FigureTable* table, Selection* selection, QWidget* figure);
    FigureTableView* view() const { return m_view; }

  private:
    void showCount();
    FigureTableView* m_view;
    QLabel* m_count;
};

/// Gives a figure the action "Show as table" (T), which opens a table made by `make`, or brings the one that is open to
/// the front, and says to screen readers what it is. chosen: of a row about no step; may be empty.
/// context: as ViewActions has it.
QAction* addTableTwin(QWidget* figure, Selection* selection, const std::function<FigureTable*()>& make,
                      const std::function<void(int row)>& chosen = {},
                      Qt::ShortcutContext context = Qt::WidgetShortcut);

}  // namespace spanscope
