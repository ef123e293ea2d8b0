// Lines of a dataset, read back and encoded, equal those that were encoded at once; bad lines are refused by name.
#include <QtTest>

#include <fstream>

#include "engine/tasks/task.h"
#include "engine/training/example.h"

using namespace spanscope;

namespace {

std::string write(const QTemporaryDir& folder, const std::string& text) {
    const std::string path = folder.filePath("lines.jsonl").toStdString();
    std::ofstream(path, std::ios::binary) << text;
    return path;
}

}  // namespace

class TestRecorded : public QObject {
    Q_OBJECT

  private slots:
    void readBackEqualsWrittenAtOnce() {
        auto tokenizer = loadSentencePiece(SPANSCOPE_SOURCE_DIR "/resources/models/arith/tokenizer.model");
        QVERIFY(tokenizer.ok());
        const auto sources = {makeExpressionSource({1, 12}, 3), makeSheetSource({1, 20}, {0, 0}, 4),
                              makeSheetSource({10, 60}, {2, 9}, 5)};
        QTemporaryDir folder;
        std::string text;
        std::vector<std::string> expected;
        int windows = 0;
        int untaught = 0;
        for (const auto& source : sources) {
            for (int i = 0; i < 50; ++i) {
                auto example = source->next();
                QVERIFY(example.ok() && *example);
                const SpanPolicy policy = findTask((*example)->task)->defaultPolicy();
                text += *exampleToJson(**example, policy, nullptr) + (i % 2 ? "\n" : "\r\n\n");
                expected.push_back(*exampleToJson(**example, policy, tokenizer->get()));
                windows += !(*example)->complete;
                untaught += (*example)->noLossBytes > 0;
            }
        }
        QVERIFY(windows > 10 && untaught > 10);
        text.pop_back();  // a last line without its newline counts
        auto reader = openRecordedExamples(write(folder, text));
        QVERIFY(reader.ok());
        for (const std::string& line : expected) {
            auto example = (*reader)->next();
            QVERIFY2(example.ok(), example.ok() ? "" : example.error().toString().c_str());
            QVERIFY(*example && (*example)->policy);
            QCOMPARE(*exampleToJson(**example, *(*example)->policy, tokenizer->get()), line);
        }
        auto end = (*reader)->next();
        QVERIFY(end.ok() && !*end);
    }

    void plainExamplesKeepTheTextAndLoseTheTags() {
        auto loaded = loadSentencePiece(SPANSCOPE_SOURCE_DIR "/resources/models/arith/tokenizer.model");
        QVERIFY(loaded.ok());
        const Tokenizer& tokenizer = **loaded;
        const auto sources = {makeExpressionSource({1, 12}, 3), makeSheetSource({2, 20}, {0, 0}, 4),
                              makeSheetSource({10, 60}, {2, 9}, 5)};
        QTemporaryDir folder;
        int untaught = 0;
        for (const auto& source : sources) {
            for (int i = 0; i < 30; ++i) {
                auto example = source->next();
                QVERIFY(example.ok() && *example);
                const TaskExample& declared = **example;
                const TaskExample plain = plainExample(declared);
                QVERIFY(!plain.declared);
                // The same text, a second way: with the tags cut out by a regular expression.
                QString expected = QString::fromStdString(declared.response);
                expected.remove(QRegularExpression("<attend>.*?</attend>|<global>|<local>"));
                QCOMPARE(QString::fromStdString(plain.response), expected);
                QCOMPARE(plain.prompt, declared.prompt);
                const Task& task = *findTask(declared.task);
                if (declared.complete) QCOMPARE(task.answer(plain.response), task.answer(declared.response));
                untaught += plain.noLossBytes > 0;
                QVERIFY(plain.noLossBytes <= plain.response.size());
                QVERIFY((plain.noLossBytes > 0) == (declared.noLossBytes > 0));

                const auto line = exampleToJson(plain, task.defaultPolicy(), &tokenizer);
                QVERIFY(line.ok());
                const QJsonObject object = QJsonDocument::fromJson(QByteArray::fromStdString(*line)).object();
                QCOMPARE(object["declared"], false);
                QCOMPARE(QJsonDocument(object["views"].toArray()).toJson(QJsonDocument::Compact),
                         QByteArray("[[0,[[0,-1]]]]"));
                const QJsonArray ids = object["ids"].toArray(), breaks = object["breaks"].toArray();
                QVERIFY(!breaks.isEmpty());
                for (const QJsonValue& at : breaks) {
                    const int id = ids[at.toInt()].toInt();
                    QVERIFY(id == tokenizer.pieceIds().in || id == tokenizer.pieceIds().out);
                }
                auto reader = openRecordedExamples(write(folder, *line + "\n"));
                QVERIFY(reader.ok());
                const auto again = (*reader)->next();
                QVERIFY(again.ok() && *again);
                QCOMPARE(*exampleToJson(**again, *(*again)->policy, &tokenizer), *line);
            }
        }
        QVERIFY(untaught > 5);
    }

    void refuses_data() {
        QTest::addColumn<QByteArray>("line");
        QTest::addColumn<QString>("part");
        QTest::newRow("no JSON") << QByteArray("{\"task\":") << "line 2";
        QTest::newRow("a zero byte") << QByteArray(R"({"task":"sheet","prompt":"a","response":"b"})") + '\0' + 'x'
                                     << "line 2";
        QTest::newRow("no prompt") << QByteArray(R"({"task":"sheet","response":"b"})") << "line 2: prompt";
        QTest::newRow("empty") << QByteArray(R"({"task":"sheet","prompt":"a","response":""})") << "line 2: response";
        QTest::newRow("task") << QByteArray(R"({"task":"poem","prompt":"a","response":"b"})") << "line 2: task";
        QTest::newRow("prefill")
            << QByteArray(R"({"task":"sheet","prompt":"a","response":"b","policy":{"prefill":"all","heads":true}})")
            << "line 2: policy.prefill";
        QTest::newRow("heads") << QByteArray(
                                      R"({"task":"sheet","prompt":"a","response":"b","policy":{"prefill":"causal"}})")
                               << "line 2: policy.heads";
        QTest::newRow("bytes") << QByteArray(R"({"task":"sheet","prompt":"a","response":"b","no_loss_bytes":2})")
                               << "line 2: no_loss_bytes";
        QTest::newRow("long") << QByteArray(17 << 20, 'x') << "line 2";
    }
    void refuses() {
        QFETCH(QByteArray, line);
        QFETCH(QString, part);
        QTemporaryDir folder;
        const std::string good = R"({"task":"sheet","prompt":"a","response":"b"})";
        auto reader = openRecordedExamples(write(folder, good + "\n" + line.toStdString() + "\n"));
        QVERIFY(reader.ok());
        auto first = (*reader)->next();
        QVERIFY2(first.ok(), first.ok() ? "" : first.error().toString().c_str());
        auto second = (*reader)->next();
        QVERIFY(!second.ok());
        const QString message = QString::fromStdString(second.error().toString());
        QVERIFY2(message.contains(part) && message.contains("lines.jsonl"), qPrintable(message));
        QVERIFY(!openRecordedExamples(folder.filePath("absent").toStdString()).ok());
    }
};

QTEST_GUILESS_MAIN(TestRecorded)
#include "tst_recorded.moc"
