// Finished runs kept from start to start: one trace for each in a folder of the program's own data, written and read in
// a thread of its own. Bounded by number and size, the oldest go. Several programs may share the folder: each writes
// files of its own and reads everybody's. GUI thread; the destructor waits for what is still to be written.
#pragma once

#include <QObject>
#include <QThread>

#include "ui/model/mailbox.h"
#include "ui/model/payloads.h"

namespace spanscope {

class RunArchive : public QObject {
    Q_OBJECT
  public:
    struct Limits {
        int runs = 200;
        qint64 bytes = qint64{200} << 20;
        qint64 restoredSteps = 400'000;  ///< as many as the list of runs holds
    };
    /// folder: made when it is first needed.
    RunArchive(const QString& folder, const Limits& limits, QObject* parent = nullptr);
    ~RunArchive() override;

  public slots:
    /// Reads what is there, the newest first; restored() for each that can be read, then restoreEnded().
    void restore();
    /// Writes the run under its file name, in the place of what has that name. That older ones had to go is not told.
    void keep(const spanscope::KeptRun& run);
    void clear();  ///< deletes all of it

  signals:
    void restored(const spanscope::KeptRun& run);
    void restoreEnded();
    void kept(const QString& file);
    void notKept(const QString& file, const spanscope::ErrorInfo& error);

  private:
    void write(const KeptRun& run);
    void read();
    void drop(const QString& latest) const;

    const QString m_folder;
    const Limits m_limits;
    QThread m_thread;
    Mailbox m_inbox;      // what the thread tells
    Mailbox* m_requests;  // what it is asked, in it
};

}  // namespace spanscope
