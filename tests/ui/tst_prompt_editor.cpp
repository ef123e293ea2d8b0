// The problem: what is offered gives way to the first key typed, what a person typed does not.
#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QLabel>
#include <QPlainTextEdit>
#include <QToolButton>
#include <QtTest>

#include "ui/views/prompt/prompt_editor.h"

using namespace spanscope;

class TestPromptEditor : public QObject {
    Q_OBJECT
    const QVector<TaskInfo> m_tasks{{"expression", "Expression", {"1+2", "3*4"}}, {"sheet", "Sheet", {"5-6\n$1+7"}}};

  private slots:
    void typingReplacesASample() {
        PromptEditor editor(m_tasks, nullptr);
        QCOMPARE(editor.text(), QString("1+2"));
        QTest::keyClicks(editor.edit(), "8-9");
        QCOMPARE(editor.text(), QString("8-9"));
        editor.useSample(1);
        QCOMPARE(editor.text(), QString("3*4"));
        QTest::keyClicks(editor.edit(), "7");
        QCOMPARE(editor.text(), QString("7"));
    }

    void typingReplacesTheProblemOfARun() {
        PromptEditor editor(m_tasks, nullptr);
        editor.offer("sheet", "9*9\n$1-1");
        QCOMPARE(editor.task(), QString("sheet"));
        QTest::keyClicks(editor.edit(), "4+4");
        QCOMPARE(editor.text(), QString("4+4"));
    }

    /// A task that the model cannot be given says why and cannot be chosen, by key or by the problem of a run.
    void refusedTasksCannotBeChosen() {
        PromptEditor editor(m_tasks, nullptr);
        editor.setTrainedTasks({"expression"}, {{"sheet", "It <cannot>."}});
        QComboBox* box = editor.taskBox();
        QVERIFY(box->itemData(1, Qt::ToolTipRole).toString().contains("cannot"));
        QCOMPARE(box->itemText(1), QString("Sheet"));
        QTest::keyClick(box, Qt::Key_Down);
        QCOMPARE(editor.task(), QString("expression"));
        editor.offer("sheet", "9*9");
        QCOMPARE(editor.task(), QString("expression"));
        editor.setTrainedTasks({"expression"});
        QCOMPARE(box->itemText(1), QString("Sheet (this model was not trained for it)"));
        QTest::keyClick(box, Qt::Key_Down);
        QCOMPARE(editor.task(), QString("sheet"));
    }

    /// A message begins empty, and the problems of runs do not take its place.
    void messagesOfAConversation() {
        QVector<TaskInfo> tasks = m_tasks;
        tasks << TaskInfo{"chat", "Chat", {"Hello?"}, false, true};
        PromptEditor editor(tasks, nullptr);
        QAction send("Send");
        editor.setConversationButtons({}, {&send});
        editor.show();
        auto* button = editor.findChild<QToolButton*>("sendButton");
        QVERIFY(button && !button->isVisible());
        QSignalSpy shown(&editor, &PromptEditor::taskShown);
        editor.setTask("chat");
        QCOMPARE(shown.size(), 1);
        QVERIFY(editor.isConversation() && button->isVisible());
        QCOMPARE(editor.text(), QString());
        editor.useSample(0);
        QCOMPARE(editor.text(), QString("Hello?"));
        editor.offer("expression", "7*8");
        QCOMPARE(editor.text(), QString("Hello?"));
        editor.setTask("expression");
        QVERIFY(!editor.isConversation() && !button->isVisible());
        send.setVisible(false);
        editor.setTask("chat");
        QVERIFY(!button->isVisible());
        editor.setTask("expression");
        editor.offer("chat", "of a run");
        QCOMPARE(editor.task(), QString("expression"));
    }

    void whatAPersonTypedStays() {
        PromptEditor editor(m_tasks, nullptr);
        QTest::keyClicks(editor.edit(), "12+");
        editor.offer("sheet", "9*9\n$1-1");
        QCOMPARE(editor.text(), QString("12+"));
        editor.setTask("sheet");
        editor.setTask("expression");
        QTest::keyClicks(editor.edit(), "34");
        QCOMPARE(editor.text(), QString("12+34"));
    }

    /// Laying out a line costs the square of its length: 1 MB would take a minute. What is shown is bounded, what is
    /// run is not.
    void aLongTextIsShownInPartAndKeptWhole_data() {
        QTest::addColumn<QString>("text");
        QTest::newRow("one line") << QString(1 << 20, 'x');
        QTest::newRow("a long line among others") << QString("1+2\n") + QString(50'000, '7') + QString("\n3+4");
        QTest::newRow("many lines") << QString("1+2\n").repeated(250'000);
        QTest::newRow("only line ends") << QString(1 << 20, '\n');
        QTest::newRow("wide characters") << QString::fromUcs4(U"\U0001d7d8").repeated(1 << 19);
    }
    void aLongTextIsShownInPartAndKeptWhole() {
        QFETCH(QString, text);
        const auto ms = [&](const QString& shown) {
            PromptEditor editor(m_tasks, nullptr);
            editor.resize(600, 200);
            editor.show();
            if (!QTest::qWaitForWindowExposed(&editor)) return -1.0;
            QElapsedTimer clock;
            clock.start();
            editor.offer("sheet", shown);
            editor.grab();
            return double(clock.nsecsElapsed()) / 1e6;
        };
        const double quarter = ms(text.left(text.size() / 4)), whole = ms(text);
        QVERIFY2(whole < 1000 && whole < 5 * quarter + 200,
                 qPrintable(QString("%1 ms, a quarter of it %2 ms").arg(whole).arg(quarter)));
        PromptEditor editor(m_tasks, nullptr);
        editor.offer("sheet", text);
        QVERIFY(editor.isShownInPart());
        QCOMPARE(editor.text(), text);
        QVERIFY(editor.edit()->toPlainText().size() < 40'000);
        auto* note = editor.findChild<QLabel*>("promptPart");
        QVERIFY(!note->isHidden() && note->text().contains("characters"));
        QTest::keyClicks(editor.edit(), "9");
        QCOMPARE(editor.text(), text);  // never changed by halves
        editor.setTask("expression");
        editor.setTask("sheet");
        QCOMPARE(editor.text(), text);  // a draft is kept whole too
        note->parentWidget()->findChild<QToolButton*>()->click();
        QVERIFY(!editor.isShownInPart());
        QTest::keyClicks(editor.edit(), "9-8");
        QCOMPARE(editor.text(), QString("9-8"));
    }

    void whatIsPastedIsBoundedToo() {
        PromptEditor editor(m_tasks, nullptr);
        QTest::keyClicks(editor.edit(), "1+");
        QApplication::clipboard()->setText("2+3");
        editor.edit()->paste();
        QCOMPARE(editor.text(), QString("1+2+3"));
        QVERIFY(!editor.isShownInPart());
        QApplication::clipboard()->setText(QString(1 << 20, '4'));
        editor.edit()->paste();
        QVERIFY(editor.isShownInPart());
        QCOMPARE(editor.text(), "1+2+3" + QString(1 << 20, '4'));
    }

    /// An override would let "1+2" stand for another text.
    void charactersThatHideAreShown() {
        PromptEditor editor(m_tasks, nullptr);
        const QString text = QStringLiteral("1+\u202e2\u0007");
        editor.offer("expression", text);
        QCOMPARE(editor.text(), text);
        QCOMPARE(editor.edit()->toPlainText(), QStringLiteral("1+\u2039U+202E\u203a2\u2039U+0007\u203a"));
    }
};

QTEST_MAIN(TestPromptEditor)
#include "tst_prompt_editor.moc"
