// Which of several files count: index and shards, parts of a split GGUF file, the head and the embedding; and weights
// that are no numbers.
#include <QtTest>

#include <functional>
#include <nlohmann/json.hpp>

#include "tests/model/gguf_writer.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using nlohmann::json;
using test::GgufParts;
using test::readFile;
using test::writeFile;

namespace {

const std::string kGolden = SPANSCOPE_SOURCE_DIR "/tests/fixtures/golden/";
const std::string kIndex = "model.safetensors.index.json";

/// A safetensors file taken apart.
struct Safetensors {
    json header;
    std::string data;
    static Safetensors read(const std::string& path) {
        const std::string file = readFile(path);
        uint64_t length = 0;
        std::memcpy(&length, file.data(), sizeof length);
        return {json::parse(file.substr(8, length)), file.substr(8 + length)};
    }
    /// One more tensor, with the bytes of another one changed by `change`.
    void add(const std::string& name, const json& entry, const std::string& from,
             const std::function<void(std::string&)>& change) {
        const size_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
        std::string bytes = from.substr(begin, end - begin);
        change(bytes);
        header[name] = entry;
        header[name]["data_offsets"] = {data.size(), data.size() + bytes.size()};
        data += bytes;
    }
    bool write(const std::string& path) const {
        const std::string text = header.dump();
        return writeFile(path, test::gguf::number(text.size(), 8) + text + data);
    }
};

void setConfig(const std::string& folder, const char* key, const json& value) {
    json config = json::parse(readFile(folder + "/config.json"));
    if (value.is_discarded()) config.erase(key);
    else config[key] = value;
    QVERIFY(writeFile(folder + "/config.json", config.dump()));
}

const json kAbsent(json::value_t::discarded);

std::string messageOf(const Result<std::shared_ptr<const Model>>& model) {
    return model ? "opened" : model.error().toString();
}

/// The parts of a model of three files, none of which has everything.
std::vector<GgufParts> threeParts() {
    const GgufParts whole = GgufParts::read(kGolden + "Q8_0.gguf");
    std::vector<GgufParts> parts(3);
    parts[0].metadata = whole.metadata;
    for (size_t i = 0; i < whole.tensors.size(); ++i) parts[i % 3].tensors.push_back(whole.tensors[i]);
    for (size_t i = 0; i < 3; ++i) {
        parts[i].metadata["split.no"] = test::gguf::u16Value(uint16_t(i));
        parts[i].metadata["split.count"] = test::gguf::u16Value(3);
        parts[i].metadata["split.tensors.count"] = test::gguf::u32Value(uint32_t(whole.tensors.size()));
    }
    return parts;
}

std::string partName(size_t i) { return "m-0000" + std::to_string(i + 1) + "-of-00003.gguf"; }

void writeParts(const test::ScratchFolder& folder, const std::vector<GgufParts>& parts) {
    for (size_t i = 0; i < parts.size(); ++i) QVERIFY(writeFile(folder.file(partName(i)), parts[i].write()));
}

}  // namespace

class TestModelFiles : public QObject {
    Q_OBJECT
  private slots:
    void theIndexDecidesOverAStrayFile() {
        test::ScratchFolder folder, other;
        test::TinyModelOptions options, different;
        options.nShards = 2;
        different.seed = 2;
        QVERIFY(test::writeTinyModel(folder.path(), options) && test::writeTinyModel(other.path(), different));
        const auto before = openModel(folder.path());
        QVERIFY(before && (*before)->notes().empty());
        QVERIFY(QFile::copy(QString::fromStdString(other.file("model.safetensors")),
                            QString::fromStdString(folder.file("model.safetensors"))));
        const auto after = openModel(folder.path());
        QVERIFY2(after, messageOf(after).c_str());
        QCOMPARE((*after)->hash(), (*before)->hash());
        QCOMPARE((*after)->notes().size(), size_t{1});
        QVERIFY((*after)->notes()[0].find("model.safetensors is not used") != std::string::npos);
    }

    void theIndexDecidesWhichShard() {
        test::ScratchFolder folder;
        test::TinyModelOptions options;
        options.nShards = 2;
        QVERIFY(test::writeTinyModel(folder.path(), options));
        const std::string norm = "model.norm.weight";
        const auto index = json::parse(readFile(folder.file(kIndex)))["weight_map"];
        const std::string owner = index[norm];
        const std::string stray = owner == "model-0.safetensors" ? "model-1.safetensors" : "model-0.safetensors";
        const auto right = openModel(folder.path());
        QVERIFY(right);
        const auto* rightNorm = static_cast<const float*>((*right)->weights().finalNorm.data);
        const auto from = Safetensors::read(folder.file(owner));
        auto to = Safetensors::read(folder.file(stray));
        to.add(norm, from.header[norm], from.data, [](std::string& bytes) { bytes.assign(bytes.size(), '\x3F'); });
        QVERIFY(to.write(folder.file(stray)));
        const auto model = openModel(folder.path());
        QVERIFY2(model, messageOf(model).c_str());
        const auto* found = static_cast<const float*>((*model)->weights().finalNorm.data);
        QCOMPARE(std::vector(found, found + 32), std::vector(rightNorm, rightNorm + 32));
    }

    /// Key {absent, false, true} x head {absent, there}, for a family that ties by default and one that does not.
    void headAndEmbedding_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("key");
        QTest::addColumn<bool>("headThere");
        QTest::addColumn<bool>("opens");
        QTest::addColumn<bool>("noted");
        for (const char* name : {"gemma3", "qwen2"})
            for (const char* key : {"absent", "false", "true"})
                for (const bool there : {false, true}) {
                    const bool tied = *key == 't' || (*key == 'a' && *name == 'g');
                    QTest::addRow("%s, %s, %s", name, key, there ? "head" : "no head")
                        << name << key << there << (tied || there) << (tied && there);
                }
    }
    void headAndEmbedding() {
        QFETCH(QString, name);
        QFETCH(QString, key);
        QFETCH(bool, headThere);
        QFETCH(bool, opens);
        QFETCH(bool, noted);
        test::ScratchFolder folder;
        const std::string source = kGolden + name.toStdString() + "/";
        for (const char* file : {"config.json", "model.safetensors", "tokenizer.model"})
            QVERIFY(writeFile(folder.file(file), readFile(source + file)));
        setConfig(folder.path(), "tie_word_embeddings", key == "absent" ? kAbsent : json(key == "true"));
        auto weights = Safetensors::read(folder.file("model.safetensors"));  // all of these are written without a head
        QVERIFY(!weights.header.contains("lm_head.weight"));
        const json embedding = weights.header["model.embed_tokens.weight"];
        if (headThere)
            weights.add("lm_head.weight", embedding, std::string(weights.data),
                        [](std::string& bytes) { bytes[1] = char(bytes[1] ^ 0x80); });
        QVERIFY(weights.write(folder.file("model.safetensors")));
        const auto model = openModel(folder.path());
        QVERIFY2(model.ok() == opens, messageOf(model).c_str());
        if (!opens) {
            QCOMPARE(model.error().field, std::string("lm_head.weight"));
            QVERIFY(messageOf(model).find("tie_word_embeddings") != std::string::npos);
            return;
        }
        QCOMPARE(bool((*model)->weights().head), headThere);  // the head in the file is used, whatever the key says
        QCOMPARE(!(*model)->notes().empty(), noted);
        if (noted) QVERIFY((*model)->notes()[0].find("lm_head.weight") != std::string::npos);
    }

    void anyPartOpensTheWholeSet() {
        test::ScratchFolder folder;
        writeParts(folder, threeParts());
        const auto whole = openModel(kGolden + "Q8_0.gguf");
        QVERIFY(whole);
        for (size_t i = 0; i < 3; ++i) {
            const auto model = openModel(folder.file(partName(i)));
            QVERIFY2(model, messageOf(model).c_str());
            QCOMPARE((*model)->weightBytes(), (*whole)->weightBytes());
            QCOMPARE((*model)->tokenizer().vocabSize(), (*whole)->tokenizer().vocabSize());
            const TensorView a = (*model)->weights().layers[0].down, b = (*whole)->weights().layers[0].down;
            QVERIFY(a.nBytes() == b.nBytes() && std::memcmp(a.data, b.data, a.nBytes()) == 0);
        }
        QVERIFY(writeFile(folder.file("m.spanscope.json"), R"({"protocol_version": 7})"));  // of the set, not of a part
        QVERIFY(messageOf(openModel(folder.file(partName(1)))).find("m.spanscope.json") != std::string::npos);
    }

    void brokenSets_data() {
        QTest::addColumn<int>("kind");
        QTest::addColumn<QByteArray>("mentions");
        QTest::newRow("part missing") << 0 << QByteArray("m-00003-of-00003.gguf: split.count: a part of this split");
        QTest::newRow("another name") << 1 << QByteArray("NAME-00001-of-00003.gguf");
        QTest::newRow("joined") << 2 << QByteArray("joined byte by byte");
        QTest::newRow("another part under this name") << 3 << QByteArray("part 1 of 3");
        QTest::newRow("tensors fewer than promised") << 4 << QByteArray("split.tensors.count");
        QTest::newRow("tensor in two parts") << 5 << QByteArray("tensor is in two files");
        QTest::newRow("part of another set") << 6 << QByteArray("part 2 of 4");
        QTest::newRow("part is a pointer") << 7 << QByteArray("git lfs pull");
    }
    void brokenSets() {
        QFETCH(int, kind);
        QFETCH(QByteArray, mentions);
        test::ScratchFolder folder;
        auto parts = threeParts();
        if (kind == 4) parts[2].tensors.pop_back();
        if (kind == 5) parts[2].tensors.back() = parts[0].tensors.back();
        if (kind == 6) parts[1].metadata["split.count"] = test::gguf::u16Value(4);
        writeParts(folder, parts);
        std::string path = folder.file(partName(0));
        if (kind == 0) QVERIFY(QFile::remove(QString::fromStdString(folder.file(partName(2)))));
        if (kind == 1) QVERIFY(writeFile(path = folder.file("first.gguf"), parts[0].write()));
        if (kind == 2) QVERIFY(writeFile(path = folder.file("all.gguf"), parts[0].write() + parts[1].write()));
        if (kind == 3) QVERIFY(writeFile(folder.file(partName(1)), parts[0].write()));
        if (kind == 7)
            QVERIFY(writeFile(folder.file(partName(1)), "version https://git-lfs.github.com/spec/v1\noid sha256:4d\n"));
        const auto model = openModel(path);
        QVERIFY(!model);
        QVERIFY2(messageOf(model).find(mentions.toStdString()) != std::string::npos, messageOf(model).c_str());
    }

    void weightsThatAreNoNumbers_data() {
        QTest::addColumn<QByteArray>("tensor");
        QTest::addColumn<qsizetype>("value");
        QTest::addColumn<QByteArray>("mentions");
        QTest::newRow("embedding, first row")
            << QByteArray("model.embed_tokens.weight") << qsizetype{0} << QByteArray("embedding");
        QTest::newRow("gain") << QByteArray("model.layers.1.input_layernorm.weight") << qsizetype{31}
                              << QByteArray("layer 1 attnNorm");
        QTest::newRow("last row of a matrix") << QByteArray("model.layers.0.mlp.down_proj.weight")
                                              << qsizetype{31 * 48 + 5} << QByteArray("layer 0 down");
    }
    void weightsThatAreNoNumbers() {
        QFETCH(QByteArray, tensor);
        QFETCH(qsizetype, value);
        QFETCH(QByteArray, mentions);
        for (const float bad : {NAN, INFINITY}) {
            test::ScratchFolder folder;
            QVERIFY(test::writeTinyModel(folder.path()));
            auto weights = Safetensors::read(folder.file("model.safetensors"));
            const size_t begin = weights.header[tensor.toStdString()]["data_offsets"][0];
            std::memcpy(&weights.data[begin + size_t(value) * sizeof bad], &bad, sizeof bad);
            QVERIFY(weights.write(folder.file("model.safetensors")));
            const auto model = openModel(folder.path());
            QVERIFY(!model);
            QVERIFY(model.error().code == ErrorCode::Format);
            QCOMPARE(model.error().field, mentions.toStdString());
        }
    }

    void filesOfAFolderAreNamed() {
        test::ScratchFolder folder;
        test::TinyModelOptions options;
        options.nShards = 2;
        QVERIFY(test::writeTinyModel(folder.path(), options));
        for (const char* name : {"config.json", kIndex.c_str(), "tokenizer.model", "model-0.safetensors"}) {
            const auto model = openModel(folder.file(name));
            QVERIFY2(messageOf(model).find("open the folder that it is in") != std::string::npos,
                     messageOf(model).c_str());
            QVERIFY2(messageOf(model).find("expected " + folder.path()) != std::string::npos, messageOf(model).c_str());
        }
    }
};

QTEST_GUILESS_MAIN(TestModelFiles)
#include "tst_model_files.moc"
