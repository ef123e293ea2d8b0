#include "ui/model/check_words.h"

#include <QCoreApplication>

#include "engine/reading/answer_check.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"
#include "ui/model/tint.h"

namespace spanscope {

namespace {

constexpr qsizetype kAnswer = 47;  // characters

QString tr(const char* text) { return QCoreApplication::translate("CheckWords", text); }

QString lineWords(const CheckCounts& counts) { return QString::fromStdString(counts.text()); }

}  // namespace

QColor verdictColour(Verdict verdict, const QPalette& palette) {
    const bool dark = palette.color(QPalette::Base).lightness() < 128, high = isHighContrast(palette);
    switch (verdict) {
        case Verdict::Right: return QColor(dark ? (high ? 0x6fe08d : 0x4ac26b) : high ? 0x0b5d23 : 0x1a7f37);
        case Verdict::Doubtful: return QColor(dark ? (high ? 0xffd166 : 0xe3b341) : high ? 0x6b4700 : 0x9a6700);
        case Verdict::Wrong: return QColor(dark ? (high ? 0xffa39c : 0xff7b72) : high ? 0x9b0f1b : 0xc4232f);
        case Verdict::Neutral: break;
    }
    return palette.color(QPalette::Text);
}

CheckWords checkWords(const RunData& run, const CheckCounts& counts) {
    CheckWords words{checkMark(run), lineWords(counts), Verdict::Neutral};
    using Answer = AnswerCheck::Verdict;
    const Answer answer = checkAnswer(run).verdict;
    const bool stepsWrong = counts.nLines > counts.nRight;
    if (answer == Answer::Wrong || stepsWrong) words.verdict = Verdict::Wrong;
    else if (answer == Answer::Unknown || counts.nUnsupported > 0) words.verdict = Verdict::Doubtful;
    else if (answer == Answer::Right) words.verdict = Verdict::Right;
    if (words.mark.isEmpty() && stepsWrong) words.mark = QStringLiteral("✗");
    if (words.mark.isEmpty() && counts.nUnsupported > 0) words.mark = QStringLiteral("?");
    return words;
}

QString violationWords(size_t n) {
    if (n == 0) return {};
    return n == 1 ? tr("1 violation") : tr("%1 violations").arg(formatCount(static_cast<qint64>(n)));
}

AnswerWords answerWords(const RunData& run) {
    AnswerWords words{tr("Answer"), {}, {}, Verdict::Neutral};
    if (run.header.prompt.empty() || run.stats.stop == StopReason::Running) return words;
    QString answer = QString::fromStdString(shownAnswer(run));
    if (run.header.settings.task == "news") {  // headline, then a line for each key point
        words.caption = tr("Headline");
        answer = answer.section('\n', 0, 0);
    }
    words.text = shownLine(answer, kAnswer);
    const AnswerCheck check = checkAnswer(run);
    switch (check.verdict) {
        case AnswerCheck::Verdict::Right: words.verdict = Verdict::Right; break;
        case AnswerCheck::Verdict::Wrong:
            words.verdict = Verdict::Wrong;
            words.note = tr("exact value: %1").arg(shownLine(QString::fromStdString(check.exact), kAnswer));
            break;
        case AnswerCheck::Verdict::Unknown:
            words.verdict = Verdict::Doubtful;
            words.note = tr("not checked");
            break;
        case AnswerCheck::Verdict::None: break;
    }
    if (!words.text.isEmpty()) return words;
    const StopReason stop = run.stats.stop;
    const QString none = stop == StopReason::Cancelled ? tr("stopped: no answer")
                         : stop == StopReason::Failed || stop == StopReason::NotFinite
                             ? tr("failed: no answer")
                             : tr("no answer (%1)").arg(shownWords(stopWords(run.stats), 40));
    words.note = words.note.isEmpty() ? none : none + QStringLiteral("; ") + words.note;
    if (stop == StopReason::Failed || stop == StopReason::NotFinite) words.verdict = Verdict::Wrong;
    return words;
}

QStringList remarks(const RunData& run, const CheckCounts& counts) {
    QStringList out;
    if (counts.nLines > counts.nRight) {
        QString text = lineWords(counts);
        if (counts.nCarried > 0)
            text += tr(" (%1 of the others only carried a wrong value on)").arg(formatCount(counts.nCarried));
        out << text;
    } else if (counts.nUnsupported > 0) {
        out << lineWords(counts);
    }
    if (!run.violations.empty()) out << violationWords(run.violations.size());
    if (!run.header.warning.empty()) out << shownLine(run.header.warning);
    return out;
}

}  // namespace spanscope
