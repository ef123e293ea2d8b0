#include "ui/model/format.h"

#include <QObject>
#include <algorithm>
#include <cmath>

#include "engine/reading/answer_check.h"

namespace spanscope {

namespace {
constexpr double kLeastPercent = 0.001;  // below that it is rounding
}

QString formatNumber(double value) {
    if (!std::isfinite(value)) return kNoValue;
    const double magnitude = std::fabs(value);
    if (magnitude >= 999.5) return formatCount(std::llround(value));
    int decimals = 0;
    if (magnitude < 1e-7) decimals = 0;
    else if (magnitude < 0.00095) decimals = std::min(8, int(std::ceil(-std::log10(magnitude))) + 1);  // two digits
    else decimals = magnitude >= 99.95 ? 0 : magnitude >= 9.995 ? 1 : magnitude >= 0.9995 ? 2 : 3;
    return QString::number(magnitude < 1e-7 ? 0 : value, 'f', decimals);
}

QString formatCount(qint64 value) {
    QString digits = QString::number(value < 0 ? -value : value);
    for (qsizetype i = digits.size() - 3; i > 0; i -= 3) digits.insert(i, QChar(','));
    return value < 0 ? QString(QChar(0x2212)) + digits : digits;
}

QString formatRate(double tokensPerS) {
    return tokensPerS > 0 ? formatNumber(tokensPerS) + QStringLiteral(" t/s") : kNoValue;
}

QString formatDuration(qint64 ns) {
    if (ns <= 0) return kNoValue;
    const double value = static_cast<double>(ns);
    if (value < 999.5e3) return formatNumber(value / 1e3) + QStringLiteral(" µs");
    if (value < 999.5e6) return formatNumber(value / 1e6) + QStringLiteral(" ms");
    return formatNumber(value / 1e9) + QStringLiteral(" s");
}

QString formatBytes(quint64 bytes) {
    constexpr quint64 kKiB = 1024;
    const double value = static_cast<double>(bytes);
    if (bytes < kKiB) return QString::number(bytes) + QStringLiteral(" B");
    if (bytes < kKiB * kKiB) return formatNumber(value / double(kKiB)) + QStringLiteral(" KiB");
    if (bytes < kKiB * kKiB * kKiB) return formatNumber(value / double(kKiB * kKiB)) + QStringLiteral(" MiB");
    return formatNumber(value / double(kKiB * kKiB * kKiB)) + QStringLiteral(" GiB");
}

QString formatPercent(double fraction) {
    const double percent = fraction * 100;
    if (percent != 0 && std::fabs(percent) < kLeastPercent) return QStringLiteral("<0.001 %");
    return formatNumber(percent) + QStringLiteral(" %");
}

QString formatPoints(double difference) {
    const double points = difference * 100;
    if (!std::isfinite(points)) return kNoValue;
    if (std::fabs(points) < kLeastPercent) return QStringLiteral("≈0");
    const QString number = formatNumber(std::fabs(points));
    return QChar(points > 0 ? u'+' : u'\u2212') + QObject::tr("%1 points").arg(number);
}

QString formatNats(double nats) {
    if (!std::isfinite(nats)) return kNoValue;
    if (nats != 0 && std::fabs(nats) < 1e-4) return QStringLiteral("< 0.0001 nats");
    return formatNumber(nats) + QStringLiteral(" nats");
}

QString draftWords(const DraftStats& draft) {
    if (draft.passes == 0) return {};
    return QObject::tr(" · drafted %1, accepted %2, rejected %3, %4 tokens a pass")
        .arg(formatCount(draft.drafted), formatCount(draft.accepted), formatCount(draft.rejected),
             formatNumber(draft.tokensPerPass()));
}

QString formatFactor(double factor) {
    if (!(factor > 0)) return kNoValue;
    const double inverse = 1 / factor;
    if (factor < 1 && std::fabs(inverse - std::round(inverse)) < 1e-9)
        return QStringLiteral("1/%1×").arg(formatCount(std::llround(inverse)));
    QString number = formatNumber(factor);
    if (number.contains('.')) {
        while (number.endsWith('0')) number.chop(1);
        if (number.endsWith('.')) number.chop(1);
    }
    return number + QStringLiteral("×");
}

QString checkMark(const RunData& run) {
    switch (checkAnswer(run).verdict) {
        case AnswerCheck::Verdict::Right: return QStringLiteral("✓");
        case AnswerCheck::Verdict::Wrong: return QStringLiteral("✗");
        case AnswerCheck::Verdict::Unknown: return QStringLiteral("?");
        case AnswerCheck::Verdict::None: break;
    }
    return {};
}

}  // namespace spanscope
