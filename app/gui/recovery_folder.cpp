#include "app/gui/recovery_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <QCoreApplication>
#include <QDateTime>
#include <QDir>
#include <QFile>
#include <algorithm>

namespace spanscope {

namespace {

const QString kLock = QStringLiteral(".lock"), kAside = QStringLiteral("interrupted");
const QStringList kRecordings{QStringLiteral("*.spantrace*")};
constexpr int kDaysAside = 30;

/// The open lock file, -1 where somebody else holds it.
int locked(const QString& path) {
    const int file = ::open(QFile::encodeName(path).constData(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return -1;
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) return file;
    ::close(file);
    return -1;
}

/// Recordings of earlier versions, by process id in one folder: left over where no such program has that id.
bool isLeftOver(const QString& name) {
    const QString pid = name.section('-', 0, 0);
    const QString program = QFileInfo(QStringLiteral("/proc/%1/exe").arg(pid)).symLinkTarget().section('/', -1);
    return pid.toLongLong() == QCoreApplication::applicationPid() ||
           !program.startsWith(QStringLiteral("spanscope"));  // " (deleted)" follows where it was built anew
}

}  // namespace

RecoveryFolder::RecoveryFolder(const QString& folder) : m_folder(folder) {
    const QString own = QStringLiteral("%1/%2-%3")
                            .arg(folder)
                            .arg(QCoreApplication::applicationPid())
                            .arg(QDateTime::currentMSecsSinceEpoch());
    if (!QDir().mkpath(folder)) return;
    m_lock = locked(own + kLock);  // before the folder: one without a lock is nobody's
    if (m_lock < 0 || !QDir().mkpath(own)) return;
    m_own = own;
}

RecoveryFolder::~RecoveryFolder() {
    if (!m_own.isEmpty() && QDir().rmdir(m_own)) QFile::remove(m_own + kLock);
    if (m_lock >= 0) ::close(m_lock);
}

QStringList RecoveryFolder::takeInterrupted() {
    QDir folder(m_folder);
    const QString aside = folder.filePath(kAside);
    QFileInfoList found;
    for (const QFileInfo& file : folder.entryInfoList(kRecordings, QDir::Files))
        if (isLeftOver(file.fileName())) found << file;
    QStringList empty;  // folders of ended programs and their locks
    for (const QFileInfo& part : folder.entryInfoList(QDir::Dirs | QDir::NoDotAndDotDot)) {
        const QString path = part.absoluteFilePath();
        if (part.fileName() == kAside || path == QFileInfo(m_own).absoluteFilePath()) continue;
        const int lock = locked(path + kLock);
        if (lock < 0) continue;
        found << QDir(path).entryInfoList(kRecordings, QDir::Files);
        empty << path;
        ::close(lock);
    }
    for (const QFileInfo& old : QDir(aside).entryInfoList(QDir::Files))
        if (old.lastModified() < QDateTime::currentDateTime().addDays(-kDaysAside))
            QFile::remove(old.absoluteFilePath());
    std::sort(found.begin(), found.end(),
              [](const QFileInfo& a, const QFileInfo& b) { return a.lastModified() > b.lastModified(); });
    QStringList moved;
    if (!found.isEmpty() && !QDir().mkpath(aside)) return {};
    for (const QFileInfo& file : found) {
        const QString to = aside + '/' + file.fileName();
        if (QFile::rename(file.absoluteFilePath(), to)) moved << to;
    }
    for (const QString& path : empty)
        if (QDir().rmdir(path)) QFile::remove(path + kLock);
    return moved;
}

}  // namespace spanscope
