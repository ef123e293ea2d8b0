// A GGUF file of the Llama architecture: quantised blocks stay as they are in the mapped file.
#include <filesystem>
#include <set>

#include "engine/files/file_error.h"
#include "engine/files/hash64.h"
#include "engine/model/card.h"
#include "engine/model/gguf/ggml_types.h"
#include "engine/model/gguf/gguf.h"
#include "engine/model/loaded_model.h"
#include "engine/model/mapped_file.h"
#include "engine/model/rope.h"
#include "engine/model/shape_limits.h"
#include "engine/model/tokenizer/load_tokenizer.h"

namespace spanscope {

namespace {

const TensorNames kNames{.embedding = "token_embd.weight",
                         .finalNorm = "output_norm.weight",
                         .head = "output.weight",
                         .layerPrefix = "blk.",
                         .attnNorm = "attn_norm",
                         .q = "attn_q",
                         .k = "attn_k",
                         .v = "attn_v",
                         .o = "attn_output",
                         .mlpNorm = "ffn_norm",
                         .gate = "ffn_gate",
                         .up = "ffn_up",
                         .down = "ffn_down"};

void readRope(GgufFields& fields, ModelShape& shape) {
    RopeConfig rope;
    rope.theta = fields.number("llama.rope.freq_base", 1, 1e12, 10000.0);
    const std::string scaling = fields.string("llama.rope.scaling.type", "none");
    const double oldFactor = fields.number("llama.rope.scale_linear", 1e-6, 1e6, 1.0);
    if (scaling == "linear" || oldFactor != 1.0) {
        rope.scaling = RopeConfig::Scaling::Linear;
        rope.factor = fields.number("llama.rope.scaling.factor", 1e-6, 1e6, oldFactor);
    } else if (scaling != "none" && fields.ok()) {
        fields.fail(ErrorCode::Unsupported, "this program does not know this RoPE scaling", "llama.rope.scaling.type",
                    scaling, "none or linear, or a tensor rope_freqs.weight");
    }
    const int64_t dimensions = fields.integer("llama.rope.dimension_count", 1, kMaxHeadDim, shape.headDim);
    if (fields.ok() && dimensions != shape.headDim)
        fields.fail(ErrorCode::Unsupported, "RoPE on a part of each head is not supported",
                    "llama.rope.dimension_count", std::to_string(dimensions), std::to_string(shape.headDim));
    if (fields.ok()) shape.ropeInvFreq = ropeInvFreq(rope, shape.headDim);
}

/// A model in several files says so in each of them; one part alone has some of the tensors.
Status refuseSplit(const GgufFile& gguf, GgufFields& fields, const std::string& path) {
    const int64_t parts = fields.integer("split.count", 0, 65535, 0);
    const int64_t part = fields.integer("split.no", 0, 65535, 0);
    if (!fields.ok()) return fields.error();
    if (parts < 2) return {};
    const bool joined = gguf.bytesAfterTensors > 2 * gguf.header.size();
    return fileError(ErrorCode::Unsupported,
                     joined ? "parts of a split GGUF file joined byte by byte; that is no GGUF file, merge them with: "
                              "llama-gguf-split --merge"
                            : "one part of a split GGUF file; merge the parts with: llama-gguf-split --merge",
                     path, "split.count", "part " + std::to_string(part + 1) + " of " + std::to_string(parts),
                     "a whole file");
}

Result<ModelShape> readShape(GgufFields& fields) {
    ModelShape shape;
    const std::string architecture = fields.string("general.architecture");
    if (fields.ok() && architecture != "llama")
        fields.fail(ErrorCode::Unsupported, "this program does not run this architecture", "general.architecture",
                    architecture, "llama");
    const auto count = [&](const std::string& key, int32_t max, std::optional<int64_t> fallback = {}) {
        return static_cast<int32_t>(fields.integer("llama." + key, 1, max, fallback));
    };
    shape.hidden = count("embedding_length", kMaxWidth);
    shape.ffn = count("feed_forward_length", kMaxWidth);
    shape.nLayers = count("block_count", kMaxLayers);
    shape.nHeads = count("attention.head_count", kMaxHeads);
    shape.nKvHeads = count("attention.head_count_kv", kMaxHeads, shape.nHeads);
    shape.maxSeqLen = count("context_length", kMaxContext);
    shape.rmsEps = static_cast<float>(fields.number("llama.attention.layer_norm_rms_epsilon", 0, 1));
    shape.slidingWindow = static_cast<int32_t>(fields.integer("llama.attention.sliding_window", 0, kMaxContext, 0));
    if (const int64_t experts = fields.integer("llama.expert_count", 0, INT32_MAX, 0); experts > 0)
        fields.fail(ErrorCode::Unsupported, "mixtures of experts are not supported", "llama.expert_count",
                    std::to_string(experts), "0");
    if (!fields.ok()) return fields.error();
    if (shape.hidden % shape.nHeads != 0 && !fields.has("llama.attention.key_length"))
        fields.fail(ErrorCode::Format, "not a multiple of llama.attention.head_count", "llama.embedding_length",
                    std::to_string(shape.hidden), "a multiple of " + std::to_string(shape.nHeads));
    shape.headDim = count("attention.key_length", kMaxHeadDim, shape.hidden / shape.nHeads);
    const int32_t valueLength = count("attention.value_length", kMaxHeadDim, shape.headDim);
    if (fields.ok() && valueLength != shape.headDim)
        fields.fail(ErrorCode::Unsupported, "values of another size than keys are not supported",
                    "llama.attention.value_length", std::to_string(valueLength), std::to_string(shape.headDim));
    if (fields.ok() && (shape.headDim < 2 || shape.headDim > kMaxHeadDim || shape.headDim % 2 != 0))
        fields.fail(ErrorCode::Format, "RoPE needs an even head size", "llama.attention.key_length",
                    std::to_string(shape.headDim), "an even number from 2 to " + std::to_string(kMaxHeadDim));
    if (fields.ok() && shape.nHeads % shape.nKvHeads != 0)
        fields.fail(ErrorCode::Format, "does not divide llama.attention.head_count", "llama.attention.head_count_kv",
                    std::to_string(shape.nKvHeads), "a divisor of " + std::to_string(shape.nHeads));
    shape.ropeInterleaved = true;
    if (fields.ok()) readRope(fields, shape);
    if (!fields.ok()) return fields.error();
    return shape;
}

/// llama3 scaling comes as one divisor for each frequency.
Status applyRopeFactors(const TensorTable& table, ModelShape& shape) {
    const auto it = table.tensors.find("rope_freqs.weight");
    if (it == table.tensors.end()) return {};
    const TensorSource& source = it->second;
    const size_t n = shape.ropeInvFreq.size();
    if (!source.supported || source.dtype != DType::F32 || source.shape != std::vector{static_cast<int64_t>(n)})
        return fileError(ErrorCode::Format, "not one F32 number for each pair of a head", source.file, it->first,
                         source.dtypeName, "F32 (" + std::to_string(n) + ")");
    const auto* factors = reinterpret_cast<const float*>(source.bytes.data());  // GGUF aligns to 8 at least
    for (size_t i = 0; i < n; ++i) {
        if (!(factors[i] > 1e-6f && factors[i] < 1e6f))
            return fileError(ErrorCode::Format, "factor out of range", source.file, it->first,
                             std::to_string(factors[i]), "above 0");
        shape.ropeInvFreq[i] /= factors[i];
    }
    return {};
}

Status refuseUnknownTensors(const TensorTable& table, int32_t nLayers) {
    std::set<std::string> known{"attn_rot_embd.weight"};
    for (const std::string& name :
         {kNames.attnNorm, kNames.mlpNorm, kNames.q, kNames.k, kNames.v, kNames.o, kNames.gate, kNames.up, kNames.down})
        known.insert(name + ".weight");
    for (const std::string& name : {kNames.q, kNames.k, kNames.v, kNames.o, kNames.gate, kNames.up, kNames.down})
        known.insert(name + ".bias");
    for (const auto& [name, source] : table.tensors) {
        if (name == kNames.embedding || name == kNames.finalNorm || name == kNames.head || name == "rope_freqs.weight")
            continue;
        const std::string rest = name.starts_with(kNames.layerPrefix) ? name.substr(kNames.layerPrefix.size()) : "";
        const size_t dot = rest.find('.');
        const bool numbered =
            dot != std::string::npos && dot > 0 && dot <= 4 && rest.find_first_not_of("0123456789") == dot;
        if (!numbered || std::stoi(rest.substr(0, dot)) >= nLayers || !known.contains(rest.substr(dot + 1)))
            return fileError(ErrorCode::Unsupported,
                             "tensor that the Llama architecture does not have; running without it would give other "
                             "results",
                             source.file, name, "present", "absent");
    }
    return {};
}

TensorTable makeTable(const GgufFile& gguf, const std::string& path, Hash64& hash) {
    TensorTable table;
    for (const GgufTensor& tensor : gguf.tensors) {
        TensorSource source;
        const auto dtype = ggmlDType(tensor.type);
        source.bytes = tensor.bytes;
        source.dtype = dtype.value_or(DType::F32);
        source.supported = dtype.has_value();
        source.dtypeName = ggmlTypeName(tensor.type);
        source.shape = tensor.shape;
        source.file = path;
        hash.addSample(source.bytes);
        table.tensors.emplace(tensor.name, std::move(source));
    }
    return table;
}

}  // namespace

Result<std::shared_ptr<LoadedModel>> openGgufBytes(std::span<const uint8_t> bytes, const std::string& path,
                                                   bool headersOnly) {
    auto parsed = parseGguf(bytes, path);
    if (!parsed) return parsed.error();
    const auto gguf = std::make_shared<const GgufFile>(std::move(*parsed));
    GgufFields fields(*gguf, path);
    if (auto status = refuseSplit(*gguf, fields, path); !status) return status.error();
    auto shape = readShape(fields);
    if (!shape) return shape.error();

    auto model = std::make_shared<LoadedModel>();
    model->m_path = path;
    model->m_weights.shape = *shape;
    Hash64 hash;
    hash.add(gguf->header);
    TensorTable table = makeTable(*gguf, path, hash);
    ModelShape& own = model->m_weights.shape;
    // The number of pieces is the embedding's; metadata may leave it out.
    const auto embedding = table.tensors.find(kNames.embedding);
    const bool isMatrix = embedding != table.tensors.end() && embedding->second.shape.size() == 2;
    own.vocab = static_cast<int32_t>(
        fields.integer("llama.vocab_size", 1, kMaxVocab, isMatrix ? embedding->second.shape[0] : 1));
    if (!fields.ok()) return fields.error();
    if (own.vocab < 1 || own.vocab > kMaxVocab)
        return fileError(ErrorCode::Format, "number of rows out of range", path, kNames.embedding,
                         std::to_string(own.vocab), "1 to " + std::to_string(kMaxVocab));
    if (auto status = refuseUnknownTensors(table, own.nLayers); !status) return status.error();
    if (auto status = applyRopeFactors(table, own); !status) return status.error();
    const auto hasBias = [&](const std::string& name) { return table.tensors.contains("blk.0." + name + ".bias"); };
    const WeightOptions options{.headOptional = true,
                                .attentionBias = hasBias(kNames.q),
                                .oBias = hasBias(kNames.o),
                                .mlpBias = hasBias(kNames.gate)};
    if (auto status = assembleWeights(table, kNames, options, path, *model); !status) return status.error();
    model->m_hash = hash.hex();
    model->m_formatName = "GGUF " + dominantType(model->m_weights);
    if (headersOnly) return model;

    auto tokenizer = loadTokenizer({path, gguf}, own.vocab);
    if (!tokenizer) return tokenizer.error();
    model->m_tokenizer = tokenizer->tokenizer;
    model->m_name = fields.string("general.name", "");
    if (!fields.ok()) return fields.error();
    return model;
}

Result<std::shared_ptr<LoadedModel>> openGgufFile(const std::string& path, bool headersOnly,
                                                  const ProgressFn& progress) {
    auto file = MappedFile::open(path);
    if (!file) return file.error();
    auto opened = openGgufBytes((*file)->bytes(), path, headersOnly);
    if (!opened) return opened;
    LoadedModel& model = **opened;
    model.m_mappings.push_back(*file);
    if (headersOnly) return opened;
    auto card = loadCard(std::filesystem::path(path).replace_extension(".spanscope.json").string());
    if (!card) return card.error();
    model.m_card = std::move(*card);
    if (!model.m_card.name.empty()) model.m_name = model.m_card.name;
    if (model.m_name.empty()) model.m_name = std::filesystem::path(path).stem().string();
    if (auto status = checkVocabulary(model, path); !status) return status.error();
    if (auto status = loadTensors(model, progress); !status) return status.error();
    return opened;
}

}  // namespace spanscope
