// Folders as people have them, and as nobody should: every broken one must give an error that names file and field.
#include <unistd.h>

#include <QtTest>

#include <QDir>
#include <functional>
#include <nlohmann/json.hpp>

#include "engine/model/base_model.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using nlohmann::json;
using test::readFile;
using test::writeFile;

namespace {

using Edit = std::function<void(const std::string& folder)>;

Edit config(std::function<void(json&)> change) {
    return [change](const std::string& folder) {
        json value = json::parse(readFile(folder + "/config.json"));
        change(value);
        QVERIFY(writeFile(folder + "/config.json", value.dump()));
    };
}

Edit set(const char* key, json value) {
    return config([key, value](json& object) { object[key] = value; });
}

/// Rewrites the header of model.safetensors, data unchanged.
Edit header(std::function<void(json&)> change) {
    return [change](const std::string& folder) {
        const std::string file = readFile(folder + "/model.safetensors");
        uint64_t length = 0;
        std::memcpy(&length, file.data(), sizeof length);
        json value = json::parse(file.substr(8, length));
        const std::string data = file.substr(8 + length);
        change(value);
        const std::string text = value.dump();
        length = text.size();
        const std::string lengthBytes(reinterpret_cast<const char*>(&length), sizeof length);
        QVERIFY(writeFile(folder + "/model.safetensors", lengthBytes + text + data));
    };
}

Edit bytes(const char* name, std::function<std::string(std::string)> change) {
    return [name, change](const std::string& folder) {
        QVERIFY(writeFile(folder + "/" + name, change(readFile(folder + "/" + name))));
    };
}

Edit without(const char* name) {
    return [name](const std::string& folder) { QVERIFY(QFile::remove(QString::fromStdString(folder + "/" + name))); };
}

const std::string kLfsPointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";

Edit brokenLinkAt(const char* name) {
    return [name](const std::string& folder) {
        const std::string path = folder + "/" + name;
        QVERIFY(unlink(path.c_str()) == 0 && symlink("/nowhere/at/all", path.c_str()) == 0);
    };
}

struct Broken {
    const char* title;
    Edit edit;
    ErrorCode code;
    const char* mentions;  ///< must be in the message
};

std::vector<Broken> brokenFolders() {
    const char* q = "model.layers.1.self_attn.q_proj.weight";
    const char* norm = "model.norm.weight";
    const auto cutAt = [](size_t size) { return [size](const std::string& s) { return s.substr(0, size); }; };
    return {
        {"no config", without("config.json"), ErrorCode::NotFound, "config.json"},
        {"config not JSON", bytes("config.json", cutAt(30)), ErrorCode::Format, "JSON"},
        {"config empty", bytes("config.json", cutAt(0)), ErrorCode::Format, "JSON"},
        {"config not UTF-8", bytes("config.json", [](std::string s) { return s.replace(5, 1, "\xFF"); }),
         ErrorCode::Format, "UTF-8"},
        {"config is a list", bytes("config.json", [](const std::string&) { return std::string("[1]"); }),
         ErrorCode::Format, "an object"},
        {"config nested deep", bytes("config.json", [](const std::string&) { return std::string(100000, '['); }),
         ErrorCode::Format, "nested deeper"},
        {"config goes on after a NUL", bytes("config.json", [](std::string c) { return c + '\0' + "{}"; }),
         ErrorCode::Format, "NUL"},
        {"config key twice",
         bytes("config.json", [](const std::string& s) { return "{\"hidden_size\": 1," + s.substr(1); }),
         ErrorCode::Format, "hidden_size"},
        {"architecture", set("architectures", {"GPT2LMHeadModel"}), ErrorCode::Unsupported, "LlamaForCausalLM"},
        {"architectures kind", set("architectures", 7), ErrorCode::Format, "architectures"},
        {"hidden missing", config([](json& c) { c.erase("hidden_size"); }), ErrorCode::Format, "hidden_size"},
        {"hidden 0", set("hidden_size", 0), ErrorCode::Format, "hidden_size"},
        {"hidden negative", set("hidden_size", -32), ErrorCode::Format, "hidden_size"},
        {"hidden huge", set("hidden_size", 1e18), ErrorCode::Format, "hidden_size"},
        {"hidden text", set("hidden_size", "32"), ErrorCode::Format, "hidden_size"},
        {"hidden fraction", set("hidden_size", 32.5), ErrorCode::Format, "hidden_size"},
        {"layers absurd", set("num_hidden_layers", 2000000000), ErrorCode::Format, "num_hidden_layers"},
        {"vocab absurd", set("vocab_size", uint64_t{1} << 63), ErrorCode::Format, "vocab_size"},
        {"kv heads", set("num_key_value_heads", 3), ErrorCode::Format, "num_key_value_heads"},
        {"odd head", set("head_dim", 7), ErrorCode::Format, "head_dim"},
        {"eps", set("rms_norm_eps", -1), ErrorCode::Format, "rms_norm_eps"},
        {"theta", set("rope_theta", 0), ErrorCode::Format, "rope_theta"},
        {"activation", set("hidden_act", "gelu"), ErrorCode::Unsupported, "silu"},
        {"quantised", set("quantization_config", {{"bits", 4}}), ErrorCode::Unsupported, "quantization_config"},
        {"scaling", set("rope_scaling", {{"type", "dynamic"}, {"factor", 4}}), ErrorCode::Unsupported,
         "linear, llama3"},
        {"scaling kind", set("rope_scaling", 4), ErrorCode::Format, "rope_scaling"},
        {"scaling factor", set("rope_scaling", {{"type", "linear"}, {"factor", 0}}), ErrorCode::Format,
         "rope_scaling.factor"},
        {"llama3 order",
         set("rope_scaling", {{"rope_type", "llama3"}, {"factor", 8}, {"low_freq_factor", 4}, {"high_freq_factor", 4}}),
         ErrorCode::Format, "high_freq_factor"},
        {"shape differs", set("intermediate_size", 64), ErrorCode::Format, "mlp.gate_proj"},
        {"layer missing", set("num_hidden_layers", 3), ErrorCode::NotFound, "model.layers.2."},
        {"layer too many", set("num_hidden_layers", 1), ErrorCode::Unsupported, "model.layers.1."},
        {"bias missing", set("attention_bias", true), ErrorCode::NotFound, "q_proj.bias"},
        {"no weights", without("model.safetensors"), ErrorCode::NotFound, "model.safetensors"},
        {"weights empty", bytes("model.safetensors", cutAt(0)), ErrorCode::Format, "header length"},
        {"weights 7 bytes", bytes("model.safetensors", cutAt(7)), ErrorCode::Format, "header length"},
        {"header cut", bytes("model.safetensors", cutAt(200)), ErrorCode::Format, "header length"},
        {"header length huge",
         bytes("model.safetensors", [](std::string s) { return s.replace(0, 8, std::string(8, '\xFF')); }),
         ErrorCode::Format, "header length"},
        {"header not UTF-8", bytes("model.safetensors", [](std::string s) { return s.replace(12, 1, "\xFE"); }),
         ErrorCode::Format, "UTF-8"},
        {"data cut", bytes("model.safetensors", [](std::string s) { return s.substr(0, s.size() - 1); }),
         ErrorCode::Format, "past the end"},
        {"data too long", bytes("model.safetensors", [](const std::string& s) { return s + "xxxx"; }),
         ErrorCode::Format, "do not fill"},
        {"tensor missing", header([q](json& h) { h[q + std::string("x")] = h[q], h.erase(q); }), ErrorCode::Unsupported,
         q},
        {"dtype unknown", header([q](json& h) { h[q]["dtype"] = "F33"; }), ErrorCode::Format, "dtype"},
        {"dtype not computed", header([q](json& h) { h[q]["dtype"] = "I32"; }), ErrorCode::Unsupported, "I32"},
        {"dtype size", header([q](json& h) { h[q]["dtype"] = "F64"; }), ErrorCode::Format, "data_offsets"},
        {"shape transposed", header([](json& h) {
             h["model.embed_tokens.weight"]["shape"] = {32, 291};
         }),
         ErrorCode::Format, "embed_tokens"},
        {"shape negative", header([q](json& h) {
             h[q]["shape"] = {-32, -32};
         }),
         ErrorCode::Format, "shape"},
        {"shape overflows", header([q](json& h) {
             h[q]["shape"] = {uint64_t{1} << 62, 1 << 20};
         }),
         ErrorCode::Format, "shape"},
        {"shape many", header([q](json& h) { h[q]["shape"] = {1, 1, 1, 1, 1, 1, 1, 1, 1}; }), ErrorCode::Format,
         "shape"},
        {"offset past end", header([norm](json& h) {
             h[norm]["data_offsets"] = {uint64_t{1} << 40, (uint64_t{1} << 40) + 128};
         }),
         ErrorCode::Format, "past the end"},
        {"offsets reversed", header([norm](json& h) {
             h[norm]["data_offsets"] = {128, 0};
         }),
         ErrorCode::Format, "data_offsets"},
        {"overlap", header([norm](json& h) {
             h[norm]["data_offsets"] = {0, 128};
         }),
         ErrorCode::Format, "overlap"},
        {"offsets kind", header([norm](json& h) { h[norm]["data_offsets"] = "0"; }), ErrorCode::Format, "data_offsets"},
        {"entry kind", header([norm](json& h) { h[norm] = 1; }), ErrorCode::Format, norm},
        {"gap", header([norm](json& h) { h.erase(norm); }), ErrorCode::Format, "gap"},
        {"name twice",
         bytes("model.safetensors",
               [](std::string s) {
                   const size_t at = s.find("model.layers.1.mlp.up_proj");
                   return s.replace(at, 26, "model.layers.0.mlp.up_proj");
               }),
         ErrorCode::Format, "twice"},
        {"no tokenizer", without("tokenizer.model"), ErrorCode::NotFound, "tokenizer.model"},
        {"weights are a Git LFS pointer", bytes("model.safetensors", [](const std::string&) { return kLfsPointer; }),
         ErrorCode::Format, "git lfs pull"},
        {"config is a Git LFS pointer", bytes("config.json", [](const std::string&) { return kLfsPointer; }),
         ErrorCode::Format, "git lfs pull"},
        {"weights are a web page",
         bytes("model.safetensors", [](const std::string&) { return "<!DOCTYPE html><html>"; }), ErrorCode::Format,
         "a web page"},
        {"link to the vocabulary broken", brokenLinkAt("tokenizer.model"), ErrorCode::NotFound,
         "leads to /nowhere/at/all"},
        {"link to the weights broken", brokenLinkAt("model.safetensors"), ErrorCode::NotFound,
         "leads to /nowhere/at/all"},
        {"link to the configuration broken", brokenLinkAt("config.json"), ErrorCode::NotFound,
         "leads to /nowhere/at/all"},
        {"card not JSON", bytes("spanscope.json", cutAt(9)), ErrorCode::Format, "spanscope.json"},
        {"card version", bytes("spanscope.json", [](const std::string&) { return R"({"protocol_version": 2})"; }),
         ErrorCode::Unsupported, "protocol_version"},
        {"card without version", bytes("spanscope.json", [](const std::string&) { return "{}"; }), ErrorCode::Format,
         "protocol_version"},
        {"card policy",
         bytes("spanscope.json",
               [](const std::string&) {
                   return R"({"protocol_version": 1, "tasks": [{"name": "sheet", "prefill": "some"}]})";
               }),
         ErrorCode::Format, "tasks[0].prefill"},
        {"card escapes",
         bytes("spanscope.json",
               [](const std::string&) { return R"({"protocol_version": 1, "card": "../../etc/passwd"})"; }),
         ErrorCode::Format, "card"},
        {"card task twice",
         bytes(
             "spanscope.json",
             [](const std::string&) { return R"({"protocol_version": 1, "tasks": [{"name": "a"}, {"name": "a"}]})"; }),
         ErrorCode::Format, "twice"},
    };
}

}  // namespace

class TestOpenModel : public QObject {
    Q_OBJECT
  private slots:
    /// What people point a program at that is no model: each is named, with what to open instead.
    void whatIsNoModelIsNamed_data() {
        QTest::addColumn<int>("kind");
        QTest::addColumn<QByteArray>("mentions");
        QTest::newRow("one safetensors file") << 0 << QByteArray("open the folder");
        QTest::newRow("a hub's cache of one model") << 1 << QByteArray("snapshots/abc");
        QTest::newRow("a hub's cache") << 2 << QByteArray("models--a--b/snapshots");
        QTest::newRow("folder of GGUF files") << 3 << QByteArray("x.gguf");
        QTest::newRow("weights alone") << 4 << QByteArray("config.json beside them");
        QTest::newRow("an adapter") << 5 << QByteArray("an adapter whose card names no base model");
        QTest::newRow("empty folder") << 6 << QByteArray("there is no model in this folder");
        QTest::newRow("Git LFS pointer") << 7 << QByteArray("git lfs pull");
        QTest::newRow("pickle") << 8 << QByteArray("an archive or a pickle file");
        QTest::newRow("broken link") << 9 << QByteArray("leads to /nowhere/at/all");
        QTest::newRow("nothing there") << 10 << QByteArray("no such file or folder");
    }
    void whatIsNoModelIsNamed() {
        QFETCH(int, kind);
        QFETCH(QByteArray, mentions);
        test::ScratchFolder folder;
        std::string path = folder.path();
        const auto file = [&](const std::string& name, const std::string& content) {
            path = folder.file(name);
            QVERIFY(writeFile(path, content));
        };
        if (kind == 0) {
            QVERIFY(test::writeTinyModel(folder.path()));
            path = folder.file("model.safetensors");
        }
        if (kind == 1) QVERIFY(QDir().mkpath(QString::fromStdString(folder.file("snapshots/abc"))));
        if (kind == 2) QVERIFY(QDir().mkpath(QString::fromStdString(folder.file("models--a--b/snapshots/abc"))));
        if (kind == 3) file("x.gguf", "GGUF");
        if (kind == 4) file("model-00001-of-00002.safetensors", "x");
        if (kind == 5) file("adapter_config.json", "{}");
        if (kind == 7) file("model.gguf", kLfsPointer);
        if (kind == 8)
            file("model.bin",
                 "PK\x03\x04"
                 "aaaaaaaaaaaaaaaa");
        if (kind == 9) {
            path = folder.file("link");
            QVERIFY(symlink("/nowhere/at/all", path.c_str()) == 0);
        }
        if (kind == 10) path = folder.file("none");
        if (kind >= 3 && kind <= 5) path = folder.path();
        const auto model = openModel(path);
        QVERIFY(!model);
        QVERIFY2(model.error().toString().find(mentions.toStdString()) != std::string::npos,
                 model.error().toString().c_str());
    }

    void opens_data() {
        QTest::addColumn<int>("dtype");
        QTest::addColumn<int>("nShards");
        QTest::addColumn<int>("padding");
        QTest::addColumn<bool>("tied");
        QTest::addColumn<bool>("biased");
        QTest::newRow("F32") << int(DType::F32) << 1 << -1 << false << false;
        QTest::newRow("BF16 sharded") << int(DType::BF16) << 3 << -1 << false << false;
        QTest::newRow("F16 tied") << int(DType::F16) << 1 << -1 << true << false;
        QTest::newRow("biases") << int(DType::F32) << 2 << -1 << false << true;
        for (int padding = 0; padding < 8; ++padding)
            QTest::addRow("padding %d", padding) << int(DType::F32) << 1 << padding << false << false;
    }
    void opens() {
        QFETCH(int, dtype);
        QFETCH(int, nShards);
        QFETCH(int, padding);
        QFETCH(bool, tied);
        QFETCH(bool, biased);
        test::TinyModelOptions options;
        options.dtype = DType(dtype);
        options.nShards = nShards;
        options.headerPadding = padding;
        options.tiedHead = tied;
        options.attentionBias = options.mlpBias = biased;
        test::ScratchFolder folder;
        QVERIFY(test::writeTinyModel(folder.path(), options));
        const auto opened = openModel(folder.path());
        QVERIFY2(opened, opened ? "" : opened.error().toString().c_str());
        const Model& model = **opened;
        const ModelWeights& w = model.weights();
        QCOMPARE(w.shape.nKvHeads, 2);
        QCOMPARE(w.shape.ropes[0].invFreq.size(), size_t{4});
        QCOMPARE(w.shape.ropes[0].invFreq[1], 0.1f);
        QCOMPARE(w.layers.size(), size_t{2});
        QCOMPARE(w.layers[1].down.rows, 32);
        QCOMPARE(w.layers[1].down.cols, 48);
        QCOMPARE(bool(w.head), !tied);
        QCOMPARE(bool(w.layers[0].qBias) && bool(w.layers[1].downBias), biased);
        QCOMPARE(w.embedding.dtype, options.dtype);
        QCOMPARE(w.shape.vocab, model.tokenizer().vocabSize());
        QVERIFY(model.formatName().ends_with(dtypeName(options.dtype)));
        QCOMPARE(model.name(), std::string("tiny"));
        const TaskCard* sheet = model.card().task("sheet");
        QVERIFY(sheet != nullptr && model.card().task("nothing") == nullptr);
        QCOMPARE(sheet->policy.prefill, PrefillPolicy::Segmented);
        QCOMPARE(sheet->maxLines, 8);
        QVERIFY(model.card().task("expression")->policy.heads);
        if (options.dtype == DType::F32) {
            const auto* values = static_cast<const float*>(w.finalNorm.data);
            QCOMPARE(reinterpret_cast<uintptr_t>(values) % 4, uintptr_t{0});
            for (int i = 0; i < 32; ++i) QVERIFY(values[i] > 0.4f && values[i] < 1.6f);
        }
    }

    void bundledModelsOpen_data() {
        QTest::addColumn<QString>("name");
        for (const QString& name :
             QDir(SPANSCOPE_SOURCE_DIR "/resources/models").entryList(QDir::Dirs | QDir::NoDotAndDotDot))
            QTest::newRow(qPrintable(name)) << name;
    }
    /// An adapter whose base is not on this machine says how it comes here.
    void bundledModelsOpen() {
        QFETCH(QString, name);
        const std::string folder = SPANSCOPE_SOURCE_DIR "/resources/models/" + name.toStdString();
        if (missingBase(folder)) {
            const auto lacking = openModel(folder);
            QVERIFY(!lacking && lacking.error().message.find("./run model") != std::string::npos);
            QSKIP("its base is not here; ./run model brings it");
        }
        const auto model = openModel(folder);
        QVERIFY2(model, model ? "" : model.error().toString().c_str());
        QVERIFY((*model)->tokenizer().pieceIds().complete());
        QVERIFY(!(*model)->card().tasks.empty() && !(*model)->card().cardText.empty());
        if (name == "arith")
            QVERIFY((*model)->card().task("expression") != nullptr && (*model)->card().task("sheet") != nullptr);
        if ((*model)->adapter() == nullptr) QVERIFY((*model)->weightBytes() < (32u << 20));
    }

    void slidingWindowOfMistral() {
        test::TinyModelOptions options;
        options.slidingWindow = 24;
        QCOMPARE(test::tinyModel(options)->weights().shape.slidingWindow, 24);
        QCOMPARE(test::tinyModel()->weights().shape.slidingWindow, 0);
    }

    void hashTellsModelsApart() {
        test::TinyModelOptions other;
        other.seed = 2;
        QCOMPARE(test::tinyModel()->hash(), test::tinyModel()->hash());
        QVERIFY(test::tinyModel()->hash() != test::tinyModel(other)->hash());
        QCOMPARE(test::tinyModel()->hash().size(), size_t{16});
    }

    void brokenFoldersAreRefused_data() {
        QTest::addColumn<int>("index");
        int index = 0;
        for (const Broken& broken : brokenFolders()) QTest::newRow(broken.title) << index++;
    }
    void brokenFoldersAreRefused() {
        QFETCH(int, index);
        const Broken broken = brokenFolders()[size_t(index)];
        test::ScratchFolder folder;
        QVERIFY(test::writeTinyModel(folder.path()));
        broken.edit(folder.path());
        const auto model = openModel(folder.path());
        QVERIFY2(!model, "opened");
        const std::string text = model.error().toString();
        QVERIFY2(model.error().code == broken.code, text.c_str());
        QVERIFY2(text.find(broken.mentions) != std::string::npos, text.c_str());
        QVERIFY2(model.error().file.starts_with(folder.path()), text.c_str());
    }

    /// Each bias must be there, or must not be there, as config.json says.
    void biasesFollowTheConfiguration_data() {
        QTest::addColumn<bool>("promised");
        QTest::addColumn<QByteArray>("name");
        for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                                 "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"})
            for (const bool promised : {true, false})
                QTest::addRow("%s %s", name, promised ? "missing" : "unexpected") << promised << QByteArray(name);
    }
    void biasesFollowTheConfiguration() {
        QFETCH(bool, promised);
        QFETCH(QByteArray, name);
        test::ScratchFolder folder;
        test::TinyModelOptions options;
        options.attentionBias = options.mlpBias = true;
        QVERIFY(test::writeTinyModel(folder.path(), options));
        const std::string bias = "model.layers.1." + name.toStdString() + ".bias";
        if (promised) {
            header([&](json& h) { h["extra"] = h[bias], h.erase(bias); })(folder.path());
        } else {
            const std::string key = name.startsWith("mlp") ? "mlp_bias" : "attention_bias";
            set(key.c_str(), false)(folder.path());
            header([&](json& h) {  // nothing else is unexpected
                const json before = h;
                for (const auto& [other, entry] : before.items())
                    if (other.ends_with(".bias") && other != bias) h["extra " + other] = entry, h.erase(other);
            })(folder.path());
            set(key == "mlp_bias" ? "attention_bias" : "mlp_bias", false)(folder.path());
        }
        const auto model = openModel(folder.path());
        QVERIFY(!model);
        QCOMPARE(model.error().code, promised ? ErrorCode::NotFound : ErrorCode::Unsupported);
        QCOMPARE(model.error().field, bias);
    }

    void brokenIndex_data() {
        QTest::addColumn<QByteArray>("index");
        QTest::addColumn<QByteArray>("mentions");
        QTest::newRow("no map") << QByteArray("{}") << QByteArray("weight_map");
        QTest::newRow("empty") << QByteArray(R"({"weight_map": {}})") << QByteArray("0");
        QTest::newRow("path") << QByteArray(R"({"weight_map": {"a": "../model-0.safetensors"}})")
                              << QByteArray("file name");
        QTest::newRow("no file") << QByteArray(R"({"weight_map": {"a": "model-7.safetensors"}})")
                                 << QByteArray("model-7.safetensors");
        QTest::newRow("wrong file") << QByteArray(R"({"weight_map": {"model.norm.weight": "model-0.safetensors",
                                                  "a": "model-1.safetensors"}})")
                                    << QByteArray("weight_map.");
    }
    void brokenIndex() {
        QFETCH(QByteArray, index);
        QFETCH(QByteArray, mentions);
        test::ScratchFolder folder;
        test::TinyModelOptions options;
        options.nShards = 2;
        QVERIFY(test::writeTinyModel(folder.path(), options));
        QVERIFY(writeFile(folder.file("model.safetensors.index.json"), index.toStdString()));
        const auto model = openModel(folder.path());
        QVERIFY(!model);
        const std::string text = model.error().toString();
        QVERIFY2(text.find(mentions.toStdString()) != std::string::npos, text.c_str());
    }

    void otherTokenizerIsNamed() {
        test::ScratchFolder folder;
        QVERIFY(test::writeTinyModel(folder.path()));
        without("tokenizer.model")(folder.path());
        QVERIFY(writeFile(folder.file("tokenizer.json"), R"({"model": {"type": "WordPiece", "vocab": {"a": 0}}})"));
        const auto model = openModel(folder.path());
        QVERIFY(!model);
        QCOMPARE(model.error().code, ErrorCode::Unsupported);
        QCOMPARE(model.error().found, std::string("WordPiece"));
    }

    /// Every file that names an id that ends a response is heard.
    void stopIdsOfAllFiles() {
        test::ScratchFolder folder;
        QVERIFY(test::writeTinyModel(folder.path()));
        QVERIFY(writeFile(folder.file("generation_config.json"), R"({"eos_token_id": [7, 2, 9]})"));
        auto config = nlohmann::json::parse(test::readFile(folder.file("config.json")));
        config["eos_token_id"] = 5;
        QVERIFY(writeFile(folder.file("config.json"), config.dump()));
        const auto model = openModel(folder.path());
        QVERIFY2(model.ok(), model ? "" : model.error().toString().c_str());
        std::vector<int32_t> want{5, 7, 2, 9, (*model)->tokenizer().eosId()};
        std::sort(want.begin(), want.end());
        want.erase(std::unique(want.begin(), want.end()), want.end());
        const auto stops = (*model)->stopIds();
        QCOMPARE(std::vector<int32_t>(stops.begin(), stops.end()), want);
        for (const char* wrong :
             {R"({"eos_token_id": [1, "x"]})", R"({"eos_token_id": 100000})", R"({"eos_token_id": {}})"}) {
            QVERIFY(writeFile(folder.file("generation_config.json"), wrong));
            const auto refused = openModel(folder.path());
            QVERIFY(!refused);
            QCOMPARE(refused.error().field, std::string("eos_token_id"));
            QVERIFY(refused.error().file.ends_with("generation_config.json"));
        }
    }

    void pickleIsRefused() {
        test::ScratchFolder folder;
        QVERIFY(test::writeTinyModel(folder.path()));
        without("model.safetensors")(folder.path());
        QVERIFY(writeFile(folder.file("pytorch_model.bin"), "x"));
        QCOMPARE(openModel(folder.path()).error().code, ErrorCode::Unsupported);
    }

    void withoutCardItIsPlainText() {
        test::TinyModelOptions options;
        options.card = false;
        const auto model = test::tinyModel(options);
        QCOMPARE(model->card().protocolVersion, 0);
        QVERIFY(model->card().tasks.empty());
        QVERIFY(!model->name().empty());
    }

    void progressAndCancel() {
        test::ScratchFolder folder;
        QVERIFY(test::writeTinyModel(folder.path()));
        std::vector<double> seen;
        QVERIFY(openModel(folder.path(), [&](double fraction) { return seen.push_back(fraction), true; }));
        QVERIFY(seen.size() > 2 && seen.front() == 0 && seen.back() == 1);
        QVERIFY(std::is_sorted(seen.begin(), seen.end()));
        int calls = 0;
        const auto cancelled = openModel(folder.path(), [&](double) { return ++calls < 3; });
        QVERIFY(!cancelled);
        QCOMPARE(cancelled.error().code, ErrorCode::Cancelled);
        QCOMPARE(calls, 3);
        QVERIFY2(readFile("/proc/self/maps").find(folder.path()) == std::string::npos, "still mapped");
    }

    /// What ModelFile::open() has read is not read again.
    void headersAreReadOnce() {
        test::ScratchFolder folder;
        QVERIFY(test::writeTinyModel(folder.path()));
        const auto whole = openModel(folder.path());
        auto file = ModelFile::open(folder.path());
        QVERIFY(whole && file);
        for (const char* name : {"config.json", "model.safetensors"}) without(name)(folder.path());
        QCOMPARE(file->path(), folder.path());
        QCOMPARE(file->hash(), (*whole)->hash());
        QCOMPARE(file->formatName(), (*whole)->formatName());
        QCOMPARE(file->weightBytes(), (*whole)->weightBytes());
        QCOMPARE(file->shape().nLayers, 2);
        QCOMPARE(file->forecast(100, DType::F32).kvBytes, (*whole)->forecast(100, DType::F32).kvBytes);
        QCOMPARE(file->forecast(0, DType::BF16).contextTokens, 4096);
        const auto model = std::move(*file).load();
        QVERIFY2(model, model ? "" : model.error().toString().c_str());
        QCOMPARE((*model)->name(), std::string("tiny"));
        QCOMPARE((*model)->hash(), (*whole)->hash());
        QCOMPARE((*model)->tokenizer().vocabSize(), (*whole)->tokenizer().vocabSize());
    }

    void notAModel() {
        test::ScratchFolder folder;
        QCOMPARE(openModel(folder.file("none")).error().code, ErrorCode::NotFound);
        QCOMPARE(openModel(folder.path()).error().code, ErrorCode::NotFound);
        QVERIFY(writeFile(folder.file("note.txt"), "hello"));
        QVERIFY(!openModel(folder.file("note.txt")));
    }
};

QTEST_GUILESS_MAIN(TestOpenModel)
#include "tst_open_model.moc"
