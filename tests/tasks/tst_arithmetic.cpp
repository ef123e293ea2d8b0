#include <QtTest>
#include <random>

#include "engine/tasks/arithmetic.h"

using namespace spanscope;

namespace {

/// Reads a work string back and checks every column by itself; returns the value its digits spell, or fails.
bool checkColumns(const std::string& work, QString& why) {
    const size_t eq = work.find('=');
    if (eq == std::string::npos || eq < 2) return why = "no =", false;
    const char mode = work[1];
    size_t i = 2;
    bool adding = mode == '+';
    bool multiplying = mode == '*';
    int carry = 0;
    while (i < eq) {
        if (work[i] == '*') { multiplying = true; adding = false; carry = 0; ++i; continue; }
        if (work[i] == '+') { adding = true; multiplying = false; carry = 0; ++i; continue; }
        if (i + 4 > eq) return why = "cut column", false;
        const int x = work[i] - '0', y = work[i + 1] - '0', r = work[i + 2] - '0', c = work[i + 3] - '0';
        if (multiplying) {
            if (x * y + carry != r + 10 * c) return why = "product column", false;
        } else if (adding) {
            if (x + y + carry != r + 10 * c) return why = "sum column", false;
        } else {
            if (x - y - carry != r - 10 * c) return why = "difference column", false;
        }
        carry = c;
        i += 4;
    }
    return true;
}

}  // namespace

class TestArithmetic : public QObject {
    Q_OBJECT
  private slots:
    void examples_data() {
        QTest::addColumn<int>("a");
        QTest::addColumn<char>("op");
        QTest::addColumn<int>("b");
        QTest::addColumn<QString>("work");
        // the first five stand in the protocol document
        QTest::newRow("12+7") << 12 << '+' << 7 << "++27901010=19";
        QTest::newRow("3-8") << 3 << '-' << 8 << "--8350=-5";
        QTest::newRow("19*-5") << 19 << '*' << -5 << "-*95541590=-95";
        QTest::newRow("64-71") << 64 << '-' << 71 << "--14717600=-7";
        QTest::newRow("107-2362") << 107 << '-' << 2362 << "--2751605031202020=-2255";
        QTest::newRow("23*45") << 23 << '*' << 45 << "+*35512511*34212490+505012301901=1035";
        QTest::newRow("0*57") << 0 << '*' << 57 << "+*70005000=0";
        QTest::newRow("-3--3") << -3 << '-' << -3 << "+-3300=0";
        QTest::newRow("5+-5") << 5 << '+' << -5 << "+-5500=0";
        QTest::newRow("-4-6") << -4 << '-' << 6 << "-+4601=-10";
    }
    void examples() {
        QFETCH(int, a);
        QFETCH(char, op);
        QFETCH(int, b);
        QFETCH(QString, work);
        QCOMPARE(QString::fromStdString(writeWork(a, op, b)), work);
    }

    void everyColumnIsRight() {
        std::mt19937_64 random(3);
        const char ops[] = {'+', '-', '*'};
        for (int round = 0; round < 100'000; ++round) {
            const int64_t span = round % 2 ? 100 : 100'000;
            const int64_t a = static_cast<int64_t>(random() % static_cast<uint64_t>(2 * span)) - span;
            const int64_t b = static_cast<int64_t>(random() % static_cast<uint64_t>(2 * span)) - span;
            const char op = ops[random() % 3];
            const std::string work = writeWork(a, op, b);
            QString why;
            QVERIFY2(checkColumns(work, why), qPrintable(QString::fromStdString(work) + ": " + why));
            const int64_t value = op == '+' ? a + b : op == '-' ? a - b : a * b;
            QCOMPARE(std::stoll(work.substr(work.find('=') + 1)), value);
            QCOMPARE(work[0], value < 0 ? '-' : '+');
        }
    }

    void overflowIsSeen() {
        QVERIFY(!applyOperator(INT64_MAX, '+', 1));
        QVERIFY(!applyOperator(INT64_MIN, '-', 1));
        QVERIFY(!applyOperator(INT64_MAX, '*', 2));
        QVERIFY(!applyOperator(1, '/', 2));
        QCOMPARE(*applyOperator(-7, '*', 3), int64_t(-21));
    }
};

QTEST_GUILESS_MAIN(TestArithmetic)
#include "tst_arithmetic.moc"
