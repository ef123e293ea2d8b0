#include "ui/window/model_fetch.h"

#include <QTimer>
#include <algorithm>
#include <cmath>

namespace spanscope {

namespace {
constexpr qsizetype kMostLine = 256, kMostErrors = 4096;
constexpr int kPatienceMs = 5000;  // of a program that was asked to end
}  // namespace

ModelFetch::ModelFetch(QObject* parent) : QObject(parent) {
    connect(&m_process, &QProcess::readyReadStandardOutput, this, &ModelFetch::read);
    connect(&m_process, &QProcess::readyReadStandardError, this, [this] {
        m_errors += m_process.readAllStandardError();
        m_errors = m_errors.right(kMostErrors);
    });
    connect(&m_process, &QProcess::finished, this, &ModelFetch::finish);
    connect(&m_process, &QProcess::errorOccurred, this, [this](QProcess::ProcessError error) {
        if (error == QProcess::FailedToStart)
            emit ended(tr("%1 cannot be started: %2").arg(m_process.program(), m_process.errorString()));
    });
}

ModelFetch::~ModelFetch() {
    disconnect(&m_process, nullptr, this, nullptr);
    if (!isRunning()) return;
    m_process.terminate();
    if (!m_process.waitForFinished(1000)) m_process.kill();
}

void ModelFetch::start(const FetchInfo& model) {
    if (isRunning() || model.command.isEmpty()) return;
    m_line.clear();
    m_errors.clear();
    m_cancelled = false;
    m_process.setStandardInputFile(QProcess::nullDevice());
    m_process.start(model.command.front(), model.command.mid(1));
}

void ModelFetch::cancel() {
    if (!isRunning()) return;
    m_cancelled = true;
    m_process.terminate();
    QTimer::singleShot(kPatienceMs, &m_process, [this] {
        if (m_cancelled) m_process.kill();
    });
}

void ModelFetch::read() {
    m_line += m_process.readAllStandardOutput();
    const qsizetype end = m_line.lastIndexOf('\n');
    const qsizetype begin = end > 0 ? m_line.lastIndexOf('\n', end - 1) + 1 : 0;
    const QList<QByteArray> words = m_line.mid(begin, std::clamp<qsizetype>(end - begin, 0, kMostLine)).split(' ');
    m_line = m_line.mid(end + 1).right(kMostLine);
    if (words.size() != 3 || words[0] != "progress") return;
    const double fraction = words[1].toDouble() / words[2].toDouble();
    if (std::isfinite(fraction)) emit progress(std::clamp(fraction, 0.0, 1.0));
}

void ModelFetch::finish(int code, QProcess::ExitStatus status) {
    m_errors += m_process.readAllStandardError();
    if (m_cancelled) {
        m_cancelled = false;
        emit ended({});
    } else if (status == QProcess::NormalExit && code == 0) {
        emit done();
    } else {
        const QString said = QString::fromUtf8(m_errors.right(kMostErrors)).trimmed();
        emit ended(said.isEmpty() ? tr("The program that fetches it ended without a word (%1).").arg(code) : said);
    }
}

}  // namespace spanscope
