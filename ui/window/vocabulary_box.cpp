#include "ui/window/vocabulary_box.h"

#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QSettings>
#include <QSignalBlocker>

#include "ui/model/shown_text.h"
#include "ui/window/run_controller.h"

namespace spanscope {

namespace {
constexpr qsizetype kNameShown = 24;  // characters
}

VocabularyBox::VocabularyBox(const QVector<VocabularyInfo>& bundled, RunController* runs, QWidget* parent)
    : QComboBox(parent), m_bundled(bundled), m_runs(runs) {
    setObjectName("vocabulary");
    setAccessibleName(tr("Tags"));
    setSizeAdjustPolicy(QComboBox::AdjustToContents);
    setToolTip(
        tr("Tags that the model is taught in its prompt and with which it says what it reads. With tags a question "
           "stands alone: its prompt, its sections and every malformed tag are those of a run"));
    connect(this, &QComboBox::activated, this, &VocabularyBox::choose);
    refresh();
}

void VocabularyBox::refresh() {
    const QSignalBlocker quiet(this);
    const VocabularyInfo& now = m_runs->vocabulary();
    clear();
    addItem(tr("No tags"));
    int at = 0;
    for (const VocabularyInfo& v : m_bundled) {
        addItem(tr("Tags: %1").arg(v.name));
        if (v.name == now.name && v.text == now.text) at = count() - 1;
    }
    if (at == 0 && !now.text.isEmpty()) {
        addItem(tr("Tags: %1").arg(shownLine(now.name, kNameShown)));
        at = count() - 1;
    }
    addItem(tr("Tags of a file…"));
    setCurrentIndex(at);
}

void VocabularyBox::choose(int index) {
    if (index == count() - 1) {
        const QString path = QFileDialog::getOpenFileName(this, tr("Vocabulary of tags"),
                                                          QSettings().value("vocabulary/folder").toString(),
                                                          tr("Vocabularies (*.json);;All files (*)"));
        if (!path.isEmpty()) useFile(path);
    } else if (index == 0) {
        m_runs->setVocabulary({});
    } else if (index <= m_bundled.size()) {
        m_runs->setVocabulary(m_bundled[index - 1]);
    }
    refresh();
}

void VocabularyBox::useFile(const QString& path) {
    const QString name = QFileInfo(path).fileName();
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly)) {
        emit refused(tr("%1 cannot be read: %2").arg(name, file.errorString()));
        return;
    }
    const QByteArray text = file.read(kMostBytes + 1);
    if (text.isEmpty() || text.size() > kMostBytes) {
        emit refused(tr("%1 is no vocabulary of tags: it has %2, expected 1 to %3 bytes")
                         .arg(name, text.isEmpty() ? tr("nothing") : tr("more"))
                         .arg(kMostBytes));
        return;
    }
    QSettings().setValue("vocabulary/folder", QFileInfo(path).absolutePath());
    m_runs->setVocabulary({name, QString::fromUtf8(text)});
    refresh();
}

}  // namespace spanscope
