// LoRA adapters: small ones made by peft over the golden checkpoints against what transformers with peft computes
// (tests/fixtures/adapters has the recipe), and files that are damaged, unknown or made for another base.
#include <QtTest>

#include <cmath>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>

#include "engine/model/model.h"
#include "kernels/backends.h"
#include "kernels/half.h"
#include "kernels/reference/dequantize.h"
#include "tests/model/golden_models.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using nlohmann::json;

namespace {

const std::string kGolden = SPANSCOPE_SOURCE_DIR "/tests/fixtures/golden/";
const std::string kAdapters = SPANSCOPE_SOURCE_DIR "/tests/fixtures/adapters/";
constexpr int32_t kPositions = 16;  // whose logits are kept, the last of the prompt
constexpr int32_t kDecoded = 8;     // of them, by steps

/// An adapter's two files, so that a test can change one thing in them.
struct AdapterParts {
    struct Tensor {
        std::string dtype;
        std::vector<int64_t> shape;
        std::string data;
    };
    json config;
    std::map<std::string, Tensor> tensors;

    explicit AdapterParts(const std::string& folder) {
        config = json::parse(test::readFile(folder + "/adapter_config.json"));
        const std::string file = test::readFile(folder + "/adapter_model.safetensors");
        uint64_t length = 0;
        std::memcpy(&length, file.data(), 8);
        const json header = json::parse(file.substr(8, length));
        for (const auto& [name, entry] : header.items()) {
            if (name == "__metadata__") continue;
            const size_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
            tensors[name] = {entry["dtype"], entry["shape"].get<std::vector<int64_t>>(),
                             file.substr(8 + length + begin, end - begin)};
        }
    }
    bool write(const std::string& folder) const {
        json header = json::object();
        std::string data;
        for (const auto& [name, t] : tensors) {
            header[name] = {
                {"dtype", t.dtype}, {"shape", t.shape}, {"data_offsets", {data.size(), data.size() + t.data.size()}}};
            data += t.data;
        }
        const std::string text = header.dump();
        const uint64_t length = text.size();
        return test::writeFile(folder + "/adapter_config.json", config.dump()) &&
               test::writeFile(folder + "/adapter_model.safetensors",
                               std::string(reinterpret_cast<const char*>(&length), 8) + text + data);
    }
    /// The first tensor whose name has this in it.
    std::string named(const std::string& part) const {
        for (const auto& [name, t] : tensors)
            if (name.find(part) != std::string::npos) return name;
        qFatal("no tensor with %s", part.c_str());
    }
};

std::unique_ptr<Backend> makeBackend(const std::string& name, const ModelWeights& weights) {
    BackendOptions options;
    options.kvTokens = 256;
    options.kvType = DType::F32;  // the default rounds more than the tolerance allows
    options.nThreads = name == "cpu 3" ? 3 : 1;
    auto backend = name.starts_with("cpu") ? makeCpuBackend(weights, options)
                                           : makeReferenceBackend(weights, options, name == "float64");
    if (!backend) qFatal("%s", backend.error().toString().c_str());
    return std::move(*backend);
}

IntervalList visibleAt(const ModelShape& shape, int32_t position) {
    const int32_t window = shape.slidingWindow;
    return {{window > 0 ? std::max(0, position - window + 1) : 0, kOpenEnd}};
}

struct Expected {
    std::vector<int32_t> prompt;
    std::vector<float> logits;  ///< (kPositions, vocab)
};

Expected expectedOf(const std::string& name) {
    static const json all = json::parse(test::readFile(kAdapters + "expected.json"))["cases"];
    Expected e;
    e.prompt = all[name]["prompt"].get<std::vector<int32_t>>();
    const std::string bytes = test::readFile(kAdapters + name + ".logits.f32");
    e.logits.resize(bytes.size() / sizeof(float));
    std::memcpy(e.logits.data(), bytes.data(), bytes.size());
    return e;
}

/// Of the last kPositions tokens: the last kDecoded by steps, the others by prefill.
std::vector<float> logitsOf(Backend& backend, const std::vector<int32_t>& prompt) {
    const ModelShape& shape = backend.shape();
    const auto vocab = static_cast<size_t>(shape.vocab);
    const auto n = static_cast<int32_t>(prompt.size());
    const auto sequence = backend.createSequence(n);
    std::vector<IntervalList> lists;
    std::vector<QueryRun> runs;
    for (int32_t i = 0; i < n; ++i) lists.push_back(visibleAt(shape, i));
    for (int32_t i = 0; i < n - kDecoded; ++i) runs.push_back({i, i + 1, lists[size_t(i)]});
    std::vector<float> all(vocab * size_t(n));
    const std::span<float> logits(all);
    const Status st = backend.prefill(*sequence, std::span(prompt).first(size_t(n - kDecoded)), runs,
                                      logits.first(vocab * size_t(n - kDecoded)));
    if (!st) qFatal("%s", st.error().toString().c_str());
    for (int32_t i = n - kDecoded; i < n; ++i) {
        const DecodeItem item{*sequence, prompt[size_t(i)], i, lists[size_t(i)], 0};
        DecodeOutput output;
        output.maybeLogits = logits.subspan(vocab * size_t(i), vocab);
        const Status ds = backend.decode({&item, 1}, output);
        if (!ds) qFatal("%s", ds.error().toString().c_str());
    }
    return {all.end() - std::ptrdiff_t(vocab * kPositions), all.end()};
}

/// Largest difference of a row, relative to the row's largest logit.
double worstOf(const std::vector<float>& found, const std::vector<float>& expected, size_t vocab) {
    if (found.size() != expected.size()) return INFINITY;
    double worst = 0;
    for (size_t row = 0; row < found.size(); row += vocab) {
        double difference = 0, largest = 0;
        for (size_t i = row; i < row + vocab; ++i) {
            if (!std::isfinite(found[i])) return INFINITY;
            difference = std::max(difference, std::abs(double(found[i]) - double(expected[i])));
            largest = std::max(largest, std::abs(double(expected[i])));
        }
        worst = std::max(worst, difference / largest);
    }
    return worst;
}

size_t nBeside(const ModelWeights& weights) {
    size_t n = 0;
    for (const LayerAdapter& adapter : weights.adapters)
        for (const LowRank* delta :
             {&adapter.q, &adapter.k, &adapter.v, &adapter.o, &adapter.gate, &adapter.up, &adapter.down})
            n += *delta ? 1 : 0;
    return n;
}

}  // namespace

class TestModelAdapters : public QObject {
    Q_OBJECT
  private slots:
    void agrees_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("backend");
        QTest::addColumn<bool>("asGguf");
        for (const char* backend : {"float64", "cpu 1", "cpu 3"}) {
            for (const char* name : {"gqa_8_2", "tied", "mha", "Q8_0.gguf", "gemma3", "phi3"})
                QTest::addRow("%s on %s", name, backend) << name << backend << false;
            for (const char* name : {"gemma3", "phi3"})
                QTest::addRow("%s as GGUF on %s", name, backend) << name << backend << true;
        }
    }
    void agrees() {
        QFETCH(QString, name);
        QFETCH(QString, backend);
        QFETCH(bool, asGguf);
        test::ScratchFolder scratch;
        std::string path = kGolden + name.toStdString();
        if (asGguf) {
            path = scratch.file("m.gguf");
            QVERIFY(test::writeFamilyGguf(name.toStdString(), path));
        }
        const auto opened = openModel(path, {}, kAdapters + name.toStdString());
        QVERIFY2(opened, opened ? "" : opened.error().toString().c_str());
        const Model& model = **opened;
        const bool quantised = name == "Q8_0.gguf";
        QCOMPARE(nBeside(model.weights()), size_t(quantised ? 7 : 0));
        QVERIFY(model.adapter() != nullptr);
        QCOMPARE(model.adapter()->copiedBytes == 0, quantised);
        const Expected expected = expectedOf(name.toStdString());
        const auto vocab = size_t(model.weights().shape.vocab);
        const auto engine = makeBackend(backend.toStdString(), model.weights());
        const double worst = worstOf(logitsOf(*engine, expected.prompt), expected.logits, vocab);
        // 1e-4: float32 sums in another order. Steps round the inputs of blocks to 16 bits; a sum in another order may
        // round a merged value to the other of two neighbours in BF16.
        const bool rounds = (quantised && backend != "float64") || name == "gemma3" || name == "phi3";
        QVERIFY2(worst <= (rounds ? 1e-3 : 1e-4), QByteArray::number(worst));
        // Without the adapter it is another model.
        const auto base = openModel(path);
        QVERIFY(base);
        const auto plain = makeBackend(backend.toStdString(), (*base)->weights());
        QVERIFY(worstOf(logitsOf(*plain, expected.prompt), expected.logits, vocab) > 0.1);
    }

    /// w + scale B A in float32, rounded once to the base's type.
    void mergedValues() {
        test::ScratchFolder folder;
        AdapterParts parts(kAdapters + "tied");
        parts.config["layers_to_transform"] = nullptr;
        parts.config["target_modules"] = {"q_proj"};
        parts.config["trainable_token_indices"] = nullptr;
        std::map<std::string, AdapterParts::Tensor> kept;
        const auto a = parts.tensors[parts.named("q_proj.lora_A")], b = parts.tensors[parts.named("q_proj.lora_B")];
        for (const char* layer : {"0", "1"}) {
            const std::string path = std::string("base_model.model.model.layers.") + layer + ".self_attn.q_proj.";
            kept[path + "lora_A.weight"] = a;
            kept[path + "lora_B.weight"] = b;
        }
        parts.tensors = kept;
        QVERIFY(parts.write(folder.path()));
        for (const DType type : {DType::BF16, DType::F16, DType::F32}) {
            test::ScratchFolder base;
            test::TinyModelOptions options;
            options.dtype = type;
            QVERIFY(test::writeTinyModel(base.path(), options));
            const auto with = openModel(base.path(), {}, folder.path()), without = openModel(base.path());
            QVERIFY2(with, with ? "" : with.error().toString().c_str());
            const auto values = [&](const TensorView& t) {
                std::vector<float> all(size_t(t.rows * t.cols));
                dequantizeRow(t.dtype, t.data, t.rows * t.cols, all.data());
                return all;
            };
            const TensorView& merged = (*with)->weights().layers[1].q;
            QCOMPARE(merged.dtype, type);
            const std::vector<float> got = values(merged), w = values((*without)->weights().layers[1].q);
            const std::vector<float> fa = values({a.data.data(), DType::BF16, 2, 32});
            const std::vector<float> fb = values({b.data.data(), DType::BF16, 32, 2});
            for (size_t r = 0; r < 32; ++r)
                for (size_t c = 0; c < 32; ++c) {
                    const float sum = fb[2 * r] * fa[c] + fb[2 * r + 1] * fa[32 + c];
                    const float exact = w[32 * r + c] + 1.5F * sum;  // lora_alpha 3, rank 2
                    const float want = type == DType::BF16  ? bf16ToFloat(floatToBf16(exact))
                                       : type == DType::F16 ? f16ToFloat(floatToF16(exact))
                                                            : exact;
                    // A sum in another order may fall on the other side of a middle between two neighbours.
                    QVERIFY(std::abs(got[32 * r + c] - want) <= std::abs(want) * (type == DType::BF16  ? 8e-3F
                                                                                  : type == DType::F16 ? 1e-3F
                                                                                                       : 1e-5F) +
                                                                    1e-6F);
                }
            // What is not adapted is not copied.
            QCOMPARE(values((*with)->weights().layers[1].k), values((*without)->weights().layers[1].k));
        }
    }

    void whatIsSaidOfIt() {
        const auto base = openModel(kGolden + "tied"), with = openModel(kGolden + "tied", {}, kAdapters + "tied");
        QVERIFY(base && with);
        QVERIFY((*base)->adapter() == nullptr);
        const AdapterInfo& info = *(*with)->adapter();
        QCOMPARE(info.name, std::string("tied"));
        QCOMPARE(info.path, kAdapters + "tied");
        QCOMPARE(info.rank, 2);
        QCOMPARE(info.baseHash, (*base)->hash());
        QVERIFY((*with)->hash() != (*base)->hash() && info.hash != info.baseHash);
        QCOMPARE((*with)->name(), (*base)->name() + " + tied");
        // q, v and gate of one layer, F32; four rows of BF16.
        QCOMPARE(info.copiedBytes, uint64_t((32 + 16 + 48) * 32 * 4));
        QCOMPARE(info.besideBytes, uint64_t(4 * 32 * 2));
        QCOMPARE((*with)->weightBytes(), (*base)->weightBytes() + info.besideBytes);
        const ReplacedRows& rows = (*with)->weights().embeddingRows;
        QCOMPARE(rows.ids, (std::vector<int32_t>{3, 5, 70, 95}));
        QCOMPARE((*with)->weights().headRows.ids, rows.ids);
        const auto headers = ModelFile::open(kGolden + "tied", kAdapters + "tied");
        QVERIFY(headers);
        QCOMPARE(headers->hash(), (*with)->hash());
        QCOMPARE(headers->weightBytes(), (*with)->weightBytes());
        QCOMPARE(headers->adapter()->rank, 2);

        const auto beside = openModel(kGolden + "Q8_0.gguf", {}, kAdapters + "Q8_0.gguf");
        const auto plain = openModel(kGolden + "Q8_0.gguf");
        QVERIFY(beside && plain);
        // A and B as they lie in the file, and as a backend lays them out; rows once.
        const uint64_t rowBytes = 4 * 64 * 2, lowRank = (*beside)->adapter()->besideBytes - rowBytes;
        QCOMPARE(lowRank, uint64_t((7 * 64 + 64 + 16 + 16 + 64 + 64 + 64 + 64) * 4 * 2));
        QCOMPARE((*beside)->weightBytes(), (*plain)->weightBytes() + 2 * lowRank + rowBytes);
        QCOMPARE((*beside)->weights().layers[0].q.data == nullptr, false);
        QCOMPARE((*beside)->weights().layers[0].q.dtype, DType::Q8_0);
    }

    void cards() {
        test::ScratchFolder folder, base;
        QVERIFY(AdapterParts(kAdapters + "tied").write(folder.path()));
        for (const char* file : {"config.json", "model.safetensors", "tokenizer.model"})
            QVERIFY(test::writeFile(base.file(file), test::readFile(kGolden + "tied/" + file)));
        const auto plain = openModel(base.path());
        QVERIFY(plain);
        const auto card = [&](const std::string& hash) {
            return json{{"protocol_version", 1}, {"name", "tuned"}, {"license", "X"}, {"base_hash", hash}}.dump();
        };
        // This vocabulary cannot write the protocol, which shows that the card was read.
        QVERIFY(test::writeFile(folder.file("spanscope.json"), card((*plain)->hash())));
        const auto with = openModel(base.path(), {}, folder.path());
        QVERIFY(!with);
        QVERIFY(with.error().message.find("promises the span protocol") != std::string::npos);
        QVERIFY(test::writeFile(folder.file("spanscope.json"), card("0123456789abcdef")));
        const auto other = ModelFile::open(base.path(), folder.path());
        QVERIFY(!other);
        QCOMPARE(other.error().code, ErrorCode::InvalidArgument);
        QCOMPARE(other.error().field, std::string("base_hash"));
        QCOMPARE(other.error().found, (*plain)->hash());
        QCOMPARE(other.error().expected, std::string("0123456789abcdef"));
    }

    void refused_data() {
        QTest::addColumn<int>("index");
        int i = 0;
        for (const Refused& r : refusals()) QTest::newRow(r.name) << i++;
    }
    void refused() {
        QFETCH(int, index);
        const Refused& r = refusals()[size_t(index)];
        test::ScratchFolder folder;
        AdapterParts parts(kAdapters + "tied");
        r.change(parts);
        QVERIFY(parts.write(folder.path()));
        const auto model = openModel(kGolden + "tied", {}, folder.path());
        QVERIFY2(!model, r.name);
        const Error& e = model.error();
        QVERIFY2(e.code == r.code, e.toString().c_str());
        QVERIFY2(e.toString().find(r.mentions) != std::string::npos, e.toString().c_str());
        QVERIFY2(e.file.starts_with(folder.path()), e.toString().c_str());
    }

    void otherBases() {
        for (const char* base : {"gqa_8_2", "Q8_0.gguf", "gemma3"}) {
            const auto model = openModel(kGolden + base, {}, kAdapters + "tied");
            QVERIFY(!model);
            QVERIFY2(model.error().message.find("made for another base") != std::string::npos,
                     model.error().toString().c_str());
            QVERIFY(!model.error().found.empty() && !model.error().expected.empty());
        }
    }

    void brokenFolders() {
        test::ScratchFolder folder;
        const auto error = [&] { return openModel(kGolden + "tied", {}, folder.path()).error(); };
        QCOMPARE(error().code, ErrorCode::NotFound);
        QCOMPARE(error().file, folder.file("adapter_config.json"));
        AdapterParts parts(kAdapters + "tied");
        QVERIFY(parts.write(folder.path()));
        const std::string whole = test::readFile(folder.file("adapter_model.safetensors"));
        for (size_t n = 0; n < whole.size(); n += 97) {
            QVERIFY(test::writeFile(folder.file("adapter_model.safetensors"), whole.substr(0, n)));
            QCOMPARE(error().code, ErrorCode::Format);
        }
        QVERIFY(std::remove(folder.file("adapter_model.safetensors").c_str()) == 0);
        QCOMPARE(error().code, ErrorCode::NotFound);
        QVERIFY(test::writeFile(folder.file("adapter_model.bin"), "PK"));
        QCOMPARE(error().code, ErrorCode::Unsupported);
        for (const char* text : {"", "[]", "{", "{\"peft_type\": 3}", "{\"peft_type\": \"LORA\"}"}) {
            QVERIFY(test::writeFile(folder.file("adapter_config.json"), text));
            QCOMPARE(error().code, ErrorCode::Format);
        }
    }

    /// A rank of one, and a scale of nothing special: the smallest adapter.
    void rankOne() {
        test::ScratchFolder folder;
        AdapterParts parts(kAdapters + "tied");
        parts.config["r"] = 1;
        for (auto& [name, t] : parts.tensors) {
            if (name.find("lora_A") != std::string::npos) t.shape[0] = 1, t.data.resize(t.data.size() / 2);
            if (name.find("lora_B") != std::string::npos) t.shape[1] = 1, t.data.resize(t.data.size() / 2);
        }
        QVERIFY(parts.write(folder.path()));
        const auto model = openModel(kGolden + "tied", {}, folder.path());
        QVERIFY2(model, model ? "" : model.error().toString().c_str());
        QCOMPARE((*model)->adapter()->rank, 1);
    }

    void cancelled() {
        int asked = 0;
        const auto model = openModel(
            kGolden + "gqa_8_2", [&](double fraction) { return ++asked, fraction < 1; }, kAdapters + "gqa_8_2");
        QVERIFY(!model);
        QCOMPARE(model.error().code, ErrorCode::Cancelled);
    }

  private:
    struct Refused {
        const char* name;
        std::function<void(AdapterParts&)> change;
        ErrorCode code;
        std::string mentions;
    };
    static const std::vector<Refused>& refusals() {
        using P = AdapterParts;
        const auto set = [](const char* key, json value) { return [key, value](P& p) { p.config[key] = value; }; };
        constexpr auto kFormat = ErrorCode::Format, kUnsupported = ErrorCode::Unsupported;
        constexpr auto kOther = ErrorCode::InvalidArgument;
        const std::string prefix = "base_model.model.";
        static const std::vector<Refused> all{
            {"other kind", set("peft_type", "IA3"), kUnsupported, "peft_type"},
            {"dora", set("use_dora", true), kUnsupported, "use_dora"},
            {"lora bias", set("lora_bias", true), kUnsupported, "lora_bias"},
            {"bias", set("bias", "all"), kUnsupported, "bias"},
            {"fan in", set("fan_in_fan_out", true), kUnsupported, "fan_in_fan_out"},
            {"replicated layers", set("layer_replication", json{{0, 1}}), kUnsupported, "layer_replication"},
            {"invocation tokens", set("alora_invocation_tokens", json{3}), kUnsupported, "alora_invocation_tokens"},
            {"unknown key", set("frobnicate", 3), kUnsupported, "frobnicate"},
            {"changed base", set("init_lora_weights", "pissa_niter_4"), kUnsupported, "init_lora_weights"},
            {"rank 0", set("r", 0), kFormat, "r"},
            {"rank of text", set("r", "2"), kFormat, "r"},
            {"rank beyond all", set("r", 1e12), kFormat, "r"},
            {"no alpha", [](P& p) { p.config.erase("lora_alpha"); }, kFormat, "lora_alpha"},
            {"rank pattern", set("rank_pattern", {{".*q_proj", 2}}), kUnsupported, "rank_pattern"},
            {"rank pattern of text", set("rank_pattern", {{"q_proj", "2"}}), kFormat, "rank_pattern.q_proj"},
            {"two ranks", set("rank_pattern", {{"q_proj", 2}, {"self_attn.q_proj", 3}}), kUnsupported, "rank_pattern"},
            {"other rank", set("rank_pattern", {{"q_proj", 3}}), kFormat, "rank 3"},
            {"targets", set("target_modules", 3), kFormat, "target_modules"},
            {"targets of nothing", set("target_modules", json{"q_proj", ""}), kFormat, "target_modules"},
            {"missing target", set("target_modules", json{"q_proj", "v_proj", "gate_proj", "up_proj"}),
             ErrorCode::NotFound, "up_proj"},
            {"unnamed target", set("target_modules", json{"q_proj", "v_proj"}), kFormat, "gate_proj"},
            {"layers", set("layers_to_transform", json{-1}), kFormat, "layers_to_transform"},
            {"more layers", set("layers_to_transform", json{0, 1}), ErrorCode::NotFound, "layers.0"},
            {"other layer", set("layers_to_transform", 0), kFormat, "layers.1"},
            {"ids twice", set("trainable_token_indices", json{3, 3, 4, 5}), kFormat, "twice"},
            {"ids too many", set("trainable_token_indices", json{3, 4, 5}), kOther, "trainable_tokens_delta"},
            {"ids beyond", set("trainable_token_indices", json{3, 4, 5, 96}), kOther, "96"},
            {"ids of no module", set("trainable_token_indices", {{"q_proj", {3}}}), kUnsupported, "q_proj"},
            {"other ids of a tied head",
             set("trainable_token_indices", {{"embed_tokens", {3, 5, 70, 95}}, {"lm_head", {3}}}), kUnsupported,
             "lm_head"},
            {"no ids", set("trainable_token_indices", nullptr), kFormat, "trainable_tokens_delta"},
            {"no rows", [](P& p) { p.tensors.erase(p.named("trainable_tokens")); }, kFormat, "trainable_tokens_delta"},
            {"no B", [](P& p) { p.tensors.erase(p.named("q_proj.lora_B")); }, ErrorCode::NotFound, "lora_B"},
            {"no A", [](P& p) { p.tensors.erase(p.named("q_proj.lora_A")); }, ErrorCode::NotFound, "lora_A"},
            {"no tensors", [](P& p) { p.tensors.clear(); }, kFormat, "empty"},
            {"layer that is not there",
             [prefix](P& p) {
                 p.tensors[prefix + "model.layers.7.mlp.up_proj.lora_A.weight"] = {"F32", {0}, ""};
             },
             kOther, "layer 7"},
            {"magnitudes",
             [prefix](P& p) {
                 p.tensors[prefix + "model.layers.1.self_attn.q_proj.lora_magnitude_vector"] = {"F32", {0}, ""};
             },
             kUnsupported, "lora_magnitude_vector"},
            {"bias tensor",
             [prefix](P& p) {
                 p.tensors[prefix + "model.layers.1.self_attn.q_proj.bias"] = {"F32", {0}, ""};
             },
             kUnsupported, "q_proj.bias"},
            {"adapted embedding",
             [prefix](P& p) {
                 p.tensors[prefix + "model.embed_tokens.lora_embedding_A"] = {"F32", {0}, ""};
             },
             kUnsupported, "lora_embedding_A"},
            {"adapted head",
             [prefix](P& p) {
                 p.tensors[prefix + "lm_head.lora_A.weight"] = {"F32", {0}, ""};
             },
             kUnsupported, "lm_head"},
            {"no layer",
             [prefix](P& p) {
                 p.tensors[prefix + "model.layers.1x.mlp.up_proj.lora_A.weight"] = {"F32", {0}, ""};
             },
             kUnsupported, "layers.1x"},
            {"other prefix",
             [](P& p) {
                 p.tensors["model.norm.weight"] = {"F32", {0}, ""};
             },
             kUnsupported, "model.norm.weight"},
            {"embedding of a tied head",
             [prefix](P& p) {
                 p.tensors[prefix + "model.embed_tokens.weight"] = {"F32", {96, 32}, std::string(96 * 32 * 4, '\0')};
                 p.tensors.erase(p.named("trainable_tokens"));
                 p.config["trainable_token_indices"] = nullptr;
             },
             kUnsupported, "head"},
            {"norm of another width",
             [prefix](P& p) {
                 p.tensors[prefix + "model.norm.weight"] = {"F32", {8}, std::string(32, '\0')};
             },
             kOther, "(8)"},
            {"whole numbers", [](P& p) { p.tensors[p.named("q_proj.lora_A")].dtype = "I16"; }, kUnsupported, "I16"},
            {"NaN",
             [](P& p) {
                 p.tensors[p.named("v_proj.lora_B")].data[1] = char(0x7f),
                 p.tensors[p.named("v_proj.lora_B")].data[0] = char(0xc0);
             },
             kFormat, "NaN"},
        };
        return all;
    }
};

QTEST_GUILESS_MAIN(TestModelAdapters)
#include "tst_peft_adapters.moc"
