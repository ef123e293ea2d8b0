#include "ui/export/pages/page_parts.h"

#include <algorithm>

#include "ui/model/shown_text.h"
#include "ui/views/mask/mask_explain.h"

namespace spanscope {

QString sentence(const QString& text) { return text.isEmpty() ? QString() : text + QStringLiteral(". "); }

QString runName(const RunData& run) {
    QStringList parts;
    for (const std::string& s : {run.header.modelName, run.header.settings.task})
        if (!s.empty()) parts << shownLine(s, 60);
    return parts.join(QStringLiteral(" \u00b7 "));
}

QString orGiven(const std::string& given, const QString& made) {
    if (given == "-") return {};
    return given.empty() ? made : QString::fromStdString(given);
}

QString runOrigin(const RunData& run) {
    QStringList parts;
    if (!run.header.modelHash.empty())
        parts << QStringLiteral("Model %1").arg(shownLine(run.header.modelHash.substr(0, 12)));
    if (const std::string adapter = run.header.adapter.text(); !adapter.empty())
        parts << QStringLiteral("adapter %1").arg(shownLine(adapter, 120));
    if (run.header.branch.isBranch())
        parts << QStringLiteral("goes on %1").arg(QString::fromStdString(run.header.branch.description()));
    if (!run.header.backend.empty())
        parts << QStringLiteral("%1 (%2)").arg(shownLine(run.header.backend, 60), shownLine(run.header.device, 60));
    if (!run.header.kvType.empty()) parts << QStringLiteral("KV cache %1").arg(shownLine(run.header.kvType, 60));
    if (!run.header.programVersion.empty())
        parts << QStringLiteral("Spanscope %1").arg(shownLine(run.header.programVersion, 60));
    return sentence(parts.join(QStringLiteral(", ")));
}

double titleHeight(const QString& title) { return title.isEmpty() ? 0 : 26; }

double pageWidth(const FigureOptions& o) { return outerWidth(o) - 2 * kFigureMargin; }

QString stepName(const RunData& run, int step) {
    if (step < 0 || step >= static_cast<int>(run.steps.size())) return QStringLiteral("step %1").arg(step);
    const StepRecord& s = run.steps[static_cast<size_t>(step)];
    return QStringLiteral("step %1 (\u201c%2\u201d, %3)")
        .arg(step)
        .arg(QString::fromStdString(tokenText(run, s.position)), QString(phaseName(s.phase)));
}

QString headName(const StepProbe& probe) {
    return probe.layer < 0 ? probe.most ? QStringLiteral("largest of all layers and heads")
                                        : QStringLiteral("mean of all layers and heads")
                           : QStringLiteral("layer %1, head %2").arg(probe.layer).arg(probe.head);
}

}  // namespace spanscope
