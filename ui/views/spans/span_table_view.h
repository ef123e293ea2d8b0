// The span table: sortable, its rows select the steps of a segment everywhere.
#pragma once

#include <QTableView>

#include "ui/model/run_store.h"
#include "ui/model/selection.h"

class QSortFilterProxyModel;

namespace spanscope {

class SpanTableModel;

class SpanTableView : public QTableView {
    Q_OBJECT
  public:
    SpanTableView(RunStore* store, Selection* selection, QWidget* parent);
    SpanTableModel* spanModel() const { return m_model; }
    void copySelection() const;

  protected:
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override;

  private:
    void onRowsSelected();
    void showSelection();
    void fitRows();

    SpanTableModel* m_model;
    QSortFilterProxyModel* m_proxy;
    Selection* m_selection;
    bool m_busy = false;
};

}  // namespace spanscope
