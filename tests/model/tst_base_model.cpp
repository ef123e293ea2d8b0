// An adapter's folder opened as a model: where its base is looked for, what is said where it is not there, and what a
// card may say of it.
#include <QtTest>

#include <QProcess>
#include <functional>
#include <nlohmann/json.hpp>

#include "engine/model/base_model.h"
#include "tests/model/tiny_adapter.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using nlohmann::json;

namespace {

/// The environment that says where models are; as it was again when this object goes.
class Environment {
  public:
    Environment() {
        for (const char* name : {"SPANSCOPE_MODELS", "XDG_DATA_HOME", "HOME"}) {
            m_before[name] = qEnvironmentVariableIsSet(name) ? qgetenv(name) : QByteArray();
            qunsetenv(name);
        }
    }
    ~Environment() {
        for (auto it = m_before.cbegin(); it != m_before.cend(); ++it)
            if (it.value().isNull()) qunsetenv(it.key().constData());
            else qputenv(it.key().constData(), it.value());
    }

  private:
    QHash<QByteArray, QByteArray> m_before;
};

}  // namespace

class TestBaseModel : public QObject {
    Q_OBJECT
    test::ScratchFolder m_scratch;
    const std::string m_folder = m_scratch.file("adapter"), m_base = m_scratch.file("tiny-base.gguf"),
                      m_card = m_folder + "/spanscope.json";

    void change(const std::function<void(json&)>& edit) const {
        json card = json::parse(test::readFile(m_card));
        edit(card);
        QVERIFY(test::writeFile(m_card, card.dump()));
    }
    static std::string say(const Result<ModelFile>& opened) { return opened ? "" : opened.error().toString(); }

  private slots:
    void init() {
        QVERIFY(test::writeTinyAdapter(m_folder));
        QVERIFY(test::writeFile(m_base, test::tinyAdapterBase()));
    }

    void opensAsBaseAndAdapterDo() {
        const Environment none;
        const auto both = openModel(m_base, {}, m_folder);
        QVERIFY2(both, both ? "" : both.error().toString().c_str());
        for (const std::string& path : {m_folder, m_folder + "/"}) {
            const auto alone = openModel(path);
            QVERIFY2(alone, alone ? "" : alone.error().toString().c_str());
            QCOMPARE((*alone)->hash(), (*both)->hash());
            QCOMPARE((*alone)->name(), std::string("Tiny spans"));
            QCOMPARE((*alone)->path(), m_base);
            QCOMPARE((*alone)->adapter()->path, path);
            QCOMPARE((*alone)->weightBytes(), (*both)->weightBytes());
            QVERIFY((*alone)->card().task("news") != nullptr && (*alone)->tokenizer().pieceIds().complete());
        }
        const auto twice = ModelFile::open(m_folder, m_folder);
        QVERIFY(!twice && twice.error().code == ErrorCode::InvalidArgument);
    }

    void itsVocabularyIsThatOfTheBase() {
        const Environment none;
        const auto tokenizer = openTokenizer(m_folder);
        const auto base = openTokenizer(m_base);
        QVERIFY2(tokenizer, tokenizer ? "" : tokenizer.error().toString().c_str());
        QVERIFY((*tokenizer)->pieceIds().complete());
        QVERIFY(base && !(*base)->pieceIds().complete());
        QVERIFY(QFile::remove(QString::fromStdString(m_base)));
        const auto missing = openTokenizer(m_folder);
        QVERIFY(!missing && missing.error().field == "base");
    }

    void isLookedForInThreePlaces() {
        const Environment none;
        QVERIFY(QFile::remove(QString::fromStdString(m_base)));
        const test::ScratchFolder chosen, home;
        qputenv("SPANSCOPE_MODELS", chosen.path().c_str());
        qputenv("HOME", home.path().c_str());
        const std::string own = home.file(".local/share/spanscope/models");
        QVERIFY(QDir().mkpath(QString::fromStdString(own)));
        const auto missing = ModelFile::open(m_folder);
        QVERIFY(!missing);
        QCOMPARE(missing.error().code, ErrorCode::NotFound);
        QCOMPARE(missing.error().file, m_folder);
        for (const std::string& part :
             {std::string("Tiny base"), std::string("tiny-base.gguf"), m_scratch.path(), chosen.path(), own})
            QVERIFY2(say(missing).find(part) != std::string::npos, say(missing).c_str());
        QVERIFY(!missingBase(m_folder));  // nobody fetches this one
        const std::string whole = test::tinyAdapterBase();
        for (const std::string& place : {own, chosen.path(), m_scratch.path()}) {  // the better place each time
            const std::string path = place + "/tiny-base.gguf";
            QVERIFY(test::writeFile(path, whole.substr(0, whole.size() - 1)));  // a part of it is not the model
            const auto before = ModelFile::open(m_folder);
            QVERIFY(place == own
                        ? say(before).find("(of " + std::to_string(whole.size() - 1) + " bytes)") != std::string::npos
                        : before && before->path() != path);
            QVERIFY(test::writeFile(path, whole));
            const auto opened = ModelFile::open(m_folder);
            QVERIFY2(opened, say(opened).c_str());
            QCOMPARE(opened->path(), path);
        }
    }

    /// As long as the base, and something else: its hash tells.
    void anotherModelOfThatName() {
        const Environment none;
        std::string other = test::tinyAdapterBase();
        other.back() = char(other.back() ^ 1);
        QVERIFY(test::writeFile(m_base, other));
        const auto opened = ModelFile::open(m_folder);
        QVERIFY(!opened);
        QCOMPARE(opened.error().field, std::string("base_hash"));
    }

    void aCardThatNamesNoBase() {
        const Environment none;
        change([](json& card) { card.erase("base"); });
        const auto opened = ModelFile::open(m_folder);
        QVERIFY2(!opened && say(opened).find("names no base") != std::string::npos, say(opened).c_str());
        QVERIFY(QFile::remove(QString::fromStdString(m_card)));
        const auto without = ModelFile::open(m_folder);
        QVERIFY2(!without && say(without).find("names no base") != std::string::npos, say(without).c_str());
    }

    void hostileCards_data() {
        QTest::addColumn<QByteArray>("key");
        QTest::addColumn<QByteArray>("value");
        const auto add = [](const char* key, const json& value) {
            QTest::addRow("%s %s", key, value.dump().substr(0, 40).c_str())
                << QByteArray(key) << QByteArray::fromStdString(value.dump());
        };
        for (const char* name :
             {"../tiny-base.gguf", "/etc/x.gguf", "a\\b.gguf", "..", ".", "", "passwd", ".gguf", "a\nb.gguf"})
            add("file", name);
        add("file", 7);
        add("file", std::string(300, 'x') + ".gguf");
        for (const json& bytes : {json(0), json(-1), json(1e30), json(uint64_t{1} << 60), json("98"), json(1.5)})
            add("bytes", bytes);
        for (const char* sum : {"", "0123", "Z123456789012345678901234567890123456789012345678901234567890123"})
            add("sha256", sum);
        for (const char* fetch : {"smollm2; rm -rf ~", "$(x)", "--to", "SMOLLM2", "a b"}) add("fetch", fetch);
        add("name", "");
        add("name", "two\nlines");
        add("name", std::string(1000, 'x'));
        add("license", std::string("a\x1b[31m"));
    }
    void hostileCards() {
        QFETCH(QByteArray, key);
        QFETCH(QByteArray, value);
        const Environment none;
        change([&](json& card) { card["base"][key.toStdString()] = json::parse(value.toStdString()); });
        const auto opened = ModelFile::open(m_folder);
        QVERIFY(!opened);
        QCOMPARE(opened.error().code, ErrorCode::Format);
        QCOMPARE(opened.error().field, "base." + key.toStdString());
        QCOMPARE(opened.error().file, m_card);
        QVERIFY(!missingBase(m_folder));
    }
    void whatABaseNeeds() {
        const Environment none;
        for (const char* key : {"name", "file", "bytes", "sha256"}) {
            QVERIFY(test::writeTinyAdapter(m_folder));
            change([&](json& card) { card["base"].erase(key); });
            const auto opened = ModelFile::open(m_folder);
            QVERIFY2(!opened && opened.error().field == std::string("base.") + key, say(opened).c_str());
        }
        QVERIFY(test::writeTinyAdapter(m_folder));
        change([](json& card) { card.erase("base_hash"); });
        const auto opened = ModelFile::open(m_folder);
        QVERIFY2(!opened && opened.error().field == "base_hash", say(opened).c_str());
    }

    /// What is fetched, and what people are told of it, comes from the program's own list, never from a card.
    void whatCanBeFetched() {
        const Environment none;
        const test::ScratchFolder home;
        qputenv("XDG_DATA_HOME", home.path().c_str());
        const json list = json::parse(test::readFile(SPANSCOPE_SOURCE_DIR "/resources/fetch/models.json"));
        const json& row = list["smollm2"];
        change([&](json& card) {
            card["base"] = {{"name", "Lies"},          {"file", row["file"]},      {"bytes", row["bytes"]},
                            {"sha256", row["sha256"]}, {"license", "none at all"}, {"fetch", "smollm2"}};
        });
        const auto fetch = missingBase(m_folder);
        QVERIFY(fetch);
        QCOMPARE(fetch->model.name, row["name"].get<std::string>());
        QCOMPARE(fetch->model.license, std::string("Apache-2.0"));
        QCOMPARE(fetch->folder, home.file("spanscope/models"));
        QCOMPARE(fetch->typed, std::string("./run model smollm2"));
        QVERIFY(QFile::exists(QString::fromStdString(fetch->command[2])));
        const auto opened = ModelFile::open(m_folder);
        for (const char* part : {"93 MiB", "Apache-2.0", "./run model smollm2"})
            QVERIFY2(say(opened).find(part) != std::string::npos, say(opened).c_str());
        change([](json& card) { card["base"]["sha256"] = std::string(64, '1'); });  // another file of that name
        QVERIFY(!missingBase(m_folder));
        QVERIFY(say(ModelFile::open(m_folder)).find("./run model") == std::string::npos);
        change([](json& card) { card["base"]["fetch"] = "nothing-known"; });
        QVERIFY(!missingBase(m_folder));
        QVERIFY(!missingBase(home.path()) && !missingBase(m_base) && !missingBase("/nowhere"));
    }

    /// The script that fetches and the program that looks mean the same folder.
    void theFolder_data() {
        QTest::addColumn<QByteArray>("chosen");
        QTest::addColumn<QByteArray>("data");
        QTest::addColumn<QByteArray>("home");
        QTest::addColumn<QString>("folder");
        QTest::newRow("chosen") << QByteArray("/a b") << QByteArray("/data") << QByteArray("/home") << "/a b";
        QTest::newRow("data") << QByteArray() << QByteArray("/data") << QByteArray("/home") << "/data/spanscope/models";
        QTest::newRow("home") << QByteArray() << QByteArray() << QByteArray("/home")
                              << "/home/.local/share/spanscope/models";
        QTest::newRow("relative data") << QByteArray() << QByteArray("x") << QByteArray("/home")
                                       << "/home/.local/share/spanscope/models";
        QTest::newRow("none") << QByteArray() << QByteArray() << QByteArray() << "";
    }
    void theFolder() {
        QFETCH(QByteArray, chosen);
        QFETCH(QByteArray, data);
        QFETCH(QByteArray, home);
        QFETCH(QString, folder);
        const Environment none;
        if (!chosen.isEmpty()) qputenv("SPANSCOPE_MODELS", chosen);
        if (!data.isEmpty()) qputenv("XDG_DATA_HOME", data);
        if (!home.isEmpty()) qputenv("HOME", home);
        QCOMPARE(QString::fromStdString(fetchedModelFolder()), folder);
        QProcess script;
        script.start("python3", {"-I", SPANSCOPE_SOURCE_DIR "/resources/fetch/fetch.py", "--where"});
        if (!script.waitForStarted()) QSKIP("no python3");
        QVERIFY(script.waitForFinished());
        QCOMPARE(QString::fromLocal8Bit(script.readAllStandardOutput()).trimmed(), folder);
    }
};

QTEST_GUILESS_MAIN(TestBaseModel)
#include "tst_base_model.moc"
