#include <QtTest>
#include <random>

#include "engine/training/arithmetic_work.h"

using namespace spanscope;

namespace {

/// Reads a work string back and checks the comparison and every column by itself, or says what is wrong.
bool checkWork(int64_t a, int64_t b, const std::string& work, QString& why) {
    const size_t eq = work.find('='), sign = work.find_first_of("+-", 1);
    if (eq == std::string::npos || sign > eq) return why = "no = or no sign", false;
    const char mode = work[0];
    if (mode != '-' && sign != 1) return why = "a comparison where nothing is subtracted", false;
    if (mode == '-') {  // the pairs are the leading digits of both, as long as they are the same, and one pair more
        const QString x = QString::number(std::llabs(a)), y = QString::number(std::llabs(b));
        const auto width = std::max(x.size(), y.size());
        const QString left = x.rightJustified(width, '0'), right = y.rightJustified(width, '0');
        QString pairs;
        for (int k = 0; k < width; ++k) {
            pairs += left[k];
            pairs += right[k];
            if (left[k] != right[k]) break;
        }
        if (pairs.toStdString() != work.substr(1, sign - 1)) return why = "compared: " + pairs, false;
    }
    size_t i = sign + 1;
    bool adding = mode == '+';
    bool multiplying = mode == '*';
    int carry = 0;
    while (i < eq) {
        if (work[i] == '*') {
            multiplying = true;
            adding = false;
            carry = 0;
            ++i;
            continue;
        }
        if (work[i] == '+') {
            adding = true;
            multiplying = false;
            carry = 0;
            ++i;
            continue;
        }
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

class TestArithmeticWork : public QObject {
    Q_OBJECT
  private slots:
    void examples_data() {
        QTest::addColumn<int>("a");
        QTest::addColumn<char>("op");
        QTest::addColumn<int>("b");
        QTest::addColumn<QString>("work");
        // the first five stand in docs/protocol.md
        QTest::newRow("12+7") << 12 << '+' << 7 << "++27901010=19";
        QTest::newRow("3-8") << 3 << '-' << 8 << "-38-8350=-5";
        QTest::newRow("19*-5") << 19 << '*' << -5 << "*-95541590=-95";
        QTest::newRow("64-71") << 64 << '-' << 71 << "-67-14717600=-7";
        QTest::newRow("107-2362") << 107 << '-' << 2362 << "-02-2751605031202020=-2255";
        QTest::newRow("23*45") << 23 << '*' << 45 << "*+35512511*34212490+505012301901=1035";
        QTest::newRow("0*57") << 0 << '*' << 57 << "*+70005000=0";
        QTest::newRow("-3--3") << -3 << '-' << -3 << "-33+3300=0";
        QTest::newRow("5+-5") << 5 << '+' << -5 << "-55+5500=0";
        QTest::newRow("-4-6") << -4 << '-' << 6 << "+-4601=-10";
        // Equal and close numbers are compared to the digit that decides; zero is written without a sign.
        QTest::newRow("2541-2541") << 2541 << '-' << 2541 << "-22554411+1100440055002200=0";
        QTest::newRow("7245-7240") << 7245 << '-' << 7240 << "-77224450+5050440022007700=5";
        QTest::newRow("7240-7245") << 7240 << '-' << 7245 << "-77224405-5050440022007700=-5";
        QTest::newRow("0-0") << 0 << '-' << 0 << "-00+0000=0";
        QTest::newRow("0+0") << 0 << '+' << 0 << "++0000=0";
        QTest::newRow("0-7") << 0 << '-' << 7 << "-07-7070=-7";
        QTest::newRow("-7-0") << -7 << '-' << 0 << "+-7070=-7";
        QTest::newRow("-7+0") << -7 << '+' << 0 << "-70-7070=-7";
        QTest::newRow("-7*0") << -7 << '*' << 0 << "*+7000=0";
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
            int64_t b = static_cast<int64_t>(random() % static_cast<uint64_t>(2 * span)) - span;
            if (round % 5 == 0)
                b = (round % 2 ? a : -a) + static_cast<int64_t>(random() % 5) - 2;  // equal and close ones
            const char op = ops[random() % 3];
            const std::string work = writeWork(a, op, b);
            QString why;
            QVERIFY2(checkWork(a, b, work, why), qPrintable(QString::fromStdString(work) + ": " + why));
            const int64_t value = op == '+' ? a + b : op == '-' ? a - b : a * b;
            QCOMPARE(std::stoll(work.substr(work.find('=') + 1)), value);
            QCOMPARE(work[work.find_first_of("+-", 1)], value < 0 ? '-' : '+');
        }
    }
};

QTEST_GUILESS_MAIN(TestArithmeticWork)
#include "tst_arithmetic_work.moc"
