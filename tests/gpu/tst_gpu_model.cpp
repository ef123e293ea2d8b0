// Whole tiny models with random weights: the CUDA backend against the float64 reference, prefill (causal and
// segmented), decode under changing lists in batches, probe, truncation, errors. Tokens are given, so that both walk
// the same way.
#include "tests/gpu/model_compare.h"

using namespace spanscope;
using check::compare;
using check::TinyModel;

namespace {

void testErrors(const TinyModel& model) {
    BackendOptions options;
    options.kvTokens = 64;
    options.maxBatch = 2;
    auto made = cuda::CudaBackend::create(model.weights, options, {});
    CHECK_THAT(made.ok(), made.ok() ? "" : made.error().toString());
    if (!made.ok()) return;
    Backend& b = **made;
    const auto code = [](const Status& s) { return s.ok() ? -1 : static_cast<int>(s.error().code); };
    const int invalid = static_cast<int>(ErrorCode::InvalidArgument);
    CHECK_THAT(!b.createSequence(0).ok(), "no capacity");
    auto tooMuch = b.createSequence(65);
    CHECK_THAT(!tooMuch.ok() && tooMuch.error().code == ErrorCode::OutOfMemory, "more pages than there are");
    auto id = b.createSequence(20);
    CHECK_THAT(id.ok(), "");
    if (!id.ok()) return;
    const std::vector<int32_t> bad{1, model.weights.shape.vocab}, good{1, 2, 3};
    const std::vector<Interval> all{{0, kOpenEnd}}, crossed{{5, 9}, {3, 4}};
    QueryRun run{0, 2, all};
    CHECK_THAT(code(b.prefill(*id, bad, {&run, 1}, {})) == invalid, "token out of range");
    run.end = 3;
    CHECK_THAT(b.prefill(*id, good, {&run, 1}, {}).ok(), "prefill");
    DecodeItem item;
    item.sequence = *id;
    item.position = 7;
    item.visible = all;
    CHECK_THAT(code(b.decode({&item, 1}, {})) == invalid, "position that is not next");
    item.position = 3;
    item.visible = crossed;
    CHECK_THAT(code(b.decode({&item, 1}, {})) == invalid, "list out of order");
    item.visible = all;
    DecodeItem twice[2] = {item, item};
    CHECK_THAT(code(b.decode(twice, {})) == invalid, "the same position twice");
    const std::vector<Interval> other{{0, 1}, {3, kOpenEnd}};
    twice[1].position = 4;
    twice[1].visible = other;
    CHECK_THAT(code(b.decode(twice, {})) == static_cast<int>(ErrorCode::Unsupported), "rows of different lists");
    twice[1].visible = all;
    twice[1].position = 5;
    CHECK_THAT(code(b.decode(twice, {})) == invalid, "rows that are not one behind the other");
    CHECK_THAT(b.decode({&item, 1}, {}).ok(), "and it still works after all that");
    options.kvTokens = int64_t{1} << 40;
    auto huge = cuda::CudaBackend::create(model.weights, options, {});
    CHECK_THAT(
        !huge.ok() && (huge.error().code == ErrorCode::OutOfMemory || huge.error().code == ErrorCode::InvalidArgument),
        "cache larger than any card");
    options.kvTokens = int64_t{1} << 30;
    huge = cuda::CudaBackend::create(model.weights, options, {});
    CHECK_THAT(!huge.ok() && huge.error().code == ErrorCode::OutOfMemory && !huge.error().found.empty() &&
                   !huge.error().expected.empty(),
               huge.ok() ? "created" : huge.error().toString());
    options.kvTokens = 64;
    bool asked = false;
    auto cancelled = cuda::CudaBackend::create(model.weights, options, [&](double) {
        asked = true;
        return false;
    });
    CHECK_THAT(asked && !cancelled.ok() && cancelled.error().code == ErrorCode::Cancelled, "loading cancelled");
}

/// The type of the KV cache where none is asked for.
void testDefaultKvType(DType matrices, DType want) {
    const TinyModel model(1, 4, 2, 64, 64, 96, 67, matrices, false, false, true, 11);
    BackendOptions options;
    options.kvTokens = 64;
    auto made = cuda::CudaBackend::create(model.weights, options, {});
    CHECK_THAT(made.ok(), made.ok() ? "" : made.error().toString());
    if (!made.ok()) return;
    CHECK_THAT((*made)->info().kvType == want, dtypeName(matrices));
    CHECK_THAT(defaultKvType(Device::Cuda, model.weights) == want, dtypeName(matrices));
    options.kvType = DType::F32;
    made = cuda::CudaBackend::create(model.weights, options, {});
    CHECK_THAT(made.ok() && (*made)->info().kvType == DType::F32, "an F32 cache that is asked for");
}

}  // namespace

int main(int argc, char** argv) {
    if (!check::haveGpu()) return 0;
    const bool shortRun = check::isShort(argc, argv);
    uint64_t seed = 7000;
    const auto next = [&] { return ++seed; };
    // float32 end to end: the contract's 1e-3, in practice near 1e-6.
    const TinyModel f32(2, 4, 2, 32, 64, 96, 131, DType::F32, true, false, false, next());
    if (shortRun) {
        const TinyModel small(1, 4, 1, 64, 64, 96, 67, DType::BF16, false, false, true, next());
        compare(f32, DType::F32, 1, 19, 6, true, 1e-3, "f32 short", next());
        compare(small, DType::BF16, 1, 35, 6, false, 3e-2, "bf16 short", next());
        compare(small, DType::BF16, 3, 35, 6, false, 3e-2, "bf16 short, 3 sequences",
                4);  // all products on tensor cores
        return check::finish("tst_gpu_model --short");
    }
    for (int nSequences : {1, 2, 3, 5, 17})
        for (bool segmented : {false, true})
            compare(f32, DType::F32, nSequences, 150, 24, segmented, 1e-3,
                    "f32, " + std::to_string(nSequences) + " sequences" + (segmented ? ", segmented" : ""), next());
    compare(TinyModel(3, 8, 1, 40, 72, 120, 97, DType::F32, false, true, true, next()), DType::F32, 2, 61, 12, true,
            1e-3, "f32, interleaved, tied, headDim 40", next());
    // 16-bit weights and cache: 8 (11) bits of mantissa in activations and P, accumulated over the layers.
    for (int nSequences : {1, 4, 6, 33}) {
        compare(TinyModel(2, 8, 2, 64, 128, 256, 300, DType::BF16, false, false, false, next()), DType::BF16,
                nSequences, 203, 20, nSequences % 2 == 0, 3e-2, "bf16, " + std::to_string(nSequences) + " sequences",
                next());
        compare(TinyModel(2, 4, 4, 128, 136, 200, 300, DType::F16, true, false, false, next()), DType::F16, nSequences,
                140, 12, nSequences % 2 == 1, 5e-3, "f16, " + std::to_string(nSequences) + " sequences", next());
    }
    compare(TinyModel(1, 8, 1, 32, 64, 96, 131, DType::BF16, true, false, true, next()), DType::F32, 1, 2500, 8, true,
            3e-2, "bf16 weights, f32 cache, two chunks", next());
    compare(TinyModel(1, 2, 1, 128, 64, 96, 131, DType::F16, false, false, true, next()), DType::F16, 1, 2100, 40,
            false, 5e-3, "f16, two chunks, pages filled while decoding", next());
    // Blocks: up to four rows as they are, above that and in prompts widened to F16.
    for (DType type : {DType::Q8_0, DType::Q4_0})
        for (int nSequences : {1, 3, 6})
            compare(TinyModel(2, 4, 2, 64, 128, 224, 300, type, nSequences == 3, false, nSequences == 6, next()),
                    DType::F32, nSequences, 90, 12, nSequences % 2 == 0, 1e-2,
                    std::string(dtypeName(type)) + ", " + std::to_string(nSequences) + " sequences", next());
    // Other blocks: widened to F16 on load.
    for (DType type : kDTypes)
        if (isBlocked(type) && type != DType::Q8_0 && type != DType::Q4_0)
            compare(TinyModel(1, 4, 2, 64, 256, 256, 300, type, false, false, false, next()), DType::F32, 2, 60, 6,
                    true, 1e-2, dtypeName(type), next());
    testDefaultKvType(DType::F32, DType::BF16);
    testDefaultKvType(DType::BF16, DType::BF16);
    testDefaultKvType(DType::F16, DType::F16);
    testDefaultKvType(DType::Q8_0, DType::F16);
    testDefaultKvType(DType::Q5_1, DType::F16);
    testErrors(f32);
    return check::finish("tst_gpu_model");
}
