// The command line in conversation: run --task chat, and chat. On tiny random models with a chat template.
#include <QtTest>

#include "engine/trace/trace.h"
#include "tests/app/cli_process.h"
#include "tests/model/tiny_model.h"
#include "ui/model/chat_file.h"

using namespace spanscope;
using namespace spanscope::test;
using Json = nlohmann::json;

class TestCliChat : public CliTest {
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

    void oneTurn() {
        const Outcome o =
            run({"run", "-m", m_chat, "--task", "chat", "--system", "Be kind.", "-p", "Hi", "-n", "5", "--json"});
        QVERIFY2(o.exitCode == 0, o.err.constData());
        const Json answer = o.json()["runs"][0];
        QCOMPARE(answer["task"], "chat");
        QCOMPARE(answer["attention"], "dense");  // there is nothing that it could declare
        QCOMPARE(answer["cache_n"], 0);
        QVERIFY(answer["prompt_n"].get<int>() > 20);
        const Outcome bare = run({"run", "-m", m_chat, "-p", "Hi", "-n", "5", "--json"});
        QCOMPARE(bare.json()["runs"][0]["task"], "chat");  // what a model with a template is for
        QVERIFY(bare.json()["runs"][0]["prompt_n"] < answer["prompt_n"]);
        const Json text = run({"run", "-m", m_base, "-p", "Hi", "-n", "5", "--json"}).json()["runs"];
        QCOMPARE(text.size(), size_t{1});
        QCOMPARE(text[0]["task"], "text");
        QCOMPARE(text[0]["attention"], "dense");
    }

    void refused_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<int>("exitCode");
        QTest::addColumn<QString>("says");
        QTest::newRow("no template") << QStringList{"run", "-m", m_base, "--task", "chat", "-p", "Hi"} << 3
                                     << "no chat template";
        QTest::newRow("chat without") << QStringList{"chat", m_base} << 3 << "no chat template";
        QTest::newRow("chat with nothing") << QStringList{"chat"} << 2 << "chat MODEL";
        QTest::newRow("two attentions") << QStringList{"chat", m_chat, "--attention", "both"} << 2 << "--attention";
        QTest::newRow("system for text") << QStringList{"run",      "-m", m_chat, "--task", "text",
                                                        "--system", "x",  "-p",   "Hi"}
                                         << 2 << "--system is for --task chat";
        QTest::newRow("sheet without a card") << QStringList{"run", "-m", m_chat, "--task", "sheet", "-p", "1+2"} << 3
                                              << "not trained for the span protocol";
        QTest::newRow("blank") << QStringList{"run", "-m", m_chat, "-p", "  "} << 2 << "empty";
    }
    void refused() {
        QFETCH(QStringList, arguments);
        QFETCH(int, exitCode);
        QFETCH(QString, says);
        const Outcome o = run(arguments);
        QVERIFY2(o.exitCode == exitCode, o.err.constData());
        QVERIFY2(o.err.contains(says.toUtf8()), o.err.constData());
        QVERIFY(o.out.isEmpty());
    }

    void aConversation() {
        const QByteArray input =
            "Hello\r\n\nAnd now?\n/again\n/edit What then?\n/back\n/back\nfrom the start\n//slash\n/quit\nnot read\n";
        const QStringList common{"chat", m_chat, "-n", "6", "-c", "1024", "--temp", "2", "-s", "5", "--system", "S"};
        const Outcome o = run(common + QStringList{"--json", "--trace", file("chat.spantrace")}, input);
        QVERIFY2(o.exitCode == 0, o.err.constData());
        const Json result = o.json();
        QCOMPARE(result["system"], "S");
        QVERIFY(!result.contains("error"));
        const Json& turns = result["turns"];
        std::vector<std::string> questions;
        std::vector<int> parents;
        for (const Json& turn : turns) {
            parents.push_back(turn["parent"]);
            if (turn["role"] == "user") questions.push_back(turn["text"]);
        }
        QCOMPARE(questions, (std::vector<std::string>{"Hello", "And now?", "What then?", "from the start", "/slash"}));
        QCOMPARE(parents, (std::vector<int>{-1, 0, 1, 2, 2, 1, 5, -1, 7, 8, 9}));
        QCOMPARE(result["tip"], 10);
        const auto figure = [&](size_t turn, const char* name) { return turns[turn]["run"][name].get<int>(); };
        QCOMPARE(figure(1, "cache_n"), 0);
        const int held = figure(1, "prompt_n") + int(turns[1]["run"]["tokens"].size());
        QCOMPARE(figure(3, "cache_n"), held);
        QVERIFY(figure(3, "prompt_n") > 0);
        QCOMPARE(figure(4, "prompt_n"), 1);  // the same question again: all but its last token is there
        QVERIFY(figure(6, "cache_n") >= held);
        QVERIFY(turns[3]["text"] != turns[4]["text"]);

        // The window opens what this printed.
        QVERIFY(writeFile(m_folder.file("chat.json"), o.out.toStdString()));
        const auto opened = readChatFile(file("chat.json"));
        QVERIFY2(opened.ok(), opened ? "" : opened.error().toString().c_str());
        QCOMPARE(opened->turns.size(), qsizetype(turns.size()));
        QCOMPARE(opened->tip, 10);
        QCOMPARE(opened->systemText, QString("S"));
        for (size_t i = 0; i < turns.size(); ++i) {
            const ChatTurnInfo& turn = opened->turns[qsizetype(i)];
            QCOMPARE(turn.text.toStdString(), turns[i]["text"].get<std::string>());
            QCOMPARE(turn.parent, turns[i]["parent"].get<int>());
            if (turn.isQuestion) continue;
            QCOMPARE(turn.readTokens, figure(i, "prompt_n"));
            QCOMPARE(turn.nTokens, figure(i, "predicted_n"));
            QCOMPARE(turn.attention, QString("dense"));
            QCOMPARE(turn.modelName.toStdString(), result["model"].get<std::string>());
        }

        const auto recorded = readTrace(m_folder.file("chat.spantrace"));
        QVERIFY(recorded.ok());
        QCOMPARE(recorded->damage, std::string());
        QCOMPARE(recorded->runs.size(), size_t{6});
        QCOMPARE(recorded->runs[1]->stats.keptTokens, held);
        QCOMPARE(recorded->runs[1]->header.settings.systemText, std::string("S"));
        QCOMPARE(recorded->runs[1]->header.settings.promptText, std::string("And now?"));
        QVERIFY(recorded->runs[1]->header.formattedPrompt.starts_with("<|im_start|>system\nS<|im_end|>\n"));

        const Outcome plain = run(common + QStringList{"-q"}, "Hello\nAnd now?\n");
        QCOMPARE(plain.exitCode, 0);
        std::string answers;
        for (const size_t i : {1, 3}) answers += turns[i]["text"].get<std::string>() + "\n";
        QVERIFY(plain.err.isEmpty());
        QCOMPARE(plain.out, QByteArray::fromStdString(answers));
    }

    void whatIsWrongEndsAScript() {
        const Outcome o = run({"chat", m_chat, "-n", "3", "-c", "256", "--json"}, "Hello\n/fly\nmore\n");
        QCOMPARE(o.exitCode, 2);
        QVERIFY(o.err.contains("/fly") && o.err.contains("/again"));
        QCOMPARE(o.json()["turns"].size(), size_t{2});  // what was answered until then
        QVERIFY(o.json().contains("error"));
        const Outcome full = run({"chat", m_chat, "-n", "3", "-c", "64", "-q"}, QByteArray(500, 'x') + "\n");
        QCOMPARE(full.exitCode, 2);
        QVERIFY2(full.err.contains("64"), full.err.constData());
        for (const char* first : {"/again\n", "/back\n", "/edit x\n"}) {
            const Outcome none = run({"chat", m_chat, "-q"}, first);
            QVERIFY2(none.exitCode == 2, none.err.constData());
        }
        QCOMPARE(run({"chat", m_chat, "-q"}).exitCode, 0);  // nothing asked
    }

    /// enable_thinking of templates that read it.
    void thinking() {
        const QString path = file("thinking");
        TinyModelOptions options;
        options.card = false;
        QVERIFY(writeTinyModel(path.toStdString(), options));
        QVERIFY(writeFile(path.toStdString() + "/chat_template.jinja",
                          "{% for message in messages %}<|im_start|>{{ message['role'] }}:{{ message['content'] }}"
                          "<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant:"
                          "{% if not enable_thinking %}<think></think>{% endif %}{% endif %}"));
        QVERIFY(run({"info", m_chat, "--json"}).json()["chat"]["thinking"].is_null());
        const Json info = run({"info", path, "--json"}).json()["chat"];
        if (info["thinking"].is_null()) QSKIP("no python3-jinja2");
        QCOMPARE(info["thinking"], false);  // not told, this one does not
        const auto promptOf = [&](const QStringList& more) {
            const Outcome o =
                run(QStringList{"run", "-m", path, "-p", "Hi", "-n", "3", "-q", "--trace", file("thinking.spantrace")} +
                    more);
            const auto recorded = readTrace(m_folder.file("thinking.spantrace"));
            if (o.exitCode != 0 || !recorded) return std::string(o.err.toStdString());
            const RunHeader& h = recorded->runs[0]->header;
            return h.formattedPrompt + (h.settings.thinking ? *h.settings.thinking ? " on" : " off" : "");
        };
        const std::string question = "<|im_start|>user:Hi<|im_end|><|im_start|>assistant:";
        QCOMPARE(promptOf({}), question + "<think></think>");
        QCOMPARE(promptOf({"--thinking", "on"}), question + " on");
        QCOMPARE(promptOf({"--thinking", "off"}), question + "<think></think> off");
        const Outcome talk = run({"chat", path, "-n", "3", "-c", "256", "-q", "--json", "--thinking", "on"}, "Hi\n");
        QCOMPARE(talk.exitCode, 0);
        QCOMPARE(talk.json()["thinking"], true);
        for (const QStringList& arguments :
             {QStringList{"run", "-m", m_chat, "-p", "Hi", "--thinking", "on"},
              QStringList{"chat", m_chat, "--thinking", "off"},
              QStringList{"run", "-m", path, "--task", "text", "-p", "Hi", "--thinking", "on"},
              QStringList{"chat", path, "--thinking", "maybe"}}) {
            const Outcome o = run(arguments);
            QVERIFY2(o.exitCode == 2 && o.err.contains("--thinking"), o.err.constData());
        }
    }

    void infoNamesTheTemplate() {
        const Json chat = run({"info", m_chat, "--json"}).json()["chat"];
        QCOMPARE(chat["format"], "ChatML");
        QCOMPARE(chat["templates"], Json({"default"}));
        QVERIFY(run({"info", m_base, "--json"}).json()["chat"].is_null());
        QVERIFY(run({"info", m_chat}).out.contains("ChatML template"));
    }
};

QTEST_GUILESS_MAIN(TestCliChat)
#include "tst_cli_chat.moc"
