// Which tags a chat's question is asked under: none, those of a bundled vocabulary, or of a file. GUI thread.
#pragma once

#include <QComboBox>

#include "ui/model/payloads.h"

namespace spanscope {

class RunController;

class VocabularyBox : public QComboBox {
    Q_OBJECT
  public:
    VocabularyBox(const QVector<VocabularyInfo>& bundled, RunController* runs, QWidget* parent);
    void refresh();  ///< as the run controller has it
    /// A description from a file, of at most kMostBytes; what is wrong with what stands in it, the run says.
    void useFile(const QString& path);
    static constexpr qint64 kMostBytes = 1 << 16;

  signals:
    void refused(const QString& why);

  private:
    void choose(int index);
    int fill(const QString& own);

    QVector<VocabularyInfo> m_bundled;
    RunController* m_runs;
};

}  // namespace spanscope
