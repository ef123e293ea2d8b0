#include <QtTest>

#include "engine/tasks/arithmetic.h"
#include "engine/tasks/expression.h"

using namespace spanscope;

class TestExpression : public QObject {
    Q_OBJECT
  private slots:
    void formats_data() {
        QTest::addColumn<QString>("typed");
        QTest::addColumn<QString>("prompt");
        QTest::newRow("protocol") << "(12+7)*(3-8)"
                                  << "(12@1+7)@3*(3@2-8)\n";
        QTest::newRow("precedence") << "1+2*3"
                                    << "1@2+(2@1*3)\n";
        QTest::newRow("left to right") << "1-2-3"
                                       << "(1@1-2)@2-3\n";
        QTest::newRow("spaces") << "  1 +  2 "
                                << "1@1+2\n";
        QTest::newRow("unicode signs") << QString::fromUtf8("7 \u2212 2 \u00d7 3") << "7@2-(2@1*3)\n";
        QTest::newRow("unary minus, literal") << "-5+3*-2"
                                              << "-5@2+(3@1*-2)\n";
        QTest::newRow("unary minus, group") << "-(1+2)"
                                            << "0@2-(1@1+2)\n";
        QTest::newRow("double minus") << "--4+1"
                                      << "4@1+1\n";
        QTest::newRow("lone number") << "42"
                                     << "42@1+0\n";
        QTest::newRow("in the order of working") << "1-(2-(3-4))*5-6"
                                                 << "(1@4-((2@2-(3@1-4))@3*5))@5-6\n";
        QTest::newRow("leading zeros") << "007+0010"
                                       << "7@1+10\n";
        QTest::newRow("minus in parentheses") << "(-7)*(-(-3))"
                                              << "-7@1*3\n";
        QTest::newRow("minus of a minus") << "-(-(1+2))"
                                          << "0@3-(0@2-(1@1+2))\n";
        QTest::newRow("a number deep in parentheses") << "((((42))))-(((1)))"
                                                      << "42@1-1\n";
        QTest::newRow("superfluous parentheses") << "((1+2))"
                                                 << "1@1+2\n";
    }
    void formats() {
        QFETCH(QString, typed);
        QFETCH(QString, prompt);
        auto p = expressionTask().format(typed.toStdString(), nullptr);
        QVERIFY2(p.ok(), p.ok() ? "" : p.error().toString().c_str());
        QCOMPARE(QString::fromStdString(p->text), prompt);
    }

    void refuses_data() {
        QTest::addColumn<QString>("typed");
        QTest::addColumn<QString>("message");
        QTest::newRow("empty") << ""
                               << "column 1: nothing to calculate";
        QTest::newRow("letter") << "1+x"
                                << "column 3: only whole numbers, +, -, *, parentheses and spaces can stand here";
        QTest::newRow("division") << "6/2"
                                  << "column 2: division is not supported; use +, - or *";
        QTest::newRow("decimal") << "1.5+2"
                                 << "column 2: only whole numbers are supported";
        QTest::newRow("open") << "2*(3+4"
                              << "column 3: this ( is never closed";
        QTest::newRow("close") << "2+3)"
                               << "column 4: this ) has no (";
        QTest::newRow("two numbers") << "2 3"
                                     << "column 3: expected an operator here";
        QTest::newRow("missing operand") << "2+"
                                         << "column 3: a number is missing at the end";
        QTest::newRow("after a wide character")
            << QString::fromUtf8("1\u00d7\u00d7") << "column 3: expected a number or (";
        QTest::newRow("special piece")
            << "<attend>1"
            << "column 1: only whole numbers, +, -, *, parentheses and spaces can stand here";
        QTest::newRow("line") << "$1+2"
                              << "column 1: $ names a line of a sheet; an expression has no lines";
        QTest::newRow("huge number") << "12345678901234567890+1"
                                     << "column 1: the number is too large";
        QTest::newRow("deep") << QString(5000, '(') + "1"
                              << "column 202: nested too deeply";
    }
    void refuses() {
        QFETCH(QString, typed);
        QFETCH(QString, message);
        auto p = expressionTask().format(typed.toStdString(), nullptr);
        QVERIFY(!p.ok());
        QCOMPARE(QString::fromStdString(p.error().toString()), message);
    }

    void answersAreTheLastValue() {
        QCOMPARE(expressionTask().answer("<out>1<:><attend></attend>3-8<local>-38-8350=-5\n"), std::string("-5"));
        QCOMPARE(expressionTask().answer("no value"), std::string());
    }

    void warnsOutsideTheTrainedRange() {
        TaskCard card;
        card.maxOperators = 2;
        card.maxValue = 9999;
        card.maxFactor = 99;
        QVERIFY(expressionTask().format("1+2*3", &card)->warning.empty());
        QVERIFY(expressionTask().format("1+2*3-4", &card)->warning.find("3 operators") != std::string::npos);
        QVERIFY(expressionTask().format("9999+1", &card)->warning.find("10000") != std::string::npos);
        // A number that is too large itself is named, whatever the intermediate results.
        for (const char* typed : {"123456789*0", "1-123456789", "-123456789+1", "999999999999*999999999999*123456789"})
            QVERIFY2(expressionTask()
                             .format(typed, &card)
                             ->warning.find(std::string(typed).starts_with("99")
                                                ? "The number 999999999999 is beyond 9999"
                                                : "The number 123456789 is beyond 9999") != std::string::npos,
                     typed);
        QVERIFY(expressionTask().format("-9999-0", &card)->warning.empty());
        // The smallest number there is has no counterpart to compare with.
        TaskCard wide = card;
        wide.maxValue = 100'000;
        const auto smallest = expressionTask().format("(0-65536*65536)*(65536*32768)", &wide);
        QVERIFY(smallest.ok());
        QVERIFY2(smallest->warning.find("9223372036854775807") != std::string::npos, smallest->warning.c_str());
        QVERIFY(expressionTask().format("100*-12", &card)->warning.empty());
        QVERIFY(expressionTask().format("100*-90", &card)->warning.empty());
    }

    void theExactAnswerIsKnownBeforeTheRun() {
        for (const auto& [typed, value] : {std::pair{"2541-2541", "0"},
                                           {"9999+9999", "19998"},
                                           {"123456789*987654321", "121932631112635269"},
                                           {"999999999999*999999999999", "999999999998000000000001"},
                                           {"-(1-3)*-7", "-14"}}) {
            const auto p = expressionTask().format(typed, nullptr);
            QVERIFY(p.ok());
            QCOMPARE(p->exactAnswer, std::string(value));
            QVERIFY(p->uncheckable.empty());
        }
        std::string typed = "999999999999";
        for (int i = 0; i < 20; ++i) typed += "*999999999999";
        const auto beyond = expressionTask().format(typed, nullptr);
        QVERIFY(beyond->exactAnswer.empty());
        QCOMPARE(beyond->uncheckable, std::string("an intermediate result has more than 200 digits"));
    }

    void longChainsDoNotOverflowTheStack() {
        std::string typed = "1";
        for (int i = 0; i < 20'000; ++i) typed += i % 2 ? "-1" : "+1";
        const auto p = expressionTask().format(typed, nullptr);
        QVERIFY(p.ok());
        QCOMPARE(p->exactAnswer, std::string("1"));
    }

    void overflowIsSeen() {
        QVERIFY(!applyOperator(INT64_MAX, '+', 1));
        QVERIFY(!applyOperator(INT64_MIN, '-', 1));
        QVERIFY(!applyOperator(INT64_MAX, '*', 2));
        QVERIFY(!applyOperator(1, '/', 2));
        QCOMPARE(*applyOperator(-7, '*', 3), int64_t(-21));
    }
};

QTEST_GUILESS_MAIN(TestExpression)
#include "tst_expression.moc"
