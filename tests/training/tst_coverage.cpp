// The generators cover the space that the limits promise, and stay inside it; and a cell that is empty is seen.
#include <QtTest>

#include "engine/tasks/expression.h"
#include "engine/tasks/expression_tree.h"
#include "engine/tasks/sheet.h"
#include "engine/training/cells.h"
#include "engine/training/coverage.h"

using namespace spanscope;

namespace {

TaskCard limits() {
    TaskCard card;
    card.maxOperators = 24;
    card.maxLines = 100;
    card.maxValue = 9999;
    card.maxFactor = 99;
    return card;
}

}  // namespace

class TestCoverage : public QObject {
    Q_OBJECT

  private slots:
    void noCellIsEmpty_data() {
        QTest::addColumn<QString>("task");
        QTest::addColumn<int>("count");
        QTest::newRow("expression") << "expression" << 8000;
        QTest::newRow("sheet") << "sheet" << 3000;
    }
    void noCellIsEmpty() {
        QFETCH(QString, task);
        QFETCH(int, count);
        const auto source = task == "sheet" ? makeSheetSource({1, 100}, {0, 0}, 5) : makeExpressionSource({1, 24}, 5);
        ArithmeticCoverage coverage(task.toStdString());
        QVERIFY(coverage.cells().size() > 150);
        QCOMPARE(coverage.empty().size(), coverage.cells().size());
        for (int i = 0; i < count; ++i) coverage.add(**source->next());
        QVERIFY2(coverage.empty().empty(), coverage.toText().c_str());
    }

    void anEmptyCellIsSeen() {
        // What the training data once was: nothing but small random trees, without equal numbers.
        ArithmeticCoverage coverage("expression");
        const auto source = makeExpressionSource({1, 8}, 5, {"right", {1, 2}});
        for (int i = 0; i < 4000; ++i) coverage.add(**source->next());
        const auto empty = coverage.empty();
        for (const char* cell : {"left, 5-9 operators, 2 digits", "right, 17-24 operators, 2 digits",
                                 "own label: 2 digits", "1 operator, 4 digits"})
            QVERIFY2(std::find(empty.begin(), empty.end(), cell) != empty.end(), cell);
        QVERIFY(coverage.cells().at("right, 5-9 operators, 2 digits") > 100);
        QVERIFY(coverage.toText().find("empty: ") != std::string::npos);
    }

    void everyCellIsInsideTheLimits() {
        const TaskCard card = limits();
        int nCells = 0;
        for (const char* task : {"expression", "sheet"}) {
            for (const ProblemCell& cell : arithmeticCells(task, 24, 100)) {
                ++nCells;
                const auto source = makeCellSource(cell, 11);
                QVERIFY(source);
                for (int i = 0; i < (cell.isLong ? 5 : 40); ++i) {
                    const TaskExample e = **source->next();
                    const auto prompt = findTask(task)->format(e.typed, &card);
                    QVERIFY2(prompt.ok(), e.typed.c_str());
                    QCOMPARE(prompt->text, e.prompt);  // what is typed is read back as the same problem
                    QVERIFY2(prompt->warning.empty(), (e.typed + ": " + prompt->warning).c_str());
                    const auto tree = cell.task == "expression" ? parseExpression(e.typed, false)
                                                                : Result<ExpressionTree>(ExpressionTree{});
                    const auto sheet = cell.task == "sheet" ? parseSheet(e.typed) : Result<Sheet>(Sheet{});
                    const auto size = cell.task == "sheet" ? static_cast<int32_t>(sheet->size()) : tree->nOperators;
                    QVERIFY2(size >= cell.size.min && size <= cell.size.max, e.typed.c_str());
                }
            }
        }
        QVERIFY(nCells > 100);
        QVERIFY(arithmeticCells("news", 24, 100).empty());
        for (const ProblemCell& cell : arithmeticCells("expression", 7, 0))
            QVERIFY(cell.size.max <= 7);  // a model with smaller limits
    }

    void shapesAreWhatTheySay() {
        for (const char* shape : {"left", "right", "comb", "balanced", "flat"}) {
            ArithmeticCoverage coverage("expression");
            const auto source = makeExpressionSource({5, 9}, 3, {shape, {2, 2}});
            for (int i = 0; i < 200; ++i) coverage.add(**source->next());
            int64_t n = 0;
            for (const auto& [cell, count] : coverage.cells())
                if (cell.starts_with(std::string(shape) + ", 5-9")) n += count;
            QVERIFY2(n >= 120, shape);  // a -(...) now and then is an operator beside the shape
        }
        QVERIFY(!makeExpressionSource({1, 2}, 1, {"round", {1, 4}}));
        QVERIFY(!makeSheetSource({1, 2}, {0, 0}, 1, {"left", {1, 4}}));
        QVERIFY(!makeSheetSource({1, 20}, {1, 5}, 1, {"typed", {1, 4}}));
    }

    void typedTextHasNoNeedlessParentheses() {
        for (const char* typed : {"1+2*3-4", "1-(2-3)", "(1+2)*3", "2*(3*4)", "-(1+2)*3", "5--(3*4)", "-5*-3",
                                  "1-(2+3*(4-5))", "$1*($2-3)"}) {
            const auto tree = parseExpression(typed, true);
            QVERIFY(tree.ok());
            QCOMPARE(printTyped(*tree), std::string(typed));
        }
    }
};

QTEST_GUILESS_MAIN(TestCoverage)
#include "tst_coverage.moc"
