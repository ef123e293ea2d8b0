// What the window tells the runner and hears from it, apart from runs themselves (run_store.h): plain values, so
// that the window needs no engine. app/ fills them in from the engine's types.
#pragma once

#include <QMetaType>
#include <QString>
#include <QStringList>
#include <QVector>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/types/device.h"
#include "engine/types/records.h"
#include "engine/types/step_cost.h"

namespace spanscope {

/// A task as the prompt editor offers it.
struct TaskInfo {
    QString name;   ///< as in RunSettings::task
    QString title;  ///< for people
    QStringList samples;
    bool needsProtocol = false;   ///< only models that speak the span protocol are given it
    bool isConversation = false;  ///< turns instead of a problem
};

/// A way of choosing what a step reads that a declared run can be compared with; the engine's table of policies.
struct PolicyInfo {
    enum class Budget { None, Share, AsDeclared };  ///< AsDeclared: as many tokens as the declared span, or a share
    QString name, about;                            ///< as the command line has them
    Budget budget = Budget::None;
    bool perHead = false;  ///< each head chooses by its keys; made for comparing what is read, not for speed
    QString lacking;       ///< why it cannot be had here, a sentence; empty: it can
};

/// A vocabulary of tags that a chat's prompt can teach (docs/vocabularies.md).
struct VocabularyInfo {
    QString name;
    QString text;  ///< its description, JSON
};

struct ModelInfo {
    QString path, name, format, hash;
    QString adapterPath, adapter;  ///< folder; name, rank and hash for people; empty: none
    QString basePath;              ///< of the model under the adapter, where `path` is the adapter's folder
    QString description, license, trainedOn, cardText;
    QString backend, device;       ///< "cpu", "Xeon, 2 threads"
    QString kvType;                ///< of the KV cache: "BF16"
    QStringList tasks;             ///< names it was trained for; empty: none stated
    QStringList trainedFor;        ///< one sentence for each of `tasks`
    int protocolVersion = 0;       ///< 0: runs as plain text
    bool verifies = false;         ///< its backend can verify drafts: lossless runs are possible
    QVector<PolicyInfo> policies;  ///< that a run can be compared with
    QString noChat;                ///< why it cannot hold a conversation, a sentence; empty: it can
    /// Whether its chat template reasons where it is not told; absent: it cannot be told.
    std::optional<bool> thinkingByDefault;
    int nThreads = 0;
    int nLayers = 0, nHeads = 0, nKvHeads = 0, headDim = 0, hidden = 0, vocab = 0;
    int maxContext = 0;     ///< tokens the model was trained for
    int contextTokens = 0;  ///< tokens a run may use here
    quint64 weightBytes = 0;
    quint64 heldBytes = 0;  ///< KV pool, scratch, device copies
    qint64 loadNs = 0;
    StepBytes stepBytes;  ///< what a step reads of it
};

/// A model that came with the program.
struct BundledModel {
    QString path, name;
    QStringList tasks;
};

/// From headers alone, before anything is loaded. Bytes.
struct ForecastInfo {
    QString path, adapter;
    quint64 weightBytes = 0, kvBytes = 0, workspaceBytes = 0, freeBytes = 0;
    int contextTokens = 0;
    int largestContext = 0;  ///< 0: not even the weights fit
    bool fits = false;
};

struct LoadRequest {
    QString path;
    int contextTokens = 0;  ///< 0: as much as the model knows and half of the free memory holds
    Device device = Device::Auto;
    QString adapter = {};  ///< folder of a LoRA adapter over the model; empty: none
};

/// One run, or two over the same prompt in alternating slices.
struct RunRequest {
    qint64 runId = 0;
    std::optional<qint64> twinRunId;  ///< of the run beside it; none: no comparison
    RunSettings settings;
    /// All else is as in settings. Under another policy than dense it is ended once it has written twice as much as the
    /// first, and some: StopReason::TokenLimit.
    MaskPolicySpec twinAttention = MaskPolicySpec::dense();
};

/// A model that is not on this machine, and what brings it.
struct FetchInfo {
    QString name, license;
    QString folder;  ///< where it is put
    quint64 bytes = 0;
    QStringList command;  ///< program and arguments; prints "progress DONE TOTAL" lines. Empty: nothing to fetch
};

/// An error as a person reads it.
struct ErrorInfo {
    QString title;         ///< what could not be done
    QString text;          ///< why, and what to do; one or two sentences
    QString detail;        ///< file, field, found, expected; may be empty
    int column = -1;       ///< of the typed prompt, 1-based, where the text is wrong; -1 otherwise
    int line = -1;         ///< 1-based
    FetchInfo fetch = {};  ///< what would help
};

using SharedRun = std::shared_ptr<const RunData>;
using RunList = QVector<SharedRun>;

/// A finished run that the program keeps from start to start.
struct KeptRun {
    QString file;  ///< its name in the folder of kept runs
    SharedRun run, dense;
    RunLabel label;
};

/// A run that goes on from another one.
struct BranchRequest {
    qint64 runId = 0;
    SharedRun run;                     ///< the other one
    qint64 number = 0;                 ///< of the other one, for people
    int step = 0;                      ///< the first that is decoded anew
    std::optional<IntervalList> list;  ///< what that step reads instead, for the rest of its phase
    std::vector<int32_t> tokens;       ///< from that step on, in the place of the run's own
    QString text;                      ///< likewise, where there are no tokens
};

}  // namespace spanscope

Q_DECLARE_METATYPE(spanscope::ModelInfo)
Q_DECLARE_METATYPE(spanscope::ForecastInfo)
Q_DECLARE_METATYPE(spanscope::LoadRequest)
Q_DECLARE_METATYPE(spanscope::RunRequest)
Q_DECLARE_METATYPE(spanscope::ErrorInfo)
Q_DECLARE_METATYPE(spanscope::RunList)
Q_DECLARE_METATYPE(spanscope::KeptRun)
Q_DECLARE_METATYPE(spanscope::BranchRequest)
