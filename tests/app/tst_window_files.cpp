// Files as strangers make them, opened by the whole program: the engine's thread reads, the window lives
// (longest_turn.h), and what they say of themselves stands there as they wrote it.
#include <sys/stat.h>

#include <QAction>
#include <QDialog>
#include <QDir>
#include <QTabBar>
#include <QTemporaryDir>
#include <QTextBrowser>

#include "engine/trace/trace.h"
#include "tests/app/window_test.h"
#include "tests/longest_turn.h"
#include "tests/ui/sample_run.h"
#include "ui/model/run_history.h"
#include "ui/window/model_loader.h"
#include "ui/window/transcript_panel.h"

using namespace spanscope;

class TestWindowFiles : public test::WindowTest {
    Q_OBJECT
    QTemporaryDir m_folder;

    QString written(const QString& name, std::vector<RunData> runs) {
        const auto all = std::make_shared<const IntervalList>(IntervalList{{0, kOpenEnd}});
        std::vector<const RunData*> list;
        for (RunData& run : runs) {
            for (SharedIntervals& visible : run.header.promptVisible) visible = all;
            list.push_back(&run);
        }
        const QString path = m_folder.filePath(name);
        return writeTrace(path.toStdString(), list) ? path : QString();
    }
    void check(const char* what, const std::function<void()>& start, const std::function<bool()>& done) {
        const double worst = test::longestTurn(start, done);
        qInfo("%s: longest turn %.1f ms", what, worst);
        if (worst > test::turnBoundMs()) QTest::qFail(what, __FILE__, __LINE__);
    }

  private slots:
    void initTestCase() { prepare("tst_window_files"); }
    void init() { open(); }
    void cleanup() { close(); }

    void aLongRecording() {
        const QString path = written("long.spantrace", {sample::large(200'000, 8192)});
        QVERIFY(!path.isEmpty());
        check(
            "a recording of 200,000 steps", [&] { m_window->openPath(path); },
            [&] { return m_window->store()->nSteps() == 200'000 && m_window->store()->isFinished(); });
    }

    void thousandsOfRuns() {
        std::vector<RunData> runs(4000);  // a trace may have 4,096
        for (size_t i = 0; i < runs.size(); ++i) {
            runs[i].header.runId = int64_t(i);
            runs[i].header.settings.task = "expression";
            runs[i].header.settings.promptText = "1+2";
        }
        const QString path = written("many.spantrace", runs);
        QVERIFY(!path.isEmpty());
        check(
            "4,000 empty runs", [&] { m_window->openPath(path); }, [&] { return m_window->history()->rowCount() > 0; });
        QVERIFY(m_window->history()->rowCount() <= 1000 && m_window->transcriptPanel()->tabs()->count() <= 12);
        QVERIFY2(m_window->banner()->title().contains("of"), qPrintable(m_window->banner()->title()));
    }

    /// A pipe that nobody writes to, named by a picture: whoever opens it waits for ever.
    void aTextOpensNothing() {
        const QString pipe = m_folder.filePath("pipe");
        QCOMPARE(mkfifo(pipe.toLocal8Bit().constData(), 0600), 0);
        RunData run = sample::sheet(3);
        run.header.settings.task = "<img src=\"" + pipe.toStdString() + "\"><img src=\"/dev/zero\">";
        run.answer = run.header.warning = run.header.settings.promptText = run.header.settings.task;
        const QString path = written("<img src=pipe>.spantrace", {run, run});
        QVERIFY(!path.isEmpty());
        check(
            "a trace that names a pipe", [&] { m_window->openPath(path); },
            [&] { return m_window->store()->nSteps() > 0; });
        QVERIFY(m_window->findChild<QLabel*>("status")->text().contains("<img src=pipe>"));
    }

    void aCardOpensNothing() {
        const QString folder = m_folder.filePath("model");
        QVERIFY(QDir().mkpath(folder));
        for (const QFileInfo& file : QDir(tiny()).entryInfoList(QDir::Files))
            QVERIFY(QFile::copy(file.absoluteFilePath(), folder + '/' + file.fileName()));
        const auto write = [&](const QString& name, const QByteArray& text) {
            QFile file(folder + '/' + name);
            return file.open(QIODevice::WriteOnly | QIODevice::Truncate) && file.write(text) == text.size();
        };
        QVERIFY(write(
            "spanscope.json",
            R"({"protocol_version": 1, "name": "<img src='/dev/zero'>", "card": "CARD.md", "tasks": [{"name": "expression", "prefill": "causal"}]})"));
        QVERIFY(write("CARD.md", "# Card\n![x](/dev/zero) ![y](" + m_folder.filePath("pipe").toLocal8Bit() +
                                     ") [z](file:///dev/zero) <img src=\"/dev/zero\">"));
        load(folder);
        QString shown;
        QTimer::singleShot(200, m_window.get(), [&] {
            for (QWidget* top : QApplication::topLevelWidgets())
                if (auto* dialog = qobject_cast<QDialog*>(top); dialog && dialog->isVisible()) {
                    shown = dialog->findChild<QTextBrowser*>()->toPlainText();
                    dialog->close();
                }
        });
        m_window->action("modelCard")->trigger();
        QVERIFY2(shown.contains("[picture: /dev/zero]") && shown.contains("z (file:///dev/zero)") &&
                     shown.contains("<img src="),
                 qPrintable(shown));
    }

    void aBrokenModelIsQuotedAsItIs() {
        const QString folder = m_folder.filePath("<img src=pipe>");
        QVERIFY(QDir().mkpath(folder));
        QFile config(folder + "/config.json");
        QVERIFY(config.open(QIODevice::WriteOnly));
        config.write(R"({"architectures": ["<img src='/dev/zero'>\u202e"], "model_type": "<b>FORGED</b>"})");
        config.close();
        m_window->models()->load({folder, 0, Device::Cpu});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->banner()->isVisible(), test::patience(30000));
        for (const QLabel* label : m_window->banner()->findChildren<QLabel*>())
            QCOMPARE(label->textFormat(), Qt::PlainText);
        QVERIFY(!m_window->banner()->text().contains(QChar(0x202e)));
    }
};

QTEST_MAIN(TestWindowFiles)
#include "tst_window_files.moc"
