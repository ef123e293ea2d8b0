#include "ui/model/lesson.h"

#include <QCoreApplication>
#include <algorithm>
#include <cmath>

#include "ui/model/check_words.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"

namespace spanscope {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("spanscope::Lesson", text); }

QString quoted(const std::string& text) {
    return QStringLiteral("<b>“%1”</b>").arg(shownLine(text, 24).toHtmlEscaped());
}

QString nameOf(const Segment& segment) {
    return QStringLiteral("<b>%1 %2</b>").arg(QString::fromLatin1(segmentKindName(segment.kind))).arg(segment.label);
}

/// The tokens [begin, end) of the response as text.
std::string textOf(const RunData& run, int32_t begin, int32_t end) {
    const auto nPrompt = static_cast<int32_t>(run.header.prompt.size());
    std::string text;
    for (int32_t p = std::max(begin, nPrompt); p < end && p - nPrompt < static_cast<int32_t>(run.steps.size()); ++p)
        text += run.steps[static_cast<size_t>(p - nPrompt)].token.text;
    return text;
}

/// What a line of arithmetic came to: behind its last "="; empty for anything else.
std::string valueOf(const RunData& run, const Segment& segment) {
    if (segment.kind != SegmentKind::Out || segment.bodyBegin < 0 || segment.end == kOpenEnd) return {};
    std::string text = textOf(run, segment.bodyBegin, segment.end);
    const size_t equals = text.rfind('=');
    if (equals == std::string::npos) return {};
    text.erase(0, equals + 1);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
}

const Segment* segmentOf(const RunData& run, int index) {
    return index < 0 || index >= static_cast<int>(run.segments.size()) ? nullptr
                                                                       : &run.segments[static_cast<size_t>(index)];
}

QString namesOf(const RunData& run, const Segment& segment) {
    constexpr size_t kMost = 4;
    QStringList names;
    for (const SpanRef& ref : segment.refs) {
        if (ref.segment < 0) continue;
        if (names.size() == static_cast<qsizetype>(kMost)) {
            names << tr("…");
            break;
        }
        names << nameOf(run.segments[static_cast<size_t>(ref.segment)]);
    }
    return names.join(QStringLiteral(", "));
}

const StepRecord* stepOf(const RunData& run, int step) {
    return step < 0 || step >= static_cast<int>(run.steps.size()) ? nullptr : &run.steps[static_cast<size_t>(step)];
}

QString attentionText(const RunData& run, int step) {
    const QString what =
        tr("A language model writes one token at a time, and for each looks back at what stands before "
           "it: that is attention. ");
    const StepRecord* at = stepOf(run, step);
    if (at == nullptr)
        return what +
               tr("<b>Point at any token of the response</b>: what the model read to go on from there is lit, in "
                  "the text and as a row of the mask.");
    return what + tr("At %1 it read %2 of the %3 tokens so far. They are lit in the text; in the mask they are the "
                     "coloured cells of one row.")
                      .arg(quoted(at->token.text), formatCount(at->attended), formatCount(at->causal));
}

QString denseText(const RunData& run, int step) {
    const RunStats& s = run.stats;
    QString text =
        tr("Ordinary attention is <b>dense</b>: every token reads all tokens before it, so all of the mask below "
           "its edge would be coloured. ");
    if (const StepRecord* at = stepOf(run, step))
        text += tr("Here that would be %1 tokens. ").arg(formatCount(at->causal));
    text += tr("For this response of %1 tokens it adds up to %2 looks back; a text twice as long needs about four "
               "times as many.")
                .arg(formatCount(s.responseTokens), formatCount(s.causalTokens));
    return text;
}

QString namedText(const RunData& run, const LessonPlace& place) {
    const Segment* segment = segmentOf(run, place.segment);
    if (segment == nullptr)
        return tr("In this run no line names another. Open one of the recorded examples (File menu).");
    const StepRecord* first = stepOf(run, place.step + 1);
    QString text = tr("This model says what it needs. Before it writes %1, it names %2: the small tags, between "
                      "<i>attend</i> and <i>/attend</i>. From there on the program shows it only that. ")
                       .arg(nameOf(*segment), namesOf(run, *segment));
    if (first != nullptr)
        text += tr("At %1 that is %2 tokens instead of %3: hatched cells are not read.")
                    .arg(quoted(first->token.text), formatCount(first->attended), formatCount(first->causal));
    return text;
}

/// "wrote -95 ✓", "wrote 6 (exact value: -95)", "came to no answer".
QString outcome(const RunData& run) {
    const AnswerWords answer = answerWords(run);
    if (answer.text.isEmpty()) return tr("came to no answer");
    const QString mark = answer.verdict == Verdict::Right ? QStringLiteral(" ✓") : QString();
    const QString note = answer.note.isEmpty() ? QString() : QStringLiteral(" (%1)").arg(answer.note.toHtmlEscaped());
    return tr("answered %1").arg(QStringLiteral("<b>%1</b>").arg(answer.text.toHtmlEscaped())) + mark + note;
}

QString wentOnText(const RunData& branch, const LessonFacts& facts) {
    const Segment* reference = segmentOf(*facts.parent, facts.place.reference);
    if (reference == nullptr) return {};
    const QString name = nameOf(*reference);
    if (branch.stats.stop == StopReason::Running)
        return tr("The run goes on without %1: all before that token is kept, all after it is new…").arg(name);
    return tr("With %1 in sight the run %2; without it the run %3. Both stand beside each other, differences are "
              "underlined. <b>Back to the run</b> shows the first one alone again.")
        .arg(name, outcome(*facts.parent), outcome(branch));
}

QString removeText(const RunData& run, const LessonFacts& facts) {
    if (facts.parent != nullptr) return wentOnText(run, facts);
    const LessonPlace& place = facts.place;
    const Segment* reference = segmentOf(run, place.reference);
    const StepRecord* after = place.step < 0 ? nullptr : stepOf(run, place.step + 1);
    if (reference == nullptr || after == nullptr)
        return tr("In this run no line names another, so nothing can be taken away.");
    if (facts.removed != nullptr && !facts.removed->topBefore.empty() && !facts.removed->topAfter.empty()) {
        const TokenChoice &before = facts.removed->topBefore.front(), &now = facts.removed->topAfter.front();
        const auto share = [](const TokenChoice& c) { return formatPercent(std::exp(double(c.logprob))); };
        const QString what =
            tr("Without %1 the model goes on with %2 (%3); with it, %4 (%5). ")
                .arg(nameOf(*reference), quoted(now.text), share(now), quoted(before.text), share(before));
        return what +
               (now.id != before.id
                    ? tr("It guesses: what it needed is out of sight. The two predictions are %1 apart. Let it go on "
                         "and see what becomes of the answer.")
                          .arg(formatNats(facts.removed->beforeToAfter.klNats))
                    : tr("The same: what it wrote before had told it enough. Try another line with “Edit span” in "
                         "the Inspect panel."));
    }
    const QString what =
        tr("Does it really need what it names? %1 names %2, and next it writes %3. Take %4 away and let "
           "it go on. ")
            .arg(nameOf(*segmentOf(run, place.segment)), namesOf(run, *segmentOf(run, place.segment)),
                 quoted(after->token.text), nameOf(*reference));
    return facts.busy.isEmpty() ? what : what + QStringLiteral("<i>%1</i>").arg(facts.busy.toHtmlEscaped());
}

QString costText(const RunData& run, const LessonFacts& facts) {
    const RunStats& s = run.stats;
    const double perToken = double(s.kvBytesPerToken);
    QString text =
        tr("To look back, a processor fetches keys and values from memory. This run fetched %1, where dense "
           "attention fetches %2: %3. ")
            .arg(formatBytes(uint64_t(std::max<int64_t>(0, s.kvLoadedBytes()))),
                 formatBytes(uint64_t(perToken * double(s.causalTokens))), formatPercent(s.loadedFraction()));
    if (facts.weightBytes > 0 && s.responseTokens > 0 && s.causalTokens > 0) {
        const double weights = double(facts.weightBytes), n = double(s.responseTokens);
        const double ceiling =
            (weights + perToken * double(s.causalTokens) / n) / (weights + perToken * double(s.loadedTokens) / n);
        text += tr("The model's weights, %1, are fetched for every token too, so at this length the bytes allow at "
                   "most %2. ")
                    .arg(formatBytes(facts.weightBytes), formatFactor(ceiling));
    }
    const double declared = s.decodeTokensPerS(), dense = facts.dense ? facts.dense->decodeTokensPerS() : 0;
    if (declared > 0 && dense > 0)
        text += tr("Measured: %1 against %2, %3.")
                    .arg(formatRate(declared), formatRate(dense), formatFactor(declared / dense));
    else text += tr("Run it with “Compare with dense” to measure both.");
    return text;
}

}  // namespace

LessonPlace lessonPlace(const RunData& run) {
    const auto nPrompt = static_cast<int>(run.header.prompt.size());
    LessonPlace best;
    size_t mostRefs = 0;
    bool bestFollows = false;
    for (size_t i = 0; i < run.segments.size(); ++i) {
        const Segment& segment = run.segments[i];
        if (segment.kind != SegmentKind::Out || segment.bodyBegin <= nPrompt) continue;
        const int step = segment.bodyBegin - 1 - nPrompt;
        if (step + 1 >= static_cast<int>(run.steps.size())) continue;
        int reference = -1;
        bool follows = false;
        const int32_t end = segment.end == kOpenEnd ? segment.bodyBegin + 16 : segment.end;
        const std::string body = textOf(run, segment.bodyBegin, std::min(end, segment.bodyBegin + 16));
        for (const SpanRef& ref : segment.refs) {
            if (ref.segment < 0 || static_cast<size_t>(ref.segment) >= i) continue;
            const std::string value = valueOf(run, run.segments[static_cast<size_t>(ref.segment)]);
            const bool opens = !value.empty() && body.starts_with(value);
            if (reference < 0 || (opens && !follows)) reference = ref.segment;
            follows |= opens;
        }
        if (reference < 0 || (bestFollows && !follows)) continue;
        if (follows == bestFollows && segment.refs.size() < mostRefs) continue;
        best = {step, static_cast<int>(i), reference};
        bestFollows = follows;
        mostRefs = segment.refs.size();
    }
    return best;
}

QString lessonTitle(LessonPage page) {
    switch (page) {
        case LessonPage::Attention: return tr("What attention is");
        case LessonPage::Dense: return tr("What dense attention reads");
        case LessonPage::Named: return tr("What the model names");
        case LessonPage::Remove: return tr("Take it away");
        case LessonPage::Cost: return tr("What it costs");
        case LessonPage::YourTurn: break;
    }
    return tr("Your turn");
}

QString lessonText(LessonPage page, const RunData& run, const LessonFacts& facts) {
    switch (page) {
        case LessonPage::Attention: return attentionText(run, facts.step);
        case LessonPage::Dense: return denseText(run, facts.step);
        case LessonPage::Named: return namedText(run, facts.place);
        case LessonPage::Remove: return removeText(run, facts);
        case LessonPage::Cost: return costText(run, facts);
        case LessonPage::YourTurn: break;
    }
    return tr(
        "Change the problem and press <b>Ctrl+Return</b>. Which lines does a line need? Guess before you look: "
        "<b>Run, Replay for a class</b> shows one piece at a time, the names first.");
}

}  // namespace spanscope
