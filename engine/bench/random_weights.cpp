#include "engine/bench/random_weights.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <thread>
#include <vector>

#include "kernels/drawn_blocks.h"
#include "kernels/half.h"
#include "kernels/model_tensors.h"
#include "kernels/process_limits.h"

namespace spanscope {

namespace {

struct NamedShape {
    const char* name;
    int32_t nLayers, nHeads, nKvHeads, headDim, hidden, ffn, vocab;
    bool tied = false;
};
constexpr std::array<NamedShape, 4> kShapes{{
    {"smollm2-135m", 30, 9, 3, 64, 576, 1536, 49152, true},
    {"llama-160m", 12, 12, 12, 64, 768, 3072, 32000},
    {"llama-1b", 22, 32, 4, 64, 2048, 5632, 32000},  // TinyLlama 1.1B
    {"llama-7b", 32, 32, 32, 128, 4096, 11008, 32000},
}};

struct SplitMix64 {
    uint64_t state;
    uint64_t operator()() {
        uint64_t z = (state += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
};

/// Uniform in +-spread, never zero.
float draw(uint32_t bits, float spread) {
    const float u = (static_cast<float>(bits >> 8) + 0.5f) * 0x1p-24f;
    const float v = (2 * u - 1) * spread;
    return v == 0 ? spread : v;
}

void fillRow(DType type, uint8_t* row, int64_t cols, SplitMix64& random, float spread) {
    if (isBlocked(type)) return drawBlocks(type, row, rowBytes(type, cols), spread / 1.73f, random);
    for (int64_t i = 0; i < cols; i += 2) {
        const uint64_t r = random();
        for (int64_t j = i; j < std::min(cols, i + 2); ++j) {
            const float v = draw(static_cast<uint32_t>(j == i ? r : r >> 32), spread);
            const uint16_t h = type == DType::F16 ? floatToF16(v) : floatToBf16(v);
            if (type == DType::F32) std::memcpy(row + 4 * j, &v, 4);
            else std::memcpy(row + 2 * j, &h, 2);
        }
    }
}

/// One tensor waiting for memory and values.
struct Slot {
    TensorView* view;
    size_t offset;
    bool gain;
};

void fill(const TensorView& t, uint8_t* data, uint64_t seed, bool gain) {
    const float spread = 1.7f / std::sqrt(static_cast<float>(t.cols));  // unit variance of a product
    const size_t stride = rowBytes(t.dtype, t.cols);
    const auto n = static_cast<unsigned>(usableThreads());
    std::vector<std::jthread> threads;
    for (unsigned k = 0; k < n; ++k) {
        threads.emplace_back([=] {
            for (int64_t r = k; r < t.rows; r += n) {
                SplitMix64 random{seed * 0x100000001b3u + static_cast<uint64_t>(r)};  // by row: same for any threads
                fillRow(t.dtype, data + static_cast<size_t>(r) * stride, t.cols, random, spread);
            }
        });
    }
    threads.clear();  // joins
    if (gain)
        for (int64_t i = 0; i < t.cols; ++i) reinterpret_cast<float*>(data)[i] += 1.0f;
}

/// Of what is optional these shapes have the two norms of Llama and, where it is not tied, a head of their own.
bool isDrawn(const TensorView& view, const TensorSpec& spec, const ModelWeights& w, bool tied) {
    if (&view == &w.head) return !tied;
    if (!spec.optional) return true;
    return std::any_of(w.layers.begin(), w.layers.end(),
                       [&](const LayerWeights& layer) { return &view == &layer.attnNorm || &view == &layer.mlpNorm; });
}

}  // namespace

std::vector<std::string> RandomWeights::shapes() {
    std::vector<std::string> names;
    for (const NamedShape& s : kShapes) names.emplace_back(s.name);
    return names;
}

Result<std::unique_ptr<RandomWeights>> RandomWeights::create(const std::string& name, DType type, uint64_t seed,
                                                             uint64_t maxBytes, const ProgressFn& progress) {
    const auto* named =
        std::find_if(kShapes.begin(), kShapes.end(), [&](const NamedShape& s) { return name == s.name; });
    if (named == kShapes.end()) {
        std::string known;
        for (const NamedShape& s : kShapes) known.append(known.empty() ? "" : ", ").append(s.name);
        return Error{ErrorCode::InvalidArgument, "no such shape", {}, "--random-weights", name, known};
    }
    std::unique_ptr<RandomWeights> r(new RandomWeights);
    ModelWeights& w = r->m_weights;
    ModelShape& s = w.shape;
    s.nLayers = named->nLayers;
    s.nHeads = named->nHeads;
    s.nKvHeads = named->nKvHeads;
    s.headDim = named->headDim;
    s.hidden = named->hidden;
    s.ffn = named->ffn;
    s.vocab = named->vocab;
    s.maxSeqLen = 1 << 17;
    s.ropes.push_back(Rope::plain(10000, s.headDim));
    w.layers.resize(static_cast<size_t>(s.nLayers));

    std::vector<Slot> slots;
    size_t total = 0;
    forEachTensor(w, [&](TensorView& view, const TensorSpec& spec, int32_t) {
        if (!isDrawn(view, spec, w, named->tied)) return;
        const bool gain = spec.kind == TensorKind::Norm;
        view.dtype = gain ? DType::F32 : type;
        view.rows = extentOf(spec.rows, s);
        view.cols = extentOf(spec.cols, s);
        slots.push_back({&view, total, gain});
        total += (view.nBytes() + 63) / 64 * 64;
    });

    for (const Slot& slot : slots)
        if (slot.view->nBytes() == 0)
            return Error{ErrorCode::InvalidArgument,
                         std::string("rows of this shape are not whole blocks of ").append(dtypeName(type)),
                         {},
                         "--weight-type",
                         std::to_string(slot.view->cols) + " columns",
                         "a multiple of 256"};
    if (total > maxBytes)
        return Error{ErrorCode::OutOfMemory,
                     "drawn weights of this shape do not fit into memory",
                     {},
                     "--random-weights " + name,
                     std::to_string(maxBytes >> 20) + " MiB free",
                     std::to_string(total >> 20) + " MiB"};
    void* memory = mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return Error{ErrorCode::OutOfMemory,          "no memory for drawn weights", {}, {}, {},
                     std::to_string(total) + " bytes"};
    madvise(memory, total, MADV_HUGEPAGE);
    r->m_memory = memory;
    r->m_nBytes = total;
    for (size_t i = 0; i < slots.size(); ++i) {
        if (progress && !progress(static_cast<double>(slots[i].offset) / static_cast<double>(total)))
            return Error{ErrorCode::Cancelled, "stopped while drawing weights"};
        uint8_t* data = static_cast<uint8_t*>(memory) + slots[i].offset;
        slots[i].view->data = data;
        fill(*slots[i].view, data, seed + i, slots[i].gain);
    }
    return r;
}

RandomWeights::~RandomWeights() {
    if (m_memory) munmap(m_memory, m_nBytes);
}

}  // namespace spanscope
