// The problem: what is offered gives way to the first key typed, what a person typed does not.
#include <QComboBox>
#include <QPlainTextEdit>
#include <QtTest>

#include "ui/views/prompt_editor.h"

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
};

QTEST_MAIN(TestPromptEditor)
#include "test_prompt_editor.moc"
