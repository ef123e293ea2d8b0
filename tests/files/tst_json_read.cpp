#include <QtTest>

#include "engine/files/json_read.h"
#include "tests/costs.h"

using namespace spanscope;

class TestJsonRead : public QObject {
    Q_OBJECT
  private slots:
    void readsWhatTheLibraryReads_data() {
        QTest::addColumn<QByteArray>("text");
        for (const char* text :
             {"null", "-1", "18446744073709551615", "1.5e3", "\"a\\u00e9\\n\"", "[]", "{}", "[[],[{}],{\"a\":[1,2]}]",
              "{\"a\":{\"a\":1},\"b\":[{\"a\":2},{\"a\":3}]}", " [ 1 , 2 ] ", "{\"\":0}"})
            QTest::newRow(text) << QByteArray(text);
    }
    void readsWhatTheLibraryReads() {
        QFETCH(QByteArray, text);
        JsonProblem problem;
        const auto value = readJson(text.toStdString(), problem);
        QVERIFY2(value, problem.message.c_str());
        QVERIFY(*value == nlohmann::json::parse(text.toStdString()));
        QVERIFY(problem.message.empty());
    }

    void refuses_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("message");
        QTest::addColumn<int>("byte");
        const auto row = [](const char* title, QByteArray text, const char* message, int byte) {
            QTest::newRow(title) << text << QByteArray(message) << byte;
        };
        row("empty", "", "not valid JSON", 0);
        row("cut", "{\"a\":", "not valid JSON", 5);
        row("behind it", "{} x", "not valid JSON", 3);
        row("twice", "{\"a\":1,\"b\":2,\"a\":3}", "key given twice", 0);
        row("twice inside", "[{\"x\":[{\"a\":1,\"a\":1}]}]", "key given twice", 0);
        row("NUL", QByteArray("{}\0x", 4), "a NUL byte, which no JSON text has", 2);
        row("too deep", QByteArray(65, '['), "nested deeper than 64 levels", 0);
        row("too deep, objects", QByteArray("{\"a\":").repeated(65), "nested deeper than 64 levels", 0);
        row("not UTF-8", "\"\xFF\"", "not valid JSON", 1);
        row("number beyond double", "1e999", "not valid JSON", 4);
    }
    void refuses() {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, message);
        QFETCH(int, byte);
        JsonProblem problem;
        QVERIFY(!readJson(text.toStdString(), problem));
        QCOMPARE(problem.message, message.toStdString());
        QCOMPARE(static_cast<int>(problem.byte), byte);
        if (message.contains("twice")) QCOMPARE(problem.key, std::string("a"));
    }

    void countsValues() {
        JsonProblem problem;
        QVERIFY(readJson("[1,2,3]", problem, {64, 4}));
        QVERIFY(!readJson("[1,2,3]", problem, {64, 3}));
        QCOMPARE(problem.message, std::string("more than 3 values"));
        QVERIFY(readJson("{\"a\":1}", problem, {64, 3}));  // the object, the key, the value
        QVERIFY(!readJson("{\"a\":1}", problem, {64, 2}));
    }

    /// The shapes that make a careless reader quadratic: many objects in one, many keys, long lists, one long text.
    void costsWhatTheTextIsLong_data() {
        QTest::addColumn<int>("kind");
        QTest::newRow("objects in an object") << 0;
        QTest::newRow("objects in a list") << 1;
        QTest::newRow("keys") << 2;
        QTest::newRow("numbers") << 3;
        QTest::newRow("one text") << 4;
        QTest::newRow("half nested") << 5;
    }
    void costsWhatTheTextIsLong() {
        QFETCH(int, kind);
        const auto text = [kind](size_t n) {
            std::string s;
            for (size_t i = 0; i < n; ++i) {
                if (i > 0 && kind != 4 && kind != 5) s += ',';
                const std::string k = std::to_string(i);
                if (kind == 0) s += "\"" + k + "\":{}";
                if (kind == 1) s += "{\"a\":{\"b\":{}}}";
                if (kind == 2) s += "\"" + k + "\":0";
                if (kind == 3) s += k;
                if (kind == 4) s += "abcdefgh";
                if (kind == 5) s += i < 30 ? "{\"a\":[" : i < n - 1 ? "[]," : "[]";
            }
            if (kind == 0 || kind == 2) return "{" + s + "}";
            if (kind == 4) return "\"" + s + "\"";
            if (kind != 5) return "[" + s + "]";
            for (int i = 0; i < 30; ++i) s += "]}";
            return s;
        };
        const auto read = [](const std::string& s) {
            JsonProblem problem;
            if (!readJson(s, problem)) qFatal("%s", problem.message.c_str());
        };
        const double ratio = test::growth<std::string>(20000, text, read);
        QVERIFY2(ratio < test::kLinear, qPrintable(QString::number(ratio)));
        const std::string large = text(200000);
        QVERIFY(test::fitsIn(40 * large.size() + (16 << 20), [&] { read(large); }));
    }
};

QTEST_GUILESS_MAIN(TestJsonRead)
#include "tst_json_read.moc"
