#include "kernels/checks.h"

#include <set>
#include <string>

#include "kernels/model_tensors.h"

namespace spanscope {

std::string rangeText(int64_t first, int64_t last) {
    return std::to_string(first).append(" to ").append(std::to_string(last));
}

namespace {

std::string dims(int64_t rows, int64_t cols) { return std::to_string(rows) + " x " + std::to_string(cols); }

/// A vector of n lies in one row or in one column.
Status checkTensor(const TensorView& t, const TensorSpec& spec, const ModelShape& shape, const std::string& name) {
    if (!t) return spec.optional ? Status{} : Status{invalidArgument("tensor " + name + " is missing")};
    const int64_t rows = extentOf(spec.rows, shape), cols = extentOf(spec.cols, shape);
    const bool column = spec.rows == Extent::One && t.cols == 1 && t.rows == cols;
    if ((t.rows != rows || t.cols != cols) && !column)
        return invalidArgument("tensor " + name + " has the wrong shape", dims(t.rows, t.cols), dims(rows, cols));
    if (rowBytes(t.dtype, cols) == 0)
        return invalidArgument("rows of tensor " + name + " are not whole blocks",
                               std::to_string(cols) + " columns of " + dtypeName(t.dtype));
    return {};
}

Status checkRopes(const ModelShape& s) {
    if (s.ropes.empty()) return invalidArgument("ropes", "none", "at least one");
    for (const Rope& rope : s.ropes) {
        if (rope.invFreq.empty() || rope.invFreq.size() > static_cast<size_t>(s.headDim / 2))
            return invalidArgument("frequencies of a rope", std::to_string(rope.invFreq.size()),
                                   rangeText(1, s.headDim / 2));
        if (!rope.longInvFreq.empty() && rope.longInvFreq.size() != rope.invFreq.size())
            return invalidArgument("long frequencies of a rope", std::to_string(rope.longInvFreq.size()),
                                   std::to_string(rope.invFreq.size()));
    }
    if (s.layerKinds.empty()) return {};
    if (static_cast<int32_t>(s.layerKinds.size()) != s.nLayers)
        return invalidArgument("layerKinds", std::to_string(s.layerKinds.size()), std::to_string(s.nLayers));
    std::set<int32_t> windows;
    for (const LayerKind& kind : s.layerKinds) {
        const auto nRopes = static_cast<int32_t>(s.ropes.size());
        if (kind.rope < -1 || kind.rope >= nRopes)
            return invalidArgument("rope of a layer", std::to_string(kind.rope), rangeText(-1, nRopes - 1));
        if (kind.window < 0) return invalidArgument("window of a layer", std::to_string(kind.window), "0 or more");
        windows.insert(kind.window);
    }
    if (windows.size() > kMaxLayerWindows)
        return invalidArgument("different windows of layers", std::to_string(windows.size()),
                               "at most " + std::to_string(kMaxLayerWindows));
    return {};
}

Status checkShape(const ModelShape& s) {
    const auto positive = [](int32_t v, int32_t limit) { return v > 0 && v <= limit; };
    constexpr int32_t kMaxDim = 1 << 20;
    if (!positive(s.nLayers, 4096)) return invalidArgument("nLayers", std::to_string(s.nLayers), "1 to 4096");
    if (!positive(s.nHeads, kMaxDim)) return invalidArgument("nHeads", std::to_string(s.nHeads), "at least 1");
    if (!positive(s.nKvHeads, s.nHeads) || s.nHeads % s.nKvHeads != 0)
        return invalidArgument("nKvHeads", std::to_string(s.nKvHeads),
                               std::string("a divisor of nHeads = ").append(std::to_string(s.nHeads)));
    if (!positive(s.headDim, 4096)) return invalidArgument("headDim", std::to_string(s.headDim), "1 to 4096");
    if (!positive(s.hidden, kMaxDim)) return invalidArgument("hidden", std::to_string(s.hidden), "at least 1");
    if (!positive(s.ffn, kMaxDim * 4)) return invalidArgument("ffn", std::to_string(s.ffn), "at least 1");
    if (!positive(s.vocab, 1 << 26)) return invalidArgument("vocab", std::to_string(s.vocab), "at least 1");
    if (s.headDim % 2 != 0) {
        Error e = invalidArgument("rotary positions need an even headDim", std::to_string(s.headDim));
        e.code = ErrorCode::Unsupported;
        return e;
    }
    return checkRopes(s);
}

bool isPlain(const TensorView& t) { return t && !isBlocked(t.dtype); }

Status checkAdapter(const ModelWeights& w) {
    if (w.adapters.empty()) return {};
    if (w.adapters.size() != w.layers.size())
        return invalidArgument("layers of the adapter", std::to_string(w.adapters.size()),
                               std::to_string(w.layers.size()));
    for (size_t l = 0; l < w.layers.size(); ++l)
        for (const AdaptedMatrix& part : kAdaptedMatrices) {
            const LowRank& delta = w.adapters[l].*part.delta;
            const TensorView& matrix = w.layers[l].*part.matrix;
            if (!delta && !delta.b) continue;
            if (!isPlain(delta.a) || !isPlain(delta.b))
                return invalidArgument("A and B of an adapter are F32, F16 or BF16, both or none");
            if (delta.a.cols != matrix.cols || delta.b.rows != matrix.rows || delta.a.rows != delta.b.cols)
                return invalidArgument("an adapter does not fit its matrix",
                                       dims(delta.b.rows, delta.b.cols) + " times " + dims(delta.a.rows, delta.a.cols),
                                       dims(matrix.rows, matrix.cols));
        }
    return {};
}

Status checkReplaced(const ReplacedRows& r, const ModelShape& s) {
    if (r.ids.empty()) return {};
    if (!isPlain(r.rows) || r.rows.rows != static_cast<int64_t>(r.ids.size()) || r.rows.cols != s.hidden)
        return invalidArgument("replaced rows", dims(r.rows.rows, r.rows.cols),
                               dims(static_cast<int64_t>(r.ids.size()), s.hidden) + " of F32, F16 or BF16");
    int32_t last = -1;
    for (const int32_t id : r.ids) {
        if (id <= last || id >= s.vocab)
            return invalidArgument("ids of replaced rows ascend within the vocabulary", std::to_string(id));
        last = id;
    }
    return {};
}

}  // namespace

Status checkWeights(const ModelWeights& w) {
    const ModelShape& s = w.shape;
    if (Status st = checkShape(s); !st) return st;
    if (static_cast<int32_t>(w.layers.size()) != s.nLayers)
        return invalidArgument("number of layers", std::to_string(w.layers.size()), std::to_string(s.nLayers));
    Status st;
    forEachTensor(w, [&](const TensorView& t, const TensorSpec& spec, int32_t layer) {
        if (!st) return;
        const std::string place = layer < 0 ? "" : "layer " + std::to_string(layer) + " ";
        st = checkTensor(t, spec, s, place + std::string(spec.name));
    });
    for (const LayerWeights& layer : w.layers)
        if (st && (static_cast<bool>(layer.qNorm) != (s.qkNorm != QkNorm::None) || !layer.kNorm != !layer.qNorm))
            st = invalidArgument("qNorm and kNorm are there where qkNorm says so, and only there");
    if (st) st = checkAdapter(w);
    if (st) st = checkReplaced(w.embeddingRows, s);
    if (st) st = checkReplaced(w.headRows, s);
    return st;
}

Status checkOptions(const BackendOptions& o) {
    if (o.maxBatch < 1) return invalidArgument("maxBatch", std::to_string(o.maxBatch), "at least 1");
    if (o.kvTokens < 1 || o.kvTokens > INT32_MAX - kPageTokens)
        return invalidArgument("kvTokens", std::to_string(o.kvTokens), "1 to 2^31 - 17");
    if (o.nThreads < 0 || o.nThreads > 1024)
        return invalidArgument("nThreads", std::to_string(o.nThreads), "0 to 1024");
    const DType kvType = o.kvType.value_or(DType::F32);
    if (isBlocked(kvType)) {
        Error e = invalidArgument("KV cache type", dtypeName(kvType), "F32, F16 or BF16");
        e.code = ErrorCode::Unsupported;
        return e;
    }
    return {};
}

Status checkIntervals(std::span<const Interval> list, const char* what) {
    int32_t last = 0;
    for (const Interval& i : list) {
        if (i.begin < last || i.end <= i.begin)
            return invalidArgument(std::string(what) + ": interval lists are sorted, disjoint and not empty",
                                   rangeText(i.begin, i.end).append(" after ").append(std::to_string(last)));
        last = i.end;
    }
    return {};
}

Status checkLateLogits(size_t index, size_t nRows, size_t size, size_t vocab) {
    if (index >= nRows)
        return invalidArgument("row of the last step's logits", std::to_string(index),
                               "less than " + std::to_string(nRows));
    if (size != vocab) return invalidArgument("size of the logits", std::to_string(size), std::to_string(vocab));
    return {};
}

Status checkTokens(std::span<const int32_t> tokens, int32_t vocab) {
    for (const int32_t t : tokens)
        if (t < 0 || t >= vocab)
            return invalidArgument("token id outside the vocabulary", std::to_string(t), rangeText(0, vocab - 1));
    return {};
}

Result<int32_t> earlierOfSequence(std::span<const DecodeItem> items, size_t item) {
    size_t first = item;
    while (first > 0 && items[first - 1].sequence == items[item].sequence) --first;
    for (size_t i = 0; i + 1 < first; ++i)
        if (items[i].sequence == items[item].sequence)
            return invalidArgument("items of one sequence must be neighbours", std::to_string(item),
                                   std::to_string(i + 1));
    return static_cast<int32_t>(item - first);
}

Status checkRuns(std::span<const QueryRun> runs, int32_t nTokens) {
    int32_t next = 0;
    for (const QueryRun& r : runs) {
        if (r.begin != next || r.end <= r.begin || r.end > nTokens)
            return invalidArgument("query runs must cover the tokens in order", rangeText(r.begin, r.end),
                                   std::string("a run from ").append(std::to_string(next)));
        if (Status st = checkIntervals(r.visible, "query run"); !st) return st;
        next = r.end;
    }
    if (next != nTokens)
        return invalidArgument("query runs must cover the tokens", std::to_string(next), std::to_string(nTokens));
    return {};
}

}  // namespace spanscope
