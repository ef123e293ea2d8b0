// Starts, follows, stops, repeats and compares runs. Owns the settings of the next run and the ids of those on show;
// takes the problem from the prompt editor and puts what is wrong with it there. GUI thread.
#pragma once

#include <optional>

#include "ui/window/workspace.h"

namespace spanscope {

class Banner;
class PromptEditor;

class RunController : public QObject {
    Q_OBJECT
  public:
    RunController(Workspace* workspace, PromptEditor* prompt, Banner* banner, QObject* parent);

    /// Both: what is not dense beside its dense twin. Lossless: dense's own output, drafted as declared.
    /// Policy: the declared run beside one under another policy, other().
    enum class Compare { Declared, Dense, Window, Keep, Both, Lossless, Policy };
    /// Declared, Both and Policy are remembered for problems of the protocol, Window, Keep and Both for all else.
    Compare compare() const;
    QVector<Compare> choices() const;  ///< that make sense for the task and the model
    void setCompare(Compare mode);     ///< one of choices(); another one changes nothing
    /// Of the next run.
    MaskPolicySpec attention() const;
    /// What a model that declares nothing is compared with dense by: window or keep.
    MaskPolicySpec windowed() const { return {m_keeps ? "keep" : "window", m_nWindow}; }
    void setWindowTokens(int n);
    /// What Compare::Policy puts beside the declared run: one of the model's policies that can be had here. n in
    /// percent of the context, 0 as declared.
    MaskPolicySpec other() const;
    const PolicyInfo* otherInfo() const;  ///< null: the model has none
    void setOtherPolicy(const QString& name);
    void setOtherShare(int percent);
    static constexpr int kUsualShare = 25;  ///< where a policy cannot read as declared
    static constexpr int kMostWindowTokens = 1'000'000;
    /// Tags that a chat's question is asked under, instead of a turn of a conversation; an empty text: none.
    void setVocabulary(const VocabularyInfo& vocabulary);
    const VocabularyInfo& vocabulary() const { return m_vocabulary; }
    /// The next run is of one question, whose prompt teaches vocabulary().
    bool teachesTags() const;
    /// Of that question, in the place of what the vocabulary says before it; empty: as the vocabulary has it.
    void setSystemText(const QString& text) { m_systemText = text; }
    const RunSettings& settings() const { return m_settings; }  ///< sampler and maxTokens of the next run
    void editSettings(QWidget* window);                         ///< asks
    void setMaxTokens(int most);                                ///< of the next run; -1: until its end
    bool canRepeat() const { return m_last.has_value(); }
    qint64 lastRunId() const { return m_runId; }
    /// Ids up to this one are taken, by runs of a trace.
    void keepIdsFrom(qint64 lastTaken);

    /// Those of the next run, without a problem; a random seed is drawn.
    RunSettings nextSettings();
    /// A run that somebody else asks the engine for has begun; its id. Followed, stopped and kept as any other; it
    /// cannot be repeated.
    qint64 beginElsewhere();

    void run();  ///< while a model loads: as soon as it is ready
    void repeat();
    void stop();
    /// The runs on show, as far as they have ended and have not been measured, against dense attention; one that goes
    /// on is stopped by stopMeasuring() or the next run.
    void measure();
    void stopMeasuring();
    /// A run again, its twin beside it; its problem is offered, and a model for its task asked for.
    void show(const HistoryEntry& entry);
    void showAsItWas(const HistoryEntry& entry);  ///< the run alone
    void showNothing();                           ///< the runs stay in the history
    /// request.run goes on from a step in another way, and stays beside the new run.
    void branch(BranchRequest request);
    void showBeside(const HistoryEntry& entry);  ///< a run beside the one on show

  public slots:
    void onModelReady();
    void onModelFailed();
    void onStarted(qint64 runId, const spanscope::SharedHeader& header,
                   const std::vector<spanscope::Segment>& segments);
    void onProgress(qint64 runId, int done, int total);
    void onBatch(const spanscope::SharedBatch& batch);
    void onFailed(qint64 runId, const spanscope::ErrorInfo& error);
    void onFinished(qint64 runId, spanscope::StopReason reason);
    void onIdle();

  signals:
    void runRequested(const spanscope::RunRequest& request);
    void branchRequested(const spanscope::BranchRequest& request);
    void stopRequested();
    void measureRequested(const spanscope::RunList& runs);
    void comparing();                      ///< a run has begun that is looked at beside one under another policy
    void starting();                       ///< what is known of the last run no longer holds
    void kept(const HistoryEntry& entry);  ///< on show, and in the history
    void shownAgain(const HistoryEntry& entry);
    void modelWanted(const QString& task);  ///< one that was trained for it
    void shownBeside();
    void settingsChanged();

  private:
    bool declares() const;  ///< the model can name what it needs, and the task lets it
    /// twin: of a run beside it; none: it runs alone.
    void start(const RunSettings& settings, const std::optional<MaskPolicySpec>& twin);
    void forgetTheLast();

    Workspace* m_workspace;
    PromptEditor* m_prompt;
    Banner* m_banner;
    RunSettings m_settings;
    VocabularyInfo m_vocabulary;
    QString m_systemText;
    bool m_randomSeed = false;
    Compare m_compare = Compare::Declared, m_plainCompare = Compare::Dense;
    bool m_keeps = false;  ///< the first token, too
    int m_nWindow = 256;
    QString m_other;         ///< name of a policy; empty: the first that chooses by budget
    int m_otherPercent = 0;  ///< 0: as declared
    std::optional<RunRequest> m_last;
    qint64 m_nextRunId = 1;
    qint64 m_runId = 0;              ///< on show
    std::optional<qint64> m_twinId;  ///< of the run made beside it
    bool m_measuresNext = false;     ///< against dense, once the run and the one beside it have ended
    SharedRun m_parent;              ///< that the run on show goes on from; null: none
    bool m_runWhenReady = false;
};

}  // namespace spanscope
