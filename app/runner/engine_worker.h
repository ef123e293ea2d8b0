// Owns model, backend and sessions on the engine's thread. Never waits for the window. Talk to it through
// Runner; only the controls and the batch counter are touched from another thread, and they are atomic.
#pragma once

#include <QElapsedTimer>
#include <atomic>
#include <memory>
#include <vector>

#include "app/runner/engine_events.h"
#include "engine/decode/conversation.h"
#include "engine/decode/inspect.h"
#include "engine/decode/session.h"
#include "engine/model/model.h"
#include "engine/trace/trace.h"
#include "kernels/backend.h"

namespace spanscope {

/// Shared by who asks and who works; one for each run or load, so that a stop can never hit the next one.
struct RunControl {
    std::atomic<bool> stop{false};
};

class EngineWorker : public EngineEvents {
    Q_OBJECT
  public:
    EngineWorker();
    ~EngineWorker() override;

    std::atomic<int>& batchesInFlight() { return m_inFlight; }

    void openModel(const LoadRequest& request, const std::shared_ptr<RunControl>& control);
    /// Of the last openModel(). The engine's thread only.
    const std::shared_ptr<RunControl>& loading() const { return m_loading; }
    /// The request's contextTokens 0: the model's own; reads the headers. Any other number asks again about what was
    /// read.
    void forecast(const LoadRequest& request);
    void run(RunRequest request, const std::shared_ptr<RunControl>& control);
    /// The next answer of a conversation; of one that is not at hand, all turns are taken from the request.
    void chat(ChatRequest request, const std::shared_ptr<RunControl>& control);
    /// A run from a step of another one on, which keeps what an inspection of that one has computed.
    void branch(const BranchRequest& request, const std::shared_ptr<RunControl>& control);
    /// Inspect mode: replays `run` with the model that is loaded; probe() and edit() then ask about its steps.
    void inspect(const SharedRun& run, const std::shared_ptr<RunControl>& control);
    /// How far each of the runs is from dense; distanceEnded() comes last, whatever happens.
    void measure(const RunList& runs, const std::shared_ptr<RunControl>& control);
    void probe(int step, const ProbeSettings& settings);
    void edit(int step, const IntervalList& list);
    void measureReadRate();
    void openTrace(const QString& path);
    void saveTrace(const QString& path, const RunList& runs, const RunLabel& label);
    void setRecoveryFolder(const QString& folder) { m_recoveryFolder = folder; }

  private:
    struct Live {
        Session* session = nullptr;
        std::unique_ptr<Session> owned;  ///< null: it is the conversation's
        int64_t runId = 0;
        size_t nSent = 0;  ///< steps, segments, violations that the window has
        size_t nSegments = 0, nViolations = 0, nChanges = 0;
    };

    Result<std::unique_ptr<Backend>> makeBackend(const Model& model, const LoadRequest& request, int contextTokens,
                                                 const ProgressFn& progress) const;
    void beginRuns(const std::vector<Live>& live);
    /// Makes it anew where `request` means another one than m_conversation.
    Status continueConversation(const ChatRequest& request);
    int32_t questionBefore(int32_t turn) const;
    void tellTurns(int64_t writing, int32_t tip);
    static bool isAstray(const Session& session, const std::vector<Live>& live);
    void runSessions(std::vector<Live>& live, const std::atomic<bool>& stop);
    void send(Live& live, bool last);
    void sendIfDue(std::vector<Live>& live);
    void endRuns(std::vector<Live>& live);
    void record(const std::vector<Live>& live);

    std::shared_ptr<const Model> m_model;
    std::unique_ptr<Backend> m_backend;            // after m_model: goes first, since it uses the model's weights
    std::unique_ptr<Inspector> m_inspector;        // after both, whose sequences it holds
    std::unique_ptr<Conversation> m_conversation;  // likewise
    int64_t m_conversationId = 0;
    size_t m_turnsTold = 0;  ///< turns of m_conversation that the window has
    int m_contextTokens = 0;
    int64_t m_loadNs = 0;
    std::shared_ptr<RunControl> m_loading;
    std::atomic<int> m_inFlight{0};
    QElapsedTimer m_sinceBatch;
    QString m_forecastPath, m_forecastAdapter;  // of the model that forecast() read last
    ModelShape m_forecastShape;
    uint64_t m_forecastWeights = 0;
    QString m_recoveryFolder;
    std::unique_ptr<TraceWriter> m_recorder;
};

}  // namespace spanscope
