#include "ui/window/transcript_panel.h"

#include <QLabel>
#include <QScrollBar>
#include <QSplitter>
#include <QToolButton>
#include <QVBoxLayout>

#include "engine/reading/answer_check.h"
#include "ui/model/check_words.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/views/elided_label.h"
#include "ui/views/transcript/transcript_view.h"
#include "ui/window/find_bar.h"
#include "ui/window/window_actions.h"

namespace spanscope {

namespace {
constexpr int kMostTabs = 12;  // opened at once
}  // namespace

TranscriptPanel::TranscriptPanel(Workspace* workspace, const WindowActions& actions, QWidget* parent)
    : QWidget(parent), m_workspace(workspace) {
    setObjectName("page");
    m_tabs = new RunTabs(m_workspace, this);
    connect(m_tabs, &RunTabs::chosen, this, &TranscriptPanel::chosen);
    auto* lanes = new QSplitter(Qt::Horizontal, this);
    lanes->setHandleWidth(1);
    lanes->setChildrenCollapsible(false);
    RunComparison* comparison = m_workspace->comparison();
    m_transcript = makeLane(m_workspace->shown(), m_workspace->selection(), lanes, m_laneTitle);
    m_other = makeLane(m_workspace->beside(), comparison->secondSelection(), lanes, m_otherTitle);
    m_other->setAccessibleName(tr("Transcript of the other run"));
    m_other->setPlaceholder(tr("No other run"),
                            tr("Run with “Compare with dense”, or choose Show beside in the list of runs."));
    m_transcript->setComparison(comparison, RunComparison::Side::First);
    m_other->setComparison(comparison, RunComparison::Side::Second);
    connect(comparison, &RunComparison::changed, this, &TranscriptPanel::updateLanes);
    m_other->parentWidget()->hide();
    for (const auto side : {RunComparison::Side::First, RunComparison::Side::Second})
        connect((side == RunComparison::Side::First ? m_transcript : m_other)->verticalScrollBar(),
                &QScrollBar::valueChanged, this, [this, side] { followScroll(side); });
    lanes->setSizes({1000, 1000});
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_tabs);
    column->addWidget(makeHead(actions));
    column->addWidget(makeFindBar(actions));
    column->addWidget(lanes, 1);

    connect(m_workspace, &Workspace::changed, this, &TranscriptPanel::refresh);
    for (RunStore* store : {m_workspace->shown(), m_workspace->beside()})
        for (const auto signal : {&RunStore::reset, &RunStore::finished})
            connect(store, signal, this, &TranscriptPanel::refresh);
    // What is looked for is looked for in the run on show.
    for (const auto signal : {&RunStore::reset, &RunStore::finished})
        connect(m_workspace->shown(), signal, this, [this] {
            if (!m_find->isHidden() && !m_find->text().isEmpty()) m_find->setCount(m_transcript->find(m_find->text()));
        });
    connect(m_workspace->shown(), &RunStore::stepsAppended, this, &TranscriptPanel::updateHead);
    refresh();
}

QWidget* TranscriptPanel::makeHead(const WindowActions& actions) {
    auto* head = new QWidget(this);
    head->setObjectName("transcriptHead");
    m_title = new QLabel(tr("Transcript"), head);
    m_title->setObjectName("sectionTitle");
    m_title->setTextFormat(Qt::PlainText);  // names the task of a recording
    m_title->setMinimumWidth(1);
    m_answer = new QLabel(head);
    m_answer->setObjectName("answer");
    m_answer->setTextFormat(Qt::RichText);  // the answer stands out; it is escaped
    m_answer->setAccessibleName(tr("Answer"));
    m_answer->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_remarks = new QLabel(head);
    m_remarks->setObjectName("remarks");
    m_remarks->setTextFormat(Qt::RichText);  // for its colour; it is escaped
    m_remarks->setAccessibleName(tr("Remarks on the run"));
    m_remarks->setWordWrap(true);
    m_remarks->hide();
    auto* markup = new QToolButton(head);
    markup->setObjectName("markupButton");
    markup->setDefaultAction(actions.action("showMarkup"));
    markup->setToolButtonStyle(Qt::ToolButtonTextOnly);
    auto* row = new QHBoxLayout;
    row->setSpacing(16);
    row->addWidget(m_title);
    row->addStretch(1);
    row->addWidget(m_answer);
    row->addWidget(markup);
    auto* column = new QVBoxLayout(head);
    column->setContentsMargins(16, 8, 16, 4);
    column->setSpacing(4);
    column->addLayout(row);
    column->addWidget(m_remarks);
    return head;
}

QWidget* TranscriptPanel::makeFindBar(const WindowActions& actions) {
    m_find = new FindBar("findEdit", tr("Find in transcript"), actions, this);
    connect(m_find, &FindBar::searched, this, [this](const QString& text) {
        const int n = m_transcript->find(text);
        if (!text.isEmpty()) m_find->setCount(n);
        if (n) m_transcript->findNext(1);
    });
    connect(m_find, &FindBar::nextWanted, this, [this] { m_transcript->findNext(1); });
    connect(m_find, &FindBar::left, this, [this] { m_transcript->setFocus(); });
    return m_find;
}

TranscriptView* TranscriptPanel::makeLane(RunStore* store, Selection* selection, QWidget* parent, QLabel*& name) {
    auto* pane = new QWidget(parent);
    pane->setObjectName("page");
    pane->setAttribute(Qt::WA_StyledBackground);
    name = new ElidedLabel(pane);
    name->setObjectName("laneTitle");
    name->setContentsMargins(16, 2, 16, 0);
    name->hide();
    auto* view = new TranscriptView(store, selection, pane);
    auto* box = new QVBoxLayout(pane);
    box->setContentsMargins(0, 0, 0, 0);
    box->setSpacing(0);
    box->addWidget(name);
    box->addWidget(view, 1);
    return view;
}

void TranscriptPanel::setSideBySide(bool on) {
    m_other->parentWidget()->setVisible(on);
    m_laneTitle->setVisible(on);
    m_otherTitle->setVisible(on);
    updateLanes();
}

/// The other transcript shows what corresponds to what stands at the top of this one.
void TranscriptPanel::followScroll(RunComparison::Side from) {
    constexpr int kLook = 200;  // tokens without a partner that are passed over
    const bool first = from == RunComparison::Side::First;
    const TranscriptView* said = first ? m_transcript : m_other;
    TranscriptView* told = first ? m_other : m_transcript;
    if (m_scrolling || !m_other->isVisible()) return;
    m_scrolling = true;
    const int nPrompt = (first ? m_workspace->shown() : m_workspace->beside())->nPrompt();
    const int nOther = (first ? m_workspace->beside() : m_workspace->shown())->nPrompt();
    const auto [token, above] = said->top();
    int step = token - nPrompt, partner = -1;
    if (token >= 0 && step < 0) told->scrollTo(std::min(token, nOther - 1), above);
    for (int i = 0; step >= 0 && i < kLook && (partner = m_workspace->comparison()->partner(from, step + i)) < 0;) ++i;
    if (partner >= 0) told->scrollTo(nOther + partner, above);
    m_scrolling = false;
}

void TranscriptPanel::refresh() {
    updateHead();
    setPlaceholder();
    updateLanes();
}

void TranscriptPanel::updateHead() {
    const RunStore* shown = m_workspace->shown();
    const RunData& run = shown->data();
    m_title->setText(shown->isEmpty() ? tr("Transcript") : tr("Transcript   %1").arg(runTitle(run.header)));
    const AnswerWords answer = answerWords(run);
    const QString mark = checkMark(run), colour = verdictColour(answer.verdict, palette()).name();
    const auto coloured = [&](const QString& text) {
        return QStringLiteral("<span style='color:%1'>%2</span>").arg(colour, text.toHtmlEscaped());
    };
    QStringList parts;
    if (!answer.text.isEmpty())
        parts << answer.caption.toHtmlEscaped() + QStringLiteral("&nbsp; <b>") + coloured(answer.text) +
                     QStringLiteral("</b>");
    if (!mark.isEmpty()) parts << QStringLiteral("<b>") + coloured(mark) + QStringLiteral("</b>");
    if (!answer.note.isEmpty()) parts << coloured(answer.note);
    m_answer->setText(parts.join(QStringLiteral("&nbsp; ")));
    m_answer->setProperty("answer", QString::fromStdString(shownAnswer(run)));
    m_answer->setProperty("check", mark);
    const QString note = QString::fromStdString(checkAnswer(run).note);
    m_answer->setAccessibleDescription(QStringList{answer.text, shownLine(note)}.join(' ').trimmed());
    m_answer->setToolTip(plainToolTip(QStringList{shownText(shownAnswer(run)), note}.join('\n').trimmed()));
    const QStringList said = remarks(run, shown->checks().counts());
    const bool wrong = shown->checks().counts().nLines > shown->checks().counts().nRight || !run.violations.empty();
    m_remarks->setText(QStringLiteral("<span style='color:%1'>%2</span>")
                           .arg(verdictColour(wrong ? Verdict::Wrong : Verdict::Doubtful, palette()).name(),
                                said.join(QStringLiteral("  ·  ")).toHtmlEscaped()));
    m_remarks->setVisible(!said.isEmpty());
}

void TranscriptPanel::changeEvent(QEvent* event) {
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_remarks) updateHead();
}

void TranscriptPanel::setReading(Reading reading) {
    m_transcript->setReading(reading);
    m_other->setReading(reading);
}

void TranscriptPanel::toggleWorking() {
    const RunStore* store = m_workspace->shown();
    const int step = m_workspace->selection()->current();
    if (step >= 0 && step < store->nSteps() &&
        m_transcript->toggleWorking(store->data().steps[static_cast<size_t>(step)].segment))
        return;
    for (const SegmentCheck& check : store->checks().segments())
        if (m_transcript->toggleWorking(check.segment)) return;
}

void TranscriptPanel::setPlaceholder() {
    switch (m_workspace->state()) {
        case Workspace::State::NoModel:
            m_transcript->setPlaceholder(
                tr("No model is loaded"),
                tr("Open a model folder with Ctrl+O, or drop one onto this window. Traces open without a model."));
            break;
        case Workspace::State::Loading:
            m_transcript->setPlaceholder(
                tr("Loading the model"),
                tr("You can type already; Ctrl+Return runs as soon as it is ready. Ctrl+. cancels."));
            break;
        case Workspace::State::Ready:
            m_transcript->setPlaceholder(tr("Nothing has run yet"), tr("Press Ctrl+Return to run the problem above."));
            break;
        case Workspace::State::Running:
        case Workspace::State::Stopping: break;
    }
}

void TranscriptPanel::updateLanes() {
    const auto name = [](const RunStore* store) {
        if (store->isEmpty()) return QString();
        const RunStats& stats = store->data().stats;
        const QString from = QString::fromStdString(store->data().header.branch.text());
        return QStringLiteral("%1   %2 \u00b7 %3")
            .arg(from.isEmpty() ? runTitle(store->data().header) : from, formatRate(stats.decodeTokensPerS()),
                 tr("loaded %1").arg(formatPercent(stats.loadedFraction())));
    };
    m_laneTitle->setText(name(m_workspace->shown()));
    const QString words = m_workspace->comparison()->words();
    m_otherTitle->setText(name(m_workspace->beside()) +
                          (words.isEmpty() ? QString() : QStringLiteral(" \u00b7 ") + words));
}

void TranscriptPanel::openFind() { m_find->open(); }
void TranscriptPanel::closeFind() { m_find->close(); }
void TranscriptPanel::findNext(int direction) { m_transcript->findNext(direction); }

void TranscriptPanel::addTabs(const QVector<HistoryEntry>& entries) {
    for (qsizetype i = std::min<qsizetype>(entries.size(), kMostTabs) - 1; i >= 0; --i) showTab(entries[i]);
}

void TranscriptPanel::showTab(const HistoryEntry& entry) { m_tabs->showRun(entry); }

}  // namespace spanscope
