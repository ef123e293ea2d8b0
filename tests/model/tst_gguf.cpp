// GGUF files as they should be, and with one thing wrong.
#include <QtTest>

#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "engine/model/gguf/gguf.h"
#include "kernels/drawn_blocks.h"
#include "tests/model/gguf_writer.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using test::readFile;
using test::writeFile;
using namespace test::gguf;
using Parts = test::GgufParts;

namespace {

const std::string kFolder = SPANSCOPE_SOURCE_DIR "/tests/fixtures/golden/";

struct Broken {
    const char* title;
    std::function<void(Parts&)> edit;
    ErrorCode code;
    const char* mentions;
};

std::vector<Broken> brokenFiles() {
    const auto put = [](std::string key, std::string value) {
        return [key, value](Parts& p) { p.metadata[key] = value; };
    };
    const auto drop = [](std::string key) { return [key](Parts& p) { p.metadata.erase(key); }; };
    const std::string q = "blk.0.attn_q.weight";
    const auto strings = [](size_t n) {
        std::string s = number(9, 4) + number(8, 4) + number(n, 8);
        for (size_t i = 0; i < n; ++i) s += text("p" + std::to_string(i));
        return s;
    };
    return {
        {"magic", [](Parts& p) { p.magic = "GGML"; }, ErrorCode::Format, "GGUF"},
        {"version 1", [](Parts& p) { p.version = 1; }, ErrorCode::Unsupported, "2 or 3"},
        {"big endian", [](Parts& p) { p.version = 3u << 24; }, ErrorCode::Unsupported, "big-endian"},
        {"tensors many", [](Parts& p) { p.nTensors = int64_t{1} << 60; }, ErrorCode::Format, "tensor_count"},
        {"values many", [](Parts& p) { p.nValues = int64_t{1} << 60; }, ErrorCode::Format, "metadata_kv_count"},
        {"tensors more than there are", [](Parts& p) { p.nTensors = 400; }, ErrorCode::Format, ""},
        {"value type", put("x", number(13, 4)), ErrorCode::Format, "x"},
        {"string past the end", put("x", number(8, 4) + number(uint64_t{1} << 50, 8)), ErrorCode::Format, "x"},
        {"array past the end", put("x", number(9, 4) + number(4, 4) + number(uint64_t{1} << 61, 8)), ErrorCode::Format,
         "x"},
        {"array of what", put("x", number(9, 4) + number(77, 4) + number(1, 8)), ErrorCode::Format, "x"},
        {"arrays nested deep",
         put("x",
             [] {
                 std::string s = number(9, 4);
                 for (int i = 0; i < 1000; ++i) s += number(9, 4) + number(1, 8);
                 return s;
             }()),
         ErrorCode::Format, "nested too deeply"},
        {"alignment 0", put("general.alignment", u32Value(0)), ErrorCode::Format, "general.alignment"},
        {"alignment 12", put("general.alignment", u32Value(12)), ErrorCode::Format, "general.alignment"},
        {"architecture", put("general.architecture", stringValue("mamba")), ErrorCode::Unsupported, "llama"},
        {"no architecture", drop("general.architecture"), ErrorCode::Format, "general.architecture"},
        {"architecture number", put("general.architecture", u32Value(3)), ErrorCode::Format, "a string"},
        {"no layers", drop("llama.block_count"), ErrorCode::Format, "llama.block_count"},
        {"layers absurd", put("llama.block_count", u32Value(4000000000u)), ErrorCode::Format, "llama.block_count"},
        {"layers text", put("llama.block_count", stringValue("1")), ErrorCode::Format, "an integer"},
        {"layers more", put("llama.block_count", u32Value(2)), ErrorCode::NotFound, "blk.1."},
        {"heads", put("llama.attention.head_count", u32Value(3)), ErrorCode::Format, "head_count"},
        {"kv heads", put("llama.attention.head_count_kv", u32Value(3)), ErrorCode::Format, "head_count_kv"},
        {"eps not a number", put("llama.attention.layer_norm_rms_epsilon", f32Value(NAN)), ErrorCode::Format,
         "epsilon"},
        {"partial rope", put("llama.rope.dimension_count", u32Value(8)), ErrorCode::Unsupported, "dimension_count"},
        {"scaling", put("llama.rope.scaling.type", stringValue("longrope")), ErrorCode::Unsupported, "linear or yarn"},
        {"factor without its kind of scaling",
         [](Parts& p) {
             p.metadata["llama.rope.scaling.type"] = stringValue("none");
             p.metadata["llama.rope.scaling.factor"] = f32Value(4);
         },
         ErrorCode::Unsupported, "rope.scaling.factor"},
        {"YaRN extrapolation",
         [](Parts& p) {
             p.metadata["llama.rope.scaling.type"] = stringValue("yarn");
             p.metadata["llama.rope.scaling.yarn_ext_factor"] = f32Value(0.5f);
         },
         ErrorCode::Unsupported, "yarn_ext_factor"},
        {"scale of scores", put("llama.attention.scale", f32Value(0.5f)), ErrorCode::Unsupported, "attention.scale"},
        {"scale of logits", put("llama.logit_scale", f32Value(0.5f)), ErrorCode::Unsupported, "logit_scale"},
        {"soft cap", put("llama.attn_logit_softcapping", f32Value(50)), ErrorCode::Unsupported, "softcapping"},
        {"temperature", put("llama.attention.temperature_scale", f32Value(0.1f)), ErrorCode::Unsupported,
         "temperature_scale"},
        {"sections of RoPE", put("llama.rope.dimension_sections", u32Value(3)), ErrorCode::Unsupported,
         "dimension_sections"},
        {"pattern of windows", put("llama.attention.sliding_window_pattern", u32Value(2)), ErrorCode::Unsupported,
         "sliding_window_pattern"},
        {"experts", put("llama.expert_count", u32Value(8)), ErrorCode::Unsupported, "expert"},
        {"vocabulary kind", put("tokenizer.ggml.model", stringValue("rwkv")), ErrorCode::Unsupported, "rwkv"},
        {"no tokens", drop("tokenizer.ggml.tokens"), ErrorCode::Format, "tokenizer.ggml.tokens"},
        {"fewer tokens", put("tokenizer.ggml.tokens", strings(95)), ErrorCode::Format, "equal numbers"},
        {"no unknown piece",
         put("tokenizer.ggml.token_type",
             [] {
                 std::string s = number(9, 4) + number(5, 4) + number(96, 8);
                 for (int i = 0; i < 96; ++i) s += number(1, 4);
                 return s;
             }()),
         ErrorCode::Format, "one of type 2"},
        {"bos outside", put("tokenizer.ggml.bos_token_id", u32Value(96)), ErrorCode::Format, "bos_token_id"},
        {"one part of a split file", put("split.count", number(2, 4) + number(3, 2)), ErrorCode::Unsupported,
         "part 1 of 3"},
        {"vocabulary of millions",
         put("tokenizer.ggml.tokens",
             [] {
                 std::string s = number(9, 4) + number(8, 4) + number(1 << 20, 8);
                 for (int i = 0; i < 1 << 20; ++i) s += number(0, 8);
                 return s;
             }()),
         ErrorCode::Format, "more pieces than the model"},
        {"vocab larger", put("llama.vocab_size", u32Value(97)), ErrorCode::Format, "token_embd"},
        {"tensor missing", [q](Parts& p) { p.tensor(q).name = "extra.weight"; }, ErrorCode::Unsupported, "extra"},
        {"norm missing",
         [](Parts& p) { std::erase_if(p.tensors, [](const auto& t) { return t.name == "output_norm.weight"; }); },
         ErrorCode::NotFound, "output_norm.weight"},
        {"tensor twice", [q](Parts& p) { p.tensors.push_back(p.tensor(q)); }, ErrorCode::Format, "twice"},
        {"type not run", [q](Parts& p) { p.tensor(q).type = 16; }, ErrorCode::Unsupported, "IQ2_XXS"},
        {"types that are", [q](Parts& p) { p.tensor(q).type = 16; }, ErrorCode::Unsupported,
         "Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS"},
        {"type unknown", [q](Parts& p) { p.tensor(q).type = 99; }, ErrorCode::Unsupported, "99"},
        {"dimensions 0", [q](Parts& p) { p.tensor(q).dimensions = {}; }, ErrorCode::Format, "dimensions"},
        {"dimensions 5",
         [q](Parts& p) {
             p.tensor(q).dimensions = {1, 1, 1, 1, 1};
         },
         ErrorCode::Format, "dimensions"},
        {"dimension 0", [q](Parts& p) { p.tensor(q).dimensions[0] = 0; }, ErrorCode::Format, "dimension"},
        {"dimension overflow", [q](Parts& p) { p.tensor(q).dimensions.assign(4, uint64_t{1} << 40); },
         ErrorCode::Format, "past the end"},
        {"rows not whole blocks",
         [q](Parts& p) {
             p.tensor(q).type = 8;
             p.tensor(q).dimensions = {33, 1};
         },
         ErrorCode::Format, "blocks"},
        {"offset odd", [q](Parts& p) { p.tensor(q).offset = 7; }, ErrorCode::Format, "aligned"},
        {"offset far", [q](Parts& p) { p.tensor(q).offset = int64_t{1} << 50; }, ErrorCode::Format, "aligned"},
        {"offset of another", [q](Parts& p) { p.tensor(q).offset = 0; }, ErrorCode::Format, "overlaps"},
        {"shape differs",
         [q](Parts& p) {
             p.tensor(q).dimensions = {32, 128};
         },
         ErrorCode::Format, "shape"},
        {"name not UTF-8", [q](Parts& p) { p.tensor(q).name = "\xFF"; }, ErrorCode::Format, "UTF-8"},
    };
}

}  // namespace

class TestGguf : public QObject {
    Q_OBJECT
  private slots:
    void opens_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<int>("version");
        for (const char* name : {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K"})
            for (const int version : {2, 3}) QTest::addRow("%s v%d", name, version) << name << version;
    }
    void opens() {
        QFETCH(QString, name);
        QFETCH(int, version);
        Parts parts = Parts::read(kFolder + name.toStdString() + ".gguf");
        parts.version = uint32_t(version);
        test::ScratchFolder folder;
        QVERIFY(writeFile(folder.file("m.gguf"), parts.write()));
        const auto model = openModel(folder.file("m.gguf"));
        QVERIFY2(model, model ? "" : model.error().toString().c_str());
        const ModelWeights& w = (*model)->weights();
        QCOMPARE((*model)->formatName(), "GGUF " + name.toStdString());
        QCOMPARE((*model)->name(), "golden " + name.toStdString());
        QVERIFY(w.shape.ropeInterleaved);
        QCOMPARE(w.shape.nKvHeads, 1);
        QCOMPARE(w.shape.vocab, 96);
        QCOMPARE(bool(w.head), name == "F16");
        QCOMPARE(bool(w.layers[0].kBias), name == "BF16");
        QCOMPARE((*model)->tokenizer().vocabSize(), 96);
        QCOMPARE((*model)->card().protocolVersion, 0);
        const auto headers = ModelFile::open(folder.file("m.gguf"));
        QVERIFY(headers);
        QCOMPARE(headers->forecast(64, DType::F32).weightBytes, (*model)->weightBytes());
    }

    /// A tensor of each block format in a file of floats, under ggml's number for it.
    void eachFormatIsRead_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<uint>("number");
        const auto made = nlohmann::json::parse(readFile(SPANSCOPE_SOURCE_DIR "/tests/fixtures/formats/blocks.json"));
        for (const auto& [name, number] : made["types"].items())
            QTest::newRow(name.c_str()) << QString::fromStdString(name) << number.get<uint>();
    }
    void eachFormatIsRead() {
        QFETCH(QString, name);
        QFETCH(uint, number);
        const auto type = dtypeFromName(name.toStdString());
        QVERIFY(type);
        const bool super = rowBytes(*type, 64) == 0;
        Parts parts = Parts::read(kFolder + (super ? "Q4_K.gguf" : "F32.gguf"));
        Parts::Tensor& tensor = parts.tensor("blk.0.ffn_up.weight");
        tensor.type = number;
        tensor.data.assign(tensor.dimensions[1] * rowBytes(*type, int64_t(tensor.dimensions[0])), '\0');
        std::mt19937_64 random(number);
        drawBlocks(*type, reinterpret_cast<uint8_t*>(tensor.data.data()), tensor.data.size(), 0.1f, random);
        test::ScratchFolder folder;
        QVERIFY(writeFile(folder.file("m.gguf"), parts.write()));
        const auto model = openModel(folder.file("m.gguf"));
        QVERIFY2(model, model ? "" : model.error().toString().c_str());
        const TensorView& up = (*model)->weights().layers[0].up;
        QCOMPARE(up.dtype, *type);
        QCOMPARE(QByteArray(static_cast<const char*>(up.data), qsizetype(up.nBytes())),
                 QByteArray::fromStdString(tensor.data));
        tensor.data.pop_back();
        QVERIFY(writeFile(folder.file("m.gguf"), parts.write().substr(0, parts.write().size() - 32)));
        QVERIFY(!openModel(folder.file("m.gguf")));
    }

    void cardBesideIt() {
        test::ScratchFolder folder;
        QVERIFY(writeFile(folder.file("m.gguf"), readFile(kFolder + "F32.gguf")));
        QVERIFY(writeFile(folder.file("m.spanscope.json"), R"({"protocol_version": 1, "name": "x"})"));
        const auto model = openModel(folder.file("m.gguf"));  // this vocabulary cannot write the protocol
        QVERIFY(!model);
        QVERIFY(model.error().toString().find("<attend>") != std::string::npos);
    }

    void eachBiasIsThereIfItsTensorIs() {
        Parts parts = Parts::read(kFolder + "BF16.gguf");
        test::ScratchFolder folder;
        std::erase_if(parts.tensors, [](const auto& t) { return t.name == "blk.0.attn_k.bias"; });
        QVERIFY(writeFile(folder.file("m.gguf"), parts.write()));
        const auto model = openModel(folder.file("m.gguf"));
        QVERIFY2(model, model ? "" : model.error().toString().c_str());
        const LayerWeights& layer = (*model)->weights().layers[0];
        QVERIFY(layer.qBias && !layer.kBias && layer.vBias);
        for (auto& t : parts.tensors)
            if (t.name == "blk.0.attn_q.bias") t.name = "blk.0.attn_x.bias";
        QVERIFY(writeFile(folder.file("m.gguf"), parts.write()));
        QCOMPARE(openModel(folder.file("m.gguf")).error().field, std::string("blk.0.attn_x.bias"));
    }

    void brokenFilesAreRefused_data() {
        QTest::addColumn<int>("index");
        int index = 0;
        for (const Broken& broken : brokenFiles()) QTest::newRow(broken.title) << index++;
    }
    void brokenFilesAreRefused() {
        QFETCH(int, index);
        const Broken broken = brokenFiles()[size_t(index)];
        Parts parts = Parts::read(kFolder + "F32.gguf");
        broken.edit(parts);
        test::ScratchFolder folder;
        QVERIFY(writeFile(folder.file("m.gguf"), parts.write()));
        const auto model = openModel(folder.file("m.gguf"));
        QVERIFY2(!model, "opened");
        const std::string message = model.error().toString();
        QVERIFY2(model.error().code == broken.code, message.c_str());
        QVERIFY2(message.find(broken.mentions) != std::string::npos, message.c_str());
        QCOMPARE(model.error().file, folder.file("m.gguf"));
    }

    void everyCutIsRefused() {
        const std::string file = readFile(kFolder + "Q4_0.gguf");
        for (size_t size = 0; size < file.size(); size += size < 4000 ? 1 : 97) {
            const std::string part = file.substr(0, size);
            const auto parsed = parseGguf({reinterpret_cast<const uint8_t*>(part.data()), part.size()}, "cut");
            QVERIFY2(!parsed, QByteArray::number(qulonglong(size)));
        }
    }

    void noByteCrashesIt() {
        const std::string good = readFile(kFolder + "Q4_0.gguf");
        std::mt19937 random(3);
        test::ScratchFolder folder;
        int opened = 0;
        for (int round = 0; round < 400; ++round) {
            std::string file = good;
            for (int i = 0; i < 3; ++i) file[random() % 4000] = static_cast<char>(random());
            QVERIFY(writeFile(folder.file("m.gguf"), file));
            opened += openModel(folder.file("m.gguf")).ok();
        }
        QVERIFY(opened < 400);  // a changed score or name is still a model; a changed length is not
    }
};

QTEST_GUILESS_MAIN(TestGguf)
#include "tst_gguf.moc"
