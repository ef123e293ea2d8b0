// Where models keep their chat templates, in folders and in GGUF; what is no template.
#include <QtTest>

#include "engine/model/chat_templates.h"
#include "engine/model/tokenizer/load_tokenizer.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using test::ScratchFolder;
using test::writeFile;

namespace {

using Texts = std::map<std::string, std::string>;
using Names = std::vector<std::pair<std::string, std::string>>;

Names listed(const ChatTemplates& templates) {
    Names list;
    for (const ChatTemplate& one : templates.all) list.emplace_back(one.name, one.text);
    return list;
}

/// A GGUF file's metadata with texts alone.
class Metadata {
  public:
    explicit Metadata(const Texts& texts) {
        for (const auto& [key, text] : texts) {
            std::string bytes(8, '\0');
            for (size_t i = 0; i < 8; ++i) bytes[i] = char(uint64_t(text.size()) >> (8 * i) & 0xFF);
            m_kept.push_back(std::make_unique<std::string>(bytes + text));
            GgufValue value;
            value.type = GgufType::String;
            value.bytes = {reinterpret_cast<const uint8_t*>(m_kept.back()->data()), m_kept.back()->size()};
            m_file->metadata.emplace(key, value);
        }
    }
    VocabularySource source() const { return {"m.gguf", m_file}; }
    GgufFile& file() { return *m_file; }

  private:
    std::shared_ptr<GgufFile> m_file = std::make_shared<GgufFile>();
    std::vector<std::unique_ptr<std::string>> m_kept;
};

}  // namespace

class TestChatTemplateFiles : public QObject {
    Q_OBJECT
    std::shared_ptr<const Tokenizer> m_tokenizer;

    Result<ChatTemplates> folder(const Texts& files) const {
        const ScratchFolder scratch;
        for (const auto& [name, text] : files)
            if (!writeFile(scratch.file(name), text)) qFatal("cannot write");
        return readChatTemplates({scratch.path(), nullptr}, *m_tokenizer);
    }

  private slots:
    void initTestCase() {
        auto tokenizer = loadSentencePiece(test::tinyTokenizerPath());
        QVERIFY(tokenizer.ok());
        m_tokenizer = *tokenizer;
    }

    void folders() {
        const auto none = folder({});
        QVERIFY(none.ok() && none->all.empty() && none->standard() == nullptr && none->source.empty());
        QCOMPARE(none->bos, m_tokenizer->pieceName(m_tokenizer->bosId()));
        QVERIFY(folder({{"tokenizer_config.json", R"({"chat_template": null, "bos_token": null})"}})->all.empty());

        const auto one = folder({{"tokenizer_config.json",
                                  R"({"chat_template": "T", "bos_token": {"content": "<B>"}, "eos_token": "<E>"})"}});
        QVERIFY(one.ok());
        QCOMPARE(listed(*one), (Names{{"default", "T"}}));
        QCOMPARE(one->standard()->text, std::string("T"));
        QCOMPARE(one->bos, std::string("<B>"));
        QCOMPARE(one->eos, std::string("<E>"));
        QVERIFY(one->source.ends_with("tokenizer_config.json: chat_template"));

        const char* list =
            R"({"chat_template": [{"name": "tool_use", "template": "U"}, {"name": "default", "template": "D"}]})";
        const auto named = folder({{"tokenizer_config.json", list}});
        QCOMPARE(listed(*named), (Names{{"tool_use", "U"}, {"default", "D"}}));
        QCOMPARE(named->standard()->text, std::string("D"));
        const char* others = R"({"chat_template": [{"name": "a", "template": "U"}, {"name": "b", "template": "D"}]})";
        QVERIFY(folder({{"tokenizer_config.json", others}})->standard() == nullptr);

        // A file of its own goes before what the configuration says; the configuration before chat_template.json.
        const auto own = folder({{"tokenizer_config.json", R"({"chat_template": "T"})"},
                                 {"chat_template.jinja", "line\nJ\n"},
                                 {"chat_template.json", R"({"chat_template": "P"})"}});
        QCOMPARE(listed(*own), (Names{{"default", "line\nJ\n"}}));
        QCOMPARE(listed(*folder({{"tokenizer_config.json", R"({"chat_template": "T"})"},
                                 {"chat_template.json", R"({"chat_template": "P"})"}})),
                 (Names{{"default", "T"}}));
        QCOMPARE(listed(*folder({{"chat_template.json", R"({"chat_template": "P"})"}})), (Names{{"default", "P"}}));
    }

    void brokenFolders_data() {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("says");
        const QString config = "tokenizer_config.json";
        QTest::newRow("number") << config << R"({"chat_template": 7})"
                                << "chat_template";
        QTest::newRow("entry") << config << R"({"chat_template": ["x"]})"
                               << "chat_template[0]";
        QTest::newRow("no name") << config << R"({"chat_template": [{"template": "x"}]})"
                                 << "chat_template[0].name";
        QTest::newRow("no text") << config << R"({"chat_template": [{"name": "x"}]})"
                                 << "chat_template[0].template";
        QTest::newRow("twice") << config
                               << R"({"chat_template": [{"name": "x", "template": ""}, {"name": "x", "template": ""}]})"
                               << "two templates with one name";
        QTest::newRow("too long") << config << QString(R"({"chat_template": "%1"})").arg(QString(1100000, 'x'))
                                  << "text too long";
        QTest::newRow("bos") << config << R"({"bos_token": 1})"
                             << "bos_token";
        QTest::newRow("not UTF-8") << "chat_template.jinja" << QString::fromLatin1("\xff") << "not UTF-8";
        QTest::newRow("json") << "chat_template.json"
                              << "{"
                              << "chat_template.json";
    }
    void brokenFolders() {
        QFETCH(QString, file);
        QFETCH(QString, text);
        QFETCH(QString, says);
        const auto read = folder({{file.toStdString(), text.toLatin1().toStdString()}});
        QVERIFY(!read.ok());
        QCOMPARE(int(read.error().code), int(ErrorCode::Format));
        QVERIFY2(read.error().toString().find(says.toStdString()) != std::string::npos,
                 read.error().toString().c_str());
    }

    void gguf() {
        const Metadata none(Texts{{"general.name", "x"}});
        QVERIFY(readChatTemplates(none.source(), *m_tokenizer)->all.empty());
        const Metadata some(Texts{{"tokenizer.chat_template", "D"},
                                  {"tokenizer.chat_template.tool_use", "U"},
                                  {"tokenizer.chat_templates", "the names"}});
        const auto read = readChatTemplates(some.source(), *m_tokenizer);
        QVERIFY(read.ok());
        QCOMPARE(listed(*read), (Names{{"default", "D"}, {"tool_use", "U"}}));
        QCOMPARE(read->source, std::string("m.gguf: tokenizer.chat_template"));
        QCOMPARE(read->eos, m_tokenizer->pieceName(m_tokenizer->eosId()));

        Metadata number(Texts{{"tokenizer.chat_template", "D"}});
        number.file().metadata.begin()->second.type = GgufType::U64;
        const auto wrong = readChatTemplates(number.source(), *m_tokenizer);
        QVERIFY(!wrong.ok());
        QCOMPARE(wrong.error().field, std::string("tokenizer.chat_template"));
        const Metadata bytes(Texts{{"tokenizer.chat_template", "\xff"}});
        QVERIFY(!readChatTemplates(bytes.source(), *m_tokenizer).ok());
    }

    /// A model is not opened with half of what it says.
    void modelsHaveThem() {
        const ScratchFolder scratch;
        QVERIFY(test::writeTinyModel(scratch.path()));
        QVERIFY(openModel(scratch.path()).value()->chatTemplates().all.empty());
        QVERIFY(writeFile(scratch.file("chat_template.jinja"), "J"));
        QCOMPARE(openModel(scratch.path()).value()->chatTemplates().standard()->text, std::string("J"));
        QVERIFY(writeFile(scratch.file("chat_template.jinja"), "\xff"));
        QVERIFY(!openModel(scratch.path()).ok());
    }
};

QTEST_GUILESS_MAIN(TestChatTemplateFiles)
#include "tst_chat_template_files.moc"
