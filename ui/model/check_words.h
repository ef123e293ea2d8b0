// What the checks of a run say, in the words of the window: the answer with its mark, what was found wrong, and why a
// run has no answer. Values; GUI thread.
#pragma once

#include <QColor>
#include <QPalette>
#include <QString>
#include <QStringList>

#include "engine/reading/run_checks.h"
#include "engine/types/records.h"

namespace spanscope {

enum class Verdict { Neutral, Right, Doubtful, Wrong };

/// Legible on Base of a light and of a dark palette, and of those of high contrast.
QColor verdictColour(Verdict verdict, const QPalette& palette);

/// "✓", "✗" or "?", with words: of the answer where arithmetic knows it, else of the lines or words that were checked.
struct CheckWords {
    QString mark;
    QString text;  ///< "15 of 16 lines right"; empty where nothing was checked
    Verdict verdict = Verdict::Neutral;
};
CheckWords checkWords(const RunData& run, const CheckCounts& counts);

/// "3 violations"; empty for none.
QString violationWords(size_t n);

struct AnswerWords {
    QString caption;  ///< "Answer", "Headline"
    QString text;     ///< empty: there is none
    QString note;     ///< "exact value: 112", "stopped: no answer"; empty where there is nothing to say
    Verdict verdict = Verdict::Neutral;
};
AnswerWords answerWords(const RunData& run);

/// What stands under the title: lines that are wrong, violations, how far the problem is outside training.
QStringList remarks(const RunData& run, const CheckCounts& counts);

}  // namespace spanscope
