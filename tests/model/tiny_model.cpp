#include "tests/model/tiny_model.h"

#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

namespace spanscope::test {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

uint16_t toBf16(float value) {
    const auto bits = std::bit_cast<uint32_t>(value);
    return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

/// Values here are far from overflow and from subnormal numbers that matter: small ones become 0.
uint16_t toF16(float value) {
    const auto bits = std::bit_cast<uint32_t>(value);
    const uint32_t sign = bits >> 16 & 0x8000;
    const int32_t exponent = static_cast<int32_t>(bits >> 23 & 0xFF) - 127 + 15;
    if (exponent <= 0) return static_cast<uint16_t>(sign);
    const uint32_t mantissa = bits & 0x7FFFFF;
    const uint32_t half = static_cast<uint32_t>(exponent) << 10 | mantissa >> 13;
    return static_cast<uint16_t>(sign | (half + (mantissa >> 12 & 1)));
}

struct NamedTensor {
    std::string name;
    std::vector<int64_t> shape;
    std::string bytes;
};

class Weights {
  public:
    explicit Weights(const TinyModelOptions& options) : m_options(options), m_random(options.seed) {}

    void add(const std::string& name, std::vector<int64_t> shape, double mean, double deviation) {
        int64_t count = 1;
        for (const int64_t n : shape) count *= n;
        std::string bytes;
        for (int64_t i = 0; i < count; ++i) append(bytes, static_cast<float>(mean + deviation * gaussian()));
        m_tensors.push_back({name, std::move(shape), std::move(bytes)});
    }
    void linear(const std::string& name, int64_t rows, int64_t cols, bool bias) {
        add(name + ".weight", {rows, cols}, 0, 1.0 / std::sqrt(static_cast<double>(cols)));
        if (bias) add(name + ".bias", {rows}, 0, 0.1);
    }
    const std::vector<NamedTensor>& tensors() const { return m_tensors; }

  private:
    /// Box-Muller by hand: the standard library's distributions differ between implementations.
    double gaussian() {
        const double u = (static_cast<double>(m_random() >> 11) + 1) / 9007199254740993.0;
        const double v = static_cast<double>(m_random() >> 11) / 9007199254740992.0;
        return std::sqrt(-2 * std::log(u)) * std::cos(2 * 3.14159265358979323846 * v);
    }
    void append(std::string& bytes, float value) const {
        if (m_options.dtype == DType::F32) {
            bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
        } else {
            const uint16_t half = m_options.dtype == DType::F16 ? toF16(value) : toBf16(value);
            bytes.append(reinterpret_cast<const char*>(&half), sizeof half);
        }
    }

    const TinyModelOptions& m_options;
    std::mt19937_64 m_random;
    std::vector<NamedTensor> m_tensors;
};

const char* typeName(DType dtype) {
    if (dtype == DType::F16) return "F16";
    return dtype == DType::BF16 ? "BF16" : "F32";
}

std::string safetensors(const std::vector<NamedTensor>& tensors, const TinyModelOptions& options) {
    json header = {{"__metadata__", {{"format", "pt"}}}};
    std::string data;
    for (const NamedTensor& tensor : tensors) {
        header[tensor.name] = {{"dtype", typeName(options.dtype)},
                               {"shape", tensor.shape},
                               {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
        data += tensor.bytes;
    }
    std::string text = header.dump();
    const size_t padding =
        options.headerPadding >= 0 ? static_cast<size_t>(options.headerPadding) : 7 - (text.size() + 7) % 8;
    text.append(padding, ' ');
    std::string length(8, '\0');
    for (size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(text.size() >> (8 * i) & 0xFF);
    return length + text + data;
}

std::string configText(const TinyModelOptions& o, int32_t vocab) {
    json config = {{"architectures", {o.slidingWindow > 0 ? "MistralForCausalLM" : "LlamaForCausalLM"}},
                   {"model_type", o.slidingWindow > 0 ? "mistral" : "llama"},
                   {"hidden_act", "silu"},
                   {"hidden_size", o.hidden},
                   {"intermediate_size", o.ffn},
                   {"num_hidden_layers", o.nLayers},
                   {"num_attention_heads", o.nHeads},
                   {"num_key_value_heads", o.nKvHeads},
                   {"head_dim", o.headDim},
                   {"vocab_size", vocab},
                   {"max_position_embeddings", o.maxSeqLen},
                   {"rms_norm_eps", 1e-5},
                   {"rope_theta", 10000.0},
                   {"tie_word_embeddings", o.tiedHead},
                   {"attention_bias", o.attentionBias},
                   {"mlp_bias", o.mlpBias}};
    if (o.slidingWindow > 0) config["sliding_window"] = o.slidingWindow;
    return config.dump(1);
}

std::string cardJson() {
    const json card = {{"protocol_version", 1},
                       {"name", "tiny"},
                       {"description", "random weights for tests"},
                       {"license", "none"},
                       {"trained_on", "nothing"},
                       {"tasks",
                        {{{"name", "expression"},
                          {"prefill", "causal"},
                          {"heads", true},
                          {"max_operators", 4},
                          {"max_value", 9999},
                          {"max_factor", 99}},
                         {{"name", "sheet"},
                          {"prefill", "segmented"},
                          {"heads", false},
                          {"max_lines", 8},
                          {"max_value", 9999},
                          {"max_factor", 99}},
                         {{"name", "news"}, {"prefill", "causal"}, {"heads", false}, {"max_sentences", 16}}}}};
    return card.dump(1);
}

bool writeWeights(const std::string& folder, const Weights& weights, const TinyModelOptions& options) {
    const auto& all = weights.tensors();
    if (options.nShards <= 1) return writeFile(folder + "/model.safetensors", safetensors(all, options));
    json map = json::object();
    for (int32_t shard = 0; shard < options.nShards; ++shard) {
        const std::string name = "model-" + std::to_string(shard) + ".safetensors";
        std::vector<NamedTensor> part;
        for (size_t i = static_cast<size_t>(shard); i < all.size(); i += static_cast<size_t>(options.nShards)) {
            part.push_back(all[i]);
            map[all[i].name] = name;
        }
        if (!writeFile(folder + "/" + name, safetensors(part, options))) return false;
    }
    return writeFile(folder + "/model.safetensors.index.json", json{{"weight_map", map}}.dump(1));
}

}  // namespace

bool writeFile(const std::string& path, const std::string& bytes) {
    std::ofstream file(path, std::ios::binary);
    file << bytes;
    file.close();
    if (!file) std::fprintf(stderr, "cannot write %s\n", path.c_str());
    return static_cast<bool>(file);
}

std::string readFile(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    return content.str();
}

std::string tinyTokenizerPath() { return SPANSCOPE_SOURCE_DIR "/resources/models/arith/tokenizer.model"; }

bool writeTinyModel(const std::string& folder, const TinyModelOptions& o) {
    std::error_code ignored;
    fs::create_directories(folder, ignored);
    const std::string tokenizerBytes = readFile(tinyTokenizerPath());
    if (!writeFile(folder + "/tokenizer.model", tokenizerBytes)) return false;
    auto tokenizer = loadSentencePiece(folder + "/tokenizer.model");
    if (!tokenizer) {
        std::fprintf(stderr, "%s\n", tokenizer.error().toString().c_str());
        return false;
    }
    const int32_t vocab = (*tokenizer)->vocabSize() + o.spareRows;
    Weights weights(o);
    weights.add("model.embed_tokens.weight", {vocab, o.hidden}, 0, 1);
    for (int32_t i = 0; i < o.nLayers; ++i) {
        const std::string prefix = "model.layers." + std::to_string(i) + ".";
        weights.add(prefix + "input_layernorm.weight", {o.hidden}, 1, 0.1);
        weights.linear(prefix + "self_attn.q_proj", o.nHeads * o.headDim, o.hidden, o.attentionBias);
        weights.linear(prefix + "self_attn.k_proj", o.nKvHeads * o.headDim, o.hidden, o.attentionBias);
        weights.linear(prefix + "self_attn.v_proj", o.nKvHeads * o.headDim, o.hidden, o.attentionBias);
        weights.linear(prefix + "self_attn.o_proj", o.hidden, o.nHeads * o.headDim, o.attentionBias);
        weights.add(prefix + "post_attention_layernorm.weight", {o.hidden}, 1, 0.1);
        weights.linear(prefix + "mlp.gate_proj", o.ffn, o.hidden, o.mlpBias);
        weights.linear(prefix + "mlp.up_proj", o.ffn, o.hidden, o.mlpBias);
        weights.linear(prefix + "mlp.down_proj", o.hidden, o.ffn, o.mlpBias);
    }
    weights.add("model.norm.weight", {o.hidden}, 1, 0.1);
    if (!o.tiedHead) weights.add("lm_head.weight", {vocab, o.hidden}, 0, 1.0 / std::sqrt(o.hidden));
    if (o.card && !writeFile(folder + "/spanscope.json", cardJson())) return false;
    return writeFile(folder + "/config.json", configText(o, vocab)) && writeWeights(folder, weights, o);
}

std::shared_ptr<const Model> tinyModel(const TinyModelOptions& options) {
    ScratchFolder folder;  // may go at once: the mappings outlive the names
    if (!writeTinyModel(folder.path(), options)) std::exit(99);
    auto model = openModel(folder.path());
    if (!model) {
        std::fprintf(stderr, "tiny model: %s\n", model.error().toString().c_str());
        std::exit(99);
    }
    return *model;
}

ScratchFolder::ScratchFolder() {
    std::string pattern = (fs::temp_directory_path() / "spanscope-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
        std::perror("mkdtemp");
        std::exit(99);
    }
    m_path = pattern;
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(m_path, ignored);
}

}  // namespace spanscope::test
