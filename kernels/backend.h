// The one interface between the engine and the numerics. A backend owns one loaded model's working
// state (device copies of weights where needed, paged KV caches, scratch) and runs prefill and decode
// under interval lists. It knows nothing of text, files or protocols.
//
// Ownership: the caller owns the weights' memory and keeps it alive while the backend lives; a backend
// may use it in place (CPU) or copy it (CUDA). Threading: one thread at a time per backend object; two
// backends can live in one process. No mutable globals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/key_selector.h"
#include "kernels/result.h"
#include "kernels/visibility.h"

namespace spanscope {

enum class DType : uint8_t {
    F32,
    F16,
    BF16,
    // The block formats of GGUF, kernels/quant_blocks.h.
    Q8_0,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    IQ4_NL,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
    IQ4_XS,
};
inline constexpr DType kDTypes[] = {DType::F32,  DType::F16,  DType::BF16, DType::Q8_0,   DType::Q4_0,
                                    DType::Q4_1, DType::Q5_0, DType::Q5_1, DType::IQ4_NL, DType::Q2_K,
                                    DType::Q3_K, DType::Q4_K, DType::Q5_K, DType::Q6_K,   DType::IQ4_XS};
inline constexpr bool isBlocked(DType dtype) {
    return dtype != DType::F32 && dtype != DType::F16 && dtype != DType::BF16;
}

/// Bytes of one row of `cols` values (block formats: whole blocks); 0 if cols does not fit the blocks.
size_t rowBytes(DType dtype, int64_t cols);
const char* dtypeName(DType dtype);
/// The type of a name, in capitals or not; empty if there is none.
std::optional<DType> dtypeFromName(std::string_view name);
/// "Q8_0, Q4_0, ...": all that isBlocked() holds for, for people.
std::string blockFormatNames();

/// A matrix (rows, cols), row-major and dense, y = W x with x (cols) and y (rows); a vector has rows = 1.
/// data == nullptr: absent (optional biases, tied head).
struct TensorView {
    const void* data = nullptr;
    DType dtype = DType::F32;
    int64_t rows = 0;
    int64_t cols = 0;
    explicit operator bool() const { return data != nullptr; }
    size_t nBytes() const { return static_cast<size_t>(rows) * rowBytes(dtype, cols); }
};

struct LayerWeights {
    TensorView attnNorm;                    ///< (hidden), before attention; absent in OLMo 2
    TensorView q, k, v;                     ///< (nHeads*headDim, hidden), (nKvHeads*headDim, hidden) twice
    TensorView o;                           ///< (hidden, nHeads*headDim)
    TensorView qBias, kBias, vBias, oBias;  ///< optional
    TensorView qNorm, kNorm;                ///< optional; of queries and keys before RoPE, see QkNorm
    TensorView postAttnNorm;                ///< (hidden), optional: of o's product, before it joins the residual stream
    TensorView mlpNorm;                     ///< (hidden), before the MLP; absent in OLMo 2
    TensorView gate, up;                    ///< (ffn, hidden)
    TensorView down;                        ///< (hidden, ffn)
    TensorView gateBias, upBias, downBias;  ///< optional
    TensorView postMlpNorm;                 ///< (hidden), optional: of down's product, before it joins the stream
};

/// What an adapter (LoRA, arXiv 2106.09685) adds to a product of a matrix that stays as it is: W x becomes
/// W x + scale * B (A x). Both of F32, F16 or BF16; absent: nothing is added.
struct LowRank {
    TensorView a;  ///< (rank, columns of the matrix)
    TensorView b;  ///< (rows of the matrix, rank)
    float scale = 1;
    explicit operator bool() const { return static_cast<bool>(a); }
    size_t nBytes() const { return *this ? a.nBytes() + b.nBytes() : 0; }
};

struct LayerAdapter {
    LowRank q, k, v, o, gate, up, down;
};

/// Rows that take the place of a matrix's own.
struct ReplacedRows {
    std::vector<int32_t> ids;  ///< of the rows, ascending, each once
    TensorView rows;           ///< (ids, columns of the matrix), F32, F16 or BF16
    /// Index into rows; -1: the matrix's own row holds.
    int64_t find(int32_t id) const;
};

/// Of gate, before it is multiplied with up.
enum class Activation : uint8_t {
    Silu,
    GeluTanh,  ///< GELU with tanh in place of erf: Gemma
};

/// RMSNorm of queries and keys before RoPE.
enum class QkNorm : uint8_t {
    None,
    PerHead,   ///< gains (headDim), each head by itself: Qwen3, Gemma 3
    WholeRow,  ///< gains (nHeads * headDim) and (nKvHeads * headDim), all heads together: OLMo 2
};

/// One set of rotary angles. The first 2 * invFreq.size() values of a head are rotated, the others stay.
struct Rope {
    std::vector<float> invFreq;  ///< radians per position, scaling (linear, llama3, YaRN, longrope) already applied
    float magnitude = 1;         ///< cosine and sine are multiplied by it (YaRN, longrope)
    std::vector<float> longInvFreq{};  ///< longrope: of sequences above ModelShape::longRopeAbove; empty: invFreq
    float longMagnitude = 1;           ///< goes with longInvFreq

    /// Without scaling: base^(-2i / dims) for i in [0, dims / 2).
    static Rope plain(double base, int32_t dims);
};

inline constexpr size_t kMaxLayerWindows = 64;  ///< different windows of one model's layers

/// In what layers of one model differ.
struct LayerKind {
    int32_t rope = 0;  ///< index into ModelShape::ropes; -1: no RoPE in this layer
    int32_t window =
        0;  ///< of a list it reads what lies in the newest `window` positions, the query's own among them; 0 = all
    bool operator==(const LayerKind&) const = default;
};

/// Decoder of pre- or post-normalised layers: RMSNorm, RoPE, (grouped-query) attention, gated MLP. Llama is what the
/// defaults say; other families set what differs.
struct ModelShape {
    int32_t nLayers = 0;
    int32_t nHeads = 0;
    int32_t nKvHeads = 0;
    int32_t headDim = 0;
    int32_t hidden = 0;
    int32_t ffn = 0;
    int32_t vocab = 0;
    int32_t maxSeqLen = 0;  ///< positions the model was trained for
    float rmsEps = 1e-5F;
    bool ropeInterleaved = false;  ///< pairs (2i, 2i+1) as in llama's GGUF; false: (i, i + half) as in Hugging Face
    std::vector<Rope> ropes;       ///< at least one
    int32_t longRopeAbove = 0;     ///< a sequence created with room for more positions takes longInvFreq; 0 = none does
    std::vector<LayerKind> layerKinds;  ///< (nLayers), or empty: all as LayerKind{}
    int32_t slidingWindow = 0;  ///< of all layers alike, 0 = none; backends ignore it, the engine folds it into lists
    Activation activation = Activation::Silu;
    QkNorm qkNorm = QkNorm::None;
    float embeddingScale = 1;    ///< of the embedding's rows; the head is not scaled
    float attentionScale = 0;    ///< of query . key; 0 = 1 / sqrt(headDim)
    float attentionSoftcap = 0;  ///< c tanh(score / c) before softmax; 0 = none: Gemma 2
    float logitSoftcap = 0;      ///< the same of the logits

    LayerKind layerKind(int32_t layer) const {
        return layerKinds.empty() ? LayerKind{} : layerKinds[static_cast<size_t>(layer)];
    }
};

struct ModelWeights {
    ModelShape shape;
    TensorView embedding;  ///< (vocab, hidden)
    std::vector<LayerWeights> layers;
    TensorView finalNorm;  ///< (hidden)
    TensorView head;       ///< (vocab, hidden); absent = tied to embedding
    // An adapter beside weights that stay as they are.
    std::vector<LayerAdapter> adapters;  ///< (nLayers), or empty
    ReplacedRows embeddingRows, headRows;
};

/// Handle of one sequence's KV cache inside a backend.
struct SequenceId {
    int32_t value = -1;
    bool operator==(const SequenceId&) const = default;
};

/// Queries [begin, end) (indices into the prefill call's tokens) share one visible list. Lists are in
/// absolute token positions; causality is implied (visibility.h). A query that may read nothing gets zero from
/// attention.
struct QueryRun {
    int32_t begin = 0;
    int32_t end = 0;
    std::span<const Interval> visible;
};

/// One sequence's next token. position must equal the tokens already stored for that sequence, and those that earlier
/// items of the call store for it.
struct DecodeItem {
    SequenceId sequence;
    int32_t token = 0;
    int32_t position = 0;
    std::span<const Interval> visible;
    uint64_t maskId = 0;  ///< changes whenever the list does; equal ids in a row mean nothing to upload. 0 = unknown
    KeySelector* selector = nullptr;  ///< chooses within `visible` for each head; only where BackendInfo::keySelection
};

/// Where results go. argmax and argmaxLogprob have one entry per item (argmaxLogprob natural log, temperature 1);
/// both or either may be empty. maybeLogits is empty or (nItems, vocab): asking for it costs a copy on a device.
struct DecodeOutput {
    std::span<int32_t> argmax;
    std::span<float> argmaxLogprob;
    std::span<float> maybeLogits;
};

/// Time the backend spent since resetStageTimes(), by stage. Filled only while profiling is on; profiling
/// serialises stages and is never on in a measured run.
struct StageTimes {
    int64_t attentionNs = 0;  ///< scores, softmax, values over the KV cache
    int64_t matmulNs = 0;     ///< all weight matrices, head included
    int64_t otherNs = 0;
};

/// Re-evaluates the stored token at `position` as if it read `visible`; changes nothing in the cache. Its own key
/// and value are computed anew (deeper layers differ under another list); all others come from the cache.
struct ProbeRequest {
    SequenceId sequence;
    int32_t token = 0;
    int32_t position = 0;  ///< < tokens stored for the sequence
    std::span<const Interval> visible;
    std::span<const int32_t> layers;  ///< whose probabilities are wanted; empty = all
};
struct ProbeResult {
    std::vector<float> logits;         ///< (vocab)
    std::vector<float> probabilities;  ///< (nLayersAsked, nHeads, position + 1), rows sum to 1, 0 where not visible
};

struct BackendInfo {
    std::string name;    ///< "reference", "cpu", "cuda"
    std::string device;  ///< what a person would call it
    int32_t nThreads = 0;
    DType kvType = DType::F32;  ///< of the stored keys and values
    bool keySelection = false;  ///< decodes with DecodeItem::selector
    bool manyOfOne = false;     ///< decode() takes several tokens of one sequence; on CUDA under one list
    int32_t maxBatch = 1;       ///< items of a decode() at most: BackendOptions::maxBatch
};

struct BackendOptions {
    int32_t nThreads = 0;         ///< CPU threads; 0 = all cores
    int32_t maxBatch = 1;         ///< items decoded together at most
    int64_t kvTokens = 4096;      ///< tokens of KV cache over all sequences together, rounded up to pages
    std::optional<DType> kvType;  ///< of the KV cache: F32, F16 or BF16; not given: the backend's own default
};

/// fraction in [0,1]; return false to cancel. Called from the loading thread.
using ProgressFn = std::function<bool(double fraction)>;

class Backend {
  public:
    virtual ~Backend() = default;
    virtual BackendInfo info() const = 0;
    virtual const ModelShape& shape() const = 0;

    /// Room for up to capacityTokens tokens, which also choose between short and long RoPE (ModelShape::longRopeAbove).
    /// OutOfMemory when the pool has too few pages.
    virtual Result<SequenceId> createSequence(int32_t capacityTokens) = 0;
    virtual void freeSequence(SequenceId sequence) = 0;
    virtual int32_t storedTokens(SequenceId sequence) const = 0;
    /// Forgets every token from nTokens on (rerun a step, branch a run, reject a draft).
    virtual void truncate(SequenceId sequence, int32_t nTokens) = 0;

    /// Appends `tokens` (n) to the sequence. runs cover [0, n) in order without gaps. maybeLogits: empty, (vocab)
    /// for the last token, or (n, vocab) for all. InvalidArgument on bad tokens, runs, capacity.
    virtual Status prefill(SequenceId sequence, std::span<const int32_t> tokens, std::span<const QueryRun> runs,
                           std::span<float> maybeLogits) = 0;

    /// One token for each item. No allocation once warm. Where BackendInfo::manyOfOne, neighbouring items may be of one
    /// sequence: each then reads the ones before it too. On the CPU and the reference the results have the bits of as
    /// many calls with one item; on CUDA, where any number of rows may round otherwise, they have not, and `visible` of
    /// the items of one sequence must be the same (Unsupported).
    virtual Status decode(std::span<const DecodeItem> items, const DecodeOutput& output) = 0;

    /// The logits (vocab) of item `index` of the last decode(), which was asked for none: for who sees from the arg max
    /// that it needs them after all. InvalidArgument after anything else, a prefill() among it, and for another size.
    virtual Status lateLogits(size_t index, std::span<float> logits) = 0;

    virtual Result<ProbeResult> probe(const ProbeRequest& request) = 0;

    virtual void setProfiling(bool on) = 0;
    virtual StageTimes stageTimes() const = 0;
    virtual void resetStageTimes() = 0;

    /// Time of the last prefill or decode as the device saw it (events on a GPU, wall clock on a CPU).
    virtual int64_t lastDeviceNs() const = 0;
    /// Bytes the backend holds beyond the caller's weights: KV pool, scratch, device copies.
    virtual size_t bytesHeld() const = 0;
};

}  // namespace spanscope
