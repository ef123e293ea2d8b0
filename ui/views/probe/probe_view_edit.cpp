// A span under a person's hands: what the step may attend to, run again, and what came of it.
#include <QHBoxLayout>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "engine/types/segment_name.h"
#include "ui/model/format.h"
#include "ui/views/probe/probe_plots.h"
#include "ui/views/probe/probe_tables.h"
#include "ui/views/probe/probe_view.h"

namespace spanscope {

using namespace probe;

namespace {
constexpr int kSegmentRole = Qt::UserRole + 1;
}

/// What is run again, and the button for it, stand above what comes of it: below the fold nobody finds them.
QWidget* ProbeView::makeEditor() {
    auto* editor = new QWidget(this);
    m_moved =
        table({tr("What follows"), tr("Before"), tr("After"), tr("Change")}, tr("How the distribution moved"),
              tr("Probabilities of the token that follows under the recorded span and under the edited one"), editor);
    auto* row = new QHBoxLayout;
    row->addWidget(m_apply, 0, Qt::AlignTop);
    row->addWidget(m_goOn, 0, Qt::AlignTop);
    row->addWidget(m_editText, 1);
    m_goOn->setObjectName("branchSpan");
    m_goOn->setToolTip(tr(
        "A new run that goes on from this step under the ticked span, to the end of the step's phase; this run stays "
        "beside it"));
    auto* lists = new QHBoxLayout;
    lists->addWidget(m_segments, 2);
    lists->addWidget(m_moved, 3);
    auto* column = new QVBoxLayout(editor);
    column->setContentsMargins(8, 8, 8, 8);
    column->addLayout(row);
    column->addLayout(lists, 1);
    return editor;
}

void ProbeView::fillEdit() {
    m_editStep = m_probe.step;
    m_editor.reset(m_probe.visible ? *m_probe.visible : IntervalList{}, m_probe.position);
    m_attention->setEditor(&m_editor);
    m_moved->setRowCount(0);
    m_editText->setText(tr("Tick what step %1 may attend to, or drag the edges of the span above.").arg(m_editStep));
    m_apply->setEnabled(true);
    m_goOn->setEnabled(true);
    m_filling = true;
    m_segments->clear();
    const auto& segments = m_store->data().segments;
    for (size_t s = 0; s < segments.size(); ++s) {
        const Segment& segment = segments[s];
        if (segment.begin > m_probe.position) break;
        const int last = std::min(segment.end, m_probe.position + 1) - 1;
        auto* item = new QListWidgetItem(
            tr("%1 · tokens %2 – %3").arg(QString::fromStdString(segmentName(segment))).arg(segment.begin).arg(last),
            m_segments);
        item->setData(kSegmentRole, static_cast<int>(s));
        const bool own = segment.begin <= m_probe.position && m_probe.position < segment.end;
        // A step always sees itself, so its own segment stays.
        item->setFlags(own ? Qt::ItemIsEnabled : Qt::ItemIsEnabled | Qt::ItemIsUserCheckable | Qt::ItemIsSelectable);
    }
    m_filling = false;
    showTicks();
}

void ProbeView::showTicks() {
    m_filling = true;
    for (int r = 0; r < m_segments->count(); ++r) {
        QListWidgetItem* item = m_segments->item(r);
        const Segment& segment = m_store->data().segments[static_cast<size_t>(item->data(kSegmentRole).toInt())];
        const Interval tokens{segment.begin, std::min(segment.end, m_probe.position + 1)};
        const int n = m_editor.nShown(tokens);
        item->setCheckState(n == 0                           ? Qt::Unchecked
                            : n == tokens.end - tokens.begin ? Qt::Checked
                                                             : Qt::PartiallyChecked);
    }
    m_filling = false;
    m_attention->update();
}

void ProbeView::onTicked(QListWidgetItem* item) {
    const size_t s = static_cast<size_t>(item->data(kSegmentRole).toInt());
    if (m_filling || m_editStep < 0 || s >= m_store->data().segments.size() ||
        item->checkState() == Qt::PartiallyChecked)
        return;
    const Segment& segment = m_store->data().segments[s];
    m_editor.setShown({segment.begin, segment.end}, item->checkState() == Qt::Checked);
    m_attention->setEditor(&m_editor);  // edges were renumbered
}

void ProbeView::requestBranch(int step, std::vector<int32_t> tokens, const QString& text) {
    if (!m_ready) return;
    BranchRequest request;
    request.step = step;
    request.tokens = std::move(tokens);
    request.text = text;
    emit branchRequested(request);
}

void ProbeView::requestSpanBranch() {
    if (!m_ready || m_editStep < 0) return;
    BranchRequest request;
    request.step = m_editStep;
    request.list = m_editor.list();
    emit branchRequested(request);
}

void ProbeView::requestEdit() {
    if (m_ready && m_editStep >= 0) emit editRequested(m_editStep, m_editor.list());
}

void ProbeView::onEdit(const StepEdit& edit) {
    if (!m_ready || edit.runId != m_store->data().header.runId || edit.step != m_editStep) return;
    const auto first = [](const std::vector<TokenChoice>& list) {
        return list.empty() ? kNoValue
                            : QStringLiteral("“%1” %2").arg(shown(list.front().text),
                                                            formatPercent(std::exp(double(list.front().logprob))));
    };
    m_moved->setRowCount(0);
    const auto probability = [](const std::vector<TokenChoice>& list, int32_t id) {
        const auto it = std::find_if(list.begin(), list.end(), [id](const TokenChoice& c) { return c.id == id; });
        return it == list.end() ? -1.0 : std::exp(double(it->logprob));
    };
    // The new first choice on top.
    for (const auto* list : {&edit.topAfter, &edit.topBefore})
        for (const TokenChoice& choice : *list) {
            const double before = probability(edit.topBefore, choice.id), after = probability(edit.topAfter, choice.id);
            if (list == &edit.topBefore && after >= 0) continue;  // listed already
            const auto text = [](double p) { return p < 0 ? kNoValue : formatPercent(p); };
            const int row = m_moved->rowCount();
            m_moved->setRowCount(row + 1);
            fillRow(m_moved, row,
                    {shown(choice.text), text(before), text(after),
                     before < 0 || after < 0 ? kNoValue : formatPoints(after - before)});
        }
    m_editText->setText(
        tr("Attends to %1 tokens instead of %2. First choice %3, was %4, dense %5. KL to the run %6, to dense %7.")
            .arg(edit.attendedAfter)
            .arg(edit.attendedBefore)
            .arg(first(edit.topAfter), first(edit.topBefore), first(edit.topDense),
                 formatNats(edit.beforeToAfter.klNats), formatNats(edit.denseToAfter.klNats)));
    emit edited(edit);
}

}  // namespace spanscope
