// Models that lack their base: the window says what it would fetch, fetches it by a program of its own, and goes on.
// The program is the real one without a connection, or a shell command that stands for it.
#include <QAction>
#include <QDialogButtonBox>
#include <QProgressBar>
#include <QPushButton>
#include <QTemporaryDir>
#include <nlohmann/json.hpp>

#include "tests/app/window_test.h"
#include "tests/longest_turn.h"
#include "tests/model/tiny_adapter.h"
#include "ui/window/fetch_dialog.h"
#include "ui/window/model_dialogs.h"

using namespace spanscope;
using nlohmann::json;

class TestWindowFetch : public test::WindowTest {
    Q_OBJECT
    QTemporaryDir m_folder;
    const QString m_adapter = m_folder.filePath("spans"), m_models = m_folder.filePath("models");

    FetchDialog* dialog() const {
        for (FetchDialog* d : m_window->findChildren<FetchDialog*>())
            if (d->isVisible()) return d;
        return nullptr;
    }
    static QString textsOf(const QWidget* w) {
        QStringList all;
        for (const QLabel* label : w->findChildren<QLabel*>()) all << label->text();
        return all.join('\n');
    }
    QString state() const { return dialog() ? dialog()->findChild<QLabel*>("fetchState")->text() : QString(); }
    void press(const char* what) {
        auto* button = *what ? dialog()->findChild<QPushButton*>(what)
                             : dialog()->findChild<QDialogButtonBox*>()->button(QDialogButtonBox::Cancel);
        QTest::mouseClick(button, Qt::LeftButton);
    }
    static ErrorInfo lacks(const QString& shell) {
        ErrorInfo error{"The model could not be opened", "Its base is not here.", {}, -1, -1};
        error.fetch = {"Tiny base", "MIT", "/some/where", 4 << 20, {"/bin/sh", "-c", shell}};
        return error;
    }
    /// The adapter stands on what the program's own list has.
    void makeFetchable() const {
        const std::string path = m_adapter.toStdString() + "/spanscope.json";
        json card = json::parse(test::readFile(path));
        const json list = json::parse(test::readFile(SPANSCOPE_SOURCE_DIR "/resources/fetch/models.json"));
        for (const char* key : {"name", "file", "bytes", "sha256", "license"}) card["base"][key] = list["smollm2"][key];
        card["base"]["fetch"] = "smollm2";
        QVERIFY(test::writeFile(path, card.dump()));
    }
    QVector<BundledModel> bundled() const {
        return {{SPANSCOPE_SOURCE_DIR "/resources/models/arith", "Arithmetic", {"expression", "sheet"}},
                {m_adapter, "Spans", {"expression", "news"}}};
    }
    void choose(const QString& task) {
        auto* box = m_window->promptEditor()->taskBox();
        box->setFocus();
        while (box->currentData().toString() != task)
            QTest::keyClick(box, box->currentIndex() < box->findData(task) ? Qt::Key_Down : Qt::Key_Up);
    }

  private slots:
    void initTestCase() {
        prepare("tst_window_fetch");
        QVERIFY(QDir().mkpath(m_models));
        qputenv("SPANSCOPE_MODELS", m_models.toLocal8Bit());
        qputenv("XDG_DATA_HOME", m_models.toLocal8Bit());
        qputenv("PIP_NO_INDEX", "1");
        qputenv("PIP_FIND_LINKS", "/nowhere");
    }
    void init() {
        for (const QString& name : QDir(m_models).entryList(QDir::Files)) QVERIFY(QFile::remove(m_models + '/' + name));
        QVERIFY(test::writeTinyAdapter(m_adapter.toStdString()));
        open(false, bundled());
    }
    void cleanup() { close(); }

    void saysWhatItIsAndFetchesOnlyWhenTold() {
        makeFetchable();
        m_window->openPath(m_adapter);
        QTRY_VERIFY_WITH_TIMEOUT(dialog(), test::patience(20000));
        const QString said = textsOf(dialog());
        for (const QString& part :
             {QString("Spans"), QString("SmolLM2-135M-Instruct"), QString("Apache-2.0"), m_models})
            QVERIFY2(said.contains(part), qPrintable(said));
        QVERIFY(!dialog()->findChild<ModelFetch*>()->isRunning());
        for (const QLabel* label : dialog()->findChildren<QLabel*>()) QCOMPARE(label->textFormat(), Qt::PlainText);
        press("");
        QTRY_VERIFY(!dialog());
        QVERIFY(m_window->banner()->isVisible() && m_window->banner()->text().contains("./run model smollm2"));
        QVERIFY(QDir(m_models).isEmpty());
    }

    /// The script as it is, in a machine without a connection: why it failed, and what to do.
    void withoutAConnection() {
        if (!QFile::exists("/usr/bin/python3")) QSKIP("no /usr/bin/python3");
        makeFetchable();
        m_window->openPath(m_adapter);
        QTRY_VERIFY_WITH_TIMEOUT(dialog(), test::patience(20000));
        press("fetchStart");
        QTRY_VERIFY2_WITH_TIMEOUT(state().contains("was not fetched"), qPrintable(state()), test::patience(120000));
        QVERIFY2(state().contains("Without a connection") && state().contains(m_models), qPrintable(state()));
        QVERIFY(dialog()->findChild<QPushButton*>("fetchStart")->isEnabled());  // once more
        press("");
        QTRY_VERIFY(!dialog());
    }

    void opensWhatItFetched() {
        QVERIFY(test::writeFile(m_folder.filePath("source").toStdString(), test::tinyAdapterBase()));
        m_window->models()->load({m_adapter, 0, Device::Cpu});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->banner()->isVisible(), test::patience(20000));
        QVERIFY(m_window->banner()->text().contains("tiny-base.gguf") && !dialog());  // nobody fetches this one
        m_window->models()->onModelFailed(
            m_adapter, lacks(QString("echo progress 1 4; cp '%1' '%2/tiny-base.gguf'; echo progress 4 4")
                                 .arg(m_folder.filePath("source"), m_models)));
        QTRY_VERIFY(dialog());
        press("fetchStart");
        QTRY_COMPARE_WITH_TIMEOUT(m_window->state(), MainWindow::State::Ready, test::patience(30000));
        QTRY_VERIFY(!dialog());
        QVERIFY2(!m_window->banner()->isVisible(), qPrintable(m_window->banner()->text()));
        QVERIFY(m_window->findChild<QToolButton*>("modelButton")->text().contains("Tiny spans"));
        m_window->promptEditor()->setTask("expression");
        type("1+2");
        clickRun();
        waitUntilIdle();
        QVERIFY(m_window->store()->nSteps() > 0);
        // The same from a path that was opened by hand: the forecast comes next.
        m_window->openPath(m_adapter);
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->findChildren<ForecastDialog*>().isEmpty(), test::patience(20000));
        m_window->findChild<ForecastDialog*>()->reject();
        m_window->models()->onForecastFailed(m_adapter, lacks("echo progress 4 4"));
        QTRY_VERIFY(dialog());
        press("fetchStart");
        QTRY_VERIFY_WITH_TIMEOUT(!dialog() && m_window->findChild<ForecastDialog*>(), test::patience(20000));
    }

    void cancelEndsTheProgram() {
        const QString pid = m_folder.filePath("pid");
        m_window->models()->onModelFailed(m_adapter,
                                          lacks(QString("echo $$ >'%1'; echo progress 1 4; exec sleep 600").arg(pid)));
        QTRY_VERIFY(dialog());
        press("fetchStart");
        QTRY_COMPARE_WITH_TIMEOUT(dialog()->findChild<QProgressBar*>()->value(), 250, test::patience(10000));
        QVERIFY2(state().contains("1.0") && state().contains("4.0"), qPrintable(state()));
        press("");
        QTRY_VERIFY_WITH_TIMEOUT(!dialog(), test::patience(10000));
        const QByteArray id = QByteArray::fromStdString(test::readFile(pid.toStdString())).trimmed();
        QVERIFY(!id.isEmpty() && !QFile::exists("/proc/" + id));
        QVERIFY(m_window->banner()->isVisible());
    }

    /// Whatever it prints, and however it ends.
    void aProgramThatIsNotWhatItShouldBe_data() {
        QTest::addColumn<QString>("shell");
        QTest::addColumn<QString>("said");
        QTest::newRow("markup") << "echo '<b>FO</b> <img src=/dev/zero>' >&2; exit 3"
                                << "<b>FO</b> <img src=/dev/zero>";
        QTest::newRow("nothing") << "exit 7"
                                 << "without a word (7)";
        QTest::newRow("a signal") << "kill -9 $$"
                                  << "without a word";
        QTest::newRow("figures")
            << "echo progress; echo progress x y; echo progress 7 0; echo progress -5 2; echo progress nan inf; exit 3"
            << "without a word";
        QTest::newRow("a flood") << "yes 'progress 1 2' | head -c 3000000; yes | tr -d '\\n' | head -c 3000000; yes "
                                    "no | head -c 3000000 >&2; exit 3"
                                 << "no\nno";
    }
    void aProgramThatIsNotWhatItShouldBe() {
        QFETCH(QString, shell);
        QFETCH(QString, said);
        m_window->models()->onModelFailed(m_adapter, lacks(shell));
        QTRY_VERIFY(dialog());
        const double worst =
            test::longestTurn([&] { press("fetchStart"); }, [&] { return state().startsWith(QStringLiteral("⚠")); });
        QVERIFY2(worst <= test::turnBoundMs(), QByteArray::number(worst));
        QVERIFY2(state().contains(said) && state().size() < 2000, qPrintable(state()));
    }
    void aProgramThatIsNotThere() {
        ErrorInfo error = lacks({});
        error.fetch.command = {"/nowhere/python3", "x"};
        m_window->models()->onModelFailed(m_adapter, error);
        QTRY_VERIFY(dialog());
        press("fetchStart");
        QTRY_VERIFY2(state().contains("/nowhere/python3"), qPrintable(state()));
    }

    /// Choosing a task asks for the base of the bundled model that knows it; without it the model and its tasks stay.
    void aTaskWhoseModelLacksItsBase() {
        load(bundled().front().path);
        makeFetchable();
        choose("news");
        QTRY_VERIFY_WITH_TIMEOUT(dialog(), test::patience(20000));
        QVERIFY(textsOf(dialog()).contains("Spans needs a model"));
        QCOMPARE(m_window->promptEditor()->task(), QString("expression"));  // until it is here
        press("");
        QTRY_VERIFY(!dialog());
        QCOMPARE(m_window->state(), MainWindow::State::Ready);
        QVERIFY(m_window->findChild<QToolButton*>("modelButton")->text().contains("arith", Qt::CaseInsensitive));
        // With it the task comes back.
        QVERIFY(test::writeTinyAdapter(m_adapter.toStdString()));
        QVERIFY(test::writeFile(m_models.toStdString() + "/tiny-base.gguf", test::tinyAdapterBase()));
        choose("news");
        QTRY_VERIFY_WITH_TIMEOUT(m_window->findChild<QToolButton*>("modelButton")->text().contains("Tiny spans"),
                                 test::patience(30000));
        waitUntilIdle();
        QCOMPARE(m_window->promptEditor()->task(), QString("news"));
        choose("sheet");  // which the first one knows
        QTRY_VERIFY_WITH_TIMEOUT(
            m_window->findChild<QToolButton*>("modelButton")->text().contains("arith", Qt::CaseInsensitive),
            test::patience(30000));
    }
};

QTEST_MAIN(TestWindowFetch)
#include "tst_window_fetch.moc"
