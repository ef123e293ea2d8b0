// A whole program for each test: the same window, wiring, runner, engine and model that `spanscope` has, offscreen, and
// what tests do with it. Test classes call prepare(), open() and close() in their initTestCase(), init() and cleanup().
#pragma once

#include <QApplication>
#include <QLabel>
#include <QPlainTextEdit>
#include <QSettings>
#include <QStandardPaths>
#include <QToolButton>
#include <QtTest>
#include <memory>

#include "app/gui/wiring.h"
#include "app/runner/run_archive.h"
#include "app/runner/runner.h"
#include "engine/trace/exports/exports.h"
#include "tests/model/tiny_model.h"
#include "tests/patience.h"
#include "ui/views/prompt/prompt_editor.h"
#include "ui/window/banner.h"
#include "ui/window/main_window.h"
#include "ui/window/model_loader.h"

namespace spanscope::test {

class WindowTest : public QObject {
  protected:
    /// name: of the program, whose settings are its own.
    void prepare(const QString& name) {
        QStandardPaths::setTestModeEnabled(true);
        QApplication::setOrganizationName("spanscope-test");
        QApplication::setApplicationName(name);
        QVERIFY(writeTinyModel(m_tiny.path()));
    }
    using Models = QVector<BundledModel>;
    /// again: as a person left it, with the settings of the last time.
    void open(bool again = false,
              const Models& bundled = Runner::bundledModels(SPANSCOPE_SOURCE_DIR "/resources/models")) {
        if (!again) QSettings().clear();
        MainWindow::Setup setup;
        setup.tasks = Runner::tasks();
        setup.vocabularies = Runner::vocabularies();
        setup.version = "test";
        setup.dataExports = dataExports();
        setup.bundledModels = bundled;
        setup.conversationFile = m_conversationFile;
        setup.keepsRuns = !m_runsFolder.isEmpty();
        m_window = std::make_unique<MainWindow>(setup);
        m_runner = std::make_unique<Runner>();
        wire(*m_window, *m_runner);
        if (setup.keepsRuns) {
            m_archive = std::make_unique<RunArchive>(m_runsFolder, RunArchive::Limits());
            wire(*m_window, *m_archive);
        }
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
    }
    void close() {
        m_window.reset();
        m_runner.reset();
        m_archive.reset();
    }

    QString tiny() const { return QString::fromStdString(m_tiny.path()); }
    QPlainTextEdit* edit() const { return m_window->promptEditor()->edit(); }
    void load(const QString& folder) {
        m_window->models()->load({folder, 0, Device::Cpu});
        QTRY_COMPARE_WITH_TIMEOUT(m_window->state(), MainWindow::State::Ready, patience(30000));
        QVERIFY2(!m_window->banner()->isVisible(), qPrintable(m_window->banner()->text()));
        m_window->promptEditor()->setTask("expression");
    }
    void type(const QString& text) {
        edit()->setFocus();
        QTest::keyClick(edit(), Qt::Key_A, Qt::ControlModifier);
        QTest::keyClicks(edit(), text);
        QCOMPARE(edit()->toPlainText(), text);
    }
    void clickRun() { QTest::mouseClick(m_window->findChild<QToolButton*>("runButton"), Qt::LeftButton); }
    void waitUntilIdle() { QTRY_COMPARE_WITH_TIMEOUT(m_window->state(), MainWindow::State::Ready, patience(60000)); }

    ScratchFolder m_tiny;
    QString m_conversationFile;  ///< before open(): kept there
    QString m_runsFolder;        ///< likewise; empty: no runs are kept
    std::unique_ptr<MainWindow> m_window;
    std::unique_ptr<Runner> m_runner;
    std::unique_ptr<RunArchive> m_archive;
};

}  // namespace spanscope::test
