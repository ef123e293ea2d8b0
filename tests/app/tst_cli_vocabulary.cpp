// The command line with --vocabulary: what is refused, what the result says, what is recorded. On a tiny random model
// with a chat template, whose words are noise.
#include <QtTest>

#include "engine/trace/trace.h"
#include "tests/app/cli_process.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using namespace spanscope::test;
using Json = nlohmann::json;

class TestCliVocabulary : public CliTest {
    Q_OBJECT
    QString m_chat, m_base;

  private slots:
    void initTestCase() {
        m_chat = file("chat");
        m_base = file("base");
        TinyModelOptions options;
        options.card = false;
        QVERIFY(writeTinyModel(m_chat.toStdString(), options) && writeTinyModel(m_base.toStdString(), options));
        QVERIFY(
            writeFile(m_chat.toStdString() + "/chat_template.jinja",
                      "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
                      "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' "
                      "}}{% endif %}"));
    }

    void printsItsFile() {
        const Outcome o = run({"info", "--vocabulary", "memento"});
        QCOMPARE(o.exitCode, 0);
        QFile own(SPANSCOPE_SOURCE_DIR "/resources/vocabularies/memento.json");
        QVERIFY(own.open(QIODevice::ReadOnly));
        QCOMPARE(o.out, own.readAll());
    }

    void refused_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<int>("exitCode");
        QTest::addColumn<QString>("says");
        QVERIFY(writeFile(m_folder.file("bad.json"), "{\"vocabulary\": 1, \"name\": \"x\", \"sections\": []}"));
        QTest::newRow("no such") << QStringList{"run", "-m", m_chat, "--vocabulary", "nope", "-p", "Hi"} << 3
                                 << "expected da, memento, lightthinker, or a file";
        QTest::newRow("malformed") << QStringList{"run", "-m", m_chat, "--vocabulary", file("bad.json"), "-p", "Hi"}
                                   << 3 << "bad.json: sections: not a list of the right length";
        QTest::newRow("malformed, info") << QStringList{"info", "--vocabulary", file("bad.json")} << 3
                                         << "bad.json: sections: not a list of the right length";
        QTest::newRow("empty") << QStringList{"run", "-m", m_chat, "--vocabulary", "", "-p", "Hi"} << 2
                               << "an empty path";
        QTest::newRow("no template") << QStringList{"run",          "-m", m_base, "--task", "chat",
                                                    "--vocabulary", "da", "-p",   "Hi"}
                                     << 3 << "no chat template";
        QTest::newRow("another task") << QStringList{"run",          "-m", bundledModel(), "--task", "expression",
                                                     "--vocabulary", "da", "-p",           "1+2"}
                                      << 3 << "a vocabulary of tags is for other tasks";
    }
    void refused() {
        QFETCH(QStringList, arguments);
        QFETCH(int, exitCode);
        QFETCH(QString, says);
        if (QTest::currentDataTag() == QByteArray("another task") && !hasBundledModel()) QSKIP("no bundled model");
        const Outcome o = run(arguments);
        QVERIFY2(o.err.contains(says.toUtf8()), o.err.constData());
        QCOMPARE(o.exitCode, exitCode);
    }

    void runs() {
        const QString trace = file("da.spantrace");
        const Outcome o = run({"run", "-m", m_chat, "--vocabulary", "da", "-p", "The mill is old.\n\nIs it old?", "-n",
                               "12", "--attention", "both", "--json", "--trace", trace});
        if (o.err.contains("Jinja2")) QSKIP("no python3-jinja2");
        QVERIFY2(o.exitCode == 0, o.err.constData());
        const Json runs = o.json()["runs"];
        QCOMPARE(runs.size(), size_t{2});
        for (const Json& one : runs) {
            QCOMPARE(one["vocabulary"], "da");
            QCOMPARE(one["task"], "chat");
            QVERIFY(one["malformed"].is_object() && one["changes"].is_array());
            QCOMPARE(one["sections"][0]["name"], "chunk");
            QCOMPARE(one["sections"][0]["number"], 1);
            QVERIFY(one["sections"][0]["end"] > one["sections"][0]["begin"]);
            const auto prompt = one["formatted_prompt"].get<std::string>();
            QVERIFY(prompt.find("Chunk 1:\nThe mill is old.\n\n") != std::string::npos);
            QVERIFY(prompt.find("Question: Is it old?") != std::string::npos);
        }
        QVERIFY(o.err.contains("vocabulary da"));
        const auto recorded = readTrace(trace.toStdString());
        QVERIFY(recorded.ok() && recorded->damage.empty());
        QCOMPARE(recorded->runs.size(), size_t{2});
        QCOMPARE(recorded->runs[1]->header.vocabulary, std::string("da"));
        const Outcome info = run({"info", trace, "--json"});
        QCOMPARE(info.json()["runs"][0]["vocabulary"], "da");

        const Outcome told = run(
            {"run", "-m", m_chat, "--vocabulary", "da", "--system", "Be brief.", "-p", "Old?", "-n", "1", "--json"});
        const auto prompt = told.json()["runs"][0]["formatted_prompt"].get<std::string>();
        QVERIFY(prompt.find("Be brief.") != std::string::npos &&
                prompt.find("You answer questions") == std::string::npos);
        QCOMPARE(told.json()["runs"][0]["attention"], "declared");
    }

    /// For a model that was trained on the tags: nothing is taught.
    void textIsLeftAsItIs() {
        const Outcome o = run({"run", "-m", m_base, "--vocabulary", "memento", "-p", "Hi", "-n", "3", "--json"});
        QVERIFY2(o.exitCode == 0, o.err.constData());
        QCOMPARE(o.json()["runs"][0]["task"], "text");
        QCOMPARE(o.json()["runs"][0]["formatted_prompt"], "Hi");
    }
};

QTEST_GUILESS_MAIN(TestCliVocabulary)
#include "tst_cli_vocabulary.moc"
