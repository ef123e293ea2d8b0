// A model being fetched by a program of its own (resources/fetch): its progress, its end, and an end before that. GUI
// thread; waits for nothing.
#pragma once

#include <QObject>
#include <QProcess>

#include "ui/model/payloads.h"

namespace spanscope {

class ModelFetch : public QObject {
    Q_OBJECT
  public:
    explicit ModelFetch(QObject* parent = nullptr);
    ~ModelFetch() override;  ///< ends what runs

    void start(const FetchInfo& model);
    void cancel();  ///< `ended` comes when the program has gone
    bool isRunning() const { return m_process.state() != QProcess::NotRunning; }

  signals:
    void progress(double fraction);
    void done();
    /// Not by itself: why, as a person reads it; empty after cancel().
    void ended(const QString& why);

  private:
    void read();  ///< only the last whole line counts
    void finish(int code, QProcess::ExitStatus status);

    QProcess m_process;
    QByteArray m_line;    ///< of the program's output, not whole yet
    QByteArray m_errors;  ///< the end of what it said
    bool m_cancelled = false;
};

}  // namespace spanscope
