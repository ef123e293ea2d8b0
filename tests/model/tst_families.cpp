// The model families: what Hugging Face transformers computes with a tiny checkpoint of each is in
// tests/fixtures/golden/families.json (tst_golden compares); here the same weights as GGUF against them as a folder,
// the angles of every form of RoPE, and what is refused.
#include <QtTest>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "engine/model/model_config.h"
#include "kernels/backends.h"
#include "tests/model/gguf_writer.h"
#include "tests/model/golden_models.h"
#include "tests/model/tiny_model.h"

using namespace spanscope;
using nlohmann::json;

namespace {

const std::string kFolder = SPANSCOPE_SOURCE_DIR "/tests/fixtures/golden/";

/// Logits of 64 positions, computed in float64, every position but the first read.
std::vector<float> logitsOf(const Model& model, const std::vector<int32_t>& prompt) {
    BackendOptions options;
    options.kvTokens = 256;
    options.kvType = DType::F32;
    auto backend = makeReferenceBackend(model.weights(), options, true);
    if (!backend) qFatal("%s", backend.error().toString().c_str());
    const auto sequence = (*backend)->createSequence(200);
    const auto n = static_cast<int32_t>(prompt.size());
    std::vector<float> logits(prompt.size() * size_t(model.weights().shape.vocab));
    const int32_t window = model.weights().shape.slidingWindow;  // backends leave it to their caller
    std::vector<Interval> visible;
    std::vector<QueryRun> runs;
    for (int32_t i = 0; i < n; ++i) visible.push_back({window > 0 ? std::max(0, i - window + 1) : 0, kOpenEnd});
    for (int32_t i = 0; i < n; ++i) runs.push_back({i, i + 1, {&visible[size_t(i)], 1}});
    const Status status = (*backend)->prefill(*sequence, prompt, runs, logits);
    if (!status) qFatal("%s", status.error().toString().c_str());
    return logits;
}

double largestDifference(const std::vector<float>& a, const std::vector<float>& b) {
    double difference = 0, largest = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        difference = std::max(difference, std::abs(double(a[i]) - double(b[i])));
        largest = std::max(largest, std::abs(double(b[i])));
    }
    return difference / largest;
}

/// A config.json of the named class that opens, to change one thing in.
json validConfig(const char* className) {
    return {{"architectures", {className}},
            {"hidden_size", 64},
            {"intermediate_size", 32},
            {"num_hidden_layers", 8},
            {"num_attention_heads", 4},
            {"num_key_value_heads", 2},
            {"vocab_size", 100},
            {"max_position_embeddings", 4096}};
}

struct Refused {
    const char* title;
    const char* className;
    std::function<void(json&)> change;
    ErrorCode code;
    const char* field;
};

std::function<void(json&)> set(const char* key, json value) {
    return [key, value](json& config) { config[key] = value; };
}

std::vector<Refused> refusedConfigs() {
    using enum ErrorCode;
    const json sliding = json::array({"full_attention", "sliding_attention", "full_attention", "full_attention",
                                      "full_attention", "full_attention", "full_attention", "full_attention"});
    const json nested = {{"full_attention", {{"rope_type", "default"}, {"rope_theta", 5e5}}}};
    const json longRope = {{"type", "longrope"}, {"short_factor", {1, 1, 1}}, {"long_factor", {1, 1, 1}}};
    return {
        {"RoPE nested by layer", "LlamaForCausalLM", set("rope_parameters", nested), Unsupported,
         "rope_parameters.full_attention"},
        {"RoPE nested, unknown kind", "Gemma3ForCausalLM",
         set("rope_parameters", {{"full_attention", json::object()}, {"chunked", json::object()}}), Unsupported,
         "rope_parameters.chunked"},
        {"RoPE for all layers alike", "Gemma3ForCausalLM", set("rope_parameters", {{"rope_theta", 5e5}}), Unsupported,
         "rope_parameters"},
        {"RoPE unknown setting", "Qwen2ForCausalLM",
         set("rope_scaling", {{"type", "default"}, {"mrope_section", {1, 2}}}), Unsupported,
         "rope_scaling.mrope_section"},
        {"RoPE unknown setting of YaRN", "MistralForCausalLM",
         set("rope_parameters", {{"rope_type", "yarn"}, {"factor", 4}, {"llama_4_scaling_beta", 0.1}}), Unsupported,
         "rope_parameters.llama_4_scaling_beta"},
        {"RoPE dynamic", "Qwen2ForCausalLM", set("rope_scaling", {{"type", "dynamic"}, {"factor", 2}}), Unsupported,
         "rope_scaling.rope_type"},
        {"RoPE twice", "LlamaForCausalLM",
         [](json& c) {
             c["rope_parameters"] = {{"rope_theta", 5e5}};
             c["rope_scaling"] = {{"type", "linear"}, {"factor", 2}};
         },
         Unsupported, "rope_scaling"},
        {"YaRN without factor", "Qwen2ForCausalLM", set("rope_scaling", {{"type", "yarn"}}), Format,
         "rope_scaling.factor"},
        {"YaRN betas", "Qwen2ForCausalLM",
         set("rope_scaling", {{"type", "yarn"}, {"factor", 4}, {"beta_fast", 1}, {"beta_slow", 2}}), Format,
         "rope_scaling.beta_fast"},
        {"YaRN base", "Qwen2ForCausalLM", set("rope_scaling", {{"type", "yarn"}, {"factor", 4}, {"rope_theta", 1}}),
         Format, "rope_scaling.rope_theta"},
        {"YaRN of Gemma", "Gemma3ForCausalLM", set("rope_scaling", {{"type", "yarn"}, {"factor", 4}}), Unsupported,
         "rope_scaling.rope_type"},
        {"longrope lists", "Phi3ForCausalLM", set("rope_scaling", longRope), Format, "rope_scaling.short_factor"},
        {"longrope of nothing", "Phi3ForCausalLM", set("rope_scaling", {{"type", "su"}}), Format,
         "rope_scaling.short_factor"},
        {"RoPE part", "Qwen2ForCausalLM", set("partial_rotary_factor", 0.5), Unsupported, "partial_rotary_factor"},
        {"RoPE part odd", "Phi3ForCausalLM", set("partial_rotary_factor", 0.45), Format, "partial_rotary_factor"},
        {"layer kinds short", "Gemma3ForCausalLM", set("layer_types", {"full_attention"}), Format, "layer_types"},
        {"layer kind", "Gemma3ForCausalLM", set("layer_types", json(std::vector<std::string>(8, "chunked_attention"))),
         Unsupported, "layer_types[0]"},
        {"window of one layer", "LlamaForCausalLM", set("layer_types", sliding), Unsupported, "layer_types"},
        {"window not enabled", "Qwen3ForCausalLM", set("layer_types", sliding), Unsupported, "layer_types"},
        {"window of SmolLM3", "SmolLM3ForCausalLM", set("use_sliding_window", true), Unsupported, "use_sliding_window"},
        {"layers with RoPE", "SmolLM3ForCausalLM", set("no_rope_layers", json::array({1, 0})), Format,
         "no_rope_layers"},
        {"both ways", "Gemma3ForCausalLM", set("use_bidirectional_attention", true), Unsupported,
         "use_bidirectional_attention"},
        {"activation of Gemma", "Gemma2ForCausalLM", set("hidden_activation", "gelu"), Unsupported,
         "hidden_activation"},
        {"activation", "Phi3ForCausalLM", set("hidden_act", "gelu_new"), Unsupported, "hidden_act"},
        {"quantised", "Qwen3ForCausalLM", set("quantization_config", {{"bits", 4}}), Unsupported,
         "quantization_config"},
        {"biases of Mistral", "MistralForCausalLM", set("attention_bias", true), Unsupported, "attention_bias"},
        {"query scale", "Gemma2ForCausalLM", set("query_pre_attn_scalar", 0), Format, "query_pre_attn_scalar"},
        {"soft cap", "Gemma2ForCausalLM", set("attn_logit_softcapping", -1), Format, "attn_logit_softcapping"},
    };
}

}  // namespace

class TestFamilies : public QObject {
    Q_OBJECT
  private slots:
    void ggufIsTheSameModel_data() {
        QTest::addColumn<QString>("name");
        for (const std::string& name : test::familyNames()) QTest::newRow(name.c_str()) << name.c_str();
    }
    void ggufIsTheSameModel() {
        QFETCH(QString, name);
        const json& fixture = test::familyCases()[name.toStdString()];
        test::ScratchFolder folder;
        QVERIFY(test::copyGoldenFolder(name.toStdString(), folder.path()));
        json config = json::parse(test::readFile(folder.file("config.json")));
        const json changes = fixture["gguf"].value("config", json::object());
        for (const auto& [key, value] : changes.items()) config[key] = value;
        QVERIFY(test::writeFile(folder.file("config.json"), config.dump()));
        QVERIFY(test::writeFamilyGguf(name.toStdString(), folder.file("m.gguf")));
        const auto hf = openModel(folder.path()), gguf = openModel(folder.file("m.gguf"));
        QVERIFY2(hf, hf ? "" : hf.error().toString().c_str());
        QVERIFY2(gguf, gguf ? "" : gguf.error().toString().c_str());
        const auto prompt = fixture["prompt"].get<std::vector<int32_t>>();
        const auto a = logitsOf(**gguf, prompt), b = logitsOf(**hf, prompt);
        QVERIFY(std::all_of(a.begin(), a.end(), [](float v) { return std::isfinite(v); }));
        const double difference = largestDifference(a, b);
        QVERIFY2(difference < 1e-6, QByteArray::number(difference));
        QCOMPARE((*gguf)->weights().shape.layerKinds, (*hf)->weights().shape.layerKinds);
        QCOMPARE(bool((*gguf)->weights().head), bool((*hf)->weights().head));
    }

    /// GGUF does not say the scale of Gemma's scores: it follows from the number of layers, as in llama.cpp.
    void widestGemmaScalesByWidth_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<int>("nLayers");
        QTest::addColumn<float>("scale");
        QTest::newRow("gemma2") << "gemma2" << 46 << 0.25f;  // 32 wide, 2 heads
        QTest::newRow("gemma2, 45") << "gemma2" << 45 << 0.f;
        QTest::newRow("gemma3") << "gemma3" << 62 << 0.25f;
        QTest::newRow("gemma3, 46") << "gemma3" << 46 << 0.f;
    }
    void widestGemmaScalesByWidth() {
        QFETCH(QString, name);
        QFETCH(int, nLayers);
        QFETCH(float, scale);
        test::ScratchFolder folder;
        QVERIFY(test::writeFamilyGguf(name.toStdString(), folder.file("m.gguf")));
        auto parts = test::GgufParts::read(folder.file("m.gguf"));
        const auto before = parts.tensors;
        std::erase_if(parts.tensors, [](const auto& t) { return t.name.starts_with("blk."); });
        for (const auto& tensor : before)
            for (int layer = 0; tensor.name.starts_with("blk.0.") && layer < nLayers; ++layer) {
                parts.tensors.push_back(tensor);
                parts.tensors.back().name = "blk." + std::to_string(layer) + tensor.name.substr(5);
            }
        parts.metadata[name.toStdString() + ".block_count"] = test::gguf::u32Value(uint32_t(nLayers));
        QVERIFY(test::writeFile(folder.file("m.gguf"), parts.write()));
        const auto file = ModelFile::open(folder.file("m.gguf"));
        QVERIFY2(file, file ? "" : file.error().toString().c_str());
        QCOMPARE(file->shape().nLayers, nLayers);
        QCOMPARE(file->shape().attentionScale, scale);
    }

    /// Angles at positions near and far, to 1e-5 of transformers' own.
    void anglesAreThoseOfTransformers_data() {
        QTest::addColumn<QString>("name");
        for (const auto& [name, value] : angleCases().items()) QTest::newRow(name.c_str()) << name.c_str();
    }
    void anglesAreThoseOfTransformers() {
        QFETCH(QString, name);
        const json& fixture = angleCases()[name.toStdString()];
        const auto config = parseHfConfig(fixture["config"].dump(), "config.json");
        QVERIFY2(config, config ? "" : config.error().toString().c_str());
        const ModelShape& shape = config->shape;
        const json& angles = fixture["angles"];
        const bool isLong = angles[0].contains("long_above");
        QCOMPARE(shape.longRopeAbove, isLong ? angles[0]["long_above"].get<int32_t>() : 0);
        QCOMPARE(shape.ropes.size(), isLong ? size_t{1} : angles.size());
        for (size_t set = 0; set < angles.size(); ++set) {
            const Rope& rope = shape.ropes[isLong ? 0 : set];
            const auto& found = isLong && set == 1 ? rope.longInvFreq : rope.invFreq;
            const float magnitude = isLong && set == 1 ? rope.longMagnitude : rope.magnitude;
            const auto expected = angles[set]["inv_freq"].get<std::vector<double>>();
            QCOMPARE(found.size(), expected.size());
            QVERIFY(std::abs(magnitude - angles[set]["magnitude"].get<double>()) <= 1e-6 * magnitude);
            for (const int32_t position : {0, 1, 8191, 100000})
                for (size_t i = 0; i < expected.size(); ++i) {
                    const double angle = position * double(found[i]), right = position * expected[i];
                    QVERIFY2(std::abs(angle - right) <= 1e-5 * right,
                             qPrintable(QString("%1 at %2: %3, not %4").arg(i).arg(position).arg(angle).arg(right)));
                }
        }
    }

    void whatIsNotUnderstoodIsRefused_data() {
        QTest::addColumn<int>("index");
        int index = 0;
        for (const Refused& refused : refusedConfigs()) QTest::newRow(refused.title) << index++;
    }
    void whatIsNotUnderstoodIsRefused() {
        QFETCH(int, index);
        const Refused refused = refusedConfigs()[size_t(index)];
        json config = validConfig(refused.className);
        const auto before = parseHfConfig(config.dump(), "config.json");
        QVERIFY2(before, before ? "" : before.error().toString().c_str());
        refused.change(config);
        const auto after = parseHfConfig(config.dump(), "config.json");
        QVERIFY2(!after, "taken");
        QVERIFY2(after.error().code == refused.code, after.error().toString().c_str());
        QCOMPARE(after.error().field, std::string(refused.field));
        QCOMPARE(after.error().file, std::string("config.json"));
    }

    /// What an absent key means differs by family: the defaults of its class in transformers.
    void absentKeysMeanTheDefaultsOfTheClass() {
        const auto shapeOf = [](const json& config) {
            auto parsed = parseHfConfig(config.dump(), "config.json");
            if (!parsed) qFatal("%s", parsed.error().toString().c_str());
            return *parsed;
        };
        const auto windows = [&](const json& config) {
            std::vector<int32_t> sizes;
            const ModelShape shape = shapeOf(config).shape;
            for (int32_t i = 0; i < shape.nLayers; ++i)
                sizes.push_back(std::max(shape.slidingWindow, shape.layerKind(i).window));
            return sizes;
        };
        QCOMPARE(shapeOf(validConfig("LlamaForCausalLM")).shape.slidingWindow, 0);
        QCOMPARE(shapeOf(validConfig("MistralForCausalLM")).shape.slidingWindow, 4096);
        json mistral = validConfig("MistralForCausalLM");
        mistral["sliding_window"] = nullptr;
        QCOMPARE(shapeOf(mistral).shape.slidingWindow, 0);
        mistral.erase("num_key_value_heads");
        mistral["num_attention_heads"] = 16;
        QCOMPARE(shapeOf(mistral).shape.nKvHeads, 8);
        mistral["num_key_value_heads"] = nullptr;
        QCOMPARE(shapeOf(mistral).shape.nKvHeads, 16);
        QCOMPARE(windows(validConfig("Gemma2ForCausalLM")), (std::vector{4096, 0, 4096, 0, 4096, 0, 4096, 0}));
        QCOMPARE(windows(validConfig("Gemma3ForCausalLM")), (std::vector{4096, 4096, 4096, 4096, 4096, 0, 4096, 4096}));
        json gemma = validConfig("Gemma3ForCausalLM");
        gemma["sliding_window_pattern"] = 3;
        QCOMPARE(windows(gemma), (std::vector{4096, 4096, 0, 4096, 4096, 0, 4096, 4096}));
        json qwen = validConfig("Qwen2ForCausalLM");
        QCOMPARE(windows(qwen), std::vector<int32_t>(8, 0));
        qwen["use_sliding_window"] = true;
        qwen["max_window_layers"] = 6;
        QCOMPARE(windows(qwen), (std::vector{0, 0, 0, 0, 0, 0, 4096, 4096}));
        std::vector<int32_t> ropes;
        for (const LayerKind& kind : shapeOf(validConfig("SmolLM3ForCausalLM")).shape.layerKinds)
            ropes.push_back(kind.rope);
        QCOMPARE(ropes, (std::vector{0, 0, 0, -1, 0, 0, 0, -1}));
        for (const char* name : {"Gemma2ForCausalLM", "Gemma3ForCausalLM", "SmolLM3ForCausalLM"})
            QVERIFY(shapeOf(validConfig(name)).tiedHead);
        for (const char* name : {"LlamaForCausalLM", "Qwen2ForCausalLM", "Phi3ForCausalLM", "Olmo2ForCausalLM"})
            QVERIFY(!shapeOf(validConfig(name)).tiedHead);
        QCOMPARE(shapeOf(validConfig("Qwen3ForCausalLM")).shape.headDim, 128);
        const ModelShape gemma2 = shapeOf(validConfig("Gemma2ForCausalLM")).shape;
        QCOMPARE(gemma2.attentionSoftcap, 50.f);
        QCOMPARE(gemma2.logitSoftcap, 30.f);
        QCOMPARE(gemma2.attentionScale, 0.0625f);
        QCOMPARE(gemma2.embeddingScale, 8.f);
        QVERIFY(gemma2.activation == Activation::GeluTanh);
        json uncapped = validConfig("Gemma2ForCausalLM");
        uncapped["attn_logit_softcapping"] = nullptr;
        QCOMPARE(shapeOf(uncapped).shape.attentionSoftcap, 0.f);
    }

    void olderNamesOfLongrope() {
        const json& longrope = angleCases()["longrope"]["config"];
        json older = longrope;
        older["rope_scaling"]["type"] = "su";
        const auto a = parseHfConfig(longrope.dump(), "a"), b = parseHfConfig(older.dump(), "b");
        QVERIFY(a && b);
        QCOMPARE(a->shape.ropes[0].longInvFreq, b->shape.ropes[0].longInvFreq);
        QCOMPARE(a->shape.ropes[0].magnitude, b->shape.ropes[0].magnitude);
    }

  private:
    static const json& angleCases() {
        static const json all = json::parse(test::readFile(kFolder + "rope_angles.json"))["cases"];
        return all;
    }
};

QTEST_GUILESS_MAIN(TestFamilies)
#include "tst_families.moc"
