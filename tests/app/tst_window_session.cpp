// The runs of a window from start to start, their tabs and names, and a run that goes on from another one.
#include <QAction>
#include <QLineEdit>
#include <QListWidget>
#include <QMenu>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QTableView>
#include <QTableWidget>

#include "engine/trace/trace.h"
#include "tests/app/window_test.h"
#include "tests/trace/sample_run.h"
#include "ui/views/probe/probe_view.h"
#include "ui/views/transcript/transcript_view.h"
#include "ui/window/run_files.h"
#include "ui/window/run_session.h"
#include "ui/window/run_tabs.h"
#include "ui/window/transcript_panel.h"

using namespace spanscope;

class TestWindowSession : public test::WindowTest {
    Q_OBJECT

  private slots:
    void initTestCase() { prepare("spanscope-session-test"); }
    void init() {
        m_folder = std::make_unique<QTemporaryDir>();
        m_runsFolder = m_folder->filePath("runs");
        open();
    }
    void cleanup() { close(); }

    void runsComeBack() {
        load(tiny());
        runAndStop("1+2");
        runAndStop("3*4");
        runAndStop("5-6");
        QCOMPARE(tabs()->count(), 3);
        m_window->history()->setLabel(1, "the second", "two lines\nof notes");
        tabs()->setCurrentIndex(1);
        QCOMPARE(problem(), std::string("3*4"));
        emit tabs()->tabCloseRequested(0);
        tabs()->setCurrentIndex(1);
        QVERIFY(m_window->close());
        close();

        open(true);
        m_window->session()->restore();
        QTRY_COMPARE_WITH_TIMEOUT(m_window->history()->rowCount(), 3, test::patience(10000));
        QTRY_COMPARE_WITH_TIMEOUT(tabs()->count(), 2, test::patience(10000));
        QCOMPARE(problem(), std::string("5-6"));
        QCOMPARE(m_window->promptEditor()->text(), QString("5-6"));  // it can be run again, or changed
        QCOMPARE(tabs()->tabText(0), QString("2 · the second · stopped"));
        QCOMPARE(tabs()->tabText(1), QString("3 · declared · stopped"));
        QCOMPARE(tabs()->currentIndex(), 1);
        const RunHistory* history = m_window->history();
        for (int row = 0; row < 3; ++row) QCOMPARE(history->at(row).label.number, 3 - row);
        QCOMPARE(history->at(1).label.notes, std::string("two lines\nof notes"));
        QVERIFY(history->at(1).label.endedAtMs > 0);
        QCOMPARE(history->index(1, RunHistory::NameColumn).data().toString(), QString("the second"));
        load(tiny());
        runAndStop("7+8");
        QCOMPARE(history->at(0).label.number, 4);
        QVERIFY(history->at(0).run->header.runId > history->at(1).run->header.runId);
    }

    /// Two windows at once: the last to close leaves the other's tabs, where it has changed none.
    void anotherWindowLeavesTheTabs() {
        MainWindow::Setup setup;
        setup.tasks = Runner::tasks();
        setup.keepsRuns = true;
        MainWindow other(setup);  // opened first, when there were none
        load(tiny());
        runAndStop("1+2");
        runAndStop("3*4");
        QTRY_COMPARE_WITH_TIMEOUT(nFiles(), 2, test::patience(20000));
        QVERIFY(m_window->close());
        close();
        QVERIFY(other.close());
        open(true);
        m_window->session()->restore();
        QTRY_COMPARE_WITH_TIMEOUT(tabs()->count(), 2, test::patience(10000));
        QCOMPARE(problem(), std::string("3*4"));
    }

    void whatIsRestoredTakesNoPlaceOfWhatIsOnShow() {
        load(tiny());
        runAndStop("1+2");
        QVERIFY(m_window->close());
        close();
        open(true);
        load(tiny());
        runAndStop("3*4");
        m_window->session()->restore();
        QTRY_COMPARE_WITH_TIMEOUT(m_window->history()->rowCount(), 2, test::patience(10000));
        QCOMPARE(problem(), std::string("3*4"));
        QCOMPARE(m_window->history()->at(0).run->header.settings.promptText, std::string("3*4"));
        QTRY_COMPARE_WITH_TIMEOUT(tabs()->count(), 2, test::patience(10000));
        QCOMPARE(tabs()->currentIndex(), tabs()->runs().indexOf(m_window->history()->at(0).run));
    }

    void withoutKeepingItAsks() {
        load(tiny());
        m_window->action("keepRuns")->trigger();
        QVERIFY(!m_window->session()->keeps());
        runAndStop("1+2");
        answer("Cancel");
        QVERIFY(!m_window->close());
        QCOMPARE(m_asked, QString("One run is only in this window."));
        answer("Quit without them");
        QVERIFY(m_window->close());
        close();
        open(true);
        QVERIFY(!m_window->action("keepRuns")->isChecked());
        load(tiny());
        runAndStop("3*4");
        answer("Keep for the next start");
        QVERIFY(m_window->close());
        close();
        open(true);
        m_window->session()->restore();
        QTRY_COMPARE_WITH_TIMEOUT(m_window->history()->rowCount(), 1, test::patience(10000));
        QCOMPARE(m_window->history()->at(0).run->header.settings.promptText, std::string("3*4"));
        QVERIFY(m_window->close());  // it is in a file
    }

    /// A run that is going on ends first, and is kept as what it became.
    void closingWhileARunGoesOn() {
        load(tiny());
        type("1+2");
        clickRun();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 3, test::patience(20000));
        QVERIFY(!m_window->close());
        QTRY_VERIFY_WITH_TIMEOUT(!m_window->isVisible(), test::patience(20000));
        close();
        open(true);
        m_window->session()->restore();
        QTRY_COMPARE_WITH_TIMEOUT(m_window->history()->rowCount(), 1, test::patience(10000));
        QCOMPARE(m_window->history()->at(0).run->stats.stop, StopReason::Cancelled);
    }

    void keptRunsAreForgotten() {
        load(tiny());
        runAndStop("1+2");
        QTRY_COMPARE_WITH_TIMEOUT(nFiles(), 1, test::patience(10000));
        answer("Cancel");
        m_window->action("clearRuns")->trigger();
        QCOMPARE(nFiles(), 1);
        answer("Delete");
        m_window->action("clearRuns")->trigger();
        QTRY_COMPARE_WITH_TIMEOUT(nFiles(), 0, test::patience(10000));
        QCOMPARE(m_window->history()->rowCount(), 1);
        QVERIFY(m_window->close());  // nobody asks about what was let go
    }

    /// While a run goes on its tab says so; Ctrl+W closes one after the other, runs stay in the list; no unsaved one
    /// goes by itself.
    void tabsSayWhatTheyAre() {
        m_window->action("keepRuns")->trigger();
        load(tiny());
        runAndStop("1+2");
        QVERIFY(!tabs()->isVisible());
        type("3*4");
        clickRun();
        QTRY_COMPARE_WITH_TIMEOUT(tabs()->tabText(1), QString("2 · declared · running"), test::patience(20000));
        QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 3, test::patience(20000));
        QCOMPARE(tabs()->currentIndex(), 1);
        m_window->action("stop")->trigger();
        waitUntilIdle();
        QCOMPARE(tabs()->count(), 2);
        QCOMPARE(tabs()->tabText(1), QString("2 · declared · stopped"));
        type("12+*3");  // cannot run: what was in front comes back
        clickRun();
        waitUntilIdle();
        QCOMPARE(tabs()->count(), 2);
        QCOMPARE(tabs()->currentIndex(), 1);
        for (int i = 3; i <= 14; ++i) runAndStop(QString::number(i) + "+1");
        QCOMPARE(tabs()->count(), 14);
        QCOMPARE(m_window->action("closeTab")->shortcut(), QKeySequence("Ctrl+W"));
        m_window->action("closeTab")->trigger();
        QCOMPARE(tabs()->count(), 13);
        QCOMPARE(problem(), std::string("13+1"));
        for (int i = 0; i < 13; ++i) m_window->action("closeTab")->trigger();
        QCOMPARE(tabs()->count(), 0);
        QVERIFY(m_window->store()->isEmpty());
        QVERIFY(!m_window->action("closeTab")->isEnabled());
        QCOMPARE(m_window->history()->rowCount(), 14);
        m_window->session()->setKeeps(true);
        QTRY_COMPARE_WITH_TIMEOUT(nFiles(), 14, test::patience(20000));
    }

    void runsAreSorted() {
        load(tiny());
        for (const char* problem : {"9+9", "1+2", "5-6"}) runAndStop(problem);
        auto* table = m_window->findChild<QTableView*>("historyTable");
        const auto numbers = [&] {
            QStringList list;
            for (int row = 0; row < table->model()->rowCount(); ++row)
                list << table->model()->index(row, RunHistory::NumberColumn).data().toString();
            return list;
        };
        QCOMPARE(numbers(), (QStringList{"3", "2", "1"}));
        table->sortByColumn(RunHistory::PromptColumn, Qt::AscendingOrder);
        QCOMPARE(numbers(), (QStringList{"2", "3", "1"}));
        emit table->activated(table->model()->index(0, 0));
        QCOMPARE(problem(), std::string("1+2"));
        table->sortByColumn(RunHistory::NumberColumn, Qt::AscendingOrder);
        QCOMPARE(numbers(), (QStringList{"1", "2", "3"}));
        table->sortByColumn(RunHistory::TimeColumn, Qt::DescendingOrder);
        QCOMPARE(numbers(), (QStringList{"3", "2", "1"}));
    }

    void namesAndNotes() {
        load(tiny());
        runAndStop("1+2");
        QTimer::singleShot(0, this, [this] {
            auto* dialog = m_window->findChild<QDialog*>();
            dialog->findChild<QLineEdit*>("runName")->setText(" my \n run ");
            dialog->findChild<QPlainTextEdit*>("runNotes")->setPlainText("<b>notes</b>");
            dialog->accept();
        });
        m_window->action("runLabel")->trigger();
        QCOMPARE(m_window->history()->at(0).label.name, std::string("my run"));
        QCOMPARE(m_window->history()->at(0).label.notes, std::string("<b>notes</b>"));
        QCOMPARE(tabs()->tabText(0), QString("1 · my run · stopped"));
        const QString path = m_folder->filePath("saved.spantrace");
        QSignalSpy saved(m_runner.get(), &Runner::traceSaved);
        emit m_window->files()->traceSaveRequested(path, {m_window->store()->share()},
                                                   m_window->history()->at(0).label);
        QVERIFY(saved.wait(test::patience(10000)));
        const auto file = readTrace(path.toStdString());
        QCOMPARE(file->runs[0]->header.label.name, std::string("my run"));
        // Opened again it has its name, and a number of its own.
        m_window->openPath(path);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->history()->rowCount(), 2, test::patience(10000));
        QCOMPARE(m_window->history()->at(0).label.name, std::string("my run"));
        QCOMPARE(m_window->history()->at(0).label.number, 2);
        QCOMPARE(m_window->files()->recentMenu()->actions().front()->text(), QString("saved.spantrace"));
    }

    /// What an interrupted program left becomes a run like any other, without talk of damage, and leaves its folder.
    void recoveredRunsAreKept() {
        const QString path = m_folder->filePath("left.spantrace.abcdef.part");
        RunData run = test::sampleRun(5);
        {
            auto writer = TraceWriter::create(m_folder->filePath("left.spantrace").toStdString());
            QVERIFY(writer && (*writer)->begin(run.header) && (*writer)->append(run));
            QVERIFY(QFile::copy(QString::fromStdString((*writer)->temporaryPath()), path));
        }
        m_window->files()->offerRecovery({path});
        QVERIFY(m_window->banner()->isVisible());
        auto* button = m_window->banner()->findChild<QPushButton*>();
        QTest::mouseClick(button, Qt::LeftButton);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->store()->nSteps(), int(run.steps.size()), test::patience(10000));
        QVERIFY(!m_window->banner()->isVisible());
        QTRY_VERIFY_WITH_TIMEOUT(!QFile::exists(path), test::patience(10000));
        QCOMPARE(nFiles(), 1);
    }

    /// A token edited in Inspect: a run that keeps what stood before, beside the one that it comes from.
    void aRunGoesOnFromAnotherToken() {
        load(tiny());
        runAndStop("1+2");
        const SharedRun parent = m_window->history()->at(0).run;
        inspect();
        m_window->selection()->lockRange(2, 2);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->probe()->shownProbe().step, 2, test::patience(10000));
        auto* text = m_window->probe()->findChild<QLineEdit*>("branchText");
        auto* goOn = m_window->probe()->findChild<QPushButton*>("branchToken");
        QTRY_VERIFY_WITH_TIMEOUT(text->isEnabled(), test::patience(10000));
        text->setText("7");
        goOn->click();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->data().header.branch.isBranch() && m_window->store()->nSteps() > 5,
                                 test::patience(20000));
        m_window->action("stop")->trigger();
        waitUntilIdle();
        const HistoryEntry branch = m_window->history()->at(0);
        QCOMPARE(branch.run->header.branch, (BranchOrigin{1, 3, BranchEdit::Token}));
        QVERIFY2(tabs()->tabText(1).startsWith("2 · declared · from step 3 of run 1"), qPrintable(tabs()->tabText(1)));
        for (size_t i = 0; i < 3; ++i) QCOMPARE(branch.run->steps[i].token.id, parent->steps[i].token.id);
        QCOMPARE(branch.run->steps[3].token.text, std::string("7"));
        QCOMPARE(m_window->besideStore()->data().header.runId, parent->header.runId);
        QVERIFY(m_window->action("sideBySide")->isChecked());
        // Shown again, its parent comes along; and it is itself a run to go on from.
        tabs()->setCurrentIndex(0);
        QVERIFY(m_window->besideStore()->isEmpty());
        tabs()->setCurrentIndex(1);
        QCOMPARE(m_window->besideStore()->data().header.runId, parent->header.runId);
    }

    void aRunGoesOnUnderAnotherSpan() {
        load(tiny());
        runAndStop("1+2");
        const SharedRun parent = m_window->history()->at(0).run;
        inspect();
        m_window->selection()->lockRange(4, 4);
        QTRY_COMPARE_WITH_TIMEOUT(m_window->probe()->shownProbe().step, 4, test::patience(10000));
        auto* list = m_window->probe()->editList();
        QTRY_VERIFY_WITH_TIMEOUT(list->count() > 0, test::patience(10000));
        QVERIFY(list->item(0)->flags() & Qt::ItemIsUserCheckable);
        list->item(0)->setCheckState(list->item(0)->checkState() == Qt::Checked ? Qt::Unchecked : Qt::Checked);
        const IntervalList edited = m_window->probe()->editor().list();
        m_window->probe()->findChild<QPushButton*>("branchSpan")->click();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->data().header.branch.isBranch() && m_window->store()->nSteps() > 5,
                                 test::patience(20000));
        m_window->action("stop")->trigger();
        waitUntilIdle();
        const SharedRun branch = m_window->history()->at(0).run;
        QCOMPARE(branch->header.branch, (BranchOrigin{1, 4, BranchEdit::Span}));
        QCOMPARE(branch->steps[4].token.id, parent->steps[4].token.id);
        QCOMPARE(*branch->steps[4].visible, edited);
        QVERIFY(*branch->steps[3].visible == *parent->steps[3].visible);
    }

  private:
    RunTabs* tabs() const { return m_window->transcriptPanel()->tabs(); }
    std::string problem() const { return m_window->store()->data().header.settings.promptText; }
    int nFiles() const { return int(QDir(m_runsFolder).entryList({"*.spantrace"}, QDir::Files).size()); }
    void runAndStop(const QString& problem) {
        type(problem);
        clickRun();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->store()->nSteps() > 5 && !m_window->store()->isFinished(),
                                 test::patience(20000));
        m_window->action("stop")->trigger();
        waitUntilIdle();
    }
    void inspect() {
        emit m_window->probe()->inspectRequested();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->probe()->isInspecting(), test::patience(20000));
    }
    /// The next question is answered by the button of that text.
    void answer(const QString& text) {
        m_asked.clear();
        QTimer::singleShot(0, this, [this, text] {
            auto* box = qobject_cast<QMessageBox*>(QApplication::activeModalWidget());
            QVERIFY(box);
            m_asked = box->text();
            for (QAbstractButton* button : box->buttons())
                if (button->text().remove('&') == text) return button->click();
            QFAIL("no such button");
        });
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    QString m_asked;
};

QTEST_MAIN(TestWindowSession)
#include "tst_window_session.moc"
