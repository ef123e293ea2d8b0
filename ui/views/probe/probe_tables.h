// Tables of inspect mode: how they look and are filled. GUI thread.
#pragma once

#include <QHeaderView>
#include <QTableWidget>
#include <string>

#include "ui/model/shown_text.h"

namespace spanscope::probe {

inline QTableWidget* table(const QStringList& heads, const QString& name, const QString& tip, QWidget* parent) {
    auto* t = new QTableWidget(0, static_cast<int>(heads.size()), parent);
    t->setHorizontalHeaderLabels(heads);
    t->setAccessibleName(name);
    t->setToolTip(tip);
    t->setEditTriggers(QAbstractItemView::NoEditTriggers);
    t->setSelectionBehavior(QAbstractItemView::SelectRows);
    t->setFrameShape(QFrame::NoFrame);
    t->setShowGrid(false);
    t->setTabKeyNavigation(false);
    t->verticalHeader()->hide();
    t->verticalHeader()->setDefaultSectionSize(t->fontMetrics().height() + 6);
    t->horizontalHeader()->setStretchLastSection(true);
    t->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    return t;
}

inline void fillRow(QTableWidget* t, int row, const QStringList& cells) {
    for (int c = 0; c < cells.size(); ++c) t->setItem(row, c, new QTableWidgetItem(cells[c]));
}

/// Of a token, with its blanks visible.
inline QString shown(const std::string& text) { return shownLine(text, 60).replace(' ', QChar(0x2423)); }
}  // namespace spanscope::probe
