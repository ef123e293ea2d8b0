// Exact integers: small ones against the machine's, long ones against laws and values that are known.
#include <QtTest>
#include <random>

#include "engine/reading/whole_number.h"

using namespace spanscope;

class TestWholeNumber : public QObject {
    Q_OBJECT
  private slots:
    void asTheMachineWhereItFits() {
        std::mt19937_64 random(5);
        for (int i = 0; i < 20'000; ++i) {
            const int bits = int(random() % 62);
            const auto draw = [&] { return int64_t(random() >> (64 - 1 - bits / 2)) * (random() % 2 ? 1 : -1); };
            const int64_t a = i < 9 ? i / 3 - 1 : draw(), b = i < 9 ? i % 3 - 1 : draw();
            QCOMPARE(apply(WholeNumber(a), '+', WholeNumber(b))->text(), std::to_string(a + b));
            QCOMPARE(apply(WholeNumber(a), '-', WholeNumber(b))->text(), std::to_string(a - b));
            QCOMPARE(apply(WholeNumber(a), '*', WholeNumber(b))->text(), std::to_string(a * b));
            QVERIFY(*WholeNumber::parse(std::to_string(a)) == WholeNumber(a));
        }
        QCOMPARE(WholeNumber(INT64_MIN).text(), std::to_string(INT64_MIN));
    }

    void longOnes() {
        WholeNumber f(1);
        for (int i = 2; i <= 30; ++i) f = *apply(f, '*', WholeNumber(i));
        QCOMPARE(f.text(), std::string("265252859812191058636308480000000"));
        const auto big = *WholeNumber::parse("1" + std::string(99, '0'));
        QCOMPARE(apply(big, '-', WholeNumber(1))->text(), std::string(99, '9'));
        QCOMPARE(apply(*WholeNumber::parse(std::string(99, '9')), '+', WholeNumber(1))->text(), big.text());
        std::mt19937 random(9);
        for (int i = 0; i < 500; ++i) {
            const auto draw = [&] {
                std::string s = random() % 2 ? "-" : "";
                s += char('1' + random() % 9);
                for (unsigned n = random() % 60; n > 0; --n) s += char('0' + random() % 10);
                return *WholeNumber::parse(s);
            };
            const WholeNumber a = draw(), b = draw(), c = draw();
            QVERIFY(apply(*apply(a, '+', b), '*', c) == apply(*apply(a, '*', c), '+', *apply(b, '*', c)));
            QVERIFY(apply(*apply(a, '-', b), '+', b) == a);
        }
    }

    void limitsAndNonsense() {
        for (const char* bad : {"", "-", "+1", "1 ", "0x1", "1.0", "\xd9\xa1"}) QVERIFY(!WholeNumber::parse(bad));
        QCOMPARE(WholeNumber::parse("-000")->text(), std::string("0"));
        QVERIFY(!WholeNumber::parse("-0")->isNegative());
        QVERIFY(WholeNumber::parse(std::string(200, '9')));
        QVERIFY(!WholeNumber::parse(std::string(201, '9')));
        QVERIFY(!apply(*WholeNumber::parse(std::string(200, '9')), '+', WholeNumber(1)));
        QVERIFY(!apply(WholeNumber(1), '/', WholeNumber(1)));
    }
};

QTEST_GUILESS_MAIN(TestWholeNumber)
#include "tst_whole_number.moc"
