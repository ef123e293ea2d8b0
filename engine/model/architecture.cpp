#include "engine/model/architecture.h"

#include <vector>

namespace spanscope {

namespace {

using enum FileFormat;
using Unless = Refusal::Unless;
using L = LayerWeights;

constexpr std::string_view kAttentionBias = "attention_bias", kMlpBias = "mlp_bias";

constexpr std::array kLlamaParts{
    LayerPart{&L::attnNorm, {"input_layernorm.weight", "attn_norm.weight"}},
    LayerPart{&L::q, {"self_attn.q_proj.weight", "attn_q.weight"}},
    LayerPart{&L::k, {"self_attn.k_proj.weight", "attn_k.weight"}},
    LayerPart{&L::v, {"self_attn.v_proj.weight", "attn_v.weight"}},
    LayerPart{&L::qBias, {"self_attn.q_proj.bias", "attn_q.bias"}, kAttentionBias},
    LayerPart{&L::kBias, {"self_attn.k_proj.bias", "attn_k.bias"}, kAttentionBias},
    LayerPart{&L::vBias, {"self_attn.v_proj.bias", "attn_v.bias"}, kAttentionBias},
    LayerPart{&L::o, {"self_attn.o_proj.weight", "attn_output.weight"}},
    LayerPart{&L::oBias, {"self_attn.o_proj.bias", "attn_output.bias"}, kAttentionBias},
    LayerPart{&L::mlpNorm, {"post_attention_layernorm.weight", "ffn_norm.weight"}},
    LayerPart{&L::gate, {"mlp.gate_proj.weight", "ffn_gate.weight"}},
    LayerPart{&L::up, {"mlp.up_proj.weight", "ffn_up.weight"}},
    LayerPart{&L::gateBias, {"mlp.gate_proj.bias", "ffn_gate.bias"}, kMlpBias},
    LayerPart{&L::upBias, {"mlp.up_proj.bias", "ffn_up.bias"}, kMlpBias},
    LayerPart{&L::down, {"mlp.down_proj.weight", "ffn_down.weight"}},
    LayerPart{&L::downBias, {"mlp.down_proj.bias", "ffn_down.bias"}, kMlpBias},
};

constexpr std::array kLlamaScalings{
    RopeScalingName{RopeScaling::None, {"default", "none"}}, RopeScalingName{RopeScaling::Linear, {"linear", "linear"}},
    RopeScalingName{RopeScaling::Llama3, {"llama3", ""}},  // GGUF: ropeDivisors
};

constexpr std::string_view kPartialRope = "RoPE on a part of each head is not supported";

constexpr std::array kLlamaRefusals{
    Refusal{HuggingFace, "hidden_act", Unless::Text, "this program does not run this activation", {"silu", "swish"}},
    Refusal{HuggingFace, "quantization_config", Unless::Absent,
            "quantised Hugging Face checkpoints are not supported; F32, F16, BF16 and GGUF files are"},
    Refusal{HuggingFace, "partial_rotary_factor", Unless::Number, kPartialRope, {}, 1},
    Refusal{Gguf, "rope.dimension_count", Unless::HeadSize, kPartialRope},
    Refusal{Gguf, "attention.value_length", Unless::HeadSize, "values of another size than keys are not supported"},
    Refusal{Gguf, "expert_count", Unless::Number, "mixtures of experts are not supported", {}, 0},
};

constexpr Architecture kLlama{
    .name = "Llama",
    .className = "LlamaForCausalLM",
    .type = {"llama", "llama"},
    .hidden = {{"hidden_size", "embedding_length"}},
    .ffn = {{"intermediate_size", "feed_forward_length"}},
    .nLayers = {{"num_hidden_layers", "block_count"}},
    .nHeads = {{"num_attention_heads", "attention.head_count"}},
    .nKvHeads = {{"num_key_value_heads", "attention.head_count_kv"}},
    .headDim = {{"head_dim", "attention.key_length"}},
    .vocab = {{"vocab_size", "vocab_size"}},
    .maxSeqLen = {{"max_position_embeddings", "context_length"}, 2048},
    .rmsEps = {{"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, 1e-6},
    .slidingWindow = {{"", "attention.sliding_window"}},  // GGUF files of Mistral call themselves llama
    .ropeTheta = {{"rope_theta", "rope.freq_base"}, 10000.0, 10000.0},
    .ropeScalings = kLlamaScalings,
    .ggufRopeInterleaved = true,
    .tiedHeadKey = "tie_word_embeddings",
    .embedding = {"model.embed_tokens.weight", "token_embd.weight"},
    .finalNorm = {"model.norm.weight", "output_norm.weight"},
    .head = {"lm_head.weight", "output.weight"},
    .layerPrefix = {"model.layers.", "blk."},
    .layerParts = kLlamaParts,
    .ropeDivisors = {"", "rope_freqs.weight"},
    .ignoredInLayers = {"self_attn.rotary_emb.inv_freq", "attn_rot_embd.weight"},
    .refusals = kLlamaRefusals,
};

constexpr Architecture kMistral = [] {
    Architecture a = kLlama;
    a.name = "Mistral";
    a.className = "MistralForCausalLM";
    a.type = {"mistral", ""};
    a.slidingWindow = {{"sliding_window", ""}};
    return a;
}();

constexpr std::array<const Architecture*, 2> kAll{&kLlama, &kMistral};

std::string oneOf(const std::vector<std::string_view>& names) {
    std::string text;
    for (size_t i = 0; i < names.size(); ++i) {
        if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
        text += names[i];
    }
    return text;
}

}  // namespace

std::span<const Architecture* const> allArchitectures() { return kAll; }

const Architecture* architectureOfClass(std::string_view className) {
    for (const Architecture* a : kAll)
        if (a->className == className) return a;
    return nullptr;
}

const Architecture* architectureOfType(FileFormat format, std::string_view type) {
    for (const Architecture* a : kAll)
        if (!type.empty() && a->type.in(format) == type) return a;
    return nullptr;
}

std::string knownClasses() {
    std::vector<std::string_view> names;
    for (const Architecture* a : kAll) names.push_back(a->className);
    return oneOf(names);
}

std::string knownTypes(FileFormat format) {
    std::vector<std::string_view> names;
    for (const Architecture* a : kAll)
        if (!a->type.in(format).empty()) names.push_back(a->type.in(format));
    return oneOf(names);
}

std::string knownScalings(const Architecture& architecture, FileFormat format) {
    std::vector<std::string_view> names;
    for (const RopeScalingName& s : architecture.ropeScalings)
        if (!s.name.in(format).empty()) names.push_back(s.name.in(format));
    return oneOf(names);
}

}  // namespace spanscope
