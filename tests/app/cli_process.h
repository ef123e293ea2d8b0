// Runs the command line as a script does.
#pragma once

#include <QFile>
#include <QProcess>
#include <nlohmann/json.hpp>

#include "tests/model/tiny_model.h"
#include "tests/patience.h"

namespace spanscope::test {

struct Outcome {
    int exitCode = -1;
    QByteArray out, err;
    nlohmann::json json() const { return nlohmann::json::parse(out.toStdString(), nullptr, false); }
};

inline Outcome run(const QStringList& arguments, const QByteArray& input = {}) {
    QProcess process;
    process.start(QStringLiteral(SPANSCOPE_BIN_DIR "/spanscope-cli"), arguments);
    process.write(input);
    process.closeWriteChannel();
    if (!process.waitForFinished(patience(240000))) return {};
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -2, process.readAllStandardOutput(),
            process.readAllStandardError()};
}

/// What every test of the command line has: a folder of its own, and a tiny model in it.
class CliTest : public QObject {
  protected:
    QString file(const char* name) const { return QString::fromStdString(m_folder.file(name)); }
    bool makeModel() { return writeTinyModel(m_model.toStdString()); }

    ScratchFolder m_folder;
    const QString m_model = file("model");
};

inline QString bundledModel() { return QStringLiteral(SPANSCOPE_SOURCE_DIR "/resources/models/arith"); }
inline bool hasBundledModel() { return QFile::exists(bundledModel() + "/config.json"); }

}  // namespace spanscope::test
