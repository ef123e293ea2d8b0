// Conversations as files: what is written comes back, and what others wrote is read with care.
#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

#include "tests/ui/sample_chat.h"
#include "ui/model/chat_file.h"

using namespace spanscope;
using sample::answer;
using sample::question;

namespace {
QString fileOf(const QTemporaryDir& folder, const QByteArray& bytes) {
    QFile file(folder.filePath("chat.json"));
    if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size()) return {};
    return file.fileName();
}
}  // namespace

class TestChatFile : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;

    Result<ChatFile> read(const QByteArray& bytes, qint64 most = kMostChatBytes) {
        return readChatFile(fileOf(m_folder, bytes), most);
    }

  private slots:
    void whatIsWrittenComesBack() {
        ChatFile chat;
        chat.systemText = QString::fromUtf8("Sei höflich.\n");
        chat.turns = {question(-1, "one\ntwo"), answer(0, "1"), question(1, "three"), answer(2, "3"), answer(2, "4")};
        chat.turns[3].text = "<think>\nhm\n</think>\n\nthree";
        chat.turns[3].ids = std::make_shared<const std::vector<int32_t>>(std::vector<int32_t>{7, 8, 9});
        chat.turns[3].stop = StopReason::TokenLimit;
        chat.turns[3].attention = "window=64";
        chat.turns[3].modelHash = "abc";
        chat.turns[3].nReasoningTokens = 5;
        chat.turns[3].tokensPerS = 12.5;
        chat.tip = 3;
        const auto text = QByteArray::fromStdString(chatFileText(chat, true));
        QVERIFY2(text.contains("\"tokens\":[7,8,9]"), text.constData());
        QVERIFY(chatFileText(chat, false).find("\"tokens\"") == std::string::npos);
        const auto again = read(text);
        QVERIFY2(again.ok(), again ? "" : again.error().toString().c_str());
        QCOMPARE(again->systemText, chat.systemText);
        QCOMPARE(again->tip, 3);
        QCOMPARE(again->turns.size(), 5);
        for (int i = 0; i < 5; ++i) {
            QCOMPARE(again->turns[i].isQuestion, chat.turns[i].isQuestion);
            QCOMPARE(again->turns[i].parent, chat.turns[i].parent);
            QCOMPARE(again->turns[i].text, chat.turns[i].text);
            QCOMPARE(again->turns[i].modelName, chat.turns[i].modelName);
        }
        const ChatTurnInfo& turn = again->turns[3];
        QCOMPARE(turn.reasoning, QString("hm"));
        QCOMPARE(turn.said, QString("three"));
        QVERIFY(!turn.reasoningOpen && !turn.ids && turn.runId == 0);
        QCOMPARE(turn.stop, StopReason::TokenLimit);
        QCOMPARE(turn.attention, QString("window=64"));
        QCOMPARE(turn.modelHash, QString("abc"));
        QCOMPARE(turn.nReasoningTokens, 5);
        QCOMPARE(turn.tokensPerS, 12.5);
        QCOMPARE(turn.keptTokens, 4);
        QCOMPARE(turn.readTokens, 5);
        QCOMPARE(turn.nTokens, 6);
        ChatTree tree;
        tree.restore(again->turns, again->tip);
        QCOMPARE(tree.path(), QVector<int>({0, 1, 2, 3}));
        QCOMPARE(tree.alternatives(4), QVector<int>({3, 4}));
        const ChatFile branch = branchOnShow(*again);
        QCOMPARE(branch.turns.size(), 4);
        QCOMPARE(branch.tip, 3);
        QCOMPARE(branch.turns[2].parent, 1);
    }

    /// Only the text goes to a model: fields beside it cannot show something else.
    void theTextDecides() {
        const auto chat = read(
            R"({"version":2,"turns":[{"role":"user","parent":-1,"text":"q"},)"
            R"({"role":"assistant","parent":0,"text":"real","reasoning":"shown","answer":"other","run":{"tokens":[1]}},)"
            R"({"role":"assistant","parent":0,"text":"not done","reasoning":"not done","answer":""}],"tip":1})");
        QVERIFY2(chat.ok(), chat ? "" : chat.error().toString().c_str());
        QCOMPARE(chat->turns[1].said, QString("real"));
        QVERIFY(chat->turns[1].reasoning.isEmpty() && !chat->turns[1].ids);
        QCOMPARE(chat->turns[2].reasoning, QString("not done"));
        QVERIFY(chat->turns[2].reasoningOpen && chat->turns[2].said.isEmpty());
    }

    void refused_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("says");
        const auto turns = [](const char* list, const char* tip = "0") {
            return QByteArray(R"({"version":2,"turns":[)") + list + R"(],"tip":)" + tip + "}";
        };
        const char* q = R"({"role":"user","parent":-1,"text":"q"})";
        QTest::newRow("no JSON") << QByteArray("{\"version\":2") << QByteArray("no JSON");
        QTest::newRow("not UTF-8") << QByteArray("{\"version\":2,\"system\":\"\xff\"}") << QByteArray("no JSON");
        QTest::newRow("nothing") << QByteArray() << QByteArray("no JSON");
        QTest::newRow("a list") << QByteArray("[]") << QByteArray("an object");
        QTest::newRow("other version") << QByteArray(R"({"version":3,"turns":[],"tip":-1})") << QByteArray("version");
        QTest::newRow("no turns") << QByteArray(R"({"version":2,"tip":-1})") << QByteArray("turns");
        QTest::newRow("turns of another kind")
            << QByteArray(R"({"version":2,"turns":7,"tip":-1})") << QByteArray("turns");
        QTest::newRow("tip beyond") << turns(q, "1") << QByteArray("tip");
        QTest::newRow("no tip") << QByteArray(R"({"version":2,"turns":[]})") << QByteArray("tip");
        QTest::newRow("own parent") << turns(R"({"role":"user","parent":0,"text":"q"})")
                                    << QByteArray("turns[0].parent");
        QTest::newRow("an answer first") << turns(R"({"role":"assistant","parent":-1,"text":"a"})")
                                         << QByteArray("turns[0].role");
        QTest::newRow("a question behind one")
            << turns((QByteArray(q) + R"(,{"role":"user","parent":0,"text":"q"})").constData())
            << QByteArray("turns[1].role");
        QTest::newRow("a system turn") << turns(R"({"role":"system","parent":-1,"text":"s"})")
                                       << QByteArray("turns[0].role");
        QTest::newRow("no text") << turns(R"({"role":"user","parent":-1})") << QByteArray("turns[0].text");
        QTest::newRow("text of another kind")
            << turns(R"({"role":"user","parent":-1,"text":[]})") << QByteArray("turns[0].text");
        QTest::newRow("a number") << turns("1") << QByteArray("turns[0]");
        QTest::newRow("tokens below none")
            << turns((QByteArray(q) + R"(,{"role":"assistant","parent":0,"text":"","run":{"predicted_n":-1}})")
                         .constData())
            << QByteArray("turns[1].run.predicted_n");
        QTest::newRow("a run of another kind")
            << turns((QByteArray(q) + R"(,{"role":"assistant","parent":0,"text":"","run":3})").constData())
            << QByteArray("turns[1].run");
        QTest::newRow("deep") << QByteArray(R"({"version":)") + QByteArray(100'000, '[') << QByteArray("no JSON");
        QTest::newRow("many values") << QByteArray(R"({"version":2,"x":[0)") + QByteArray(",0").repeated(2'000'000) +
                                            "]}"
                                     << QByteArray("no JSON");
    }
    void refused() {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, says);
        const auto chat = read(text);
        QVERIFY(!chat.ok());
        const QByteArray error = QByteArray::fromStdString(chat.error().toString());
        QVERIFY2(error.contains(says) && error.contains("chat.json") && error.size() < 1000, error.constData());
    }

    void bounds() {
        const QByteArray text = R"({"version":2,"turns":[],"tip":-1})";
        QVERIFY(read(text, text.size()).ok());
        QVERIFY(!read(text, text.size() - 1).ok());
        QCOMPARE(int(readChatFile(m_folder.filePath("none")).error().code), int(ErrorCode::NotFound));
        QCOMPARE(int(readChatFile(m_folder.path()).error().code), int(ErrorCode::Io));
        QCOMPARE(int(readChatFile("/dev/zero").error().code), int(ErrorCode::Io));
    }
};

QTEST_GUILESS_MAIN(TestChatFile)
#include "tst_chat_file.moc"
