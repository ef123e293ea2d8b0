#include "ui/window/segment_inspector.h"

#include <QEvent>
#include <QScrollBar>
#include <QTimer>
#include <algorithm>

#include "engine/types/segment_name.h"
#include "ui/model/format.h"
#include "ui/model/segment_summary.h"
#include "ui/model/shown_text.h"
#include "ui/model/tint.h"

namespace spanscope {

namespace {
QString range(const Interval& tokens, int nContext) {
    const int end = std::min(tokens.end, nContext);
    return end > tokens.begin ? QStringLiteral("%1 – %2").arg(tokens.begin).arg(end - 1) : kNoValue;
}
}  // namespace

SegmentInspector::SegmentInspector(RunStore* store, Selection* selection, QWidget* parent)
    : ClosedBrowser(parent), m_store(store), m_selection(selection) {
    setAccessibleName(tr("Segment inspector"));
    setAccessibleDescription(
        tr("The declaration of the selected segment: tag, references, token ranges, pages, violations."));
    setFrameShape(QFrame::NoFrame);
    document()->setDocumentMargin(16);
    connect(m_store, &RunStore::reset, this, &SegmentInspector::schedule);
    connect(m_store, &RunStore::stepsAppended, this, &SegmentInspector::schedule);
    connect(m_store, &RunStore::finished, this, &SegmentInspector::schedule);
    connect(m_selection, &Selection::changed, this, &SegmentInspector::schedule);
    refresh();
}

void SegmentInspector::schedule() {
    if (m_scheduled) return;
    m_scheduled = true;
    QTimer::singleShot(40, this, &SegmentInspector::refresh);  // text layout: 25 times a second is plenty
}

void SegmentInspector::changeEvent(QEvent* event) {
    ClosedBrowser::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) {
        m_shown.clear();
        schedule();
    }
}

/// Behind another panel's tab it does not follow.
void SegmentInspector::showEvent(QShowEvent* event) {
    ClosedBrowser::showEvent(event);
    refresh();
}

QString SegmentInspector::tagAsWritten(const Segment& segment) const {
    const RunData& run = m_store->data();
    const int nPrompt = m_store->nPrompt();
    const int end = std::min(segment.bodyBegin >= 0 ? segment.bodyBegin : segment.end, m_store->nContext());
    std::string tag;
    for (int position = std::max(segment.begin, nPrompt); position < end && tag.size() <= 4 * kShownText; ++position)
        tag += run.steps[static_cast<size_t>(position - nPrompt)].token.text;
    return shownText(tag);
}

void SegmentInspector::refresh() {
    m_scheduled = false;
    if (!isVisible() && !m_shown.isEmpty()) return;
    const int step = m_selection->current() >= 0 ? m_selection->current() : m_store->nSteps() - 1;
    const QString text = html(step);
    if (text == m_shown) return;
    m_shown = text;
    const int at = verticalScrollBar()->value();
    setHtml(text);
    verticalScrollBar()->setValue(at);
}

QString SegmentInspector::html(int step) const {
    const RunData& run = m_store->data();
    const QString quiet = quietText(palette()).name(), line = hairline(palette()).name();
    const auto caption = [&](const QString& text) {
        return QStringLiteral("<p style='margin:14px 0 4px 0;color:%1;font-weight:600'>%2</p>").arg(quiet, text);
    };
    if (step < 0 || step >= m_store->nSteps())
        return QStringLiteral("<p style='color:%1'>%2</p>")
            .arg(quiet, tr("Run a problem, then select a step or a row of the span table."));
    const StepRecord& record = run.steps[static_cast<size_t>(step)];
    if (record.segment < 0 || record.segment >= static_cast<int>(run.segments.size()))
        return QStringLiteral("<p>%1</p><p style='color:%2'>%3</p>")
            .arg(tr("This step belongs to no segment."), quiet,
                 !run.header.vocabulary.empty()
                     ? tr("Text outside any section attends to everything that no tag has hidden.")
                 : run.header.hasProtocol
                     ? tr("Text outside any segment attends to everything.")
                     : tr("This model has no span protocol; every step attends to everything before it."));
    const Segment& segment = run.segments[static_cast<size_t>(record.segment)];
    const int nContext = m_store->nContext();
    QString out = QStringLiteral("<p style='font-size:large;font-weight:600;margin:0'>%1</p>")
                      .arg(QString::fromStdString(segmentName(segment)).toHtmlEscaped());
    out += QStringLiteral("<p style='margin:2px 0 0 0;color:%1'>%2</p>")
               .arg(quiet,
                    tr("tokens %1 · %2")
                        .arg(range({segment.begin, segment.end}, nContext),
                             segment.end == kOpenEnd && !m_store->isFinished() ? tr("being written") : tr("closed")));

    out += caption(tr("Declaration as written"));
    const QString tag = tagAsWritten(segment);
    out += QStringLiteral("<p style='margin:0;font-family:monospace'>%1</p>")
               .arg(tag.isEmpty() ? kNoValue : tag.toHtmlEscaped());

    out += caption(tr("References"));
    int nAsked = 0, nLoaded = 0;
    if (segment.refs.empty()) {
        out += QStringLiteral("<p style='margin:0'>%1</p>")
                   .arg(tr("None: besides itself it attends only to what every step sees."));
    } else {
        out += QStringLiteral("<table cellspacing='0' cellpadding='3' width='100%'><tr style='color:%1'>").arg(quiet);
        for (const QString& head : {tr("Ref"), tr("Tokens"), tr("Count"), tr("Pages"), tr("Loaded")})
            out += QStringLiteral("<td style='border-bottom:1px solid %1'>%2</td>").arg(line, head);
        out += QStringLiteral("</tr>");
        int nShown = 0;
        for (const SpanRef& ref : segment.refs) {
            const bool shown = ++nShown <= kShownRefs;
            const QString name = QString::fromUtf8(segmentKindName(ref.kind)) + ' ' +
                                 (ref.label >= 0 ? QString::number(ref.label) : QStringLiteral("?"));
            if (ref.segment < 0) {
                if (shown)
                    out += QStringLiteral("<tr><td>%1</td><td colspan='4'>%2</td></tr>")
                               .arg(name, tr("ignored: nothing has this label"));
                continue;
            }
            const int end = std::min(ref.tokens.end, nContext);
            const int count = std::max(0, end - ref.tokens.begin);
            const PageRange pages = pagesOf(ref.tokens, nContext);
            const int loaded =
                pages.count() > 0 ? std::min((pages.last + 1) * kPageTokens, nContext) - pages.first * kPageTokens : 0;
            nAsked += count;
            nLoaded += loaded;
            if (!shown) continue;
            out += QStringLiteral("<tr><td>%1</td><td>%2</td><td>%3</td><td>%4</td><td>%5</td></tr>")
                       .arg(name, range(ref.tokens, nContext))
                       .arg(count)
                       .arg(pages.count() > 1 ? QStringLiteral("%1 – %2").arg(pages.first).arg(pages.last)
                                              : QString::number(pages.first))
                       .arg(loaded);
        }
        if (nShown > kShownRefs)
            out += QStringLiteral("<tr><td colspan='5'>%1</td></tr>").arg(tr("and %1 more").arg(nShown - kShownRefs));
        out +=
            QStringLiteral("</table><p style='margin:6px 0 0 0'>%1</p>")
                .arg(
                    tr("Asked for %1 tokens; whole pages of %2 make it %3.").arg(nAsked).arg(kPageTokens).arg(nLoaded));
    }

    out += caption(tr("Step %1 · %2").arg(record.index).arg(QString::fromUtf8(phaseName(record.phase))));
    QStringList intervals;
    if (record.visible) {
        constexpr size_t kMost = 24;
        for (size_t i = 0; i < std::min(record.visible->size(), kMost); ++i)
            intervals << range(clipToQuery((*record.visible)[i], record.position), nContext);
        if (record.visible->size() > kMost) intervals << tr("and %1 more").arg(record.visible->size() - kMost);
    }
    out += QStringLiteral("<p style='margin:0'>%1</p><p style='margin:4px 0 0 0'>%2</p>")
               .arg((run.header.layerWindows.empty()
                         ? tr("Attends to %1 of %2 tokens; %3 are loaded (%4 of dense).")
                         : tr("Attends to %1 of %2 tokens; %3 are loaded, mean over layers (%4 of dense)."))
                        .arg(formatCount(record.attended), formatCount(record.causal), formatCount(record.loaded),
                             formatPercent(double(record.loaded) / std::max(1, record.causal))),
                    tr("Token ranges: %1").arg(intervals.join(QStringLiteral(",  "))));

    QStringList problems;
    for (const ProtocolViolation& violation : run.violations)
        if (violation.segment == record.segment && problems.size() < kShownRefs)
            problems << tr("%1 at token %2: %3")
                            .arg(QString::fromUtf8(violationName(violation.kind)))
                            .arg(violation.position)
                            .arg(shownText(violation.effect, kShownLine))
                            .toHtmlEscaped();
    out += caption(tr("Violations"));
    if (segment.fallback) problems.prepend(tr("Fallback: the focus phase was widened to everything."));
    out += problems.isEmpty()
               ? QStringLiteral("<p style='margin:0'>%1</p>").arg(tr("None."))
               : QStringLiteral("<p style='margin:0'>⚠ %1</p>").arg(problems.join(QStringLiteral("<br>⚠ ")));
    return out;
}

}  // namespace spanscope
