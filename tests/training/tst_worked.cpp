// Worked responses and the sources of random ones.
#include <QtTest>

#include "engine/tasks/expression.h"
#include "engine/tasks/sheet.h"
#include "engine/training/worked.h"

using namespace spanscope;

class TestWorked : public QObject {
    Q_OBJECT
  private slots:
    void worksTheProtocolsExpression() {
        auto tree = parseExpression("(12+7)*(3-8)", false);
        QVERIFY(tree.ok());
        auto e = workExpression(*tree);
        QVERIFY(e.ok());
        QCOMPARE(e->response, std::string("<out>1<:><attend></attend>12+7<local>++27901010=19\n"
                                          "<out>2<:><attend></attend>3-8<local>-38-8350=-5\n"
                                          "<out>3<:><attend><out>1<:><out>2<:></attend>19*-5<local>*-95541590=-95\n"));
        QCOMPARE(e->answer, std::string("-95"));
        QCOMPARE(expressionTask().answer(e->response), std::string("-95"));
    }

    void longChainsDoNotOverflowTheStack() {
        std::string typed = "1";
        for (int i = 0; i < 20'000; ++i) typed += i % 2 ? "-1" : "+1";
        const auto tree = parseExpression(typed, false);
        QCOMPARE(workExpression(*tree)->answer, std::string("1"));
    }

    void expressionsAreDeterministicAndInRange() {
        auto a = makeExpressionSource({1, 16}, 42);
        auto b = makeExpressionSource({1, 16}, 42);
        auto c = makeExpressionSource({1, 16}, 43);
        int nDifferent = 0;
        for (int i = 0; i < 500; ++i) {
            const TaskExample x = **a->next();
            QCOMPARE((**b->next()).prompt, x.prompt);
            nDifferent += (**c->next()).prompt != x.prompt;
            TaskCard card;
            card.maxOperators = 16;
            card.maxValue = 9999;
            card.maxFactor = 99;
            auto again = expressionTask().format(x.typed, &card);
            QVERIFY(again.ok());
            QCOMPARE(again->text, x.prompt);  // what is printed is read back as the same tree
            QCOMPARE(again->warning, std::string());
        }
        QVERIFY(nDifferent > 450);
    }

    void worksTheProtocolsSheet() {
        auto sheet = parseSheet("64-71\n$1*3");
        QVERIFY(sheet.ok());
        auto e = workSheet(*sheet, 1, 2, 2);
        QVERIFY(e.ok());
        QCOMPARE(e->prompt, std::string("sheet 2\n<in>1<:>64-71\n<in>2<:>$1*3\n"));
        QCOMPARE(e->response, std::string("<out>1<:><attend><in>1<:></attend>64-71<local>-67-14717600=-7\n"
                                          "<out>2<:><attend><in>2<:><out>1<:></attend>-7*3<local>*-7312=-21\n"));
        QCOMPARE(e->answer, std::string("-21"));
    }

    void sameLineTwiceIsDeclaredOnce() {
        auto sheet = parseSheet("6+1\n$1*$1");
        QVERIFY(workSheet(*sheet, 1, 2, 2)->response.find("<attend><in>2<:><out>1<:></attend>7*7") !=
                std::string::npos);
    }

    void windowsSayWhatCannotBeKnown() {
        auto source = makeSheetSource({1, 128}, {1, 6}, 9);
        int nCut = 0, nLate = 0;
        for (int i = 0; i < 300; ++i) {
            const TaskExample e = **source->next();
            const bool late = e.prompt.find("<in>1<:>") == std::string::npos;
            QCOMPARE(e.noLossBytes > 0, late);
            if (late) QVERIFY(e.response.substr(0, e.noLossBytes).starts_with("<out>"));
            QCOMPARE(e.complete, e.response.back() == '\n');
            nCut += !e.complete;
            nLate += late;
        }
        QVERIFY(nCut > 100 && nLate > 100);
    }

    void wholeSheetsReadBack() {
        auto source = makeSheetSource({2, 40}, {0, 0}, 10);
        for (int i = 0; i < 200; ++i) {
            const TaskExample e = **source->next();
            QCOMPARE(sheetTask().format(e.typed, nullptr)->text, e.prompt);
            QVERIFY(e.complete);
        }
    }
};

QTEST_GUILESS_MAIN(TestWorked)
#include "tst_worked.moc"
