// What model families differ in, on tiny models with random weights against the float64 reference: each feature alone
// in float32, where a wrong one is off by far more than rounding, then together as families have them in 16 bits, with
// the head sizes and widths that Llama's have not.
#include "tests/gpu/model_compare.h"

using namespace spanscope;
using check::compare;
using check::Features;
using check::TinyModel;

namespace {

uint64_t seed = 9000;
uint64_t next() { return ++seed; }

Rope longRope(int32_t dims) {
    Rope rope = Rope::plain(10000, dims);
    rope.magnitude = 1.1f;
    rope.longInvFreq = Rope::plain(300000, dims).invFreq;
    rope.longMagnitude = 1.3f;
    return rope;
}

struct Named {
    const char* name;
    Features features;
};

/// For two layers and heads 32 wide.
std::vector<Named> singleFeatures() {
    std::vector<Named> all;
    const auto add = [&](const char* name, const auto& set) {
        all.push_back({name, {}});
        set(all.back().features);
    };
    add("QK-norm per head", [](Features& f) { f.qkNorm = QkNorm::PerHead; });
    add("QK-norm over the row", [](Features& f) { f.qkNorm = QkNorm::WholeRow; });
    add("GELU", [](Features& f) { f.activation = Activation::GeluTanh; });
    add("norms before and behind", [](Features& f) { f.postNorms = true; });
    add("norms behind only", [](Features& f) { f.preNorms = false, f.postNorms = true; });
    add("no norms in a layer", [](Features& f) { f.preNorms = false; });
    add("scaled embedding", [](Features& f) { f.embeddingScale = 3; });
    add("scaled scores", [](Features& f) { f.attentionScale = 0.4f; });
    add("capped scores", [](Features& f) { f.attentionSoftcap = 0.7f; });
    add("capped logits", [](Features& f) { f.logitSoftcap = 0.8f; });
    add("rotation of 12 of 32", [](Features& f) { f.ropes = {Rope::plain(10000, 12)}; });
    add("two ropes", [](Features& f) {
        f.ropes = {Rope::plain(10000, 32), Rope::plain(100, 32)};
        f.ropes[1].magnitude = 1.2f;
        f.layerKinds = {{1, 0}, {0, 0}};
    });
    add("a layer without RoPE", [](Features& f) { f.layerKinds = {{0, 0}, {-1, 0}}; });
    add("no RoPE, QK-norm", [](Features& f) { f.layerKinds = {{-1, 0}, {0, 0}}, f.qkNorm = QkNorm::PerHead; });
    add("long rope", [](Features& f) { f.ropes = {longRope(32)}, f.longRopeAbove = 171; });
    add("window of one token", [](Features& f) { f.layerKinds = {{0, 0}, {0, 1}}; });
    add("window of 16", [](Features& f) { f.layerKinds = {{0, 16}, {0, 0}}; });
    add("windows of 33 and 100", [](Features& f) { f.layerKinds = {{0, 33}, {0, 100}}; });
    add("all layers in one window", [](Features& f) { f.layerKinds = {{0, 50}, {0, 50}}; });
    add("a window beyond the cache", [](Features& f) { f.layerKinds = {{0, 1 << 30}, {0, 40}}; });
    return all;
}

void testAlone(bool shortRun) {
    const std::vector<int> batches = shortRun ? std::vector<int>{2} : std::vector<int>{1, 3, 7};
    int index = 0;
    for (const Named& each : singleFeatures()) {
        const bool biased = ++index % 2 == 0, interleaved = index % 3 == 0;
        const TinyModel model(2, 4, 2, 32, 64, 96, 131, DType::F32, biased, interleaved, false, next(), each.features);
        for (int nSequences : batches)
            compare(model, DType::F32, nSequences, shortRun ? 60 : 150, shortRun ? 5 : 24, nSequences % 2 == 1, 1e-3,
                    std::string(each.name) + (interleaved ? ", interleaved, " : ", ") + std::to_string(nSequences) +
                        " sequences",
                    next());
    }
    // Both ways of pairing, whatever the list above gives them.
    for (bool interleaved : {false, true}) {
        Features f;
        f.ropes = {Rope::plain(10000, 20)};
        f.qkNorm = interleaved ? QkNorm::WholeRow : QkNorm::PerHead;
        compare(TinyModel(2, 4, 2, 32, 72, 96, 97, DType::F32, true, interleaved, true, next(), f), DType::F32, 2, 40,
                6, true, 1e-3, std::string("partial rotation, QK-norm") + (interleaved ? ", interleaved" : ""), next());
    }
}

/// Everything at once, small, for every bucket of rows.
void testBuckets() {
    Features f;
    f.qkNorm = QkNorm::PerHead;
    f.activation = Activation::GeluTanh;
    f.postNorms = true;
    f.embeddingScale = 2;
    f.attentionScale = 0.2f;
    f.attentionSoftcap = 2;
    f.logitSoftcap = 3;
    f.ropes = {longRope(24), Rope::plain(1000, 32)};
    f.longRopeAbove = 40;
    f.layerKinds = {{0, 19}, {1, 0}, {-1, 7}};
    for (int nSequences : {1, 2, 4, 8, 13, 20, 30, 40, 64}) {
        const std::string name = "all at once, " + std::to_string(nSequences) + " sequences";
        compare(TinyModel(3, 4, 2, 32, 64, 96, 131, DType::F32, false, false, false, next(), f), DType::F32, nSequences,
                45, 8, false, 1e-3, name + ", f32", next());
        compare(TinyModel(3, 4, 2, 32, 64, 96, 131, DType::F16, false, false, false, next(), f), DType::F16, nSequences,
                45, 8, true, 1e-2, name + ", f16", next());
    }
}

/// As they are, but narrow and shallow.
struct Family {
    const char* name;
    int nLayers, nHeads, nKvHeads, headDim, hidden, ffn, vocab;
    bool tied;
    Features features;
};
std::vector<Family> families() {
    std::vector<Family> all;
    Features qwen3;
    qwen3.qkNorm = QkNorm::PerHead;
    all.push_back({"Qwen3", 2, 8, 2, 128, 576, 192, 331, true, qwen3});

    Features gemma2;
    gemma2.activation = Activation::GeluTanh;
    gemma2.postNorms = true;
    gemma2.embeddingScale = 25.25f;
    gemma2.attentionScale = 1.f / 16;
    gemma2.attentionSoftcap = 2;  // 50 and 30 would not bind at these sizes
    gemma2.logitSoftcap = 2;
    gemma2.layerKinds = {{0, 37}, {0, 0}};
    all.push_back({"Gemma 2", 2, 4, 2, 256, 640, 192, 301, true, gemma2});

    Features gemma3 = gemma2;
    gemma3.attentionSoftcap = gemma3.logitSoftcap = 0;
    gemma3.qkNorm = QkNorm::PerHead;
    gemma3.ropes = {Rope::plain(1e6, 256), Rope::plain(10000, 256)};
    for (float& f : gemma3.ropes[0].invFreq) f /= 8;
    gemma3.layerKinds = {{1, 20}, {1, 20}, {0, 0}};
    all.push_back({"Gemma 3", 3, 4, 1, 256, 640, 192, 301, true, gemma3});

    Features olmo2;
    olmo2.qkNorm = QkNorm::WholeRow;
    olmo2.preNorms = false;
    olmo2.postNorms = true;
    all.push_back({"OLMo 2", 2, 4, 4, 128, 512, 320, 301, false, olmo2});

    Features phi3;
    phi3.ropes = {longRope(96)};
    phi3.longRopeAbove = 90;
    phi3.layerKinds = {{0, 61}, {0, 61}};
    all.push_back({"Phi-3", 2, 4, 4, 96, 384, 256, 299, false, phi3});

    Features phi4;
    phi4.ropes = {longRope(96)};
    phi4.longRopeAbove = 90;
    all.push_back({"Phi-4-mini", 2, 6, 2, 128, 640, 256, 299, true, phi4});

    Features smol3;
    smol3.layerKinds = {{0, 0}, {-1, 0}};
    all.push_back({"SmolLM3", 2, 9, 3, 64, 576, 256, 307, true, smol3});

    Features odd;
    odd.qkNorm = QkNorm::PerHead;
    odd.layerKinds = {{0, 0}, {0, 30}};
    all.push_back({"heads 80 wide", 2, 4, 2, 80, 320, 192, 301, false, odd});
    return all;
}

void testFamilies(bool shortRun) {
    for (const Family& f : families()) {
        const auto model = [&](DType type) {
            return TinyModel(f.nLayers, f.nHeads, f.nKvHeads, f.headDim, f.hidden, f.ffn, f.vocab, type, false, false,
                             f.tied, next(), f.features);
        };
        const std::string name = f.name;
        if (shortRun) {
            compare(model(DType::BF16), DType::BF16, 2, 34, 3, false, 4e-2, name + " bf16 short", next());
            continue;
        }
        compare(model(DType::BF16), DType::BF16, 1, 120, 12, false, 4e-2, name + " bf16, 1 sequence", next());
        compare(model(DType::BF16), DType::BF16, 3, 90, 10, true, 4e-2, name + " bf16, 3 sequences", next());
        compare(model(DType::F16), DType::F16, 6, 60, 8, false, 1e-2, name + " f16, 6 sequences", next());
        compare(model(DType::F16), DType::F32, 2, 60, 8, true, 1e-2, name + " f16, f32 cache", next());
        compare(model(DType::F32), DType::BF16, 1, 60, 8, true, 4e-2, name + " f32, bf16 cache", next());
    }
}

/// More windows than there are lists for.
void testRefusal() {
    Features f;
    f.layerKinds = {{0, 3}, {0, 4}, {0, 5}, {0, 6}};
    const TinyModel model(4, 4, 2, 32, 64, 96, 67, DType::F32, false, false, true, next(), f);
    BackendOptions options;
    options.kvTokens = 64;
    auto made = cuda::CudaBackend::create(model.weights, options, {});
    CHECK_THAT(!made.ok() && made.error().code == ErrorCode::Unsupported && made.error().found == "4",
               made.ok() ? "created" : made.error().toString());
}

}  // namespace

int main(int argc, char** argv) {
    if (!check::haveGpu()) return 0;
    const bool shortRun = check::isShort(argc, argv);
    testAlone(shortRun);
    testFamilies(shortRun);
    testRefusal();
    if (shortRun) return check::finish("tst_gpu_families --short");
    testBuckets();
    // A window over two chunks of a prompt, and pages that leave it while decoding.
    Features f;
    f.layerKinds = {{0, 300}, {0, 0}};
    compare(TinyModel(2, 2, 1, 64, 64, 96, 131, DType::F16, false, false, true, next(), f), DType::F16, 1, 2300, 40,
            false, 1e-2, "window over two chunks", next());
    compare(TinyModel(2, 2, 1, 64, 64, 96, 131, DType::BF16, false, false, true, next(), f), DType::BF16, 2, 700, 40,
            true, 4e-2, "window over segments", next());
    // Blocks.
    Features qwen3;
    qwen3.qkNorm = QkNorm::PerHead;
    for (DType type : {DType::Q8_0, DType::Q4_0})
        for (int nSequences : {1, 6})
            compare(TinyModel(2, 4, 2, 64, 128, 224, 300, type, true, false, false, next(), qwen3), DType::F32,
                    nSequences, 60, 8, true, 1e-2, std::string(dtypeName(type)) + " with QK-norm", next());
    return check::finish("tst_gpu_families");
}
