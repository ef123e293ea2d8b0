// The specification: one token at a time, one value at a time, in float64 or float32. Slow on purpose; its
// only aims are to be obviously right and to say what the contract leaves open:
//  - a query whose visible set is empty gets zero from attention (no division by zero, no NaN);
//  - probe() recomputes the key and value of the probed position under the given list, reads every other
//    position from the cache, and leaves the cache as it was;
//  - the first of equal maxima is the argmax.

#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numbers>
#include <vector>

#include "kernels/backends.h"
#include "kernels/checks.h"
#include "kernels/half.h"
#include "kernels/reference/dequantize.h"

namespace spanscope {

namespace {

int64_t nowNs() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

template <class T>
using Vec = std::vector<T>;

/// What the cache really holds of a value.
template <class T>
T throughKv(DType type, T v) {
    if (type == DType::BF16) return static_cast<T>(bf16ToFloat(floatToBf16(static_cast<float>(v))));
    if (type == DType::F16) return static_cast<T>(f16ToFloat(floatToF16(static_cast<float>(v))));
    return v;
}

template <class T>
class ReferenceBackend final : public Backend {
  public:
    ReferenceBackend(const ModelWeights& weights, const BackendOptions& options)
        : m_weights(weights),
          m_options(options),
          m_kvType(options.kvType.value_or(defaultKvType(Device::Reference, weights))),
          m_freeTokens(roundToPages(options.kvTokens)) {}

    BackendInfo info() const override {
        return {.name = "reference",
                .device = sizeof(T) == 8 ? "plain loops, float64" : "plain loops, float32",
                .nThreads = 1,
                .kvType = m_kvType,
                .keySelection = true,
                .manyOfOne = true,
                .maxBatch = m_options.maxBatch};
    }
    const ModelShape& shape() const override { return m_weights.shape; }

    Result<SequenceId> createSequence(int32_t capacityTokens) override {
        if (capacityTokens <= 0) return invalidArgument("capacity of a sequence", std::to_string(capacityTokens));
        const int64_t wanted = roundToPages(capacityTokens);
        if (wanted > m_freeTokens) {
            Error e = invalidArgument("too few KV pages are free", std::to_string(m_freeTokens) + " tokens",
                                      std::to_string(wanted) + " tokens");
            e.code = ErrorCode::OutOfMemory;
            return e;
        }
        m_freeTokens -= wanted;
        Sequence& s = m_sequences[m_nextId];
        s.capacity = capacityTokens;
        s.longRope = m_weights.shape.longRopeAbove > 0 && capacityTokens > m_weights.shape.longRopeAbove;
        s.k.resize(static_cast<size_t>(m_weights.shape.nLayers));
        s.v.resize(static_cast<size_t>(m_weights.shape.nLayers));
        return SequenceId{m_nextId++};
    }

    void freeSequence(SequenceId id) override {
        const auto it = m_sequences.find(id.value);
        if (it == m_sequences.end()) return;
        m_freeTokens += roundToPages(it->second.capacity);
        m_sequences.erase(it);
    }

    int32_t storedTokens(SequenceId id) const override {
        const auto it = m_sequences.find(id.value);
        return it == m_sequences.end() ? 0 : it->second.stored;
    }

    void truncate(SequenceId id, int32_t nTokens) override {
        const auto it = m_sequences.find(id.value);
        if (it == m_sequences.end() || nTokens < 0 || nTokens >= it->second.stored) return;
        it->second.stored = nTokens;
        const size_t values = static_cast<size_t>(nTokens) * static_cast<size_t>(kvDim());
        for (auto& layer : it->second.k) layer.resize(values);
        for (auto& layer : it->second.v) layer.resize(values);
    }

    Status prefill(SequenceId id, std::span<const int32_t> tokens, std::span<const QueryRun> runs,
                   std::span<float> maybeLogits) override {
        const int64_t start = nowNs();
        Sequence* s = find(id);
        const auto n = static_cast<int32_t>(tokens.size());
        m_late.clear();
        const auto vocab = static_cast<size_t>(m_weights.shape.vocab);
        if (!s) return invalidArgument("unknown sequence", std::to_string(id.value));
        if (n == 0) return invalidArgument("prefill of no tokens");
        if (s->stored + n > s->capacity)
            return invalidArgument("sequence is full", std::to_string(s->stored + n),
                                   "at most " + std::to_string(s->capacity));
        if (Status st = checkTokens(tokens, m_weights.shape.vocab); !st) return st;
        if (Status st = checkRuns(runs, n); !st) return st;
        const bool all = maybeLogits.size() == vocab * tokens.size() && n > 1;
        if (!maybeLogits.empty() && !all && maybeLogits.size() != vocab)
            return invalidArgument("size of the logits", std::to_string(maybeLogits.size()));
        for (const QueryRun& run : runs) {
            for (int32_t i = run.begin; i < run.end; ++i) {
                const auto at = static_cast<size_t>(i);
                const bool wanted = all || (!maybeLogits.empty() && i + 1 == n);
                const Vec<T> logits = forward(*s, tokens[at], s->stored, run.visible, wanted, nullptr);
                ++s->stored;
                for (size_t r = 0; r < logits.size(); ++r)
                    maybeLogits[(all ? at * vocab : 0) + r] = static_cast<float>(logits[r]);
            }
        }
        m_lastNs = nowNs() - start;
        return {};
    }

    Status decode(std::span<const DecodeItem> items, const DecodeOutput& output) override {
        const int64_t start = nowNs();
        m_late.clear();
        if (static_cast<int32_t>(items.size()) > m_options.maxBatch)
            return invalidArgument("batch", std::to_string(items.size()), std::to_string(m_options.maxBatch));
        const auto vocab = static_cast<size_t>(m_weights.shape.vocab);
        if (!output.maybeLogits.empty() && output.maybeLogits.size() != items.size() * vocab)
            return invalidArgument("size of the logits", std::to_string(output.maybeLogits.size()));
        for (size_t i = 0; i < items.size(); ++i) {
            const Sequence* s = find(items[i].sequence);
            if (!s) return invalidArgument("unknown sequence", std::to_string(items[i].sequence.value));
            auto earlier = earlierOfSequence(items, i);
            if (!earlier) return earlier.error();
            const int32_t stored = s->stored + *earlier;
            if (items[i].position != stored)
                return invalidArgument("position of a decoded token", std::to_string(items[i].position),
                                       std::to_string(stored));
            if (stored >= s->capacity) return invalidArgument("sequence is full", std::to_string(stored));
            if (Status st = checkTokens({&items[i].token, 1}, m_weights.shape.vocab); !st) return st;
            if (Status st = checkIntervals(items[i].visible, "decode"); !st) return st;
        }
        for (size_t i = 0; i < items.size(); ++i) {
            Sequence& s = *find(items[i].sequence);
            m_selector = items[i].selector;
            const Vec<T> logits = forward(s, items[i].token, s.stored, items[i].visible, true, nullptr);
            m_selector = nullptr;
            ++s.stored;
            size_t best = 0;
            for (size_t r = 1; r < vocab; ++r)
                if (logits[r] > logits[best]) best = r;
            T sum = 0;
            for (size_t r = 0; r < vocab; ++r) sum += std::exp(logits[r] - logits[best]);
            if (i < output.argmax.size()) output.argmax[i] = static_cast<int32_t>(best);
            if (i < output.argmaxLogprob.size()) output.argmaxLogprob[i] = static_cast<float>(-std::log(sum));
            if (output.maybeLogits.empty()) m_late.emplace_back(logits.begin(), logits.end());
            else
                for (size_t r = 0; r < vocab; ++r) output.maybeLogits[i * vocab + r] = static_cast<float>(logits[r]);
        }
        m_lastNs = nowNs() - start;
        return {};
    }

    Status lateLogits(size_t index, std::span<float> logits) override {
        const auto vocab = static_cast<size_t>(m_weights.shape.vocab);
        if (Status st = checkLateLogits(index, m_late.size(), logits.size(), vocab); !st) return st;
        std::copy(m_late[index].begin(), m_late[index].end(), logits.begin());
        return {};
    }

    Result<ProbeResult> probe(const ProbeRequest& request) override {
        Sequence* s = find(request.sequence);
        if (!s) return invalidArgument("unknown sequence", std::to_string(request.sequence.value));
        if (request.position < 0 || request.position >= s->stored)
            return invalidArgument("probed position", std::to_string(request.position), rangeText(0, s->stored - 1));
        if (Status st = checkTokens({&request.token, 1}, m_weights.shape.vocab); !st) return st.error();
        if (Status st = checkIntervals(request.visible, "probe"); !st) return st.error();
        for (const int32_t l : request.layers)
            if (l < 0 || l >= m_weights.shape.nLayers) return invalidArgument("probed layer", std::to_string(l));
        Vec<Vec<T>> all;  // per layer (nHeads, position + 1)
        const Sequence saved = *s;
        const Vec<T> logits = forward(*s, request.token, request.position, request.visible, true, &all);
        *s = saved;
        ProbeResult r;
        r.logits.assign(logits.begin(), logits.end());
        const auto append = [&](size_t l) {
            r.probabilities.insert(r.probabilities.end(), all[l].begin(), all[l].end());
        };
        if (request.layers.empty())
            for (size_t l = 0; l < all.size(); ++l) append(l);
        for (const int32_t l : request.layers) append(static_cast<size_t>(l));
        return r;
    }

    void setProfiling(bool on) override { m_profiling = on; }
    StageTimes stageTimes() const override { return m_times; }
    void resetStageTimes() override { m_times = {}; }
    int64_t lastDeviceNs() const override { return m_lastNs; }
    size_t bytesHeld() const override {
        size_t n = 0;
        for (const auto& [id, s] : m_sequences)
            for (size_t l = 0; l < s.k.size(); ++l) n += (s.k[l].size() + s.v[l].size()) * sizeof(T);
        return n;
    }

  private:
    struct Sequence {
        int32_t capacity = 0;
        int32_t stored = 0;
        bool longRope = false;
        Vec<Vec<T>> k, v;  // per layer (stored, nKvHeads * headDim)
    };

    static int64_t roundToPages(int64_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens * kPageTokens; }
    int32_t kvDim() const { return m_weights.shape.nKvHeads * m_weights.shape.headDim; }

    Sequence* find(SequenceId id) {
        const auto it = m_sequences.find(id.value);
        return it == m_sequences.end() ? nullptr : &it->second;
    }

    static Vec<float> vectorOf(const TensorView& t) {
        Vec<float> r(static_cast<size_t>(t.rows * t.cols));
        dequantizeRow(t.dtype, t.data, t.rows * t.cols, r.data());
        return r;
    }

    /// w x + bias + scale b (a x)
    static Vec<T> matVec(const TensorView& w, const Vec<T>& x, const TensorView& bias, const LowRank& delta) {
        Vec<T> y = matVec(w, x, bias);
        if (!delta) return y;
        const Vec<T> added = matVec(delta.b, matVec(delta.a, x, {}), {});
        for (size_t r = 0; r < y.size(); ++r) y[r] += static_cast<T>(delta.scale) * added[r];
        return y;
    }

    static Vec<T> matVec(const TensorView& w, const Vec<T>& x, const TensorView& bias) {
        Vec<T> y(static_cast<size_t>(w.rows));
        Vec<float> row(static_cast<size_t>(w.cols));
        const size_t stride = rowBytes(w.dtype, w.cols);
        for (size_t r = 0; r < y.size(); ++r) {
            dequantizeRow(w.dtype, static_cast<const uint8_t*>(w.data) + r * stride, w.cols, row.data());
            T sum = 0;
            for (size_t c = 0; c < row.size(); ++c) sum += static_cast<T>(row[c]) * x[c];
            y[r] = sum;
        }
        if (bias) {
            const Vec<float> b = vectorOf(bias);
            for (size_t r = 0; r < y.size(); ++r) y[r] += static_cast<T>(b[r]);
        }
        return y;
    }

    /// Each stretch of x that is as long as the gain is normalised by itself. No gain: x as it is.
    Vec<T> rmsNorm(const Vec<T>& x, const TensorView& gain) const {
        if (!gain) return x;
        const Vec<float> g = vectorOf(gain);
        Vec<T> y(x.size());
        for (size_t begin = 0; begin < x.size(); begin += g.size()) {
            T sum = 0;
            for (size_t i = 0; i < g.size(); ++i) sum += x[begin + i] * x[begin + i];
            const T scale = 1 / std::sqrt(sum / static_cast<T>(g.size()) + static_cast<T>(m_weights.shape.rmsEps));
            for (size_t i = 0; i < g.size(); ++i) y[begin + i] = x[begin + i] * scale * static_cast<T>(g[i]);
        }
        return y;
    }

    static T softcapped(T x, float cap) {
        return cap > 0 ? static_cast<T>(cap) * std::tanh(x / static_cast<T>(cap)) : x;
    }

    T activated(T x) const {
        if (m_weights.shape.activation == Activation::Silu) return x / (1 + std::exp(-x));
        const T inner = std::sqrt(2 / std::numbers::pi_v<T>) * (x + static_cast<T>(0.044715) * x * x * x);
        return x / 2 * (1 + std::tanh(inner));
    }

    /// Rotates each head of x (nHeads * headDim) to `position`.
    void rope(Vec<T>& x, const Rope& rope, bool isLong, int32_t position) const {
        const ModelShape& s = m_weights.shape;
        isLong = isLong && !rope.longInvFreq.empty();
        const Vec<float>& invFreq = isLong ? rope.longInvFreq : rope.invFreq;
        const T magnitude = isLong ? rope.longMagnitude : rope.magnitude;
        const size_t half = invFreq.size();
        for (size_t h = 0; h < x.size(); h += static_cast<size_t>(s.headDim)) {
            for (size_t i = 0; i < half; ++i) {
                const T angle = static_cast<T>(position) * static_cast<T>(invFreq[i]);
                const T c = std::cos(angle) * magnitude, sn = std::sin(angle) * magnitude;
                T& a = x[h + (s.ropeInterleaved ? 2 * i : i)];
                T& b = x[h + (s.ropeInterleaved ? 2 * i + 1 : i + half)];
                const T ra = a * c - b * sn;
                b = a * sn + b * c;
                a = ra;
            }
        }
    }

    /// What the selector chooses for one head.
    std::span<const Interval> chosen(const Vec<T>& q, const Vec<T>& keys, int32_t layer, size_t head, int32_t position,
                                     T scale) const {
        const ModelShape& s = m_weights.shape;
        const auto d = static_cast<size_t>(s.headDim), dim = static_cast<size_t>(kvDim());
        const size_t kvHead = head / static_cast<size_t>(s.nHeads / s.nKvHeads);
        Vec<float> query(d), own;
        for (size_t i = 0; i < d; ++i) query[i] = static_cast<float>(q[head * d + i] * scale);
        for (size_t k = 0; k <= static_cast<size_t>(position); ++k)
            for (size_t i = 0; i < d; ++i) own.push_back(static_cast<float>(keys[k * dim + kvHead * d + i]));
        return m_selector->select({layer, s.nLayers, static_cast<int32_t>(head), s.nHeads, s.headDim, position, query,
                                   own, s.attentionSoftcap});
    }

    /// All heads of q, rotated to their position, as if they stood nPositions earlier.
    Vec<T> turnedBack(Vec<T> q, int32_t layer, bool isLong, int32_t nPositions) const {
        const int32_t index = m_weights.shape.layerKind(layer).rope;
        if (index < 0) return q;
        Rope turn = m_weights.shape.ropes[static_cast<size_t>(index)];
        turn.magnitude = turn.longMagnitude = 1;  // the query has it already
        rope(q, turn, isLong, -nPositions);
        return q;
    }

    /// softmax(scale q K) V over the visible keys of the window; weights (nHeads, position + 1) if wanted.
    Vec<T> attention(const Vec<T>& q, const Vec<T>& keys, const Vec<T>& values, int32_t layer, bool isLong,
                     int32_t position, std::span<const Interval> visible, int32_t window, Vec<T>* weights) const {
        const ModelShape& s = m_weights.shape;
        const auto d = static_cast<size_t>(s.headDim), dim = static_cast<size_t>(kvDim());
        const auto nKeys = static_cast<size_t>(position + 1);
        const T scale =
            s.attentionScale > 0 ? static_cast<T>(s.attentionScale) : 1 / std::sqrt(static_cast<T>(s.headDim));
        Vec<T> out(q.size(), 0);
        if (weights) weights->assign(static_cast<size_t>(s.nHeads) * nKeys, 0);
        for (size_t h = 0; h < static_cast<size_t>(s.nHeads); ++h) {
            const size_t kvHead = h / static_cast<size_t>(s.nHeads / s.nKvHeads);
            const std::span<const Interval> read =
                m_selector ? chosen(q, keys, layer, h, position, scale) : std::span<const Interval>();
            Vec<T> score(nKeys, 0);
            T largest = -std::numeric_limits<T>::infinity();
            const auto seen = [&](size_t k) {
                return inWindow(window, position, static_cast<int32_t>(k)) &&
                       mayRead(visible.data(), static_cast<int32_t>(visible.size()), position,
                               static_cast<int32_t>(k)) &&
                       (!m_selector ||
                        mayRead(read.data(), static_cast<int32_t>(read.size()), position, static_cast<int32_t>(k)));
            };
            Vec<T> own;  // the query as it stands to the keys of one interval
            size_t ownAt = read.size();
            for (size_t k = 0; k < nKeys; ++k) {
                if (!seen(k)) continue;
                if (m_selector && m_selector->reassignsPositions()) {
                    size_t at = 0;
                    while (static_cast<size_t>(read[at].end) <= k) ++at;
                    if (at != ownAt) own = turnedBack(q, layer, isLong, leftOutAfter(read, at, position));
                    ownAt = at;
                }
                const Vec<T>& asked = own.empty() ? q : own;
                T sum = 0;
                for (size_t i = 0; i < d; ++i) sum += asked[h * d + i] * keys[k * dim + kvHead * d + i];
                score[k] = softcapped(sum * scale, s.attentionSoftcap);
                largest = std::max(largest, score[k]);
            }
            T total = 0;
            for (size_t k = 0; k < nKeys; ++k) {
                score[k] = seen(k) ? std::exp(score[k] - largest) : 0;
                total += score[k];
            }
            if (total == 0) continue;
            for (size_t k = 0; k < nKeys; ++k) {
                const T p = score[k] / total;
                if (p == 0) continue;
                if (weights) (*weights)[h * nKeys + k] = p;
                for (size_t i = 0; i < d; ++i) out[h * d + i] += p * values[k * dim + kvHead * d + i];
            }
        }
        return out;
    }

    /// One token through all layers; writes its key and value at `position`. Logits are empty unless wanted.
    Vec<T> forward(Sequence& s, int32_t token, int32_t position, std::span<const Interval> visible, bool wantLogits,
                   Vec<Vec<T>>* weights) {
        const int64_t start = nowNs();
        int64_t attentionNs = 0;
        const ModelShape& shape = m_weights.shape;
        const int64_t replaced = m_weights.embeddingRows.find(token);
        const TensorView& e = replaced < 0 ? m_weights.embedding : m_weights.embeddingRows.rows;
        const auto tokenRow = static_cast<size_t>(replaced < 0 ? token : replaced);
        Vec<float> row(static_cast<size_t>(shape.hidden));
        dequantizeRow(e.dtype, static_cast<const uint8_t*>(e.data) + tokenRow * rowBytes(e.dtype, e.cols), e.cols,
                      row.data());
        Vec<T> x(row.begin(), row.end());
        for (T& v : x) v *= static_cast<T>(shape.embeddingScale);
        const auto dim = static_cast<size_t>(kvDim());
        for (size_t l = 0; l < m_weights.layers.size(); ++l) {
            const LayerWeights& w = m_weights.layers[l];
            const LayerAdapter& d = m_weights.adapters.empty() ? LayerAdapter{} : m_weights.adapters[l];
            const LayerKind kind = shape.layerKind(static_cast<int32_t>(l));
            const Vec<T> normed = rmsNorm(x, w.attnNorm);
            Vec<T> q = rmsNorm(matVec(w.q, normed, w.qBias, d.q), w.qNorm);
            Vec<T> k = rmsNorm(matVec(w.k, normed, w.kBias, d.k), w.kNorm);
            const Vec<T> v = matVec(w.v, normed, w.vBias, d.v);
            if (kind.rope >= 0) {
                rope(q, shape.ropes[static_cast<size_t>(kind.rope)], s.longRope, position);
                rope(k, shape.ropes[static_cast<size_t>(kind.rope)], s.longRope, position);
            }
            const size_t at = static_cast<size_t>(position) * dim;
            s.k[l].resize(std::max(s.k[l].size(), at + dim));
            s.v[l].resize(std::max(s.v[l].size(), at + dim));
            for (size_t i = 0; i < dim; ++i) {
                s.k[l][at + i] = throughKv(m_kvType, k[i]);
                s.v[l][at + i] = throughKv(m_kvType, v[i]);
            }
            const int64_t t0 = nowNs();
            if (weights) weights->emplace_back();
            const Vec<T> mixed = attention(q, s.k[l], s.v[l], static_cast<int32_t>(l), s.longRope, position, visible,
                                           kind.window, weights ? &weights->back() : nullptr);
            attentionNs += nowNs() - t0;
            const Vec<T> o = rmsNorm(matVec(w.o, mixed, w.oBias, d.o), w.postAttnNorm);
            for (size_t i = 0; i < x.size(); ++i) x[i] += o[i];
            const Vec<T> normed2 = rmsNorm(x, w.mlpNorm);
            Vec<T> gate = matVec(w.gate, normed2, w.gateBias, d.gate);
            const Vec<T> up = matVec(w.up, normed2, w.upBias, d.up);
            for (size_t i = 0; i < gate.size(); ++i) gate[i] = activated(gate[i]) * up[i];
            const Vec<T> down = rmsNorm(matVec(w.down, gate, w.downBias, d.down), w.postMlpNorm);
            for (size_t i = 0; i < x.size(); ++i) x[i] += down[i];
        }
        Vec<T> logits;
        if (wantLogits) {
            const Vec<T> last = rmsNorm(x, m_weights.finalNorm);
            logits = matVec(m_weights.head ? m_weights.head : m_weights.embedding, last, {});
            const ReplacedRows& own = m_weights.headRows;
            const Vec<T> replacedLogits = own.ids.empty() ? Vec<T>() : matVec(own.rows, last, {});
            for (size_t i = 0; i < own.ids.size(); ++i) logits[static_cast<size_t>(own.ids[i])] = replacedLogits[i];
        }
        for (T& v : logits) v = softcapped(v, shape.logitSoftcap);
        if (m_profiling) {
            m_times.attentionNs += attentionNs;
            m_times.matmulNs += nowNs() - start - attentionNs;
        }
        return logits;
    }

    ModelWeights m_weights;  // views; the caller owns the memory
    BackendOptions m_options;
    DType m_kvType;
    int64_t m_freeTokens;
    std::map<int32_t, Sequence> m_sequences;
    int32_t m_nextId = 0;
    KeySelector* m_selector = nullptr;  ///< of the token that is being decoded
    bool m_profiling = false;
    StageTimes m_times;
    int64_t m_lastNs = 0;
    std::vector<std::vector<float>> m_late;  ///< (rows of the last step, vocab), for lateLogits()
};

}  // namespace

Result<std::unique_ptr<Backend>> makeReferenceBackend(const ModelWeights& weights, const BackendOptions& options,
                                                      bool accumulateDouble) {
    if (Status st = checkWeights(weights); !st) return st.error();
    if (Status st = checkOptions(options); !st) return st.error();
    if (accumulateDouble) return std::unique_ptr<Backend>(std::make_unique<ReferenceBackend<double>>(weights, options));
    return std::unique_ptr<Backend>(std::make_unique<ReferenceBackend<float>>(weights, options));
}

}  // namespace spanscope
