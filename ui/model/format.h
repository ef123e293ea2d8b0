// Numbers as people read them: three significant digits, never exponents, MiB and GiB, ms below one second.
#pragma once

#include <QString>
#include <cstdint>

#include "engine/types/records.h"

namespace spanscope {

struct RunData;

QString formatNumber(double value);       ///< 3 significant digits: 0.123, 12.3, 123, 1,230
QString formatCount(qint64 value);        ///< with group separators: 16,384
QString formatRate(double tokensPerS);    ///< "812 t/s"; an en dash where there is none yet
QString formatDuration(qint64 ns);        ///< "412 µs", "12.3 ms", "1.24 s"
QString formatBytes(quint64 bytes);       ///< "512 B", "1.24 MiB"
QString formatPercent(double fraction);   ///< "12.3 %"; "<0.001 %" where there is next to nothing
QString formatPoints(double difference);  ///< of two fractions: "+12.3 points"; "≈0" below a thousandth of one
QString formatNats(double nats);          ///< "0.0123 nats"; "< 0.0001 nats" below that: what is left is rounding
/// " · drafted 280, accepted 279, rejected 1, 9.2 tokens a pass"; empty without a pass.
QString draftWords(const DraftStats& draft);
QString formatFactor(double factor);  ///< "1.28×", "2×", "1/100×"
QString checkMark(
    const RunData& run);  ///< beside an answer: right "✓", wrong "✗", not checked "?"; empty where nobody can know

inline const QString kNoValue = QStringLiteral("–");

}  // namespace spanscope
