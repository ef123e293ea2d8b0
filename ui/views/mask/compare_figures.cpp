#include "ui/views/mask/compare_figures.h"

#include <QCoreApplication>
#include <algorithm>
#include <numeric>

#include "ui/model/check_words.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"

namespace spanscope {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("CompareFigures", text); }

double meanOf(const std::vector<float>& values) {
    if (values.empty()) return 0;
    return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
}

QString answerOf(const RunData& run) {
    const AnswerWords words = answerWords(run);
    if (words.text.isEmpty()) return words.note.isEmpty() ? kNoValue : words.note;
    const QString mark = checkMark(run);
    return mark.isEmpty() ? shownLine(words.text) : shownLine(words.text) + ' ' + mark;
}

/// Heads that choose by their keys are made for comparing what is read.
bool isTimed(const RunData& run) { return run.stats.headAttendedTokens == 0; }

QString rateOf(const RunData& run, double tokensPerS) {
    return isTimed(run) || run.steps.empty() ? formatRate(tokensPerS) : tr("(%1)").arg(formatRate(tokensPerS));
}

}  // namespace

double meanMassKept(const DivergenceCurve& curve) { return meanOf(curve.massKept); }
double meanNats(const DivergenceCurve& curve) { return meanOf(curve.klNats); }
int nOtherwise(const DivergenceCurve& curve) {
    return int(std::count(curve.sameTop.begin(), curve.sameTop.end(), uint8_t{0}));
}

QStringList comparedNames(const RunData& first, const RunData& second) {
    const QString a = QString::fromStdString(first.header.settings.attention.text()),
                  b = QString::fromStdString(second.header.settings.attention.text());
    return a == b ? QStringList{tr("%1 (first)").arg(a), tr("%1 (second)").arg(b)} : QStringList{a, b};
}

QString comparedTitle(const QString& name, const RunData& run) {
    const MaskPolicySpec& attention = run.header.settings.attention;
    const bool asDeclared =
        attention.n == 0 && !attention.isDense() && !attention.isDeclared() && !attention.isLossless();
    QString title = asDeclared ? tr("%1, as many tokens as declared").arg(name) : name;
    if (run.stats.headAttendedTokens > 0) title += tr(" \u00b7 each head chooses: shares of heads");
    return title;
}

QVector<CompareFigure> compareFigures(const RunData& a, const RunData& b, const DivergenceCurve* maybeFirst,
                                      const DivergenceCurve* maybeSecond) {
    const auto both = [&](const QString& name, auto&& value, const QString& tip = {}) {
        return CompareFigure{name, value(a), value(b), tip};
    };
    const auto measured = [&](const QString& name, auto&& value, const QString& tip) {
        return CompareFigure{name, maybeFirst ? value(*maybeFirst) : kNoValue,
                             maybeSecond ? value(*maybeSecond) : kNoValue, tip};
    };
    const QString untimed =
        tr("In brackets, and no measure, where each head chooses by its keys: that is made for comparing what is read, "
           "on the CPU, not for speed");
    return {
        both(tr("attention"),
             [](const RunData& r) { return QString::fromStdString(r.header.settings.attention.text()); }),
        both(tr("answer"), answerOf),
        both(tr("response tokens"), [](const RunData& r) { return QString::number(r.steps.size()); }),
        both(
            tr("attended, of causal"), [](const RunData& r) { return formatPercent(r.stats.attendedFraction()); },
            tr("KV tokens attended, of what dense attention reads; where each head chooses, the mean over heads")),
        both(
            tr("tokens attended"),
            [](const RunData& r) {
                return r.steps.empty() ? kNoValue
                                       : formatNumber(double(r.stats.attendedByHead()) / double(r.steps.size()));
            },
            tr("KV tokens attended by a step, the mean over steps; where each head chooses, over heads, too")),
        both(
            tr("loaded, of causal"), [](const RunData& r) { return formatPercent(r.stats.loadedFraction()); },
            tr("The pages of what any head attends to")),
        measured(
            tr("dense mass kept"), [](const DivergenceCurve& c) { return formatPercent(meanMassKept(c)); },
            tr("Share of the attention mass of a dense reading that lies on what was read; mean over steps, layers "
               "and heads")),
        measured(
            tr("KL to dense, nats"),
            [](const DivergenceCurve& c) { return formatNats(meanNats(c)).remove(tr(" nats")); },
            tr("KL(dense \u2016 run) of the next token, a dense reading of the same text; mean over steps")),
        measured(
            tr("steps otherwise"),
            [](const DivergenceCurve& c) {
                return tr("%1 of %2").arg(formatCount(nOtherwise(c)), formatCount(qint64(c.sameTop.size())));
            },
            tr("Steps whose likeliest token is not that of a dense reading of the same text")),
        both(
            tr("decode"), [](const RunData& r) { return rateOf(r, r.stats.decodeTokensPerS()); }, untimed),
        both(
            tr("useful"), [](const RunData& r) { return rateOf(r, r.stats.usefulTokensPerS()); }, untimed),
        both(tr("first token"), [](const RunData& r) { return formatDuration(r.stats.ttftNs); }),
        both(tr("violations"), [](const RunData& r) { return QString::number(r.violations.size()); }),
        both(tr("stop reason"), [](const RunData& r) { return QString(stopReasonName(r.stats.stop)); }),
    };
}

}  // namespace spanscope
