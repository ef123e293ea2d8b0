#include "ui/model/run_history.h"

#include <QPointer>
#include <algorithm>

#include "engine/reading/answer_check.h"
#include "engine/types/speed_up.h"
#include "ui/model/check_words.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"

namespace spanscope {

namespace {
constexpr size_t kMostRuns = 1000, kCheckedAtOnce = 16'384;  // steps

qint64 stepsOf(const HistoryEntry& e) {
    return static_cast<qint64>(e.run->steps.size() + e.run->header.prompt.size() +
                               (e.dense ? e.dense->steps.size() + e.dense->header.prompt.size() : 0));
}
}  // namespace

QString runTitle(const RunHeader& header) {
    return QStringLiteral("%1 · %2").arg(shownLine(header.settings.task, 40),
                                         QString::fromStdString(header.settings.attention.text()));
}

RunHistory::RunHistory(QObject* parent, qint64 maxSteps)
    : QAbstractTableModel(parent), m_maxSteps(maxSteps), m_inbox(sharedMailbox()) {}

void RunHistory::add(const HistoryEntry& entry) {
    beginInsertRows({}, 0, 0);
    m_entries.push_front(entry);
    m_nSteps += stepsOf(entry);
    endInsertRows();
    check(entry.run);
    while (m_entries.size() > 1 && (m_nSteps > m_maxSteps || m_entries.size() > kMostRuns)) {
        const int last = static_cast<int>(m_entries.size()) - 1;
        beginRemoveRows({}, last, last);
        m_nSteps -= stepsOf(m_entries.back());
        m_entries.pop_back();
        endRemoveRows();
    }
}

/// A short run at once, a long one elsewhere.
void RunHistory::check(const SharedRun& run) {
    const auto take = [this](const SharedRun& of, const CheckCounts& counts) {
        for (size_t row = 0; row < m_entries.size(); ++row) {
            if (m_entries[row].run != of) continue;
            m_entries[row].checks = counts;
            const auto i = static_cast<int>(row);
            emit dataChanged(index(i, CheckColumn), index(i, CheckColumn));
        }
    };
    if (run->steps.size() <= kCheckedAtOnce) return take(run, RunChecks::of(*run).counts());
    inBackground([run, take, self = QPointer(this), inbox = m_inbox] {
        const CheckCounts counts = RunChecks::of(*run).counts();
        inbox->post([run, take, counts, self] {
            if (self) take(run, counts);
        });
    });
}

bool RunHistory::holds(const SharedRun& run) const {
    return std::any_of(m_entries.begin(), m_entries.end(), [&](const HistoryEntry& e) { return e.run == run; });
}

int RunHistory::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_entries.size());
}
int RunHistory::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : int(ColumnCount); }

QVariant RunHistory::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount() || index.column() >= ColumnCount) return {};
    const HistoryEntry& entry = m_entries[static_cast<size_t>(index.row())];
    const RunData& run = *entry.run;
    const bool number = index.column() >= ViolationsColumn && index.column() <= LoadedColumn;
    if (role == Qt::TextAlignmentRole) return int(Qt::AlignVCenter) | int(number ? Qt::AlignRight : Qt::AlignLeft);
    if (role == Qt::ToolTipRole && index.column() == PromptColumn)
        return plainToolTip(shownText(run.header.settings.promptText, 800));
    if (role == Qt::ToolTipRole && index.column() == SpeedUpColumn && entry.dense)
        return QString::fromStdString(speedUp(run, *entry.dense).note());
    if (role == Qt::ToolTipRole && (index.column() == AnswerColumn || index.column() == CheckColumn))
        return plainToolTip(QString::fromStdString(checkAnswer(run).note));
    if (role != Qt::DisplayRole) return {};
    switch (index.column()) {
        case NumberColumn: return entry.origin.isEmpty() ? QString::number(run.header.runId) : tr("file");
        case ModeColumn: return runTitle(run.header) + (entry.dense ? tr(" + dense") : QString());
        case PromptColumn: return shownWords(run.header.settings.promptText, 120);
        case AnswerColumn: {
            const std::string answer = shownAnswer(run);
            return answer.empty() ? kNoValue : shownWords(answer, 120);
        }
        case CheckColumn: {
            const CheckWords words = checkWords(run, entry.checks);
            const QString text = QStringList{words.mark, words.text}.join(' ').trimmed();
            return text.isEmpty() ? kNoValue : text;
        }
        case ViolationsColumn: return formatCount(static_cast<qint64>(run.violations.size()));
        case TokensColumn: return formatCount(static_cast<qint64>(run.steps.size()));
        case DecodeColumn: return formatRate(run.stats.decodeTokensPerS());
        case SpeedUpColumn: {
            return entry.dense ? formatFactor(speedUp(run, *entry.dense).factor) : kNoValue;
        }
        case LoadedColumn: return formatPercent(run.stats.loadedFraction());
        case StopColumn: return shownWords(stopWords(run.stats), 40);
        default: return {};
    }
}

QVariant RunHistory::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    static const QStringList titles{tr("Run"),      tr("Mode"),       tr("Prompt"),  tr("Answer"),
                                    tr("Check"),    tr("Violations"), tr("Tokens"),  tr("Decode"),
                                    tr("Speed-up"), tr("KV loaded"),  tr("Ended by")};
    return section >= 0 && section < titles.size() ? QVariant(titles[section]) : QVariant();
}

}  // namespace spanscope
