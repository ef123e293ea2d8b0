// One run as the window holds it: a copy that only the GUI thread touches. The runner sends batches of what is
// new; views listen to the signals and read data(). Recorded runs come through the same door: a long one in slices, one
// for each turn of the event loop, so that no turn grows with the run.
#pragma once

#include <QMetaType>
#include <QObject>
#include <QTimer>
#include <memory>
#include <vector>

#include "engine/reading/run_checks.h"
#include "engine/types/records.h"
#include "ui/model/payloads.h"

namespace spanscope {

/// What is new in a run since the batch before, so that a batch costs what is new and not what there is; immutable
/// once sent.
struct RunBatch {
    int64_t runId = 0;
    std::vector<StepRecord> steps;  ///< new steps only
    size_t firstSegment = 0;        ///< `segments` take the place of all from this one on
    std::vector<Segment> segments;
    size_t firstViolation = 0;  ///< likewise
    std::vector<ProtocolViolation> violations;
    size_t firstChange = 0;  ///< likewise
    std::vector<SpanChange> changes;
    RunStats stats;
    std::string answer;
    bool finished = false;
};
using SharedBatch = std::shared_ptr<const RunBatch>;
using SharedHeader = std::shared_ptr<const RunHeader>;

class RunStore : public QObject {
    Q_OBJECT
  public:
    explicit RunStore(QObject* parent = nullptr);
    ~RunStore() override;

    const RunData& data() const { return m_data; }
    /// Of what is here; up to date before any signal says that more is.
    const RunChecks& checks() const { return m_checks; }
    bool isEmpty() const { return m_data.header.prompt.empty() && m_data.steps.empty(); }
    bool isFinished() const { return m_finished; }
    int nSteps() const { return static_cast<int>(m_data.steps.size()); }
    int nPrompt() const { return static_cast<int>(m_data.header.prompt.size()); }
    int nContext() const { return nPrompt() + nSteps(); }

    void clear();
    /// Makes room for the steps that the run may have at most: appending never moves the ones that are there.
    void begin(const SharedHeader& header, const std::vector<Segment>& promptSegments);
    /// Batches of another run are ignored; so is a batch that does not follow on what is here.
    void append(const SharedBatch& batch);
    void load(const RunData& data);  ///< a recorded run, at once
    /// A recorded run that others keep too. Until its last slice is here it is not finished.
    void show(const SharedRun& run);
    /// The run on show, whole: the recording itself, else a copy, made once of a run that has ended.
    SharedRun share();

  signals:
    void reset();                             ///< everything changed
    void stepsAppended(int first, int last);  ///< step indices [first, last]
    void finished();

  private:
    void start();
    void addSlice();

    RunData m_data;
    RunChecks m_checks;
    bool m_finished = false;
    SharedRun m_whole;  ///< what is shown in slices, or was shared; null: only m_data
    QTimer m_nextSlice;
};

}  // namespace spanscope

Q_DECLARE_METATYPE(spanscope::SharedBatch)
Q_DECLARE_METATYPE(spanscope::SharedHeader)
