// The program through its window, with clicks and keys: models, runs, recordings, exports.
// Long, since each test is the whole path of a person who wants one thing.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <QAction>
#include <QComboBox>
#include <QDir>
#include <QDockWidget>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QSignalSpy>
#include <QTabBar>
#include <QTableView>
#include <QTemporaryDir>

#include "engine/trace/trace.h"
#include "tests/app/window_test.h"
#include "tests/trace/sample_run.h"
#include "ui/export/export_dialog.h"
#include "ui/views/probe/probe_plots.h"
#include "ui/views/probe/probe_view.h"
#include "ui/views/spans/span_table_view.h"
#include "ui/views/transcript/transcript_view.h"
#include "ui/window/dock_layout.h"
#include "ui/window/figures_bar.h"
#include "ui/window/model_dialogs.h"
#include "ui/window/model_loader.h"
#include "ui/window/run_files.h"
#include "ui/window/transcript_panel.h"

using namespace spanscope;

class TestMainWindow : public test::WindowTest {
    Q_OBJECT
  private slots:
    void initTestCase() { prepare("tst_main_window"); }
    void init() { open(); }
    void cleanup() { close(); }

    /// The job of the program: type, run, read the answer, select a step, see what it read.
    void typeRunAnswerSelect() {
        const QString bundled = SPANSCOPE_SOURCE_DIR "/resources/models/arith";
        QVERIFY2(QFile::exists(bundled + "/config.json"), "the bundled model is not in this checkout");
        load(bundled);
        type("(12+7)*(3-8)");
        QTest::keyClick(edit(), Qt::Key_Return, Qt::ControlModifier);
        QCOMPARE(m_window->state(), MainWindow::State::Running);
        waitUntilIdle();
        QCOMPARE(m_window->store()->data().answer, std::string("-95"));
        const auto* answer = m_window->findChild<QLabel*>("answer");
        QCOMPARE(answer->property("answer").toString(), QString("-95"));
        QCOMPARE(answer->property("check").toString(), QString("✓"));
        QCOMPARE(m_window->store()->data().stats.stop, StopReason::EndOfText);
        // Three operators' worth of segments, each with its references in the table.
        QAbstractItemModel* table = m_window->spanTable()->model();
        QCOMPARE(table->rowCount(), 3);
        QVERIFY(m_window->figures()->value(FiguresBar::Decode).contains("t/s"));
        // Click the last step that declared references.
        TranscriptView* view = m_window->transcriptPanel()->transcript();
        const RunData& run = m_window->store()->data();
        const Segment& last = run.segments.back();
        QCOMPARE(last.refs.size(), size_t(2));
        const int position = last.bodyBegin + 1;
        view->scrollToToken(position);
        QTest::mouseClick(view->viewport(), Qt::LeftButton, {}, view->tokenRect(position).center());
        QVERIFY(m_window->selection()->isLocked());
        for (const SpanRef& ref : last.refs)
            for (int t = ref.tokens.begin; t < ref.tokens.end; ++t) QVERIFY(view->isLit(t));
        QVERIFY(view->isDimmed(last.begin - 1) || last.refs.back().tokens.end == last.begin ||
                last.refs.front().tokens.end == last.begin);
        // Esc unlocks.
        QTest::keyClick(m_window.get(), Qt::Key_Escape);
        QVERIFY(!m_window->selection()->isLocked());
    }

    /// A model of drawn weights: whatever it writes, it is not the exact value, and the window says so.
    void aWrongAnswerIsMarked() {
        load(tiny());
        type("123456789+1");
        clickRun();
        waitUntilIdle();
        const auto* answer = m_window->findChild<QLabel*>("answer");
        QCOMPARE(answer->property("check").toString(), QString("✗"));
        QVERIFY2(answer->text().contains("✗") && answer->text().contains("exact value: 123456790"),
                 qPrintable(answer->text()));
    }

    void compareWithDenseFillsBothStores() {
        load(tiny());
        auto* box = m_window->findChild<QComboBox*>("attention");
        box->setFocus();
        QTest::keyClick(box, Qt::Key_End);
        QTest::keyClick(box, Qt::Key_Up);
        QCOMPARE(box->currentText(), QString("Compare with dense"));
        type("1+2*3");
        clickRun();
        waitUntilIdle();
        QVERIFY(m_window->store()->nSteps() > 0);
        QVERIFY(m_window->besideStore()->nSteps() > 0);
        QCOMPARE(m_window->besideStore()->data().header.settings.attention, MaskPolicySpec::dense());
        QCOMPARE(m_window->history()->rowCount(), 1);
        QVERIFY(m_window->history()->at(0).dense != nullptr);
    }

    /// Lossless stands where declared does; its run says what dense says, and how it was drafted.
    void losslessSaysWhatDenseSays() {
        load(SPANSCOPE_SOURCE_DIR "/resources/models/arith");
        const QString problem = "(12+7)*(3-8)+45-(6*7)";
        std::vector<int> ids[2];
        for (const auto mode : {MainWindow::Compare::Dense, MainWindow::Compare::Lossless}) {
            m_window->action(mode == MainWindow::Compare::Dense ? "attentionDense" : "attentionLossless")->trigger();
            type(problem);
            clickRun();
            waitUntilIdle();
            for (const StepRecord& step : m_window->store()->data().steps)
                ids[mode == MainWindow::Compare::Lossless].push_back(step.token.id);
        }
        QCOMPARE(ids[1], ids[0]);
        QVERIFY(ids[0].size() > 100);
        const RunData& run = m_window->store()->data();
        QCOMPARE(run.header.settings.attention, MaskPolicySpec::lossless());
        QVERIFY(run.stats.draft.passes > 0 && run.stats.draft.accepted > 0);
        QCOMPARE(m_window->findChild<QComboBox*>("attention")->currentText(), QString("Lossless"));
    }

    void stopWithEscKeepsTheTranscript() {
        load(SPANSCOPE_SOURCE_DIR "/resources/models/arith");  // hundreds of steps: still at work when Esc comes
        type("12+7-30+45-8+61-99+14-3+27-52+88-17+26-40+9-71+33-5+64");
        clickRun();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 5, test::patience(20000));
        QCOMPARE(m_window->state(), MainWindow::State::Running);
        QVERIFY(m_window->findChild<QToolButton*>("stopButton")->isEnabled());
        QTest::keyClick(m_window.get(), Qt::Key_Escape);
        waitUntilIdle();
        QCOMPARE(m_window->store()->data().stats.stop, StopReason::Cancelled);
        QVERIFY(m_window->store()->nSteps() > 5);
        QVERIFY(!m_window->findChild<QToolButton*>("stopButton")->isEnabled());
        QVERIFY(m_window->findChild<QLabel*>("status")->text().startsWith("Stopped"));
    }

    void repeatGivesTheSameTokens() {
        load(tiny());
        type("5*6");
        std::vector<int32_t> first;
        const auto follow = [this] {  // a random model may end early or never
            QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 40 || m_window->state() == MainWindow::State::Ready,
                                     test::patience(20000));
            if (m_window->state() == MainWindow::State::Running) QTest::keyClick(m_window.get(), Qt::Key_Escape);
            waitUntilIdle();
        };
        clickRun();
        follow();
        for (const StepRecord& s : m_window->store()->data().steps) first.push_back(s.token.id);
        const qint64 id = m_window->store()->data().header.runId;
        QTest::keyClick(m_window.get(), Qt::Key_R, Qt::ControlModifier);
        follow();
        QVERIFY(m_window->store()->data().header.runId != id);
        const auto& again = m_window->store()->data().steps;
        QVERIFY(!again.empty());
        for (size_t i = 0; i < std::min(first.size(), again.size()); ++i) QCOMPARE(again[i].token.id, first[i]);
    }

    void brokenModelFolderLeavesTheWindowUsable() {
        load(tiny());
        QTemporaryDir folder;
        QFile config(folder.path() + "/config.json");
        QVERIFY(config.open(QIODevice::WriteOnly));
        config.write("{\"architectures\": [\"LlamaForCausalLM\"], \"hidden_size\": -1}");
        config.close();
        m_window->models()->load({folder.path(), 0, Device::Cpu});
        QTRY_VERIFY_WITH_TIMEOUT(m_window->banner()->isVisible(), test::patience(20000));
        QVERIFY2(m_window->banner()->text().contains("config.json"), qPrintable(m_window->banner()->text()));
        QVERIFY(m_window->banner()->title().contains("could not be opened"));
        QCOMPARE(m_window->state(), MainWindow::State::Ready);
        type("1+1");
        clickRun();
        QVERIFY(!m_window->banner()->isVisible());
        QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 0, test::patience(20000));
        m_window->action("stop")->trigger();
        waitUntilIdle();
    }

    void wrongProblemIsShownAtItsColumn() {
        load(tiny());
        type("12+*3");
        clickRun();
        waitUntilIdle();
        auto* message = m_window->findChild<QLabel*>("promptMessage");
        QVERIFY(message->isVisible());
        QVERIFY2(message->text().contains("column 4", Qt::CaseInsensitive), qPrintable(message->text()));
        QCOMPARE(edit()->textCursor().columnNumber(), 3);
        QTest::keyClicks(edit(), " ");  // editing takes the message away
        QVERIFY(!message->isVisible());
    }

    void runWhileLoadingRunsWhenReady() {
        m_window->models()->load({tiny(), 0, Device::Cpu});
        QCOMPARE(m_window->state(), MainWindow::State::Loading);
        type("2*3");
        clickRun();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 0, test::patience(20000));
        m_window->action("stop")->trigger();
        waitUntilIdle();
    }

    /// A picture and the data behind it, by keys: their pixels and bytes equal the run's intervals.
    void exportsEqualTheRun() {
        load(tiny());
        type("1+2*3");
        clickRun();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 30 || m_window->state() == MainWindow::State::Ready,
                                 test::patience(20000));
        m_window->action("stop")->trigger();
        waitUntilIdle();
        const RunData& run = m_window->store()->data();
        QTemporaryDir folder;
        QTest::keyClick(m_window.get(), Qt::Key_E, Qt::ControlModifier | Qt::ShiftModifier);
        auto* dialog = m_window->findChild<ExportDialog*>("exportDialog");
        QVERIFY(dialog && dialog->isVisible());
        FigureOptions options = dialog->options();
        options.byPhase = false;
        options.showLoaded = false;
        options.dark = false;
        dialog->setOptions(options);
        const QString png = folder.filePath("mask.png");
        QVERIFY2(dialog->exportTo(png), qPrintable(dialog->message()));
        const QImage image(png);
        const MaskFigureLayout layout = maskFigureLayout(run, dialog->options());
        QVERIFY(image.rect().contains(layout.plot));
        const QRgb read = Palette::light().maskPixel(MaskState::Attended, Phase::Free, false, 0, 0, 1);
        int nChecked = 0, nRead = 0;
        for (int j = 0; j < layout.plot.height(); j += 3)
            for (int i = 0; i < layout.plot.width(); i += 3) {
                const auto columns = layout.x.cellsAt(i), rows = layout.y.cellsAt(j);
                bool expected = false;  // of all cells under the pixel any that was attended
                for (int s = rows.begin; s < rows.end; ++s)
                    for (int k = columns.begin; k < columns.end; ++k) {
                        const StepRecord& step = run.steps[size_t(layout.firstStep + s)];
                        for (const Interval& v : *step.visible)
                            expected = expected || (k >= v.begin && k < v.end && k <= step.position);
                    }
                const bool drawn =
                    (image.pixel(layout.plot.left() + i, layout.plot.top() + j) & 0xffffff) == (read & 0xffffff);
                QVERIFY2(drawn == expected, qPrintable(QString("pixel %1, %2").arg(i).arg(j)));
                ++nChecked;
                nRead += expected;
            }
        QVERIFY(nChecked > 1000 && nRead > 0 && nRead < nChecked);
        dialog->close();
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);

        QTest::keyClick(m_window.get(), Qt::Key_E, Qt::ControlModifier);
        dialog = m_window->findChild<ExportDialog*>("exportDialog");
        QVERIFY(dialog);
        const QString npy = folder.filePath("mask.npy");
        QVERIFY2(dialog->exportTo(npy), qPrintable(dialog->message()));
        QFile file(npy);
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QByteArray bytes = file.readAll();
        const qint64 nSteps = m_window->store()->nSteps(), nContext = m_window->store()->nContext();
        QVERIFY(bytes.startsWith("\x93NUMPY"));
        QVERIFY(bytes.size() > nSteps * nContext);
        const char* cells = bytes.constData() + (bytes.size() - nSteps * nContext);
        for (qint64 s = 0; s < nSteps; ++s)
            for (qint64 k = 0; k < nContext; ++k) {
                const StepRecord& step = run.steps[size_t(s)];
                int expected = k > step.position ? 0 : 1;
                for (const Interval& v : *step.visible)
                    if (k <= step.position && k >= v.begin && k < v.end) expected = 2;
                QCOMPARE(int(cells[s * nContext + k]), expected);
            }
        dialog->close();
    }

    /// Inspect mode: replay, probe the selected step, edit its span; speed figures say that they are no measurement.
    void inspectProbesAndEdits() {
        load(tiny());
        type("1+2");
        clickRun();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 10 || m_window->state() == MainWindow::State::Ready,
                                 test::patience(20000));
        m_window->action("stop")->trigger();
        waitUntilIdle();
        ProbeView* probe = m_window->probe();
        m_window->docks()->raise("probe");
        QPushButton* start = nullptr;
        for (QPushButton* b : probe->findChildren<QPushButton*>())
            if (b->text() == "Inspect this run") start = b;
        QVERIFY(start && start->isEnabled());
        QTest::mouseClick(start, Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(probe->isInspecting(), test::patience(60000));
        QVERIFY(!m_window->findChild<QLabel*>("modeBadge")->isHidden());  // what is shown now is no measurement
        m_window->selection()->lock(8);
        QTRY_VERIFY_WITH_TIMEOUT(probe->summary().contains("Step 8"), test::patience(20000));
        // Choose one head by clicking its cell.
        QTest::mouseClick(probe->heads(), Qt::LeftButton, {}, probe->heads()->cell(1, 2).center().toPoint());
        QTRY_VERIFY_WITH_TIMEOUT(probe->summary().contains("layer 1, head 2"), test::patience(20000));
        // Everything ticked: the step attends to more than it did or as much.
        for (int i = 0; i < probe->editList()->count(); ++i) probe->editList()->item(i)->setCheckState(Qt::Checked);
        for (QPushButton* b : probe->findChildren<QPushButton*>())
            if (b->text() == "Run the step again") b->click();
        QTRY_VERIFY2_WITH_TIMEOUT(probe->editResult().startsWith("Attends to "),
                                  qPrintable(probe->editResult() + probe->summary()), test::patience(20000));
        clickRun();  // a new run measures again
        QVERIFY(m_window->findChild<QLabel*>("modeBadge")->isHidden());
        m_window->action("stop")->trigger();
        waitUntilIdle();
        QVERIFY(!probe->isInspecting());
    }

    /// What the dialog writes about a probe and a difference is what the command line writes, byte for byte.
    void inspectionExportsEqualTheCommandLine() {
        const QString model = SPANSCOPE_SOURCE_DIR "/resources/models/arith";
        load(model);
        m_window->runs()->setCompare(MainWindow::Compare::Both);
        type("1+2*3");
        clickRun();
        waitUntilIdle();
        QVERIFY(m_window->store()->nSteps() > 30);
        m_window->docks()->raise("probe");
        emit m_window->probe()->inspectRequested();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->probe()->isInspecting(), test::patience(60000));
        m_window->selection()->lockRange(9, 9);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->probe()->shownProbe().step, 9, test::patience(20000));
        QTest::mouseClick(m_window->probe()->heads(), Qt::LeftButton, {},
                          m_window->probe()->heads()->cell(1, 2).center().toPoint());
        QTRY_COMPARE_WITH_TIMEOUT(m_window->probe()->shownProbe().head, 2, test::patience(20000));
        QTemporaryDir folder;
        QTest::keyClick(m_window.get(), Qt::Key_E, Qt::ControlModifier);
        auto* dialog = m_window->findChild<ExportDialog*>("exportDialog");
        QVERIFY(dialog);
        QStringList data;
        for (const DataExport& row : dataExports()) data << row.ending;
        for (const QString& suffix : data) {
            dialog->chooseData(suffix);
            QVERIFY2(dialog->exportTo(folder.filePath("gui." + suffix)), qPrintable(dialog->message()));
        }
        FigureOptions options = dialog->options();
        dialog->setOptions(options);
        for (const FigureInfo& figure : kFigures) {
            dialog->choose(figure.kind);
            QVERIFY2(dialog->exportTo(folder.filePath(QString("gui-%1.png").arg(figure.name))),
                     qPrintable(dialog->message()));
        }
        dialog->close();
        // Not QProcess: its clone() makes the thread sanitizer take this process for the child of a fork and stop
        // looking.
        const auto cli = [](const QStringList& arguments) {
            QList<QByteArray> words{QByteArrayLiteral(SPANSCOPE_BIN_DIR "/spanscope-cli")};
            for (const QString& argument : arguments) words << argument.toLocal8Bit();
            std::vector<char*> argv;
            for (QByteArray& word : words) argv.push_back(word.data());
            argv.push_back(nullptr);
            pid_t child = 0;
            int status = -1;
            return posix_spawn(&child, argv[0], nullptr, nullptr, argv.data(), environ) == 0 &&
                   waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        };
        QStringList arguments{
            "export", folder.filePath("gui.spantrace"), "-m", model, "--step", "9", "--layer", "1", "--head", "2"};
        for (const QString& suffix : data)
            arguments << "--" + QString(suffix).replace('.', '-') << folder.filePath("cli." + suffix);
        QVERIFY(cli(arguments));
        const auto bytes = [&](const QString& name) {
            QFile file(folder.filePath(name));
            return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
        };
        for (const QString& suffix : data) {
            QVERIFY(bytes("gui." + suffix).size() > 100);
            QVERIFY2(bytes("gui." + suffix) == bytes("cli." + suffix), qPrintable(suffix));
        }
        for (const FigureInfo& figure : kFigures) {
            const QString name = figure.name;
            QVERIFY(cli(arguments.mid(0, 10) +
                        QStringList{"--figure", name, "--png", folder.filePath("cli-" + name + ".png")}));
            QVERIFY2(QImage(folder.filePath("gui-" + name + ".png")) == QImage(folder.filePath("cli-" + name + ".png")),
                     figure.name);
        }
    }

    /// Runs stand in tabs: a click shows one again, its problem comes along, closing a tab shows a neighbour.
    void runsInTabs() {
        load(tiny());
        QTabBar* tabs = m_window->transcriptPanel()->tabs();
        for (const char* problem : {"1+2", "3*4", "5-6"}) {
            type(problem);
            clickRun();
            QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 3, test::patience(20000));
            m_window->action("stop")->trigger();
            waitUntilIdle();
        }
        QCOMPARE(tabs->count(), 3);
        QVERIFY(tabs->isVisible());
        QCOMPARE(tabs->currentIndex(), 2);
        QTest::mouseClick(tabs, Qt::LeftButton, {}, tabs->tabRect(0).center());
        QCOMPARE(m_window->store()->data().header.settings.promptText, std::string("1+2"));
        QCOMPARE(edit()->toPlainText(), QString("1+2"));
        type("my own");  // typed and not run: stays
        tabs->setFocus();
        QTest::keyClick(tabs, Qt::Key_Right);
        QCOMPARE(m_window->store()->data().header.settings.promptText, std::string("3*4"));
        QCOMPARE(edit()->toPlainText(), QString("my own"));
        emit tabs->tabCloseRequested(1);
        QCOMPARE(tabs->count(), 2);
        QVERIFY(m_window->store()->data().header.settings.promptText != "3*4");
        QCOMPARE(m_window->history()->rowCount(), 3);  // the list keeps it
    }

    /// Ctrl and a number: hidden comes up, behind a tab comes to the front, in sight goes away.
    void panelKeysBringToFront() {
        auto* graph = m_window->findChild<QDockWidget*>("dock.graph");
        m_window->docks()->raise("throughput");
        QTRY_VERIFY(graph->visibleRegion().isEmpty());
        QAction* toggle = m_window->action("dock.graph");
        QTRY_VERIFY(!toggle->isChecked());
        toggle->trigger();
        QTRY_VERIFY(!graph->visibleRegion().isEmpty());
        QVERIFY(toggle->isChecked());
        toggle->trigger();
        QTRY_VERIFY(graph->isHidden());
        toggle->trigger();
        QTRY_VERIFY(!graph->visibleRegion().isEmpty());
    }

    void whatAFirstStartLoads() {
        const QVector<BundledModel> bundled = Runner::bundledModels(SPANSCOPE_SOURCE_DIR "/resources/models");
        QVERIFY(!bundled.isEmpty());
        QCOMPARE(QFileInfo(bundled.front().path).fileName(), QString("arith"));
    }

    /// Where two models came with the program: choosing a task brings the one trained for it, and so does a recorded
    /// run.
    void theTaskBringsItsModel() {
        const test::ScratchFolder news;
        QVERIFY(test::writeTinyModel(news.path()));
        QVERIFY(test::writeFile(news.file("spanscope.json"), R"({"protocol_version": 1, "name": "Tiny news",
            "tasks": [{"name": "news", "prefill": "causal", "heads": false, "max_sentences": 16}]})"));
        close();
        open(false, {{SPANSCOPE_SOURCE_DIR "/resources/models/arith", "Arithmetic", {"expression", "sheet"}},
                     {QString::fromStdString(news.path()), "Tiny news", {"news"}}});
        load(SPANSCOPE_SOURCE_DIR "/resources/models/arith");
        auto* box = m_window->promptEditor()->taskBox();
        const auto choose = [&](const QString& task) {
            const int wanted = box->findData(task);
            box->setFocus();
            while (box->currentIndex() != wanted)
                QTest::keyClick(box, box->currentIndex() < wanted ? Qt::Key_Down : Qt::Key_Up);
            QTRY_COMPARE_WITH_TIMEOUT(m_window->state(), MainWindow::State::Ready, test::patience(30000));
        };
        QVERIFY(!box->itemText(box->findData("news")).contains("untrained"));
        choose("news");
        QVERIFY(m_window->findChild<QToolButton*>("modelButton")->text().contains("news", Qt::CaseInsensitive));
        QCOMPARE(m_window->promptEditor()->task(), QString("news"));
        QVERIFY(edit()->toPlainText().size() > 200);  // an article
        clickRun();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 8 || m_window->state() == MainWindow::State::Ready,
                                 test::patience(60000));
        QCOMPARE(m_window->store()->data().header.settings.task, std::string("news"));
        QVERIFY(m_window->store()->data().segments.size() > 5);  // sentences
        m_window->action("stop")->trigger();
        waitUntilIdle();
        m_window->openPath(SPANSCOPE_SOURCE_DIR "/resources/traces/sheet.spantrace");
        QTRY_VERIFY_WITH_TIMEOUT(
            m_window->findChild<QToolButton*>("modelButton")->text().contains("arith", Qt::CaseInsensitive),
            test::patience(30000));
        waitUntilIdle();
        QCOMPARE(m_window->store()->data().header.settings.task, std::string("sheet"));
        load(tiny());  // a person's own model stays, whatever the task
        choose("news");
        QVERIFY(!m_window->findChild<QToolButton*>("modelButton")->text().contains("news", Qt::CaseInsensitive));
    }

    /// Every bundled recording opens whole: the declared run on show, its dense twin beside it.
    void bundledTracesOpen() {
        const QFileInfoList traces =
            QDir(SPANSCOPE_SOURCE_DIR "/resources/traces").entryInfoList({"*.spantrace"}, QDir::Files);
        QVERIFY(traces.size() >= 2);
        for (const QFileInfo& trace : traces) {
            m_window->store()->clear();
            m_window->openPath(trace.absoluteFilePath());
            QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->isFinished() && m_window->store()->nSteps() > 0,
                                     test::patience(20000));
            QVERIFY2(!m_window->banner()->isVisible(), qPrintable(m_window->banner()->text()));
            QCOMPARE(m_window->store()->data().header.settings.attention, MaskPolicySpec::declared());
            QCOMPARE(m_window->besideStore()->data().header.settings.attention, MaskPolicySpec::dense());
            QVERIFY(!m_window->store()->data().answer.empty());
            QVERIFY(m_window->store()->data().stats.loadedFraction() < 0.9);
        }
    }

    /// More than a run and its twin: each is listed, with the dense run of its prompt.
    void aTraceOfManyRunsShowsThemAll() {
        const RunData dense = test::sampleRun(1, MaskPolicySpec::dense()), declared = test::sampleRun(2),
                      keep = test::sampleRun(3, {"keep", 8});
        RunData other = test::sampleRun(4, MaskPolicySpec::dense());
        other.header.formattedPrompt = "another prompt";
        QTemporaryDir folder;
        const QString path = folder.filePath("many.spantrace");
        QVERIFY(spanscope::writeTrace(path.toStdString(), {&dense, &declared, &keep, &other}).ok());
        m_window->openPath(path);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->history()->rowCount(), 3, test::patience(10000));
        QCOMPARE(m_window->store()->data().header.runId, 2);
        QCOMPARE(m_window->besideStore()->data().header.runId, 1);
        const QList<std::pair<int, int>> rows{{2, 1}, {3, 1}, {4, 0}};
        for (int i = 0; i < 3; ++i) {
            const HistoryEntry& entry = m_window->history()->at(i);
            QCOMPARE(int(entry.run->header.runId), rows[i].first);
            QCOMPARE(entry.dense ? int(entry.dense->header.runId) : 0, rows[i].second);
        }
    }

    void failureOfTheDenseTwinIsShown() {
        load(tiny());
        m_window->runs()->setCompare(MainWindow::Compare::Both);
        type("1+2");
        clickRun();
        m_window->runs()->onFailed(m_window->runs()->lastRunId() + 1,
                                   {"The run failed", "the device is gone", {}, -1, -1});
        QVERIFY(m_window->banner()->isVisible());
        QVERIFY(m_window->banner()->text().contains("the device is gone"));
        m_window->action("stop")->trigger();
        waitUntilIdle();
    }

    /// The model in use made room for one that then did not fit: nothing is loaded, and the window says so.
    void aModelThatMadeRoomIsGone() {
        load(tiny());
        emit m_window->probe()->inspectRequested();
        m_window->models()->load({"/somewhere/large", 0, Device::Cpu});
        m_window->models()->onModelDropped();
        m_window->models()->onModelFailed("/somewhere/large",
                                          {"The model could not be opened", "does not fit", {}, -1, -1});
        QCOMPARE(m_window->state(), MainWindow::State::NoModel);
        QVERIFY(!m_window->action("run")->isEnabled());
        QVERIFY(!m_window->action("modelCard")->isEnabled());
    }

    void theSameModelTwiceIsNoError() {
        load(tiny());
        RunRequest busy;  // not the window's: keeps the engine from the loads until both have been asked for
        busy.runId = 1000000;
        busy.settings.task = "expression";
        busy.settings.promptText = "1+2";
        m_runner->run(busy);
        QSignalSpy ready(m_runner.get(), &Runner::modelReady);
        for (int i = 0; i < 2; ++i) m_window->models()->load({tiny(), 0, Device::Cpu});
        QVERIFY(ready.wait(test::patience(30000)));
        QTRY_COMPARE_WITH_TIMEOUT(m_window->state(), MainWindow::State::Ready, test::patience(30000));
        QVERIFY2(!m_window->banner()->isVisible(), qPrintable(m_window->banner()->text()));
    }

    /// Asking what a model would take is no load: what goes on goes on when that fails.
    void aForecastThatFailsStopsNothing() {
        load(tiny());
        QTemporaryDir folder;
        const QString missing = folder.path() + "/gone.gguf";
        m_window->openPath(missing);
        type("(1+2)*3");
        clickRun();
        QVERIFY(m_window->state() == MainWindow::State::Running);
        m_window->models()->onForecastFailed(missing, {"The model could not be opened", "cannot be read", {}, -1, -1});
        QVERIFY(m_window->state() == MainWindow::State::Running);
        QVERIFY(m_window->banner()->isVisible());
        waitUntilIdle();
    }

    void anAdapterIsChosenWithItsModel() {
        const QString fixtures = SPANSCOPE_SOURCE_DIR "/tests/fixtures/";
        m_window->models()->open(fixtures + "golden/tied");
        const auto dialog = [&] { return m_window->findChild<ForecastDialog*>(); };
        QTRY_VERIFY_WITH_TIMEOUT(dialog() != nullptr, test::patience(20000));
        auto* choice = dialog()->findChild<QComboBox*>("adapter");
        QVERIFY(choice && !choice->toolTip().isEmpty());
        QCOMPARE(choice->currentText(), QString("None"));
        QCOMPARE(dialog()->request().adapter, QString());

        QSignalSpy forecast(m_runner.get(), &Runner::forecastReady), refused(m_runner.get(), &Runner::forecastFailed);
        dialog()->setAdapter(fixtures + "adapters/gqa_8_2");
        QVERIFY(refused.wait(test::patience(20000)));
        QCOMPARE(dialog()->request().adapter, QString());
        QCOMPARE(choice->currentText(), QString("None"));
        const auto* verdict = dialog()->findChild<QLabel*>("verdict");
        QVERIFY(verdict->text().contains("made for another base"));
        QVERIFY(forecast.size() > 0 || forecast.wait(test::patience(20000)));
        QVERIFY(verdict->text().contains("made for another base"));  // still to be read

        forecast.clear();
        dialog()->setAdapter(fixtures + "adapters/tied");
        QVERIFY(forecast.wait(test::patience(20000)));
        QCOMPARE(forecast.back()[0].value<ForecastInfo>().adapter, fixtures + "adapters/tied");
        QCOMPARE(choice->currentText(), QString("tied"));
        QVERIFY(verdict->text().startsWith("Fits"));
        QSignalSpy ready(m_runner.get(), &Runner::modelReady);
        dialog()->accept();
        QVERIFY(ready.wait(test::patience(30000)));
        const auto info = ready.back()[0].value<ModelInfo>();
        QCOMPARE(info.name, QString("tied + tied"));
        QVERIFY(info.adapter.startsWith("tied, rank 2, hash "));
        QCOMPARE(info.adapterPath, fixtures + "adapters/tied");
    }

    void everyEventReachesTheWindow() { QCOMPARE(m_runner->unheard(), QStringList()); }

    void interruptedRunIsOffered() {
        load(tiny());
        type("1+2");
        clickRun();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 3, test::patience(20000));
        m_window->action("stop")->trigger();
        waitUntilIdle();
        QTemporaryDir folder;
        const QString path = folder.filePath("left.spantrace");
        const size_t nSteps = m_window->store()->data().steps.size();
        QSignalSpy saved(m_runner.get(), &Runner::traceSaved);
        emit m_window->files()->traceSaveRequested(path, {std::make_shared<const RunData>(m_window->store()->data())});
        QVERIFY(saved.wait(test::patience(10000)));
        m_window->store()->clear();
        m_window->files()->offerRecovery({path});
        QVERIFY(m_window->banner()->isVisible());
        auto* button = m_window->banner()->findChild<QPushButton*>();
        QVERIFY(button);
        QTest::mouseClick(button, Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->store()->data().steps.size(), nSteps, test::patience(10000));
        // Until it is deleted it is offered again.
        m_window->files()->offerRecovery({path});
        for (QPushButton* b : m_window->banner()->findChildren<QPushButton*>())
            if (b->text() == "Delete") QTest::mouseClick(b, Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(!QFile::exists(path), test::patience(5000));
    }

    void everySampleOfEveryTaskStarts() {
        load(SPANSCOPE_SOURCE_DIR "/resources/models/arith");  // its context holds the longest sample
        for (const TaskInfo& task : Runner::tasks()) {
            m_window->promptEditor()->setTask(task.name);
            if (task.name != "text") QVERIFY2(task.samples.size() >= 6, qPrintable(task.name));
            for (int i = 0; i < task.samples.size(); ++i) {
                m_window->promptEditor()->useSample(i);
                clickRun();
                QTRY_VERIFY_WITH_TIMEOUT(
                    m_window->store()->nSteps() > 0 || m_window->state() == MainWindow::State::Ready,
                    test::patience(60000));
                m_window->action("stop")->trigger();
                waitUntilIdle();
                QVERIFY2(!m_window->findChild<QLabel*>("promptMessage")->text().startsWith(QString::fromUtf8("⚠")),
                         qPrintable(task.name + ": " + task.samples[i]));
                QVERIFY2(!m_window->banner()->isVisible(), qPrintable(task.name + ": " + m_window->banner()->text()));
            }
        }
    }

    void historyShowsAnOlderRunAgain() {
        load(tiny());
        for (const char* problem : {"1+2", "3*4"}) {
            type(problem);
            clickRun();
            QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 3, test::patience(20000));
            m_window->action("stop")->trigger();
            waitUntilIdle();
        }
        QCOMPARE(m_window->history()->rowCount(), 2);
        QCOMPARE(m_window->store()->data().header.settings.promptText, std::string("3*4"));
        auto* table = m_window->findChild<QTableView*>("historyTable");
        QVERIFY(table);
        emit table->activated(table->model()->index(1, 0));
        QCOMPARE(m_window->store()->data().header.settings.promptText, std::string("1+2"));
    }
};

QTEST_MAIN(TestMainWindow)
#include "tst_main_window.moc"
