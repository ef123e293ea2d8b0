#include <QtTest>

#include "engine/tasks/sheet.h"

using namespace spanscope;

class TestSheet : public QObject {
    Q_OBJECT
  private slots:
    void lowersLongLinesAndRenumbers() {
        auto p = sheetTask().format("(12+7)*(3-8)\n\n-$1*2\n$2+$1\n9", nullptr);
        QVERIFY2(p.ok(), p.ok() ? "" : p.error().toString().c_str());
        QCOMPARE(p->text, std::string("sheet 7\n<in>1<:>12+7\n<in>2<:>3-8\n<in>3<:>$1*$2\n"
                                      "<in>4<:>0-$3\n<in>5<:>$4*2\n<in>6<:>$5+$3\n<in>7<:>9+0\n"));
    }

    void refuses_data() {
        QTest::addColumn<QString>("typed");
        QTest::addColumn<QString>("message");
        QTest::newRow("empty") << "\n \n"
                               << "line 1, column 1: nothing to calculate";
        QTest::newRow("second line") << "1+2\n3*"
                                     << "line 2, column 3: a number is missing at the end";
        QTest::newRow("after blank lines") << "1+2\n\n \n3*"
                                           << "line 4, column 3: a number is missing at the end";
        QTest::newRow("later line") << "1+$2\n3+4"
                                    << "line 1, column 3: $2 must refer to an earlier line";
        QTest::newRow("own line") << "1+1\n$2+1"
                                  << "line 2, column 1: $2 must refer to an earlier line";
        QTest::newRow("after wide signs and spaces")
            << QString::fromUtf8("7\n 2 \u00d7 ($5-1)") << "line 2, column 7: $5 must refer to an earlier line";
        QTest::newRow("no number") << "1+$"
                                   << "line 1, column 3: a line number must follow $";
    }
    void refuses() {
        QFETCH(QString, typed);
        QFETCH(QString, message);
        auto p = sheetTask().format(typed.toStdString(), nullptr);
        QVERIFY(!p.ok());
        QCOMPARE(QString::fromStdString(p.error().toString()), message);
    }

    void theExactAnswerIsTheLastLines() {
        QCOMPARE(sheetTask().format("64-71\n$1*3\n\n$2+(1-$1)", nullptr)->exactAnswer, std::string("-13"));
        QCOMPARE(sheetTask().format("999999999999*1000000\n$1*$1\n1+1", nullptr)->exactAnswer, std::string("2"));
        const auto beyond = sheetTask().format("999999999999*1000000\n$1*$1\n$2*$2\n$3*$3\n$4*$4", nullptr);
        QVERIFY(beyond->exactAnswer.empty());
        QCOMPARE(beyond->uncheckable, std::string("an intermediate result has more than 200 digits"));
    }

    void samplesAreValid() {
        TaskCard card;
        card.maxLines = 100;
        card.maxValue = 9999;
        card.maxFactor = 99;
        QVERIFY(sheetTask().samples().size() >= 6);
        for (const std::string& sample : sheetTask().samples()) {
            auto p = sheetTask().format(sample, &card);
            QVERIFY(p.ok());
            QCOMPARE(p->warning, std::string());
        }
    }
};

QTEST_GUILESS_MAIN(TestSheet)
#include "tst_sheet.moc"
