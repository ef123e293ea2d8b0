#include "ui/views/whatif/whatif_view.h"

#include <qcustomplot.h>

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QGuiApplication>
#include <QLabel>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSlider>
#include <QVBoxLayout>

#include "ui/model/format.h"
#include "ui/views/tab_order.h"
#include "ui/views/table_twin.h"
#include "ui/views/view_actions.h"
#include "ui/views/whatif/scaled_value.h"
#include "ui/views/whatif/whatif_table.h"

namespace spanscope {

namespace {
constexpr int kRedrawMs = 500;
// Rows of the memory's list before those that are specified.
constexpr int kOfRun = 0, kMeasured = 1, kFirstSpecified = 2;
}  // namespace

WhatIfView::WhatIfView(RunStore* store, RunStore* beside, QWidget* parent)
    : QWidget(parent), m_store(store), m_beside(beside) {
    setObjectName("page");
    setAttribute(Qt::WA_StyledBackground);
    setAccessibleName(tr("What if"));
    const auto text = [this](const char* name) {
        auto* l = new QLabel(this);
        l->setObjectName(name);
        l->setWordWrap(true);
        l->setTextFormat(Qt::PlainText);
        l->setTextInteractionFlags(Qt::TextSelectableByMouse);
        return l;
    };
    m_body = new QWidget(this);
    QWidget* controls = makeControls();
    m_sentence = text("whatIfSentence");
    QFont strong = m_sentence->font();
    strong.setBold(true);
    m_sentence->setFont(strong);
    m_times = text("whatIfTimes");
    m_note = text("whatIfNote");
    m_empty = text("whatIfEmpty");
    m_empty->setAlignment(Qt::AlignCenter);
    m_plot = new QCustomPlot(this);
    m_plot->setObjectName("whatIfPlot");
    m_plot->setAccessibleName(tr("Time of a step over context length"));
    m_plot->setFocusPolicy(Qt::StrongFocus);
    m_plot->setMinimumSize(120, 260);
    m_plot->setContextMenuPolicy(Qt::ActionsContextMenu);
    m_painter = std::make_unique<WhatIfPlot>(m_plot);

    auto* column = new QVBoxLayout(m_body);
    column->setContentsMargins(16, 6, 16, 8);
    column->setSpacing(6);
    column->addWidget(controls);
    column->addWidget(m_sentence);
    column->addWidget(m_times);
    column->addWidget(m_plot, 1);
    column->addWidget(m_note);
    auto* all = new QVBoxLayout(this);
    all->setContentsMargins(0, 0, 0, 0);
    all->addWidget(m_body, 1);
    all->addWidget(m_empty, 1);
    tabThrough({m_page->slider(), m_page->spin(), m_context->slider(), m_context->spin(), m_batch->slider(),
                m_batch->spin(), m_rate->slider(), m_rate->spin(), m_memory, m_measure, m_fixed, m_type, m_scaling,
                m_reset, m_plot});

    addTableTwin(m_plot, nullptr, [this] {
        auto* table = new WhatIfTable(m_rows);
        connect(this, &WhatIfView::changed, table, &FigureTable::rebuild);
        return table;
    });
    const ViewActions add(m_plot, Qt::WidgetShortcut);
    add(tr("Copy as CSV"), QKeySequence::Copy, tr("Copy every number as CSV"), [this] { copyCsv(); });

    m_timer.setSingleShot(true);
    m_timer.setInterval(kRedrawMs);
    connect(&m_timer, &QTimer::timeout, this, &WhatIfView::rebuild);
    for (RunStore* of : {m_store, m_beside}) {
        connect(of, &RunStore::reset, this, &WhatIfView::rebuild);
        connect(of, &RunStore::finished, this, &WhatIfView::rebuild);
        connect(of, &RunStore::stepsAppended, this, [this] {
            if (!m_timer.isActive()) m_timer.start();
        });
    }
    applyTheme();
    rebuild();
}

WhatIfView::~WhatIfView() = default;

QWidget* WhatIfView::makeControls() {
    auto* controls = new QWidget(this);
    auto* grid = new QGridLayout(controls);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(8);
    grid->setVerticalSpacing(4);
    grid->setColumnStretch(1, 1);
    int row = 0;
    const auto scaled = [&](const QString& name, const QString& tip, double least, double most, int perDoubling,
                            int decimals, auto&& take) {
        auto* value = new ScaledValue(name, tip, least, most, perDoubling, decimals, controls);
        auto* label = new QLabel(name, controls);
        label->setBuddy(value->slider());
        grid->addWidget(label, row, 0);
        grid->addWidget(value->slider(), row, 1);
        grid->addWidget(value->spin(), row++, 2);
        connect(value, &ScaledValue::edited, this, [this, take](double v) {
            take(v);
            refresh();
        });
        return value;
    };
    m_page = scaled(tr("Page"), tr("Tokens in a page of the KV cache: spans are rounded outward to whole pages"), 1,
                    kMostPageTokens, 1, 0, [this](double v) { m_asked.pageTokens = int(v); });
    m_context = scaled(tr("Context"), tr("Tokens that a dense step may read"), 16, kMostCostContext, 4, 0,
                       [this](double v) { m_asked.context = int(v); });
    m_batch =
        scaled(tr("Batch"), tr("Sequences decoded together: weights are read once for all, keys and values for each"),
               1, kMostCostBatch, 1, 0, [this](double v) { m_asked.batch = int(v); });
    m_rate = scaled(tr("Memory, GB/s"), tr("Bytes that memory is read at, 10\u2079 a second"), 1, 32768, 4, 1,
                    [this](double v) {
                        if (m_asked.fixedUs < 0) m_asked.fixedUs = m_how.fixedUs;
                        m_asked.gbPerS = v;
                    });
    const auto named = [&](const QString& name, QWidget* widget, const QString& tip, QWidget* beside) {
        auto* label = new QLabel(name, controls);
        label->setBuddy(widget);
        widget->setAccessibleName(name);
        widget->setToolTip(tip);
        grid->addWidget(label, row, 0);
        grid->addWidget(widget, row, 1);
        if (beside) grid->addWidget(beside, row, 2);
        ++row;
    };
    const auto combo = [&] {
        auto* box = new QComboBox(controls);
        box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
        box->setMinimumContentsLength(14);
        box->setFocusPolicy(Qt::StrongFocus);
        return box;
    };
    m_memory = combo();
    m_measure = new QPushButton(tr("Measure"), controls);
    m_measure->setToolTip(tr("Read this machine's main memory now, as fast as the threads of the model can"));
    named(tr("Rate of"), m_memory, tr("Whose memory: of this run, as measured, or as specified"), m_measure);
    connect(m_memory, &QComboBox::activated, this, &WhatIfView::onMemory);
    connect(m_measure, &QPushButton::clicked, this, [this] {
        m_measure->setEnabled(false);
        m_measure->setText(tr("Measuring"));
        emit measureRequested();
    });
    m_fixed = new QDoubleSpinBox(controls);
    m_fixed->setRange(0, kMostFixedUs);
    m_fixed->setDecimals(1);
    m_fixed->setGroupSeparatorShown(true);
    m_fixed->setKeyboardTracking(false);
    m_fixed->setSuffix(tr(" \u00b5s"));
    m_fixed->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
    m_fixed->setFocusPolicy(Qt::StrongFocus);
    named(tr("Fixed part"), m_fixed,
          tr("Of a step, whatever it reads: launches, sampling, arithmetic that hides behind no read"), nullptr);
    connect(m_fixed, &QDoubleSpinBox::valueChanged, this, [this](double v) {
        if (m_asked.gbPerS <= 0) m_asked.gbPerS = m_how.gbPerS;
        m_asked.fixedUs = v;
        refresh();
    });
    m_type = combo();
    m_type->addItem(tr("16 bits a value (BF16, F16)"), 2);
    m_type->addItem(tr("32 bits a value (F32)"), 4);
    named(tr("KV cache"), m_type, tr("Type of the KV cache"), nullptr);
    connect(m_type, &QComboBox::activated, this, [this] {
        m_asked.valueBytes = m_type->currentData().toInt();
        refresh();
    });
    m_scaling = combo();
    m_scaling->addItem(tr("keep their share of the context"), int(SpanScaling::Share));
    m_scaling->addItem(tr("stay as long as they are"), int(SpanScaling::Tokens));
    m_reset = new QPushButton(tr("As the run was"), controls);
    m_reset->setToolTip(tr("Every condition as the run on show had it"));
    named(tr("Spans"), m_scaling, tr("What the spans of this run become in a context of another length"), m_reset);
    connect(m_scaling, &QComboBox::activated, this, [this] {
        m_asked.scaling = SpanScaling(m_scaling->currentData().toInt());
        refresh();
    });
    connect(m_reset, &QPushButton::clicked, this, &WhatIfView::asTheRunWas);
    return controls;
}

void WhatIfView::fillMemory() {
    const QSignalBlocker quiet(m_memory);
    m_memory->clear();
    m_memory->addItem(m_cost.rate.nSteps > 0 ? tr("this run: %1 GB/s").arg(formatNumber(m_cost.rate.gbPerS))
                                             : tr("this run: not measured"));
    m_memory->setItemData(kOfRun, QString::fromStdString(m_cost.rate.text()), Qt::ToolTipRole);
    m_memory->addItem(m_measuredGBPerS > 0 ? tr("this machine: %1 GB/s").arg(formatNumber(m_measuredGBPerS))
                                           : tr("this machine: press Measure"));
    for (const MemoryRate& rate : memoryRates()) {
        m_memory->addItem(tr("%1: %2 GB/s").arg(QLatin1String(rate.name), formatNumber(rate.gbPerS)));
        m_memory->setItemData(m_memory->count() - 1, QLatin1String(rate.source), Qt::ToolTipRole);
    }
    int at = -1;
    if (m_asked.gbPerS <= 0 && m_cost.rate.nSteps > 0) at = kOfRun;
    else if (m_measuredGBPerS > 0 && m_how.gbPerS == m_measuredGBPerS) at = kMeasured;
    else
        for (size_t i = 0; i < memoryRates().size(); ++i)
            if (m_how.gbPerS == memoryRates()[i].gbPerS) at = kFirstSpecified + int(i);
    if (at < 0) {
        m_memory->addItem(tr("a rate of one's own"));
        at = m_memory->count() - 1;
    }
    m_memory->setCurrentIndex(at);
}

void WhatIfView::onMemory(int index) {
    const auto given = [this](double gbPerS) {  // without the fixed part of another machine
        m_asked.gbPerS = gbPerS;
        m_asked.fixedUs = 0;
    };
    if (index == kOfRun) {
        m_asked.gbPerS = 0;
        m_asked.fixedUs = -1;
    } else if (index == kMeasured) {
        if (m_measuredGBPerS > 0) given(m_measuredGBPerS);
    } else if (index - kFirstSpecified < int(memoryRates().size())) {
        given(memoryRates()[size_t(index - kFirstSpecified)].gbPerS);
    }
    refresh();
}

void WhatIfView::setModel(const ModelInfo& model) {
    m_model = model;
    rebuild();
}

void WhatIfView::onReadRate(double gbPerS) {
    m_measure->setEnabled(true);
    m_measure->setText(tr("Measure"));
    m_measuredGBPerS = std::round(10 * gbPerS) / 10;  // as the box beside it can say it
    if (m_measuredGBPerS > 0) onMemory(kMeasured);
    else refresh();
}

void WhatIfView::asTheRunWas() {
    m_asked = {};
    refresh();
}

WhatIf WhatIfView::asked() const {
    WhatIf asked = m_asked;
    const bool sameModel = m_store->isEmpty() || m_store->data().header.modelHash == m_model.hash.toStdString();
    if (!m_model.path.isEmpty() && sameModel) {
        asked.bytes = m_model.stepBytes;
        asked.kvType = m_model.kvType.toStdString();
    }
    return asked;
}

void WhatIfView::rebuild() {
    m_timer.stop();
    m_stale = true;
    if (!isVisible()) return;  // made when it is shown
    m_stale = false;
    const WhatIf asked = this->asked();
    m_cost = runCost(&m_store->data(), &m_beside->data(), asked.bytes, asked.kvType);
    m_spans = {};
    refresh();
}

void WhatIfView::refresh() {
    const bool known = m_cost.known();
    m_body->setVisible(known);
    m_empty->setVisible(!known);
    m_empty->setText(m_store->isEmpty() ? tr("Open a model or run something: what a step reads is then known.")
                                        : tr("This recording does not tell how many bytes a step read. Open the model "
                                             "that made it, or run it again."));
    if (!known) return;
    m_how = m_cost.resolved(m_asked);
    if (m_spans.pageTokens != m_how.pageTokens) m_spans = spanLoad(m_store->data(), m_how.pageTokens);
    m_rows = costRows(m_cost, m_spans, m_how);
    showConditions();
    m_painter->setData(m_cost, m_spans, m_how);
    m_plot->setAccessibleDescription(summary());
    m_plot->replot(QCustomPlot::rpQueuedReplot);
    emit changed();
}

void WhatIfView::showConditions() {
    m_page->setValue(m_how.pageTokens);
    m_context->setValue(m_how.context);
    m_batch->setValue(m_how.batch);
    m_rate->setValue(m_how.gbPerS);
    {
        const QSignalBlocker quiet(m_fixed);
        m_fixed->setValue(m_how.fixedUs);
    }
    m_type->setCurrentIndex(m_type->findData(m_how.valueBytes));
    m_scaling->setCurrentIndex(m_scaling->findData(int(m_how.scaling)));
    fillMemory();
    const CostComparison c = compared();
    m_sentence->setText(QString::fromStdString(c.sentence()));
    QStringList lines{timesText(c)};
    if (const QString measured = measuredText(m_cost); !measured.isEmpty()) lines << measured;
    m_times->setText(lines.join('\n'));
    QStringList notes{tr("By bytes alone: weights once, keys and values of the pages loaded for each sequence.")};
    if (c.hasSpans) notes << scalingText(m_cost, m_how.scaling);
    const int memory = m_memory->currentIndex();
    const QString source = m_memory->itemData(memory, Qt::ToolTipRole).toString();
    if (!source.isEmpty()) notes << tr("Rate: %1.").arg(source);
    if (!m_cost.dense.empty() || !m_cost.spans.empty())
        notes << tr("Marks are as the run was: batch 1, its own pages and cache.");
    m_note->setText(notes.join(' '));
}

CostComparison WhatIfView::compared() const { return compareCost(m_cost.bytes, m_spans, m_how, m_how.context); }

QString WhatIfView::summary() const {
    if (!m_cost.known()) return m_empty->text();
    return QStringList{conditionsText(m_how) + '.', m_times->text(), m_sentence->text()}.join(' ').simplified();
}

void WhatIfView::copyCsv() {
    if (m_cost.known()) QGuiApplication::clipboard()->setText(QString::fromStdString(costCsv(m_cost, m_spans, m_how)));
}

void WhatIfView::applyTheme() {
    m_painter->setTheme(Palette::of(palette()), std::max(7.0, font().pointSizeF() * 0.85));
}

void WhatIfView::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    if (m_stale) rebuild();
}

void WhatIfView::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    if (m_cost.known()) m_painter->setData(m_cost, m_spans, m_how);  // its legends go by the width
}

void WhatIfView::changeEvent(QEvent* event) {
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) {
        applyTheme();
        refresh();
    }
}

}  // namespace spanscope
