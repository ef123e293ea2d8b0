// Where runs in progress are recorded, so that a crash loses nothing: a folder for each program that runs, with a lock
// that goes with the process, however it ends. So whose recordings are left over does not depend on process ids, which
// come again. One thread.
#pragma once

#include <QString>
#include <QStringList>

namespace spanscope {

class RecoveryFolder {
  public:
    /// Makes a part of `folder` for this process.
    explicit RecoveryFolder(const QString& folder);
    ~RecoveryFolder();  ///< leaves nothing where there was nothing to recover
    RecoveryFolder(const RecoveryFolder&) = delete;
    RecoveryFolder& operator=(const RecoveryFolder&) = delete;

    /// For this process's recordings; empty where it could not be made.
    QString own() const { return m_own; }
    /// What ended processes left, the newest first: each recording once, moved aside, where it stays for a month.
    QStringList takeInterrupted();

  private:
    QString m_folder, m_own;
    int m_lock = -1;
};

}  // namespace spanscope
