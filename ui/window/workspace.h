// What every part of the window looks at: the runs on show and kept, the selection, the model, and what is going on.
// Owns them; parts change them through here and hear of it by signal. GUI thread.
#pragma once

#include <QObject>

#include "ui/model/payloads.h"
#include "ui/model/run_comparison.h"
#include "ui/model/run_distances.h"
#include "ui/model/run_history.h"
#include "ui/model/run_store.h"
#include "ui/model/selection.h"

namespace spanscope {

class Workspace : public QObject {
    Q_OBJECT
  public:
    using QObject::QObject;

    enum class State { NoModel, Loading, Ready, Running, Stopping };

    RunStore* shown() { return &m_shown; }
    RunStore* beside() { return &m_beside; }  ///< the dense twin of the run on show, or another run
    Selection* selection() { return &m_selection; }
    RunComparison* comparison() { return &m_comparison; }  ///< of the two
    RunHistory* history() { return &m_history; }
    RunDistances* distances() { return &m_distances; }  ///< of finished runs from dense, as far as measured

    State state() const { return m_state; }
    bool isBusy() const { return m_state == State::Running || m_state == State::Stopping; }
    void setState(State state);
    /// Ready where there is a model, NoModel where there is none.
    void setIdle() { setState(hasModel() ? State::Ready : State::NoModel); }

    const ModelInfo& model() const { return m_model; }
    bool hasModel() const { return !m_model.path.isEmpty(); }
    void setModel(const ModelInfo& model);

  signals:
    void changed();                     ///< the state, or what it says of the same state
    void modelSet();                    ///< another one, or none
    void message(const QString& text);  ///< for the foot of the window

  private:
    RunStore m_shown, m_beside;
    Selection m_selection;
    RunComparison m_comparison{&m_shown, &m_beside, &m_selection};
    RunHistory m_history;
    RunDistances m_distances;
    State m_state = State::NoModel;
    ModelInfo m_model;
};

}  // namespace spanscope
