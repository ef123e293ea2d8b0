// How far finished runs are from dense attention, as far as that was measured, and how far a measurement is that goes
// on. Knows runs by the recordings that all share, and forgets those that nobody has any more. GUI thread.
#pragma once

#include <QObject>
#include <memory>
#include <vector>

#include "engine/types/probe.h"
#include "ui/model/payloads.h"

namespace spanscope {

class RunDistances : public QObject {
    Q_OBJECT
  public:
    using QObject::QObject;

    /// Null: not measured. Valid until a signal of this object.
    const DivergenceCurve* of(const RunData* run) const;
    bool isMeasuring() const { return m_measuring; }
    double fraction() const { return m_fraction; }        ///< of the measurement that goes on
    const QString& problem() const { return m_problem; }  ///< why the last one failed, a sentence; empty: it did not
    void begin();                                         ///< one was asked for

  public slots:
    void onProgress(int done, int total);
    void onReady(const spanscope::SharedRun& run, const spanscope::DivergenceCurve& curve);
    void onEnded(const spanscope::ErrorInfo& error);

  signals:
    void progressed();
    void changed();  ///< a run was measured, or a measurement began or ended

  private:
    struct Entry {
        std::weak_ptr<const RunData> run;
        const RunData* at = nullptr;
        DivergenceCurve curve;
    };
    std::vector<Entry> m_entries;
    bool m_measuring = false;
    double m_fraction = 0;
    QString m_problem;
};

}  // namespace spanscope
