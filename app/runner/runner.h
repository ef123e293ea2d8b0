// The window's handle on the engine: owns the thread, passes requests over, hands results on. GUI thread only.
//
// Batches: the worker sends the next one only after this one has been delivered to everybody connected here, and
// at most 60 a second, so a slow window makes batches larger and never a queue longer.
#pragma once

#include <QThread>
#include <atomic>
#include <memory>

#include "app/runner/engine_worker.h"
#include "ui/model/mailbox.h"

namespace spanscope {

class Runner : public EngineEvents {
    Q_OBJECT
  public:
    explicit Runner(QObject* parent = nullptr);
    ~Runner() override;  ///< stops what runs, waits for the thread

    bool isRunning() const { return m_nRunning > 0; }
    /// Events of the worker that end there because the constructor forgot them.
    QStringList notPassedOn() const { return m_worker->unheard(); }
    static QVector<TaskInfo> tasks();
    static QVector<VocabularyInfo> vocabularies();  ///< that come with the program
    /// The models in the folders of `folder`, by their cards; those without one are left out.
    static QVector<BundledModel> bundledModels(const QString& folder);
    /// One line on the accelerator, for About.
    static QString describeDevices();

  public slots:
    void openModel(const spanscope::LoadRequest& request);
    void cancelLoad();
    void forecast(const spanscope::LoadRequest& request);
    void run(const spanscope::RunRequest& request);    ///< stops an older run first
    void chat(const spanscope::ChatRequest& request);  ///< stops an older run first
    void stop();
    void branch(const spanscope::BranchRequest& request);  ///< a run from a step of another; stops an older run first
    void inspect(const spanscope::SharedRun& run);
    /// How far finished runs are from dense; stops an older run first, and is stopped by what comes next or stop().
    void measure(const spanscope::RunList& runs);
    void probe(int step, const spanscope::ProbeSettings& settings);
    void edit(int step, const spanscope::IntervalList& list);
    void measureReadRate();  ///< of main memory, by as many threads as the model has
    void openTrace(const QString& path);
    /// label: of the first run, in the place of its own.
    void saveTrace(const QString& path, const spanscope::RunList& runs, const spanscope::RunLabel& label = {});
    /// Where runs in progress are recorded so that a crash loses nothing; empty: nowhere.
    void setRecoveryFolder(const QString& folder);

  private:
    template <class... Args>
    void passOn(void (EngineEvents::*told)(Args...));

    QThread m_thread;
    Mailbox m_inbox;                // what the worker tells, in the GUI thread
    Mailbox* m_requests = nullptr;  // what it is asked, in its own
    EngineWorker* m_worker = nullptr;
    std::shared_ptr<RunControl> m_run;
    std::shared_ptr<RunControl> m_load;
    int m_nRunning = 0;
};

}  // namespace spanscope
