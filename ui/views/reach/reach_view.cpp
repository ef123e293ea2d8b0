#include "ui/views/reach/reach_view.h"

#include <QHeaderView>
#include <QLabel>
#include <QMouseEvent>
#include <QPainter>
#include <QPointer>
#include <QTabBar>
#include <QTabWidget>
#include <QTableWidget>
#include <QVBoxLayout>
#include <algorithm>

#include "engine/types/segment_name.h"
#include "engine/types/token_at.h"
#include "ui/model/background.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/model/tint.h"
#include "ui/views/reach/reach_strip.h"
#include "ui/views/reach/reach_table.h"
#include "ui/views/tab_order.h"
#include "ui/views/table_twin.h"
#include "ui/views/tokens/token_text.h"

namespace spanscope {

namespace {
constexpr int kMostRows = 2000;  // of the table: a recording may hold a hundred thousand segments
}

ReachStrip::ReachStrip(const RunData& run, const Reach& reach, const std::vector<ReachRow>& rows, QWidget* parent)
    : QWidget(parent), m_run(run), m_reach(reach), m_rows(rows) {
    setObjectName("reachStrip");
    setMouseTracking(true);
    setContextMenuPolicy(Qt::ActionsContextMenu);
    setAccessibleName(tr("Reach over the context"));
}

void ReachStrip::refresh() {
    setFixedHeight(m_rows.empty() ? 0
                                  : static_cast<int>(ReachPlot::heightFor(m_rows.size(), fontMetrics().height() + 4)));
    setFocusPolicy(m_rows.empty() ? Qt::NoFocus : Qt::StrongFocus);
    setAccessibleDescription(m_reach.step < 0
                                 ? tr("No step is selected.")
                                 : tr("Step %1: %2").arg(formatCount(m_reach.step), reachSentence(m_reach)));
    update();
}

ReachPlot ReachStrip::plot() const {
    return {m_run, m_reach, m_rows, Palette::of(palette()), QRectF(rect()), 1 / devicePixelRatioF()};
}

void ReachStrip::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    QFont small = font();
    small.setPointSizeF(std::max(7.0, font().pointSizeF() * 0.85));
    painter.setFont(small);
    plot().paint(painter);
}

void ReachStrip::mouseMoveEvent(QMouseEvent* event) { emit hovered(plot().positionAt(event->position().x())); }
void ReachStrip::leaveEvent(QEvent*) { emit hovered(-1); }

/// What another thread finds out.
struct ReachView::Found {
    Reach reach;
    std::vector<ReachRow> rows;
    std::vector<ReachSegment> segments;
};

ReachView::ReachView(RunStore* store, Selection* selection, QWidget* parent)
    : QWidget(parent),
      m_store(store),
      m_selection(selection),
      m_inbox(sharedMailbox()),
      m_sentence(new QLabel(this)),
      m_note(new QLabel(this)),
      m_strip(new ReachStrip(store->data(), m_reach, m_rows, this)),
      m_text(new TokenText(store, this)),
      m_table(new QTableWidget(this)) {
    setObjectName("page");
    setAttribute(Qt::WA_StyledBackground);
    setAccessibleName(tr("Reach"));
    m_sentence->setObjectName("reachSentence");
    m_sentence->setWordWrap(true);
    m_sentence->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_sentence->setTextFormat(Qt::PlainText);
    m_note->setWordWrap(true);
    m_note->setTextFormat(Qt::PlainText);
    m_table->setAccessibleName(tr("Reach by segment"));
    m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setFrameShape(QFrame::NoFrame);
    m_table->setShowGrid(false);
    m_table->setTabKeyNavigation(false);
    m_table->verticalHeader()->hide();
    m_table->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 6);
    auto* tabs = new QTabWidget(this);
    tabs->setDocumentMode(true);
    tabs->setAccessibleName(tr("Reach in detail"));
    tabs->addTab(m_text, tr("Text"));
    tabs->addTab(m_table, tr("By segment"));
    tabThrough({m_strip, tabs->tabBar(), m_text, m_table});
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(16, 4, 16, 8);
    column->setSpacing(6);
    column->addWidget(m_sentence);
    column->addWidget(m_strip);
    column->addWidget(m_note);
    column->addWidget(tabs, 1);

    m_timer.setSingleShot(true);
    m_timer.setInterval(60);
    connect(&m_timer, &QTimer::timeout, this, &ReachView::ask);
    connect(m_selection, &Selection::changed, this, [this] { m_timer.start(); });
    connect(m_store, &RunStore::reset, this, [this] {
        clear({});
        m_timer.start();
    });
    connect(m_store, &RunStore::finished, this, [this] { m_timer.start(); });
    addTableTwin(m_strip, nullptr, [this] {
        auto* table = new ReachTable(m_store->data(), m_reach);
        connect(this, &ReachView::changed, table, &FigureTable::rebuild);
        return table;
    });
    connect(m_strip, &ReachStrip::hovered, m_text, &TokenText::setCurrent);
    connect(m_text, &TokenText::clicked, this, [this](int position) {
        if (const int step = position - m_store->nPrompt(); step >= 0) m_selection->lockRange(step, step);
    });
    clear({});
    m_timer.start();
}

ReachView::~ReachView() {
    if (m_stop) m_stop->store(true);
}

void ReachView::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    m_timer.start();
}

void ReachView::clear(const QString& why) {
    if (m_stop) m_stop->store(true);
    m_stop.reset();
    m_asked = -1;
    m_reach = {};
    m_rows.clear();
    m_sentence->setText(why.isEmpty()
                            ? tr("Select a step: what it did not read may still have acted on it, through the "
                                 "keys and values of tokens that did.")
                            : why);
    m_note->clear();
    m_note->hide();
    m_table->setRowCount(0);
    m_strip->refresh();
    m_text->setCurrent(-1);
    m_text->setShades({}, {});
    emit changed();
}

void ReachView::ask() {
    if (!isVisible()) return;  // asked again when it is shown
    const int step = m_selection->current();
    if (step >= 0 && step == m_asked) return;
    if (step < 0 || step >= m_store->nSteps()) {
        if (!m_store->isEmpty() && m_asked >= 0) return;  // hovering ended: what was shown stays
        return clear({});
    }
    if (!m_store->isFinished()) return clear(tr("Available when the run has ended."));
    if (m_stop) m_stop->store(true);
    m_stop = std::make_shared<std::atomic<bool>>(false);
    m_asked = step;
    const QPointer<ReachView> self(this);
    inBackground([run = m_store->share(), step, self, stop = m_stop, inbox = m_inbox] {
        const auto found = std::make_shared<Found>();
        found->reach = reachOf(*run, step, stop.get());
        if (stop->load()) return;
        found->rows = reachRows(found->reach);
        found->segments = reachBySegment(*run, found->reach, found->rows);
        inbox->post([self, stop, found] {
            if (self && !stop->load()) self->take(found);
        });
    });
}

void ReachView::take(const std::shared_ptr<const Found>& found) {
    m_reach = found->reach;
    m_rows = found->rows;
    const TokenInfo* token = maybeTokenAt(m_store->data(), m_reach.position);
    m_sentence->setText(tr("Step %1 (“%2”): %3")
                            .arg(m_reach.step)
                            .arg(token ? shownLine(token->text, 60) : QString(), reachSentence(m_reach)));
    m_note->setText(reachNote(m_store->data(), m_reach));
    m_note->show();
    m_strip->refresh();
    m_text->setShades(
        [this](int position) -> TokenShade {
            if (position > m_reach.position) return {};
            const int between = m_reach.between(position);
            return {reachColor(Palette::of(palette()), between), between < 0, {}};
        },
        [this](int position) { return words(position); });
    m_text->setCurrent(m_reach.position);
    fillTable(*found);
    emit changed();
    emit reached();
}

void ReachView::fillTable(const Found& found) {
    m_table->setSortingEnabled(false);
    QStringList heads{tr("Segment"), tr("Tokens")};
    for (const ReachRow& row : m_rows) heads << row.name;
    m_table->setColumnCount(static_cast<int>(heads.size()));
    m_table->setHorizontalHeaderLabels(heads);
    const int n = std::min(static_cast<int>(found.segments.size()), kMostRows);
    m_table->setRowCount(n);
    for (int r = 0; r < n; ++r) {
        const ReachSegment& s = found.segments[static_cast<size_t>(r)];
        const QString name =
            s.segment < 0
                ? tr("outside segments")
                : QString::fromStdString(segmentName(m_store->data().segments[static_cast<size_t>(s.segment)]));
        m_table->setItem(r, 0, new QTableWidgetItem(name));
        const auto number = [&](int column, qint64 value) {
            auto* item = new QTableWidgetItem;
            item->setData(Qt::DisplayRole, value);
            item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
            m_table->setItem(r, column, item);
        };
        number(1, s.nAll);
        for (size_t k = 0; k < s.nTokens.size(); ++k) number(static_cast<int>(k) + 2, s.nTokens[k]);
    }
    m_table->resizeColumnsToContents();
    m_table->setSortingEnabled(true);
    m_table->horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
}

QString ReachView::words(int position) const {
    if (m_reach.step < 0 || position > m_reach.position) return tr("Position %1: after the step").arg(position);
    return tr("Position %1: %2").arg(QString::number(position), betweenWords(m_reach.between(position)));
}

QString ReachView::sentence() const { return m_sentence->text(); }

}  // namespace spanscope
