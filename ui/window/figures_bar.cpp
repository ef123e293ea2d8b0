#include "ui/window/figures_bar.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QTimer>
#include <QVBoxLayout>
#include <algorithm>
#include <array>

#include "engine/types/speed_up.h"
#include "ui/model/format.h"
#include "ui/model/live_rate.h"

namespace spanscope {

namespace {
struct FigureText {
    const char* caption;
    const char* definition;
    const char* widest;  ///< keeps the columns still while numbers change
};
constexpr std::array<FigureText, FiguresBar::FigureCount> kFigures{{
    {"TTFT",
     "Time to first token: from the request until the first token is available. Includes tokenizing and prefill, "
     "excludes loading.",
     "88.8 ms"},
    {"Decode",
     "Tokens per second of decoding: (N − 1) / (time of last token − time of first token). While a run is going: over "
     "about the last second.",
     "8,888 t/s"},
    {"Useful", "Decode rate without span markup: special pieces, labels and references are not counted as output.",
     "8,888 t/s"},
    {"Speed-up",
     "Declared over dense decode rate, same prompt, weights and sampler, in alternating slices of 16 steps, over the "
     "steps both have. Needs “Compare with dense”.",
     "8.88×"},
    {"KV stored", "Keys and values kept in memory for all tokens so far. A declared span saves loading, not storage.",
     "888 MiB"},
    {"Step loads",
     "Keys and values loaded by one step, in whole pages of 16 tokens, mean over layers, and their share of what is "
     "stored: of the "
     "selected step, else of the newest.",
     "888 MiB · 88.8 %"},
}};
}  // namespace

FiguresBar::FiguresBar(RunStore* store, RunStore* beside, Selection* selection, QWidget* parent)
    : QWidget(parent), m_store(store), m_beside(beside), m_selection(selection), m_mode(new QLabel(this)) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(8, 2, 8, 2);
    row->setSpacing(24);
    for (size_t i = 0; i < kFigures.size(); ++i) {
        const FigureText& text = kFigures[i];
        auto* cell = new QWidget(this);
        m_cells[i] = cell;
        auto* column = new QVBoxLayout(cell);
        column->setContentsMargins(0, 0, 0, 0);
        column->setSpacing(0);
        auto* caption = new QLabel(tr(text.caption), cell);
        caption->setObjectName("figureCaption");
        m_values[i] = new QLabel(kNoValue, cell);
        m_values[i]->setObjectName("figureValue");
        m_values[i]->setMinimumWidth(QFontMetrics(font()).horizontalAdvance(QString::fromUtf8(text.widest)) + 8);
        column->addWidget(caption);
        column->addWidget(m_values[i]);
        cell->setToolTip(toolTipOf(static_cast<Figure>(i)));
        row->addWidget(cell);
    }
    m_mode->setObjectName("modeBadge");
    m_mode->setText(tr("Inspecting"));
    m_mode->setToolTip(tr("Timings are not valid: probing changes the work done."));
    m_mode->hide();
    row->addWidget(m_mode, 0, Qt::AlignVCenter);
    // Many signals, one refresh for each turn of the event loop.
    const auto schedule = [this] {
        if (m_scheduled) return;
        m_scheduled = true;
        QTimer::singleShot(0, this, &FiguresBar::refresh);
    };
    for (RunStore* each : {m_store, m_beside}) {
        connect(each, &RunStore::reset, this, schedule);
        connect(each, &RunStore::stepsAppended, this, schedule);
        connect(each, &RunStore::finished, this, schedule);
    }
    connect(m_selection, &Selection::changed, this, schedule);
    refresh();
}

void FiguresBar::fit(int width) {
    m_width = width;
    int room = width - 16 - (m_mode->isHidden() ? 0 : m_mode->sizeHint().width());
    for (const Figure figure : {Decode, SpeedUp, KvLoaded, Useful, Ttft, KvStored}) {  // by weight
        room -= m_cells[figure]->sizeHint().width() + layout()->spacing();
        m_cells[figure]->setVisible(room >= 0);
    }
}

QString FiguresBar::toolTipOf(Figure figure, const QString& note) const {
    const FigureText& text = kFigures[figure];
    const QString tip = QStringLiteral("<b>%1</b><br>%2").arg(tr(text.caption), tr(text.definition));
    return note.isEmpty() ? tip : tip + tr("<br>Here: %1.").arg(note);
}

QString FiguresBar::value(Figure figure) const { return m_values[figure]->text(); }

void FiguresBar::set(Figure figure, const QString& value) {
    if (m_values[figure]->text() == value) return;
    m_values[figure]->setText(value);
    m_values[figure]->setAccessibleName(tr(kFigures[figure].caption) + ' ' + value);
}

void FiguresBar::setInspecting(bool inspecting) {
    m_mode->setVisible(inspecting);
    fit(m_width);
}

void FiguresBar::refresh() {
    m_scheduled = false;
    const RunData& run = m_store->data();
    const RunStats& stats = run.stats;
    set(Ttft, formatDuration(stats.ttftNs));
    const double live = m_store->isFinished() ? 0 : liveTokensPerS(run.steps);
    set(Decode, formatRate(live > 0 ? live : stats.decodeTokensPerS()));
    set(Useful, formatRate(stats.usefulTokensPerS()));
    const auto up = speedUp(run, m_beside->data());
    set(SpeedUp, formatFactor(up.factor));
    m_cells[SpeedUp]->setToolTip(toolTipOf(SpeedUp, QString::fromStdString(up.note())));
    const int context = m_store->nContext();
    const quint64 perToken = static_cast<quint64>(std::max<int64_t>(0, stats.kvBytesPerToken));
    set(KvStored, context && perToken ? formatBytes(perToken * static_cast<quint64>(context)) : kNoValue);
    const int selected = m_selection->current();
    const int step = selected >= 0 && selected < m_store->nSteps() ? selected : m_store->nSteps() - 1;
    if (step >= 0 && perToken) {
        const StepRecord& record = run.steps[static_cast<size_t>(step)];
        set(KvLoaded,
            QStringLiteral("%1 · %2").arg(formatBytes(perToken * static_cast<quint64>(record.loaded)),
                                          formatPercent(double(record.loaded) / double(std::max(1, record.causal)))));
    } else {
        set(KvLoaded, kNoValue);
    }
    if (m_width > 0) fit(m_width);  // a longer value may leave no room for another
}

}  // namespace spanscope
