#include "ui/model/run_history.h"

#include <QDateTime>
#include <QLocale>
#include <QPointer>
#include <algorithm>

#include "engine/reading/answer_check.h"
#include "engine/types/sampler_settings.h"
#include "engine/types/speed_up.h"
#include "ui/model/check_words.h"
#include "ui/model/format.h"
#include "ui/model/shown_text.h"

namespace spanscope {

namespace {
constexpr size_t kMostRuns = 1000, kCheckedAtOnce = 16'384;  // steps
constexpr qsizetype kNameShown = 40, kNotesShown = 800;      // characters

qint64 stepsOf(const HistoryEntry& e) {
    return static_cast<qint64>(e.run->steps.size() + e.run->header.prompt.size() +
                               (e.dense ? e.dense->steps.size() + e.dense->header.prompt.size() : 0));
}

/// " + dense"; empty where there is no run beside it.
QString besideName(const HistoryEntry& entry) {
    if (!entry.dense) return {};
    return QStringLiteral(" + ") + QString::fromStdString(entry.dense->header.settings.attention.text());
}

/// Without the seed, which has a column.
QString samplerWords(const SamplerSettings& sampler) {
    SamplerSettings plain = sampler;
    plain.seed = 0;
    QString text = QString::fromStdString(describeSampler(plain));
    return text.remove(QStringLiteral(" -> draw(seed 0)")).replace(QStringLiteral(" -> "), QStringLiteral(", "));
}
}  // namespace

QString runTitle(const RunHeader& header) {
    return QStringLiteral("%1 · %2").arg(shownLine(header.settings.task, kNameShown),
                                         QString::fromStdString(header.settings.attention.text()));
}

QString runName(const HistoryEntry& entry) {
    const RunHeader& h = entry.run->header;
    QStringList parts{QString::number(entry.label.number)};
    if (!entry.label.name.empty()) {
        parts << shownWords(entry.label.name, kNameShown);
    } else {
        parts << QString::fromStdString(h.settings.attention.text()) + besideName(entry);
        if (h.branch.isBranch()) parts << QString::fromStdString(h.branch.text());
    }
    switch (entry.run->stats.stop) {
        case StopReason::EndOfText:
        case StopReason::TokenLimit: break;
        case StopReason::Cancelled: parts << QObject::tr("stopped"); break;
        case StopReason::Failed:
        case StopReason::NotFinite: parts << QObject::tr("failed"); break;
        default: parts << QObject::tr("cut off"); break;
    }
    return parts.join(QStringLiteral(" · "));
}

RunHistory::RunHistory(QObject* parent, qint64 maxSteps)
    : QAbstractTableModel(parent), m_maxSteps(maxSteps), m_inbox(sharedMailbox()) {}

HistoryEntry RunHistory::add(const HistoryEntry& entry) {
    beginInsertRows({}, 0, 0);
    m_entries.push_front(entry);
    RunLabel& label = m_entries.front().label;
    if (label.number <= 0) label.number = m_nextNumber;
    takeNumbersTo(label.number);
    m_nSteps += stepsOf(entry);
    endInsertRows();
    check(entry.run);
    const HistoryEntry kept = m_entries.front();
    makeRoom();
    return kept;
}

bool RunHistory::append(const HistoryEntry& entry) {
    if (m_nSteps + stepsOf(entry) > m_maxSteps || m_entries.size() >= kMostRuns) return false;
    const int row = rowCount();
    beginInsertRows({}, row, row);
    m_entries.push_back(entry);
    RunLabel& label = m_entries.back().label;
    if (label.number <= 0) label.number = m_nextNumber;
    takeNumbersTo(label.number);
    m_nSteps += stepsOf(entry);
    endInsertRows();
    check(entry.run);
    return true;
}

/// The oldest that a file has goes first; the newest stays in any case.
void RunHistory::makeRoom() {
    int nOnlyHere = 0;
    while (m_entries.size() > 1 && (m_nSteps > m_maxSteps || m_entries.size() > kMostRuns)) {
        auto at = m_entries.end() - 1;
        for (auto e = m_entries.end() - 1; e != m_entries.begin(); --e)
            if (e->isInFile()) {
                at = e;
                break;
            }
        nOnlyHere += at->isInFile() ? 0 : 1;
        const int row = static_cast<int>(at - m_entries.begin());
        beginRemoveRows({}, row, row);
        m_nSteps -= stepsOf(*at);
        m_entries.erase(at);
        endRemoveRows();
    }
    if (nOnlyHere > 0) emit letGo(nOnlyHere);
}

int RunHistory::rowOf(const RunData* run) const {
    const auto it =
        std::find_if(m_entries.begin(), m_entries.end(), [&](const HistoryEntry& e) { return e.run.get() == run; });
    return it == m_entries.end() ? -1 : static_cast<int>(it - m_entries.begin());
}

const HistoryEntry* RunHistory::find(const RunData* run) const {
    const int row = rowOf(run);
    return row < 0 ? nullptr : &at(row);
}

const HistoryEntry* RunHistory::withNumber(qint64 number) const {
    const auto it = std::find_if(m_entries.begin(), m_entries.end(),
                                 [&](const HistoryEntry& e) { return e.label.number == number; });
    return it == m_entries.end() ? nullptr : &*it;
}

void RunHistory::changed(int row) { emit dataChanged(index(row, 0), index(row, ColumnCount - 1)); }

void RunHistory::setLabel(int row, const QString& name, const QString& notes) {
    if (row < 0 || row >= rowCount()) return;
    RunLabel& label = m_entries[static_cast<size_t>(row)].label;
    label.name = name.simplified().toStdString();
    label.notes = notes.toStdString();
    changed(row);
    emit labelled(row);
}

void RunHistory::setKept(const RunData* run, const QString& file) {
    const int row = rowOf(run);
    if (row >= 0) m_entries[static_cast<size_t>(row)].kept = file;
}

bool RunHistory::hasKept(const QString& file) const {
    return std::any_of(m_entries.begin(), m_entries.end(), [&](const HistoryEntry& e) { return e.kept == file; });
}

int RunHistory::nOnlyHere() const {
    return static_cast<int>(
        std::count_if(m_entries.begin(), m_entries.end(), [](const HistoryEntry& e) { return !e.isInFile(); }));
}

void RunHistory::forgetKept() {
    for (HistoryEntry& entry : m_entries) {
        entry.saved = entry.saved || !entry.kept.isEmpty();
        entry.kept.clear();
    }
}

void RunHistory::setSaved(const RunData* run) {
    const int row = rowOf(run);
    if (row >= 0) m_entries[static_cast<size_t>(row)].saved = true;
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

int RunHistory::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_entries.size());
}
int RunHistory::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : int(ColumnCount); }

QVariant RunHistory::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount() || index.column() >= ColumnCount) return {};
    const HistoryEntry& entry = m_entries[static_cast<size_t>(index.row())];
    const int column = index.column();
    const bool number = column == NumberColumn || (column >= ViolationsColumn && column <= LoadedColumn);
    switch (role) {
        case Qt::TextAlignmentRole: return int(Qt::AlignVCenter) | int(number ? Qt::AlignRight : Qt::AlignLeft);
        case Qt::ToolTipRole: return toolTip(entry, column);
        case Qt::DisplayRole: return text(entry, column);
        case kSortRole: return sortKey(entry, column);
        default: return {};
    }
}

QString RunHistory::toolTip(const HistoryEntry& entry, int column) const {
    const RunData& run = *entry.run;
    switch (column) {
        case NumberColumn: return entry.kept.isEmpty() ? plainToolTip(entry.origin) : QString();
        case NameColumn: return plainToolTip(shownText(entry.label.notes, kNotesShown));
        case PromptColumn: return plainToolTip(shownText(run.header.settings.promptText, 800));
        case AnswerColumn:
        case CheckColumn: return plainToolTip(QString::fromStdString(checkAnswer(run).note));
        case SpeedUpColumn: return entry.dense ? QString::fromStdString(speedUp(run, *entry.dense).note()) : QString();
        case SamplerColumn: return plainToolTip(QString::fromStdString(describeSampler(run.header.settings.sampler)));
        default: return {};
    }
}

QVariant RunHistory::text(const HistoryEntry& entry, int column) const {
    const RunData& run = *entry.run;
    switch (column) {
        case NumberColumn: return QString::number(entry.label.number);
        case StopColumn: return shownWords(stopWords(run.stats), 40);
        case ModeColumn: return runTitle(run.header) + besideName(entry);
        case NameColumn: {
            const QString from = QString::fromStdString(run.header.branch.text());
            const QString name = shownWords(entry.label.name, kNameShown);
            return name.isEmpty() ? from : from.isEmpty() ? name : name + QStringLiteral(" (%1)").arg(from);
        }
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
        case SpeedUpColumn: return entry.dense ? formatFactor(speedUp(run, *entry.dense).factor) : kNoValue;
        case LoadedColumn: return formatPercent(run.stats.loadedFraction());
        case SamplerColumn: return samplerWords(run.header.settings.sampler);
        case SeedColumn:
            return run.header.settings.sampler.temperature > 0 ? QString::number(run.header.settings.sampler.seed)
                                                               : kNoValue;  // greedy: nothing is drawn
        case TimeColumn:
            return entry.label.endedAtMs > 0
                       ? QLocale().toString(QDateTime::fromMSecsSinceEpoch(entry.label.endedAtMs), QLocale::ShortFormat)
                       : kNoValue;
        default: return {};
    }
}

QVariant RunHistory::sortKey(const HistoryEntry& entry, int column) const {
    const RunData& run = *entry.run;
    switch (column) {
        case NumberColumn: return qlonglong(entry.label.number);
        case ViolationsColumn: return qlonglong(run.violations.size());
        case TokensColumn: return qlonglong(run.steps.size());
        case DecodeColumn: return run.stats.decodeTokensPerS();
        case SpeedUpColumn: return entry.dense ? speedUp(run, *entry.dense).factor : 0.0;
        case LoadedColumn: return run.stats.loadedFraction();
        case SeedColumn:
            return run.header.settings.sampler.temperature > 0 ? qulonglong(run.header.settings.sampler.seed) : 0ULL;
        case TimeColumn: return qlonglong(entry.label.endedAtMs);
        default: return text(entry, column);
    }
}

QVariant RunHistory::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    static const QStringList titles{tr("Run"),      tr("Ended by"),  tr("Check"),      tr("Mode"),   tr("Name"),
                                    tr("Prompt"),   tr("Answer"),    tr("Violations"), tr("Tokens"), tr("Decode"),
                                    tr("Speed-up"), tr("KV loaded"), tr("Sampler"),    tr("Seed"),   tr("Time")};
    return section >= 0 && section < titles.size() ? QVariant(titles[section]) : QVariant();
}

}  // namespace spanscope
