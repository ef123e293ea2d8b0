// The lesson and the replay for a class, in the whole program.
#include <QAction>
#include <QDockWidget>
#include <QPushButton>

#include "tests/app/window_test.h"
#include "ui/views/probe/probe_view.h"
#include "ui/window/dock_layout.h"
#include "ui/window/lesson_card.h"
#include "ui/window/replay_card.h"

using namespace spanscope;

class TestWindowLesson : public test::WindowTest {
    Q_OBJECT
  private slots:
    void initTestCase() { prepare("tst_window_lesson"); }
    void init() {
        open();
        m_window->resize(1280, 720);
        load(SPANSCOPE_SOURCE_DIR "/resources/models/arith");
        m_window->runs()->setCompare(MainWindow::Compare::Both);
        type("(7+8)*(3-5)+1");
        clickRun();
        waitUntilIdle();
    }
    void cleanup() { close(); }

    void sixPagesAndWhatWasTakenAway() {
        m_window->action("lesson")->trigger();
        auto* card = m_window->findChild<LessonCard*>("lesson");
        QVERIFY(card);
        m_window->action("lesson")->trigger();  // the one that is open
        QCOMPARE(m_window->findChildren<LessonCard*>("lesson").size(), 1);
        QVERIFY(m_window->rect().contains(card->geometry()));
        m_window->selection()->hover(30);
        QVERIFY2(card->text().contains(QString("it read %1 of the %2 tokens")
                                           .arg(m_window->store()->data().steps[30].attended)
                                           .arg(m_window->store()->data().steps[30].causal)),
                 qPrintable(card->text()));
        card->next();
        card->next();
        QCOMPARE(card->page(), LessonPage::Named);
        const int read = m_window->selection()->current();
        QVERIFY(m_window->store()->data().steps[size_t(read)].phase == Phase::Focus);
        card->next();
        QCOMPARE(card->page(), LessonPage::Remove);
        card->takeAway();
        QTRY_VERIFY2_WITH_TIMEOUT(card->text().startsWith("Without out"), qPrintable(card->text()),
                                  test::patience(60000));
        QVERIFY(m_window->probe()->isInspecting());
        QVERIFY(m_window->children().indexOf(card) > m_window->children().indexOf(static_cast<QObject*>(
                                                         m_window->docks()->dock("probe"))));  // above the panel
        QVERIFY2(card->text().contains("It guesses"), qPrintable(card->text()));  // the value was nowhere else
        const SharedRun run = m_window->store()->share();
        card->goOn();
        QTRY_VERIFY2_WITH_TIMEOUT(card->hasGoneOn(), qPrintable(card->text()), test::patience(60000));
        const RunData& branch = m_window->store()->data();
        QVERIFY(branch.header.branch.isBranch() && branch.answer != run->answer);
        QVERIFY2(card->text().contains("in sight the run answered " + QString::fromStdString(run->answer) + " ✓") &&
                     card->text().contains("the run answered " + QString::fromStdString(branch.answer) +
                                           " (exact value: " + QString::fromStdString(run->answer) + ")"),
                 qPrintable(card->text()));
        card->next();
        QTRY_COMPARE(m_window->store()->data().header.runId, run->header.runId);  // and its twin beside it
        QVERIFY2(card->text().contains("Measured: "), qPrintable(card->text()));
        QVERIFY(!m_window->action("sideBySide")->isChecked());
        card->next();
        card->next();  // Finish
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
        QVERIFY(!m_window->findChild<LessonCard*>("lesson"));
    }

    void aClassGuesses() {
        const RunData whole = m_window->store()->data();
        m_window->action("classReplay")->trigger();
        auto* card = m_window->findChild<ReplayCard*>("replay");
        QVERIFY(card && card->nPieces() > 4);
        QCOMPARE(m_window->store()->nSteps(), 0);
        for (int piece = 1; piece <= card->nPieces(); ++piece) {
            QTest::keyClick(card, Qt::Key_Space);
            QCOMPARE(card->told(), piece);
            QCOMPARE(m_window->store()->isFinished(), piece == card->nPieces());
        }
        QCOMPARE(m_window->store()->data().answer, whole.answer);
        QTest::keyClick(card, Qt::Key_Left);
        QTest::keyClick(card, Qt::Key_Left);
        QVERIFY(m_window->store()->nSteps() < int(whole.steps.size()));
        QVERIFY(m_window->store()->data().answer.empty());
        card->end();
        QTRY_VERIFY(m_window->store()->isFinished());
        QCOMPARE(m_window->store()->nSteps(), int(whole.steps.size()));
        QCOMPARE(m_window->store()->data().answer, whole.answer);
        // Another run on show ends it.
        m_window->action("classReplay")->trigger();
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
        QVERIFY(m_window->findChild<ReplayCard*>("replay"));
        type("1+2");
        clickRun();
        waitUntilIdle();
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
        QVERIFY(!m_window->findChild<ReplayCard*>("replay"));
        QVERIFY(m_window->store()->isFinished());
    }
};

QTEST_MAIN(TestWindowLesson)
#include "tst_window_lesson.moc"
