#include "app/runner/run_archive.h"

#include <QDateTime>
#include <QDir>
#include <QFile>
#include <new>

#include "engine/trace/trace.h"
#include "ui/model/error_info.h"

namespace spanscope {

namespace {

const QStringList kPattern{QStringLiteral("*.spantrace")};
constexpr int kUnfinishedDays = 1;  // after which a half-written file is nobody's

/// The names begin with the time, so that the newest comes first.
QFileInfoList filesIn(const QString& folder) {
    return QDir(folder).entryInfoList(kPattern, QDir::Files, QDir::Name | QDir::Reversed);
}

void dropUnfinished(const QString& folder) {
    const QDateTime before = QDateTime::currentDateTime().addDays(-kUnfinishedDays);
    for (const QFileInfo& file : QDir(folder).entryInfoList({"*.part"}, QDir::Files))
        if (file.lastModified() < before) QFile::remove(file.absoluteFilePath());
}

}  // namespace

RunArchive::RunArchive(const QString& folder, const Limits& limits, QObject* parent)
    : QObject(parent), m_folder(folder), m_limits(limits), m_requests(new Mailbox) {
    m_thread.setObjectName("archive");
    m_requests->moveToThread(&m_thread);
    connect(&m_thread, &QThread::finished, m_requests, &QObject::deleteLater);
    m_thread.start(QThread::LowPriority);
}

RunArchive::~RunArchive() {
    m_requests->post([this] { m_thread.quit(); });  // behind all that was asked before
    m_thread.wait();
}

void RunArchive::restore() {
    m_requests->post([this] { read(); });
}

void RunArchive::keep(const KeptRun& run) {
    m_requests->post([this, run] {
        const auto fail = [&](const Error& error) {
            m_inbox.post([this, file = run.file, info = toErrorInfo("The run could not be kept", error)] {
                emit notKept(file, info);
            });
        };
        try {
            write(run);
        } catch (const std::bad_alloc&) { fail({ErrorCode::OutOfMemory, "there is not enough memory to write it"}); }
    });
}

void RunArchive::clear() {
    m_requests->post([this] {
        for (const QFileInfo& file : filesIn(m_folder)) QFile::remove(file.absoluteFilePath());
    });
}

void RunArchive::write(const KeptRun& run) {
    const QString path = m_folder + '/' + run.file;
    std::vector<const RunData*> runs{run.run.get()};
    if (run.dense) runs.push_back(run.dense.get());
    Status status;
    if (!QDir().mkpath(m_folder)) status = Error{ErrorCode::Io, "the folder cannot be made", m_folder.toStdString()};
    else status = writeTrace(path.toStdString(), runs, &run.label);
    if (status && QFileInfo(path).size() > m_limits.bytes) {
        QFile::remove(path);
        status = Error{ErrorCode::Unsupported, "it is larger than all that is kept may be", path.toStdString()};
    }
    if (!status) {
        const ErrorInfo info = toErrorInfo("The run could not be kept", status.error());
        m_inbox.post([this, file = run.file, info] { emit notKept(file, info); });
        return;
    }
    drop(run.file);
    m_inbox.post([this, file = run.file] { emit kept(file); });
}

/// The oldest beyond the limits, but never the one just written.
void RunArchive::drop(const QString& latest) const {
    int n = 0;
    qint64 bytes = QFileInfo(m_folder + '/' + latest).size();
    for (const QFileInfo& file : filesIn(m_folder)) {
        if (file.fileName() == latest) continue;
        bytes += file.size();
        if (++n >= m_limits.runs || bytes > m_limits.bytes) QFile::remove(file.absoluteFilePath());
    }
}

void RunArchive::read() {
    dropUnfinished(m_folder);
    qint64 nSteps = 0;
    int n = 0;
    for (const QFileInfo& info : filesIn(m_folder)) {
        if (++n > m_limits.runs || nSteps > m_limits.restoredSteps) break;
        KeptRun found;
        found.file = info.fileName();
        try {
            const auto file = readTrace(info.absoluteFilePath().toStdString());
            if (!file || file->runs.empty()) continue;  // not one of ours; it stays where it is
            found.run = file->runs[0];
            if (file->runs.size() > 1) found.dense = file->runs[1];
        } catch (const std::bad_alloc&) { break; }
        found.label = found.run->header.label;
        nSteps += static_cast<qint64>(found.run->steps.size() + (found.dense ? found.dense->steps.size() : 0));
        m_inbox.post([this, found] { emit restored(found); });
    }
    m_inbox.post([this] { emit restoreEnded(); });
}

}  // namespace spanscope
